//! Receipts: who learns how far somebody got.
//!
//! What ACK and READ move is gathered, stored and told a moment later, once for each user and conversation however often it
//! moved: [`Service::tell_receipts`] is called a few times a second. It is stored first: who comes in between over another
//! node finds it in the store, or hears of it. A receipt is a hint as every push is: whoever misses one learns more from
//! the next, or asks RECEIPTS.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::policy::{PairAct, between};
use domain::{Conversation, ConversationId, ConversationKind, Progress, Seq, StoreResult, UserId};
use parking_lot::Mutex;
use protocol::limits::{RECEIPTS_MEMBERS_MAX, RECEIPTS_SEQS_MAX};
use protocol::{Code, Push, Receipt, ReceiptCount, ReceiptsList, Refusal};
use quick_cache::sync::Cache;

use crate::cache_numbers::{CacheSnapshot, Lookups};
use crate::caller::{ConnKey, Me};
use crate::conversation;
use crate::friends;
use crate::groups;
use crate::hub::Audience;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;

/// Receipts that wait to be told. One more is told at once, by the thread that brings it.
const WAITING_MAX: usize = 4_096;

/// What is to be told, and what was. Any thread.
pub(crate) struct Receipts {
    waiting: Mutex<HashMap<Key, News>>,
    /// What was told last, of the users and conversations that moved lately: several devices acknowledge the same. Where it
    /// is forgotten something is told twice.
    told: Cache<Key, Progress>,
    told_lookups: Lookups,
    counts: Counts,
}

type Key = (UserId, ConversationId);

/// Something that moved and was not told yet.
#[derive(Clone, Copy)]
struct News {
    progress: Progress,
    kind: ConversationKind,
    source: Source,
}

impl News {
    /// Takes on what came besides.
    fn add(&mut self, news: News) {
        self.progress = self.progress.and(news.progress);
        if self.source != news.source {
            self.source = Source::Several;
        }
    }
}

/// Which connection knows already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    One(ConnKey),
    Several,
}

#[derive(Default)]
struct Counts {
    moved: AtomicU64,
    told: AtomicU64,
}

/// What receipts did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptSnapshot {
    /// Times that ACK or READ moved a cursor.
    pub moved: u64,
    /// Receipts that were pushed, to one user each.
    pub told: u64,
    /// Cursors that moved and wait to be told.
    pub waiting: u64,
}

impl Receipts {
    /// Remembers what was told of at most so many.
    pub(crate) fn new(told_max: usize) -> Receipts {
        Receipts {
            waiting: Mutex::default(),
            told: Cache::new(told_max),
            told_lookups: Lookups::default(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> ReceiptSnapshot {
        ReceiptSnapshot {
            moved: self.counts.moved.load(Ordering::Relaxed),
            told: self.counts.told.load(Ordering::Relaxed),
            waiting: self.waiting.lock().len() as u64,
        }
    }

    /// What is kept of what was told.
    pub(crate) fn told_snapshot(&self) -> CacheSnapshot {
        let told = &self.told;
        self.told_lookups.snapshot("receipts", told.len(), told.weight(), told.capacity())
    }

    fn told_last(&self, key: &Key) -> Progress {
        self.told_lookups.count(self.told.get(key)).unwrap_or_default()
    }
}

/// Notes that the caller got further, to be told at the next occasion.
pub(crate) fn note(
    service: &Service,
    me: Me<'_>,
    conversation: ConversationId,
    kind: ConversationKind,
    progress: Progress,
) {
    let receipts = &service.receipts;
    let key = (me.user(), conversation);
    let told = receipts.told_last(&key);
    if told.and(progress) == told {
        return;
    }
    receipts.counts.moved.fetch_add(1, Ordering::Relaxed);
    let news = News { progress, kind, source: Source::One(me.conn) };
    let mut waiting = receipts.waiting.lock();
    let full = waiting.len() >= WAITING_MAX;
    match waiting.get_mut(&key) {
        Some(kept) => kept.add(news),
        None if full => {
            drop(waiting);
            // Should that fail it is told all the same: it has nowhere to wait.
            let _ = service.cursors.flush(&*service.ports.store);
            tell(service, key, news);
        }
        None => {
            waiting.insert(key, news);
        }
    }
}

/// Stores and tells what moved since the last call. What cannot be stored waits for the next one.
pub(crate) fn tell_all(service: &Service) {
    let receipts = &service.receipts;
    // Taken before it is stored: what moves meanwhile may not be.
    let waiting = std::mem::take(&mut *receipts.waiting.lock());
    if waiting.is_empty() {
        return;
    }
    // It tells of an outage itself.
    if service.cursors.flush(&*service.ports.store).is_err() {
        let mut since = receipts.waiting.lock();
        for (key, news) in waiting {
            since.entry(key).and_modify(|kept| kept.add(news)).or_insert(news);
        }
        return;
    }
    for (key, news) in waiting {
        tell(service, key, news);
    }
}

fn tell(service: &Service, key: Key, news: News) {
    let (user, conversation) = key;
    let receipts = &service.receipts;
    let told = receipts.told_last(&key);
    let now = told.and(news.progress);
    if now == told {
        return;
    }
    receipts.told.insert(key, now);
    let Progress { delivered, read } = news.progress;
    let push =
        Push::Receipt(Receipt { conv: conversation.0, user: user.0, delivered: delivered.0, read: read.0 });
    let hub = &service.ports.hub;
    if read > told.read {
        // What has arrived is each device's own matter; what was read is not unread on any.
        let others = match news.source {
            Source::One(conn) => Audience::OthersOf(user, conn),
            Source::Several => Audience::Users(&[user]),
        };
        hub.push(others, &push);
        receipts.counts.told.fetch_add(1, Ordering::Relaxed);
    }
    if let ConversationKind::Direct { with } = news.kind
        // When the store cannot say, nothing is shown.
        && shows(service, user, with).unwrap_or(false)
    {
        hub.push(Audience::Users(&[with]), &push);
        receipts.counts.told.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether these two see how far each other got: who may say something to somebody sees what became of it.
fn shows(service: &Service, user: UserId, other: UserId) -> StoreResult<bool> {
    Ok(between(PairAct::Say, friends::relation(service, user, other)?).is_ok())
}

/// RECEIPTS. Conversations and messages that do not exist and those that the asker may not read give the same answer.
pub(crate) fn list(
    service: &Service,
    me: Me<'_>,
    request: &protocol::Receipts,
) -> Result<ReceiptsList, Stop> {
    if request.seqs.len() > RECEIPTS_SEQS_MAX {
        let sentence = format!("ask for up to {RECEIPTS_SEQS_MAX} messages at a time");
        return Err(bad_field("seqs", sentence).into());
    }
    let conversation = conversation::of(service, me, request.conv)?;
    let readable = |seq: &u64| Seq(*seq) > conversation.since && Seq(*seq) <= conversation.last;
    if !request.seqs.iter().all(readable) {
        return Err(Stop::refused(Code::NOT_FOUND));
    }
    let others = others(service, me.user(), &conversation)?;
    let reached = reached(service, &conversation, &others)?;
    let everybody = |mark: fn(&Reached) -> Seq| {
        // Where nobody else is, everybody has everything.
        reached.iter().map(mark).min().unwrap_or(conversation.last).min(conversation.last).0
    };
    let counts = request.seqs.iter().map(|seq| count(&reached, Seq(*seq)));
    Ok(ReceiptsList {
        conv: conversation.id.0,
        delivered: everybody(|one| one.progress.delivered.max(one.since)),
        read: everybody(|one| one.progress.read.max(one.since)),
        counts: counts.collect(),
    })
}

/// One of the others of a conversation.
struct Reached {
    /// They read what comes after it.
    since: Seq,
    progress: Progress,
}

fn count(reached: &[Reached], seq: Seq) -> ReceiptCount {
    let of = |has: fn(&Reached) -> Seq| {
        let having = reached.iter().filter(|one| one.since < seq && has(one) >= seq).count();
        u32::try_from(having).unwrap_or(u32::MAX)
    };
    ReceiptCount {
        seq: seq.0,
        of: of(|_| Seq(u64::MAX)),
        delivered: of(|one| one.progress.delivered),
        read: of(|one| one.progress.read),
    }
}

/// The others of a conversation, if the asker may know how far they got, each with where they begin.
fn others(service: &Service, user: UserId, conversation: &Conversation) -> Result<Vec<(UserId, Seq)>, Stop> {
    match conversation.kind {
        ConversationKind::Direct { with } => {
            between(PairAct::Say, friends::relation_now(service, user, with)?)?;
            Ok(vec![(with, Seq(0))])
        }
        ConversationKind::Group => {
            let roster = groups::roster(service, conversation.id.group())?;
            let roster = roster.ok_or_else(|| Stop::refused(Code::NOT_FOUND))?;
            if roster.members().len() > RECEIPTS_MEMBERS_MAX {
                let sentence =
                    format!("receipts are counted in groups of up to {RECEIPTS_MEMBERS_MAX} members");
                return Err(Refusal::saying(Code::NOT_ALLOWED, sentence).into());
            }
            Ok(roster.since().filter(|(member, _)| *member != user).collect())
        }
    }
}

/// How far these got: what is stored, and what waits here to be.
fn reached(
    service: &Service,
    conversation: &Conversation,
    others: &[(UserId, Seq)],
) -> StoreResult<Vec<Reached>> {
    // What waits, first: what is stored in between is seen twice, and never missed.
    let waiting: Vec<Progress> =
        others.iter().map(|(user, _)| service.cursors.waiting_at(*user, conversation.id)).collect();
    let users: Vec<UserId> = others.iter().map(|(user, _)| *user).collect();
    let stored: HashMap<UserId, Progress> = service
        .ports
        .store
        .cursors(conversation.id, &users)?
        .into_iter()
        .map(|cursor| (cursor.user, cursor.progress))
        .collect();
    let reached = others.iter().zip(waiting).map(|(&(user, since), waiting)| Reached {
        since,
        progress: stored.get(&user).copied().unwrap_or_default().and(waiting),
    });
    Ok(reached.collect())
}
