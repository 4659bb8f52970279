//! What came of commands about groups.

use client::protocol::{Group, GroupProfile, GroupState, Member, Role};
use serde_json::{Value, json};

use super::Outcome;
use super::layout::{count, presence, table, unread, with_words};
use crate::called::called;
use crate::moment;
use crate::printable::one_line;
use crate::roster::{Roster, Talk};

/// Of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupsOutcome {
    Groups(Vec<Group>),
    Created(Group),
    Joined(Group),
    Group(GroupProfile),
    /// What came of it stands in the conversation.
    GroupChanged {
        id: u64,
    },
    Left {
        id: u64,
        name: String,
    },
    Members {
        name: String,
        members: Vec<Member>,
    },
}

impl GroupsOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster) -> Vec<String> {
        let one = |line: String| vec![line];
        match self {
            // The conversation shows it.
            Self::GroupChanged { .. } => vec![],
            Self::Groups(groups) if groups.is_empty() => {
                one("no groups yet; /group create NAME opens one, /join ID joins one".to_owned())
            }
            Self::Groups(groups) => table(groups.iter().map(|group| {
                let state = if group.state == GroupState::Dissolved { ", dissolved" } else { "" };
                let about = format!(
                    "{}, {}{state}{}",
                    role(group.role),
                    count(group.members as usize, "member"),
                    unread(roster.conversations.unread(Talk::Group(group.id)))
                );
                [
                    group.id.to_string(),
                    format!("#{}", one_line(&group.groupname)),
                    with_words(about, &group.groupdesc),
                ]
            })),
            Self::Created(group) => one(format!(
                "#{} is open with number {}; others come in with /join {}",
                one_line(&group.groupname),
                group.id,
                group.id
            )),
            Self::Joined(group) => one(format!(
                "you are in #{}, {}",
                one_line(&group.groupname),
                count(group.members as usize, "member")
            )),
            Self::Group(profile) => profile_lines(profile),
            Self::Left { name, .. } => one(format!("you left {name}")),
            Self::Members { name, members } => {
                let mut lines = one(format!("{name} has {}", count(members.len(), "member")));
                lines.extend(table(members.iter().map(|member| {
                    let about = format!("{}, {}", role(member.role), presence(member.state));
                    [member.id.to_string(), called(&member.name, &member.nickname), about]
                })));
                lines
            }
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::Groups(groups) => json!({ "groups": groups }),
            Self::Created(group) | Self::Joined(group) => json!({ "group": group }),
            Self::Group(profile) => json!({ "profile": profile }),
            Self::Left { id, .. } | Self::GroupChanged { id } => json!({ "group": id }),
            Self::Members { members, .. } => json!({ "members": members }),
        }
    }
}

impl From<GroupsOutcome> for Outcome {
    fn from(outcome: GroupsOutcome) -> Outcome {
        Outcome::Groups(outcome)
    }
}

fn profile_lines(profile: &GroupProfile) -> Vec<String> {
    let group = &profile.group;
    let state = if group.state == GroupState::Dissolved { ", dissolved" } else { "" };
    let members = count(group.members as usize, "member");
    let mut lines = vec![format!(
        "#{} ({}), {members}, you are {}{state}",
        one_line(&group.groupname),
        group.id,
        role(group.role)
    )];
    let mut say = |what: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {what}: {}", one_line(text)));
        }
    };
    say("about", &group.groupdesc);
    say("announcement", &profile.announcement);
    say("picture", &profile.avatar);
    say("coming in", profile.joining.word());
    let until = |ms: u64| if ms == 0 { String::new() } else { moment::full(ms) };
    say("members are muted until", &until(profile.muted_until));
    say("you are muted until", &until(profile.own_muted_until));
    lines
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_group_says_of_itself_stands_behind_a_colon() {
        let group = |id, name: &str, about: &str| Group {
            id,
            groupname: name.into(),
            groupdesc: about.into(),
            role: Role::Member,
            members: id as u32,
            state: GroupState::Open,
        };
        let listed =
            GroupsOutcome::Groups(vec![group(1, "climbing", "on\nSundays"), group(2, "readers", "")]);
        assert_eq!(
            listed.lines(&Roster::default()),
            ["  1  #climbing  member, 1 member: on Sundays", "  2  #readers   member, 2 members"]
        );
    }
}
