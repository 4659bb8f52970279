//! Several nodes as one: real servers on one MariaDB and one Redis, and raw connections to each of them.
//!
//! `nodes` starts a cluster and breaks its parts, `redis_client` speaks to Redis beside the nodes, `metrics` reads what a
//! node counts, `hearing` says what a device must hear, `bus_scene` writes what nodes would. The rest is one subject a
//! file: what users of several nodes can do (`chat`, `changes`, `groups`, `joins`, `presence`, `quiet`,
//! `receipts`, `sessions`, `races`, `refusals`, `rosters`), what the loss of a part costs (`gaps`, `deaf`, `degraded`, `growth`), what bad input on the bus gets (`bad_bus`, `forged`),
//! and how a node begins, ends and comes again (`start`, `succession`).

mod bus_scene;
mod hearing;
mod hidden;
mod history;
mod message_search;
mod metrics;
mod nodes;
mod redis_client;

mod bad_bus;
mod blocks;
mod broadcasts;
mod changes;
mod chat;
mod deaf;
mod degraded;
mod deletion;
mod forged;
mod friend_notes;
mod gaps;
mod group_races;
mod groups;
mod growth;
mod in_step;
mod joining;
mod joins;
mod notices;
mod presence;
mod profiles;
mod quiet;
mod races;
mod receipts;
mod refusals;
mod replies;
mod resync;
mod rosters;
mod secrets;
mod sessions;
mod sign_in;
mod start;
mod succession;
mod typing;
