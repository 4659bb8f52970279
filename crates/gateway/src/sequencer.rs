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

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use service::domain::{ConversationId, Parties, Seq};

/// Conversations that are looked at for one that may be forgotten; then the next one is, whatever hangs on it.
const CHANCES: usize = 8;

/// A conversation, and whose it is said to be. What is said of it with other parties is another talk: whoever is wrong
/// about them is found out without harm to the one that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Talk {
    pub(crate) conversation: ConversationId,
    pub(crate) parties: Parties,
}

/// Who says that a message was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This node, which stored it.
    Here,
    /// Another node, by the bus.
    Elsewhere,
}

/// What is passed on.
pub(crate) trait Parcel {
    /// Bytes that it keeps from being freed.
    fn bytes(&self) -> usize;

    /// Whether it is known who gets it. One that is not ready waits in its place, and what comes after waits behind it.
    fn is_ready(&self) -> bool;
}

/// By which subscriptions a conversation is heard: the serial numbers of the topics' present subscriptions. As long as
/// one of them stays the same, nothing was said unheard but what the bus lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hearing(pub(crate) [Option<u64>; 2]);

impl Hearing {
    fn is_deaf(self) -> bool {
        self == Hearing::default()
    }

    fn goes_on(self, before: Hearing) -> bool {
        self.0.iter().zip(before.0).any(|(now, before)| now.is_some() && *now == before)
    }
}

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
    /// Messages after `after`, of which one with the seq `until` is known to exist.
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

/// What is held in all.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    parcels: usize,
    bytes: usize,
}

/// One talk.
struct Tail<P> {
    hearing: Hearing,
    place: Place,
    /// While the place is sought: the lowest that was heard. Then the first after it, or 0 if nobody reads what is before
    /// it. Older ones are passed on as they come: what is before them is not known.
    floor: Seq,
    /// The last one that was passed on, or the one before the first; 0 while the place is sought.
    tail: Seq,
    /// The largest one heard of.
    heard: Seq,
    held: BTreeMap<Seq, P>,
    /// Somebody sees to what is missing.
    attended: bool,
    /// Something came since it was new, or since its last turn to be forgotten.
    used: bool,
}

/// Whether it is known where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Sought,
    Known,
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

    /// Something may stand in the log that nobody will say again: it is to be asked. Somebody must see to it.
    pub(crate) fn suspect(&mut self, talk: Talk, hearing: Hearing) {
        if let Some(tail) = self.tails.get_mut(&talk)
            && tail.place == Place::Known
            && hearing.goes_on(tail.hearing)
        {
            tail.heard = tail.heard.max(tail.tail.next());
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
            tail.heard = tail.tail;
        }
        if !tail.waits() {
            tail.attended = false;
            return None;
        }
        match tail.held.first_key_value() {
            _ if tail.place == Place::Sought => Some(Want::Place { first: tail.floor, until: tail.heard }),
            Some((seq, _)) if *seq == tail.tail.next() => Some(Want::Readiness),
            _ => Some(Want::Messages { after: tail.tail, until: tail.heard }),
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

    /// The log has nothing after `after`, and was read after everything up to `until` had been heard of: what was heard of
    /// between them is none of its messages. What is held of it is dropped; returns how many were.
    pub(crate) fn log_ends(&mut self, talk: Talk, after: Seq, until: Seq, passed: &mut Vec<P>) -> usize {
        let Some(tail) = self.tails.get_mut(&talk).filter(|tail| tail.place == Place::Known) else {
            return 0;
        };
        let before = tail.held.len();
        let phantoms: Vec<Seq> =
            tail.held.range(after.next()..=until.max(after.next())).map(|(seq, _)| *seq).collect();
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

impl<P: Parcel> Tail<P> {
    fn sought(hearing: Hearing) -> Tail<P> {
        Tail { place: Place::Sought, ..Tail::after(Seq(0), hearing) }
    }

    fn after(after: Seq, hearing: Hearing) -> Tail<P> {
        Tail {
            hearing,
            place: Place::Known,
            floor: after.next(),
            tail: after,
            heard: after,
            held: BTreeMap::new(),
            attended: false,
            used: false,
        }
    }

    /// Ends the search for the place. What was heard from before it is passed as it is.
    fn settle(&mut self, after: Seq, load: &mut Load, passed: &mut Vec<P>) {
        if self.place == Place::Sought {
            self.place = Place::Known;
            self.floor = after.next();
            self.pass_up_to(after, load, passed);
        }
    }

    fn waits(&self) -> bool {
        self.tail < self.heard
    }

    fn is_in_use(&self) -> bool {
        self.used || !self.held.is_empty()
    }

    fn hold(&mut self, seq: Seq, parcel: P, limits: SequencerLimits, load: &mut Load) -> Verdict {
        if let Some(before) = self.held.get_mut(&seq) {
            if !before.is_ready() && parcel.is_ready() {
                load.bytes = load.bytes + parcel.bytes() - before.bytes();
                *before = parcel;
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
        Verdict::Held
    }

    fn unhold(&mut self, seq: Seq, load: &mut Load) -> Option<P> {
        let parcel = self.held.remove(&seq)?;
        load.parcels -= 1;
        load.bytes -= parcel.bytes();
        Some(parcel)
    }

    /// Passes on what is next and ready.
    fn release(&mut self, load: &mut Load, passed: &mut Vec<P>) {
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
    fn pass_up_to(&mut self, last: Seq, load: &mut Load, passed: &mut Vec<P>) {
        while let Some((seq, _)) = self.held.first_key_value()
            && *seq <= last
        {
            passed.extend(self.unhold(*seq, load).filter(Parcel::is_ready));
        }
        self.tail = last;
        self.heard = self.heard.max(last);
    }

    /// Drops what is held up to here; how many.
    fn drop_held(&mut self, last: Seq, load: &mut Load) -> usize {
        let before = self.held.len();
        while let Some((seq, _)) = self.held.first_key_value()
            && *seq <= last
        {
            self.unhold(*seq, load);
        }
        before - self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Simulations; about a millisecond each.
    const CASES: u32 = 1_000;
    const LIMITS: SequencerLimits =
        SequencerLimits { tails_max: 100, held_each_max: 10, held_max: 20, held_bytes_max: 1_000 };
    const TALK: Talk = talk(7);
    const HERE: Hearing = Hearing([Some(1), None]);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Box {
        seq: u64,
        ready: bool,
    }

    impl Parcel for Box {
        fn bytes(&self) -> usize {
            10
        }
        fn is_ready(&self) -> bool {
            self.ready
        }
    }

    const fn talk(conversation: u64) -> Talk {
        Talk { conversation: ConversationId(conversation), parties: Parties::Group }
    }

    fn ready(seq: u64) -> Box {
        Box { seq, ready: true }
    }

    /// A sequencer, and what came out of it.
    struct Bench {
        sequencer: Sequencer<Box>,
        passed: Vec<Box>,
    }

    impl Bench {
        fn new(limits: SequencerLimits) -> Bench {
            Bench { sequencer: Sequencer::new(limits), passed: Vec::new() }
        }

        fn put(&mut self, parcel: Box) -> Arrived {
            self.hear(HERE, parcel)
        }

        /// One that knows where to begin.
        fn after(after: u64, limits: SequencerLimits) -> Bench {
            let mut bench = Bench::new(limits);
            bench.sequencer.begin(TALK, HERE, Seq(after), &mut bench.passed);
            bench
        }

        fn hear(&mut self, hearing: Hearing, parcel: Box) -> Arrived {
            let seq = Seq(parcel.seq);
            self.sequencer.arrive(TALK, hearing, seq, Source::Elsewhere, parcel, &mut self.passed)
        }

        fn place(&mut self, after: u64) {
            self.sequencer.place(TALK, HERE, Seq(after), &mut self.passed);
        }

        fn read(&mut self, after: u64, page: &[u64]) {
            let page = page.iter().map(|seq| (Seq(*seq), ready(*seq)));
            self.sequencer.read(TALK, HERE, Seq(after), page, &mut self.passed);
        }

        fn want(&mut self) -> Option<Want> {
            self.sequencer.want(TALK, HERE)
        }

        fn passed(&mut self) -> Vec<u64> {
            std::mem::take(&mut self.passed).iter().map(|parcel| parcel.seq).collect()
        }
    }

    fn place(first: u64, until: u64) -> Option<Want> {
        Some(Want::Place { first: Seq(first), until: Seq(until) })
    }

    fn messages(after: u64, until: u64) -> Option<Want> {
        Some(Want::Messages { after: Seq(after), until: Seq(until) })
    }

    #[test]
    fn what_comes_early_waits_and_what_comes_twice_is_dropped() {
        let mut bench = Bench::after(4, LIMITS);
        assert_eq!(bench.put(ready(5)), Arrived { verdict: Verdict::Passed, began_to_wait: false });
        assert_eq!(bench.put(ready(5)).verdict, Verdict::Double);
        assert_eq!(bench.put(ready(8)), Arrived { verdict: Verdict::Held, began_to_wait: true });
        assert_eq!(bench.put(ready(7)), Arrived { verdict: Verdict::Held, began_to_wait: false });
        assert_eq!(bench.put(ready(8)).verdict, Verdict::Double);
        assert_eq!(bench.passed(), [5]);
        assert_eq!(bench.want(), messages(5, 8));
        assert_eq!(bench.put(ready(6)).verdict, Verdict::Passed);
        assert_eq!(bench.passed(), [6, 7, 8]);
        assert_eq!((bench.want(), bench.sequencer.held()), (None, 0));
        assert!(bench.put(ready(10)).began_to_wait, "each wait is told once");
    }

    #[test]
    fn what_is_older_than_the_place_passes_as_it_is() {
        let mut bench = Bench::new(LIMITS);
        bench.put(ready(5));
        bench.place(4);
        for seq in [3, 4, 3, 6] {
            assert_eq!(bench.put(ready(seq)).verdict, Verdict::Passed);
        }
        assert_eq!(bench.passed(), [5, 3, 4, 3, 6]);
    }

    #[test]
    fn the_first_that_is_heard_waits_for_its_place() {
        let mut bench = Bench::new(LIMITS);
        assert_eq!(bench.put(ready(21)), Arrived { verdict: Verdict::Held, began_to_wait: true });
        assert_eq!(bench.put(ready(22)), Arrived { verdict: Verdict::Held, began_to_wait: false });
        assert_eq!(bench.put(ready(20)).verdict, Verdict::Held);
        assert_eq!(bench.put(ready(20)).verdict, Verdict::Double);
        assert_eq!((bench.passed(), bench.want()), (vec![], place(20, 22)));
        let here = |known: Option<u64>| known.map(Seq);
        assert_eq!(bench.sequencer.known(TALK, HERE), here(None));
        assert_eq!(bench.sequencer.sought(TALK, HERE), here(Some(20)));
        bench.place(18);
        assert_eq!(bench.want(), messages(18, 22), "19 is on its way, or lost");
        bench.put(ready(19));
        assert_eq!((bench.passed(), bench.want()), (vec![19, 20, 21, 22], None));
        assert_eq!(bench.sequencer.known(TALK, HERE), here(Some(22)));
        bench.place(3);
        assert_eq!(bench.put(ready(5)).verdict, Verdict::Passed, "the place is looked for once");
        assert_eq!(bench.passed(), [5]);
    }

    #[test]
    fn what_this_node_stores_first_of_all_needs_no_place() {
        let mut bench = Bench::new(LIMITS);
        let mut store = |seq| {
            let parcel = ready(seq);
            bench.sequencer.arrive(TALK, HERE, Seq(seq), Source::Here, parcel, &mut bench.passed).verdict
        };
        assert_eq!([store(1), store(2)], [Verdict::Passed; 2]);
        let mut bench = Bench::new(LIMITS);
        assert_eq!(bench.put(ready(1)).verdict, Verdict::Held, "another node may say so of anything");
    }

    #[test]
    fn what_came_too_early_for_its_place_passes_as_it_is() {
        let mut bench = Bench::new(LIMITS);
        bench.put(ready(21));
        assert_eq!(bench.want(), place(21, 21));
        bench.put(ready(7));
        bench.place(20);
        assert_eq!((bench.passed(), bench.want()), (vec![7, 21], None));
    }

    #[test]
    fn what_belongs_to_nobody_is_dropped_and_the_next_is_looked_up_again() {
        let mut bench = Bench::new(SequencerLimits { held_each_max: 2, ..LIMITS });
        for seq in [3, 1, 9] {
            bench.put(ready(seq));
        }
        assert_eq!(bench.want(), place(1, 9), "9 is not held, but known to be said");
        assert_eq!(bench.sequencer.disown(TALK, Seq(3)), 2);
        assert_eq!(bench.want(), place(9, 9), "it was said after the others were looked up");
        assert_eq!(bench.sequencer.disown(TALK, Seq(9)), 0);
        assert_eq!((bench.want(), bench.sequencer.held()), (None, 0));
        assert!(bench.put(ready(4)).began_to_wait);
        assert_eq!(bench.want(), place(4, 4));
        assert_eq!(bench.passed(), [0; 0]);
        assert_eq!((bench.sequencer.tails(), bench.sequencer.turns.len()), (1, 1));
    }

    #[test]
    fn what_begins_with_a_member_is_read_without_another_message() {
        let mut bench = Bench::after(10, LIMITS);
        assert_eq!(bench.want(), None);
        bench.sequencer.suspect(TALK, HERE);
        assert!(!bench.put(ready(13)).began_to_wait, "somebody sees to it");
        assert_eq!(bench.want(), messages(10, 13));
        bench.read(10, &[11, 12]);
        assert_eq!(bench.passed(), [11, 12, 13]);
        bench.sequencer.suspect(TALK, HERE);
        assert_eq!(bench.want(), messages(13, 14));
        assert_eq!(bench.sequencer.log_ends(TALK, Seq(13), Seq(14), &mut bench.passed), 0);
        assert_eq!(bench.want(), None);
        bench.sequencer.begin(TALK, HERE, Seq(2), &mut bench.passed);
        assert_eq!(bench.put(ready(14)).verdict, Verdict::Passed, "it goes on where it was");
        assert_eq!(bench.put(ready(9)).verdict, Verdict::Double, "nobody here reads it");
    }

    #[test]
    fn the_log_closes_a_gap_and_what_is_held_goes_before_what_was_read() {
        let mut bench = Bench::after(0, LIMITS);
        bench.put(ready(1));
        bench.put(ready(4));
        bench.put(ready(6));
        bench.read(1, &[2, 3, 4, 5]);
        assert_eq!(bench.passed(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(bench.want(), None);
        bench.read(4, &[5, 6, 7]);
        assert_eq!(bench.passed(), [7]);
    }

    #[test]
    fn what_the_log_does_not_have_is_not_waited_for() {
        let mut bench = Bench::after(0, LIMITS);
        bench.put(ready(1));
        bench.put(ready(900));
        assert_eq!(bench.want(), messages(1, 900));
        bench.put(ready(950));
        assert_eq!(bench.sequencer.log_ends(TALK, Seq(1), Seq(900), &mut bench.passed), 1);
        assert_eq!(bench.want(), messages(1, 950), "heard of after the log was asked");
        assert_eq!(bench.sequencer.log_ends(TALK, Seq(1), Seq(950), &mut bench.passed), 1);
        assert_eq!(bench.want(), None);
        bench.put(ready(2));
        // A hole in the log, which ought not to be.
        bench.put(ready(4));
        bench.read(2, &[4, 5]);
        assert_eq!(bench.passed(), [1, 2, 4, 5]);
    }

    #[test]
    fn a_gap_that_is_too_large_is_given_up() {
        let mut bench = Bench::after(0, LIMITS);
        bench.put(ready(1));
        bench.put(ready(40));
        bench.put(ready(100));
        bench.read(98, &[99]);
        assert_eq!(bench.passed(), [1], "too far ahead");
        bench.sequencer.give_up(TALK, Seq(98), &mut bench.passed);
        assert_eq!(bench.want(), messages(98, 100));
        bench.read(98, &[99]);
        assert_eq!(bench.passed(), [40, 99, 100]);
        assert_eq!((bench.want(), bench.sequencer.held()), (None, 0));
    }

    #[test]
    fn one_that_is_not_ready_keeps_its_place() {
        let mut bench = Bench::after(2, LIMITS);
        let unready = |seq| Box { seq, ready: false };
        assert!(bench.put(unready(3)).began_to_wait, "nobody knows whose it is");
        bench.put(ready(4));
        bench.put(unready(5));
        assert_eq!((bench.passed(), bench.want()), (vec![], Some(Want::Readiness)));
        bench.sequencer.make_ready(TALK, |_, parcel| parcel.ready = parcel.seq < 5, &mut bench.passed);
        assert_eq!((bench.passed(), bench.want()), (vec![3, 4], Some(Want::Readiness)));
        bench.put(ready(6));
        assert_eq!(bench.put(ready(5)).verdict, Verdict::Passed, "the same, ready");
        assert_eq!((bench.passed(), bench.want(), bench.sequencer.held()), (vec![5, 6], None, 0));
        assert_eq!(bench.put(unready(2)).verdict, Verdict::Double);
    }

    #[test]
    fn a_break_in_hearing_begins_anew() {
        let mut bench = Bench::after(0, LIMITS);
        let both = Hearing([Some(1), Some(2)]);
        let other = Hearing([None, Some(2)]);
        bench.hear(HERE, ready(1));
        bench.hear(both, ready(2));
        bench.hear(other, ready(4));
        assert_eq!(bench.sequencer.want(TALK, other), messages(2, 4), "the other one was there all the time");
        assert_eq!(bench.sequencer.known(TALK, other), Some(Seq(2)));
        assert_eq!(bench.sequencer.known(TALK, HERE), None);
        assert_eq!(bench.hear(HERE, ready(9)).verdict, Verdict::Held);
        assert_eq!(bench.want(), place(9, 9), "what was said unheard is not known");
        bench.place(8);
        assert_eq!(bench.passed(), [1, 2, 9], "what was held was for those who went");
        assert_eq!(bench.hear(Hearing::default(), ready(10)).verdict, Verdict::Unheard);
        assert_eq!(bench.hear(HERE, ready(12)).verdict, Verdict::Held);
        let again = Hearing([Some(3), None]);
        assert_eq!(bench.sequencer.want(TALK, again), None, "nobody waits for it");
        assert_eq!(bench.sequencer.held(), 0);
    }

    #[test]
    fn limits_hold_and_what_is_not_held_is_read() {
        let mut bench = Bench::after(0, SequencerLimits { held_each_max: 2, ..LIMITS });
        for seq in [1, 3, 4, 5, 6] {
            bench.put(ready(seq));
        }
        assert_eq!(bench.put(ready(7)).verdict, Verdict::NotHeld);
        bench.put(ready(2));
        assert_eq!(bench.passed(), [1, 2, 3, 4]);
        assert_eq!(bench.want(), messages(4, 7), "5 to 7 are known to exist");
        bench.read(4, &[5, 6, 7]);
        assert_eq!((bench.passed(), bench.want()), (vec![5, 6, 7], None));
    }

    #[test]
    fn the_oldest_unused_is_forgotten_and_a_busy_one_stays() {
        let limits = SequencerLimits { tails_max: 3, ..LIMITS };
        let mut sequencer = Sequencer::new(limits);
        let mut passed = Vec::new();
        let mut put = |sequencer: &mut Sequencer<Box>, conversation, seq| {
            let talk = talk(conversation);
            sequencer.arrive(talk, HERE, Seq(seq), Source::Here, ready(seq), &mut passed).verdict
        };
        put(&mut sequencer, 1, 1);
        for other in 2..50 {
            put(&mut sequencer, other, 1);
            assert_eq!(put(&mut sequencer, 1, other), Verdict::Passed);
            assert_eq!(put(&mut sequencer, 1, other), Verdict::Double, "1 is known");
            assert!(sequencer.tails() <= 3 && sequencer.turns.len() == sequencer.tails());
        }
        assert_eq!(put(&mut sequencer, 2, 9), Verdict::Held, "forgotten: like the first");
    }

    /// Chance for a simulation, from a seed that proptest prints.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % sides
        }
    }

    /// One node's view of three conversations in which three nodes store messages. Node 0 is this one: it hears its own
    /// messages at once, those of others by a bus that loses, doubles, delays and reorders.
    struct World {
        dice: Dice,
        bench: Vec<Sequencer<Box>>,
        limits: SequencerLimits,
        logs: [u64; 3],
        on_the_bus: Vec<(usize, Box)>,
        serials: [u64; 3],
        attended: [bool; 3],
        /// What a mender has read and not brought yet.
        reading: Vec<(usize, u64, u64, Vec<u64>)>,
        passed: [Vec<u64>; 3],
    }

    impl World {
        fn new(seed: u64) -> World {
            let mut dice = Dice(seed);
            let limits = SequencerLimits {
                tails_max: 3,
                held_each_max: 1 + dice.roll(12) as usize,
                held_max: 1 + dice.roll(30) as usize,
                held_bytes_max: 10 + dice.roll(400) as usize,
            };
            World {
                dice,
                bench: vec![Sequencer::new(limits)],
                limits,
                logs: [0; 3],
                on_the_bus: Vec::new(),
                serials: [1; 3],
                attended: [false; 3],
                reading: Vec::new(),
                passed: Default::default(),
            }
        }

        fn hearing(&self, conv: usize) -> Hearing {
            Hearing([Some(self.serials[conv]), None])
        }

        fn id(conv: usize) -> Talk {
            talk(conv as u64 + 1)
        }

        fn out(&mut self, conv: usize, act: impl FnOnce(&mut Sequencer<Box>, &mut Vec<Box>)) {
            let mut passed = Vec::new();
            act(&mut self.bench[0], &mut passed);
            assert!(passed.iter().all(Parcel::is_ready));
            self.passed[conv].extend(passed.iter().map(|parcel| parcel.seq));
            let sequencer = &self.bench[0];
            let held: usize = sequencer.tails.values().map(|tail| tail.held.len()).sum();
            assert_eq!((sequencer.held.parcels, sequencer.held.bytes), (held, held * 10));
            assert!(held <= self.limits.held_max && held * 10 <= self.limits.held_bytes_max);
        }

        fn arrive(&mut self, conv: usize, source: Source, parcel: Box) {
            let hearing = self.hearing(conv);
            let mut began = false;
            self.out(conv, |sequencer, passed| {
                let seq = Seq(parcel.seq);
                began = sequencer.arrive(World::id(conv), hearing, seq, source, parcel, passed).began_to_wait;
            });
            self.attended[conv] |= began;
        }

        fn step(&mut self) {
            let conv = self.dice.roll(3) as usize;
            match self.dice.roll(100) {
                0..40 => {
                    self.logs[conv] += 1;
                    let seq = self.logs[conv];
                    if self.dice.roll(3) == 0 {
                        self.arrive(conv, Source::Here, ready(seq));
                    } else {
                        let copies = [1, 1, 1, 0, 2][self.dice.roll(5) as usize];
                        for _ in 0..copies {
                            let ready = self.dice.roll(6) > 0;
                            self.on_the_bus.push((conv, Box { seq, ready }));
                        }
                    }
                }
                40..80 if !self.on_the_bus.is_empty() => {
                    // Mostly in order.
                    let most = if self.dice.roll(4) == 0 { self.on_the_bus.len() } else { 1 };
                    let at = self.dice.roll(most as u64) as usize;
                    let (conv, parcel) = self.on_the_bus.remove(at);
                    self.arrive(conv, Source::Elsewhere, parcel);
                }
                80..90 => self.begin_mending(conv),
                90..99 => self.end_mending(),
                99 => {
                    self.check(conv);
                    self.serials[conv] += 1;
                    self.passed[conv].clear();
                }
                _ => {}
            }
        }

        fn begin_mending(&mut self, conv: usize) {
            if !self.attended[conv] {
                return;
            }
            let hearing = self.hearing(conv);
            let mut want = None;
            self.out(conv, |sequencer, _| want = sequencer.want(World::id(conv), hearing));
            match want {
                None => self.attended[conv] = false,
                Some(Want::Place { first, until }) => {
                    assert!(first <= until && until.0 <= self.logs[conv]);
                    let after = Seq((first.0 - 1).saturating_sub(self.dice.roll(4)));
                    self.out(conv, |sequencer, passed| {
                        sequencer.place(World::id(conv), hearing, after, passed);
                    });
                }
                Some(Want::Readiness) => self.out(conv, |sequencer, passed| {
                    sequencer.make_ready(World::id(conv), |_, parcel| parcel.ready = true, passed);
                }),
                Some(Want::Messages { after, until }) => {
                    let last = self.logs[conv].min(after.0 + 4);
                    self.reading.push((conv, after.0, until.0, (after.0 + 1..=last).collect()));
                }
            }
        }

        fn end_mending(&mut self) {
            let Some((conv, after, until, page)) = self.reading.pop() else { return };
            let hearing = self.hearing(conv);
            self.out(conv, |sequencer, passed| match &page[..] {
                [] => {
                    let dropped = sequencer.log_ends(World::id(conv), Seq(after), Seq(until), passed);
                    assert_eq!(dropped, 0, "all is stored");
                }
                page => {
                    let page = page.iter().map(|seq| (Seq(*seq), ready(*seq)));
                    sequencer.read(World::id(conv), hearing, Seq(after), page, passed);
                }
            });
        }

        /// What came out since hearing began: all that this can know of, once, in order.
        fn check(&self, conv: usize) {
            let Some(tail) = self.bench[0].tails.get(&World::id(conv)) else { return };
            if !self.hearing(conv).goes_on(tail.hearing) {
                return;
            }
            if tail.place == Place::Sought {
                assert!(self.passed[conv].is_empty(), "nothing passes before its place is known");
                return;
            }
            let floor = tail.floor.0;
            let known: Vec<u64> = self.passed[conv].iter().copied().filter(|seq| *seq >= floor).collect();
            let expected: Vec<u64> = (floor..=tail.tail.0).collect();
            assert_eq!(known, expected, "conversation {conv}");
        }

        /// The bus says what it lost: everything from what is known on is read.
        fn settle(&mut self) {
            while !self.reading.is_empty() {
                self.end_mending();
            }
            for conv in 0..3 {
                let hearing = self.hearing(conv);
                while self.bench[0].sought(World::id(conv), hearing).is_some() {
                    assert!(self.attended[conv], "somebody looks for the place");
                    self.begin_mending(conv);
                    self.end_mending();
                }
                let Some(known) = self.bench[0].known(World::id(conv), hearing) else { continue };
                let page: Vec<u64> = (known.0 + 1..=self.logs[conv]).collect();
                self.out(conv, |sequencer, passed| {
                    let page = page.iter().map(|seq| (Seq(*seq), ready(*seq)));
                    sequencer.read(World::id(conv), hearing, known, page, passed);
                    assert_eq!(sequencer.want(World::id(conv), hearing), None);
                });
                self.check(conv);
                assert_eq!(self.bench[0].tails[&World::id(conv)].tail.0, self.logs[conv]);
            }
        }

        /// Without another message and without a word of the bus: what began to wait is seen to.
        fn mend_all(&mut self) {
            for conv in 0..3 {
                let mut rounds = 0;
                while self.attended[conv] {
                    self.begin_mending(conv);
                    self.end_mending();
                    rounds += 1;
                    assert!(rounds < 10_000, "mending must end");
                }
                let hearing = self.hearing(conv);
                if let Some(tail) = self.bench[0].tails.get(&World::id(conv))
                    && hearing.goes_on(tail.hearing)
                {
                    assert_eq!((tail.tail, tail.held.len()), (tail.heard, 0), "nothing waits unattended");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES)
        })]

        #[test]
        fn every_reader_gets_everything_once_and_in_order(seed: u64) {
            let mut world = World::new(seed);
            for _ in 0..800 {
                world.step();
            }
            if seed % 2 == 0 {
                world.mend_all();
                (0..3).for_each(|conv| world.check(conv));
            }
            world.settle();
        }
    }
}
