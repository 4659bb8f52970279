//! The ports that connect nodes.
//!
//! [`local`] connects the nodes of one process: the one node of a server that runs alone, or several in a test.
//! [`redis`] connects the nodes of a cluster.

pub mod local;
pub mod redis;
