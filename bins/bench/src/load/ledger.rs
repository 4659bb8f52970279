//! The books: every message that was acknowledged must arrive once, in its place, at every reader.

use std::collections::BTreeSet;

use serde::Serialize;

/// What the books found. All zeros is the only good verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// Acknowledged, and missing at a reader; or sent and never answered.
    pub(crate) lost: u64,
    /// Arrived more than once at a reader.
    pub(crate) duplicated: u64,
    /// Arrived after its successor, or in another place than its acknowledgement said.
    pub(crate) out_of_order: u64,
    /// Arrived with another sender, conversation, id or text than was sent.
    pub(crate) corrupted: u64,
    /// Answered with an error code.
    pub(crate) refused: u64,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        *self == Verdict::default()
    }

    pub(crate) fn add(&mut self, other: Verdict) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.corrupted += other.corrupted;
        self.refused += other.refused;
    }
}

/// What is known of one sent message.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// When it was sent, or should have been; in nanoseconds since the start of the load.
    at_ns: u64,
    /// Its place, from whoever said it first: the acknowledgement or a reader. 0 until then.
    seq: u64,
    /// Readers that have it.
    arrivals: u32,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Acknowledged,
    Refused,
}

/// The sender's side of one stream: the messages by number, 0, 1, 2 …
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    waiting: u64,
    acknowledged: u64,
    verdict: Verdict,
}

impl Ledger {
    /// Notes a message as sent and returns its number.
    pub(crate) fn send(&mut self, at_ns: u64) -> u64 {
        self.entries.push(Entry { at_ns, seq: 0, arrivals: 0, fate: Fate::Waiting });
        self.waiting += 1;
        self.entries.len() as u64 - 1
    }

    /// Messages without an answer.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Messages answered as stored.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Message `number` was answered as stored; `seq` is `None` if the answer does not say it. Returns when it was sent.
    pub(crate) fn acknowledge(&mut self, number: u64, seq: Option<u64>) -> Option<u64> {
        let at_ns = self.settle(number, Fate::Acknowledged)?;
        self.acknowledged += 1;
        if seq.is_some_and(|seq| !self.place(number, seq)) {
            self.verdict.out_of_order += 1;
        }
        Some(at_ns)
    }

    /// Message `number` was refused.
    pub(crate) fn refuse(&mut self, number: u64) {
        if self.settle(number, Fate::Refused).is_some() {
            self.verdict.refused += 1;
        }
    }

    /// An answer that cannot be read counts as corrupted.
    pub(crate) fn unreadable(&mut self) {
        self.verdict.corrupted += 1;
    }

    fn settle(&mut self, number: u64, fate: Fate) -> Option<u64> {
        match self.entries.get_mut(number as usize) {
            Some(entry) if entry.fate == Fate::Waiting => {
                entry.fate = fate;
                self.waiting -= 1;
                Some(entry.at_ns)
            }
            // A second answer to one request, or an answer to none.
            Some(_) => {
                self.verdict.duplicated += 1;
                None
            }
            None => {
                self.verdict.corrupted += 1;
                None
            }
        }
    }

    /// Whether `seq` agrees with what was said of this message before.
    fn place(&mut self, number: u64, seq: u64) -> bool {
        match self.entries.get_mut(number as usize) {
            Some(entry) if entry.seq == 0 => {
                entry.seq = seq;
                true
            }
            Some(entry) => entry.seq == seq,
            None => false,
        }
    }

    /// Whether message `number` was answered and has reached this many readers.
    pub(crate) fn is_complete(&self, number: u64, readers: usize) -> bool {
        self.entries
            .get(number as usize)
            .is_some_and(|entry| entry.fate != Fate::Waiting && entry.arrivals as usize == readers)
    }

    /// What went wrong on the sender's side so far; messages still without an answer are lost.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict { lost: self.waiting, ..self.verdict }
    }
}

/// One reader's side of one stream.
#[derive(Debug)]
pub(crate) struct Reader {
    numbers: Run,
    seqs: Run,
    verdict: Verdict,
}

impl Reader {
    /// A reader of a conversation whose first message has this seq.
    pub(crate) fn new(first_seq: u64) -> Reader {
        Reader { numbers: Run::from(0), seqs: Run::from(first_seq), verdict: Verdict::default() }
    }

    /// Message `number` arrived at `seq`. Returns when it was sent, if it is the good and only copy.
    pub(crate) fn deliver(&mut self, ledger: &mut Ledger, number: u64, seq: u64) -> Option<u64> {
        if number >= ledger.entries.len() as u64 {
            // The stream never sent this number.
            self.verdict.corrupted += 1;
            return None;
        }
        let arrivals = (self.numbers.take(number), self.seqs.take(seq));
        if arrivals.0 == Arrival::Again || arrivals.1 == Arrival::Again {
            self.verdict.duplicated += 1;
            return None;
        }
        if arrivals.0 == Arrival::Late || arrivals.1 == Arrival::Late || !ledger.place(number, seq) {
            self.verdict.out_of_order += 1;
        }
        let entry = ledger.entries.get_mut(number as usize)?;
        entry.arrivals += 1;
        Some(entry.at_ns)
    }

    /// A message arrived that the stream never sent.
    pub(crate) fn foreign(&mut self) {
        self.verdict.corrupted += 1;
    }

    /// Whether all that was acknowledged has arrived.
    pub(crate) fn has_all(&self, ledger: &Ledger) -> bool {
        // Acknowledged or refused, without gaps: the common case costs one comparison.
        self.numbers.missing.is_empty() && self.numbers.next >= ledger.entries.len() as u64
            || self.missing(ledger) == 0
    }

    /// What went wrong at this reader; what has not arrived by now is lost.
    pub(crate) fn verdict(&self, ledger: &Ledger) -> Verdict {
        Verdict { lost: self.missing(ledger), ..self.verdict }
    }

    fn missing(&self, ledger: &Ledger) -> u64 {
        let acknowledged =
            |number: u64| ledger.entries.get(number as usize).is_some_and(|e| e.fate == Fate::Acknowledged);
        let skipped = self.numbers.missing.iter().filter(|&&number| acknowledged(number)).count();
        let unseen = (self.numbers.next..ledger.entries.len() as u64).filter(|&number| acknowledged(number));
        (skipped + unseen.count()) as u64
    }
}

/// Numbers that should come one after the other.
#[derive(Debug)]
struct Run {
    /// One more than the highest that came.
    next: u64,
    /// Those below `next` that did not come. At most as many as were in flight, unless the run is broken anyway.
    missing: BTreeSet<u64>,
    first: u64,
}

/// Gaps beyond this are not kept one by one: a broken number must not fill the memory.
const GAP_MAX: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    /// The next one, or one that leaves a gap: whether the gap is filled is seen later.
    Ahead,
    /// Fills a gap.
    Late,
    /// Came before.
    Again,
}

impl Run {
    fn from(first: u64) -> Run {
        Run { next: first, missing: BTreeSet::new(), first }
    }

    fn take(&mut self, number: u64) -> Arrival {
        if number >= self.next {
            let gap_end = number.min(self.next.saturating_add(GAP_MAX));
            self.missing.extend(self.next..gap_end);
            self.next = number.saturating_add(1);
            Arrival::Ahead
        } else if number < self.first || self.missing.remove(&number) {
            Arrival::Late
        } else {
            Arrival::Again
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends five messages, answers all, and delivers `arrivals` as (number, seq).
    fn judge(arrivals: &[(u64, u64)]) -> Verdict {
        let mut ledger = Ledger::default();
        let mut reader = Reader::new(1);
        for number in 0..5 {
            assert_eq!(ledger.send(number * 10), number);
        }
        for &(number, seq) in arrivals {
            reader.deliver(&mut ledger, number, seq);
        }
        for number in 0..5 {
            assert_eq!(ledger.acknowledge(number, Some(number + 1)), Some(number * 10));
        }
        let mut verdict = ledger.verdict();
        verdict.add(reader.verdict(&ledger));
        assert_eq!(reader.has_all(&ledger), verdict.lost == 0);
        verdict
    }

    #[test]
    fn a_good_delivery_is_clean() {
        assert!(judge(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]).is_clean());
    }

    #[test]
    fn a_lost_message_is_found_in_the_middle_and_at_the_end() {
        let one_lost = Verdict { lost: 1, ..Verdict::default() };
        assert_eq!(judge(&[(0, 1), (1, 2), (3, 4), (4, 5)]), one_lost);
        assert_eq!(judge(&[(0, 1), (1, 2), (2, 3), (3, 4)]), one_lost);
        assert_eq!(judge(&[]).lost, 5);
    }

    #[test]
    fn a_doubled_message_is_found() {
        let one_double = Verdict { duplicated: 1, ..Verdict::default() };
        assert_eq!(judge(&[(0, 1), (1, 2), (1, 2), (2, 3), (3, 4), (4, 5)]), one_double);
        assert_eq!(judge(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 1)]), one_double);
    }

    #[test]
    fn a_message_stored_twice_is_found() {
        assert_eq!(judge(&[(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6)]).duplicated, 1);
    }

    #[test]
    fn swapped_messages_are_found() {
        let swapped_arrival = judge(&[(0, 1), (2, 3), (1, 2), (3, 4), (4, 5)]);
        assert_eq!(swapped_arrival, Verdict { out_of_order: 1, ..Verdict::default() });
        let swapped_places = judge(&[(0, 1), (2, 2), (1, 3), (3, 4), (4, 5)]);
        assert!(swapped_places.out_of_order >= 1, "{swapped_places:?}");
    }

    #[test]
    fn another_place_than_the_acknowledged_one_is_found() {
        let verdict = judge(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 6)]);
        assert_eq!(verdict, Verdict { out_of_order: 1, ..Verdict::default() });
    }

    #[test]
    fn a_number_that_was_never_sent_is_found() {
        assert_eq!(judge(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]).corrupted, 1);
    }

    #[test]
    fn a_missing_and_a_double_answer_are_found() {
        let mut ledger = Ledger::default();
        ledger.send(0);
        ledger.send(0);
        ledger.acknowledge(0, Some(1));
        assert_eq!(ledger.acknowledge(0, Some(1)), None);
        assert_eq!(ledger.acknowledge(7, Some(1)), None);
        let expected = Verdict { lost: 1, duplicated: 1, corrupted: 1, ..Verdict::default() };
        assert_eq!(ledger.verdict(), expected);
    }

    #[test]
    fn a_refused_message_need_not_arrive() {
        let mut ledger = Ledger::default();
        let mut reader = Reader::new(1);
        ledger.send(0);
        ledger.send(0);
        ledger.refuse(0);
        ledger.acknowledge(1, Some(1));
        reader.deliver(&mut ledger, 1, 1);
        assert!(reader.has_all(&ledger));
        assert_eq!(reader.verdict(&ledger), Verdict::default());
        assert_eq!(ledger.verdict(), Verdict { refused: 1, ..Verdict::default() });
    }
}
