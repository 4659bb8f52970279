//! What this node could not publish, for its beats to tell.

use std::collections::VecDeque;
use std::time::Duration;

use domain::Timestamp;

use super::envelope::{LOSSES_MAX, Loss};

/// How long beats tell of a loss: nodes that are away meanwhile hear it then, nodes that start later need not.
const TOLD_FOR: Duration = Duration::from_secs(300);

/// The latest losses, oldest first, at most [`LOSSES_MAX`]: when there are more, the two oldest become one.
#[derive(Default)]
pub(super) struct Losses {
    known: VecDeque<Known>,
    generation: u64,
}

struct Known {
    loss: Loss,
    /// When a beat told of it first. Until then, what is lost more belongs to it.
    told: Option<Timestamp>,
}

impl Losses {
    /// What was handed over at or after `since` is not published. Whether no beat is on its way to tell of it.
    pub(super) fn add(&mut self, since: Timestamp) -> bool {
        if let Some(Known { loss, told: None }) = self.known.back_mut() {
            loss.since = loss.since.min(since);
            return false;
        }
        self.generation += 1;
        if self.known.len() == LOSSES_MAX {
            let oldest = self.known.pop_front();
            if let (Some(oldest), Some(front)) = (oldest, self.known.front_mut()) {
                front.loss.since = front.loss.since.min(oldest.loss.since);
            }
        }
        let loss = Loss { generation: self.generation, since };
        self.known.push_back(Known { loss, told: None });
        true
    }

    /// What a beat that is made now tells of. What is lost from now on is a new loss.
    pub(super) fn tell(&mut self, now: Timestamp) -> Vec<Loss> {
        let old = |told: Timestamp| now.0.saturating_sub(told.0) > TOLD_FOR.as_millis() as u64;
        self.known.retain(|known| !known.told.is_some_and(old));
        if let Some(Known { told: told @ None, .. }) = self.known.back_mut() {
            *told = Some(now);
        }
        self.known.iter().map(|known| known.loss).collect()
    }

    /// Since when a loss is not told of in any beat yet.
    pub(super) fn not_told(&self) -> Option<Timestamp> {
        self.known.back().filter(|known| known.told.is_none()).map(|known| known.loss.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_before_a_beat_is_one_loss_and_after_it_another() {
        let mut losses = Losses::default();
        assert!(losses.add(Timestamp(5)));
        assert!(!losses.add(Timestamp(6)));
        assert_eq!(losses.not_told(), Some(Timestamp(5)));
        assert_eq!(losses.tell(Timestamp(7)), [Loss { generation: 1, since: Timestamp(5) }]);
        assert_eq!(losses.not_told(), None);
        assert!(losses.add(Timestamp(8)));
        assert_eq!(losses.tell(Timestamp(9)).len(), 2);
        let later = Timestamp(9 + TOLD_FOR.as_millis() as u64);
        assert_eq!(losses.tell(later).len(), 1, "the first is old news");
    }

    #[test]
    fn many_losses_become_few_and_none_is_forgotten() {
        let mut losses = Losses::default();
        for generation in 1..=20 {
            losses.add(Timestamp(100 + generation));
            losses.tell(Timestamp(100));
        }
        let told = losses.tell(Timestamp(100));
        assert_eq!(told.len(), LOSSES_MAX);
        assert_eq!(told.first().map(|loss| loss.since), Some(Timestamp(101)));
        assert_eq!(told.last().map(|loss| loss.generation), Some(20));
    }
}
