//! Who plays: people, their devices, friendships and groups, decided by the seed.

use rand::{RngExt, rngs::StdRng, seq::SliceRandom};

use super::{evidence::Tongue, seed};

/// Friends that each person has at first, on average.
const FRIENDS_EACH: usize = 4;
/// People for each group that exists at first.
const PEOPLE_PER_GROUP: usize = 4;

/// Everybody. People and groups are named by their place.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) people: Vec<Person>,
    /// Pairs of people, the smaller first.
    pub(crate) friendships: Vec<(usize, usize)>,
    /// Members of each group; the first is its owner.
    pub(crate) groups: Vec<Vec<usize>>,
}

/// A user-to-be.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) devices: Vec<Tongue>,
}

impl Cast {
    pub(crate) fn new(seed: u64, people: usize) -> Cast {
        let mut random = seed::generator(seed, "cast");
        let person = |at: usize, random: &mut StdRng| {
            let devices = (0..random.random_range(1..=3)).map(|_| match random.random_range(0..3) {
                0 => Tongue::Frames,
                _ => Tongue::Library,
            });
            Person { name: format!("person{at:03}"), devices: devices.collect() }
        };
        let people: Vec<Person> = (0..people).map(|at| person(at, &mut random)).collect();
        let friendships = friendships(people.len(), &mut random);
        let groups = groups(people.len(), &mut random);
        Cast { people, friendships, groups }
    }

    pub(crate) fn devices(&self) -> usize {
        self.people.iter().map(|person| person.devices.len()).sum()
    }
}

/// A ring, so that nobody is alone, and chance for the rest.
fn friendships(people: usize, random: &mut StdRng) -> Vec<(usize, usize)> {
    let mut pairs: Vec<_> = (0..people).map(|at| ordered(at, (at + 1) % people)).collect();
    for _ in 0..people * (FRIENDS_EACH / 2).saturating_sub(1) {
        pairs.push(ordered(random.random_range(0..people), random.random_range(0..people)));
    }
    pairs.retain(|(a, b)| a != b);
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn groups(people: usize, random: &mut StdRng) -> Vec<Vec<usize>> {
    let mut everybody: Vec<usize> = (0..people).collect();
    (0..people.div_ceil(PEOPLE_PER_GROUP))
        .map(|_| {
            everybody.shuffle(random);
            let members = random.random_range(2..=people.clamp(2, 12)).min(people);
            everybody[..members].to_vec()
        })
        .collect()
}

fn ordered(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_cast_and_nobody_is_alone() {
        let cast = Cast::new(7, 24);
        assert_eq!(format!("{cast:?}"), format!("{:?}", Cast::new(7, 24)));
        assert_ne!(format!("{cast:?}"), format!("{:?}", Cast::new(8, 24)));
        for at in 0..24 {
            assert!(cast.friendships.iter().any(|(a, b)| *a == at || *b == at), "{at} has no friend");
        }
        assert!(cast.friendships.iter().all(|(a, b)| a < b));
        assert_eq!(cast.groups.len(), 6);
    }
}
