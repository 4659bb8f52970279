//! The handler: one connection of an operator's tool, from its first byte to its last answer.

use std::convert::Infallible;
use std::sync::Arc;

use reactor::{CloseReason, ConnId, Handler, Link};

use crate::limits::{HEAD_TIMEOUT, ORDER_TIMEOUT, REQUESTS_MAX};
use crate::orders::{OrderQueue, Queued};
use crate::request::{self, After, Found, Method};
use crate::{Status, answer};

/// Answers what the connections of the one loop ask.
pub(crate) struct Desk {
    pub(crate) status: Arc<dyn Status>,
    /// `None`: no orders are taken.
    pub(crate) orders: Option<OrderQueue>,
}

/// One connection.
#[derive(Default)]
pub(crate) struct Visitor {
    requests: u32,
    /// An order is under way: its answer is the last.
    waits: bool,
}

impl Handler for Desk {
    type Conn = Visitor;
    type Mail = Infallible;

    fn open(&mut self, link: &mut Link<'_>) -> Visitor {
        link.set_deadline(link.now() + HEAD_TIMEOUT);
        Visitor::default()
    }

    fn data(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, input: &[u8]) -> usize {
        let mut used = 0;
        // Who does not take its answers is not given more of them: the rest is offered again in `relieved`.
        while link.is_open() && !link.is_throttled() && !visitor.waits {
            match request::find(&input[used..]) {
                Found::Unfinished => break,
                Found::Request(request, _) if request.method == Method::Post => {
                    used = input.len();
                    let (conn, from) = (link.id(), link.peer());
                    match self.orders.as_ref().map(|orders| orders.put(&request, conn, from)) {
                        Some(Queued::Waiting) => {
                            visitor.waits = true;
                            link.set_deadline(link.now() + ORDER_TIMEOUT);
                        }
                        not => {
                            link.send(answer::not_queued(not));
                            link.close_after_flush(CloseReason::Handler("no order"));
                        }
                    }
                }
                Found::Request(request, len) => {
                    used += len;
                    visitor.requests += 1;
                    let after = if visitor.requests < REQUESTS_MAX { request.after } else { After::Close };
                    link.send(answer::to(&request, &*self.status, after));
                    match after {
                        After::Stay => link.set_deadline(link.now() + HEAD_TIMEOUT),
                        After::Close => link.close_after_flush(CloseReason::Handler("answered")),
                    }
                }
                Found::Wrong(wrong) => {
                    used = input.len();
                    link.send(answer::refusing(wrong));
                    link.close_after_flush(CloseReason::Handler("not a request"));
                }
            }
        }
        used
    }

    fn eof(&mut self, link: &mut Link<'_>, visitor: &mut Visitor) {
        // Who has an order under way is answered all the same.
        if !visitor.waits {
            link.close_after_flush(CloseReason::PeerClosed);
        }
    }

    fn mail(&mut self, _: &mut Link<'_>, _: &mut Visitor, mail: Infallible) {
        match mail {}
    }

    fn relieved(&mut self, link: &mut Link<'_>, _: &mut Visitor) {
        link.set_deadline(link.now() + HEAD_TIMEOUT);
        link.resume_reading();
    }

    fn deadline(&mut self, link: &mut Link<'_>, _: &mut Visitor) {
        // It may still take answers; if it takes none at all its write stall ends it.
        if !link.is_throttled() {
            link.close_after_flush(CloseReason::Handler("no request in time"));
        }
    }

    fn closed(&mut self, id: ConnId, _: Visitor, reason: CloseReason) {
        log::trace!("admin connection {id} closed: {reason}");
    }
}
