//! The end of what was passed on of one talk, and what is held behind it.

use std::collections::{BTreeMap, BTreeSet};

use service::domain::Seq;

use super::{Hearing, Parcel, SequencerLimits, Verdict};

/// What is held in all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub(super) parcels: usize,
    pub(super) bytes: usize,
}

/// One talk.
pub(super) struct Tail<P> {
    pub(super) hearing: Hearing,
    pub(super) place: Place,
    /// While the place is sought: the lowest that was heard. Then the first after it, or 0 if nobody reads what is before
    /// it. Older ones are passed on as they come: what is before them is not known.
    pub(super) floor: Seq,
    /// The last one that was passed on, or the one before the first; 0 while the place is sought.
    pub(super) tail: Seq,
    /// The largest one heard of.
    pub(super) heard: Seq,
    pub(super) held: BTreeMap<Seq, P>,
    /// Those of them that came since somebody last asked what is missing: a look into the log that follows may be too early
    /// for them. Bounded as `held` is.
    pub(super) fresh: BTreeSet<Seq>,
    /// Whether the log may have something behind `heard`.
    pub(super) suspicion: Suspicion,
    /// Somebody sees to what is missing.
    pub(super) attended: bool,
    /// Something came since it was new, or since its last turn to be forgotten.
    pub(super) used: bool,
}

/// Whether it is known where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Sought,
    Known,
}

/// Whether something may stand in the log that nobody will say again. Only the log ends it: what arrives meanwhile says nothing
/// of what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    None,
    Noted,
    /// Whoever looks into the log now looks late enough.
    Asked,
}

impl<P: Parcel> Tail<P> {
    pub(super) fn sought(hearing: Hearing) -> Tail<P> {
        Tail { place: Place::Sought, ..Tail::after(Seq(0), hearing) }
    }

    pub(super) fn after(after: Seq, hearing: Hearing) -> Tail<P> {
        Tail {
            hearing,
            place: Place::Known,
            floor: after.next(),
            tail: after,
            heard: after,
            held: BTreeMap::new(),
            fresh: BTreeSet::new(),
            suspicion: Suspicion::None,
            attended: false,
            used: false,
        }
    }

    /// Ends the search for the place. What was heard from before it is passed as it is.
    pub(super) fn settle(&mut self, after: Seq, load: &mut Load, passed: &mut Vec<P>) {
        if self.place == Place::Sought {
            self.place = Place::Known;
            self.floor = after.next();
            self.pass_up_to(after, load, passed);
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.tail < self.heard || self.suspicion != Suspicion::None
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.used || !self.held.is_empty()
    }

    pub(super) fn hold(&mut self, seq: Seq, parcel: P, limits: SequencerLimits, load: &mut Load) -> Verdict {
        if let Some(before) = self.held.get_mut(&seq) {
            if !before.is_ready() && parcel.is_ready() {
                load.bytes = load.bytes + parcel.bytes() - before.bytes();
                *before = parcel;
                self.fresh.insert(seq);
                return Verdict::Held;
            }
            return Verdict::Double;
        }
        let is_full = self.held.len() >= limits.held_each_max
            || load.parcels >= limits.held_max
            || load.bytes + parcel.bytes() > limits.held_bytes_max;
        if is_full {
            return Verdict::NotHeld;
        }
        load.parcels += 1;
        load.bytes += parcel.bytes();
        self.held.insert(seq, parcel);
        self.fresh.insert(seq);
        Verdict::Held
    }

    pub(super) fn unhold(&mut self, seq: Seq, load: &mut Load) -> Option<P> {
        let parcel = self.held.remove(&seq)?;
        self.fresh.remove(&seq);
        load.parcels -= 1;
        load.bytes -= parcel.bytes();
        Some(parcel)
    }

    /// Passes on what is next and ready.
    pub(super) fn release(&mut self, load: &mut Load, passed: &mut Vec<P>) {
        if self.place == Place::Sought {
            return;
        }
        while self
            .held
            .first_key_value()
            .is_some_and(|(seq, parcel)| *seq == self.tail.next() && parcel.is_ready())
        {
            self.tail = self.tail.next();
            passed.extend(self.unhold(self.tail, load));
        }
        self.heard = self.heard.max(self.tail);
    }

    /// Passes on what is held up to here, with holes.
    pub(super) fn pass_up_to(&mut self, last: Seq, load: &mut Load, passed: &mut Vec<P>) {
        while let Some((seq, _)) = self.held.first_key_value()
            && *seq <= last
        {
            passed.extend(self.unhold(*seq, load).filter(Parcel::is_ready));
        }
        self.tail = last;
        self.heard = self.heard.max(last);
    }

    /// Drops what is held up to here; how many.
    pub(super) fn drop_held(&mut self, last: Seq, load: &mut Load) -> usize {
        let before = self.held.len();
        while let Some((seq, _)) = self.held.first_key_value()
            && *seq <= last
        {
            self.unhold(*seq, load);
        }
        before - self.held.len()
    }
}
