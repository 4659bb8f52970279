//! Which limit on its rate each request has: the one place where a request is given one.
//!
//! Whatever a user asks takes a token of their [`Pace::Requests`], and whatever a guest asks one of their address's
//! [`Pace::GuestRequests`], before anything else is done. What costs more, or reaches others, takes one of a bucket of its own as
//! well, which its handler takes once the request is known to be well-formed and, for changes, allowed.

use protocol::{Refusal, Request};

use crate::caller::{Caller, ConnKey};
use crate::service::Service;

/// A limit on a rate, by its [name](Pace::name) in settings and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// What the gateway answers where it is read, and what it cannot read; of a connection.
    Pings,
    /// Everything before login, of an address.
    GuestRequests,
    /// Everything after it, of a user.
    Requests,
    /// Asking for friendship, of a user.
    FriendRequests,
    /// Searches, of a user.
    Searches,
    /// Coming into groups and asking others in, of a user.
    Joins,
    /// What many are told of, of a user.
    Changes,
    /// Messages and their changes, of a user.
    Sends,
    /// Telling that one is typing, of a user.
    Typings,
    /// New accounts, of an address.
    Registrations,
    /// Recovery codes, of an address.
    Recoveries,
    /// Logins, of an address: each of them costs the work of a password hash.
    Logins,
    /// Showing the password once more, of a user: the same.
    PasswordProofs,
    /// KiB of long texts, of a user: what is kept for ever.
    TextKib,
    /// Wrong passwords, of an address: only they cost a token, but it takes one to try.
    FailedLogins,
}

impl Pace {
    /// Every limit.
    pub const ALL: [Pace; 15] = [
        Pace::Pings,
        Pace::GuestRequests,
        Pace::Requests,
        Pace::FriendRequests,
        Pace::Searches,
        Pace::Joins,
        Pace::Changes,
        Pace::Sends,
        Pace::Typings,
        Pace::Registrations,
        Pace::Recoveries,
        Pace::Logins,
        Pace::PasswordProofs,
        Pace::TextKib,
        Pace::FailedLogins,
    ];

    /// Its name: what its settings begin with, and its label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Pace::Pings => "pings",
            Pace::GuestRequests => "guest_requests",
            Pace::Requests => "requests",
            Pace::FriendRequests => "friend_requests",
            Pace::Searches => "searches",
            Pace::Joins => "joins",
            Pace::Changes => "changes",
            Pace::Sends => "sends",
            Pace::Typings => "typings",
            Pace::Registrations => "registrations",
            Pace::Recoveries => "recoveries",
            Pace::Logins => "logins",
            Pace::PasswordProofs => "password_proofs",
            Pace::TextKib => "text_kib",
            Pace::FailedLogins => "failed_logins",
        }
    }
}

/// The narrowest limit of a request. A new request does not compile without one.
pub const fn pace(request: &Request) -> Pace {
    match request {
        Request::Hello(_) | Request::Ping(_) => Pace::Pings,

        Request::Login(_) => Pace::Logins,
        Request::Reg(_) => Pace::Registrations,
        Request::Recover(_) => Pace::Recoveries,
        Request::Resume(_) => Pace::GuestRequests,

        Request::AddFriend(_) => Pace::FriendRequests,
        Request::SearchUsers(_) | Request::SearchMessages(_) => Pace::Searches,
        // Refusing an invitation brings nobody in, and takes no token of this one.
        Request::JoinGroup(_) | Request::Invite(_) | Request::AnswerInvitation(_) => Pace::Joins,

        Request::CreateGroup(_)
        | Request::RemoveMember(_)
        | Request::SetRole(_)
        | Request::HandOver(_)
        | Request::DissolveGroup(_)
        | Request::EditGroup(_)
        | Request::MuteMember(_)
        | Request::MuteGroup(_)
        | Request::EditProfile(_) => Pace::Changes,

        Request::OneChat(_)
        | Request::GroupChat(_)
        | Request::Recall(_)
        | Request::EditMessage(_)
        | Request::Hide(_) => Pace::Sends,

        Request::ChangePassword(_) | Request::NewRecoveryCodes(_) | Request::DeleteAccount(_) => {
            Pace::PasswordProofs
        }

        Request::Typing(_) => Pace::Typings,

        // Going is told to many as well, but one had to come in first.
        Request::LeaveGroup(_)
        | Request::DecideApplication(_)
        | Request::WithdrawApplication(_)
        | Request::WithdrawInvitation(_)
        | Request::LogOut(_)
        | Request::Sessions(_)
        | Request::EndSession(_)
        | Request::Profile(_)
        | Request::AcceptFriend(_)
        | Request::RefuseFriend(_)
        | Request::WithdrawFriend(_)
        | Request::DeleteFriend(_)
        | Request::EditFriend(_)
        | Request::RenameLabel(_)
        | Request::Friends(_)
        | Request::FriendRequests(_)
        | Request::Block(_)
        | Request::Unblock(_)
        | Request::Blocked(_)
        | Request::Groups(_)
        | Request::GroupMembers(_)
        | Request::GroupProfile(_)
        | Request::Applications(_)
        | Request::Invitations(_)
        | Request::History(_)
        | Request::Conversations(_)
        | Request::Ack(_)
        | Request::Read(_)
        | Request::Receipts(_)
        | Request::Quiet(_)
        | Request::SetQuiet(_)
        | Request::Hidden(_)
        | Request::Changes(_)
        | Request::Notices(_)
        | Request::AckNotices(_)
        | Request::Broadcasts(_)
        | Request::AckBroadcasts(_)
        | Request::Refresh(_) => Pace::Requests,
    }
}

impl Service {
    /// Takes a token for a request that the gateway answers by itself, or refuses: readable or not. Takes one lock for a
    /// moment, as its loop may.
    pub fn answer_on_the_spot(&self, conn: ConnKey) -> Result<(), Refusal> {
        self.limits.pings.take(conn, self.ports.clock.now())
    }

    /// The same for any other request, of whomever it comes from.
    pub(crate) fn take_turn(&self, caller: Caller<'_>) -> Result<(), Refusal> {
        let now = self.ports.clock.now();
        match caller.principal {
            Some(principal) => self.limits.requests.take(principal.user, now),
            None => self.limits.guest_requests.take(caller.address.into(), now),
        }
    }
}
