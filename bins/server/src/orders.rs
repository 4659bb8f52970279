//! What a node does for its operators, and whom it takes for one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use admin::{Orders, Outcome};
use gateway::GatewayMonitor;
use protocol::{Blame, Code};
use serde::{Deserialize, Serialize};
use service::BroadcastOrder;
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// The body of an order to broadcast.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) key: String,
    pub(crate) operator: String,
    pub(crate) text: String,
}

/// Takes orders for a node.
pub(crate) struct NodeOrders {
    pub(crate) gateway: GatewayMonitor,
    /// What an operator has to say.
    pub(crate) token: Secret,
    /// How often something else was said.
    pub(crate) wrong_tokens: AtomicU64,
}

impl Orders for NodeOrders {
    fn admits(&self, token: Option<&str>, from: SocketAddr) -> bool {
        let said = token.unwrap_or_default().as_bytes();
        let is_right = bool::from(said.ct_eq(self.token.0.as_bytes()));
        if !is_right {
            let times = self.wrong_tokens.fetch_add(1, Ordering::Relaxed) + 1;
            // The first of many, and then ever fewer: nobody fills a log by guessing.
            if times.is_power_of_two() {
                log::warn!("an order from {from} without the right token; {times} such since the start");
            }
        }
        is_right
    }

    fn broadcast(&self, body: &[u8], from: SocketAddr) -> Outcome {
        let order: Order = match serde_json::from_slice(body) {
            Ok(order) => order,
            Err(error) => return Outcome::Wrong(format!("this is no order to broadcast: {error}")),
        };
        let Order { key, operator, text } = &order;
        match self.gateway.broadcast(BroadcastOrder { key, operator, text }) {
            Ok(done) if done.is_repeat => {
                log::info!("broadcast {} was ordered again from {from}", done.id);
                Outcome::Done(format!("broadcast {} was stored before, by the same key", done.id))
            }
            Ok(done) => {
                log::info!("broadcast {} was ordered from {from}", done.id);
                Outcome::Done(format!("broadcast {} is stored", done.id))
            }
            Err(refusal) => {
                log::info!("a broadcast ordered from {from} by {operator:?} was refused: {refusal}");
                match (refusal.code, refusal.code.blame()) {
                    (Code::TOO_MANY, _) => Outcome::TooMany(refusal.to_string()),
                    (_, Blame::Client) => Outcome::Wrong(refusal.to_string()),
                    _ => Outcome::NotNow(refusal.to_string()),
                }
            }
        }
    }
}
