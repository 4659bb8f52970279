//! What a client must remember to come back and miss nothing.

use std::collections::BTreeMap;

use protocol::Secret;
use serde::{Deserialize, Serialize};

/// Who is logged in, and how far each conversation, its changes, the notices and the broadcasts were taken by the application. Save it, give
/// it to the next [`Config`](crate::Config), and the session goes on where it stopped, in another process too.
///
/// It holds the session's token: whoever has it is that user. Keep the file to yourself (mode 0600).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The user's id; 0 if nobody ever logged in.
    pub user: u64,
    /// The user's name.
    #[serde(default)]
    pub name: String,
    /// For RESUME; none after the session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Conversation → seq up to which the application took everything.
    #[serde(default)]
    pub cursors: BTreeMap<u64, u64>,
    /// Conversation → position up to which the application took its changes; 0 for one that has a cursor and is not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<u64, u64>,
    /// Up to which of the user's notices the application took; none if it never saw any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<u64>,
    /// The same of the broadcasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts: Option<u64>,
    /// Up to which position the application took what the user hid; none if it never heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u64>,
    /// Which log the cursors are of; none if the server never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}
