//! What came of applications and invitations.

use client::protocol::{Application, Invitation, JoinOutcome, Verdict};
use serde_json::{Value, json};

use super::Outcome;
use super::layout::{table, with_words};
use crate::printable::{self, one_line};
use crate::roster::Roster;

/// Of coming into groups by application and invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JoiningOutcome {
    /// Owner or admins of this group decide.
    Applied(u64),
    /// The application to this group is taken back.
    Unapplied(u64),
    Applications(Vec<Application>),
    Decided {
        group: u64,
        id: u64,
        name: String,
        verdict: Verdict,
    },
    Invited {
        group: u64,
        id: u64,
        name: String,
        outcome: JoinOutcome,
    },
    Uninvited {
        group: u64,
        id: u64,
        name: String,
    },
    Invitations(Vec<Invitation>),
    /// The invitation into this group is refused.
    Declined(u64),
}

impl JoiningOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster) -> Vec<String> {
        let one = |line: String| vec![line];
        match self {
            Self::Applied(group) => {
                one(format!("you asked to come into group {group}; its owner and admins decide"))
            }
            Self::Unapplied(group) => one(format!("you do not ask to come into group {group} any more")),
            Self::Applications(applications) if applications.is_empty() => {
                one("no applications wait".to_owned())
            }
            Self::Applications(applications) => table(applications.iter().map(|application| {
                let own = roster.me.as_ref().is_some_and(|me| me.id == application.id);
                let who = match own {
                    true => "asked by you".to_owned(),
                    false => format!("{} (id {})", printable::name(&application.name), application.id),
                };
                [
                    application.groupid.to_string(),
                    format!("#{}", one_line(&application.groupname)),
                    with_words(who, &application.greeting),
                ]
            })),
            Self::Decided { name, verdict: Verdict::Accept, .. } => one(format!("{name} is in")),
            Self::Decided { name, verdict: Verdict::Refuse, .. } => {
                one(format!("{name}'s application is refused"))
            }
            Self::Invited { name, outcome: JoinOutcome::Joined, .. } => {
                one(format!("{name} had applied and is in now"))
            }
            Self::Invited { name, .. } => one(format!("{name} was asked in and can answer")),
            Self::Uninvited { name, .. } => one(format!("{name} is not asked in any more")),
            Self::Invitations(invitations) if invitations.is_empty() => one("no invitations wait".to_owned()),
            Self::Invitations(invitations) => table(invitations.iter().map(|invitation| {
                [
                    invitation.groupid.to_string(),
                    format!("#{}", one_line(&invitation.groupname)),
                    format!("{} asks you in", printable::name(&invitation.by_name)),
                ]
            })),
            Self::Declined(group) => one(format!("the invitation into group {group} is refused")),
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::Applied(group) => json!({ "outcome": "applied", "group_id": group }),
            Self::Unapplied(group) | Self::Declined(group) => json!({ "group_id": group }),
            Self::Applications(applications) => json!({ "applications": applications }),
            Self::Decided { group, id, .. } | Self::Uninvited { group, id, .. } => {
                json!({ "group_id": group, "id": id })
            }
            Self::Invited { group, id, outcome, .. } => {
                json!({ "group_id": group, "id": id, "outcome": outcome })
            }
            Self::Invitations(invitations) => json!({ "invitations": invitations }),
        }
    }
}

impl From<JoiningOutcome> for Outcome {
    fn from(outcome: JoiningOutcome) -> Outcome {
        Outcome::Joining(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_applied_and_who_is_in_have_names() {
        let application = |id, name: &str, greeting: &str| Application {
            groupid: 7,
            groupname: "climbing".into(),
            id,
            name: name.into(),
            greeting: greeting.into(),
            time: 0,
        };
        let listed = JoiningOutcome::Applications(vec![
            application(2, "bob", "hello: it is\nme"),
            application(3, "eve", ""),
        ]);
        assert_eq!(
            listed.lines(&Roster::default()),
            ["  7  #climbing  bob (id 2): hello: it is me", "  7  #climbing  eve (id 3)"]
        );
        let decided = |verdict| JoiningOutcome::Decided { group: 7, id: 2, name: "bob".into(), verdict };
        assert_eq!(decided(Verdict::Accept).lines(&Roster::default()), ["bob is in"]);
        assert_eq!(decided(Verdict::Refuse).lines(&Roster::default()), ["bob's application is refused"]);
    }
}
