//! What the operator tells every user.
//!
//! One row for all of them, and a number for each session that says how far its device has them.

use crate::{BroadcastId, SessionId, Timestamp, UserId};

/// Broadcasts that are kept: an older one makes room for a newer one.
pub const BROADCASTS_KEPT_MAX: u64 = 256;

/// How long a broadcast is kept, in milliseconds: 90 days.
pub const BROADCAST_KEPT_MS: u64 = 90 * 24 * 3600 * 1000;

/// A broadcast to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewBroadcast<'a> {
    /// What makes a repeat of the command harmless: at most 64 bytes.
    pub key: &'a str,
    /// Who gave the command: at most 255 characters.
    pub operator: &'a str,
    /// What everybody is told.
    pub text: &'a str,
    /// When.
    pub at: Timestamp,
}

/// What became of a broadcast that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastAdded {
    /// It is stored, as this one.
    Stored(BroadcastId),
    /// It was stored before, as this one.
    Repeated(BroadcastId),
    /// Another text was stored under its key, and nothing was now.
    KeyTaken,
}

/// A stored broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// Its place among all.
    pub id: BroadcastId,
    /// When.
    pub at: Timestamp,
    /// What everybody is told.
    pub text: String,
}

/// How far the broadcasts go, and how far one session got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastPlace {
    /// The newest; 0 if there never was one.
    pub last: BroadcastId,
    /// Up to where this session acknowledged them, or began.
    pub acked: BroadcastId,
}

/// The device of a session has the broadcasts up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastAck {
    /// Whose.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// The last one it has.
    pub id: BroadcastId,
}
