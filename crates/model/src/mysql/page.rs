//! Pages of a conversation's messages.

use ::mysql::Value;
use domain::{
    ConversationId, Mentions, MessageKind, PageSize, Recall, Seq, StoredMessage, Timestamp, UserId, Window,
    first_at,
};

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Seq, sender, client message id, time, kind, body, when edited, when recalled and by whom, what it answers, mentions.
pub(super) type Row = (u64, u64, Vec<u8>, u64, u8, String, u64, u64, u64, u64, String);

/// The columns of [`Row`].
pub(super) const COLUMNS: &str = "seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to, mentions";

/// One range of the primary key, from the end that the window names.
pub(super) fn page(
    connection: &mut Connection,
    conversation: ConversationId,
    since: Seq,
    window: Window,
    size: PageSize,
) -> Result<Vec<StoredMessage>, Fault> {
    let (after, before, order) = match window {
        Window::After(seq) => (seq.max(since), Seq(u64::MAX), "ASC"),
        Window::Before(seq) => (since, seq, "DESC"),
        Window::Newest => (since, Seq(u64::MAX), "DESC"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM messages \
         WHERE conversation_id = ? AND seq > ? AND seq < ? ORDER BY seq {order} LIMIT ?"
    );
    let mut page = Page { conversation, limit: size.bytes, bytes: 0, messages: Vec::new(), fault: None };
    connection.each(&sql, (conversation.0, after.0, before.0, size.messages.max(1)), |row| page.take(row))?;
    if let Some(fault) = page.fault {
        return Err(fault);
    }
    if order == "DESC" {
        page.messages.reverse();
    }
    Ok(page.messages)
}

/// The first message of this time or later.
pub(super) fn find_time(
    connection: &mut Connection,
    conversation: ConversationId,
    since: Seq,
    time: Timestamp,
) -> Result<Option<Seq>, Fault> {
    let end: Option<u64> = connection.row(
        "SELECT COALESCE(MAX(seq), CAST(0 AS UNSIGNED)) FROM messages WHERE conversation_id = ?",
        (conversation.0,),
    )?;
    first_at(since, Seq(end.unwrap_or(0)), time, |seqs| {
        let mut params = vec![Value::UInt(conversation.0)];
        let length = padded(seqs, &mut params, |seq, params| params.push(Value::UInt(seq.0)));
        let sql = format!(
            "SELECT seq, time FROM messages WHERE conversation_id = ? AND seq IN ({}) ORDER BY seq",
            repeated("?", length)
        );
        let times: Vec<(u64, u64)> = connection.rows(&sql, params)?;
        Ok(times.into_iter().map(|(seq, at)| (Seq(seq), Timestamp(at))).collect())
    })
}

/// A page being read. What comes after it is full is read from the network, as it must be, and dropped.
struct Page {
    conversation: ConversationId,
    /// Bytes of text that it may hold, unless it is one message.
    limit: usize,
    /// Bytes of text that were read, those that did not fit as well.
    bytes: usize,
    messages: Vec<StoredMessage>,
    fault: Option<Fault>,
}

impl Page {
    fn take(&mut self, row: Row) {
        self.bytes = self.bytes.saturating_add(row.5.len());
        let is_full = self.bytes > self.limit && !self.messages.is_empty();
        if is_full || self.fault.is_some() {
            return;
        }
        match message(self.conversation, row) {
            Ok(message) => self.messages.push(message),
            Err(fault) => self.fault = Some(fault),
        }
    }
}

/// The message of a row.
pub(super) fn message(conversation: ConversationId, row: Row) -> Result<StoredMessage, Fault> {
    let (seq, sender, client_msg_id, time, kind, body, edited, recalled_at, by, reply_to, mentions) = row;
    let unreadable =
        |what: &str| Fault::failed(format!("message {seq} of conversation {conversation}: {what}"));
    Ok(StoredMessage {
        conversation,
        seq: Seq(seq),
        sender: UserId(sender),
        client_msg_id: String::from_utf8(client_msg_id)
            .map_err(|_| unreadable("its client id is not UTF-8"))?,
        time: Timestamp(time),
        kind: MessageKind::from_number(kind)
            .ok_or_else(|| unreadable("this version does not know its kind"))?,
        body,
        edited: Timestamp(edited),
        recalled: (recalled_at != 0).then_some(Recall { by: UserId(by), at: Timestamp(recalled_at) }),
        reply_to: (reply_to != 0).then_some(Seq(reply_to)),
        mentions: Mentions::from_text(&mentions).ok_or_else(|| unreadable("its mentions are no numbers"))?,
    })
}
