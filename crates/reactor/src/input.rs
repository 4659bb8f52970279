//! What a handler has not consumed yet of one connection's input.

/// The unconsumed rest; loop only. Usually the first part of a frame whose second part is still under way, or empty,
/// and then it holds no memory.
#[derive(Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    /// Consumed bytes at the front of `buffer`; they are removed when that pays.
    start: usize,
}

impl Input {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces all by `rest`, in a buffer no larger than it needs.
    pub(crate) fn replace(&mut self, rest: &[u8]) {
        self.start = 0;
        let capacity = self.buffer.capacity();
        if rest.is_empty() || rest.len() > capacity || rest.len() < capacity / 4 {
            self.buffer = rest.to_vec();
        } else {
            self.buffer.clear();
            self.buffer.extend_from_slice(rest);
        }
    }

    /// Appends what arrived.
    pub(crate) fn append(&mut self, arrived: &[u8]) {
        self.buffer.extend_from_slice(arrived);
    }

    /// Forgets `n` bytes at the front.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n;
        if self.start == self.buffer.len() {
            *self = Self::default();
        } else if self.start > self.buffer.len() / 2 {
            // Moves at most as much as was consumed since the last move: each byte is moved once on average.
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.buffer.len() < self.buffer.capacity() / 4 {
                self.buffer.shrink_to_fit();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_holds_no_memory() {
        let mut input = Input::default();
        input.append(&[7; 1000]);
        input.consume(1000);
        assert!(input.is_empty());
        assert_eq!(input.buffer.capacity(), 0);
        input.replace(&[1, 2, 3]);
        input.replace(&[]);
        assert_eq!(input.buffer.capacity(), 0);
    }

    #[test]
    fn consuming_in_pieces_keeps_the_rest_in_order() {
        let mut input = Input::default();
        let all: Vec<u8> = (0..=255).collect();
        input.append(&all);
        for taken in 0..256 {
            assert_eq!(input.bytes(), &all[taken..]);
            input.consume(1);
        }
        assert!(input.is_empty());
    }

    #[test]
    fn a_small_rest_does_not_keep_a_large_buffer() {
        let mut input = Input::default();
        input.append(&[0; 100_000]);
        input.consume(99_990);
        assert_eq!(input.len(), 10);
        assert!(input.buffer.capacity() < 1000);
        input.append(&[0; 100_000]);
        input.replace(&[1; 20]);
        assert!(input.buffer.capacity() < 1000);
    }
}
