//! Clients that live through outages, as the real one does: they say a message again until it is answered, come back
//! when their connection is cut, and read from the log what they missed.

mod client;
mod crowd;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{Dialect, StreamPlan, Swarm, Verdict, chat_frame::ChatFrame};
use crate::{error::BenchError, report::latency_histogram};
use client::{Client, Role, State};
use crowd::Crowd;
use stream::Stream;

/// When nothing has arrived for this long, what is missing counts as lost.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
const SETTLE_LOOK: Duration = Duration::from_millis(100);
/// How long is listened for second copies after the last message.
const QUIET: Duration = Duration::from_millis(500);

/// One who talks to another, each with a client of its own.
pub(crate) struct Talk {
    /// With exactly one reader.
    pub(crate) plan: StreamPlan,
    pub(crate) sender_token: String,
    pub(crate) reader_token: String,
}

/// What the clients had to put up with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    /// Connections that ended.
    pub(crate) cut: u64,
    /// When clients tried to connect again, in nanoseconds of the load.
    pub(crate) attempts_ns: Vec<u64>,
    /// When cut clients were signed in again.
    pub(crate) returned_ns: Vec<u64>,
    /// Messages that were answered "busy", and said again.
    pub(crate) busy: u64,
    /// Pushes that left a hole, on a connection that was there all the time: the node should have filled it.
    pub(crate) holes: u64,
}

/// A swarm of such clients.
pub(crate) struct PatientLoad {
    swarm: Swarm,
    crowd: Crowd,
}

impl PatientLoad {
    /// All lines of `swarm` are clients that are signed in; where one comes back to is `addr` of its line. All talks
    /// together say `per_second` messages, in turn; one whose last message is not answered yet misses its turn.
    pub(crate) fn new(mut swarm: Swarm, talks: Vec<Talk>, addr: Vec<SocketAddr>, per_second: u64) -> Self {
        let lines = swarm.lines().all.len();
        let mut clients: Vec<Client> = addr.into_iter().take(lines).map(Client::new).collect();
        let talks = talks.into_iter().enumerate().map(|(number, talk)| {
            let (sender, reader) = (talk.plan.sender, talk.plan.readers[0]);
            clients[sender].signs_in(Role::Sender(number), &talk.sender_token);
            clients[reader].signs_in(Role::Reader(number), &talk.reader_token);
            Stream::new(
                ChatFrame::new(&talk.plan.identity, Dialect::Chat),
                talk.plan.identity.conv,
                sender,
                reader,
            )
        });
        let streams = talks.collect();
        let crowd = Crowd {
            streams,
            clients,
            step_ns: 1_000_000_000 / per_second.max(1),
            sending: false,
            next_due_ns: 0,
            next_stream: 0,
            frames: 0,
            patience: Patience::default(),
            latency: latency_histogram(),
            delivered: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        PatientLoad { swarm, crowd }
    }

    /// Keeps the talks going until `done`, or until `within` has passed; tells whether it was done.
    pub(crate) fn run_until(
        &mut self,
        within: Duration,
        mut done: impl FnMut(&LoadView<'_>) -> bool,
    ) -> Result<bool, BenchError> {
        if !self.crowd.sending {
            self.crowd.sending = true;
            self.crowd.next_due_ns = self.swarm.now_ns();
        }
        self.swarm.run_until(&mut self.crowd, within, |crowd| done(&LoadView(crowd)))
    }

    /// Nanoseconds since the load's start: the clock of [`Patience`].
    pub(crate) fn now_ns(&self) -> u64 {
        self.swarm.now_ns()
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.crowd.patience
    }

    /// Messages that were said so far, by talk.
    pub(crate) fn said(&self) -> Vec<u64> {
        self.crowd.streams.iter().map(|stream| stream.said).collect()
    }

    /// Latencies and number of the messages that arrived since this was last asked.
    pub(crate) fn take_arrivals(&mut self) -> (Histogram<u64>, u64) {
        let latency = std::mem::replace(&mut self.crowd.latency, latency_histogram());
        (latency, std::mem::take(&mut self.crowd.delivered))
    }

    /// Says nothing new, waits for what is under way, and judges every message since the beginning.
    pub(crate) fn settle(&mut self) -> Result<Verdict, BenchError> {
        self.crowd.sending = false;
        let mut progress = (self.crowd.frames, Instant::now());
        while !self.swarm.run_until(&mut self.crowd, SETTLE_LOOK, Crowd::is_settled)? {
            if progress.0 != self.crowd.frames {
                progress = (self.crowd.frames, Instant::now());
            } else if progress.1.elapsed() >= SETTLE_PATIENCE {
                break;
            }
        }
        self.swarm.run_until(&mut self.crowd, QUIET, |_| false)?;
        Ok(self.crowd.verdict())
    }

    /// Messages of a talk that were answered as stored.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.crowd.streams.iter().map(|stream| stream.ledger.acknowledged()).sum()
    }
}

/// What can be asked while the load runs.
pub(crate) struct LoadView<'a>(&'a Crowd);

impl LoadView<'_> {
    /// Whether of each talk at least this many messages were answered and arrived.
    pub(crate) fn has_arrived(&self, said: &[u64]) -> bool {
        self.0.streams.iter().zip(said).all(|(stream, said)| stream.next_seq > *said)
    }

    /// Whether every client is signed in.
    pub(crate) fn all_are_in(&self) -> bool {
        self.0.clients.iter().all(|client| client.state == State::In)
    }

    /// Whether this many connections were cut.
    pub(crate) fn cut(&self) -> u64 {
        self.0.patience.cut
    }
}
