//! The order in which a conversation's messages reach the connections of this node, however they come.
//!
//! A message may come from an appender of this node, from another node by the bus, or from the log; late, twice, or
//! before the one that precedes it. The sequencer passes each on once, by rising seq without holes. What comes too early
//! is *held* behind the *gap*; what closes the gap is somebody else's business (the mender's), who asks here what is
//! missing and brings it from the log.
//!
//! The first message that is heard of a conversation says neither that the conversation exists, nor that none before it is
//! still on its way. So it is held as well, until somebody who looked into the log says at which *place* to begin.
//!
//! No thread, no clock and no I/O in here. One sequencer serves a part of the conversations, under its caller's lock.

mod tail;
mod talk;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use service::domain::Seq;

use self::tail::{Load, Place, Suspicion, Tail};
pub(crate) use self::talk::{Hearing, Parcel, Source, Talk};

/// Conversations that are looked at for one that may be forgotten; then the next one is, whatever hangs on it.
const CHANCES: usize = 8;

/// Limits of one sequencer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequencerLimits {
    /// Talks of which something was heard. Beyond it the oldest unused one is forgotten: its next message is taken like the
    /// first of all, so a loss some time before it is noticed by the readers' clients and not here.
    pub(crate) tails_max: usize,
    /// Parcels held, in one talk. Beyond it they are not: the log has them.
    pub(crate) held_each_max: usize,
    /// Parcels held in all.
    pub(crate) held_max: usize,
    /// Bytes of them.
    pub(crate) held_bytes_max: usize,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Passed on, perhaps with others that waited for it.
    Passed,
    /// It was here before.
    Double,
    /// It waits for others.
    Held,
    /// It would wait, but too much does: it will be read from the log.
    NotHeld,
    /// Nobody here listens to this conversation.
    Unheard,
}

/// An arrival's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) verdict: Verdict,
    /// With this arrival the conversation began to wait for something, and somebody must see to it.
    pub(crate) began_to_wait: bool,
}

/// What a talk waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Somebody to say where to begin: `first` is the lowest of what was heard, `until` the highest.
    Place { first: Seq, until: Seq },
    /// Messages after `after`, of which one with the seq `until` is known, or suspected, to exist.
    Messages { after: Seq, until: Seq },
    /// The next parcel is here, but not ready.
    Readiness,
}

/// The sequencer.
pub(crate) struct Sequencer<P> {
    limits: SequencerLimits,
    tails: HashMap<Talk, Tail<P>>,
    /// The same talks, each once, those with a second chance at the back.
    turns: VecDeque<Talk>,
    held: Load,
}

impl<P: Parcel> Sequencer<P> {
    pub(crate) fn new(limits: SequencerLimits) -> Sequencer<P> {
        Sequencer { limits, tails: HashMap::new(), turns: VecDeque::new(), held: Load::default() }
    }

    /// A message came. What may go out now is appended to `passed`, in order.
    pub(crate) fn arrive(
        &mut self,
        talk: Talk,
        hearing: Hearing,
        seq: Seq,
        source: Source,
        parcel: P,
        passed: &mut Vec<P>,
    ) -> Arrived {
        let done = |verdict| Arrived { verdict, began_to_wait: false };
        if hearing.is_deaf() {
            return done(Verdict::Unheard);
        }
        let (tail, limits, load) = self.tail(talk, hearing, || match source {
            // Nothing comes before it, and it is there.
            Source::Here if seq == Seq(1) => Tail::after(Seq(0), hearing),
            _ => Tail::sought(hearing),
        });
        match tail.place {
            Place::Sought => tail.floor = if tail.waits() { tail.floor.min(seq) } else { seq },
            Place::Known if seq < tail.floor => {
                if !parcel.is_ready() {
                    return done(Verdict::NotHeld);
                }
                passed.push(parcel);
                return done(Verdict::Passed);
            }
            Place::Known if seq <= tail.tail => return done(Verdict::Double),
            Place::Known => {}
        }
        tail.heard = tail.heard.max(seq);
        let verdict = if tail.place == Place::Known && seq == tail.tail.next() && parcel.is_ready() {
            // One that is held here was not ready.
            tail.unhold(seq, load);
            tail.tail = seq;
            passed.push(parcel);
            tail.release(load, passed);
            Verdict::Passed
        } else {
            tail.hold(seq, parcel, limits, load)
        };
        let began_to_wait = tail.waits() && !std::mem::replace(&mut tail.attended, true);
        Arrived { verdict, began_to_wait }
    }

    /// The place that was sought: what comes after `after` is to be passed on.
    pub(crate) fn place(&mut self, talk: Talk, hearing: Hearing, after: Seq, passed: &mut Vec<P>) {
        if let Some(tail) = self.tails.get_mut(&talk)
            && hearing.goes_on(tail.hearing)
        {
            tail.settle(after, &mut self.held, passed);
            tail.release(&mut self.held, passed);
        }
    }

    /// Whoever is here reads what comes after `after`, whatever is heard first, and nothing before it. Does nothing where
    /// the place is known.
    pub(crate) fn begin(&mut self, talk: Talk, hearing: Hearing, after: Seq, passed: &mut Vec<P>) {
        if hearing.is_deaf() {
            return;
        }
        let (tail, _, load) = self.tail(talk, hearing, || Tail::sought(hearing));
        if tail.place == Place::Sought {
            tail.drop_held(after, load);
            tail.settle(after, load, passed);
            tail.floor = Seq(0);
            tail.release(load, passed);
        }
    }

    /// Something may stand in the log that nobody will say again: it is to be asked, until it has nothing more, whatever
    /// arrives meanwhile. Somebody must see to it.
    pub(crate) fn suspect(&mut self, talk: Talk, hearing: Hearing) {
        if let Some(tail) = self.tails.get_mut(&talk)
            && tail.place == Place::Known
            && hearing.goes_on(tail.hearing)
        {
            tail.suspicion = Suspicion::Noted;
            tail.attended = true;
        }
    }

    /// Nothing of what was heard up to `until` is a message of this talk: it is dropped, and the place still sought. How
    /// many were held.
    pub(crate) fn disown(&mut self, talk: Talk, until: Seq) -> usize {
        let Some(tail) = self.tails.get_mut(&talk).filter(|tail| tail.place == Place::Sought) else {
            return 0;
        };
        let dropped = tail.drop_held(until, &mut self.held);
        if tail.heard <= until {
            tail.heard = tail.tail;
        } else {
            tail.floor = tail.held.first_key_value().map_or(tail.heard, |(seq, _)| *seq);
        }
        dropped
    }

    /// What a talk waits for now; `None` if for nothing, or if nobody listens any more. Then the next wait is reported
    /// again.
    pub(crate) fn want(&mut self, talk: Talk, hearing: Hearing) -> Option<Want> {
        let tail = self.tails.get_mut(&talk)?;
        if !hearing.goes_on(tail.hearing) {
            tail.drop_held(Seq(u64::MAX), &mut self.held);
            (tail.heard, tail.suspicion) = (tail.tail, Suspicion::None);
        }
        if !tail.waits() {
            tail.attended = false;
            return None;
        }
        tail.fresh.clear();
        match tail.held.first_key_value() {
            _ if tail.place == Place::Sought => Some(Want::Place { first: tail.floor, until: tail.heard }),
            Some((seq, _)) if *seq == tail.tail.next() => Some(Want::Readiness),
            _ => {
                if tail.suspicion == Suspicion::Noted {
                    tail.suspicion = Suspicion::Asked;
                }
                Some(Want::Messages { after: tail.tail, until: tail.heard.max(tail.tail.next()) })
            }
        }
    }

    /// Nobody can see to what the conversation waits for now: its next arrival says again that it waits.
    pub(crate) fn leave_unattended(&mut self, talk: Talk) {
        if let Some(tail) = self.tails.get_mut(&talk) {
            tail.attended = false;
        }
    }

    /// Makes held parcels ready, and passes on what may go out then.
    pub(crate) fn make_ready(&mut self, talk: Talk, mut ready: impl FnMut(Seq, &mut P), passed: &mut Vec<P>) {
        if let Some(tail) = self.tails.get_mut(&talk) {
            tail.held.iter_mut().for_each(|(seq, parcel)| ready(*seq, parcel));
            tail.release(&mut self.held, passed);
        }
    }

    /// What a conversation holds.
    pub(crate) fn held_in(&self, talk: Talk) -> impl Iterator<Item = &P> {
        self.tails.get(&talk).into_iter().flat_map(|tail| tail.held.values())
    }

    /// The log has these after `after`, and nothing between them. They are ready. A sought place is there. If the talk
    /// began anew since and has not come so far, they are of no use: what it waits for now, it wants now.
    pub(crate) fn read(
        &mut self,
        talk: Talk,
        hearing: Hearing,
        after: Seq,
        page: impl Iterator<Item = (Seq, P)>,
        passed: &mut Vec<P>,
    ) {
        if hearing.is_deaf() {
            return;
        }
        let (tail, _, load) = self.tail(talk, hearing, || Tail::after(after, hearing));
        tail.settle(after, load, passed);
        if tail.tail < after {
            return;
        }
        for (seq, parcel) in page {
            if seq < tail.floor {
                passed.push(parcel);
            } else if seq > tail.tail {
                // What is held before it is not in the log.
                tail.drop_held(Seq(seq.0 - 1), load);
                let kept = tail.unhold(seq, load).filter(Parcel::is_ready);
                passed.push(kept.unwrap_or(parcel));
                tail.tail = seq;
                tail.heard = tail.heard.max(seq);
            }
        }
        tail.release(load, passed);
    }

    /// What is missing up to here is not waited for any more: readers find it by themselves. What is held of it passes.
    pub(crate) fn give_up(&mut self, talk: Talk, until: Seq, passed: &mut Vec<P>) {
        if let Some(tail) = self.tails.get_mut(&talk)
            && tail.place == Place::Known
            && tail.tail < until
        {
            tail.pass_up_to(until, &mut self.held, passed);
            tail.release(&mut self.held, passed);
        }
    }

    /// The log has nothing after `after`, and was read after [`want`](Sequencer::want) had said `until`: what had been heard
    /// by then is none of its messages. What is held of it is dropped, and what came since is not; returns how many were.
    pub(crate) fn log_ends(&mut self, talk: Talk, after: Seq, until: Seq, passed: &mut Vec<P>) -> usize {
        let Some(tail) = self.tails.get_mut(&talk).filter(|tail| tail.place == Place::Known) else {
            return 0;
        };
        if tail.suspicion == Suspicion::Asked {
            tail.suspicion = Suspicion::None;
        }
        let before = tail.held.len();
        let doubted = tail.held.range(after.next()..=until.max(after.next())).map(|(seq, _)| *seq);
        let phantoms: Vec<Seq> = doubted.filter(|seq| !tail.fresh.contains(seq)).collect();
        for seq in phantoms {
            tail.unhold(seq, &mut self.held);
        }
        let dropped = before - tail.held.len();
        if tail.heard <= until {
            tail.heard = tail.held.last_key_value().map_or(tail.tail, |(seq, _)| *seq).max(tail.tail);
        }
        tail.release(&mut self.held, passed);
        dropped
    }

    /// The last seq that was passed on, as long as the talk was heard since then.
    pub(crate) fn known(&self, talk: Talk, hearing: Hearing) -> Option<Seq> {
        let tail = self.tails.get(&talk)?;
        (tail.place == Place::Known && hearing.goes_on(tail.hearing)).then_some(tail.tail)
    }

    /// The lowest seq that was heard, while the place is sought.
    pub(crate) fn sought(&self, talk: Talk, hearing: Hearing) -> Option<Seq> {
        let tail = self.tails.get(&talk)?;
        let is_sought = tail.place == Place::Sought && hearing.goes_on(tail.hearing);
        (is_sought && tail.waits()).then_some(tail.floor)
    }

    /// Talks of which something was heard.
    pub(crate) fn tails(&self) -> usize {
        self.tails.len()
    }

    /// Parcels held.
    pub(crate) fn held(&self) -> usize {
        self.held.parcels
    }

    /// The talk's tail; a new one if none is known, or if it was not heard all the time.
    fn tail(
        &mut self,
        talk: Talk,
        hearing: Hearing,
        new: impl FnOnce() -> Tail<P>,
    ) -> (&mut Tail<P>, SequencerLimits, &mut Load) {
        if !self.tails.contains_key(&talk) {
            self.make_room();
            self.turns.push_back(talk);
        }
        let load = &mut self.held;
        let tail = match self.tails.entry(talk) {
            Entry::Vacant(entry) => entry.insert(new()),
            Entry::Occupied(entry) => {
                let tail = entry.into_mut();
                if !hearing.goes_on(tail.hearing) {
                    // Held for those who went; whoever came since reads it with their login.
                    tail.drop_held(Seq(u64::MAX), load);
                    let attended = tail.attended;
                    *tail = Tail { attended, ..new() };
                }
                tail.used = true;
                tail
            }
        };
        tail.hearing = hearing;
        (tail, self.limits, load)
    }

    fn make_room(&mut self) {
        let mut chances = CHANCES;
        while self.tails.len() >= self.limits.tails_max.max(1) {
            let Some(oldest) = self.turns.pop_front() else { return };
            match self.tails.entry(oldest) {
                Entry::Occupied(mut entry) if chances > 0 && entry.get().is_in_use() => {
                    chances -= 1;
                    entry.get_mut().used = false;
                    self.turns.push_back(oldest);
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().drop_held(Seq(u64::MAX), &mut self.held);
                    entry.remove();
                }
                Entry::Vacant(_) => {}
            }
        }
    }
}
