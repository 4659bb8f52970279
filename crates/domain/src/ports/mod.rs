//! The ports: what the business needs and does not know how to do.

mod environment;
mod nodes;
mod stores;

pub use environment::{Clock, Entropy, PasswordHasher};
pub use nodes::{
    Bus, BusReceiver, Presence, PresenceChange, PresenceState, Publication, Reach, SharedReceiver, Topic,
};
pub use stores::{
    AppendRefused, FriendLimits, FriendStore, GroupLimits, GroupStore, MessageLog, SessionStore, Store,
    UserStore,
};
