//! Judges the evidence of a run: what was promised, against what was stored and shown.
//!
//! Functions of plain data. [`log`] judges what is stored, [`changes`] what became of it, [`hides`] what users deleted for
//! themselves, [`broadcasts`] what everybody was told, [`shown`] what each device saw, [`access`] who may see what and who was
//! refused, [`step`] what each device knows in the end. That, and presence, is judged
//! while it can still change, by the director.

mod access;
mod broadcasts;
mod changes;
mod hides;
mod log;
mod shown;
mod step;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use self::access::{Reach, reaches};
use self::changes::Versions;
use super::evidence::Evidence;

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Acknowledged and not stored, or stored and not shown to somebody who must see it.
    Lost,
    /// Stored twice, or shown twice by one device.
    Duplicated,
    /// Stored elsewhere than was answered, a hole in the log, or shown before an earlier one.
    OutOfOrder,
    /// Shown to somebody whom it was not meant for.
    Misdelivered,
    /// Stored or shown with another sender, id or text than was sent.
    Corrupted,
    /// Refused although it was allowed, taken although it was not, or stored although it was refused.
    Refused,
    /// Not answered in time, or a device that did not come back.
    Unsettled,
    /// A device showed a friend other than they were.
    PresenceWrong,
    /// A device that holds something other than is stored: a message's text, how far it was read, what is quiet, what is hidden.
    OutOfStep,
    /// A part ended by itself.
    Broken,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    /// What, in a sentence.
    pub(crate) what: String,
    /// What stands around it, a line each.
    pub(crate) around: Vec<String>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<Violation>,
    /// Messages that some device was shown, all devices together.
    pub(crate) shown: u64,
    /// Messages that a device did not show because another one of its user had acknowledged them before it knew of the
    /// conversation: the one thing that a client without a cursor does not fetch.
    pub(crate) passed_over: u64,
}

/// Lines of a device's notes that are printed with a violation.
const NOTES_SHOWN: usize = 5;

/// Judges whether all devices are in step: when nothing is under way any more, and everybody is there.
pub(crate) fn compare(evidence: &Evidence) -> Findings {
    let mut findings = Findings::default();
    step::examine(evidence, &mut findings);
    findings
}

/// Judges everything else.
pub(crate) fn examine(evidence: &Evidence) -> Findings {
    let mut findings = Findings::default();
    let versions = Versions::of(evidence);
    log::examine(evidence, &mut findings);
    changes::examine(evidence, &versions, &mut findings);
    hides::examine(evidence, &mut findings);
    broadcasts::examine(evidence, &mut findings);
    shown::examine(evidence, &versions, &mut findings);
    access::examine(evidence, &mut findings);
    for surprise in &evidence.surprises {
        findings.add(Kind::Refused, surprise.clone(), Vec::new());
    }
    findings
}

impl Findings {
    pub(crate) fn add(&mut self, kind: Kind, what: String, around: Vec<String>) {
        self.violations.push(Violation { kind, what, around });
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.violations.iter().filter(|violation| violation.kind == kind).count()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)?;
        self.around.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
