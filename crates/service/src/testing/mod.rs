//! For tests of the service and of what embeds it: hubs without connections, and a service over in-memory ports.
//!
//! ```
//! use protocol::Push;
//! use service::testing::Harness;
//!
//! let harness = Harness::new();
//! let (alice, bob) = (harness.login("alice"), harness.login("bob"));
//! let conv = harness.befriend(&alice, &bob);
//! let sent = alice.say(&bob, "c-1", "hello").unwrap();
//! assert_eq!((sent.conv, sent.seq), (conv, 1));
//! assert!(matches!(&bob.pushes()[..], [Push::Message(message)] if message.msg == "hello"));
//! ```

#![expect(clippy::expect_used, reason = "a test that goes wrong here should stop here")]

mod harness;
mod recording_hub;

pub use harness::{Device, Harness, PASSWORD, config};
pub use recording_hub::{NullHub, RecordingHub};
