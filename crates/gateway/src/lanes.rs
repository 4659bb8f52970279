//! The lanes of this node, by connection.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use reactor::ConnId;
use service::ConnKey;

use crate::lane::Lane;

/// Shards of the map, so that threads rarely wait for each other.
const SHARDS: usize = 16;

type Shard = RwLock<HashMap<u64, Arc<Lane>>>;

/// The lanes of connections from HELLO to their farewell, by connection.
pub(crate) struct Lanes {
    shards: Box<[Shard]>,
}

impl Lanes {
    pub(crate) fn new() -> Lanes {
        Lanes { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }

    fn shard(&self, bits: u64) -> &Shard {
        // The slot stands above the generation, in bits 32 to 55.
        &self.shards[(bits >> 32) as usize % SHARDS]
    }

    /// A connection said HELLO. Its sub reactor only.
    pub(crate) fn add(&self, lane: &Arc<Lane>) {
        let bits = lane.conn.to_bits();
        self.shard(bits).write().insert(bits, Arc::clone(lane));
    }

    /// The lane said farewell. The worker that runs it only.
    pub(crate) fn remove(&self, conn: ConnId) {
        self.shard(conn.to_bits()).write().remove(&conn.to_bits());
    }

    /// A connection's lane. Any worker.
    pub(crate) fn find(&self, conn: ConnKey) -> Option<Arc<Lane>> {
        self.shard(conn.0).read().get(&conn.0).cloned()
    }
}
