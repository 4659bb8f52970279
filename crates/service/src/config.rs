//! What an operator may set of the business rules.

use domain::{ChangeWindows, FriendLimits, GroupLimits};

use crate::limits::Rates;

/// Whether a user may be connected from several devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionPolicy {
    /// Many sessions at a time, up to [`ServiceConfig::sessions_per_user_max`].
    Many,
    /// A login is refused with "id is online" while another session is connected.
    Reject,
    /// A login ends the user's other sessions.
    Replace,
}

/// Whether strangers may open accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Whoever reaches the server.
    Open,
    /// Nobody: REG is refused.
    Closed,
}

/// Limits and policies, with their defaults.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Who may open an account.
    pub registration: Registration,
    /// Several devices or not.
    pub session_policy: SessionPolicy,
    /// Sessions of one user; a login beyond it ends the one seen longest ago.
    pub sessions_per_user_max: u32,
    /// A session not seen for this long is over, in milliseconds.
    pub session_ttl_ms: u64,
    /// Friends and waiting requests of one user.
    pub friends: FriendLimits,
    /// Users that one user blocks.
    pub blocked_max: u32,
    /// Members of one group, groups of one user, and what waits before groups.
    pub groups: GroupLimits,
    /// How often users and addresses may do what.
    pub rates: Rates,
    /// Entries of one page.
    pub page_max: u32,
    /// Entries of each list in the login bundle.
    pub bundle_page_max: u32,
    /// Bytes of a message text.
    pub text_bytes_max: usize,
    /// Friend pairs whose conversation is kept in memory, and as many pairs of users of whom is kept what is between them.
    pub friendship_cache_max: usize,
    /// Members kept in memory, summed over all groups, at 16 bytes each: an id and a since. A group itself counts as a
    /// dozen members.
    pub roster_cache_members_max: u64,
    /// Users whose name, nickname and picture are kept in memory.
    pub user_cache_max: usize,
    /// Readers of conversations, as pairs of both, of whom is kept that they may read there and what was told of how far they
    /// got; and conversations of which is kept how far they reach.
    pub reader_cache_max: usize,
    /// Profiles kept in memory.
    pub profile_cache_max: usize,
    /// Acknowledgements that wait to be stored; beyond it they are stored at once.
    pub cursors_waiting_max: usize,
    /// How long after it was said a message may be recalled by who said it, and edited.
    pub windows: ChangeWindows,
    /// What a refusal for overload tells the client to wait, in milliseconds.
    pub busy_retry_after_ms: u64,
}

impl Default for ServiceConfig {
    fn default() -> ServiceConfig {
        ServiceConfig {
            registration: Registration::Open,
            session_policy: SessionPolicy::Many,
            sessions_per_user_max: 20,
            session_ttl_ms: 30 * 24 * 3600 * 1000,
            friends: FriendLimits { friends: 5_000, requests: 500 },
            blocked_max: 1_000,
            groups: GroupLimits { members: 10_000, groups: 1_000, requests: 1_000, requests_per_user: 200 },
            rates: Rates::default(),
            page_max: protocol::limits::PAGE_MAX,
            bundle_page_max: 100,
            text_bytes_max: protocol::limits::TEXT_BYTES_MAX,
            friendship_cache_max: 100_000,
            roster_cache_members_max: 1_000_000,
            user_cache_max: 100_000,
            profile_cache_max: 20_000,
            reader_cache_max: 100_000,
            cursors_waiting_max: 4_096,
            windows: ChangeWindows { recall_ms: 120_000, edit_ms: 24 * 3600 * 1000 },
            busy_retry_after_ms: 1_000,
        }
    }
}
