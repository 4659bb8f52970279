//! One file a measurement: its options, how it is set up, and what it reports.

pub(crate) mod cluster;
pub(crate) mod fanout;
pub(crate) mod history;
pub(crate) mod idle;
pub(crate) mod login;
pub(crate) mod people;
pub(crate) mod relay;
pub(crate) mod resume;
pub(crate) mod search;
pub(crate) mod smoke;
pub(crate) mod startup;
pub(crate) mod storm;
mod timed;
