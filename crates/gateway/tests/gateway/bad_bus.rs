//! Nodes of one process, on a bus that loses, doubles, delays and reorders by a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use cluster::local::{LocalBus, LocalExchange};
use domain::{Bus, BusError, BusReceiver, Publication, Reach, SharedReceiver, Timestamp, Topic};
use gateway::{GatewayConfig, GatewayHub};
use parking_lot::Mutex;

use crate::node::{Node, World};

/// When everything in a test's world happens: its clocks stand still.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A node, its mouth and its ear.
pub(crate) struct ClusterNode {
    pub(crate) node: Node,
    pub(crate) mouth: Arc<Mouth>,
    pub(crate) ear: Arc<Ear>,
    _heard_by: SharedReceiver,
}

impl ClusterNode {
    pub(crate) fn new(world: &World, exchange: &Arc<LocalExchange>, config: GatewayConfig) -> ClusterNode {
        let bus = exchange.join();
        let mouth = Arc::new(Mouth {
            bus,
            is_mute: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            said: Mutex::default(),
        });
        let node = world.node(config, mouth.clone());
        let ear = Arc::new(Ear { hub: node.hub.clone(), state: Mutex::new(State::new()) });
        let receiver: SharedReceiver = ear.clone();
        mouth.bus.receive_with(&receiver);
        ClusterNode { node, mouth, ear, _heard_by: receiver }
    }

    /// Several nodes with the limits that nodes have.
    pub(crate) fn several(world: &World, n: usize) -> Vec<ClusterNode> {
        let exchange = LocalExchange::new();
        (0..n).map(|_| ClusterNode::new(world, &exchange, quick())).collect()
    }
}

/// A node's limits, with a grace that a test can wait for.
pub(crate) fn quick() -> GatewayConfig {
    GatewayConfig { appenders: 2, ..GatewayConfig::default() }
}

/// What a node says goes through here.
pub(crate) struct Mouth {
    bus: LocalBus,
    is_mute: AtomicBool,
    is_away: AtomicBool,
    said: Mutex<Vec<Publication>>,
}

impl Mouth {
    /// From now on the node is not heard: as if it had died after its commits.
    pub(crate) fn mute(&self) {
        self.is_mute.store(true, SeqCst);
    }

    /// From now on the bus is away, or there again.
    pub(crate) fn set_away(&self, away: bool) {
        self.is_away.store(away, SeqCst);
    }

    /// What was said on topics like this since the last call.
    pub(crate) fn take_said(&self, wanted: impl Fn(Topic) -> bool) -> Vec<Publication> {
        std::mem::take(&mut *self.said.lock()).into_iter().filter(|said| wanted(said.topic)).collect()
    }
}

impl Bus for Mouth {
    fn reach(&self) -> Reach {
        if self.is_away.load(SeqCst) { Reach::Away } else { self.bus.reach() }
    }

    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError> {
        self.said.lock().extend(batch.iter().cloned());
        if self.is_mute.load(SeqCst) { Ok(()) } else { self.bus.publish(batch) }
    }

    fn subscribe(&self, topics: &[Topic]) {
        self.bus.subscribe(topics);
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        self.bus.unsubscribe(topics);
    }
}

/// What a node hears comes through here.
pub(crate) struct Ear {
    hub: Arc<GatewayHub>,
    state: Mutex<State>,
}

struct State {
    storm: Option<Dice>,
    loses: fn(&Publication) -> bool,
    lost: u64,
    late: Vec<Publication>,
}

impl State {
    fn new() -> State {
        State { storm: None, loses: |_| false, lost: 0, late: Vec::new() }
    }
}

impl Ear {
    /// From now on things go wrong, by this seed.
    pub(crate) fn storm(&self, seed: u64) {
        self.state.lock().storm = Some(Dice(seed));
    }

    /// From now on such publications are lost.
    pub(crate) fn lose(&self, loses: fn(&Publication) -> bool) {
        self.state.lock().loses = loses;
    }

    /// Hears something that nobody said now.
    pub(crate) fn hear(&self, publication: Publication) {
        self.receive(publication);
        self.lot_ended();
    }

    /// What was lost by [`lose`](Self::lose).
    pub(crate) fn lost(&self) -> u64 {
        self.state.lock().lost
    }

    /// From now on all goes well; what was late comes, in any order.
    pub(crate) fn calm(&self) {
        let mut state = self.state.lock();
        state.loses = |_| false;
        let mut dice = state.storm.take().unwrap_or(Dice(1));
        let mut late = std::mem::take(&mut state.late);
        drop(state);
        while !late.is_empty() {
            let at = dice.roll(late.len() as u64) as usize;
            self.hub.receive(late.swap_remove(at));
            self.hub.lot_ended();
        }
    }

    /// The bus found out that it lost something.
    pub(crate) fn found_out(&self) {
        self.hub.missed(NOW);
    }
}

impl BusReceiver for Ear {
    fn receive(&self, publication: Publication) {
        let mut state = self.state.lock();
        if (state.loses)(&publication) {
            state.lost += 1;
            return;
        }
        let State { storm, late, .. } = &mut *state;
        let mut now = Vec::new();
        match storm {
            None => now.push(publication),
            Some(dice) => {
                match dice.roll(10) {
                    0..2 => {}
                    2..4 => late.push(publication),
                    4 => now.extend([publication.clone(), publication]),
                    _ => now.push(publication),
                }
                if !late.is_empty() && dice.roll(3) == 0 {
                    let at = dice.roll(late.len() as u64) as usize;
                    now.push(late.swap_remove(at));
                }
            }
        }
        // Under the lock: two publishers' threads must not reorder what the dice did not.
        now.into_iter().for_each(|publication| self.hub.receive(publication));
    }

    fn lot_ended(&self) {
        self.hub.lot_ended();
    }

    fn missed(&self, since: Timestamp) {
        self.hub.missed(since);
    }
}

/// Chance by a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}
