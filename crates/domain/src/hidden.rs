//! What users delete for themselves.

use std::ops::RangeInclusive;

use crate::{ConversationId, HiddenPosition, Seq};

/// A message that one user does not want to see any more. It keeps its place; nobody else sees a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Its place in the user's list.
    pub position: HiddenPosition,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
}

/// What came of hiding messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hiding {
    /// All of them are hidden, by rising position.
    Done {
        /// Those that were hidden before.
        before: Vec<Hidden>,
        /// Those that are from now on.
        new: Vec<Hidden>,
    },
    /// More than a user may hide: nothing was changed.
    Full,
}

/// How much wider than their number seqs may be spread that are still looked up as one range.
const SPREAD: u64 = 4;

/// The range of these seqs, if they are one or nearly: to look all of it up costs less than to look up each.
pub fn dense(seqs: &[Seq]) -> Option<RangeInclusive<Seq>> {
    let (first, last) = (*seqs.iter().min()?, *seqs.iter().max()?);
    (last.0 - first.0 <= SPREAD * seqs.len() as u64).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_close_together_is_a_range() {
        let dense = |seqs: &[u64]| {
            let seqs: Vec<Seq> = seqs.iter().copied().map(Seq).collect();
            dense(&seqs).map(|range| (range.start().0, range.end().0))
        };
        assert_eq!(dense(&[]), None);
        assert_eq!(dense(&[9]), Some((9, 9)));
        assert_eq!(dense(&[3, 1, 2]), Some((1, 3)));
        assert_eq!(dense(&[1, 9]), Some((1, 9)));
        assert_eq!(dense(&[1, 10]), None);
        assert_eq!(dense(&[0, u64::MAX]), None);
    }
}
