//! Saying and reading.

use std::time::{Duration, Instant};

use client::ClientError;
use client::protocol::{GroupChat, History, OneChat, Reply, Request};

use super::{Chat, Manner, picks, senseless};
use crate::command::TalkName;
use crate::outcome::{Failure, Outcome, TalkingOutcome};
use crate::output::Output;
use crate::printable::one_line;
use crate::roster::Talk;
use crate::shared::{UNANSWERED_MAX, Unanswered};

/// Messages of one /history.
const HISTORY_DEFAULT: u32 = 20;

/// How long the prompt waits for the answer to a typed message: long enough to show a refusal under it.
const PROMPT_WAIT: Duration = Duration::from_millis(300);

/// How often it looks.
const PROMPT_LOOK: Duration = Duration::from_millis(2);

/// How long a typed message waits for a connection.
const TYPED_TIMEOUT: Duration = Duration::from_secs(600);

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
        drop(known);
        if let Some(conv) = self.shared.lock().roster.conv_of(talk) {
            self.history_before.remove(&conv);
        }
        Ok(TalkingOutcome::Talking(Some(talk)).into())
    }

    pub(super) fn say(&mut self, talk: Talk, text: String) -> Result<Outcome, Failure> {
        let client_msg_id = self.client.next_msg_id();
        let msg = text.clone();
        let request = match talk {
            Talk::Friend(to) => Request::OneChat(OneChat { to, msg, client_msg_id }),
            Talk::Group(groupid) => Request::GroupChat(GroupChat { groupid, msg, client_msg_id }),
        };
        let room = self.shared.lock().unanswered.len() < UNANSWERED_MAX;
        if self.manner == Manner::Script || !room {
            return sent(self.client.call(request));
        }
        let pending = self.client.submit_within(request, TYPED_TIMEOUT)?;
        let begun = Instant::now();
        while begun.elapsed() < PROMPT_WAIT {
            if let Some(answer) = pending.poll() {
                return sent(answer);
            }
            std::thread::sleep(PROMPT_LOOK);
        }
        self.shared.lock().unanswered.push(Unanswered { pending, talk, text: text.clone() });
        Ok(TalkingOutcome::Waiting { text }.into())
    }

    /// Says at the end which typed messages have no answer: nothing sends them any more. The server may have stored one
    /// whose answer was lost, which the next start shows.
    pub(crate) fn tell_what_was_not_sent(&self, output: &Output) {
        for unanswered in self.shared.lock().unanswered.drain(..) {
            if !matches!(unanswered.pending.poll(), Some(Ok(_))) {
                output.note(&output.style().faint(&format!("(not sent) {}", one_line(&unanswered.text))));
            }
        }
    }

    /// A page backwards from where the last one of this conversation began.
    pub(super) fn history(&mut self, count: Option<u32>) -> Result<Outcome, Failure> {
        let (current, conv) = {
            let known = self.shared.lock();
            let current = known.roster.current;
            (current, current.and_then(|talk| known.roster.conv_of(talk)))
        };
        let Some(conv) = conv else {
            return match current {
                None => senseless("history of what? /chat NAME or /chat #GROUP chooses".to_owned()),
                Some(_) => senseless("nothing was said there yet".to_owned()),
            };
        };
        let before = self.history_before.get(&conv).copied();
        let limit = count.unwrap_or(HISTORY_DEFAULT);
        let request = Request::History(History { conv, after: None, before, limit });
        let page = self.ask(request, picks!(History))?;
        let begins = page.messages.first().is_none_or(|oldest| oldest.seq <= page.first);
        if let Some(oldest) = page.messages.first() {
            self.history_before.insert(conv, oldest.seq);
        }
        Ok(TalkingOutcome::History { messages: page.messages, begins }.into())
    }
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
