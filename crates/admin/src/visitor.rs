//! The handler: one connection of an operator's tool, from its first byte to its last answer.

use std::convert::Infallible;
use std::sync::Arc;

use reactor::{CloseReason, ConnId, Handler, Link};

use crate::limits::{HEAD_TIMEOUT, REQUESTS_MAX};
use crate::request::{self, After, Found};
use crate::{Status, answer};

/// Answers what the connections of the one loop ask.
pub(crate) struct Desk {
    pub(crate) status: Arc<dyn Status>,
}

/// One connection.
#[derive(Default)]
pub(crate) struct Visitor {
    requests: u32,
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
        while link.is_open() && !link.is_throttled() {
            match request::find(&input[used..]) {
                Found::Unfinished => break,
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
