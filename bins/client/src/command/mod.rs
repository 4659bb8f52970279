//! What a user can say, in one table: from it come parsing, help, completion and the documentation.

mod arguments;
mod table;

use std::time::Duration;

use jiff::civil::{Date, Time};
use protocol::{EditProfile, Joining, OwnedGroups, Rank, Secret, Verdict};

pub(crate) use arguments::UsageError;
pub(crate) use table::{Completes, SECTIONS, Spec, commands, find, parse, shown};

/// A line that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help(Option<String>),
    Register {
        name: String,
        password: Option<Secret>,
    },
    Login {
        who: Who,
        password: Option<Secret>,
    },
    Logout,
    Password {
        new: Option<Secret>,
    },
    Recover {
        who: Who,
        code: Option<Secret>,
        new: Option<Secret>,
    },
    RecoveryCodes {
        password: Option<Secret>,
    },
    DeleteAccount {
        owned: OwnedGroups,
        /// The account's name, typed with the command.
        confirmed: Option<String>,
    },
    Whoami,
    Profile(Option<Who>),
    Edit(EditProfile),
    Search(String),
    Friends,
    Requests,
    Notices,
    Broadcasts,
    Add {
        id: u64,
        greeting: String,
    },
    Accept(Who),
    Refuse(Who),
    Withdraw(Who),
    Unfriend(Who),
    Remark {
        who: Who,
        text: String,
    },
    Label {
        who: Who,
        label: String,
    },
    Relabel {
        label: String,
        to: String,
    },
    Block(Who),
    Unblock(Who),
    Blocked,
    Groups,
    GroupCreate {
        name: String,
        description: String,
    },
    GroupShow(GroupName),
    Rename {
        group: GroupName,
        name: String,
    },
    Announce {
        group: GroupName,
        text: String,
    },
    Remove {
        group: GroupName,
        who: Who,
    },
    SetRole {
        group: GroupName,
        who: Who,
        role: Rank,
    },
    HandOver {
        group: GroupName,
        who: Who,
    },
    Dissolve(GroupName),
    /// For so many minutes; 0: they may speak again. Without a user: everybody.
    Mute {
        group: GroupName,
        who: Option<Who>,
        minutes: u64,
    },
    Join {
        group: u64,
        greeting: String,
    },
    Joining {
        group: GroupName,
        joining: Joining,
    },
    /// To one group, or to all where one decides, and one's own.
    Applications(Option<GroupName>),
    Decide {
        group: GroupName,
        who: Who,
        verdict: Verdict,
    },
    WithdrawApplication(u64),
    Invite {
        group: GroupName,
        who: Who,
    },
    WithdrawInvitation {
        group: GroupName,
        who: Who,
    },
    Invitations,
    Answer {
        group: GroupName,
        verdict: Verdict,
    },
    Leave(GroupName),
    Members(GroupName),
    Chat(Option<TalkName>),
    Msg {
        to: TalkName,
        text: String,
    },
    /// Plain text: to the current conversation.
    Say(String),
    /// In the current conversation.
    Reply {
        which: Which,
        text: String,
    },
    /// In the current conversation.
    Recall(Which),
    Correct {
        which: Which,
        text: String,
    },
    /// In the current conversation, for this user only.
    Hide(Those),
    Conversations,
    History(Option<u32>),
    /// From this time on, in this device's time zone; without a day, today.
    HistoryAt {
        day: Option<Date>,
        time: Time,
        count: Option<u32>,
    },
    /// In the own copy; nothing: go on with the last one.
    Find(Option<String>),
    FindAll(Option<String>),
    Sessions,
    EndSession(u64),
    /// Nothing: list what is quiet.
    Quiet(Option<KeepQuiet>),
    /// Nothing: all conversations.
    Unquiet(Option<TalkName>),
    Wait {
        what: Awaited,
        limit: Option<Duration>,
    },
    Quit,
}

/// A message of the current conversation, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The last one that may be meant: that the user said there, or to answer, that somebody else did.
    Last,
    /// By its place.
    Seq(u64),
}

/// Messages of the current conversation, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Those {
    /// So many of the newest, whoever said them.
    Last(u64),
    /// By their places.
    Seqs(Vec<u64>),
}

/// What is to be quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeepQuiet {
    /// Nothing: all conversations.
    pub(crate) what: Option<TalkName>,
    pub(crate) when: QuietWhen,
    pub(crate) mentions: QuietMentions,
}

/// When it is to be quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QuietWhen {
    Always,
    /// From now on.
    Minutes(u64),
    /// Every day, in minutes; without a zone, this device's.
    Hours {
        from: u32,
        to: u32,
        zone: Option<String>,
    },
}

/// What a mention does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuietMentions {
    BreakThrough,
    AreQuiet,
}

/// A user, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Id(u64),
    Name(String),
}

/// A group, as typed: `#NAME` or its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupName {
    Id(u64),
    Name(String),
}

/// A conversation, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkName {
    User(Who),
    Group(GroupName),
}

/// What a script can wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// So many messages of others that no earlier wait counted.
    Messages(u64),
    /// Somebody is a friend.
    Friend(Who),
    /// Somebody asks for friendship.
    Request(Who),
    /// A friend is there.
    Online(Who),
    /// Everything missed has come, and nothing more comes.
    Quiet,
}
