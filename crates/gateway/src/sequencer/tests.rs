//! What the sequencer does, case by case.

use service::domain::{ConversationId, Parties};

use super::*;

const LIMITS: SequencerLimits =
    SequencerLimits { tails_max: 100, held_each_max: 10, held_max: 20, held_bytes_max: 1_000 };
const TALK: Talk = talk(7);
const HERE: Hearing = Hearing([Some(1), None]);

/// A parcel that says where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Box {
    pub(super) seq: u64,
    pub(super) ready: bool,
}

impl Parcel for Box {
    fn bytes(&self) -> usize {
        10
    }
    fn is_ready(&self) -> bool {
        self.ready
    }
}

pub(super) const fn talk(conversation: u64) -> Talk {
    Talk { conversation: ConversationId(conversation), parties: Parties::Group }
}

pub(super) fn ready(seq: u64) -> Box {
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
fn what_arrives_is_no_answer_to_what_the_log_is_to_be_asked() {
    let mut bench = Bench::after(10, LIMITS);
    bench.sequencer.suspect(TALK, HERE);
    // The member's own coming, by the appender: 12 was said elsewhere before anything was heard here.
    assert_eq!(bench.put(ready(11)).verdict, Verdict::Passed);
    assert_eq!(bench.want(), messages(11, 12));
    // Suspected again while the log is read, which may be too early.
    bench.sequencer.suspect(TALK, HERE);
    assert_eq!(bench.sequencer.log_ends(TALK, Seq(11), Seq(12), &mut bench.passed), 0);
    assert_eq!(bench.want(), messages(11, 12));
    bench.read(11, &[12]);
    assert_eq!(bench.passed(), [11, 12]);
    assert_eq!(bench.want(), messages(12, 13), "until it has nothing more");
    assert_eq!(bench.sequencer.log_ends(TALK, Seq(12), Seq(13), &mut bench.passed), 0);
    assert_eq!(bench.want(), None);
    assert!(bench.put(ready(14)).began_to_wait, "it is heard as before");
    // Nobody listens any more.
    bench.sequencer.suspect(TALK, HERE);
    assert_eq!(bench.sequencer.want(TALK, Hearing([None, None])), None);
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
    // Stored after the log was read: true, though it stands before what is not.
    assert_eq!(bench.put(ready(3)).verdict, Verdict::Held);
    assert_eq!(bench.sequencer.log_ends(TALK, Seq(1), Seq(950), &mut bench.passed), 1);
    assert_eq!(bench.want(), messages(1, 3));
    bench.put(ready(2));
    assert_eq!(bench.want(), None);
    // A hole in the log, which ought not to be.
    bench.put(ready(5));
    bench.read(3, &[5, 6]);
    assert_eq!(bench.passed(), [1, 2, 3, 5, 6]);
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
