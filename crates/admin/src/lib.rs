//! A small HTTP server for operators and their tools: is this process alive, may it be sent clients, what does it count.
//!
//! [`Status`] is what the program shows; [`Admin::start`] serves it on a listener that the caller bound, with one loop of
//! the [`reactor`], apart from the loops that serve users. Three paths to look at, and with [`Orders`] one that changes
//! something:
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 while the process works, else 503 and a sentence |
//! | `/readyz` | 200 while it should be sent clients, else 503 and a sentence |
//! | `/metrics` | what it counts, in Prometheus' text format 0.0.4 |
//! | POST `/broadcasts` | what became of it ([`Outcome`]); 401 without the right bearer token |
//!
//! It speaks as much HTTP/1.1 as scrapers and probes do: GET and HEAD without a body, pipelined or one by one, and POST of
//! an order, whose answer closes the connection. Looking needs no password: the address is to be one that only operators
//! reach. Ordering needs a token. Still nobody there can do harm: heads, bodies, their time, the number of connections and
//! of orders, and what is owed to a peer are limited (`limits.rs`).
//!
//! ```
//! use std::{io::{Read, Write}, net::TcpStream, sync::Arc};
//! use admin::{Admin, Status};
//!
//! struct Always;
//!
//! impl Status for Always {
//!     fn health(&self) -> Result<(), String> { Ok(()) }
//!     fn readiness(&self) -> Result<(), String> { Err("draining".to_owned()) }
//!     fn metrics(&self) -> String { "up 1\n".to_owned() }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = reactor::listen("127.0.0.1:0".parse()?, 16)?;
//! let address = listener.local_addr()?;
//! let _running = Admin::start(listener, Arc::new(Always), None)?;
//!
//! let mut stream = TcpStream::connect(address)?;
//! stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\ndraining\n"));
//! # Ok(())
//! # }
//! ```

mod admin;
mod answer;
mod limits;
mod orders;
mod request;
mod visitor;

pub use admin::{Admin, RunningAdmin};
pub use orders::{Orders, Outcome};

/// What a program shows its operators. Called in the admin's own loop: it may take locks for a moment, but waits for nothing.
pub trait Status: Send + Sync + 'static {
    /// Whether the process works; a sentence if it should be started anew.
    fn health(&self) -> Result<(), String>;

    /// Whether it should be sent clients; a sentence why not.
    fn readiness(&self) -> Result<(), String>;

    /// What it counts, in Prometheus' text format 0.0.4.
    fn metrics(&self) -> String;
}
