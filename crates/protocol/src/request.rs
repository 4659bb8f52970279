//! What a client may ask. Every request is answered exactly once; none names its sender, the session does.

use serde::{Deserialize, Serialize};

use crate::reply::Joining;
use crate::secret::Secret;
use crate::word::words;

/// The first request on a connection: who speaks, and which protocol versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol versions that the client speaks; the server picks the highest that both know.
    pub versions: Vec<u16>,
    /// Name and version of the client program.
    #[serde(default)]
    pub client: String,
    /// The device's name as its user knows it.
    #[serde(default)]
    pub device: String,
}

/// Log in by `id` or by `name`, exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The user's name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The password.
    pub password: Secret,
    /// Up to where this device has its user's notices; left out: it does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices_after: Option<u64>,
    /// The same of the broadcasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts_after: Option<u64>,
    /// The log's epoch that these two and the versions are of; left out: whichever it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The version of the list of friends that this device holds, whole: the server's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friends_version: Option<String>,
    /// The same of the list of groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_version: Option<String>,
}

/// Register a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reg {
    /// The wanted name; unique without regard to case.
    pub name: String,
    /// The password.
    pub password: Secret,
}

/// Go on with a session after a lost connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The token that LOGIN gave.
    pub token: Secret,
    /// Up to where this device has its user's notices; left out: it does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices_after: Option<u64>,
    /// The same of the broadcasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts_after: Option<u64>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friends_version: Option<String>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_version: Option<String>,
}

/// How everything stands now, in a session that goes on by the connection it has: asked after a RESYNC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// As in [`Resume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices_after: Option<u64>,
    /// As in [`Resume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts_after: Option<u64>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friends_version: Option<String>,
    /// As in [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_version: Option<String>,
}

/// Set a new password; ends the user's other sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The password that holds.
    pub password: Secret,
    /// The one that shall hold from now on.
    pub new_password: Secret,
}

/// Set a new password by a recovery code; ends all sessions of the user. By `id` or by `name`, exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recover {
    /// The user's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The user's name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A recovery code that was not used yet.
    pub code: Secret,
    /// The password that shall hold from now on.
    pub new_password: Secret,
}

/// Asks for something that needs the password once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordProof {
    /// The user's password.
    pub password: Secret,
}

words! {
    /// What becomes of the groups of an owner who is gone.
    OwnedGroups {
        /// The admin who is in it for longest owns it then, or else the member who is.
        HandOver = "hand_over",
        /// They are closed for good.
        Dissolve = "dissolve",
    }
}

/// End the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAccount {
    /// The user's password.
    pub password: Secret,
    /// What becomes of the groups that the user owns.
    pub owned: OwnedGroups,
}

/// Say something to a friend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneChat {
    /// The friend's id.
    pub to: u64,
    /// The text.
    pub msg: String,
    /// Chosen by the sender, unique per sender: a repeat with the same id is the same message.
    pub client_msg_id: String,
    /// The seq of the message that this one answers; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reply_to: u64,
    /// Whom it mentions: the friend, or oneself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<u64>,
}

/// Say something in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChat {
    /// The group.
    pub groupid: u64,
    /// The text.
    pub msg: String,
    /// As in [`OneChat`].
    pub client_msg_id: String,
    /// As in [`OneChat`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reply_to: u64,
    /// Members that it mentions; 0 is everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<u64>,
}

/// Ask for friendship.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddFriend {
    /// Whom.
    pub friendid: u64,
    /// A line that the other side reads with the request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
}

/// Open a group; its creator is its owner and first member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// The group's name; not unique.
    pub groupname: String,
    /// What it is about.
    #[serde(default)]
    pub groupdesc: String,
}

/// Names one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRef {
    /// The group.
    pub groupid: u64,
}

/// Come into a group, or apply where somebody decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGroup {
    /// The group.
    pub groupid: u64,
    /// A line that those who decide read with the application.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
}

impl JoinGroup {
    /// Without a greeting.
    pub fn of(groupid: u64) -> JoinGroup {
        JoinGroup { groupid, greeting: String::new() }
    }
}

words! {
    /// An answer to who applied, or to an invitation.
    Verdict {
        /// Yes.
        Accept = "accept",
        /// No.
        Refuse = "refuse",
    }
}

/// Decide an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideApplication {
    /// The group.
    pub groupid: u64,
    /// Who applied.
    pub id: u64,
    /// Whether they come in.
    pub decision: Verdict,
}

/// Answer an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerInvitation {
    /// The group.
    pub groupid: u64,
    /// Whether one comes.
    pub decision: Verdict,
}

/// A page of applications, by rising group and within that by rising id of who applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applications {
    /// Those to this group only; 0: those to all groups where the asker decides, and the asker's own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub groupid: u64,
    /// Go on after this group and `after`; a reply's `next_groupid` goes here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_groupid: u64,
    /// Entries with a greater id than this, of that group; a reply's `next` goes here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// As in [`Page`].
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// Names a member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRef {
    /// The group.
    pub groupid: u64,
    /// The member.
    pub id: u64,
}

words! {
    /// A role that an owner can give.
    Rank {
        /// Leads with the owner.
        Admin = "admin",
        /// Does not.
        Member = "member",
    }
}

/// Make a member admin, or not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRole {
    /// The group.
    pub groupid: u64,
    /// The member.
    pub id: u64,
    /// What they are from now on.
    pub role: Rank,
}

/// Change what a group says of itself: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditGroup {
    /// The group.
    pub groupid: u64,
    /// Its name; not unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupname: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupdesc: Option<String>,
    /// What members should know now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// A reference to its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// How one comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
}

/// Silence a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteMember {
    /// The group.
    pub groupid: u64,
    /// The member.
    pub id: u64,
    /// Until then, Unix milliseconds; 0 lets them speak again.
    pub until: u64,
}

/// Silence all members but owner and admins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteGroup {
    /// The group.
    pub groupid: u64,
    /// Until then, Unix milliseconds; 0 lets them speak again.
    pub until: u64,
}

/// Names one other user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRef {
    /// The other user.
    pub friendid: u64,
}

/// Change what only the asker sees of a friend: what is given changes, the rest stays. An empty text takes away what was
/// there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditFriend {
    /// The friend.
    pub friendid: u64,
    /// What the asker calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The group of friends that they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Put all friends under one label under another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameLabel {
    /// The label that holds.
    pub label: String,
    /// The one that shall hold, which may be there already; empty: none.
    pub to: String,
}

/// Names one user, friend or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    /// The user.
    pub userid: u64,
}

/// Look at what a user tells of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileOf {
    /// The user; oneself without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

/// Change what one tells of oneself: what is given changes, the rest stays. An empty text takes away what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditProfile {
    /// What one wants to be called; not unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// A line about oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Where one's picture is: a reference or URL. The server never looks there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// One's phone number, shown to nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Secret>,
    /// Whether searches find one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searchable: Option<bool>,
}

/// Search users by id, or by the beginning of their name or nickname in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchUsers {
    /// Two characters at least; one is enough where one is a word or a syllable (Chinese, Japanese, Korean), and so is one
    /// digit of an id.
    pub query: String,
    /// The last user of the page before; 0 from the start. A reply's `next` goes here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// As in [`Page`].
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// Names one session of the asker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// The session.
    pub session: u64,
}

/// Nothing to say beyond the type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// Are you there.
pub type Ping = Nothing;

/// A page of a list that is ordered by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Entries with a greater id than this; 0 from the start. A reply's `next` goes here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// Entries wanted; 0 or more than the server's `page_max` means `page_max`.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// A page of a group's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembers {
    /// The group.
    pub groupid: u64,
    /// As in [`Page`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// As in [`Page`].
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// A page of a conversation's messages, always returned in rising order of seq.
///
/// With `after`: the oldest messages with a greater seq. With `before`: the newest with a smaller one. With `at`: the
/// first that was said then, and what follows. With none: the newest. Two of them together are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The conversation.
    pub conv: u64,
    /// Page forwards from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Page backwards from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Begin with the first message of this time or later, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// Messages wanted; 0 or more than the server's `page_max` means `page_max`.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// Everything of this conversation up to `seq` has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The conversation.
    pub conv: u64,
    /// Cumulative; a smaller number than before changes nothing.
    pub seq: u64,
}

/// This device has its user's notices up to `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckNotices {
    /// Cumulative; a smaller number than before changes nothing.
    pub seq: u64,
}

pub(crate) fn is_zero(n: &u64) -> bool {
    *n == 0
}

pub(crate) fn is_zero_u32(n: &u32) -> bool {
    *n == 0
}

pub(crate) fn is_false(flag: &bool) -> bool {
    !flag
}
