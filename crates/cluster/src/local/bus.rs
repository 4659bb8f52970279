//! The bus of nodes in one process: a publication is a function call.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use domain::{Bus, BusError, BusReceiver, Publication, Reach, SharedReceiver, Topic};
use parking_lot::RwLock;

/// Where the buses of one process meet. It holds one entry a node and one a subscribed topic of each node.
#[derive(Default)]
pub struct LocalExchange {
    nodes: RwLock<Vec<Arc<Node>>>,
}

struct Node {
    topics: RwLock<HashSet<Topic>>,
    /// Weak: a receiver usually owns the bus that owns this.
    receiver: RwLock<Option<Weak<dyn BusReceiver>>>,
}

impl LocalExchange {
    /// An exchange without nodes.
    pub fn new() -> Arc<LocalExchange> {
        Arc::default()
    }

    /// A bus for one more node.
    pub fn join(self: &Arc<LocalExchange>) -> LocalBus {
        let node = Arc::new(Node { topics: RwLock::default(), receiver: RwLock::new(None) });
        self.nodes.write().push(Arc::clone(&node));
        LocalBus { exchange: Some((Arc::clone(self), node)) }
    }
}

/// One node's bus. Publications reach the other nodes' receivers before `publish` returns, in the publisher's thread.
pub struct LocalBus {
    /// `None`: the node is alone for good.
    exchange: Option<(Arc<LocalExchange>, Arc<Node>)>,
}

impl LocalBus {
    /// The bus of a node that is alone: it reaches nobody and remembers nothing.
    pub fn alone() -> LocalBus {
        LocalBus { exchange: None }
    }

    /// Names who takes what other nodes publish. Kept weakly: once it is gone, nothing is taken.
    pub fn receive_with(&self, receiver: &SharedReceiver) {
        if let Some((_, node)) = &self.exchange {
            *node.receiver.write() = Some(Arc::downgrade(receiver));
        }
    }
}

impl Bus for LocalBus {
    fn reach(&self) -> Reach {
        if self.exchange.is_some() { Reach::Cluster } else { Reach::Alone }
    }

    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError> {
        let Some((exchange, own)) = &self.exchange else { return Ok(()) };
        // No lock is held while a receiver runs: it may subscribe.
        let others: Vec<_> =
            exchange.nodes.read().iter().filter(|node| !Arc::ptr_eq(node, own)).cloned().collect();
        for node in &others {
            let Some(receiver) = node.receiver.read().as_ref().and_then(Weak::upgrade) else { continue };
            let mut has_received = false;
            for publication in &batch {
                if publication.topic == Topic::Nodes || node.topics.read().contains(&publication.topic) {
                    receiver.receive(publication.clone());
                    has_received = true;
                }
            }
            if has_received {
                receiver.lot_ended();
            }
        }
        Ok(())
    }

    fn subscribe(&self, topics: &[Topic]) {
        if let Some((_, node)) = &self.exchange {
            node.topics.write().extend(topics);
        }
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        if let Some((_, node)) = &self.exchange {
            let mut listened = node.topics.write();
            topics.iter().for_each(|topic| {
                listened.remove(topic);
            });
        }
    }
}

impl Drop for LocalBus {
    fn drop(&mut self) {
        if let Some((exchange, own)) = &self.exchange {
            exchange.nodes.write().retain(|node| !Arc::ptr_eq(node, own));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use domain::{Timestamp, UserId};
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<Publication>>, Mutex<Vec<usize>>);

    impl BusReceiver for Recorder {
        fn receive(&self, publication: Publication) {
            self.0.lock().push(publication);
        }
        fn lot_ended(&self) {
            self.1.lock().push(self.0.lock().len());
        }
        fn missed(&self, _since: Timestamp) {}
    }

    fn heard(recorder: &Recorder) -> Vec<Bytes> {
        recorder.0.lock().iter().map(|publication| publication.payload.clone()).collect()
    }

    fn node(exchange: &Arc<LocalExchange>) -> (LocalBus, Arc<Recorder>, SharedReceiver) {
        let bus = exchange.join();
        let recorder = Arc::new(Recorder::default());
        let shared: SharedReceiver = recorder.clone();
        bus.receive_with(&shared);
        (bus, recorder, shared)
    }

    fn publication(user: u64, payload: &'static str) -> Publication {
        Publication { topic: Topic::User(UserId(user)), payload: Bytes::from_static(payload.as_bytes()) }
    }

    #[test]
    fn others_that_listen_hear_it_in_order_and_the_publisher_does_not() {
        let exchange = LocalExchange::new();
        let (a, a_heard, _keep_a) = node(&exchange);
        let (b, b_heard, _keep_b) = node(&exchange);
        for bus in [&a, &b] {
            bus.subscribe(&[Topic::User(UserId(1)), Topic::User(UserId(7))]);
            bus.subscribe(&[Topic::User(UserId(1))]);
        }
        a.publish(vec![publication(1, "x"), publication(2, "not for b"), publication(1, "y")]).unwrap();
        assert_eq!(heard(&b_heard), ["x", "y"]);
        assert!(heard(&a_heard).is_empty());
        assert_eq!((&*b_heard.1.lock(), a_heard.1.lock().len()), (&vec![2], 0), "one lot, of two");
        b.unsubscribe(&[Topic::User(UserId(1))]);
        a.publish(vec![publication(1, "z")]).unwrap();
        assert_eq!(heard(&b_heard).len(), 2);
    }

    #[test]
    fn a_node_that_left_is_not_called() {
        let exchange = LocalExchange::new();
        let (a, _, _keep_a) = node(&exchange);
        let (b, b_heard, keep_b) = node(&exchange);
        b.subscribe(&[Topic::User(UserId(1))]);
        drop(b);
        a.publish(vec![publication(1, "x")]).unwrap();
        assert!(heard(&b_heard).is_empty());
        drop(keep_b);
        assert_eq!(exchange.nodes.read().len(), 1);
    }

    #[test]
    fn a_node_alone_reaches_nobody() {
        assert_eq!(LocalBus::alone().reach(), Reach::Alone);
        assert_eq!(LocalBus::alone().publish(vec![publication(1, "x")]), Ok(()));
    }
}
