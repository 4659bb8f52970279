//! What is stored: every acknowledged message once, at its place, as it was sent, and nothing else.

use std::collections::{BTreeMap, HashMap};

use super::{Findings, Kind};
use crate::torture::evidence::{Evidence, Logged, Outcome, Send, Target, Who};

/// A message's place in the log.
type Place = (u64, u64);

pub(super) fn examine(evidence: &Evidence, findings: &mut Findings) {
    let mut places: BTreeMap<(u64, &str), Vec<Place>> = BTreeMap::new();
    for (&conv, conversation) in &evidence.log.conversations {
        let mut expected = 1;
        for message in &conversation.messages {
            if message.seq != expected {
                let what =
                    format!("conversation {conv} goes on with {} where {expected} is due", message.seq);
                findings.add(Kind::OutOfOrder, what, Vec::new());
            }
            expected = message.seq + 1;
            // What tells of a change of the group, nobody sent.
            if !message.id.is_empty() {
                places.entry((message.from, &message.id)).or_default().push((conv, message.seq));
            }
        }
        if expected != conversation.last_seq + 1 {
            let what = format!(
                "conversation {conv} should end with {} and ends with {}",
                conversation.last_seq,
                expected - 1
            );
            findings.add(Kind::Lost, what, Vec::new());
        }
    }

    let mut sends: HashMap<(u64, &str), (Who, &Send)> = HashMap::new();
    for record in &evidence.records {
        for send in &record.sends {
            sends.insert((record.user, &send.id), (record.who, send));
        }
    }
    for ((user, id), at) in &places {
        if at.len() > 1 {
            let what = format!("message {id} of user {user} is stored {} times: at {at:?}", at.len());
            findings.add(Kind::Duplicated, what, Vec::new());
        }
        match sends.get(&(*user, *id)) {
            None => {
                let what = format!("message {id} of user {user} at {at:?} is none that anybody sent");
                findings.add(Kind::Corrupted, what, Vec::new());
            }
            Some((who, send)) => {
                for place in at {
                    compare(evidence, (*user, *who, send), *place, findings);
                }
            }
        }
    }
    for ((user, id), (who, send)) in &sends {
        let place = places.get(&(*user, *id)).and_then(|at| at.first());
        judge(evidence, (*user, *who, send), place, findings);
    }
}

/// Whether what is stored is what was sent.
fn compare(
    evidence: &Evidence,
    (user, who, send): (u64, Who, &Send),
    (conv, seq): Place,
    findings: &mut Findings,
) {
    let Some(conversation) = evidence.log.conversations.get(&conv) else { return };
    let right_place = match send.to {
        Target::Group(group) => group == conv,
        Target::Friend(friend) => conversation.pair == Some((user.min(friend), user.max(friend))),
    };
    if !right_place {
        let what = format!("{} of {who} to {:?} is stored in conversation {conv}", send.id, send.to);
        findings.add(Kind::Misdelivered, what, Vec::new());
    }
    // What became of it later is judged elsewhere.
    let is_first = |message: &Logged| message.state.edited == 0 && !message.state.recalled;
    if conversation.message(seq).is_some_and(|message| is_first(message) && message.state.text != send.text) {
        let what = format!("{} of {who} is stored at {conv}/{seq} with another text", send.id);
        findings.add(Kind::Corrupted, what, Vec::new());
    }
}

/// Whether what was answered is what happened.
fn judge(
    evidence: &Evidence,
    (user, who, send): (u64, Who, &Send),
    place: Option<&Place>,
    findings: &mut Findings,
) {
    let subject = format!("{} of {who} (user {user}) to {:?}", send.id, send.to);
    match (send.outcome, place) {
        (Outcome::Stored { conv, seq, time }, None) => {
            let what = format!("{subject} was acknowledged as {conv}/{seq} at {time} and is not in the log");
            findings.add(Kind::Lost, what, around(evidence, conv, seq));
        }
        (Outcome::Stored { conv, seq, time }, Some(&(at_conv, at_seq))) => {
            let stored = evidence.log.conversations.get(&at_conv).and_then(|found| found.message(at_seq));
            let as_answered = (conv, seq) == (at_conv, at_seq) && stored.is_some_and(|it| it.time == time);
            if !as_answered {
                let what = format!(
                    "{subject} was acknowledged as {conv}/{seq} at {time} and stands at {at_conv}/{at_seq}"
                );
                findings.add(Kind::OutOfOrder, what, around(evidence, at_conv, at_seq));
            }
        }
        (Outcome::Refused { code, at_ms }, Some(&(conv, seq))) if !send.uncertain => {
            let what = format!("{subject} was refused with {code:?} at {at_ms} and stands at {conv}/{seq}");
            findings.add(Kind::Refused, what, around(evidence, conv, seq));
        }
        (Outcome::Open, _) => {
            let what = format!("{subject}, first tried at {}, has no answer", send.begun_ms);
            findings.add(Kind::Unsettled, what, Vec::new());
        }
        (Outcome::Refused { .. }, _) => {}
    }
}

/// The log around a seq.
pub(super) fn around(evidence: &Evidence, conv: u64, seq: u64) -> Vec<String> {
    let line = |message: &Logged| {
        format!("log {conv}/{}: {} of user {} at {}", message.seq, message.id, message.from, message.time)
    };
    let near = |message: &&Logged| message.seq.abs_diff(seq) <= 2;
    let conversation = evidence.log.conversations.get(&conv);
    conversation.into_iter().flat_map(|it| &it.messages).filter(near).map(line).collect()
}
