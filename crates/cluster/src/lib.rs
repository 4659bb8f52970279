//! The ports that connect nodes.
//!
//! [`local`] connects the nodes of one process: the one node of a server that runs alone, or several in a test.

pub mod local;
