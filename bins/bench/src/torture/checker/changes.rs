//! What was changed after it was said: every acknowledged edit and recall is stored, or a later one of the same message is, and
//! nothing was changed by nobody. The same of what users keep quiet.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Code;

use super::{Findings, Kind, access, log};
use crate::torture::evidence::{Change, Deed, DeedOutcome, Digest, Evidence, Logged, QuietDeed, Record, Who};

/// For how long a message may be recalled, unless an operator says otherwise; edited for longer.
const RECALL_WINDOW_MS: u64 = 120_000;

/// Every text that a message may have had.
pub(super) struct Versions<'a> {
    /// Conversation and seq → what somebody tried to do to the message.
    changes: BTreeMap<(u64, u64), Vec<(Who, &'a Change)>>,
    /// Sender and message id → the first text.
    sent: BTreeMap<(u64, &'a str), Digest>,
}

impl<'a> Versions<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Versions<'a> {
        let mut versions = Versions { changes: BTreeMap::new(), sent: BTreeMap::new() };
        for record in &evidence.records {
            for change in &record.changes {
                versions.changes.entry((change.conv, change.seq)).or_default().push((record.who, change));
            }
            let sends = record.sends.iter().map(|send| ((record.user, send.id.as_str()), send.text));
            versions.sent.extend(sends);
        }
        versions
    }

    /// Whether a message of the log had this text at some time.
    pub(super) fn has(&self, conv: u64, message: &Logged, text: Digest) -> bool {
        let is_first = || self.sent.get(&(message.from, message.id.as_str())) == Some(&text);
        let is_edit = || self.edits(conv, message.seq).any(|edit| edit == text);
        text == message.state.text || is_first() || is_edit()
    }

    /// Texts that somebody tried to give to a message after the first, and that were not plainly refused.
    fn edits(&self, conv: u64, seq: u64) -> impl Iterator<Item = Digest> {
        self.of_message(conv, seq).filter_map(|(_, change)| match change.deed {
            Deed::Edit(text) if change.may_be_done() => Some(text),
            Deed::Edit(_) | Deed::Recall => None,
        })
    }

    fn of_message(&self, conv: u64, seq: u64) -> impl Iterator<Item = &(Who, &'a Change)> {
        self.changes.get(&(conv, seq)).into_iter().flatten()
    }
}

impl Change {
    /// Whether it was done, for all that its maker knows.
    fn may_be_done(&self) -> bool {
        self.uncertain || !matches!(self.outcome, DeedOutcome::Refused { .. })
    }
}

pub(super) fn examine(evidence: &Evidence, versions: &Versions<'_>, findings: &mut Findings) {
    for (&conv, conversation) in &evidence.log.conversations {
        let mut positions = BTreeSet::new();
        for message in &conversation.messages {
            contents(evidence, versions, conv, message, findings);
            if message.position > 0
                && (!positions.insert(message.position) || message.position > conversation.last_change)
            {
                let what = format!(
                    "{conv}/{} stands at {} among the changes, of which {} is the last",
                    message.seq, message.position, conversation.last_change
                );
                findings.add(Kind::OutOfOrder, what, Vec::new());
            }
        }
    }
    for (conv, seq) in &evidence.log.recalled_words {
        let what = format!("{conv}/{seq} was recalled, and the search still finds words of it");
        findings.add(Kind::Lost, what, log::around(evidence, *conv, *seq));
    }
    for record in &evidence.records {
        for change in &record.changes {
            judge(evidence, versions, record, change, findings);
        }
        for deed in &record.quiets {
            judge_quiet(evidence, record, deed, findings);
        }
    }
}

/// What is stored of a message is what somebody made of it.
fn contents(
    evidence: &Evidence,
    versions: &Versions<'_>,
    conv: u64,
    message: &Logged,
    findings: &mut Findings,
) {
    let (seq, state) = (message.seq, message.state);
    let mut add = |kind, what| findings.add(kind, what, around(evidence, versions, conv, seq));
    if state.recalled {
        if state.text != Digest::of("") {
            add(Kind::Lost, format!("{conv}/{seq} was recalled, and its text is still stored"));
        }
        let is_recall = |change: &Change| change.deed == Deed::Recall && change.may_be_done();
        if !versions.of_message(conv, seq).any(|(_, change)| is_recall(change)) {
            add(Kind::Corrupted, format!("{conv}/{seq} was recalled by nobody"));
        }
    } else if state.edited > 0 && !versions.edits(conv, seq).any(|text| text == state.text) {
        add(Kind::Corrupted, format!("{conv}/{seq} was edited to what nobody wrote"));
    }
    if (state.recalled || state.edited > 0) != (message.position > 0) {
        let what = format!("{conv}/{seq} was changed and is not among the changes, or the other way round");
        add(Kind::Lost, what);
    }
}

/// Whether what was answered is what happened.
fn judge(
    evidence: &Evidence,
    versions: &Versions<'_>,
    record: &Record,
    change: &Change,
    findings: &mut Findings,
) {
    let &Change { conv, seq, to, deed, begun_ms, uncertain, outcome } = change;
    let subject = format!("{deed:?} of {conv}/{seq} by {} (user {})", record.who, record.user);
    let mut add = |kind, what| findings.add(kind, what, around(evidence, versions, conv, seq));
    let conversation = evidence.log.conversations.get(&conv);
    let Some(message) = conversation.and_then(|it| it.message(seq)) else {
        return add(Kind::Lost, format!("{subject}: the message is not in the log"));
    };
    let state = message.state;
    let is_as_asked = match deed {
        Deed::Edit(text) => !state.recalled && state.text == text,
        Deed::Recall => state.recalled,
    };
    match outcome {
        DeedOutcome::Done(position) => {
            // A recall is for good; an edit may be followed by others, also by an earlier one that was late.
            let is_superseded = deed != Deed::Recall && message.position > position;
            if message.position < position || !(is_as_asked || is_superseded) {
                let what = format!(
                    "{subject} was acknowledged as change {position}; stored is {state:?} as change {}",
                    message.position
                );
                add(Kind::Lost, what);
            }
        }
        DeedOutcome::Refused { code, at_ms } => {
            let outside = !access::is_inside(evidence, record.user, (to, Some(seq)), begun_ms, at_ms);
            let right = match code {
                Code::TOO_LATE => state.recalled || at_ms.saturating_sub(message.time) > RECALL_WINDOW_MS,
                Code::NOT_FOUND | Code::NOT_MEMBER | Code::NOT_FRIENDS => outside,
                _ => false,
            };
            if !right {
                let what =
                    format!("{subject}, tried from {begun_ms} on, was refused at {at_ms} with {code:?}");
                add(Kind::Refused, what);
            }
            let by_another = versions
                .of_message(conv, seq)
                .any(|(_, other)| !std::ptr::eq(*other, change) && other.deed == deed && other.may_be_done());
            if is_as_asked && !uncertain && !by_another {
                add(Kind::Refused, format!("{subject} was refused with {code:?} and done"));
            }
        }
        DeedOutcome::Open => {
            add(Kind::Unsettled, format!("{subject}, tried from {begun_ms} on, has no answer"))
        }
    }
}

/// What a message is, and what was tried of it.
fn around(evidence: &Evidence, versions: &Versions<'_>, conv: u64, seq: u64) -> Vec<String> {
    let mut lines = log::around(evidence, conv, seq);
    lines.extend(versions.of_message(conv, seq).map(|(who, change)| format!("{who}: {change:?}")));
    lines
}

/// What was kept quiet last stands there, unless one without answer was done after it.
fn judge_quiet(evidence: &Evidence, record: &Record, deed: &QuietDeed, findings: &mut Findings) {
    let QuietDeed { conv, how, outcome, .. } = *deed;
    let subject = format!("{deed:?} by {} (user {})", record.who, record.user);
    let stored = evidence.log.quiet.get(&record.user).cloned().unwrap_or_default();
    match outcome {
        DeedOutcome::Done(version) => {
            let of_user = || evidence.records.iter().filter(|other| other.user == record.user);
            let of_conv = || of_user().flat_map(|other| &other.quiets).filter(|other| other.conv == conv);
            let is_last = of_conv().all(|other| match other.outcome {
                DeedOutcome::Done(later) => later < version || (later == version && other.how == how),
                DeedOutcome::Open | DeedOutcome::Refused { .. } => true,
            });
            let nothing_pends = !of_conv().any(|other| other.uncertain);
            let stands = stored.entries.get(&conv) == how.as_ref();
            if stored.version < version || (is_last && nothing_pends && !stands) {
                let what = format!("{subject} was acknowledged and is not stored: {stored:?}");
                findings.add(Kind::Lost, what, Vec::new());
            }
        }
        DeedOutcome::Refused { code, .. } if code != Code::NOT_FOUND => {
            findings.add(Kind::Refused, format!("{subject} was refused"), Vec::new());
        }
        DeedOutcome::Open => {
            findings.add(Kind::Unsettled, format!("{subject} has no answer"), Vec::new());
        }
        // Left meanwhile.
        DeedOutcome::Refused { .. } => {}
    }
}
