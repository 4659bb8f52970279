//! What came of a command, for people and for programs: a file for each capability.

mod accounts;
mod failure;
mod groups;
mod help;
mod joining;
mod layout;
mod people;
mod quiet;
mod talking;
mod told;

use serde_json::{Value, json};

use crate::roster::Roster;
use crate::style::Style;
pub(crate) use accounts::AccountsOutcome;
pub(crate) use failure::Failure;
pub(crate) use groups::GroupsOutcome;
pub(crate) use joining::JoiningOutcome;
pub(crate) use layout::{columns, count, fit};
pub(crate) use people::PeopleOutcome;
pub(crate) use quiet::QuietOutcome;
pub(crate) use talking::{ConversationRow, TalkingOutcome};
pub(crate) use told::ToldOutcome;

/// A command was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Of one command by its name, or of all.
    Help(Option<&'static str>),
    Accounts(AccountsOutcome),
    People(PeopleOutcome),
    Groups(GroupsOutcome),
    Joining(JoiningOutcome),
    Talking(TalkingOutcome),
    Told(ToldOutcome),
    Quiet(QuietOutcome),
    Waited,
    Quit,
}

impl Outcome {
    /// The lines for people.
    pub(crate) fn lines(&self, roster: &Roster, style: Style) -> Vec<String> {
        match self {
            Outcome::Help(about) => help::lines(*about),
            Outcome::Accounts(outcome) => outcome.lines(),
            Outcome::People(outcome) => outcome.lines(roster, style),
            Outcome::Groups(outcome) => outcome.lines(roster),
            Outcome::Joining(outcome) => outcome.lines(roster),
            Outcome::Talking(outcome) => outcome.lines(roster, style),
            Outcome::Told(outcome) => outcome.lines(),
            Outcome::Quiet(outcome) => outcome.lines(roster),
            Outcome::Waited | Outcome::Quit => vec![],
        }
    }

    /// The object for programs. The shapes are documented in docs/client.md.
    pub(crate) fn object(&self, command: &str, roster: &Roster) -> Value {
        let mut object = match self {
            Outcome::Help(about) => help::object(*about),
            Outcome::Accounts(outcome) => outcome.object(),
            Outcome::People(outcome) => outcome.object(),
            Outcome::Groups(outcome) => outcome.object(),
            Outcome::Joining(outcome) => outcome.object(),
            Outcome::Talking(outcome) => outcome.object(roster),
            Outcome::Told(outcome) => outcome.object(),
            Outcome::Quiet(outcome) => outcome.object(),
            Outcome::Waited | Outcome::Quit => json!({}),
        };
        object["type"] = "done".into();
        object["command"] = command.into();
        object
    }
}
