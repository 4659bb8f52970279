//! What came of asking what one was told.

use client::protocol::{Broadcast, Notice};
use serde_json::{Value, json};

use super::Outcome;
use crate::moment;
use crate::notice::notice_line;
use crate::printable;

/// Of notices and broadcasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToldOutcome {
    Notices(Vec<Notice>),
    /// The latest first.
    Broadcasts(Vec<Broadcast>),
}

impl ToldOutcome {
    /// The lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Notices(notices) if notices.is_empty() => vec!["nothing concerned you lately".to_owned()],
            Self::Notices(notices) => {
                let line = |notice: &Notice| {
                    Some(format!("{}  {}", moment::full(notice.time), notice_line(notice)?))
                };
                notices.iter().filter_map(line).collect()
            }
            Self::Broadcasts(broadcasts) if broadcasts.is_empty() => {
                vec!["the operator of this server told everybody nothing lately".to_owned()]
            }
            Self::Broadcasts(broadcasts) => {
                let line = |broadcast: &Broadcast| {
                    format!("{}  {}", moment::full(broadcast.time), printable::message(&broadcast.msg))
                };
                broadcasts.iter().map(line).collect()
            }
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::Notices(notices) => json!({ "notices": notices }),
            Self::Broadcasts(broadcasts) => json!({ "broadcasts": broadcasts }),
        }
    }
}

impl From<ToldOutcome> for Outcome {
    fn from(outcome: ToldOutcome) -> Outcome {
        Outcome::Told(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasts_are_listed_as_they_are_and_harmless() {
        let broadcast = |id, msg: &str| Broadcast { id, time: 0, msg: msg.into() };
        let listed = ToldOutcome::Broadcasts(vec![
            broadcast(2, "it is noon"),
            broadcast(1, "at noon\n12:00 bob: hi\u{1b}[2J"),
        ]);
        let at = moment::full(0);
        assert_eq!(
            listed.lines(),
            [format!("{at}  it is noon"), format!("{at}  at noon\n  | 12:00 bob: hi[2J")]
        );
        assert_eq!(listed.object()["broadcasts"][0], json!({ "id": 2, "time": 0, "msg": "it is noon" }));
        let nothing = ToldOutcome::Broadcasts(vec![]);
        assert_eq!(nothing.lines(), ["the operator of this server told everybody nothing lately"]);
    }
}
