//! Pages of lists that are ordered by id.

use domain::{NUMBER_MAX, StoreResult};

/// What part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Entries with a greater id.
    pub(crate) after: u64,
    /// Entries, at least 1.
    pub(crate) limit: u32,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Part<T> {
    /// By rising id.
    pub(crate) entries: Vec<T>,
    /// The id that the next part comes after; 0 if this was the last.
    pub(crate) next: u64,
}

impl<T> Part<T> {
    /// A part of nothing.
    pub(crate) fn empty() -> Part<T> {
        Part { entries: Vec::new(), next: 0 }
    }

    /// As many of its first entries as take these bytes in a body, and one at least: the next part comes after the last of
    /// them.
    pub(crate) fn within(
        mut self,
        bytes_max: usize,
        id: impl Fn(&T) -> u64,
        bytes: impl Fn(&T) -> usize,
    ) -> Part<T> {
        let mut taken = 0;
        let fits = self.entries.iter().take_while(|entry| {
            // Each with the comma before the next one.
            taken += bytes(entry) + 1;
            taken <= bytes_max
        });
        let kept = fits.count().max(1);
        if kept < self.entries.len() {
            self.entries.truncate(kept);
            self.next = self.entries.last().map_or(0, id);
        }
        self
    }
}

impl Slice {
    /// The first entries.
    pub(crate) fn first(limit: u32) -> Slice {
        Slice { after: 0, limit }
    }

    /// As a request asks for it: 0 or more than `max` entries means `max`.
    pub(crate) fn asked(after: u64, limit: u32, max: u32) -> Slice {
        Slice { after, limit: if limit == 0 { max } else { limit.min(max) } }
    }

    /// Reads the slice. One more than wanted is read, to know whether the list goes on.
    pub(crate) fn read<T>(
        self,
        id: impl Fn(&T) -> u64,
        read: impl FnOnce(u64, u32) -> StoreResult<Vec<T>>,
    ) -> StoreResult<Part<T>> {
        if self.after >= NUMBER_MAX {
            return Ok(Part { entries: Vec::new(), next: 0 });
        }
        let mut entries = read(self.after, self.limit + 1)?;
        let more = entries.len() > self.limit as usize;
        entries.truncate(self.limit as usize);
        let next = if more { entries.last().map_or(0, id) } else { 0 };
        Ok(Part { entries, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_its_bytes_do_and_goes_on_there() {
        let within = |bytes_max| {
            let part = Part { entries: vec![10, 20, 30_u64], next: 0 };
            let part = part.within(bytes_max, |id| *id, |_| 9);
            (part.entries.len(), part.next)
        };
        assert_eq!(within(30), (3, 0));
        assert_eq!(within(29), (2, 20));
        assert_eq!(within(10), (1, 10));
        assert_eq!(within(0), (1, 10), "one at least");
        let more = Part { entries: vec![10, 20_u64], next: 20 }.within(100, |id| *id, |_| 9);
        assert_eq!((more.entries.len(), more.next), (2, 20));
        assert_eq!(Part::<u64>::empty().within(0, |id| *id, |_| 9).next, 0);
    }
}
