//! Ids of own messages: unique per sender, rising with time so that the server's index stays local.

use std::fmt::Write;

/// Makes `client_msg_id`s in the form of UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 12 bits that count
/// within a millisecond, 62 random bits. 36 characters of printable ASCII.
#[derive(Clone, Debug, Default)]
pub struct MsgIds {
    last_ms: u64,
    count: u16,
}

impl MsgIds {
    /// An empty generator.
    pub fn new() -> MsgIds {
        MsgIds::default()
    }

    /// The next id: greater than every one before it, even if the clock stands still or goes back.
    pub fn next(&mut self, unix_ms: u64, random: u64) -> String {
        if unix_ms > self.last_ms {
            (self.last_ms, self.count) = (unix_ms, 0);
        } else if self.count < 0xfff {
            self.count += 1;
        } else {
            // More than 4096 in one millisecond: borrow from the next.
            (self.last_ms, self.count) = (self.last_ms + 1, 0);
        }
        let ms = self.last_ms & 0xffff_ffff_ffff;
        let tail = 0x8000_0000_0000_0000 | (random >> 2);
        let mut id = String::with_capacity(36);
        // Writing into a String cannot fail.
        let _ = write!(
            id,
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            ms >> 16,
            ms & 0xffff,
            self.count,
            tail >> 48,
            tail & 0xffff_ffff_ffff
        );
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_a_uuid_7() {
        let id = MsgIds::new().next(0x0189_abcd_ef01, u64::MAX);
        assert_eq!(id, "0189abcd-ef01-7000-bfff-ffffffffffff");
        assert!(id.len() <= protocol::limits::CLIENT_MSG_ID_BYTES_MAX);
    }

    #[test]
    fn ids_rise_while_the_clock_stands_and_goes_back() {
        let mut ids = MsgIds::new();
        let mut last = ids.next(1_000, 5);
        for n in 0..10_000_u64 {
            let id = ids.next(1_000 - n % 3, n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(id > last, "{id} after {last}");
            last = id;
        }
    }
}
