//! Whether devices are in step: all of a user's, and each with the database.

use std::collections::BTreeSet;

use protocol::Hidden;

use super::{Findings, Kind, access, hides};
use crate::torture::evidence::{Conversation, Cursor, Evidence, QuietHeld, Record};

pub(super) fn examine(evidence: &Evidence, findings: &mut Findings) {
    for record in &evidence.records {
        let hidden = &hides::places(evidence, record.user);
        for (&conv, conversation) in &evidence.log.conversations {
            let reaches = access::reaches(evidence, record.user, conv);
            let Some(reach) = reaches.iter().find(|reach| reach.end.is_none()) else { continue };
            let case = Case { evidence, record, conv, conversation, first: reach.first, hidden };
            case.messages(findings);
            case.reading(findings);
        }
        quiet(evidence, record, findings);
        hiding(evidence, record, findings);
    }
}

/// One device, and one conversation that its user reads.
struct Case<'a> {
    evidence: &'a Evidence,
    record: &'a Record,
    conv: u64,
    conversation: &'a Conversation,
    /// The first message that the user may read.
    first: u64,
    /// What the user hid: conversation and seq.
    hidden: &'a BTreeSet<(u64, u64)>,
}

impl Case<'_> {
    /// What the device holds is as it is stored. That it holds all is judged elsewhere.
    fn messages(&self, findings: &mut Findings) {
        let first = (self.conv, self.first);
        for (&(_, seq), held) in self.record.held.range(first..(self.conv + 1, 0)) {
            let Some(message) = self.conversation.message(seq) else { continue };
            let expected = match self.hidden.contains(&(self.conv, seq)) {
                true => message.state.without_text(),
                false => message.state,
            };
            if *held != expected {
                let what = format!(
                    "{} holds {}/{seq} as {held:?}; stored is {expected:?} as change {} of {}",
                    self.subject(),
                    self.conv,
                    message.position,
                    self.conversation.last_change
                );
                findings.add(Kind::OutOfStep, what, self.notes());
            }
        }
    }

    /// Own cursor, what is unread, and in a direct conversation how far the other one got.
    fn reading(&self, findings: &mut Findings) {
        let Case { conv, first, .. } = *self;
        let last = self.conversation.last_seq;
        if last < first {
            // Nothing that they may read was said yet.
            return;
        }
        let Some(reading) = self.record.readings.get(&conv) else {
            let what = format!("{} knows nothing of how far conversation {conv} was read", self.subject());
            return findings.add(Kind::OutOfStep, what, self.notes());
        };
        let stored = self.cursor(self.record.user).read.max(first - 1);
        let (read, unread) = (reading.read.max(first - 1), reading.unread());
        if (read, unread) != (stored, last - stored) {
            let what = format!(
                "{} has read conversation {conv} up to {read} with {unread} unread; stored are {stored} of {last}",
                self.subject()
            );
            findings.add(Kind::OutOfStep, what, self.notes());
        }
        let Some((lo, hi)) = self.conversation.pair else { return };
        let friend = if self.record.user == lo { hi } else { lo };
        let stored = self.cursor(friend);
        // Who says something has read what stands before it, whether their device came to say so or not.
        let said = self.conversation.messages.iter().rev().find(|message| message.from == friend);
        let said = said.map_or(0, |message| message.seq);
        let shown = Cursor { delivered: reading.their_delivered, read: reading.their_read };
        let is_true = |shown: u64, stored: u64| shown >= stored && shown <= stored.max(said);
        if !is_true(shown.read, stored.read) || !is_true(shown.delivered, stored.delivered) {
            let what = format!(
                "{} shows user {friend} in conversation {conv} at {shown:?}; stored is {stored:?} of {last}, and what they said \
                 last is {said}",
                self.subject()
            );
            findings.add(Kind::OutOfStep, what, self.notes());
        }
    }

    fn cursor(&self, user: u64) -> Cursor {
        self.evidence.log.cursors.get(&(self.conv, user)).copied().unwrap_or_default()
    }

    fn subject(&self) -> String {
        format!("{} (user {}, {:?})", self.record.who, self.record.user, self.record.tongue)
    }

    fn notes(&self) -> Vec<String> {
        notes(self.record)
    }
}

fn quiet(evidence: &Evidence, record: &Record, findings: &mut Findings) {
    let stored = evidence.log.quiet.get(&record.user).cloned().unwrap_or_default();
    if record.quiet != stored {
        let Record { who, user, tongue, quiet: QuietHeld { version, entries }, .. } = record;
        let what = format!(
            "{who} (user {user}, {tongue:?}) keeps {entries:?} quiet, by version {version}; stored is {stored:?}"
        );
        findings.add(Kind::OutOfStep, what, notes(record));
    }
}

/// All devices of a user were told all that it hid, each once, by rising position.
fn hiding(evidence: &Evidence, record: &Record, findings: &mut Findings) {
    let Record { who, user, tongue, hidden, .. } = record;
    let stored = hides::of(evidence, *user);
    if hidden == stored {
        return;
    }
    let same = hidden.iter().zip(stored).take_while(|(told, stored)| told == stored).count();
    let next = |list: &[Hidden]| list.get(same).map_or("nothing".to_owned(), |it| format!("{it:?}"));
    let what = format!(
        "{who} (user {user}, {tongue:?}) knows of {} hidden messages, and {} are stored; after {same} that are the same it was \
         told {}, and stored is {}",
        hidden.len(),
        stored.len(),
        next(hidden),
        next(stored)
    );
    findings.add(Kind::OutOfStep, what, notes(record));
}

/// The last that happened to the device's connection.
pub(super) fn notes(record: &Record) -> Vec<String> {
    let own = record.notes.iter().rev().filter(|(_, note)| !note.starts_with("user "));
    let mut lines: Vec<String> =
        own.take(super::NOTES_SHOWN).map(|(at_ms, note)| format!("{at_ms}: {note}")).collect();
    lines.reverse();
    lines
}
