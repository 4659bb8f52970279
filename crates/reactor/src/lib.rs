//! A main/sub reactor on [mio](https://docs.rs/mio): TCP connections, their outboxes, deadlines and mailboxes, served by
//! a few threads that each run one event loop. It knows bytes; what they mean is its user's business.
//!
//! # The nouns, and how they meet
//!
//! A [`Reactor`] starts one **main reactor**, which accepts, and `io_threads` **sub reactors**, which serve. Each accepted
//! socket is handed to the next sub reactor in turn, which owns it until its end: no other thread ever touches the socket
//! or its buffers, so there is nothing to lock.
//!
//! A [`Handler`] is what you write: one instance per sub reactor, called only in that loop's thread, with the state
//! of each connection (`Handler::Conn`) kept by the loop. In each call the handler is lent a [`Link`], the reactor's
//! side of the connection, to send, pause, set a deadline or close.
//!
//! A [`ConnId`] names a connection, a [`Remote`] reaches it from other threads with [`Command`]s: a worker that has
//! computed an answer posts it to the connection's loop. Names are never reused, so a late answer cannot reach the
//! wrong peer.
//!
//! ```
//! use std::{convert::Infallible, io::{Read, Write}, net::TcpStream, time::Duration};
//! use bytes::Bytes;
//! use reactor::{CloseReason, Config, ConnId, Handler, Link, Reactor};
//!
//! struct Shout;
//!
//! impl Handler for Shout {
//!     type Conn = ();
//!     type Mail = Infallible; // no other thread has anything to tell a connection
//!
//!     fn open(&mut self, _: &mut Link<'_>) {}
//!     fn data(&mut self, conn: &mut Link<'_>, _: &mut (), input: &[u8]) -> usize {
//!         conn.send(Bytes::from(input.to_ascii_uppercase()));
//!         input.len()
//!     }
//!     fn mail(&mut self, _: &mut Link<'_>, _: &mut (), mail: Infallible) {
//!         match mail {}
//!     }
//!     fn closed(&mut self, _: ConnId, _: (), _: CloseReason) {}
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = reactor::listen("127.0.0.1:0".parse()?, 1024)?;
//! let addr = listener.local_addr()?;
//! let running = Reactor::start(vec![listener], Config::default(), |_| Shout)?;
//!
//! let mut client = TcpStream::connect(addr)?;
//! client.write_all(b"hello")?;
//! let mut answer = [0; 5];
//! client.read_exact(&mut answer)?;
//! assert_eq!(&answer, b"HELLO");
//!
//! running.stop(Duration::from_secs(1));
//! running.join()?;
//! # Ok(())
//! # }
//! ```
//!
//! # A turn of a sub reactor
//!
//! 1. Wait for events, or for the next deadline; not at all while work is left. Read the clock, once.
//! 2. Note what each event said: epoll is edge-triggered and says it once.
//! 3. Take the whole mailbox: new sockets, commands, perhaps the order to stop.
//! 4. Let each ready connection read one budget (`read_budget_bytes`) and offer it to the handler. Who has more to read
//!    gets the next turn after all others: one flooding connection delays nobody by more than its budget. All together
//!    read at most `turn_budget_bytes`; who is left over comes first in the next turn.
//! 5. Fire deadlines, from a hashed timer wheel. Not yet in a turn that comes late, as after a pause of the process: first
//!    all sockets are looked at, and what waits there is read and what can be written is written, so that who spoke
//!    in time is heard before anybody's time is over.
//! 6. Let the handler pass on what it gathered ([`Handler::turn_end`]), and forward what it sent to other connections.
//! 7. Write every outbox that changed, each with one gathered write: ten messages to one peer are one system call.
//! 8. Bury the dead, and tell the handler of each.
//!
//! # Limits
//!
//! All in [`Config`]. A connection whose outbox passes `outbox_high_bytes` is no longer read from; one that passes
//! `outbox_hard_bytes`, or takes nothing for `write_stall`, is cut with a farewell of the handler's choice. Input that a
//! handler leaves unconsumed is bounded by `input_bytes_max`, a mailbox by `mailbox_commands_max`, the number of
//! connections by `connections_max`. What all connections hold together is bounded by `outbox_total_bytes_max` and
//! `input_total_bytes_max`: beyond these, those who hold much and go on are let go. An idle connection holds no buffer at all, only its slab entry of some 250 bytes.
//!
//! # System
//!
//! Linux, 64 bit. `SIGPIPE` never kills: Rust programs ignore it, and a write to a vanished peer is an ordinary
//! [`CloseReason::Reset`]. Running out of descriptors is survived: newcomers are turned away with a descriptor held in
//! reserve for that, and accepting goes on when others are free again.

mod agenda;
mod clock;
mod close;
mod config;
mod conn_id;
mod connection;
mod handler;
mod input;
mod link;
mod listen;
mod mailbox;
mod main_reactor;
mod metrics;
mod outbox;
mod reactor;
mod remote;
mod signals;
mod sub_reactor;
mod wheel;

pub use close::CloseReason;
pub use config::{Config, ConfigError};
pub use conn_id::ConnId;
pub use handler::{Handler, LoopInfo};
pub use link::Link;
pub use listen::listen;
pub use metrics::{Metrics, Snapshot};
pub use reactor::{Departure, Reactor, ReactorDied, Running, StartError, Stopper};
pub use remote::{Command, MailboxFull, Remote};
