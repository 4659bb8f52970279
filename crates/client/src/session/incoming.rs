//! What the session hears.

use std::time::{Duration, Instant};

use bytes::Buf;
use protocol::{
    Blame, Bye, Changed, ChatMessage, Code, FrameError, GroupChat, GroupEvent, GroupEventKind, Incoming,
    MessageError, OneChat, Push, Receipt, Refusal, Reply, Request, Sent, SignedIn, decode,
};
use rand::Rng;

use super::{Answer, Farewell, Fate, Identity, Phase, Session};
use crate::error::ClientError;
use crate::event::{Arrival, Event, SessionEnd, SignInKind};
use crate::limits;
use crate::reading::{Course, Who};
use crate::requests::{Job, Purpose};
use crate::sync_state::SyncState;
use crate::timelines::{Around, Ask, Log, retry_wait};

impl Session {
    /// Bytes have come from the connection.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) {
        if !self.is_connected() {
            return;
        }
        self.heard_at = now;
        self.input.extend_from_slice(bytes);
        while self.is_connected() {
            match self.next_message() {
                Ok(None) => break,
                Ok(Some(Incoming::Push(push))) => self.push(push, now),
                Ok(Some(Incoming::Reply { rid, result })) => {
                    self.reply(rid, result.map_err(Trouble::Refused), now)
                }
                Err(Unreadable::Stream(error)) => {
                    return self.lose(&format!("the server does not speak this protocol: {error}"), now);
                }
                Err(Unreadable::Reply { rid, error }) => {
                    self.reply(rid, Err(Trouble::Unreadable(error)), now)
                }
                Err(Unreadable::Push(error)) => log::warn!("a push is passed over: {error}"),
            }
        }
        if self.bye.is_some() && self.requests.in_flight() == 0 {
            // Nothing more is owed by either side.
            self.lose("the server said goodbye", now);
        }
        self.pump(now);
    }

    /// Cuts the next message off the input.
    fn next_message(&mut self) -> Result<Option<Incoming>, Unreadable> {
        let announced = self.hello.frame_bytes_max.min(limits::FRAME_BYTES_ANNOUNCED_MAX);
        let max = announced.max(limits::FRAME_BYTES_MAX);
        let Some((frame, len)) = decode(&self.input, max).map_err(Unreadable::Stream)? else {
            if self.input.is_empty() {
                // An idle connection holds no buffer.
                self.input = bytes::BytesMut::new();
            }
            return Ok(None);
        };
        let message = Incoming::from_frame(&frame).map_err(|error| {
            match frame.header.flags.contains(protocol::Flags::REPLY) {
                true => Unreadable::Reply { rid: frame.header.rid, error },
                false => Unreadable::Push(error),
            }
        });
        self.input.advance(len);
        message.map(Some)
    }

    fn push(&mut self, push: Push, now: Instant) {
        match push {
            Push::Ping(_) => self.ping(now),
            Push::Bye(bye) => self.said_bye(bye, now),
            Push::Resync(resync) => {
                if self.phase == Phase::User {
                    self.resync.said(resync.within_ms, self.random.next_u64(), now);
                }
            }
            Push::Message(message) => {
                // One that overtakes the answer to the sign-in is found by the comparison that follows it: until then the
                // application does not know whose it is.
                if self.phase == Phase::User {
                    self.take_message(message, now);
                }
            }
            Push::Receipt(receipt) => {
                if let Some(me) = &self.identity {
                    let of = if receipt.user == me.user { Who::Oneself } else { Who::Other };
                    self.readings.receipt(&receipt, of);
                    if of == Who::Oneself {
                        self.reads.confirmed(receipt.conv, receipt.read, now);
                    }
                    self.events.notice(Event::Receipt(receipt));
                }
            }
            Push::QuietChanged(change) => {
                if self.phase == Phase::User {
                    let is_news = self.quiets.changed(&change);
                    self.tell_quiet(is_news);
                }
            }
            Push::Changed(changed) => {
                // As for a message.
                if self.phase == Phase::User {
                    self.take_changed(changed, now);
                }
            }
            Push::HiddenMessages(hidden) => {
                if self.phase == Phase::User {
                    self.hides.pushed(&hidden.hidden, &self.timelines, &mut self.events);
                }
            }
            Push::Typing(typing) => {
                if self.phase == Phase::User {
                    self.events.hint(Event::Typing(typing));
                }
            }
            Push::FriendEvent(event) => self.events.notice(Event::Friend(event)),
            Push::Presence(presence) => self.events.notice(Event::Presence(presence)),
            Push::FriendChanged(change) => self.events.notice(Event::FriendChanged(change)),
            Push::GroupEvent(event) => self.take_group_event(event, now),
            Push::Notice(notice) => {
                if self.phase == Phase::User {
                    self.notices.pushed(notice, &mut self.events);
                }
            }
            Push::Broadcast(broadcast) => {
                if self.phase == Phase::User {
                    self.broadcasts.pushed(broadcast, &mut self.events);
                }
            }
            Push::GroupRequestEvent(event) => self.events.notice(Event::GroupRequest(event)),
        }
    }

    /// The server will close. What it was asked before may still be answered, so the connection stays until then.
    fn said_bye(&mut self, bye: Bye, now: Instant) {
        let code = Code(bye.errcode);
        let why = if bye.errmsg.is_empty() { code.text().to_owned() } else { bye.errmsg };
        let fate = match code.blame() {
            Blame::Session if code == Code::SESSION_ENDED && self.identity.is_some() => {
                Fate::End(SessionEnd::ByServer(why.clone()))
            }
            Blame::Session if self.identity.is_none() => Fate::Rest,
            Blame::Client => Fate::Rest,
            Blame::Session | Blame::Nobody | Blame::Refused | Blame::Busy | Blame::Server => Fate::Retry,
        };
        let wait_ms = u64::from(bye.retry_after_ms).min(limits::RETRY_AFTER_MS_MAX);
        let give_up_at = now + Duration::from_millis(limits::BYE_TIMEOUT_MS);
        let retry_after = Duration::from_millis(wait_ms);
        let going_away = code == Code::GOING_AWAY;
        self.bye = Some(Farewell { why, fate, going_away, retry_after, give_up_at });
    }

    fn reply(&mut self, rid: u32, result: Result<Reply, Trouble>, now: Instant) {
        let Some(job) = self.requests.answered(rid) else {
            log::warn!("an answer to request {rid}, which does not wait for one");
            return;
        };
        let result = result.and_then(|reply| match reply.msgid() == job.request.msgid().reply() {
            true => Ok(reply),
            false => Err(Trouble::Other(reply.msgid().name())),
        });
        match job.purpose {
            Purpose::Hello => self.greeted(result, now),
            Purpose::Resume => self.resumed(result, now),
            Purpose::Refresh => self.refreshed(result, now),
            Purpose::Ping | Purpose::Typing => {}
            Purpose::Ack { conv } => match result {
                Err(Trouble::Refused(refusal)) if refusal.code.blame() == Blame::Busy => {
                    self.acks.failed(conv, now);
                }
                // Anything else, such as a group that was left, will not be better next time.
                Ok(_) | Err(_) => {}
            },
            Purpose::Read { conv } => match result {
                Err(Trouble::Refused(refusal)) if refusal.code.blame() == Blame::Busy => {
                    self.reads.failed(conv, now);
                }
                // As above.
                Ok(_) | Err(_) => {}
            },
            Purpose::Sync(ask) => self.synced(ask, result, now),
            Purpose::Entry { conv } => self.entry_told(conv, result, now),
            Purpose::Changes { conv } => {
                let result = match result {
                    Ok(Reply::Changes(page)) if page.conv == conv => Ok(page),
                    Err(Trouble::Refused(refusal)) => Err(refusal),
                    // Asked again, as after a fault of the server.
                    Ok(_) => Err(Refusal::saying(Code::INTERNAL, "the answer is of another conversation")),
                    Err(trouble) => Err(Refusal::saying(Code::INTERNAL, trouble.to_string())),
                };
                if let Err(refusal) = &result {
                    log::warn!("the changes of conversation {conv} were not given: {refusal}");
                }
                self.feeds.answered(conv, result, &self.timelines, &mut self.events, now);
            }
            Purpose::Hidden => match result {
                Ok(Reply::Hidden(page)) => self.hides.page(page, &self.timelines, &mut self.events),
                Ok(_) | Err(_) => self.hides.refused(now),
            },
            Purpose::Notices => match result {
                Ok(Reply::Notices(page)) => self.notices.page(page, &mut self.events),
                Ok(_) | Err(_) => self.notices.refused(now),
            },
            Purpose::Quiet => match result {
                Ok(Reply::Quiet(list)) => {
                    let is_news = self.quiets.told(list);
                    self.tell_quiet(is_news);
                }
                Err(Trouble::Refused(refusal))
                    if matches!(refusal.code.blame(), Blame::Busy | Blame::Server | Blame::Session) =>
                {
                    self.quiets.refused(Some(now + retry_wait(1, &refusal)));
                }
                // A server that does not know of it, maybe.
                Ok(_) | Err(_) => self.quiets.refused(None),
            },
            Purpose::AckNotices => self.notices.acknowledged(result.is_ok(), now),
            Purpose::Broadcasts => match result {
                Ok(Reply::Broadcasts(page)) => self.broadcasts.page(page, &mut self.events),
                Ok(_) | Err(_) => self.broadcasts.refused(now),
            },
            Purpose::AckBroadcasts => self.broadcasts.acknowledged(result.is_ok(), now),
            Purpose::Call(_) | Purpose::Abandoned => self.called(job, result, now),
        }
    }

    fn greeted(&mut self, result: Result<Reply, Trouble>, now: Instant) {
        match result {
            Ok(Reply::Hello(hello)) => {
                self.hello = hello.clone();
                self.events.notice(Event::Connected(hello));
                self.resume_or_guest(now);
            }
            Ok(_) => self.lose("the server did not answer HELLO", now),
            Err(trouble) => self.give_way(&trouble, now),
        }
    }

    fn resumed(&mut self, result: Result<Reply, Trouble>, now: Instant) {
        match result {
            Ok(Reply::Resume(bundle)) => self.signed_in(SignInKind::Resume, bundle),
            Ok(_) => self.lose("the server did not answer RESUME", now),
            Err(Trouble::Refused(refusal)) => match refusal.code.blame() {
                Blame::Busy | Blame::Server => self.give_way(&Trouble::Refused(refusal), now),
                Blame::Session | Blame::Refused | Blame::Client | Blame::Nobody => {
                    self.phase = Phase::Guest { since: now };
                    self.end_session(SessionEnd::TokenRefused(refusal));
                }
            },
            Err(trouble) => self.give_way(&trouble, now),
        }
    }

    fn refreshed(&mut self, result: Result<Reply, Trouble>, now: Instant) {
        self.resync.answered();
        if self.phase != Phase::User {
            // The session ended meanwhile.
            return;
        }
        match result {
            Ok(Reply::Refresh(bundle)) => self.signed_in(SignInKind::Refresh, bundle),
            Ok(_) => self.lose("the server did not answer REFRESH", now),
            Err(Trouble::Refused(refusal)) => match refusal.code.blame() {
                Blame::Busy | Blame::Server => {
                    let wait_ms = refusal.body.retry_after_ms.unwrap_or(0).min(limits::RETRY_AFTER_MS_MAX);
                    self.resync.put_off(Duration::from_millis(wait_ms), now);
                }
                Blame::Session => self.speaks_for_nobody(&refusal, now),
                // The next sign-in tells what this did not.
                Blame::Refused | Blame::Client | Blame::Nobody => {
                    log::warn!("REFRESH was refused: {refusal}")
                }
            },
            Err(trouble) => self.lose(&trouble.to_string(), now),
        }
    }

    /// The connection stays, but for nobody.
    fn speaks_for_nobody(&mut self, refusal: &Refusal, now: Instant) {
        self.phase = Phase::Guest { since: now };
        self.end_session(SessionEnd::ByServer(refusal.to_string()));
    }

    /// Ends a connection on which HELLO or RESUME failed.
    fn give_way(&mut self, trouble: &Trouble, now: Instant) {
        if let Trouble::Refused(refusal) = trouble {
            let fate = match refusal.code.blame() {
                Blame::Busy | Blame::Server => Fate::Retry,
                Blame::Client | Blame::Session | Blame::Refused | Blame::Nobody => Fate::Rest,
            };
            let wait_ms = refusal.body.retry_after_ms.unwrap_or(0).min(limits::RETRY_AFTER_MS_MAX);
            let retry_after = Duration::from_millis(wait_ms);
            self.bye = Some(Farewell {
                why: refusal.to_string(),
                fate,
                going_away: false,
                retry_after,
                give_up_at: now,
            });
        }
        self.lose(&trouble.to_string(), now);
    }

    fn signed_in(&mut self, how: SignInKind, bundle: SignedIn) {
        let saved = self.saved.take().filter(|saved| saved.user == bundle.id);
        let state = saved.unwrap_or_else(|| SyncState { user: bundle.id, ..SyncState::default() });
        self.adopt_timelines(&state);
        let token = bundle.token.clone().or_else(|| self.identity.take().and_then(|me| me.token));
        self.identity =
            Some(Identity { user: bundle.id, name: bundle.name.clone(), session: bundle.session, token });
        self.phase = Phase::User;
        self.backoff.reset();
        let log = self.compare_epoch(&bundle.epoch);
        match log {
            Log::Same => {
                self.notices.signed_in(bundle.notices_last, bundle.notices_acked);
                self.broadcasts.signed_in(bundle.broadcasts_last, bundle.broadcasts_acked);
                self.hides.signed_in(bundle.hidden_last);
            }
            Log::Other => {
                self.notices.restored(bundle.notices_last, bundle.notices_acked);
                self.broadcasts.restored(bundle.broadcasts_last, bundle.broadcasts_acked);
                self.hides.restored(bundle.hidden_last);
                self.events.forget_hidden();
            }
        }
        self.lists = self.lists.take().and_then(|held| held.after(&bundle));
        let quiet_version = bundle.quiet_version;
        let bundle = Box::new(SignedIn { token: None, ..bundle });
        self.events.notice(Event::SignedIn { how, bundle });
        if log == Log::Other {
            self.events.insist(Event::Restored);
            // What was read of what was taken back was not.
            self.readings.clear();
            self.reads.clear();
            self.quiets.clear();
        }
        let is_news = self.quiets.signed_in(quiet_version);
        self.tell_quiet(is_news);
        self.readings.begin_sync();
        self.timelines.begin_sync(log, &mut self.events);
        self.feeds.begin_sync(log, &mut self.events);
    }

    /// Whether the server's log is the one that this client's cursors are of. Another one becomes theirs when all are
    /// compared: who dies before does it again.
    fn compare_epoch(&mut self, epoch: &str) -> Log {
        self.next_epoch = None;
        match &self.epoch {
            // An older server has none.
            _ if epoch.is_empty() => Log::Same,
            Some(known) if known != epoch => {
                log::warn!("the server was restored from a backup: its log is another one");
                self.next_epoch = Some(epoch.to_owned());
                Log::Other
            }
            _ => {
                self.epoch = Some(epoch.to_owned());
                Log::Same
            }
        }
    }

    fn synced(&mut self, ask: Ask, result: Result<Reply, Trouble>, now: Instant) {
        let result = result.map_err(|trouble| match trouble {
            Trouble::Refused(refusal) => refusal,
            // Asked again, as after a fault of the server.
            trouble => Refusal::saying(Code::INTERNAL, trouble.to_string()),
        });
        if let Err(refusal) = &result {
            log::warn!("{ask:?} was not answered: {refusal}");
        }
        match &result {
            Ok(Reply::Conversations(page)) => {
                page.convs.iter().for_each(|conv| self.learn_around(conv, now));
            }
            Ok(Reply::History(page)) => {
                page.messages.iter().for_each(|message| self.note_said(message, now));
            }
            _ => {}
        }
        let around = &mut Around { events: &mut self.events, acks: &mut self.acks, now };
        match (ask, result) {
            (Ask::Conversations { after }, Ok(Reply::Conversations(page))) => {
                self.timelines.conversations(after, Ok(page), around);
                if self.timelines.is_compared()
                    && let Some(epoch) = self.next_epoch.take()
                {
                    self.epoch = Some(epoch);
                }
            }
            (Ask::Conversations { after }, Err(refusal)) => {
                self.timelines.conversations(after, Err(refusal), around);
            }
            (Ask::Locate { conv }, Ok(Reply::Conversations(page))) => {
                self.timelines.located(conv, Ok(page), around);
                self.follow_changes(conv, now);
            }
            (Ask::Locate { conv }, Err(refusal)) => {
                self.timelines.located(conv, Err(refusal), around);
                self.follow_changes(conv, now);
            }
            (Ask::History { conv, after, limit }, Ok(Reply::History(page))) => {
                self.timelines.history((conv, after, limit), Ok(page), around);
            }
            (Ask::History { conv, after, limit }, Err(refusal)) => {
                self.timelines.history((conv, after, limit), Err(refusal), around);
            }
            (Ask::Conversations { .. } | Ask::Locate { .. } | Ask::History { .. }, Ok(_)) => {
                // The type of a reply was compared with its request before.
            }
        }
    }

    fn entry_told(&mut self, conv: u64, result: Result<Reply, Trouble>, now: Instant) {
        if !self.entries.answered(conv) {
            return;
        }
        match result {
            Ok(Reply::Conversations(page)) => {
                // The page begins with another one if the user is not in this one any more.
                if let Some(entry) = page.convs.first().filter(|entry| entry.conv == conv) {
                    self.learn_entry(entry, now);
                }
                self.entries.learnt(conv);
            }
            Err(Trouble::Refused(refusal))
                if matches!(refusal.code.blame(), Blame::Busy | Blame::Server | Blame::Session) =>
            {
                self.entries.put_off(conv, retry_wait(1, &refusal), now);
            }
            Ok(_) | Err(_) => self.entries.learnt(conv),
        }
    }

    fn called(&mut self, job: Job, result: Result<Reply, Trouble>, now: Instant) {
        match &result {
            Ok(reply) => self.took_effect(&job.request, reply, now),
            Err(Trouble::Refused(refusal)) => {
                let busy = refusal.code.blame() == Blame::Busy && is_chat(&job.request);
                if busy && job.busy < limits::BUSY_RETRIES_MAX && job.purpose != Purpose::Abandoned {
                    let wait_ms = refusal.body.retry_after_ms.unwrap_or(limits::BUSY_WAIT_MS);
                    let wait = Duration::from_millis(wait_ms.clamp(1, limits::BUSY_WAIT_MS_MAX));
                    return self.requests.delay(job, now + wait);
                }
                if refusal.code == Code::SESSION_ENDED && self.phase == Phase::User {
                    self.speaks_for_nobody(refusal, now);
                }
            }
            Err(_) => {}
        }
        if let Purpose::Call(call) = job.purpose {
            let request = job.request.msgid().name();
            let result = result.map_err(|trouble| match trouble {
                Trouble::Refused(refusal) => ClientError::Refused(refusal),
                trouble => ClientError::BadAnswer { request, why: trouble.to_string() },
            });
            self.answers.push_back(Answer { call, result });
        }
    }

    /// What an own request that was done changes here.
    fn took_effect(&mut self, request: &Request, reply: &Reply, now: Instant) {
        match (request, reply) {
            (_, Reply::Refresh(bundle)) => self.signed_in(SignInKind::Refresh, bundle.clone()),
            (_, Reply::Login(bundle)) => self.signed_in(SignInKind::Login, bundle.clone()),
            (Request::Resume(resume), Reply::Resume(bundle)) => {
                let bundle = SignedIn { token: Some(resume.token.clone()), ..bundle.clone() };
                self.signed_in(SignInKind::Resume, bundle);
            }
            (Request::OneChat(chat), Reply::OneChat(sent)) => {
                let OneChat { msg, client_msg_id, reply_to, mentions, .. } = chat.clone();
                let own = ChatMessage { msg, client_msg_id, reply_to, mentions, ..ChatMessage::default() };
                self.take_own(own, *sent, now);
            }
            (Request::GroupChat(chat), Reply::GroupChat(sent)) => {
                let GroupChat { msg, client_msg_id, reply_to, mentions, .. } = chat.clone();
                let own = ChatMessage { msg, client_msg_id, reply_to, mentions, ..ChatMessage::default() };
                self.take_own(own, *sent, now);
            }
            (_, Reply::CreateGroup(joined)) => self.learn_entry(&joined.conv, now),
            (_, Reply::JoinGroup(answer) | Reply::AnswerInvitation(answer)) => {
                if let Some(conv) = &answer.conv {
                    self.learn_entry(conv, now);
                }
            }
            (_, Reply::Recall(changed) | Reply::EditMessage(changed)) => {
                self.take_changed(changed.clone(), now);
            }
            (_, Reply::Hide(hidden)) => {
                self.hides.pushed(&hidden.hidden, &self.timelines, &mut self.events);
            }
            (_, Reply::LogOut(_) | Reply::DeleteAccount(_)) => self.logged_out(now),
            (_, Reply::SetQuiet(change)) => {
                let is_news = self.quiets.answered(change);
                self.tell_quiet(is_news);
            }
            (_, Reply::Receipts(list)) => {
                let (user, of) = (0, Who::Other);
                let receipt = Receipt { conv: list.conv, user, delivered: list.delivered, read: list.read };
                self.readings.receipt(&receipt, of);
            }
            (Request::EndSession(ended), Reply::EndSession(_))
                if self.identity.as_ref().is_some_and(|me| me.session == ended.session) =>
            {
                self.logged_out(now);
            }
            _ => {}
        }
    }

    fn tell_quiet(&mut self, is_news: bool) {
        if is_news && let Some(quiet) = self.quiets.held() {
            self.events.notice(Event::Quiet(quiet.clone()));
        }
    }

    /// What an entry of CONVERSATIONS says beside the messages.
    fn learn_around(&mut self, conv: &protocol::Conversation, now: Instant) {
        self.entries.learnt(conv.conv);
        self.feeds.learn(conv.conv, conv.last_change, &self.timelines, &mut self.events, now);
        if self.readings.learn(conv) == Course::WentBack {
            // What was read of what was taken back was not.
            self.reads.forget(conv.conv);
        }
        self.reads.learn(conv.conv, conv.read, now);
    }

    fn note_said(&mut self, message: &ChatMessage, now: Instant) {
        let Some(me) = &self.identity else { return };
        let by = if message.from == me.user { Who::Oneself } else { Who::Other };
        if !self.readings.said(message, by) {
            self.entries.want(message.conv, now);
        }
    }

    /// A group that the user came into, by another device or by being let in, begins anew: what is known of an earlier stay
    /// counts no more.
    fn take_group_event(&mut self, event: GroupEvent, now: Instant) {
        let is_own = self.identity.as_ref().is_some_and(|me| me.user == event.id);
        if self.phase == Phase::User && is_own && event.event == GroupEventKind::Joined {
            // A group's conversation has its number.
            self.entries.want(event.groupid, now);
        }
        self.events.notice(Event::Group(event));
    }

    /// A conversation is known now, whatever its entry was.
    fn follow_changes(&mut self, conv: u64, now: Instant) {
        if self.timelines.have(conv).is_some() {
            self.feeds.begin(conv, now);
        }
    }

    /// The entry of one conversation: of a group that the user came into, for example.
    fn learn_entry(&mut self, conv: &protocol::Conversation, now: Instant) {
        self.learn_around(conv, now);
        let around = &mut Around { events: &mut self.events, acks: &mut self.acks, now };
        self.timelines.learn(conv, around);
    }

    fn logged_out(&mut self, now: Instant) {
        self.phase = Phase::Guest { since: now };
        self.end_session(SessionEnd::LoggedOut);
    }

    /// An own message was stored: the server does not push it to this device, but it has its place among the others.
    fn take_own(&mut self, own: ChatMessage, sent: Sent, now: Instant) {
        let Some(me) = &self.identity else { return };
        let (from, name) = (me.user, me.name.clone());
        let message = ChatMessage { conv: sent.conv, seq: sent.seq, time: sent.time, from, name, ..own };
        self.take_message(message, now);
    }

    fn take_message(&mut self, message: ChatMessage, now: Instant) {
        let (conv, is_first) = (message.conv, message.seq == 1);
        self.note_said(&message, now);
        let around = &mut Around { events: &mut self.events, acks: &mut self.acks, now };
        self.timelines.take(message, Arrival::Live, around);
        if is_first {
            self.feeds.begin(conv, now);
        }
    }

    fn take_changed(&mut self, changed: Changed, now: Instant) {
        self.feeds.pushed(changed, &self.timelines, &mut self.events, now);
    }
}

/// What cannot be read, and what it means.
enum Unreadable {
    /// The connection cannot go on.
    Stream(FrameError),
    /// A request has its answer, whatever it is.
    Reply { rid: u32, error: MessageError },
    /// Maybe from a newer server: passed over.
    Push(MessageError),
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Unreadable(MessageError),
    #[error("the answer is a {0}")]
    Other(&'static str),
}

fn is_chat(request: &Request) -> bool {
    matches!(request, Request::OneChat(_) | Request::GroupChat(_))
}
