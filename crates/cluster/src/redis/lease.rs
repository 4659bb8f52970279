//! The lease's thread: it renews the node's lease once a second, and while Redis is away it is the one that tries.
//!
//! It does nothing else that takes long: settling users and clearing up after dead nodes is the
//! [housekeeper](super::housekeeper)'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use redis::Value;

use super::alarm::{Alarm, Ending};
use super::backoff::Backoff;
use super::calls::Calls;
use super::envelope;
use super::housekeeper::Housekeeping;
use super::outgoing::Outgoing;
use super::peers::{Process, Standing};
use super::presence::Doubt;
use super::scripts::{self, Args, LEAVE, REGISTER, RENEW, list, word};
use super::shared::Shared;
use super::wire::{Wire, WireError};
use super::{BEAT, clock};

/// How long nodes may take to come back to a Redis that lost its memory: until then, who is not found is unknown.
const SETTLING: Duration = Duration::from_secs(3);
/// Leases that a roll call looks at: the longest-lived.
const ROLL_MAX: usize = 1_024;

/// The name of this node's lease in Redis, `node#epoch`; `None` before the first. Read by every presence call.
pub(super) type CurrentLease = RwLock<Option<Arc<str>>>;

/// See the module. Owned by its thread, after the first registration by the caller of `connect`.
pub(super) struct Lease {
    shared: Arc<Shared>,
    calls: Arc<Calls>,
    alarm: Arc<Alarm>,
    housekeeping: Arc<Housekeeping>,
    outgoing: Arc<Outgoing>,
    doubt: Arc<Doubt>,
    current: Arc<CurrentLease>,
    wire: Option<Wire>,
    backoff: Backoff,
    /// The lease is ours as far as we know.
    held: bool,
    epoch: u64,
    next_beat: Instant,
    knowledge: Knowledge,
    settling: bool,
    expelled: bool,
}

/// Whether presence is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    Known,
    UnknownSince(Instant),
    /// For longer than a time to live, and the watcher was told.
    UnknownAndTold,
}

/// What came of an attempt to be in the cluster.
#[derive(Debug)]
pub(super) enum Standstill {
    Away(WireError),
    /// For good, with a sentence for the operator.
    Expelled(String),
}

impl From<WireError> for Standstill {
    fn from(error: WireError) -> Standstill {
        Standstill::Away(error)
    }
}

impl Lease {
    pub(super) fn new(
        shared: Arc<Shared>,
        calls: Arc<Calls>,
        alarm: Arc<Alarm>,
        housekeeping: Arc<Housekeeping>,
        outgoing: Arc<Outgoing>,
        doubt: Arc<Doubt>,
        current: Arc<CurrentLease>,
    ) -> Lease {
        let now = clock::read();
        Lease {
            shared,
            calls,
            alarm,
            housekeeping,
            outgoing,
            doubt,
            current,
            wire: None,
            backoff: Backoff::new(),
            held: false,
            epoch: 0,
            next_beat: now,
            knowledge: Knowledge::UnknownSince(now),
            settling: false,
            expelled: false,
        }
    }

    /// The thread.
    pub(super) fn run(mut self) {
        loop {
            let wake_at = match self.backoff.ready_at() {
                _ if self.expelled => clock::read() + BEAT,
                Some(at) => at,
                None => self.next_beat,
            };
            if let Some(ending) = self.alarm.wait(wake_at) {
                if ending == Ending::Leave && !self.expelled {
                    self.leave();
                }
                return;
            }
            if !self.expelled && self.backoff.is_ready(clock::read()) {
                self.attempt();
            }
        }
    }

    fn attempt(&mut self) {
        let now = clock::read();
        match self.beat() {
            Ok(()) => {
                self.backoff.worked();
                self.next_beat = now + BEAT;
            }
            Err(Standstill::Away(error)) => {
                self.wire = None;
                self.calls.count_error(&error);
                self.calls.trip(&error);
                self.backoff.failed(clock::read());
                self.knowledge = match self.knowledge {
                    Knowledge::Known => Knowledge::UnknownSince(now),
                    Knowledge::UnknownSince(since)
                        if now.saturating_duration_since(since) > self.shared.settings.ttl =>
                    {
                        self.housekeeping.review();
                        Knowledge::UnknownAndTold
                    }
                    same => same,
                };
            }
            Err(Standstill::Expelled(why)) => {
                self.expelled = true;
                self.held = false;
                self.calls.trip(&why);
                self.shared.tell_expelled(why);
            }
        }
    }

    /// One beat: has the lease, and knows who else has one.
    pub(super) fn beat(&mut self) -> Result<(), Standstill> {
        let earlier = self.current.read().clone();
        let is_new = self.housekeeping.wants_new_lease() || !self.held || !self.renew()?;
        if is_new {
            self.register()?;
        }
        let was = std::mem::replace(&mut self.knowledge, Knowledge::Known);
        self.calls.close();
        if is_new {
            // Only now that the housekeeper may call Redis.
            self.housekeeping.settle_all(earlier);
        }
        if was == Knowledge::UnknownAndTold {
            self.doubt.raise();
        }
        if !self.settling && self.doubt.take() {
            self.housekeeping.review();
        }
        self.housekeeping.check_unsettled();
        Ok(())
    }

    fn script(&mut self, script: &scripts::Script, args: &Args) -> Result<Value, WireError> {
        let wire = match &mut self.wire {
            Some(wire) => wire,
            None => self.wire.insert(Wire::connect(&self.shared.settings.target)?),
        };
        self.shared.presence.calls.add(1);
        script.run(wire, &self.shared.settings.prefix, args)
    }

    /// Renews; false if there was nothing to renew any more.
    fn renew(&mut self) -> Result<bool, Standstill> {
        let shared = Arc::clone(&self.shared);
        let settings = &shared.settings;
        let args = Args::default()
            .text(member(&settings.node, self.epoch))
            .text(&settings.node)
            .number(shared.boot().unwrap_or(0))
            .number(settings.lease.as_millis())
            .number(ROLL_MAX);
        let answer = list(self.script(&RENEW, &args)?)?;
        let [state, settling, roll @ ..] = answer.as_slice() else { return Err(WireError::Garbled.into()) };
        match word(state).ok_or(WireError::Garbled)? {
            "held" => {}
            "lost" => {
                log::warn!("node {} had lost its lease: it registers again", settings.node);
                self.held = false;
                shared.presence.leases_lost.add(1);
                return Ok(false);
            }
            "taken" => return Err(Standstill::Expelled(taken(&settings.node))),
            _ => return Err(WireError::Garbled.into()),
        }
        shared.presence.renewals.add(1);
        self.settling = *settling == Value::Int(1);
        self.roll_call(roll)?;
        Ok(true)
    }

    fn roll_call(&mut self, roll: &[Value]) -> Result<(), WireError> {
        let own_boot = self.shared.boot();
        let own_member = member(&self.shared.settings.node, self.epoch);
        let mut others = Vec::new();
        for entry in roll.chunks_exact(3) {
            let (Some(member), Some(boot), Some(standing)) =
                (word(&entry[0]), word(&entry[1]), word(&entry[2]))
            else {
                return Err(WireError::Garbled);
            };
            let Some((name, _)) = member.rsplit_once('#') else { continue };
            let standing = match standing {
                "living" => Standing::Living,
                "left" => Standing::Left,
                _ => Standing::Dead,
            };
            let boot: u64 = boot.parse().unwrap_or(0);
            if standing != Standing::Living && member != own_member {
                self.housekeeping.clean(member);
            }
            if name != self.shared.settings.node || Some(boot) != own_boot {
                others.push((Process { name: Box::from(name), boot }, standing));
            }
        }
        let mut peers = self.shared.peers.lock();
        let missed_since = peers.roll_call(&others, self.shared.now());
        self.shared.bus.nodes_living.set(peers.living() as u64);
        let impostures = peers.take_impostures();
        drop(peers);
        for name in impostures {
            self.shared.bus.impostures.add(1);
            log::warn!("somebody who has no lease spoke as node {name}, whose own words were dropped since");
        }
        if let Some(since) = missed_since {
            log::info!(
                "a node is dead, cut off or was not believed: reading the log for what was not heard of it"
            );
            self.shared.tell_missed(since);
        }
        Ok(())
    }

    /// Takes a lease under a new epoch; all users are to be told to Redis again.
    fn register(&mut self) -> Result<(), Standstill> {
        let shared = Arc::clone(&self.shared);
        let settings = &shared.settings;
        let wanted = shared.now().0.max(self.epoch + 1);
        let args = Args::default()
            .text(&settings.node)
            .number(wanted)
            .number(shared.boot().unwrap_or(0))
            .text(&settings.versions)
            .number(settings.lease.as_millis())
            .number(SETTLING.as_millis());
        let answer = list(self.script(&REGISTER, &args)?)?;
        let words: Vec<&str> = answer.iter().filter_map(word).collect();
        match words.as_slice() {
            ["ok", epoch] => {
                self.epoch = epoch.parse().map_err(|_| WireError::Garbled)?;
                self.held = true;
                let first = shared.boot().is_none();
                if first {
                    shared.set_boot(self.epoch);
                } else {
                    shared.presence.registered_again.add(1);
                }
                shared.presence.epoch.set(self.epoch);
                log::info!("node {} is registered with epoch {}", settings.node, self.epoch);
                *self.current.write() = Some(Arc::from(member(&settings.node, self.epoch)));
                Ok(())
            }
            ["taken", _] => Err(Standstill::Expelled(taken(&settings.node))),
            ["versions", other, theirs] => {
                Err(Standstill::Expelled(versions_differ(&settings.node, &settings.versions, other, theirs)))
            }
            _ => Err(WireError::Garbled.into()),
        }
    }

    /// Says goodbye, with one attempt: if it fails, the lease ends by itself.
    fn leave(&mut self) {
        let Some(boot) = self.shared.boot().filter(|_| self.held) else { return };
        let node = &self.shared.settings.node;
        let goodbye = envelope::goodbye(node, boot, self.outgoing.loss_not_told());
        let args = Args::default().text(member(node, self.epoch)).text(goodbye);
        match self.script(&LEAVE, &args) {
            Ok(_) => log::info!("node {} has left", self.shared.settings.node),
            Err(error) => {
                log::warn!("node {} leaves without a goodbye: {error}", self.shared.settings.node);
            }
        }
    }
}

/// How a lease is called in Redis.
pub(super) fn member(node: &str, epoch: u64) -> String {
    format!("{node}#{epoch}")
}

fn taken(node: &str) -> String {
    format!(
        "another, newer process runs as node {node}: every node needs a name of its own, \
         and a process that is replaced must end"
    )
}

fn versions_differ(node: &str, ours: &str, other: &str, theirs: &str) -> String {
    let named = |versions: &str| match versions.split('.').collect::<Vec<_>>().as_slice() {
        [bus, payload, schema] => format!("bus {bus}, payload {payload}, schema {schema}"),
        _ => versions.to_owned(),
    };
    format!(
        "node {node} cannot join: it runs versions ({}), and the living node {other} runs ({}); \
         stop the other version's nodes first",
        named(ours),
        named(theirs)
    )
}
