//! A bus that leads nowhere and remembers what it was given.

use std::collections::HashSet;

use parking_lot::Mutex;

use crate::{Bus, BusError, Publication, Reach, Topic};

/// A bus that leads nowhere and remembers what it was given, until a test takes it.
#[derive(Debug)]
pub struct FakeBus {
    reach: Reach,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    published: Vec<Publication>,
    topics: HashSet<Topic>,
    failure: Option<BusError>,
}

impl FakeBus {
    /// A bus that claims this reach.
    pub fn new(reach: Reach) -> FakeBus {
        FakeBus { reach, state: Mutex::default() }
    }

    /// What was published since the last call, in order.
    pub fn take_published(&self) -> Vec<Publication> {
        std::mem::take(&mut self.state.lock().published)
    }

    /// Whether somebody here listens to this.
    pub fn is_subscribed(&self, topic: Topic) -> bool {
        self.state.lock().topics.contains(&topic)
    }

    /// Refuses every publication with this error, until told `None`.
    pub fn fail_with(&self, failure: Option<BusError>) {
        self.state.lock().failure = failure;
    }
}

impl Bus for FakeBus {
    fn reach(&self) -> Reach {
        self.reach
    }

    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError> {
        let mut state = self.state.lock();
        match &state.failure {
            Some(failure) => Err(failure.clone()),
            None => {
                state.published.extend(batch);
                Ok(())
            }
        }
    }

    fn subscribe(&self, topics: &[Topic]) {
        self.state.lock().topics.extend(topics);
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        self.state.lock().topics.retain(|topic| !topics.contains(topic));
    }
}
