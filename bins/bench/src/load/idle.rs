//! Connections that are there and say nothing.

use protocol::Frame;

use super::{Lines, Scenario};
use crate::error::BenchError;

/// Answers heartbeats (the swarm does that) and passes over whatever arrives.
pub(crate) struct Idle;

impl Scenario for Idle {
    fn tick(&mut self, _now_ns: u64, _lines: &mut Lines) -> Result<Option<u64>, BenchError> {
        Ok(None)
    }

    fn frame(&mut self, _: usize, _: &Frame<'_>, _: u64, _: &mut Lines) -> Result<(), BenchError> {
        Ok(())
    }
}
