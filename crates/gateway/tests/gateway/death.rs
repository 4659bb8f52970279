//! A thread that dies takes the node with it, and says so.

use std::sync::Arc;

use cluster::local::LocalBus;
use domain::{HashError, PasswordHasher};
use gateway::{GatewayConfig, GatewayDied};
use protocol::{Reg, Request, Secret};

use crate::node::{Peer, World, until};

struct Broken;

impl PasswordHasher for Broken {
    fn hash(&self, _: &str) -> Result<String, HashError> {
        panic!("broken on purpose");
    }

    fn verify(&self, _: &str, _: &str) -> Result<bool, HashError> {
        Ok(false)
    }

    fn decoy(&self) -> &str {
        ""
    }
}

#[test]
fn a_thread_that_dies_is_named_and_the_node_stops() {
    let config = GatewayConfig { slow_threads: 1, ..GatewayConfig::default() };
    let node = World::new().node_hashing_with(Arc::new(Broken), config, Arc::new(LocalBus::alone()));
    let monitor = node.gateway.monitor();
    assert_eq!((monitor.dead_thread(), monitor.is_leaving()), (None, false));
    let mut peer = Peer::connect(node.address);
    peer.send(Request::Reg(Reg { name: "ann".into(), password: Secret::new("a long password") }));
    until("the death is known", || monitor.dead_thread().is_some());
    assert_eq!(monitor.dead_thread(), Some("slow-0"));
    until("the node stops", || monitor.is_leaving());
    let died = node.gateway.join().expect_err("it did not end well");
    assert!(matches!(&died, GatewayDied::Thread { thread } if thread == "slow-0"), "{died}");
    // The numbers stay for whoever looks last.
    assert_eq!(monitor.snapshot().requests, 2);
}
