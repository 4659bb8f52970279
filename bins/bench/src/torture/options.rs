//! What the command line of the fault test says.

use std::{path::PathBuf, time::Duration};

use super::nemesis::{Kind, Stakes};
use crate::error::BenchError;

/// Options of `bench torture`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Decides faults and scripts; by default another one each time. A run prints its own.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How long faults go on. Setting up, settling and looking come on top.
    #[arg(long, default_value_t = 90)]
    pub(crate) seconds: u64,
    /// Server nodes. One stands alone on its database; more share a Redis and stand behind nginx.
    #[arg(long, default_value_t = 3)]
    pub(crate) nodes: usize,
    /// People, each with one to three devices.
    #[arg(long, default_value_t = 24)]
    pub(crate) people: usize,
    /// Messages a second that all people together try to say.
    #[arg(long, default_value_t = 60)]
    pub(crate) rate: u32,
    /// Kinds of faults to use, with commas between them; by default all.
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    pub(crate) faults: Vec<Kind>,
    /// Only print the schedule of faults.
    #[arg(long)]
    pub(crate) plan: bool,
    /// How long after the last fault everything may take to arrive everywhere, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) settle_seconds: u64,
    /// How long after the last change presence may take to be true everywhere, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) presence_seconds: u64,
    /// Keep the logs of all parts in this folder. By default they are kept only when something is wrong.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Break a promise on purpose, to see that it is found.
    #[arg(long, hide = true)]
    pub(crate) sabotage: Option<super::sabotage::Sabotage>,
}

/// How long a node's lease on its users' presence lasts: short, so that a run sees it end.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

impl Options {
    /// What faults are to be drawn for.
    pub(crate) fn stakes(&self, devices: usize) -> Result<Stakes, BenchError> {
        if self.nodes == 0 || self.people < 2 || self.seconds == 0 {
            return Err(BenchError::Usage("a run needs a node, two people and a second"));
        }
        let kinds = match &self.faults[..] {
            [] => Kind::ALL.map(|(kind, _)| kind).to_vec(),
            kinds => kinds.to_vec(),
        };
        let kinds = kinds.into_iter().filter(|kind| kind.fits(self.nodes)).collect();
        let length = Duration::from_secs(self.seconds);
        Ok(Stakes { nodes: self.nodes, devices, length, lease: LEASE, kinds })
    }
}
