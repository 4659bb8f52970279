//! Several nodes as one: real servers on one MariaDB and one Redis, and raw connections to each of them.
//!
//! `nodes` starts a cluster and breaks its parts, `redis_client` speaks to Redis beside the nodes, `metrics` reads what a
//! node counts, `hearing` says what a device must hear. The rest is one subject a file: what users of several nodes can do
//! (`chat`, `groups`, `presence`, `sessions`, `refusals`), what the loss of a part costs (`gaps`, `degraded`), and how a
//! node begins, ends and comes again (`start`, `succession`).

mod hearing;
mod metrics;
mod nodes;
mod redis_client;

mod chat;
mod degraded;
mod gaps;
mod groups;
mod presence;
mod refusals;
mod sessions;
mod start;
mod succession;
