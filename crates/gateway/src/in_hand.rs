//! Whose connection is about to be answered for a message that others may read in the log by now.
//!
//! Between a batch's commit and its way through the relay its messages stand in the log, and nobody here knows their seqs. The
//! mender may read them then and pass them on; so may another node at which a sender repeated one. Everybody gets them so but
//! the connection that sent them, which gets the answer.

use std::collections::VecDeque;

use parking_lot::Mutex;
use protocol::{ChatMessage, Incoming, Push, decode};
use reactor::ConnId;
use service::Batch;
use service::domain::{ConversationId, UserId};

/// Messages of one appender that were answered and found no room behind a gap: they are remembered until the log brings them.
/// Beyond it the oldest is forgotten, and its sender is pushed what they know.
const LEFT_MAX: usize = 1_024;

/// The messages that the appenders of a node have in hand. Asked by the mender and the courier. A lock of its own for each
/// appender, held for a look at one batch.
pub(crate) struct InHand {
    desks: Box<[Mutex<Messages>]>,
}

#[derive(Default)]
struct Messages {
    /// The batch at the desk, in its order: of a message and its repeats the first is the one that was sent first.
    batch: Vec<Sent>,
    left: VecDeque<Sent>,
}

/// A message, known as the log knows it: by its sender and the id that they chose.
struct Sent {
    conversation: ConversationId,
    sender: UserId,
    client_msg_id: String,
    by: ConnId,
}

impl InHand {
    pub(crate) fn new(appenders: usize) -> InHand {
        InHand { desks: (0..appenders).map(|_| Mutex::default()).collect() }
    }

    /// An appender is about to store these: all of its conversations, and the only ones that it has in hand.
    pub(crate) fn take_up(&self, batch: &Batch) {
        let sent = batch.messages().map(|(message, origin)| Sent {
            conversation: message.conversation,
            sender: message.sender,
            client_msg_id: message.client_msg_id.clone(),
            by: ConnId::from_bits(origin.conn.0),
        });
        let mut sent = sent.peekable();
        if let Some(first) = sent.peek() {
            let mut messages = self.desk(first.conversation).lock();
            messages.batch.clear();
            messages.batch.extend(sent);
        }
    }

    /// Everybody in the batch of this conversation was answered, and what was stored went through the relay.
    pub(crate) fn put_down(&self, conversation: ConversationId) {
        self.desk(conversation).lock().batch.clear();
    }

    /// This message was answered, and will be passed on when the log brings it. How many others are forgotten for it.
    pub(crate) fn leave(&self, by: ConnId, frame: &[u8]) -> u64 {
        let Some(message) = chat_message(frame) else { return 0 };
        let (conversation, sender) = (ConversationId(message.conv), UserId(message.from));
        let left = &mut self.desk(conversation).lock().left;
        let forgotten = if left.len() == LEFT_MAX { left.pop_front() } else { None };
        left.push_back(Sent { conversation, sender, client_msg_id: message.client_msg_id, by });
        u64::from(forgotten.is_some())
    }

    /// The connection that is answered for a message, if one here is. Asked after the message was read from the log: it is
    /// passed on now, and not waited for any more.
    pub(crate) fn sender_of_read(&self, message: &ChatMessage) -> Option<ConnId> {
        let Messages { batch, left } = &mut *self.desk(ConversationId(message.conv)).lock();
        let in_work = batch.iter().find(|sent| sent.is(message)).map(|sent| sent.by);
        in_work.or_else(|| {
            let at = left.iter().position(|sent| sent.is(message))?;
            left.remove(at).map(|sent| sent.by)
        })
    }

    /// The same for a message that another node passes on, which is looked into only if it may be one of these.
    pub(crate) fn sender_of_heard(&self, conversation: ConversationId, frame: &[u8]) -> Option<ConnId> {
        let messages = self.desk(conversation).lock();
        let mut here =
            messages.batch.iter().chain(&messages.left).filter(|sent| sent.conversation == conversation);
        let first = here.next()?;
        let message = chat_message(frame)?;
        std::iter::once(first).chain(here).find(|sent| sent.is(&message)).map(|sent| sent.by)
    }

    fn desk(&self, conversation: ConversationId) -> &Mutex<Messages> {
        &self.desks[conversation.0 as usize % self.desks.len()]
    }
}

impl Sent {
    fn is(&self, message: &ChatMessage) -> bool {
        self.conversation.0 == message.conv
            && self.sender.0 == message.from
            && self.client_msg_id == message.client_msg_id
    }
}

/// What stands in a frame.
fn chat_message(frame: &[u8]) -> Option<ChatMessage> {
    let (frame, _) = decode(frame, u32::MAX).ok()??;
    match Incoming::from_frame(&frame).ok()? {
        Incoming::Push(Push::Message(message)) => Some(message),
        _ => None,
    }
}
