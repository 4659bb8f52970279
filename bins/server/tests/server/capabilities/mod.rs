//! What users can do, over the wire: the tests' names cite the capabilities by their ids. Each runs on both stores.

mod accounts;
pub(crate) mod block_races;
pub(crate) mod blocks;
mod deletion;
mod devices;
mod friend_notes;
mod friendship;
mod group_policy;
mod groups;
mod heartbeat;
mod join_race;
pub(crate) mod joining;
mod leading;
mod message_search;
mod messages;
mod notices;
mod order;
mod pair_policy;
pub(crate) mod policy;
mod presence;
mod profiles;
mod repeats;
mod restore;
mod search;
mod secrets;
mod sign_in;
mod sync;
