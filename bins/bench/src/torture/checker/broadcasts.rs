//! What operators told everybody: every answered broadcast is stored once, under the id that was answered, and every device
//! shows each once, by rising id. All users are older than the first.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Kind};
use crate::torture::evidence::{Cry, CryOutcome, Evidence, Record};

pub(super) fn examine(evidence: &Evidence, findings: &mut Findings) {
    stored(evidence, findings);
    for cry in &evidence.cries {
        judge(evidence, cry, findings);
    }
    for record in &evidence.records {
        shown(evidence, record, findings);
    }
}

/// What is stored was ordered, and each order is stored once.
fn stored(evidence: &Evidence, findings: &mut Findings) {
    let mut texts = BTreeSet::new();
    for broadcast in &evidence.log.broadcasts {
        let cry = evidence.cries.iter().find(|cry| cry.key == broadcast.key);
        if cry.is_none_or(|cry| cry.text != broadcast.text) {
            let what = format!("nobody said {broadcast:?}");
            findings.add(Kind::Corrupted, what, lines(cry));
        }
        if !texts.insert(broadcast.text) {
            let what = format!("what {broadcast:?} says is stored twice");
            findings.add(Kind::Duplicated, what, lines(cry));
        }
    }
}

/// Whether what was answered is what happened.
fn judge(evidence: &Evidence, cry: &Cry, findings: &mut Findings) {
    let stored = evidence.log.broadcasts.iter().find(|broadcast| broadcast.key == cry.key);
    match (&cry.outcome, stored) {
        (CryOutcome::Stored(id), None) => {
            let what = format!("broadcast {id} was acknowledged and is not stored");
            findings.add(Kind::Lost, what, lines([cry]));
        }
        (CryOutcome::Stored(id), Some(stored)) => {
            if stored.id != *id {
                let what = format!("broadcast {id} was acknowledged and is stored as {stored:?}");
                findings.add(Kind::OutOfOrder, what, lines([cry]));
            }
            // Ids rise by the order of the commits: what was answered before another was begun stands before it.
            let is_after = |other: &&Cry| {
                other.begun_ms > cry.ended_ms
                    && matches!(other.outcome, CryOutcome::Stored(later) if later <= *id)
            };
            if let Some(later) = evidence.cries.iter().find(is_after) {
                let what =
                    format!("broadcast {id} was answered before another was begun that stands before it");
                findings.add(Kind::OutOfOrder, what, lines([cry, later]));
            }
        }
        (CryOutcome::Refused(_), _) => {
            findings.add(Kind::Refused, "a broadcast was refused for good".to_owned(), lines([cry]));
        }
        (CryOutcome::Open, _) => {
            findings.add(Kind::Unsettled, "a broadcast has no answer".to_owned(), lines([cry]));
        }
    }
}

/// What one device showed.
fn shown(evidence: &Evidence, record: &Record, findings: &mut Findings) {
    let subject = format!("{} (user {}, {:?})", record.who, record.user, record.tongue);
    let stored: BTreeMap<u64, _> = evidence.log.broadcasts.iter().map(|it| (it.id, it.text)).collect();
    let mut seen = BTreeSet::new();
    let mut highest = 0;
    for told in &record.broadcasts {
        if stored.get(&told.id) != Some(&told.text) {
            let what = format!("{subject} was told broadcast {} other than it is stored", told.id);
            findings.add(Kind::Corrupted, what, around(record, told.id));
        }
        if !seen.insert(told.id) {
            let what = format!("{subject} was told broadcast {} twice", told.id);
            findings.add(Kind::Duplicated, what, around(record, told.id));
        } else if told.id < highest {
            let what = format!("{subject} was told broadcast {} after {highest}", told.id);
            findings.add(Kind::OutOfOrder, what, around(record, told.id));
        }
        highest = highest.max(told.id);
    }
    for id in stored.keys().filter(|id| !seen.contains(id)) {
        let what = format!("{subject} was never told broadcast {id}");
        let mut lines = around(record, *id);
        lines.extend(super::step::notes(record));
        findings.add(Kind::Lost, what, lines);
    }
}

/// What a device was told next to this broadcast.
fn around(record: &Record, id: u64) -> Vec<String> {
    let near = record.broadcasts.iter().filter(|told| told.id.abs_diff(id) <= 1);
    near.map(|told| format!("{}: {told:?}", record.who)).collect()
}

fn lines<'a>(cries: impl IntoIterator<Item = &'a Cry>) -> Vec<String> {
    cries.into_iter().map(|cry| format!("{cry:?}")).collect()
}
