//! The ports: what the business needs and does not know how to do.

mod broadcasts;
mod bus;
mod change_probe;
mod changes;
mod environment;
mod hidden;
mod history_cache;
mod log_identity;
mod presence;
mod quiet;
mod quotes;
mod receipts;
mod search;
mod stores;

pub use broadcasts::BroadcastStore;
pub use bus::{Bus, BusReceiver, Publication, Reach, SharedReceiver, Topic};
pub use change_probe::ChangeProbe;
pub use changes::ChangeStore;
pub use environment::{Clock, Entropy, PasswordHasher};
pub use hidden::HiddenStore;
pub use history_cache::{
    HistoryCache, HistoryVersion, NoHistoryCache, RECENT_BYTES_MAX, RECENT_MESSAGES_MAX, Recent,
};
pub use log_identity::LogIdentity;
pub use presence::{
    Arrival, Company, Presence, PresenceChange, PresenceState, PresenceWatcher, SharedWatcher,
};
pub use quiet::QuietStore;
pub use quotes::QuoteStore;
pub use receipts::ReceiptStore;
pub use search::SearchStore;
pub use stores::{
    AppendRefused, BlockStore, DeletionStore, FriendLimits, FriendNoteStore, FriendStore, GroupLimits,
    GroupRequestStore, GroupStore, MessageLog, NoticeStore, ProfileStore, SEARCHED_MAX, SecretStore,
    SessionStore, Store, UserStore,
};
