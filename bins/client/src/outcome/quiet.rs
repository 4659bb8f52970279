//! What is kept quiet.

use client::protocol::Quiet;
use client::protocol::limits::NUMBER_MAX;
use serde_json::{Value, json};

use super::Outcome;
use crate::moment;
use crate::printable::one_line;
use crate::roster::Roster;

/// What is quiet: all of it, or what was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuietOutcome(pub(crate) Vec<Quiet>);

impl QuietOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster) -> Vec<String> {
        match self.0.as_slice() {
            [] => vec!["not quiet".to_owned()],
            entries => entries.iter().map(|entry| line(entry, roster)).collect(),
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        json!({ "quiet": self.0 })
    }
}

fn line(entry: &Quiet, roster: &Roster) -> String {
    let name = match (entry.conv, roster.talk_of(entry.conv)) {
        (0, _) => "all".to_owned(),
        (_, Some(talk)) => roster.talk_name(talk),
        (conv, None) => format!("conversation {conv}"),
    };
    let mut times = Vec::new();
    match entry.until {
        0 => {}
        NUMBER_MAX => times.push("always".to_owned()),
        until => times.push(format!("until {}", moment::full(until))),
    }
    if let (Some(from), Some(to), Some(zone)) = (entry.from, entry.to, &entry.zone) {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        times.push(format!("every day {}-{} in {}", clock(from), clock(to), one_line(zone)));
    }
    let mentions = if entry.mentions { "" } else { ", even where you are mentioned" };
    format!("{name}  {}{mentions}", times.join(" and "))
}

impl From<QuietOutcome> for Outcome {
    fn from(outcome: QuietOutcome) -> Outcome {
        Outcome::Quiet(outcome)
    }
}
