//! The name of a connection, unique over the life of a reactor.

use std::fmt;

/// A loop index fits in 8 bits, and the last value is kept free: see [`WAKER_BITS`].
pub(crate) const LOOPS_MAX: usize = 255;

/// A slab slot fits in 24 bits.
pub(crate) const SLOTS_MAX: usize = 1 << 24;

/// The poll token of a loop's own waker. It would be loop 255, which does not exist.
pub(crate) const WAKER_BITS: u64 = u64::MAX;

// A ConnId travels through epoll as the poll token, a usize.
const _: () = assert!(usize::BITS == 64, "the reactor needs 64-bit poll tokens");

/// Names one connection of one reactor: loop index (8 bits), slab slot (24 bits), generation (32 bits).
///
/// The generation makes a name outlive its connection safely: a slot that is used again gets another generation,
/// so whatever is sent to the old name is recognised as late and dropped (and counted), never delivered to the
/// slot's new owner. Generations wrap after 2³² connections of one loop.
///
/// A `ConnId` is plain data, usable from every thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(u64);

impl ConnId {
    pub(crate) fn new(loop_index: usize, slot: usize, generation: u32) -> Self {
        debug_assert!(loop_index < LOOPS_MAX && slot < SLOTS_MAX);
        Self((loop_index as u64) << 56 | (slot as u64) << 32 | u64::from(generation))
    }

    /// The sub reactor that owns the connection; where commands for it must be posted.
    pub fn loop_index(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The whole name in one integer, for logs and for tables kept elsewhere.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`to_bits`](Self::to_bits). A made-up name is harmless: it names no living connection.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn slot(self) -> usize {
        (self.0 >> 32) as usize & (SLOTS_MAX - 1)
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.loop_index(), self.slot(), self.0 as u32)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_packing() {
        let id = ConnId::new(254, SLOTS_MAX - 1, u32::MAX);
        assert_eq!((id.loop_index(), id.slot()), (254, SLOTS_MAX - 1));
        assert_ne!(id.to_bits(), WAKER_BITS);
        assert_eq!(ConnId::from_bits(id.to_bits()), id);
        assert_eq!(ConnId::new(3, 17, 9).to_string(), "3.17.9");
    }
}
