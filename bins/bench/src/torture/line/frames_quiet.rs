//! What the user keeps quiet, as `docs/protocol.md` has it: a list with a version.

use std::time::{Duration, Instant};

use protocol::{QuietChanged, QuietList};

use crate::torture::evidence::{QuietHeld, quiet_digest};

/// The wait before the list is asked for again when it was refused.
const RETRY: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Quiets {
    held: QuietHeld,
    /// The version that the server told of last.
    newest: u64,
    is_asked: bool,
    not_before: Option<Instant>,
}

impl Quiets {
    /// A session began or goes on.
    pub(super) fn signed_in(&mut self, version: u64) {
        *self = Quiets { newest: version, held: std::mem::take(&mut self.held), ..Quiets::default() };
    }

    /// Something was changed, here or on another device.
    pub(super) fn changed(&mut self, change: &QuietChanged) {
        self.newest = self.newest.max(change.version);
        if change.version == self.held.version + 1 {
            self.held.version = change.version;
            match quiet_digest(&change.quiet) {
                Some(how) => drop(self.held.entries.insert(change.quiet.conv, how)),
                None => drop(self.held.entries.remove(&change.quiet.conv)),
            }
        }
    }

    /// An own SET_QUIET was answered. Whether its version is that of this change or of another one, the list says.
    pub(super) fn answered(&mut self, change: &QuietChanged) {
        self.newest = self.newest.max(change.version);
    }

    /// Whether to ask for the list. It counts as asked.
    pub(super) fn next_ask(&mut self) -> bool {
        let waits = self.not_before.is_some_and(|at| at > Instant::now());
        let is_due = self.held.version != self.newest && !self.is_asked && !waits;
        self.is_asked |= is_due;
        is_due
    }

    pub(super) fn list(&mut self, list: QuietList) {
        self.is_asked = false;
        if list.version >= self.held.version {
            let entries = list.quiet.iter().filter_map(|entry| Some((entry.conv, quiet_digest(entry)?)));
            self.held = QuietHeld { version: list.version, entries: entries.collect() };
        }
        self.not_before = None;
        self.newest = self.newest.max(list.version);
    }

    pub(super) fn refused(&mut self) {
        self.is_asked = false;
        self.not_before = Some(Instant::now() + RETRY);
    }

    pub(super) fn held(&self) -> QuietHeld {
        self.held.clone()
    }
}
