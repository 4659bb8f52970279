//! What a command is about: to say of what the server refused it, and what can be done.

use client::protocol::{Code, Refusal, Role};

use crate::command::{Command, GroupName, TalkName, Which, Who};
use crate::printable::{self, one_line};
use crate::refusal::is_bare;
use crate::roster::{Roster, Talk};

/// What a command is about, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Nothing that has a name.
    Nothing,
    /// An account that somebody proves to be theirs, by this.
    Account(&'static str),
    /// The account's own secret, asked again.
    Password,
    User(Who),
    /// Somebody who is to be asked for friendship.
    Stranger(u64),
    /// A friend request of theirs.
    RequestOf(Who),
    /// A friend request to them.
    RequestTo(Who),
    Block(Who),
    Session(u64),
    /// A group that one wants to come into.
    Entrance(u64),
    /// A group that one is in.
    Group(GroupName),
    /// What owner and admins do, to a member perhaps.
    Leading(GroupName, Option<Who>),
    /// What the owner does, to a member perhaps.
    Owning(GroupName, Option<Who>),
    /// Their application to a group.
    Application(GroupName, Who),
    /// One's own.
    OwnApplication(u64),
    /// Somebody who is to be asked into a group.
    Guest(GroupName, Who),
    /// Their invitation into a group.
    Invitation(GroupName, Who),
    /// One's own.
    OwnInvitation(GroupName),
    /// Something that is said; without a name, in the current conversation.
    Text(Option<TalkName>, Option<Which>),
    /// A message of the current conversation that is taken back.
    Recalled(Which),
    /// A message of one's own there.
    Corrected(Which),
    /// Messages of the current conversation.
    Messages,
}

impl From<&Command> for About {
    fn from(command: &Command) -> About {
        let leading = |group: &GroupName, who: Option<&Who>| About::Leading(group.clone(), who.cloned());
        let owning = |group: &GroupName, who: Option<&Who>| About::Owning(group.clone(), who.cloned());
        match command {
            Command::Login { .. } => About::Account("password"),
            Command::Recover { .. } => About::Account("recovery code"),
            Command::Password { .. } | Command::RecoveryCodes { .. } | Command::DeleteAccount { .. } => {
                About::Password
            }
            Command::Profile(Some(who)) | Command::Block(who) => About::User(who.clone()),
            Command::Add { id, .. } => About::Stranger(*id),
            Command::Accept(who) | Command::Refuse(who) => About::RequestOf(who.clone()),
            Command::Withdraw(who) => About::RequestTo(who.clone()),
            Command::Unblock(who) => About::Block(who.clone()),
            Command::EndSession(session) => About::Session(*session),
            Command::Join { group, .. } => About::Entrance(*group),
            Command::GroupShow(group) | Command::Leave(group) | Command::Members(group) => {
                About::Group(group.clone())
            }
            Command::Rename { group, .. }
            | Command::Announce { group, .. }
            | Command::Joining { group, .. }
            | Command::Applications(Some(group)) => leading(group, None),
            Command::Remove { group, who } => leading(group, Some(who)),
            Command::Mute { group, who, .. } => leading(group, who.as_ref()),
            Command::SetRole { group, who, .. } | Command::HandOver { group, who } => {
                owning(group, Some(who))
            }
            Command::Dissolve(group) => owning(group, None),
            Command::Decide { group, who, .. } => About::Application(group.clone(), who.clone()),
            Command::WithdrawApplication(group) => About::OwnApplication(*group),
            Command::Invite { group, who } => About::Guest(group.clone(), who.clone()),
            Command::WithdrawInvitation { group, who } => About::Invitation(group.clone(), who.clone()),
            Command::Answer { group, .. } => About::OwnInvitation(group.clone()),
            Command::Msg { to, .. } => About::Text(Some(to.clone()), None),
            Command::Say(_) => About::Text(None, None),
            Command::Reply { which, .. } => About::Text(None, Some(*which)),
            Command::Recall(which) => About::Recalled(*which),
            Command::Correct { which, .. } => About::Corrected(*which),
            Command::Hide(_) => About::Messages,
            Command::Help(_)
            | Command::Register { .. }
            | Command::Logout
            | Command::Whoami
            | Command::Profile(None)
            | Command::Edit(_)
            | Command::Search(_)
            | Command::Friends
            | Command::Requests
            | Command::Notices
            | Command::Broadcasts
            | Command::Unfriend(_)
            | Command::Remark { .. }
            | Command::Label { .. }
            | Command::Relabel { .. }
            | Command::Blocked
            | Command::Groups
            | Command::GroupCreate { .. }
            | Command::Applications(None)
            | Command::Invitations
            | Command::Chat(_)
            | Command::Conversations
            | Command::History(_)
            | Command::HistoryAt { .. }
            | Command::Find(_)
            | Command::FindAll(_)
            | Command::Sessions
            | Command::Quiet(_)
            | Command::Unquiet(_)
            | Command::Wait { .. }
            | Command::Quit => About::Nothing,
        }
    }
}

impl About {
    /// Why it was refused, where the server said no more than a code does and more is known here.
    pub(super) fn refused(&self, refusal: &Refusal, roster: &Roster) -> Option<String> {
        if !is_bare(refusal) {
            return None;
        }
        let missing = refusal.code == Code::NOT_FOUND;
        let forbidden = refusal.code == Code::NOT_ALLOWED;
        if refusal.code == Code::NOT_LOGGED_IN {
            return Some(
                "nobody is logged in here: /login NAME, or /register NAME makes an account".to_owned(),
            );
        }
        if refusal.code == Code::NOT_MEMBER {
            let group = self.group(roster)?;
            return Some(format!("you are not in {group}; /groups lists those that you are in"));
        }
        match self {
            About::Account(proof) if refusal.code == Code::BAD_CREDENTIALS => {
                Some(format!("the account or its {proof} is wrong"))
            }
            About::Password if refusal.code == Code::BAD_CREDENTIALS => {
                Some("the password is wrong".to_owned())
            }
            About::User(who) if missing => Some(nobody(who)),
            About::Stranger(id) if missing => Some(nobody(&Who::Id(*id))),
            About::Stranger(id) if forbidden => {
                let name = who_is(&Who::Id(*id), roster);
                Some(format!("you block {name}; /unblock {id} ends that"))
            }
            About::RequestOf(who) if missing => Some(format!(
                "no friend request of {} waits; /requests lists those that do",
                who_is(who, roster)
            )),
            About::RequestTo(who) if missing => Some(format!(
                "no friend request of yours to {} waits; /requests lists those that do",
                who_is(who, roster)
            )),
            About::Block(who) if missing => {
                Some(format!("you do not block {}; /blocked lists whom you do", who_is(who, roster)))
            }
            About::Session(session) if missing => {
                Some(format!("you have no session {session}; /sessions lists them"))
            }
            About::Entrance(group) if missing => Some(format!(
                "there is no group with the number {group}; whoever is in a group finds its number in /groups"
            )),
            About::Entrance(group) if forbidden => {
                Some(format!("one comes into group {group} by invitation only: its owner and admins /invite"))
            }
            About::Leading(_, Some(who)) | About::Owning(_, Some(who)) if missing => {
                let (who, group) = (who_is(who, roster), self.group(roster)?);
                Some(format!("{who} is not in {group}; /members {group} lists who is"))
            }
            About::Leading(group, Some(_)) if forbidden && role(group, roster) == Some(Role::Admin) => {
                let group = self.group(roster)?;
                Some(format!("admins of {group} may not do that to its owner or to another admin"))
            }
            About::Leading(..) | About::Application(..) if forbidden => Some(self.for_leaders(roster)?),
            About::Owning(..) if forbidden => {
                Some(format!("only the owner of {} may do that", self.group(roster)?))
            }
            About::Application(_, who) if missing => {
                let (who, group) = (who_is(who, roster), self.group(roster)?);
                Some(format!("no application of {who} to {group} waits; /applications lists those that do"))
            }
            About::OwnApplication(group) if missing => Some(format!(
                "no application of yours to group {group} waits; /applications lists those that do"
            )),
            About::Guest(_, who) if missing => Some(nobody(who)),
            About::Guest(..) if forbidden => {
                let group = self.group(roster)?;
                Some(format!(
                    "only the owner or an admin of {group} may ask somebody in: it is not open to all"
                ))
            }
            About::Invitation(_, who) if missing => {
                let (who, group) = (who_is(who, roster), self.group(roster)?);
                Some(format!("{who} is not asked into {group}"))
            }
            About::Invitation(_, who) if forbidden => {
                let (who, group) = (who_is(who, roster), self.group(roster)?);
                Some(format!(
                    "only who asked {who} in, and the owner or an admin of {group}, may take that back"
                ))
            }
            About::OwnInvitation(_) if missing => {
                let group = self.group(roster)?;
                Some(format!("no invitation into {group} waits; /invitations lists those that do"))
            }
            About::OwnInvitation(_) if forbidden => {
                let group = self.group(roster)?;
                Some(format!(
                    "who asked you into {group} may not do that any more; let somebody else ask you"
                ))
            }
            About::Text(..) | About::Guest(..) if refusal.code == Code::NOT_FRIENDS => {
                self.not_a_friend(roster)
            }
            About::Text(_, Some(which)) if missing => Some(no_message(*which)),
            About::Text(..) if forbidden && refusal.body.field.as_deref() == Some("mentions") => {
                let group = self.group(roster)?;
                Some(format!("only the owner or an admin of {group} may mention everybody"))
            }
            About::Recalled(which) | About::Corrected(which) if missing => {
                let what = no_message(*which);
                Some(format!("{what}, or it is not yours"))
            }
            About::Recalled(_) if forbidden => {
                Some("whoever said it is owner or admin as well, so that only they take it back".to_owned())
            }
            About::Messages if missing => Some(
                "one of these is no message of this conversation; /history shows their numbers".to_owned(),
            ),
            _ => None,
        }
    }

    fn for_leaders(&self, roster: &Roster) -> Option<String> {
        Some(format!("only the owner or an admin of {} may do that", self.group(roster)?))
    }

    /// Who is no friend, and how they become one.
    fn not_a_friend(&self, roster: &Roster) -> Option<String> {
        let id = match self {
            About::Text(Some(TalkName::User(who)), _) | About::Guest(_, who) => roster.user(who).ok()?,
            About::Text(None, _) => match roster.current? {
                Talk::Friend(id) => id,
                Talk::Group(_) => return None,
            },
            _ => return None,
        };
        Some(format!("you and {} are not friends; /add {id} asks for that", roster.user_name(id)))
    }

    /// The group that it is about, as it can be typed.
    fn group(&self, roster: &Roster) -> Option<String> {
        let group = match self {
            About::Group(group)
            | About::Leading(group, _)
            | About::Owning(group, _)
            | About::Application(group, _)
            | About::Guest(group, _)
            | About::Invitation(group, _)
            | About::OwnInvitation(group)
            | About::Text(Some(TalkName::Group(group)), _) => group.clone(),
            About::Text(None, _) | About::Recalled(_) | About::Corrected(_) => match roster.current? {
                Talk::Group(id) => GroupName::Id(id),
                Talk::Friend(_) => return None,
            },
            _ => return None,
        };
        Some(match group {
            GroupName::Id(id) => roster.talk_name(Talk::Group(id)),
            GroupName::Name(name) => format!("#{}", one_line(&name)),
        })
    }
}

/// What the user is in a group.
fn role(group: &GroupName, roster: &Roster) -> Option<Role> {
    let id = roster.group(group).ok()?;
    roster.groups.get(&id).map(|group| group.role)
}

/// A user's name where it is known, and else as it was typed.
fn who_is(who: &Who, roster: &Roster) -> String {
    match who {
        Who::Id(id) => roster.user_name(*id),
        Who::Name(name) => printable::name(name).into_owned(),
    }
}

fn nobody(who: &Who) -> String {
    match who {
        Who::Id(id) => format!("there is no user with the id {id}; /search NAME finds people"),
        Who::Name(name) => format!("there is no user called {}", printable::name(name)),
    }
}

fn no_message(which: Which) -> String {
    match which {
        Which::Last => "there is no such message in this conversation".to_owned(),
        Which::Seq(seq) => {
            format!("there is no message {seq} in this conversation (/history shows their numbers)")
        }
    }
}

#[cfg(test)]
mod tests {
    use client::protocol::{Friend, Group, GroupState, SignedIn};

    use super::*;
    use crate::command::parse;

    /// Alice, whose friend is bob, and who is a member of #climbing and an admin of #readers.
    fn roster() -> Roster {
        let group = |id, name: &str, role| Group {
            id,
            groupname: name.into(),
            groupdesc: String::new(),
            role,
            members: 2,
            state: GroupState::Open,
        };
        let mut roster = Roster::default();
        roster.sign_in(&SignedIn {
            id: 1,
            name: "alice".into(),
            friends: vec![Friend { id: 2, name: "bob".into(), conv: 3, ..Friend::default() }],
            groups: vec![group(7, "climbing", Role::Member), group(8, "readers", Role::Admin)],
            ..SignedIn::default()
        });
        roster.current = Some(Talk::Group(7));
        roster
    }

    fn told(line: &str, refusal: &Refusal) -> Option<String> {
        let command = parse(line).expect("understood").expect("a command");
        About::from(&command).refused(refusal, &roster())
    }

    #[test]
    fn what_is_missing_has_a_name() {
        for (line, told_of) in [
            ("/profile 9", "there is no user with the id 9; /search NAME finds people"),
            ("/profile bob", "there is no user called bob"),
            ("/add 9", "there is no user with the id 9; /search NAME finds people"),
            ("/accept 2", "no friend request of bob waits; /requests lists those that do"),
            ("/withdraw bob", "no friend request of yours to bob waits; /requests lists those that do"),
            ("/unblock 9", "you do not block user 9; /blocked lists whom you do"),
            ("/end-session 4", "you have no session 4; /sessions lists them"),
            (
                "/join 9",
                "there is no group with the number 9; whoever is in a group finds its number in /groups",
            ),
            ("/remove 7 2", "bob is not in #climbing; /members #climbing lists who is"),
            (
                "/admit #readers 9",
                "no application of user 9 to #readers waits; /applications lists those that do",
            ),
            ("/come 9", "no invitation into #9 waits; /invitations lists those that do"),
            (
                "/recall 5",
                "there is no message 5 in this conversation (/history shows their numbers), or it is not yours",
            ),
        ] {
            assert_eq!(told(line, &Refusal::new(Code::NOT_FOUND)).as_deref(), Some(told_of), "{line}");
        }
    }

    #[test]
    fn who_may_do_it_is_told() {
        for (line, told_of) in [
            ("/rename #climbing walls", "only the owner or an admin of #climbing may do that"),
            ("/remove 7 bob", "only the owner or an admin of #climbing may do that"),
            ("/remove #readers bob", "admins of #readers may not do that to its owner or to another admin"),
            ("/admin #readers bob", "only the owner of #readers may do that"),
            ("/dissolve 7", "only the owner of #climbing may do that"),
            ("/add 2", "you block bob; /unblock 2 ends that"),
            ("/join 9", "one comes into group 9 by invitation only: its owner and admins /invite"),
        ] {
            assert_eq!(told(line, &Refusal::new(Code::NOT_ALLOWED)).as_deref(), Some(told_of), "{line}");
        }
        let everybody = Refusal::new(Code::NOT_ALLOWED).field("mentions");
        let told_of = "only the owner or an admin of #climbing may mention everybody";
        assert_eq!(told("@all fire", &everybody).as_deref(), Some(told_of));
        let stranger = Refusal::new(Code::NOT_FRIENDS);
        let told_of = "you and user 9 are not friends; /add 9 asks for that";
        for line in ["/msg 9 hi", "/invite #climbing 9"] {
            assert_eq!(told(line, &stranger).as_deref(), Some(told_of), "{line}");
        }
        let stranger = Refusal::new(Code::NOT_MEMBER);
        let told_of = "you are not in #9; /groups lists those that you are in";
        assert_eq!(told("/msg #9 hi", &stranger).as_deref(), Some(told_of));
    }

    #[test]
    fn what_the_server_says_itself_stays() {
        let said = Refusal::saying(Code::NOT_FOUND, "nobody is there on Sundays");
        assert_eq!(told("/profile 9", &said), None);
        assert_eq!(told("/msg bob hi", &Refusal::new(Code::MUTED)), None);
    }

    #[test]
    fn names_of_others_do_no_harm() {
        let told_of = told("/accept \"e\u{1b}[31mve\"", &Refusal::new(Code::NOT_FOUND)).expect("told");
        assert!(!told_of.contains('\u{1b}'), "{told_of:?}");
    }
}
