//! A device's line to the server: what it can be asked, and what is heard over it.
//!
//! Two ways to speak, [`library`] and [`frames`], for the same scripts. A line belongs to its device's thread.

mod frames;
mod frames_broadcasts;
mod frames_changes;
mod frames_hides;
mod frames_quiet;
mod frames_reading;
mod frames_sync;
mod library;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use client::Reading;
use protocol::{
    Broadcast, Changed, ChatMessage, FriendEvent, Hidden, PresencePush, Refusal, Reply, Request, Secret,
    SignedIn,
};

use super::evidence::{Gap, Pushed, QuietHeld, Tongue};

/// Names a request for whoever waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// What a device knows when it is switched on.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) user: u64,
    pub(crate) name: String,
    pub(crate) device: String,
    pub(crate) token: Option<Secret>,
    /// Conversation → seq up to which everything was shown.
    pub(crate) cursors: BTreeMap<u64, u64>,
    /// Conversation → position up to which its changes were shown.
    pub(crate) changes: BTreeMap<u64, u64>,
    /// Conversation → seq up to which somebody looked at it on this device.
    pub(crate) reads: BTreeMap<u64, u64>,
    /// Position up to which the device was told what the user hid.
    pub(crate) hidden: u64,
    /// The broadcast that was shown last.
    pub(crate) broadcasts: u64,
}

/// Something that is heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A session began or goes on.
    SignedIn(Box<SignedIn>),
    /// The connection is gone; another one is made. In a few words why.
    Disconnected(String),
    /// The session is over: log in again.
    SessionEnded,
    /// The next message of its conversation.
    Message(ChatMessage),
    /// A message that was shown, or never will be, is otherwise now.
    Changed(Changed),
    /// What the user keeps quiet.
    Quiet(QuietHeld),
    /// The next message that the user hid.
    Hidden(Hidden),
    /// The next thing that the operator says.
    Broadcast(Broadcast),
    /// A message came over the wire, whether or not it is shown.
    Pushed(Pushed),
    /// Messages are passed over.
    Gap(Gap),
    Friend(FriendEvent),
    Presence(PresencePush),
    /// Something was dropped: the lists must be asked for again.
    Dropped,
    Answer(Ticket, Result<Reply, NoAnswer>),
}

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Refused(Refusal),
    /// It may have been done, or may be done later.
    Uncertain,
    /// It was not sent.
    NotSent,
}

/// How a device is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// It says what it owes.
    Polite,
    /// Its connection is gone already.
    Sudden,
}

/// A device's line. It connects, and connects again, by itself.
pub(crate) trait Line: Send {
    /// Asks. The answer is heard, exactly once, unless the line is closed before.
    fn ask(&mut self, ticket: Ticket, request: Request);

    /// Somebody looks at everything of a conversation up to `seq`. The line tells the server, and again if that was lost.
    fn read(&mut self, conv: u64, seq: u64);

    /// How far everybody got, as this device has it.
    fn readings(&mut self) -> BTreeMap<u64, Reading>;

    /// Waits for something to be heard, not much longer than `patience`, and appends it.
    fn hear(&mut self, patience: Duration, heard: &mut Vec<Heard>);

    /// Closes it; the session stays. Requests without answer are uncertain from then on.
    fn close(self: Box<Self>, parting: Parting);
}

/// Opens a line to `server`.
pub(crate) fn open(tongue: Tongue, server: SocketAddr, memory: Memory, seed: u64) -> Box<dyn Line> {
    match tongue {
        Tongue::Library => Box::new(library::LibraryLine::open(server, memory)),
        Tongue::Frames => Box::new(frames::FramesLine::open(server, memory, seed)),
    }
}
