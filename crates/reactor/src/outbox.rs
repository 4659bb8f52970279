//! What waits to be written to one connection.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
};

use bytes::{Buf, Bytes};

/// Chunks given to one `writev`.
const IOVECS_MAX: usize = 64;

/// Bytes that each waiting chunk is charged beyond its length, so that many tiny chunks meet the marks too: its place
/// in a queue that may be half empty (64), and the smallest allocations for its bytes and their count of owners (32
/// each).
const CHUNK_OVERHEAD_BYTES: usize = 128;

const _: () = assert!(CHUNK_OVERHEAD_BYTES >= 2 * size_of::<Bytes>() + 2 * 32);

/// A queue of shared chunks; loop only. Holds no memory while empty.
#[derive(Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// The front chunk is written in part: without its rest the peer could not make sense of what follows.
    begun: bool,
}

/// What one outbox holds, or all of a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Bytes to write.
    pub(crate) bytes: usize,
    /// What is held against the marks: the memory that they occupy.
    pub(crate) weight: usize,
}

impl Load {
    /// Exchanges one outbox's part of the sum.
    pub(crate) fn replace(&mut self, before: Load, after: Load) {
        self.bytes = self.bytes - before.bytes + after.bytes;
        self.weight = self.weight - before.weight + after.weight;
    }
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Nothing waits any more.
    All,
    /// The kernel takes no more for now.
    Blocked,
}

impl Outbox {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn load(&self) -> Load {
        Load { bytes: self.bytes, weight: self.bytes + self.chunks.len() * CHUNK_OVERHEAD_BYTES }
    }

    /// Drops every chunk that was not begun, so that a farewell can follow in a sound stream.
    pub(crate) fn drop_unbegun(&mut self) {
        self.chunks.truncate(usize::from(self.begun));
        self.chunks.shrink_to_fit();
        self.bytes = self.chunks.iter().map(Bytes::len).sum();
    }

    /// Writes until nothing waits or the kernel takes no more. `wrote` is told each call's bytes.
    pub(crate) fn write_to(
        &mut self,
        mut to: impl Write,
        mut wrote: impl FnMut(usize),
    ) -> io::Result<Flushed> {
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); IOVECS_MAX];
            let mut offered = 0;
            let mut count = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
                offered += chunk.len();
                count += 1;
            }
            match to.write_vectored(&slices[..count]) {
                Ok(n) => {
                    wrote(n);
                    self.advance(n);
                    if n < offered {
                        // A short write means a full socket buffer; asking again would only say so.
                        return Ok(Flushed::Blocked);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.chunks = VecDeque::new();
        Ok(Flushed::All)
    }

    fn advance(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(front) = self.chunks.front_mut() {
            if n < front.len() {
                front.advance(n);
                self.begun |= n > 0;
                return;
            }
            n -= front.len();
            self.begun = false;
            self.chunks.pop_front();
        }
    }
}
