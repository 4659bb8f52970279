//! Do not disturb: QUIET, SET_QUIET and the push QUIET_CHANGED.

use serde::{Deserialize, Serialize};

use crate::request::is_zero;

/// Keep one conversation quiet, or all, in the place of what was set there before. With neither `until` nor hours that is
/// taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetQuiet {
    /// The conversation; 0: all of them.
    pub conv: u64,
    /// Until this time, Unix milliseconds; [`NUMBER_MAX`](crate::limits::NUMBER_MAX) for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Every day from this minute of the day on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// … up to before this one, the next day's if it is smaller …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// … in this time zone of the IANA's database. All three, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether a mention is notified all the same; absent: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<bool>,
}

/// When one conversation is quiet, or all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The conversation; 0: all of them.
    pub conv: u64,
    /// Until this time, Unix milliseconds; 0: not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub until: u64,
    /// Every day from this minute of the day on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// … up to before this one, the next day's if it is smaller …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// … in this time zone. All three, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether a mention is notified all the same.
    pub mentions: bool,
}

/// Answer to QUIET.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietList {
    /// Counts the changes of the list.
    pub version: u64,
    /// By rising conversation; all of them first.
    pub quiet: Vec<Quiet>,
}

/// Answer to SET_QUIET, and the push QUIET_CHANGED to the other devices: what stands there now. With neither `until` nor
/// hours, nothing does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietChanged {
    /// The list's version from now on.
    pub version: u64,
    /// What changed.
    pub quiet: Quiet,
}
