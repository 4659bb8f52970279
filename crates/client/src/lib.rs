//! The client side of the chat system, for programs: terminals, bots, tests.
//!
//! Three nouns. A [`Client`] is the handle: it makes requests, from any thread, and keeps one connection alive behind
//! the scenes. [`Events`] is what comes unasked: above all messages, of each conversation every one exactly once and in
//! order of seq, own ones included, whatever happens to connections in between. [`SyncState`] is what to remember so
//! that this also holds across processes. [`session::Session`] is the machine inside, without I/O, for whoever brings a
//! loop of their own.
//!
//! What the client does by itself: it says HELLO, keeps the heartbeat, connects again with backoff and jitter, goes on
//! with the session by its token, fetches what was missed, fills gaps, acknowledges what was taken, and repeats what is
//! safe to repeat. What it leaves to the application: everything else that was under way when a connection was lost
//! fails with [`ClientError::ConnectionLost`], which says whether it may have happened.
//!
//! A message counts as taken when [`Events`] has handed it out: then it is acknowledged, at most once a second for each
//! conversation, and not shown again by the next process. What waits in a queue when a process dies comes again. Every
//! queue is bounded, by the numbers in [`limits`]; an application that takes no events still gets its answers, and finds
//! every message later. `examples/echo_bot.rs` is a whole program.
//!
//! With the feature `store`, which is on by default, a [`store::Store`] keeps a copy of it all in one file, and
//! [`store::StoredEvents`] hands out what is kept already: a message then counts as taken once it is written.
//!
//! ```no_run
//! use client::{Client, Config, Event};
//! use protocol::{Login, Secret};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, events) = Client::connect(Config::new("127.0.0.1:7000").device("bot"))?;
//! let me = client.log_in(Login {
//!     name: Some("echo".into()),
//!     password: Secret::new("correct horse"),
//!     ..Login::default()
//! })?;
//! loop {
//!     if let Event::Message { message, .. } = events.next()?
//!         && message.from != me.id
//!     {
//!         client.say_to_friend(message.from, &message.msg)?;
//!     }
//! }
//! # }
//! ```

#![allow(
    clippy::disallowed_methods,
    reason = "the I/O thread is this crate's reactor; the session is told the time"
)]

mod acks;
mod backoff;
mod client;
mod config;
mod entries;
mod error;
mod event;
mod event_queue;
mod events;
mod feeds;
mod hides;
mod io_thread;
pub mod limits;
mod list_versions;
mod msg_id;
mod quiet;
mod reading;
mod requests;
mod resync;
pub mod session;
#[cfg(feature = "store")]
pub mod store;
mod sync_state;
mod timeline;
mod timelines;
mod told;

pub use client::{Client, Pending};
pub use config::{ChatOrder, Config};
pub use error::{ClientError, Happened};
pub use event::{Arrival, Event, Next, SessionEnd, SignInKind};
pub use events::{Events, NoMoreEvents};
pub use list_versions::ListVersions;
pub use msg_id::MsgIds;
pub use protocol;
pub use quiet::{Mentioned, Quiet, should_notify};
pub use reading::Reading;
pub use sync_state::SyncState;
