//! One talk: what was said and answered, what has arrived, and what the log must tell.

use std::collections::BTreeMap;

use bytes::BytesMut;
use protocol::{History, Request, encode};

use super::super::{Ledger, Lines, Reader, chat_frame::ChatFrame};

/// The request id of questions to the log: beside those of a sign-in.
pub(super) const HISTORY_RID: u32 = u32::MAX - 1;

/// One talk. The sender says a message again until it is answered, and only then the next: seqs are numbers plus one.
pub(super) struct Stream {
    pub(super) frame: ChatFrame,
    pub(super) conv: u64,
    pub(super) sender: usize,
    pub(super) reader: usize,
    pub(super) ledger: Ledger,
    pub(super) said: u64,
    /// The message that has no answer yet.
    pub(super) unanswered: Option<u64>,
    /// When it is said again, after a refusal.
    pub(super) again_ns: Option<u64>,
    pub(super) book: Reader,
    pub(super) next_seq: u64,
    /// What came after a hole, until the log has filled it; bounded by what the sender says meanwhile.
    pub(super) held: BTreeMap<u64, u64>,
    /// The highest seq that was pushed on the reader's present connection.
    pub(super) pushed: u64,
    /// The log was asked for what is missing, or will be.
    pub(super) reading: bool,
    /// When it is asked again, after a refusal.
    pub(super) read_ns: Option<u64>,
}

impl Stream {
    pub(super) fn new(frame: ChatFrame, conv: u64, sender: usize, reader: usize) -> Stream {
        Stream {
            frame,
            conv,
            sender,
            reader,
            ledger: Ledger::default(),
            said: 0,
            unanswered: None,
            again_ns: None,
            book: Reader::new(1),
            next_seq: 1,
            held: BTreeMap::new(),
            pushed: 0,
            reading: false,
            read_ns: None,
        }
    }

    pub(super) fn say(&mut self, now_ns: u64, lines: &mut Lines) {
        let number = self.ledger.send(now_ns);
        self.said += 1;
        self.unanswered = Some(number);
        self.frame.write(number, lines.out(self.sender));
    }

    pub(super) fn say_again(&mut self, lines: &mut Lines) {
        self.again_ns = None;
        if let Some(number) = self.unanswered {
            self.frame.write(number, lines.out(self.sender));
        }
    }

    pub(super) fn read_log(&mut self, lines: &mut Lines) {
        self.reading = true;
        self.read_ns = None;
        let history =
            History { conv: self.conv, after: Some(self.next_seq - 1), before: None, at: None, limit: 0 };
        let mut out = BytesMut::new();
        encode::request(HISTORY_RID, &Request::History(history), &mut out);
        lines.out(self.reader).extend_from_slice(&out);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.unanswered.is_none() && !self.reading && self.book.has_all(&self.ledger)
    }
}
