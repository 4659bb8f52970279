//! Saying and reading.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use client::protocol::limits::{NUMBER_MAX, PAGE_MAX, RECEIPTS_SEQS_MAX};
use client::protocol::{
    ChatMessage, GroupChat, History, OneChat, Receipts, ReceiptsList, Reply, Request, SearchMessages,
};
use client::store::{KeptPage, Outgoing, Reach, Store};
use client::{ClientError, Reading};

use jiff::civil::{Date, Time};

use super::{Chat, Manner, picks, senseless};
use crate::command::TalkName;
use crate::moment;
use crate::outbox::Left;
use crate::outcome::{Failure, Outcome, TalkingOutcome};
use crate::output::Output;
use crate::printable::one_line;
use crate::roster::Talk;
use crate::shared::Line;

/// Messages of one /history.
const HISTORY_DEFAULT: u32 = 20;

/// How long the prompt waits for the answer to a typed message: long enough to show a refusal under it.
const PROMPT_WAIT: Duration = Duration::from_millis(300);

/// How often it looks.
const PROMPT_LOOK: Duration = Duration::from_millis(2);

/// Messages of one /find.
const FOUND_DEFAULT: usize = 20;

impl Chat {
    pub(super) fn choose(&mut self, name: &TalkName) -> Result<Outcome, Failure> {
        let mut known = self.shared.lock();
        let talk = known.roster.talk(name).map_err(Failure::Senseless)?;
        let there = match talk {
            Talk::Friend(id) => known.roster.friends.contains_key(&id),
            Talk::Group(id) => known.roster.groups.contains_key(&id),
        };
        if !there {
            let why = match talk {
                Talk::Friend(_) => "is not your friend",
                Talk::Group(_) => "is not a group of yours",
            };
            return senseless(format!("{} {why}", known.roster.talk_name(talk)));
        }
        known.roster.current = Some(talk);
        known.roster.conversations.open(talk);
        let conv = known.roster.conv_of(talk);
        drop(known);
        if let Talk::Group(group) = talk {
            self.prepare_mentions(group);
        }
        if let Some(conv) = conv {
            self.history_before.remove(&conv);
            // What was shown of it before is looked at now; what comes from now on when it is shown.
            if let Some(shown) = self.client.sync_state()?.cursors.get(&conv) {
                self.client.read(conv, *shown)?;
            }
        }
        Ok(TalkingOutcome::Talking(Some(talk)).into())
    }

    /// Says something, as the answer to the message `reply_to` unless that is 0.
    pub(super) fn say(&mut self, talk: Talk, text: String, reply_to: u64) -> Result<Outcome, Failure> {
        let client_msg_id = self.client.next_msg_id();
        let mentions = self.mentions(talk, &text);
        let msg = text.clone();
        let outgoing = match talk {
            Talk::Friend(to) => Outgoing::Friend(OneChat { to, msg, client_msg_id, reply_to, mentions }),
            Talk::Group(groupid) => {
                Outgoing::Group(GroupChat { groupid, msg, client_msg_id, reply_to, mentions })
            }
        };
        let put =
            if self.shared.lock().roster.me.is_some() { self.shared.outbox().put(&outgoing) } else { None };
        let place = match put {
            Some(Ok(place)) => place,
            Some(Err(error)) => return senseless(error.to_string()),
            None => return sent(self.client.call(outgoing.request())),
        };
        match self.manner {
            Manner::Script => {
                self.shared.outbox().passes(place);
                let answer = self.client.call(outgoing.request());
                // Answered, or told to the script, which decides whether to say it again. Killed before, the next run says it.
                self.shared.outbox().settle(place);
                sent(answer)
            }
            Manner::Terminal => self.say_soon(place, text),
        }
    }

    /// The prompt comes back soon, whatever the server does.
    fn say_soon(&mut self, place: i64, text: String) -> Result<Outcome, Failure> {
        self.shared.outbox().submit(&self.client, Some(place));
        let begun = Instant::now();
        while begun.elapsed() < PROMPT_WAIT {
            if let Some(answer) = self.shared.outbox().answer(place) {
                return sent(answer);
            }
            std::thread::sleep(PROMPT_LOOK);
        }
        self.shared.outbox().unwatch(place);
        Ok(TalkingOutcome::Waiting { text }.into())
    }

    /// Says at the end which typed messages have no answer. The server may have stored one whose answer was lost: sent
    /// again with its id, it stays one.
    pub(crate) fn tell_what_was_not_sent(&self, output: &Output) {
        for (outgoing, left) in self.shared.outbox().left() {
            let text = one_line(outgoing.text());
            let line = match left {
                Left::Kept => format!("(is sent the next time) {text}"),
                Left::Lost => format!("(not sent) {text}"),
            };
            output.note(&output.style().faint(&line));
        }
    }

    /// A page backwards from where the last one of this conversation began: from the own copy as far as it is whole, from
    /// the server otherwise.
    pub(super) fn history(&mut self, count: Option<u32>) -> Result<Outcome, Failure> {
        let (current, conv, away) = self.current()?;
        let before = self.history_before.get(&conv).copied();
        let limit = count.unwrap_or(HISTORY_DEFAULT);
        let store = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).store();
        let kept = |reach| match &store {
            Some(store) => {
                store.page(conv, before, limit, reach).map_err(|error| Failure::Senseless(error.to_string()))
            }
            None => Ok(KeptPage::default()),
        };
        let page = if away {
            kept(Reach::Anything)?
        } else {
            // The newest may be on their way here still.
            let page = if before.is_some() { kept(Reach::Whole)? } else { KeptPage::default() };
            if page.begins || page.messages.len() >= limit.min(PAGE_MAX) as usize {
                page
            } else {
                let request = History { conv, after: None, before, at: None, limit };
                self.history_of_server(request, store.as_deref())?
            }
        };
        if let (None, Some(newest)) = (before, page.messages.last()) {
            self.client.read(conv, newest.seq)?;
        }
        Ok(self.shown(current, conv, page, away, store.as_deref()))
    }

    /// The page that begins with the first message of a time or later. What comes next is the page before it.
    pub(super) fn history_at(
        &mut self,
        day: Option<Date>,
        time: Time,
        count: Option<u32>,
    ) -> Result<Outcome, Failure> {
        let (current, conv, away) = self.current()?;
        let Some(at) = moment::unix_ms(day, time).filter(|at| *at <= NUMBER_MAX) else {
            return senseless("there is no such time".to_owned());
        };
        let limit = count.unwrap_or(HISTORY_DEFAULT);
        let store = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).store();
        let page = match &store {
            Some(store) if away => {
                store.page_at(conv, at, limit).map_err(|error| Failure::Senseless(error.to_string()))?
            }
            _ if away => KeptPage::default(),
            _ => {
                let request = History { conv, after: None, before: None, at: Some(at), limit };
                self.history_of_server(request, store.as_deref())?
            }
        };
        if page.messages.is_empty() {
            return senseless("nothing was said since then".to_owned());
        }
        Ok(self.shown(current, conv, page, away, store.as_deref()))
    }

    /// The chosen conversation, its number, and whether there is no connection.
    fn current(&self) -> Result<(Talk, u64, bool), Failure> {
        let known = self.shared.lock();
        let Some(current) = known.roster.current else {
            return senseless("history of what? /chat NAME or /chat #GROUP chooses".to_owned());
        };
        match known.roster.conv_of(current) {
            Some(conv) => Ok((current, conv, known.line == Line::Down || self.offline)),
            None => senseless("nothing was said there yet".to_owned()),
        }
    }

    /// A page as it is shown; the next one ends where it begins.
    fn shown(
        &mut self,
        current: Talk,
        conv: u64,
        page: KeptPage,
        away: bool,
        store: Option<&Store>,
    ) -> Outcome {
        let KeptPage { messages, begins } = page;
        if let Some(oldest) = messages.first() {
            self.history_before.insert(conv, oldest.seq);
        }
        let receipts = match (store, current) {
            (Some(store), Talk::Friend(_)) if away => kept_receipts(store, conv),
            _ if away => None,
            _ => self.receipts(conv, Some(current), &messages),
        };
        TalkingOutcome::History { messages, begins, receipts }.into()
    }

    fn history_of_server(&self, request: History, store: Option<&Store>) -> Result<KeptPage, Failure> {
        let before = request.before;
        let page = self.ask(Request::History(request), picks!(History))?;
        if let Some(store) = store
            && let Err(error) = store.keep_page(&page, before)
        {
            log::warn!("a page of history is not kept: {error}");
        }
        let begins = page.messages.first().is_none_or(|oldest| oldest.seq <= page.first);
        Ok(KeptPage { messages: page.messages, begins })
    }

    /// Searches the own copy.
    pub(super) fn find(&mut self, text: Option<String>) -> Result<Outcome, Failure> {
        let (text, from) = match (text, &self.search) {
            (Some(text), _) => (text, None),
            (None, Some((text, Some(from)))) => (text.clone(), Some(*from)),
            (None, Some((_, None))) => return senseless("there is nothing more".to_owned()),
            (None, None) => return senseless("find what? /find TEXT".to_owned()),
        };
        let store = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).store();
        let Some(store) = store else {
            return senseless("nothing is kept here before somebody is logged in".to_owned());
        };
        let found = store
            .search(&text, None, from, FOUND_DEFAULT)
            .map_err(|error| Failure::Senseless(error.to_string()))?;
        let more = found.next.is_some();
        self.search = Some((text, found.next));
        Ok(TalkingOutcome::Found { messages: found.messages, more }.into())
    }

    /// Searches on the server: what this device keeps is a part of it.
    pub(super) fn find_all(&mut self, text: Option<String>) -> Result<Outcome, Failure> {
        let (query, before) = match (text, &self.search_all) {
            (Some(text), _) => (text, None),
            (None, Some((text, Some(before)))) => (text.clone(), Some(before.clone())),
            (None, Some((_, None))) => return senseless("there is nothing more".to_owned()),
            (None, None) => return senseless("find what? /find-all TEXT".to_owned()),
        };
        let search = SearchMessages {
            query: query.clone(),
            before,
            limit: FOUND_DEFAULT as u32,
            ..SearchMessages::default()
        };
        let page = self.ask(Request::SearchMessages(search), picks!(SearchMessages))?;
        let more = page.next.is_some();
        self.search_all = Some((query, page.next));
        Ok(TalkingOutcome::FoundAll { messages: page.messages, more }.into())
    }

    /// What became of the own messages of a page, where the server tells it: not in large groups, and not of those who are
    /// friends no more.
    fn receipts(&self, conv: u64, talk: Option<Talk>, messages: &[ChatMessage]) -> Option<ReceiptsList> {
        let me = self.shared.lock().roster.me.as_ref()?.id;
        let own = messages.iter().filter(|message| message.from == me && message.event.is_none());
        let mut seqs: Vec<u64> = own.map(|message| message.seq).collect();
        if seqs.is_empty() {
            return None;
        }
        // The newest, if there are many; of a friend it is enough to know how far they got.
        seqs.drain(..seqs.len().saturating_sub(RECEIPTS_SEQS_MAX));
        if let Some(Talk::Friend(_)) = talk {
            seqs.clear();
        }
        self.ask(Request::Receipts(Receipts { conv, seqs }), picks!(Receipts)).ok()
    }
}

/// What the server last told of a friend.
fn kept_receipts(store: &Store, conv: u64) -> Option<ReceiptsList> {
    let readings = store.readings().ok()?;
    let Reading { their_delivered, their_read, .. } = *readings.get(&conv)?;
    Some(ReceiptsList { conv, delivered: their_delivered, read: their_read, counts: Vec::new() })
}

fn sent(answer: Result<Reply, ClientError>) -> Result<Outcome, Failure> {
    match answer? {
        Reply::OneChat(sent) | Reply::GroupChat(sent) => Ok(TalkingOutcome::Sent(sent).into()),
        other => {
            let why = format!("the answer is a {}", other.msgid().name());
            Err(Failure::Call(ClientError::BadAnswer { request: "ONE_CHAT", why }))
        }
    }
}
