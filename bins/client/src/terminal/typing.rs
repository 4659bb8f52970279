//! Telling others that something is typed to them.

use std::cell::RefCell;

use client::Client;

use crate::command::{self, Command};
use crate::shared::Shared;

/// Compares the line being typed with what it was. The main thread's.
pub(super) struct Typing {
    client: Client,
    /// The line as it was drawn last.
    line: RefCell<String>,
}

impl Typing {
    pub(super) fn new(client: Client) -> Typing {
        Typing { client, line: RefCell::default() }
    }

    /// The line is drawn: if it is another one now and would be said in the open conversation, who reads that is told. How
    /// often is the client's business. Commands are nobody's.
    pub(super) fn drawn(&self, line: &str, shared: &Shared) {
        if *self.line.borrow() == line {
            return;
        }
        line.clone_into(&mut self.line.borrow_mut());
        if !matches!(command::parse(line), Ok(Some(Command::Say(_)))) {
            return;
        }
        let conv = {
            let roster = &shared.lock().roster;
            roster.current.and_then(|talk| roster.conv_of(talk))
        };
        if let Some(conv) = conv
            && self.client.typing(conv).is_err()
        {
            log::debug!("nobody was told of typing: the client is closed");
        }
    }
}
