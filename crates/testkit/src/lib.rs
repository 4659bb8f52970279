//! Real parts for tests, each private to the test that starts it.
//!
//! [`MariaDb`] is a database server of one's own: a temporary folder, a free port, gone with its test. [`Redis`] is the
//! same for Redis. [`Proxy`] stands between a client and a server and cuts, holds or refuses on demand. [`Nginx`] balances
//! over nodes as it does in production. [`Process`] guards a child process, such as one of our binaries; [`Terminal`] runs
//! one in a pseudo-terminal and renders its screen. [`eventually`] waits for something with a deadline. Only ever a
//! dev-dependency, but for the bench: its fault test is a test too, one that is run by hand.
//!
//! A harness fails by panicking, with a message that says what to do: nothing is skipped because a program is missing.
//!
//! ```no_run
//! let server = testkit::MariaDb::start();
//! let database = server.create_database("chat");
//! let proxy = testkit::Proxy::start(server.address());
//! proxy.hold(); // from here on no byte gets through
//! # drop(database);
//! ```

#![allow(clippy::disallowed_methods, reason = "deadlines of real processes are measured on the real clock")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test harness fails by panicking")]

mod mariadb;
mod nginx;
mod port;
mod process;
mod proxy;
mod rates;
mod redis;
mod template;
mod terminal;
mod wait;

pub use mariadb::{Flush, MariaDb};
pub use nginx::{Nginx, Upstream};
pub use port::Port;
pub use process::Process;
pub use proxy::{Proxy, Way, When};
pub use rates::no_rates;
pub use redis::Redis;
pub use rustix::process::Signal;
pub use terminal::{Terminal, TerminalSize};
pub use wait::eventually;
