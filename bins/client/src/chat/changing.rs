//! Taking back and correcting what was said.

use client::protocol::limits::PAGE_MAX;
use client::protocol::{ChatMessage, EditMessage, History, MessageKind, MessageRef, Request};

use super::{Chat, picks, senseless};
use crate::command::Which;
use crate::outcome::{Failure, Outcome, TalkingOutcome};
use crate::roster::Talk;

impl Chat {
    pub(super) fn recall(&mut self, which: Which) -> Result<Outcome, Failure> {
        let (talk, conv) = self.changing_in()?;
        let seq = match which {
            Which::Seq(seq) => seq,
            Which::LastOwn => self.last_own(talk, conv)?.seq,
        };
        let changed = self.ask(Request::Recall(MessageRef { conv, seq }), picks!(Recall))?;
        Ok(TalkingOutcome::Changed(Box::new(changed)).into())
    }

    pub(super) fn correct(&mut self, which: Which, msg: String) -> Result<Outcome, Failure> {
        let (talk, conv) = self.changing_in()?;
        let (seq, mentions) = match which {
            Which::LastOwn => {
                let message = self.last_own(talk, conv)?;
                (message.seq, message.mentions)
            }
            Which::Seq(seq) => (seq, self.mentions_of(conv, seq)?),
        };
        let edit = EditMessage { conv, seq, msg, mentions };
        let changed = self.ask(Request::EditMessage(edit), picks!(EditMessage))?;
        Ok(TalkingOutcome::Changed(Box::new(changed)).into())
    }

    /// The current conversation.
    fn changing_in(&self) -> Result<(Talk, u64), Failure> {
        let known = self.shared.lock();
        match known.roster.current {
            None => senseless("a message of whom? /chat NAME or /chat #GROUP chooses".to_owned()),
            Some(talk) => match known.roster.conv_of(talk) {
                Some(conv) => Ok((talk, conv)),
                None => senseless("nothing was said there yet".to_owned()),
            },
        }
    }

    /// What the user said last there, on any device. The server is asked: the own copy may not have it yet, and the message
    /// before it is not meant.
    fn last_own(&self, talk: Talk, conv: u64) -> Result<ChatMessage, Failure> {
        if self.shared.outbox().waits_for(talk) {
            return senseless("what you said last is not sent yet".to_owned());
        }
        let me = self.shared.lock().roster.my_id();
        let newest = History { conv, after: None, before: None, at: None, limit: PAGE_MAX };
        let page = self.ask(Request::History(newest), picks!(History))?;
        let is_own = |message: &ChatMessage| {
            message.from == me && message.kind != MessageKind::System && message.recalled.is_none()
        };
        match page.messages.into_iter().rev().find(is_own) {
            Some(message) => Ok(message),
            None => senseless("you said nothing there lately; name the message's number".to_owned()),
        }
    }

    /// Whom a message mentions: a corrected one still does.
    fn mentions_of(&self, conv: u64, seq: u64) -> Result<Vec<u64>, Failure> {
        let one = History { conv, after: Some(seq - 1), before: None, at: None, limit: 1 };
        let page = self.ask(Request::History(one), picks!(History))?;
        let message = page.messages.into_iter().find(|message| message.seq == seq);
        Ok(message.map(|message| message.mentions).unwrap_or_default())
    }
}
