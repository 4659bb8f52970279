//! The real client against the real server, on SQLite and on MariaDB: people at terminals whose rendered screens are
//! looked at, and scripts. Every test has a server of its own.

#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod attention;
mod bot;
mod broadcasts;
mod corrections;
mod evening;
mod hidden;
mod hostile;
mod kept;
mod outage;
mod people;
mod person;
mod replies;
mod screens;
mod script;
mod scripts;
mod server;
mod typing;
mod walk_through;

use std::time::Duration;

/// How long anything may take that should come at once. Far above the usual: machines are shared.
const LIMIT: Duration = Duration::from_secs(90);

/// Everybody's password.
const PASSWORD: &str = "correct horse";
