//! Finding the place of a time in a conversation.

use crate::{Seq, Timestamp};

/// Messages by which the order of times may differ from that of seqs: nodes whose clocks differ say them at once.
pub const TIMES_CROSS_MAX: u64 = 100;

/// Seqs asked for at once: sixteen times less remains after each question, so ten million messages take six.
const PROBES: u64 = 15;

/// The first message after `since`, up to `last`, that was said at `time` or later. `times` tells the times of some
/// messages, asked for by rising seq; what it leaves out counts as older.
pub fn first_at<E>(
    since: Seq,
    last: Seq,
    time: Timestamp,
    mut times: impl FnMut(&[Seq]) -> Result<Vec<(Seq, Timestamp)>, E>,
) -> Result<Option<Seq>, E> {
    // Everything up to `older` is, by what was asked so far, and everything from `found` on is not.
    let (mut older, mut found) = (since.0, last.0.max(since.0).saturating_add(1));
    while found - older > 1 {
        let between = found - older - 1;
        let probes = between.min(PROBES);
        let seqs: Vec<Seq> = (1..=probes).map(|n| Seq(older + n * (between + 1) / (probes + 1))).collect();
        match times(&seqs)?.into_iter().filter(|(_, at)| *at >= time).map(|(seq, _)| seq.0).min() {
            Some(first) => {
                older = seqs.iter().map(|seq| seq.0).filter(|seq| *seq < first).max().unwrap_or(older);
                found = first;
            }
            None => older = seqs.iter().map(|seq| seq.0).max().unwrap_or(older),
        }
    }
    let before: Vec<Seq> =
        ((since.0 + 1).max(found.saturating_sub(TIMES_CROSS_MAX))..found).map(Seq).collect();
    let crossed = match before.is_empty() {
        true => Vec::new(),
        false => times(&before)?,
    };
    let crossed = crossed.into_iter().filter(|(_, at)| *at >= time).map(|(seq, _)| seq).min();
    Ok(crossed.or((found <= last.0).then_some(Seq(found))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer, and how many questions it took.
    fn search(times: &[u64], since: u64, time: u64) -> (Option<u64>, usize) {
        let mut questions = 0;
        let found = first_at(Seq(since), Seq(times.len() as u64), Timestamp(time), |seqs| {
            questions += 1;
            assert!(seqs.is_sorted() && seqs.iter().all(|seq| seq.0 > since), "{seqs:?}");
            Ok::<_, ()>(seqs.iter().map(|seq| (*seq, Timestamp(times[seq.0 as usize - 1]))).collect())
        });
        (found.unwrap().map(|seq| seq.0), questions)
    }

    #[test]
    fn finds_what_looking_at_each_would_find() {
        for length in [0, 1, 2, 3, 15, 16, 17, 100, 255, 256, 257, 1_000] {
            let times: Vec<u64> = (1..=length).map(|n| n / 3 * 10).collect();
            for since in [0, 1, length / 2, length] {
                for time in (0..=length / 3 * 10 + 11).step_by(if length > 100 { 7 } else { 1 }) {
                    let plain = (since + 1..=length).find(|seq| times[*seq as usize - 1] >= time);
                    assert_eq!(search(&times, since, time).0, plain, "{length} {since} {time}");
                }
            }
        }
    }

    #[test]
    fn finds_one_that_overtook_an_older_one() {
        let mut times: Vec<u64> = (1..=500).map(|n| n * 10).collect();
        times.swap(299, 299 + TIMES_CROSS_MAX as usize - 1);
        assert_eq!(search(&times, 0, 3_900).0, Some(300));
        assert_eq!(search(&times, 300, 3_900).0, Some(390), "not before what one may read");
    }

    #[test]
    fn a_long_conversation_takes_a_few_questions_more() {
        let times: Vec<u64> = (1..=1_000_000).collect();
        let (found, questions) = search(&times, 0, 654_321);
        assert_eq!(found, Some(654_321));
        assert!(questions <= 6, "{questions}");
    }
}
