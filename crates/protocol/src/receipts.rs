//! Who read how far: READ, RECEIPTS and the push RECEIPT.

use serde::{Deserialize, Serialize};

use crate::request::is_zero;

/// Everything of this conversation up to `seq` was looked at, and so has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The conversation.
    pub conv: u64,
    /// Cumulative; a smaller number than before changes nothing.
    pub seq: u64,
}

/// How far the others of a conversation got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// The conversation.
    pub conv: u64,
    /// Messages for which those are counted who have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seqs: Vec<u64>,
}

/// Answer to RECEIPTS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsList {
    /// The conversation.
    pub conv: u64,
    /// Up to here everything has arrived at everybody else.
    pub delivered: u64,
    /// Up to here everybody else read everything.
    pub read: u64,
    /// For each message that was asked for, in the order of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<ReceiptCount>,
}

/// How many of the others have one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCount {
    /// The message.
    pub seq: u64,
    /// Those who are in the conversation and may read it, without the asker.
    pub of: u32,
    /// How many of them it has arrived at.
    pub delivered: u32,
    /// How many of them read it.
    pub read: u32,
}

/// Somebody got further in a conversation: told to the other user of a direct conversation, and to the other devices of
/// whoever read. Both numbers only rise; one that is smaller than before, or missing, says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The conversation.
    pub conv: u64,
    /// Who got further: the other user, or oneself.
    pub user: u64,
    /// Everything up to here has arrived at a device of theirs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delivered: u64,
    /// They read everything up to here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u64,
}
