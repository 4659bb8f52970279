//! Message types by number.

macro_rules! msgids {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $wire:literal;)*) => {
        /// The number of a message type: explicit, and never given to another type.
        ///
        /// 1 to 10 are the basics, in no order; later ones stand in groups of ten by capability.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum MsgId { $($(#[$doc])* $name = $value,)* }

        impl MsgId {
            /// Every message type, with its name on the wire and in the documentation.
            pub const TABLE: &'static [(MsgId, &'static str)] = &[$((MsgId::$name, $wire),)*];

            /// The type of a number, or `None` if this version does not know it.
            pub const fn from_number(number: u16) -> Option<MsgId> {
                match number { $($value => Some(MsgId::$name),)* _ => None }
            }

            /// The name in the documentation, such as `ONE_CHAT`.
            pub const fn name(self) -> &'static str {
                match self { $(MsgId::$name => $wire,)* }
            }
        }
    };
}

msgids! {
    /// Request: log in by id or name and password.
    Login = 1, "LOGIN";
    /// Reply to `LOGIN`.
    LoginAck = 2, "LOGIN_ACK";
    /// Request: register.
    Reg = 3, "REG";
    /// Reply to `REG`.
    RegAck = 4, "REG_ACK";
    /// Request: say something to a friend.
    OneChat = 5, "ONE_CHAT";
    /// Request: ask for friendship.
    AddFriend = 6, "ADD_FRIEND";
    /// Request: open a group.
    CreateGroup = 7, "CREATE_GROUP";
    /// Request: join a group.
    AddGroup = 8, "ADD_GROUP";
    /// Request: say something in a group.
    GroupChat = 9, "GROUP_CHAT";
    /// Request: log out.
    LoginOut = 10, "LOGINOUT";

    /// Request and reply: the first words of both sides.
    Hello = 11, "HELLO";
    /// Request: are you there. Push: the server asks the same.
    Ping = 12, "PING";
    /// Request: go on with a session by its token.
    Resume = 13, "RESUME";
    /// Request: my sessions.
    Sessions = 14, "SESSIONS";
    /// Request: end one of my sessions.
    EndSession = 15, "END_SESSION";
    /// Push: the server will close the connection.
    Bye = 16, "BYE";

    /// Request: accept a friend request.
    AcceptFriend = 20, "ACCEPT_FRIEND";
    /// Request: refuse a friend request.
    RefuseFriend = 21, "REFUSE_FRIEND";
    /// Request: take a friend request of one's own back.
    WithdrawFriend = 22, "WITHDRAW_FRIEND";
    /// Request: end a friendship.
    DeleteFriend = 23, "DELETE_FRIEND";
    /// Request: my friends, a page.
    Friends = 24, "FRIENDS";
    /// Request: friend requests that wait, in both directions.
    FriendRequests = 25, "FRIEND_REQUESTS";
    /// Push: something happened to a friend request or friendship.
    FriendEvent = 26, "FRIEND_EVENT";
    /// Push: a friend came or went.
    Presence = 27, "PRESENCE";
    /// Request: let a user neither reach nor find me any more.
    Block = 28, "BLOCK";
    /// Request: take that back.
    Unblock = 29, "UNBLOCK";

    /// Request: leave a group.
    LeaveGroup = 30, "LEAVE_GROUP";
    /// Request: my groups, a page.
    Groups = 31, "GROUPS";
    /// Request: members of a group, a page.
    GroupMembers = 32, "GROUP_MEMBERS";
    /// Push: somebody came into or left a group.
    GroupEvent = 33, "GROUP_EVENT";
    /// Request: put a member out of a group.
    RemoveMember = 34, "REMOVE_MEMBER";
    /// Request: make a member admin, or not any more.
    SetRole = 35, "SET_ROLE";
    /// Request: make another member the owner.
    HandOver = 36, "HAND_OVER";
    /// Request: close a group for good.
    DissolveGroup = 37, "DISSOLVE_GROUP";
    /// Request: change what a group says of itself.
    EditGroup = 38, "EDIT_GROUP";
    /// Request: what a group says of itself.
    GroupProfile = 39, "GROUP_PROFILE";

    /// Request: messages of a conversation, a page.
    History = 40, "HISTORY";
    /// Request: conversations that have more than was acknowledged, a page.
    Conversations = 41, "CONVERSATIONS";
    /// Request: everything up to here has arrived.
    Ack = 42, "ACK";
    /// Push: a message.
    Message = 43, "MESSAGE";
    /// Request: take a message back.
    Recall = 44, "RECALL";
    /// Request: change the text of an own message.
    EditMessage = 45, "EDIT_MESSAGE";
    /// Request: delete messages for myself.
    Hide = 46, "HIDE";
    /// Request: what was changed in a conversation, a page.
    Changes = 47, "CHANGES";
    /// Push: a message was changed.
    Changed = 48, "CHANGED";
    /// Request: I am writing something there. Push: somebody is.
    Typing = 49, "TYPING";

    /// Request: a new password for somebody who knows the old one.
    ChangePassword = 50, "CHANGE_PASSWORD";
    /// Request: what a user tells of themselves.
    Profile = 51, "PROFILE";
    /// Request: change what I tell of myself.
    EditProfile = 52, "EDIT_PROFILE";
    /// Request: users by id or by the beginning of a name, a page.
    SearchUsers = 53, "SEARCH_USERS";
    /// Request: a new password for somebody who has a recovery code.
    Recover = 54, "RECOVER";
    /// Request: recovery codes in the place of the old ones.
    NewRecoveryCodes = 55, "NEW_RECOVERY_CODES";
    /// Request: end my account.
    DeleteAccount = 56, "DELETE_ACCOUNT";
    /// Request: my notices, a page.
    Notices = 57, "NOTICES";
    /// Request: this device has my notices up to here.
    AckNotices = 58, "ACK_NOTICES";
    /// Push: a notice.
    Notice = 59, "NOTICE";

    /// Request: whom I blocked, a page.
    Blocked = 60, "BLOCKED";
    /// Request: what I call a friend, and under which label they stand.
    EditFriend = 61, "EDIT_FRIEND";
    /// Request: put the friends of one label under another, or under none.
    RenameLabel = 62, "RENAME_LABEL";
    /// Push: a friend, or oneself, is shown otherwise now.
    FriendChanged = 63, "FRIEND_CHANGED";

    /// Request: silence a member for a while.
    MuteMember = 70, "MUTE_MEMBER";
    /// Request: silence all members for a while.
    MuteGroup = 71, "MUTE_GROUP";
    /// Request: who asked to come into groups, a page.
    Applications = 72, "APPLICATIONS";
    /// Request: let who applied into a group, or do not.
    DecideApplication = 73, "DECIDE_APPLICATION";
    /// Request: take an application of one's own back.
    WithdrawApplication = 74, "WITHDRAW_APPLICATION";
    /// Request: ask a friend into a group.
    Invite = 75, "INVITE";
    /// Request: groups that I was asked into, a page.
    Invitations = 76, "INVITATIONS";
    /// Request: come into a group that one was asked into, or do not.
    AnswerInvitation = 77, "ANSWER_INVITATION";
    /// Request: take an invitation back.
    WithdrawInvitation = 78, "WITHDRAW_INVITATION";
    /// Push: something happened to an application or invitation.
    GroupRequestEvent = 79, "GROUP_REQUEST_EVENT";

    /// Request: everything up to here was read.
    Read = 80, "READ";
    /// Push: somebody got further in a conversation.
    Receipt = 81, "RECEIPT";
    /// Request: how far the others of a conversation got.
    Receipts = 82, "RECEIPTS";
    /// Request: what I deleted for myself, a page.
    Hidden = 83, "HIDDEN";
    /// Push: I deleted messages for myself, by another device.
    HiddenMessages = 84, "HIDDEN_MESSAGES";
    /// Request: what I keep quiet.
    Quiet = 85, "QUIET";
    /// Request: keep a conversation quiet, or all, or not any more.
    SetQuiet = 86, "SET_QUIET";
    /// Push: what I keep quiet is something else now.
    QuietChanged = 87, "QUIET_CHANGED";
    /// Request: what was said in my conversations, by its words, a page.
    SearchMessages = 88, "SEARCH_MESSAGES";
    /// Request: what the operator told everybody, a page.
    Broadcasts = 89, "BROADCASTS";
    /// Request: this device has the broadcasts up to here.
    AckBroadcasts = 90, "ACK_BROADCASTS";
    /// Push: the operator tells everybody something.
    Broadcast = 91, "BROADCAST";
    /// Push: what this connection was told of lists and cursors may be out of date.
    Resync = 92, "RESYNC";
    /// Request: how everything stands now, in a session that goes on.
    Refresh = 93, "REFRESH";
}

impl MsgId {
    /// The type of the reply to a request of this type: 1 is answered with 2 and 3 with 4, all others echo.
    pub const fn reply(self) -> MsgId {
        match self {
            MsgId::Login => MsgId::LoginAck,
            MsgId::Reg => MsgId::RegAck,
            other => other,
        }
    }
}

impl From<MsgId> for u16 {
    fn from(id: MsgId) -> u16 {
        id as u16
    }
}
