//! Taking back, correcting and answering what was said, and deleting it for oneself.

use std::sync::PoisonError;

use client::protocol::limits::PAGE_MAX;
use client::protocol::{ChatMessage, EditMessage, Hide, History, MessageKind, MessageRef, Request};
use client::store::Reach;

use super::{Chat, picks, senseless};
use crate::command::{Those, Which};
use crate::outcome::{Failure, Outcome, TalkingOutcome};
use crate::roster::Talk;
use crate::shared::Line;

impl Chat {
    pub(super) fn recall(&mut self, which: Which) -> Result<Outcome, Failure> {
        let (talk, conv) = self.changing_in()?;
        let seq = match which {
            Which::Seq(seq) => seq,
            Which::Last => self.last_own(talk, conv)?.seq,
        };
        let changed = self.ask(Request::Recall(MessageRef { conv, seq }), picks!(Recall))?;
        Ok(TalkingOutcome::Changed(Box::new(changed)).into())
    }

    pub(super) fn correct(&mut self, which: Which, msg: String) -> Result<Outcome, Failure> {
        let (talk, conv) = self.changing_in()?;
        let (seq, before) = match which {
            Which::Last => {
                let message = self.last_own(talk, conv)?;
                (message.seq, Some(message))
            }
            Which::Seq(seq) => (seq, self.one(conv, seq)?),
        };
        let mentions = self.mentions_of_corrected(talk, before.as_ref(), &msg);
        let edit = EditMessage { conv, seq, msg, mentions };
        let changed = self.ask(Request::EditMessage(edit), picks!(EditMessage))?;
        Ok(TalkingOutcome::Changed(Box::new(changed)).into())
    }

    pub(super) fn hide(&mut self, those: Those) -> Result<Outcome, Failure> {
        let (_, conv) = self.changing_in()?;
        let seqs = match those {
            Those::Seqs(seqs) => seqs,
            Those::Last(count) => self.last_shown(conv, count)?,
        };
        let hidden = self.ask(Request::Hide(Hide { conv, seqs }), picks!(Hide))?;
        Ok(TalkingOutcome::Hidden(hidden.hidden).into())
    }

    /// The newest messages there that are not hidden, at most so many. The server is asked: the own copy may not have them
    /// yet, and those before them are not meant.
    fn last_shown(&self, conv: u64, count: u64) -> Result<Vec<u64>, Failure> {
        let newest = History { conv, after: None, before: None, at: None, limit: PAGE_MAX };
        let page = self.ask(Request::History(newest), picks!(History))?;
        let shown = page.messages.iter().rev().filter(|message| !message.hidden);
        let seqs: Vec<u64> = shown.map(|message| message.seq).take(count as usize).collect();
        if seqs.is_empty() {
            return senseless(
                "nothing was said there lately that you see; name the message's number".to_owned(),
            );
        }
        Ok(seqs)
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
            message.from == me
                && message.kind != MessageKind::System
                && message.recalled.is_none()
                && !message.hidden
        };
        match page.messages.into_iter().rev().find(is_own) {
            Some(message) => Ok(message),
            None => senseless("you said nothing there lately; name the message's number".to_owned()),
        }
    }

    fn one(&self, conv: u64, seq: u64) -> Result<Option<ChatMessage>, Failure> {
        let one = History { conv, after: Some(seq - 1), before: None, at: None, limit: 1 };
        let page = self.ask(Request::History(one), picks!(History))?;
        Ok(page.messages.into_iter().find(|message| message.seq == seq))
    }

    /// Answers a message: what is said after it, in the same conversation.
    pub(super) fn reply(&mut self, which: Which, text: String) -> Result<Outcome, Failure> {
        let (talk, conv) = self.changing_in()?;
        let seq = match which {
            Which::Seq(seq) => seq,
            Which::Last => self.last_of_others(conv)?,
        };
        self.say(talk, text, seq)
    }

    /// What somebody else said last there. Without a connection that is the last one that this device has.
    fn last_of_others(&self, conv: u64) -> Result<u64, Failure> {
        let me = self.shared.lock().roster.my_id();
        let is_one = |message: &&ChatMessage| {
            let can_be_read = message.recalled.is_none() && !message.hidden;
            message.from != me && message.kind != MessageKind::System && can_be_read
        };
        let is_away = self.shared.lock().line == Line::Down || self.offline;
        let store = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).store();
        let newest = match store.filter(|_| is_away) {
            Some(store) => {
                let page = store.page(conv, None, PAGE_MAX, Reach::Anything);
                page.map_err(|error| Failure::Senseless(error.to_string()))?.messages
            }
            None => {
                let newest = History { conv, after: None, before: None, at: None, limit: PAGE_MAX };
                self.ask(Request::History(newest), picks!(History))?.messages
            }
        };
        match newest.iter().rev().find(is_one) {
            Some(message) => Ok(message.seq),
            None => senseless("nobody else said anything there lately; name the message's number".to_owned()),
        }
    }
}
