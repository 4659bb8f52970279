//! Where each request goes: who may send it, and which threads run it.

use protocol::Request;

/// What a connection must be for a request to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any connection, even before HELLO.
    Anyone,
    /// After HELLO, and not logged in.
    Guest,
    /// Logged in.
    User,
}

/// Which threads run a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The gateway answers it itself, where it was read: it concerns the connection only.
    Connection,
    /// The workers: it may wait for a store.
    Normal,
    /// The few slow workers: it hashes a password.
    Slow,
    /// A worker checks it, an appender stores it with others and answers.
    Append,
    /// A worker checks it, an appender makes the change and answers. What the connection asks next waits for that.
    Change,
}

/// A request's access rule and lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who may send it.
    pub access: Access,
    /// Who runs it.
    pub lane: Lane,
}

impl Route {
    const fn new(access: Access, lane: Lane) -> Route {
        Route { access, lane }
    }
}

/// The route of a request. A new request does not compile without one.
pub const fn route(request: &Request) -> Route {
    match request {
        Request::Hello(_) | Request::Ping(_) => Route::new(Access::Anyone, Lane::Connection),

        Request::Login(_) | Request::Reg(_) | Request::Recover(_) => Route::new(Access::Guest, Lane::Slow),
        Request::Resume(_) => Route::new(Access::Guest, Lane::Normal),

        Request::ChangePassword(_) | Request::NewRecoveryCodes(_) | Request::DeleteAccount(_) => {
            Route::new(Access::User, Lane::Slow)
        }

        Request::OneChat(_) | Request::GroupChat(_) => Route::new(Access::User, Lane::Append),

        Request::JoinGroup(_)
        | Request::LeaveGroup(_)
        | Request::RemoveMember(_)
        | Request::SetRole(_)
        | Request::HandOver(_)
        | Request::DissolveGroup(_)
        | Request::EditGroup(_)
        | Request::MuteMember(_)
        | Request::MuteGroup(_)
        | Request::DecideApplication(_)
        | Request::WithdrawApplication(_)
        | Request::Invite(_)
        | Request::AnswerInvitation(_)
        | Request::WithdrawInvitation(_)
        | Request::Recall(_)
        | Request::EditMessage(_) => Route::new(Access::User, Lane::Change),

        Request::LogOut(_)
        | Request::Refresh(_)
        | Request::Sessions(_)
        | Request::EndSession(_)
        | Request::Profile(_)
        | Request::EditProfile(_)
        | Request::SearchUsers(_)
        | Request::SearchMessages(_)
        | Request::AddFriend(_)
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
        | Request::CreateGroup(_)
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
        | Request::Hide(_)
        | Request::Hidden(_)
        | Request::Typing(_)
        | Request::Changes(_)
        | Request::Notices(_)
        | Request::AckNotices(_)
        | Request::Broadcasts(_)
        | Request::AckBroadcasts(_) => Route::new(Access::User, Lane::Normal),
    }
}
