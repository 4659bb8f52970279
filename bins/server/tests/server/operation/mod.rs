//! How a node is operated: what its admin address shows (`status`, `metrics`), how it leaves (`leaving`), what it hears from
//! balancers (`balancers`), and what its log says (`logs`).

mod balancers;
mod leaving;
mod logs;
mod metrics;
mod status;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

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

/// Where operators ask a server. It stays the same until the server is started anew.
fn admin(server: &Server) -> SocketAddr {
    let (_, address) =
        server.announcement().rsplit_once(", admin on ").expect("an admin address is announced");
    address.parse().expect("an address")
}

/// Waits for the end of a server that was told to stop.
fn ends_well(server: &mut Server) {
    let status = server.process().wait(DEADLINE);
    assert!(status.success(), "it exited with {status}");
}

/// Asks an admin address; status and body.
fn ask(admin: SocketAddr, path: &str) -> (u16, String) {
    try_ask(admin, path).expect("an answer")
}

/// The same of a server that may have gone.
fn try_ask(admin: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
