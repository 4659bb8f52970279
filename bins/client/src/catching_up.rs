//! A long absence: so many messages come at once that nobody would read them as they pass.

use client::protocol::SignedIn;

/// More missed messages than this are counted and not shown one by one: conversations show them, on demand.
const SHOWN_MAX: u64 = 200;

/// Between two lines that tell how far it is, where no bar can be drawn.
const TOLD_EVERY: u64 = 5_000;

/// Columns of the bar itself; the rest of the row says what it means.
const BAR_COLUMNS_MAX: usize = 40;

/// The messages that come after a sign-in, until all that was missed is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CatchingUp {
    /// As many at least, as far as the sign-in's answer tells: other devices may have had them, and this one not.
    expected: u64,
    pub(crate) seen: u64,
    /// Of those, counted and not shown.
    pub(crate) held: u64,
}

/// What becomes of a message on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    Show,
    Hold,
}

impl CatchingUp {
    /// A session was entered.
    pub(crate) fn begin(bundle: &SignedIn) -> CatchingUp {
        let behind = bundle.convs.iter().map(|conv| {
            let have = conv.acked.max(conv.first.saturating_sub(1));
            conv.last.saturating_sub(have)
        });
        CatchingUp { expected: behind.fold(0, u64::saturating_add), ..CatchingUp::default() }
    }

    /// Whether it takes a while.
    pub(crate) fn is_long(&self) -> bool {
        self.expected.max(self.seen) > SHOWN_MAX
    }

    /// A missed message came.
    pub(crate) fn take(&mut self) -> Treatment {
        self.seen += 1;
        if !self.is_long() {
            return Treatment::Show;
        }
        self.held += 1;
        Treatment::Hold
    }

    /// A line now and then, for those who go on typing meanwhile.
    pub(crate) fn news(&self) -> Option<String> {
        (self.is_long() && self.seen.is_multiple_of(TOLD_EVERY)).then(|| self.numbers())
    }

    /// One row of at most so many columns.
    pub(crate) fn bar(&self, columns: usize) -> String {
        let numbers = self.numbers();
        let room = columns.saturating_sub(numbers.len() + 5).min(BAR_COLUMNS_MAX);
        if self.expected == 0 || self.seen > self.expected || room < 5 {
            return numbers;
        }
        let done = usize::try_from(self.seen * room as u64 / self.expected).unwrap_or(room);
        format!("[{}{}]  {numbers}", "#".repeat(done), "-".repeat(room - done))
    }

    fn numbers(&self) -> String {
        match self.expected {
            expected if expected >= self.seen => format!("{} of {expected} messages", self.seen),
            _ => format!("{} messages", self.seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::protocol::{Conversation, ConversationKind};

    fn behind(last: u64, acked: u64) -> CatchingUp {
        let (kind, with) = (ConversationKind::Direct, 2);
        let conv = Conversation {
            conv: 7,
            kind,
            with,
            first: 11,
            last,
            acked,
            read: 0,
            restored: 0,
            last_change: 0,
        };
        CatchingUp::begin(&SignedIn { convs: vec![conv], ..SignedIn::default() })
    }

    #[test]
    fn few_messages_are_shown_and_many_counted() {
        let mut few = behind(210, 0);
        assert_eq!(few.expected, 200, "what was said before one joined is not missed");
        assert!((0..200).all(|_| few.take() == Treatment::Show));
        assert_eq!((few.take(), few.held), (Treatment::Hold, 1), "more came than was said");
        let mut many = behind(10_010, 10);
        assert_eq!((many.take(), many.held), (Treatment::Hold, 1));
    }

    #[test]
    fn the_bar_fits_its_row() {
        let mut many = behind(1_010, 0);
        many.seen = 250;
        for columns in [5, 20, 30, 60, 120] {
            let bar = many.bar(columns);
            assert!(bar.len() < columns.max(22), "{columns}: {bar}");
        }
        assert_eq!(many.bar(40), "[###------------]  250 of 1000 messages");
        many.seen = 1_001;
        assert_eq!(many.bar(60), "1001 messages");
    }
}
