//! How many connections come from where.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use service::Household;

/// Connections by the address that they come from. Bounded by their number. Any thread; never waits for more than another
/// count.
#[derive(Debug)]
pub(crate) struct Households {
    counts: Mutex<HashMap<Household, u32>>,
    /// Of one address; 0: as many as there can be.
    max: u32,
}

/// A connection's place among those of its address. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    households: Arc<Households>,
    household: Household,
}

impl Households {
    pub(crate) fn new(max: u32) -> Arc<Households> {
        Arc::new(Households { counts: Mutex::default(), max })
    }

    /// Takes a place, unless its address has too many.
    pub(crate) fn enter(self: &Arc<Households>, household: Household) -> Option<Place> {
        let mut counts = self.counts.lock();
        let count = counts.entry(household).or_default();
        if self.max > 0 && *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { households: Arc::clone(self), household })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.households.counts.lock();
        if let Some(count) = counts.get_mut(&self.household) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.household);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn of(text: &str) -> Household {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_address_has_so_many_places_and_others_have_theirs() {
        let households = Households::new(2);
        let places = [households.enter(of("192.0.2.1")), households.enter(of("192.0.2.1"))];
        assert!(places.iter().all(Option::is_some));
        assert!(households.enter(of("192.0.2.1")).is_none());
        assert!(households.enter(of("192.0.2.2")).is_some());
        drop(places);
        assert!(households.counts.lock().is_empty(), "nothing is kept of who is gone");
        assert!(households.enter(of("192.0.2.1")).is_some());
    }

    #[test]
    fn without_a_limit_all_may_come() {
        let households = Households::new(0);
        let places: Vec<_> = (0..1_000).map(|_| households.enter(of("192.0.2.1"))).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
