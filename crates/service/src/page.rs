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
