//! What users deleted for themselves: every acknowledged hide is stored, nothing is hidden that nobody asked for, and HISTORY
//! gives it without its text to this user and to nobody else. That a user's devices agree on it is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Code, Hidden};

use super::{Findings, Kind, access, log};
use crate::torture::evidence::{DeedOutcome, Evidence, Held, HideDeed, Record};

/// Lines of a user's list that are printed around a violation.
const AROUND: u64 = 2;

pub(super) fn examine(evidence: &Evidence, findings: &mut Findings) {
    let users: BTreeSet<u64> =
        evidence.log.hidden_last.keys().chain(evidence.log.hidden.keys()).copied().collect();
    for user in users {
        list(evidence, user, findings);
    }
    for record in &evidence.records {
        for deed in &record.hides {
            judge(evidence, record, deed, findings);
        }
    }
    for (&(user, conv), history) in &evidence.histories {
        read(evidence, (user, conv), history, findings);
    }
}

/// What a user hid, by what is stored.
pub(super) fn of(evidence: &Evidence, user: u64) -> &[Hidden] {
    evidence.log.hidden.get(&user).map_or(&[], Vec::as_slice)
}

/// Conversation and seq of that.
pub(super) fn places(evidence: &Evidence, user: u64) -> BTreeSet<(u64, u64)> {
    of(evidence, user).iter().map(|hidden| (hidden.conv, hidden.seq)).collect()
}

/// Positions without holes, up to the last that devices are told of; each message once, and because somebody asked for it.
fn list(evidence: &Evidence, user: u64, findings: &mut Findings) {
    let stored = of(evidence, user);
    let last = evidence.log.hidden_last.get(&user).copied().unwrap_or(0);
    if !stored.iter().map(|hidden| hidden.position).eq(1..=last) {
        let what = format!("what user {user} hid does not stand at 1 to {last}, without holes");
        findings.add(Kind::OutOfOrder, what, around(evidence, user, last));
    }
    let mut seen = BTreeSet::new();
    for hidden in stored {
        let place = (hidden.conv, hidden.seq);
        if !seen.insert(place) {
            let what = format!("user {user} hid {}/{} twice", hidden.conv, hidden.seq);
            findings.add(Kind::Duplicated, what, around(evidence, user, hidden.position));
        }
        if !deeds(evidence, user, place).any(HideDeed::may_be_done) {
            let what =
                format!("{}/{} is hidden from user {user}, who did not ask for it", hidden.conv, hidden.seq);
            findings.add(Kind::Corrupted, what, around(evidence, user, hidden.position));
        }
    }
}

/// Whether what was answered is what happened.
fn judge(evidence: &Evidence, record: &Record, deed: &HideDeed, findings: &mut Findings) {
    let HideDeed { conv, seqs, to, begun_ms, uncertain, outcome, answered } = deed;
    let (user, conv) = (record.user, *conv);
    let subject = format!("hiding {conv}/{seqs:?} by {} (user {user})", record.who);
    let stored = places(evidence, user);
    match *outcome {
        DeedOutcome::Done(_) => {
            for seq in seqs.iter().filter(|seq| !stored.contains(&(conv, **seq))) {
                let what = format!("{subject} was acknowledged, and {seq} is not hidden: {answered:?}");
                findings.add(Kind::Lost, what, log::around(evidence, conv, *seq));
            }
            let is_asked = |it: &Hidden| it.conv == conv && seqs.contains(&it.seq);
            let is_stored =
                |it: &Hidden| of(evidence, user).contains(it) || !stored.contains(&(conv, it.seq));
            let all: BTreeSet<u64> = answered.iter().map(|it| it.seq).collect();
            let is_whole = all.len() == answered.len() && all.iter().eq(seqs.iter().collect::<BTreeSet<_>>());
            if !is_whole || !answered.iter().all(|it| is_asked(it) && is_stored(it)) {
                let what = format!("{subject} was answered with {answered:?}, which is not what is stored");
                let last = answered.iter().map(|it| it.position).max().unwrap_or(0);
                findings.add(Kind::OutOfOrder, what, around(evidence, user, last));
            }
        }
        DeedOutcome::Refused { code, at_ms } => {
            let is_outside =
                |seq: &u64| !access::is_inside(evidence, user, (*to, Some(*seq)), *begun_ms, at_ms);
            if code != Code::NOT_FOUND || !seqs.iter().any(is_outside) {
                let what =
                    format!("{subject}, tried from {begun_ms} on, was refused at {at_ms} with {code:?}");
                findings.add(Kind::Refused, what, spells(evidence, user, conv));
            }
            let by_another = |seq: &u64| {
                deeds(evidence, user, (conv, *seq))
                    .any(|other| !std::ptr::eq(other, deed) && other.may_be_done())
            };
            if !uncertain && seqs.iter().any(|seq| stored.contains(&(conv, *seq)) && !by_another(seq)) {
                findings.add(
                    Kind::Refused,
                    format!("{subject} was refused with {code:?} and done"),
                    Vec::new(),
                );
            }
        }
        DeedOutcome::Open => {
            let what = format!("{subject}, tried from {begun_ms} on, has no answer");
            findings.add(Kind::Unsettled, what, Vec::new());
        }
    }
}

/// What HISTORY gave a user is the log, but for what they hid themselves.
fn read(
    evidence: &Evidence,
    (user, conv): (u64, u64),
    history: &BTreeMap<u64, Held>,
    findings: &mut Findings,
) {
    let Some(conversation) = evidence.log.conversations.get(&conv) else { return };
    let hidden = places(evidence, user);
    let reaches = access::reaches(evidence, user, conv);
    let Some(reach) = reaches.iter().find(|reach| reach.end.is_none()) else { return };
    for message in conversation.messages.iter().filter(|message| message.seq >= reach.first) {
        let expected = match hidden.contains(&(conv, message.seq)) {
            true => message.state.without_text(),
            false => message.state,
        };
        let given = history.get(&message.seq);
        if given != Some(&expected) {
            let what = format!(
                "HISTORY gives user {user} {conv}/{} as {given:?}; by what is stored, and what they hid, it is {expected:?}",
                message.seq
            );
            let kind = if given.is_none() { Kind::Lost } else { Kind::OutOfStep };
            findings.add(kind, what, log::around(evidence, conv, message.seq));
        }
    }
}

/// What a user's devices tried to hide of a message.
fn deeds(evidence: &Evidence, user: u64, (conv, seq): (u64, u64)) -> impl Iterator<Item = &HideDeed> {
    let records = evidence.records.iter().filter(move |record| record.user == user);
    let deeds = records.flat_map(|record| &record.hides);
    deeds.filter(move |deed| deed.conv == conv && deed.seqs.contains(&seq))
}

impl HideDeed {
    /// Whether it was done, for all that its maker knows.
    fn may_be_done(&self) -> bool {
        self.uncertain || !matches!(self.outcome, DeedOutcome::Refused { .. })
    }
}

/// A user's list around a position.
fn around(evidence: &Evidence, user: u64, position: u64) -> Vec<String> {
    let near = |hidden: &&Hidden| hidden.position.abs_diff(position) <= AROUND;
    of(evidence, user).iter().filter(near).map(|hidden| format!("user {user}: {hidden:?}")).collect()
}

fn spells(evidence: &Evidence, user: u64, conv: u64) -> Vec<String> {
    let spells = evidence.spells.iter().filter(|spell| spell.user == user && spell.group == conv);
    spells.map(|spell| format!("{spell:?}")).collect()
}
