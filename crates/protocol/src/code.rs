//! Error codes: what went wrong, grouped by who has to act.

use std::fmt;

/// The code of a reply. 0 is done; every other value is an error from the table in `docs/protocol.md`.
///
/// A newtype over the number and not an enum, because a client must be able to hold a code that a newer server invented.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub u16);

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody: the request was done.
    Nobody,
    /// The client sent something that can never work: fix the request.
    Client,
    /// The session is missing or over: log in again.
    Session,
    /// The request is well formed and refused: not allowed, not found, already so.
    Refused,
    /// Not now: repeat after `retry_after_ms`.
    Busy,
    /// The server failed: tell its operator.
    Server,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Code = Code($value);)*

            /// Every code that this version knows, with its name and meaning: the table in `docs/protocol.md`.
            pub const TABLE: &'static [(Code, &'static str, &'static str)] = &[
                $((Code::$name, stringify!($name), $text),)*
            ];
        }
    };
}

codes! {
    /// Done.
    DONE = 0, "done";
    /// The session does not begin.
    BAD_CREDENTIALS = 1, "id or password error";
    /// The session does not begin.
    ALREADY_ONLINE = 2, "this id is online and the server allows one session per user";

    /// Fatal to the connection.
    BAD_FRAME = 100, "the bytes are not a frame; the connection is closed";
    /// Fatal to the connection.
    BAD_VERSION = 101, "the frame or protocol version is not supported; the connection is closed";
    /// Fatal to the connection.
    FRAME_TOO_LARGE = 102, "the body is larger than the server takes; the connection is closed";
    /// The connection stays.
    UNKNOWN_TYPE = 103, "the server does not know this message type";
    /// The connection stays.
    BAD_BODY = 104, "the body is not the JSON object that this message type needs";
    /// The connection stays.
    BAD_FIELD = 105, "a field is outside its limits";
    /// The connection stays.
    HELLO_FIRST = 106, "HELLO must come first, once";

    /// Log in first.
    NOT_LOGGED_IN = 200, "log in first";
    /// The token or session is over.
    SESSION_ENDED = 201, "the session is over; log in again";
    /// The connection has a session already.
    ALREADY_LOGGED_IN = 202, "this connection is logged in already";
    /// In a BYE: the token was used by a newer connection.
    SESSION_MOVED = 203, "the session goes on over another connection";

    /// Not allowed.
    NOT_ALLOWED = 300, "not allowed";
    /// Nothing there, or nothing that the asker may see.
    NOT_FOUND = 301, "not found";
    /// Registration.
    NAME_TAKEN = 302, "the name is taken";
    /// One-to-one chat is for friends.
    NOT_FRIENDS = 303, "you are not friends";
    /// Friendship exists.
    ALREADY_FRIENDS = 304, "you are friends already";
    /// The request waits for an answer.
    ALREADY_REQUESTED = 305, "the request was sent already";
    /// Group chat is for members.
    NOT_MEMBER = 306, "you are not a member of this group";
    /// Membership exists.
    ALREADY_MEMBER = 307, "you are a member already";
    /// A stated limit on a number is reached.
    FULL = 308, "a limit is reached";
    /// An owner hands over or dissolves before leaving.
    OWNER_STAYS = 309, "the owner cannot leave the group while others are in it";
    /// A request about oneself that needs another user.
    SELF = 310, "not possible with yourself";
    /// A message to a group whose owner or admins silenced the sender, or everybody.
    MUTED = 311, "you are muted in this group";
    /// A change of a group, or a message to one, that is closed for good.
    DISSOLVED = 312, "the group was dissolved";
    /// A message that was said too long ago, or was recalled.
    TOO_LATE = 313, "it is too late to change this message";

    /// Overload: repeat after the stated time.
    BUSY = 400, "the server is busy; try again later";
    /// Too many attempts: repeat after the stated time.
    TOO_MANY = 401, "too many attempts; try again later";
    /// The node stops: reconnect elsewhere.
    GOING_AWAY = 402, "this node is stopping; connect again";
    /// In a BYE: the outbox was full, or nothing was taken for too long.
    TOO_SLOW = 403, "this connection read too slowly; connect again and catch up";

    /// A fault of the server.
    INTERNAL = 500, "the server failed; its log says why";
}

impl Code {
    /// Whether the request was done.
    pub const fn is_done(self) -> bool {
        self.0 == 0
    }

    /// Who has to act, by the group that the number stands in. Unknown numbers have a group too.
    pub const fn blame(self) -> Blame {
        match self.0 {
            0 => Blame::Nobody,
            1 | 2 => Blame::Refused,
            3..=199 => Blame::Client,
            200..=299 => Blame::Session,
            300..=399 => Blame::Refused,
            400..=499 => Blame::Busy,
            _ => Blame::Server,
        }
    }

    /// The name in the table, if this version knows the code.
    pub fn name(self) -> Option<&'static str> {
        Self::TABLE.iter().find(|(code, _, _)| *code == self).map(|(_, name, _)| *name)
    }

    /// One sentence for people.
    pub fn text(self) -> &'static str {
        Self::TABLE.iter().find(|(code, _, _)| *code == self).map_or("unknown error", |(_, _, text)| *text)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{}({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.0)
    }
}
