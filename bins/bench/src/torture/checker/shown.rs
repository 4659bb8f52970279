//! What each device saw: of each conversation what its user may read, each message once, in order, without holes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Findings, Kind, access,
    access::{Beginnings, Reach},
    changes::Versions,
    hides, log,
};
use crate::torture::evidence::{Digest, Evidence, Record, Shown, Tongue, Window};

/// Lines of a device's own record that are printed around a violation.
const AROUND: usize = 3;

pub(super) fn examine(evidence: &Evidence, versions: &Versions<'_>, findings: &mut Findings) {
    // User → conversation → what any of their devices was shown.
    let mut by_user: HashMap<(u64, u64), BTreeSet<u64>> = HashMap::new();
    for record in &evidence.records {
        findings.shown += record.shown.len() as u64;
        for shown in &record.shown {
            by_user.entry((record.user, shown.conv)).or_default().insert(shown.seq);
        }
    }
    let beginnings = Beginnings::of(evidence);
    for record in &evidence.records {
        let hidden = hides::places(evidence, record.user);
        let mut by_conv: BTreeMap<u64, Vec<(usize, Shown)>> = BTreeMap::new();
        for (at, shown) in record.shown.iter().enumerate() {
            by_conv.entry(shown.conv).or_default().push((at, *shown));
        }
        // What must be shown counts too where nothing was.
        let readable = evidence.log.conversations.keys();
        let convs: BTreeSet<u64> = by_conv.keys().chain(readable).copied().collect();
        for conv in convs {
            let shown = by_conv.remove(&conv).unwrap_or_default();
            let reaches = access::reaches(evidence, record.user, conv);
            let (beginnings, hidden) = (&beginnings, &hidden);
            let (shown, reaches) = (&shown[..], &reaches[..]);
            let case = Case { evidence, versions, beginnings, hidden, record, conv, shown, reaches };
            case.contents(findings);
            case.order(findings);
            case.completeness(by_user.get(&(record.user, conv)), findings);
        }
        pushes(evidence, &beginnings, record, findings);
    }
}

/// One device and one conversation.
struct Case<'a> {
    evidence: &'a Evidence,
    versions: &'a Versions<'a>,
    beginnings: &'a Beginnings,
    /// What the user hid: conversation and seq.
    hidden: &'a BTreeSet<(u64, u64)>,
    record: &'a Record,
    conv: u64,
    /// With each message's place in the whole record.
    shown: &'a [(usize, Shown)],
    reaches: &'a [Reach],
}

impl Case<'_> {
    /// Each message is one of the log, and meant for this user.
    fn contents(&self, findings: &mut Findings) {
        let Case { evidence, record, conv, .. } = *self;
        for &(at, Shown { seq, from, id, text, hidden, .. }) in self.shown {
            let conversation = evidence.log.conversations.get(&conv);
            let Some(logged) = conversation.and_then(|it| it.message(seq)) else {
                let what = format!("{} was shown {conv}/{seq}, which is not in the log", record.who);
                findings.add(Kind::Corrupted, what, self.around(at));
                continue;
            };
            // It may have been changed since.
            let is_of_log = (logged.from, Digest::of(&logged.id)) == (from, id);
            let is_text = match hidden {
                true => text == Digest::of("") && self.hidden.contains(&(conv, seq)),
                false => self.versions.has(conv, logged, text),
            };
            if !is_of_log || !is_text {
                let what = format!("{} was shown {conv}/{seq} other than it is in the log", record.who);
                findings.add(Kind::Corrupted, what, self.around(at));
            }
            let allowed =
                conversation.is_some_and(|it| self.beginnings.allow(self.reaches, record.user, seq, it));
            if !allowed {
                let what = format!(
                    "{} (user {}) was shown {conv}/{seq}, which was not meant for them",
                    record.who, record.user
                );
                let mut around = log::around(evidence, conv, seq);
                around.extend(self.around(at));
                around.push(format!("may read {:?}", self.reaches));
                findings.add(Kind::Misdelivered, what, around);
            }
        }
    }

    /// Each message once, none before an earlier one.
    fn order(&self, findings: &mut Findings) {
        let Case { record, conv, .. } = *self;
        let mut seen = BTreeSet::new();
        let mut highest = 0;
        for &(at, Shown { seq, .. }) in self.shown {
            if !seen.insert(seq) {
                let what = format!("{} was shown {conv}/{seq} twice", record.who);
                findings.add(Kind::Duplicated, what, self.around(at));
            } else if seq < highest {
                let what = format!("{} was shown {conv}/{seq} after {conv}/{highest}", record.who);
                findings.add(Kind::OutOfOrder, what, self.around(at));
            }
            highest = highest.max(seq);
        }
    }

    /// Nothing is missing that must be there.
    fn completeness(&self, by_user: Option<&BTreeSet<u64>>, findings: &mut Findings) {
        let Case { evidence, record, conv, .. } = *self;
        let Some(conversation) = evidence.log.conversations.get(&conv) else { return };
        let seen: BTreeSet<u64> = self.shown.iter().map(|(_, shown)| shown.seq).collect();
        let (lowest, highest) = (seen.first().copied(), seen.last().copied().unwrap_or(0));
        for (at, reach) in self.reaches.iter().enumerate() {
            let next = self.reaches.get(at + 1).map_or(u64::MAX, |next| next.first);
            // A stay that ended: what was not there yet when it ended cannot be read any more, but what was shown is
            // without holes.
            let must_end = match reach.end {
                None => conversation.last_seq,
                Some(_) => seen.range(reach.first..next).next_back().copied().unwrap_or(0),
            };
            let missing: Vec<u64> = (reach.first..=must_end)
                .filter(|seq| !seen.contains(seq) && reach.allows(*seq, conversation))
                .filter(|seq| !reach.end.is_some_and(|end| self.came_too_late(*seq, end)))
                .collect();
            // A library without a cursor begins where its user's other devices have acknowledged.
            let exempt = |seq: &u64| {
                record.tongue == Tongue::Library
                    && lowest.is_none_or(|lowest| *seq < lowest)
                    && by_user.is_some_and(|by_user| by_user.contains(seq))
            };
            let (passed_over, missing): (Vec<u64>, Vec<u64>) = missing.into_iter().partition(exempt);
            findings.passed_over += passed_over.len() as u64;
            for seq in &missing {
                let what = format!(
                    "{} (user {}) was never shown {conv}/{seq}; it saw up to {highest}, and {} of it are missing",
                    record.who,
                    record.user,
                    missing.len()
                );
                let mut around = log::around(evidence, conv, *seq);
                let after = self.shown.iter().find(|(_, shown)| shown.seq > *seq);
                let beside = after.or(self.shown.last()).map(|(at, _)| *at);
                around.extend(beside.into_iter().flat_map(|at| self.around(at)));
                around.push(format!("may read {:?}; gaps told: {:?}", self.reaches, self.gaps()));
                findings.add(Kind::Lost, what, around);
            }
        }
    }

    /// Whether a message could not be read any more when its turn came: it was passed over, and told so, or what follows it
    /// was shown when leaving was under way or done.
    fn came_too_late(&self, seq: u64, end: Window) -> bool {
        let told = self.gaps().iter().any(|(first, last)| (*first..=*last).contains(&seq));
        let next = self.shown.iter().find(|(_, shown)| shown.seq > seq);
        told || next.is_some_and(|(_, shown)| shown.at_ms >= end.from_ms)
    }

    fn gaps(&self) -> Vec<(u64, u64)> {
        let of_conv = self.record.gaps.iter().filter(|gap| gap.conv == self.conv);
        of_conv.map(|gap| (gap.first, gap.last)).collect()
    }

    /// The device's own record around a place in it.
    fn around(&self, at: usize) -> Vec<String> {
        let from = at.saturating_sub(AROUND);
        let lines = self.record.shown.iter().enumerate().skip(from).take(2 * AROUND + 1);
        lines
            .map(|(line, shown)| {
                let mark = if line == at { '>' } else { ' ' };
                let Shown { conv, seq, from, at_ms, .. } = shown;
                format!("{mark} {} #{line} at {at_ms}: {conv}/{seq} from user {from}", self.record.who)
            })
            .collect()
    }
}

/// What came over the wire is meant for this user too, shown or not.
fn pushes(evidence: &Evidence, beginnings: &Beginnings, record: &Record, findings: &mut Findings) {
    let mut reaches: HashMap<u64, Vec<Reach>> = HashMap::new();
    for pushed in &record.pushed {
        let reaches =
            reaches.entry(pushed.conv).or_insert_with(|| access::reaches(evidence, record.user, pushed.conv));
        let conversation = evidence.log.conversations.get(&pushed.conv);
        let allowed = conversation.is_some_and(|it| beginnings.allow(reaches, record.user, pushed.seq, it));
        if !allowed {
            let what = format!(
                "{} (user {}) was pushed {}/{}, which was not meant for them",
                record.who, record.user, pushed.conv, pushed.seq
            );
            let around = log::around(evidence, pushed.conv, pushed.seq);
            findings.add(Kind::Misdelivered, what, around);
        }
    }
}
