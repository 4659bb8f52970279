//! How a node is operated: what its admin address shows (`status`, `metrics`), how it leaves (`leaving`), what it hears from
//! balancers (`balancers`), when its log gets another epoch (`epoch`), what programs order it (`orders`), and what its log says (`logs`).

mod balancers;
mod epoch;
mod leaving;
mod logs;
mod metrics;
mod orders;
mod status;

use testkit::{MariaDb, Redis};

use crate::support::{DEADLINE, Options, Server, Store};

/// A node on its own that operators can ask.
fn alone() -> Options {
    Options::on(Store::Sqlite).with("admin", "127.0.0.1:0")
}

/// A node of a cluster that operators can ask.
fn clustered(database: &MariaDb, name: &str, redis: &Redis) -> Options {
    Options::on_url(database.url(name)).with("redis", redis.url()).with("admin", "127.0.0.1:0")
}

/// Waits for the end of a server that was told to stop.
fn ends_well(server: &mut Server) {
    let status = server.process().wait(DEADLINE);
    assert!(status.success(), "it exited with {status}");
}
