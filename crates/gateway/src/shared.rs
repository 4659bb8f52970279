//! What the threads of a gateway share.

use std::sync::{Arc, OnceLock};

use service::domain::ConversationId;
use service::{Pending, Service};

use crate::append_queue::{AppendQueue, Queued};
use crate::budget::Budget;
use crate::comeback::Comebacks;
use crate::config::GatewayConfig;
use crate::households::Households;
use crate::hub::GatewayHub;
use crate::lane::{Lane, Owed, Scheduling};
use crate::metrics::Counters;
use crate::post::{DoorMail, Post};
use crate::run_queue::RunQueue;

pub(crate) struct Shared {
    pub(crate) config: GatewayConfig,
    pub(crate) service: Service,
    pub(crate) hub: Arc<GatewayHub>,
    pub(crate) normal: RunQueue,
    pub(crate) slow: RunQueue,
    pub(crate) appends: Box<[AppendQueue]>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) households: Arc<Households>,
    pub(crate) comebacks: Comebacks,
    /// The name of a thread that panicked.
    pub(crate) dead_thread: OnceLock<String>,
}

impl Shared {
    /// The queue of the appender that stores this conversation's messages: always the same one.
    pub(crate) fn append_queue(&self, conversation: ConversationId) -> &AppendQueue {
        &self.appends[conversation.0 as usize % self.appends.len()]
    }

    /// Requests of a lane were answered: their replies are in `post`, or were posted before.
    pub(crate) fn answered(&self, lane: &Lane, requests: u32, post: &mut Post) {
        // Before they are counted: a half-closed connection is closed at the count of 0, by its sub reactor or by
        // another thread that answers the same lane, and a reply that came later would be lost.
        post.flush();
        match lane.answered(requests, self.config.pipeline_max) {
            Owed::Nothing => {}
            Owed::Room => post.mail(lane.conn, DoorMail::Room),
            Owed::Close => post.mail(lane.conn, DoorMail::Done),
        }
    }

    /// Gives changes that nobody asked for to their appenders. What has no room is dropped: the service finds it again.
    pub(crate) fn queue_unasked(&self, changes: Vec<Pending>) {
        for pending in changes {
            let queue = self.append_queue(pending.conversation());
            queue.push(&mut vec![Queued { pending, lane: None, claim: None }]);
        }
    }

    /// Puts a lane into the run queue if it must.
    pub(crate) fn schedule(&self, lane: &Arc<Lane>, scheduling: Scheduling) {
        if scheduling == Scheduling::Schedule {
            self.normal.push(Arc::clone(lane));
        }
    }
}
