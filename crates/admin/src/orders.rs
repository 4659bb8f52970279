//! What operators order: done by a thread of its own, since it waits for stores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use reactor::{CloseReason, Command, ConnId, Remote};

use crate::answer;
use crate::limits::ORDERS_WAITING_MAX;
use crate::request::Request;

/// What a program does for its operators.
pub trait Orders: Send + Sync + 'static {
    /// Whether who says this may order anything. In the admin's own loop: it waits for nothing. A secret is to be compared
    /// in constant time.
    fn admits(&self, token: Option<&str>, from: SocketAddr) -> bool;

    /// Tells every user what the body says. In a thread for orders, one after the other: it may wait.
    fn broadcast(&self, body: &[u8], from: SocketAddr) -> Outcome;
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done: 200.
    Done(String),
    /// It is wrong, and says why: 400.
    Wrong(String),
    /// Too many: 429.
    TooMany(String),
    /// It cannot be done now, or nobody knows whether it was: 503.
    NotNow(String),
}

/// An order on its way.
struct Order {
    conn: ConnId,
    from: SocketAddr,
    body: Vec<u8>,
}

/// Where orders wait. Dropping it ends the thread once they are done.
pub(crate) struct OrderQueue {
    orders: Arc<dyn Orders>,
    sender: SyncSender<Order>,
}

/// What became of an order that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// The thread answers it.
    Waiting,
    /// Its token is not right.
    NotAdmitted,
    /// There is no room.
    Full,
}

impl OrderQueue {
    /// Starts the thread.
    pub(crate) fn start(
        orders: Arc<dyn Orders>,
        remote: Remote<std::convert::Infallible>,
    ) -> std::io::Result<(OrderQueue, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(ORDERS_WAITING_MAX);
        let theirs = Arc::clone(&orders);
        let thread = std::thread::Builder::new()
            .name("admin-orders".to_owned())
            .spawn(move || run(&*theirs, &receiver, &remote))?;
        Ok((OrderQueue { orders, sender }, thread))
    }

    /// Takes an order of this connection, if its token is right.
    pub(crate) fn put(&self, request: &Request<'_>, conn: ConnId, from: SocketAddr) -> Queued {
        if !self.orders.admits(request.token, from) {
            return Queued::NotAdmitted;
        }
        match self.sender.try_send(Order { conn, from, body: request.body.to_vec() }) {
            Ok(()) => Queued::Waiting,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Queued::Full,
        }
    }
}

fn run(orders: &dyn Orders, receiver: &Receiver<Order>, remote: &Remote<std::convert::Infallible>) {
    while let Ok(Order { conn, from, body }) = receiver.recv() {
        let chunk = answer::outcome_of(orders.broadcast(&body, from));
        let mut commands = vec![
            Command::Send { to: conn, chunk },
            Command::Close { to: conn, last: None, reason: CloseReason::Handler("answered") },
        ];
        remote.post(conn.loop_index(), &mut commands);
    }
}
