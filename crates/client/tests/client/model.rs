//! A server of the model kind: conversations in memory, one user, no time.

use std::collections::{BTreeMap, HashMap};

use protocol::{
    Change, Changed, ChangesPage, ChatMessage, Code, Conversation, ConversationKind, ConversationsPage,
    HelloReply, Hidden, HiddenMessages, HiddenPage, HistoryPage, MessageKind, Nothing, Notice, NoticeKind,
    NoticesPage, ReceiptsList, Refusal, Reply, Request, Secret, Sent, SignedIn,
};

pub(crate) const ME: u64 = 1;
pub(crate) const TOKEN: &str = "token-of-me";

/// What the server knows.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) logs: BTreeMap<u64, Vec<ChatMessage>>,
    /// Conversation → first seq that ME may read.
    pub(crate) first: HashMap<u64, u64>,
    pub(crate) acked: HashMap<u64, u64>,
    pub(crate) read: HashMap<u64, u64>,
    /// How far the other user of every conversation got.
    pub(crate) theirs: (u64, u64),
    pub(crate) session_over: bool,
    pub(crate) page_max: u32,
    pub(crate) pipeline_max: u32,
    pub(crate) heartbeat_ms: u64,
    /// What concerned ME, and how far it was acknowledged.
    pub(crate) notices: Vec<Notice>,
    pub(crate) notices_acked: u64,
    /// The next bundle says so of the friends.
    pub(crate) friends_unchanged: bool,
    /// Which log it is.
    pub(crate) epoch: String,
    /// Conversation → where the last restore put it back to.
    pub(crate) restored: HashMap<u64, u64>,
    /// Conversation → position → seq: each message that was changed once, and the newest position.
    pub(crate) feeds: HashMap<u64, (BTreeMap<u64, u64>, u64)>,
    /// What ME hid.
    pub(crate) hidden: Vec<Hidden>,
    ids: HashMap<String, Sent>,
}

impl Model {
    pub(crate) fn new() -> Model {
        Model { page_max: 200, pipeline_max: 64, heartbeat_ms: 12_000, ..Model::default() }
    }

    /// Somebody says something.
    pub(crate) fn say(&mut self, conv: u64, from: u64, msg: &str) -> ChatMessage {
        let log = self.logs.entry(conv).or_default();
        let seq = log.len() as u64 + 1;
        let message = ChatMessage {
            conv,
            seq,
            from,
            name: format!("user{from}"),
            client_msg_id: format!("{conv}-{seq}"),
            time: 1_000 + seq,
            kind: MessageKind::Text,
            msg: msg.to_owned(),
            ..ChatMessage::default()
        };
        log.push(message.clone());
        message
    }

    /// A message is edited.
    pub(crate) fn edit(&mut self, conv: u64, seq: u64, msg: &str) -> Changed {
        let (feed, last) = self.feeds.entry(conv).or_default();
        *last += 1;
        feed.retain(|_, changed| *changed != seq);
        feed.insert(*last, seq);
        let log = self.logs.get_mut(&conv).expect("a conversation");
        let message = &mut log[seq as usize - 1];
        (message.msg, message.edited) = (msg.to_owned(), 2_000 + *last);
        Changed { conv, position: *last, message: message.clone() }
    }

    /// ME hides a message, by another device.
    pub(crate) fn hide(&mut self, conv: u64, seq: u64) -> Hidden {
        let hidden = Hidden { position: self.hidden.len() as u64 + 1, conv, seq };
        self.hidden.push(hidden);
        hidden
    }

    /// As ME gets it.
    fn given(&self, message: &ChatMessage) -> ChatMessage {
        let mut message = message.clone();
        if self.hidden.iter().any(|hidden| (hidden.conv, hidden.seq) == (message.conv, message.seq)) {
            message.hide();
        }
        message
    }

    fn last_change(&self, conv: u64) -> u64 {
        self.feeds.get(&conv).map_or(0, |(_, last)| *last)
    }

    /// Something concerns ME.
    pub(crate) fn note(&mut self) -> Notice {
        let notice = Notice {
            seq: self.notices.len() as u64 + 1,
            time: 1_000,
            kind: NoticeKind::FriendRefused,
            by: 2,
            name: "user2".into(),
            groupid: None,
            groupname: None,
            role: None,
            until: None,
        };
        self.notices.push(notice.clone());
        notice
    }

    pub(crate) fn last(&self, conv: u64) -> u64 {
        self.logs.get(&conv).map_or(0, |log| log.len() as u64)
    }

    pub(crate) fn entry(&self, conv: u64) -> Conversation {
        Conversation {
            conv,
            kind: ConversationKind::Direct,
            with: conv,
            first: self.first_of(conv),
            last: self.last(conv).max(self.first_of(conv) - 1),
            acked: self.acked.get(&conv).copied().unwrap_or(0),
            restored: self.restored.get(&conv).copied().unwrap_or(0),
            read: self.read.get(&conv).copied().unwrap_or(0),
            last_change: self.last_change(conv),
        }
    }

    pub(crate) fn hello(&self) -> HelloReply {
        HelloReply {
            version: 1,
            server: "model/1".into(),
            node: "node-1".into(),
            time: 1,
            heartbeat_ms: self.heartbeat_ms,
            frame_bytes_max: 1 << 20,
            text_bytes_max: 1 << 16,
            pipeline_max: self.pipeline_max,
            page_max: self.page_max,
        }
    }

    pub(crate) fn bundle(&self, token: Option<&str>) -> SignedIn {
        SignedIn {
            id: ME,
            name: "me".into(),
            session: 7,
            token: token.map(Secret::new),
            epoch: self.epoch.clone(),
            notices_last: self.notices.len() as u64,
            notices_acked: self.notices_acked,
            friends_unchanged: self.friends_unchanged,
            hidden_last: self.hidden.len() as u64,
            ..SignedIn::default()
        }
    }

    /// A user's id is the number of the conversation with them.
    pub(crate) fn answer(&mut self, request: &Request) -> Result<Reply, Refusal> {
        Ok(match request {
            Request::Hello(_) => Reply::Hello(self.hello()),
            Request::Login(_) => {
                self.session_over = false;
                Reply::Login(self.bundle(Some(TOKEN)))
            }
            Request::Resume(resume) if resume.token.expose() != TOKEN || self.session_over => {
                return Err(Refusal::new(Code::SESSION_ENDED));
            }
            Request::Resume(_) => Reply::Resume(self.bundle(None)),
            Request::Refresh(_) => Reply::Refresh(self.bundle(None)),
            Request::Ping(_) => Reply::Ping(Nothing {}),
            Request::LogOut(_) => Reply::LogOut(Nothing {}),
            Request::OneChat(chat) => Reply::OneChat(self.store(chat.to, &chat.msg, &chat.client_msg_id)),
            Request::GroupChat(chat) => {
                Reply::GroupChat(self.store(chat.groupid, &chat.msg, &chat.client_msg_id))
            }
            Request::Ack(ack) => {
                let acked = self.acked.entry(ack.conv).or_insert(0);
                *acked = (*acked).max(ack.seq);
                Reply::Ack(Nothing {})
            }
            Request::Read(read) => {
                let kept = self.read.entry(read.conv).or_insert(0);
                *kept = (*kept).max(read.seq);
                Reply::Read(Nothing {})
            }
            Request::Receipts(receipts) => {
                let (delivered, read) = self.theirs;
                Reply::Receipts(ReceiptsList { conv: receipts.conv, delivered, read, counts: vec![] })
            }
            Request::Notices(page) => {
                let limit = if page.limit == 0 { self.page_max } else { page.limit.min(self.page_max) };
                let rest = self.notices.iter().skip(page.after as usize);
                let notices: Vec<Notice> = rest.take(limit as usize).cloned().collect();
                let last = self.notices.len() as u64;
                let next = notices.last().map(|notice| notice.seq).filter(|seq| *seq < last).unwrap_or(0);
                Reply::Notices(NoticesPage { notices, next, last })
            }
            Request::Hide(hide) => {
                let hidden = hide.seqs.iter().map(|seq| self.hide(hide.conv, *seq)).collect();
                Reply::Hide(HiddenMessages { hidden })
            }
            Request::Hidden(page) => {
                let limit = if page.limit == 0 { self.page_max } else { page.limit.min(self.page_max) };
                let rest = self.hidden.iter().skip(page.after as usize);
                let hidden: Vec<Hidden> = rest.take(limit as usize).copied().collect();
                let last = self.hidden.len() as u64;
                let next = hidden.last().map(|entry| entry.position).filter(|at| *at < last).unwrap_or(0);
                Reply::Hidden(HiddenPage { hidden, next })
            }
            Request::AckNotices(ack) => {
                self.notices_acked = self.notices_acked.max(ack.seq);
                Reply::AckNotices(Nothing {})
            }
            Request::Conversations(page) => {
                let limit =
                    if page.limit == 0 { self.page_max } else { page.limit.min(self.page_max) } as usize;
                let readable = self.logs.keys().filter(|conv| self.last(**conv) >= self.first_of(**conv));
                let after: Vec<u64> = readable.copied().filter(|conv| *conv > page.after).collect();
                let convs: Vec<Conversation> =
                    after.iter().take(limit).map(|conv| self.entry(*conv)).collect();
                let next = if after.len() > limit { after[limit - 1] } else { 0 };
                Reply::Conversations(ConversationsPage { convs, next })
            }
            Request::Changes(changes) => {
                let conv = changes.conv;
                let log = self.logs.get(&conv).ok_or_else(|| Refusal::new(Code::NOT_FOUND))?;
                let (feed, last) = self.feeds.get(&conv).cloned().unwrap_or_default();
                let limit = if changes.limit == 0 { self.page_max } else { changes.limit.min(self.page_max) };
                let page = feed.range(changes.after + 1..).take(limit as usize);
                let changes: Vec<Change> = page
                    .map(|(position, seq)| Change {
                        position: *position,
                        message: self.given(&log[*seq as usize - 1]),
                    })
                    .collect();
                let newest = changes.last().map_or(last, |change| change.position);
                let next = if newest == last { 0 } else { newest };
                Reply::Changes(ChangesPage { conv, changes, next, last })
            }
            Request::Recall(message) => Reply::Recall(self.edit(message.conv, message.seq, "")),
            Request::History(history) => {
                let Some(log) = self.logs.get(&history.conv) else {
                    return Err(Refusal::new(Code::NOT_FOUND));
                };
                let first = self.first_of(history.conv);
                let from = history.after.unwrap_or(0).max(first - 1) as usize;
                let limit = if history.limit == 0 { self.page_max } else { history.limit.min(self.page_max) };
                let messages =
                    log.iter().skip(from).take(limit as usize).map(|message| self.given(message)).collect();
                Reply::History(HistoryPage { conv: history.conv, messages, first, last: log.len() as u64 })
            }
            _ => return Err(Refusal::new(Code::NOT_ALLOWED)),
        })
    }

    fn store(&mut self, conv: u64, msg: &str, id: &str) -> Sent {
        if let Some(sent) = self.ids.get(id) {
            return *sent;
        }
        let message = self.say(conv, ME, msg);
        let sent = Sent { conv, seq: message.seq, time: message.time };
        self.ids.insert(id.to_owned(), sent);
        sent
    }

    fn first_of(&self, conv: u64) -> u64 {
        self.first.get(&conv).copied().unwrap_or(1)
    }
}
