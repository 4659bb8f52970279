//! What a run came to, for people and programs.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::json;

use super::{
    checker::{Findings, Kind},
    evidence::{CryOutcome, Deed, DeedOutcome, Evidence, Outcome},
};
use crate::report::Report;

/// Violations that are printed with everything around them.
const PRINTED: usize = 20;

pub(crate) struct Verdict {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) nodes: usize,
    pub(crate) faults: usize,
    pub(crate) settled_in: Option<Duration>,
    pub(crate) presence_true_in: Option<Duration>,
    pub(crate) folder: PathBuf,
    pub(crate) findings: Findings,
    pub(crate) evidence: Evidence,
}

impl Verdict {
    /// Whether all is well, and enough happened that this means something.
    pub(crate) fn is_good(&self) -> bool {
        self.findings.violations.is_empty() && self.enough()
    }

    fn enough(&self) -> bool {
        self.faults > 0 && self.sends().0 > 0 && self.findings.shown > 0
    }

    /// Messages that were acknowledged, refused for good, and neither.
    fn sends(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for send in self.evidence.records.iter().flat_map(|record| &record.sends) {
            match send.outcome {
                Outcome::Stored { .. } => counts.0 += 1,
                Outcome::Refused { .. } => counts.1 += 1,
                Outcome::Open => counts.2 += 1,
            }
        }
        counts
    }

    /// Edits, recalls and changes of what is quiet that were acknowledged.
    fn deeds(&self) -> (usize, usize, usize) {
        let records = || self.evidence.records.iter();
        let is_done = |outcome: DeedOutcome| matches!(outcome, DeedOutcome::Done(_));
        let changes = || records().flat_map(|record| &record.changes).filter(|it| is_done(it.outcome));
        let recalls = changes().filter(|change| change.deed == Deed::Recall).count();
        let quiets = records().flat_map(|record| &record.quiets).filter(|it| is_done(it.outcome)).count();
        (changes().count() - recalls, recalls, quiets)
    }

    /// Hides that were acknowledged.
    fn hides(&self) -> usize {
        let hides = self.evidence.records.iter().flat_map(|record| &record.hides);
        hides.filter(|deed| matches!(deed.outcome, DeedOutcome::Done(_))).count()
    }

    /// Broadcasts that were answered.
    fn broadcasts(&self) -> usize {
        let is_stored = |outcome: &CryOutcome| matches!(outcome, CryOutcome::Stored(_));
        self.evidence.cries.iter().filter(|cry| is_stored(&cry.outcome)).count()
    }

    /// Writes the evidence down, a line each, for whoever looks for the cause.
    pub(crate) fn keep_evidence(&self) {
        let mut text = String::new();
        let Evidence { log, records, spells, friendships, cries, .. } = &self.evidence;
        friendships.iter().for_each(|friendship| text += &format!("{friendship:?}\n"));
        spells.iter().for_each(|spell| text += &format!("{spell:?}\n"));
        for (conv, conversation) in &log.conversations {
            let messages = &conversation.messages;
            messages.iter().for_each(|message| text += &format!("log {conv} {message:?}\n"));
        }
        cries.iter().for_each(|cry| text += &format!("{cry:?}\n"));
        log.broadcasts.iter().for_each(|broadcast| text += &format!("log {broadcast:?}\n"));
        for (user, hidden) in &log.hidden {
            hidden.iter().for_each(|hidden| text += &format!("log user {user} {hidden:?}\n"));
        }
        for record in records {
            let who = record.who;
            text += &format!("{who} {:?}\n", record.tongue);
            record.notes.iter().for_each(|(at_ms, note)| text += &format!("{who} at {at_ms}: {note}\n"));
            record.sends.iter().for_each(|send| text += &format!("{who} (user {}) {send:?}\n", record.user));
            record
                .changes
                .iter()
                .for_each(|change| text += &format!("{who} (user {}) {change:?}\n", record.user));
            record.quiets.iter().for_each(|deed| text += &format!("{who} (user {}) {deed:?}\n", record.user));
            record.hides.iter().for_each(|deed| text += &format!("{who} (user {}) {deed:?}\n", record.user));
            record.hidden.iter().for_each(|hidden| text += &format!("{who} was told {hidden:?}\n"));
            record.broadcasts.iter().for_each(|told| text += &format!("{who} {told:?}\n"));
            record.readings.iter().for_each(|(conv, it)| text += &format!("{who} {conv} {it:?}\n"));
            record.gaps.iter().for_each(|gap| text += &format!("{who} {gap:?}\n"));
            record.shown.iter().for_each(|shown| text += &format!("{who} {shown:?}\n"));
        }
        let path = self.folder.join("evidence.txt");
        if let Err(error) = fs::write(&path, text) {
            eprintln!("torture: {}: {error}", path.display());
        }
    }

    /// Prints the violations; the report.
    pub(crate) fn report(&self) -> Report {
        for violation in self.findings.violations.iter().take(PRINTED) {
            eprintln!("torture: {violation}");
        }
        if self.findings.violations.len() > PRINTED {
            eprintln!("torture: and {} more", self.findings.violations.len() - PRINTED);
        }
        let count = |kind| json!(self.findings.count(kind));
        let seconds =
            |time: Option<Duration>| json!(time.map(|time| (time.as_secs_f64() * 10.0).round() / 10.0));
        let (acknowledged, refused, unknown) = self.sends();
        let mut report = Report::new("torture");
        report.set("seed", self.seed);
        report.set("seconds", self.seconds);
        report.set("nodes", self.nodes);
        report.set("devices", self.evidence.records.len());
        report.set("acknowledged", acknowledged);
        report.set("refused", refused);
        report.set("unknown", unknown);
        report.set("shown", self.findings.shown);
        let (edits, recalls, quiets) = self.deeds();
        report.set("edits", edits);
        report.set("recalls", recalls);
        report.set("quiets", quiets);
        report.set("hides", self.hides());
        report.set("broadcasts", self.broadcasts());
        report.set("reads", self.evidence.records.iter().map(|record| record.reads_asked).sum::<u64>());
        report.set("passed_over", self.findings.passed_over);
        report.set("sign_ins", self.evidence.records.iter().map(|record| record.sign_ins).sum::<u64>());
        report.set("spells", self.evidence.spells.len());
        report.set("friendships", self.evidence.friendships.len() / 2);
        report.set("faults", self.faults);
        report.set("settled_s", seconds(self.settled_in));
        report.set("presence_true_s", seconds(self.presence_true_in));
        report.set("lost", count(Kind::Lost));
        report.set("duplicated", count(Kind::Duplicated));
        report.set("out_of_order", count(Kind::OutOfOrder));
        report.set("misdelivered", count(Kind::Misdelivered));
        report.set("presence_wrong", count(Kind::PresenceWrong));
        report.set("out_of_step", count(Kind::OutOfStep));
        report.set("corrupted", count(Kind::Corrupted));
        report.set("wrongly_refused", count(Kind::Refused));
        report.set("unsettled", count(Kind::Unsettled));
        report.set("broken", count(Kind::Broken));
        if !self.is_good() {
            report.set("logs", self.folder.display().to_string());
            report.condemn(if self.enough() { "promises were broken" } else { "too little happened" });
        }
        report
    }
}
