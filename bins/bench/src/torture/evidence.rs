//! What is known after a run: what every device asked, was answered and was shown, and what the database holds.
//!
//! Collected by the actors' threads and by [`log`](super::log), judged by [`checker`](super::checker). Plain data, so
//! that tests can doctor it.

use std::{
    collections::{BTreeMap, VecDeque, hash_map::DefaultHasher},
    fmt,
    hash::{Hash, Hasher},
};

use client::Reading;
use protocol::{ChatMessage, Code, Hidden, Quiet, State};

/// Names a device: the person's and the device's place in the cast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) person: usize,
    pub(crate) device: usize,
}

/// How a device speaks to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// With the client library; judged is what the library hands to its application.
    #[default]
    Library,
    /// With frames of our own, by the contract of `docs/protocol.md`.
    Frames,
}

/// What one device wrote down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) who: Who,
    pub(crate) tongue: Tongue,
    /// The user's id.
    pub(crate) user: u64,
    /// Messages as they were shown to the person, in order of arrival.
    pub(crate) shown: Vec<Shown>,
    /// Pushes as they came over the wire, applied or not. Only from [`Tongue::Frames`].
    pub(crate) pushed: Vec<Pushed>,
    /// Ranges that the client passed over.
    pub(crate) gaps: Vec<Gap>,
    /// What it tried to say.
    pub(crate) sends: Vec<Send>,
    /// What it tried to change of what it had said.
    pub(crate) changes: Vec<Change>,
    /// What it tried to keep quiet.
    pub(crate) quiets: Vec<QuietDeed>,
    /// What it tried to hide.
    pub(crate) hides: Vec<HideDeed>,
    /// Conversation → up to where somebody looked at it on this device.
    pub(crate) reads: BTreeMap<u64, u64>,
    /// READs that this took.
    pub(crate) reads_asked: u64,
    /// Conversation and seq → the message as the device holds it now.
    pub(crate) held: BTreeMap<(u64, u64), Held>,
    /// Conversation → how far everybody got, as the device has it.
    pub(crate) readings: BTreeMap<u64, Reading>,
    /// What the user keeps quiet, as the device has it.
    pub(crate) quiet: QuietHeld,
    /// What the user hid, as the device was told, in order of arrival.
    pub(crate) hidden: Vec<Hidden>,
    /// What the operator said, as the device was told, in order of arrival.
    pub(crate) broadcasts: Vec<Told>,
    /// Friends' presence, as told.
    pub(crate) view: BTreeMap<u64, State>,
    /// Sign-ins, by password and by token.
    pub(crate) sign_ins: u64,
    /// What happened to its connection, its session and its friends last: Unix milliseconds and words.
    pub(crate) notes: VecDeque<(u64, String)>,
}

/// Notes that are kept; older ones are dropped.
pub(crate) const NOTES_MAX: usize = 200;

/// A message as a person saw it. Ids and texts are kept as digests: there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) conv: u64,
    pub(crate) seq: u64,
    pub(crate) from: u64,
    pub(crate) id: Digest,
    pub(crate) text: Digest,
    /// Without its text, since its reader hid it.
    pub(crate) hidden: bool,
    /// When, by the test's clock in Unix milliseconds.
    pub(crate) at_ms: u64,
}

/// What became of a message, as a device or the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) text: Digest,
    /// When the text was last changed; 0 for never.
    pub(crate) edited: u64,
    pub(crate) recalled: bool,
    /// Its reader hid it.
    pub(crate) hidden: bool,
}

/// That the operator says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: u64,
    pub(crate) text: Digest,
    pub(crate) at_ms: u64,
}

/// What a user keeps quiet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QuietHeld {
    /// Counts the changes.
    pub(crate) version: u64,
    /// Conversation → how; 0 stands for all.
    pub(crate) entries: BTreeMap<u64, Digest>,
}

/// That a message was pushed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) conv: u64,
    pub(crate) seq: u64,
}

/// Messages that a client will not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) conv: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// A message that a device tried to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    /// The `client_msg_id`.
    pub(crate) id: String,
    pub(crate) to: Target,
    pub(crate) text: Digest,
    /// When it was first tried.
    pub(crate) begun_ms: u64,
    /// Whether some attempt has no answer: it may take effect later than the one that was answered.
    pub(crate) uncertain: bool,
    pub(crate) outcome: Outcome,
}

/// A change of an own message that a device tried to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) conv: u64,
    pub(crate) seq: u64,
    /// Where the message went.
    pub(crate) to: Target,
    pub(crate) deed: Deed,
    /// When it was first tried.
    pub(crate) begun_ms: u64,
    /// As of a [`Send`].
    pub(crate) uncertain: bool,
    /// Answered with a place in the conversation's feed of changes.
    pub(crate) outcome: DeedOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// To this text.
    Edit(Digest),
    Recall,
}

/// A conversation, or all, that a device tried to keep quiet, or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuietDeed {
    /// 0 for all.
    pub(crate) conv: u64,
    /// How; not at all without.
    pub(crate) how: Option<Digest>,
    /// As of a [`Send`].
    pub(crate) uncertain: bool,
    /// Answered with the version of what the user keeps quiet.
    pub(crate) outcome: DeedOutcome,
}

/// Messages that a device tried to hide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HideDeed {
    pub(crate) conv: u64,
    pub(crate) seqs: Vec<u64>,
    /// Where the conversation is.
    pub(crate) to: Target,
    /// When it was first tried.
    pub(crate) begun_ms: u64,
    /// As of a [`Send`].
    pub(crate) uncertain: bool,
    /// Answered with so many hidden messages.
    pub(crate) outcome: DeedOutcome,
    /// Where they stand in the list of what the user hid, by the answer.
    pub(crate) answered: Vec<Hidden>,
}

/// What an operator tried to say to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cry {
    /// What makes a repeat harmless.
    pub(crate) key: String,
    pub(crate) text: Digest,
    /// When it was first tried.
    pub(crate) begun_ms: u64,
    /// When it was answered for good.
    pub(crate) ended_ms: u64,
    pub(crate) tries: u32,
    pub(crate) outcome: CryOutcome,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CryOutcome {
    /// Nobody knows yet.
    Open,
    /// Stored under this id.
    Stored(u64),
    /// Refused for good, in words.
    Refused(String),
}

/// What became of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeedOutcome {
    /// Nobody knows yet.
    Open,
    /// Acknowledged with this number.
    Done(u64),
    /// Refused for good, at this time.
    Refused { code: Code, at_ms: u64 },
}

/// Where a message goes: ids of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    Friend(u64),
    Group(u64),
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nobody knows yet.
    Open,
    /// Acknowledged: durable at this place.
    Stored { conv: u64, seq: u64, time: u64 },
    /// Refused for good, at this time.
    Refused { code: Code, at_ms: u64 },
}

/// A time that is known to lie between two moments: a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
}

/// One stay of a user in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    pub(crate) user: u64,
    pub(crate) group: u64,
    pub(crate) joined: Window,
    /// The first seq that the new member may read; unknown if the answer to joining was lost.
    pub(crate) first: Option<u64>,
    /// When they left. Open at its end while leaving is under way.
    pub(crate) left: Option<Window>,
}

/// A friendship that was answered; none is ended during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Friendship {
    pub(crate) user: u64,
    pub(crate) friend: u64,
    /// From when on the server had told this user.
    pub(crate) known_ms: u64,
}

/// What the database holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) conversations: BTreeMap<u64, Conversation>,
    /// Who is in which group: (group, user) → the group's last seq when they joined.
    pub(crate) members: BTreeMap<(u64, u64), u64>,
    /// Friends, both ways.
    pub(crate) friends: BTreeMap<u64, Vec<u64>>,
    /// Conversation and user → how far they got.
    pub(crate) cursors: BTreeMap<(u64, u64), Cursor>,
    /// User → what they keep quiet.
    pub(crate) quiet: BTreeMap<u64, QuietHeld>,
    /// User → what they hid, by position.
    pub(crate) hidden: BTreeMap<u64, Vec<Hidden>>,
    /// User → the newest position in that list.
    pub(crate) hidden_last: BTreeMap<u64, u64>,
    /// What the operator said, by id.
    pub(crate) broadcasts: Vec<Broadcast>,
    /// Recalled messages, by conversation and seq, of which the search's index still has words.
    pub(crate) recalled_words: Vec<(u64, u64)>,
}

/// What the operator said, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broadcast {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) text: Digest,
}

/// How far a user got in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// A conversation of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) last_seq: u64,
    /// The newest place in the feed of changes.
    pub(crate) last_change: u64,
    /// The two users, if it is a direct one.
    pub(crate) pair: Option<(u64, u64)>,
    /// In order of seq.
    pub(crate) messages: Vec<Logged>,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) seq: u64,
    pub(crate) from: u64,
    pub(crate) id: String,
    pub(crate) time: u64,
    /// As it is now.
    pub(crate) state: Held,
    /// Its place in the feed of changes; 0 for none.
    pub(crate) position: u64,
}

/// Everything that the checker looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) log: Log,
    pub(crate) records: Vec<Record>,
    pub(crate) spells: Vec<Spell>,
    pub(crate) friendships: Vec<Friendship>,
    /// What operators tried to say to everybody.
    pub(crate) cries: Vec<Cry>,
    /// User and conversation → what HISTORY gave the user in the end, by seq.
    pub(crate) histories: BTreeMap<(u64, u64), BTreeMap<u64, Held>>,
    /// Answers that cannot be right, in a sentence each.
    pub(crate) surprises: Vec<String>,
}

/// What a text or id is compared by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) fn of(text: &str) -> Digest {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Digest(hasher.finish())
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Held {
    /// A message as it was said.
    pub(crate) fn as_said(text: &str) -> Held {
        Held { text: Digest::of(text), edited: 0, recalled: false, hidden: false }
    }

    pub(crate) fn of(message: &ChatMessage) -> Held {
        let ChatMessage { msg, edited, recalled, hidden, .. } = message;
        Held { text: Digest::of(msg), edited: *edited, recalled: recalled.is_some(), hidden: *hidden }
    }

    /// As it is for whoever hid it.
    pub(crate) fn without_text(self) -> Held {
        Held { text: Digest::of(""), hidden: true, ..self }
    }
}

/// How a conversation is kept quiet, as it is compared; none if it is not at all.
pub(crate) fn quiet_digest(quiet: &Quiet) -> Option<Digest> {
    let Quiet { conv: _, until, from, to, zone, mentions } = quiet;
    let is_something = *until > 0 || from.is_some();
    is_something.then(|| Digest::of(&format!("{until} {from:?} {to:?} {zone:?} {mentions}")))
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:02}d{}", self.person, self.device)
    }
}

impl Conversation {
    /// The message of this seq.
    pub(crate) fn message(&self, seq: u64) -> Option<&Logged> {
        self.messages.binary_search_by_key(&seq, |message| message.seq).ok().map(|at| &self.messages[at])
    }
}
