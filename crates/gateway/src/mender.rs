//! The mender: it reads from the stores what the bus did not bring.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Push, Resync, encode};
use service::domain::{
    ChangePosition, ConversationId, GroupId, Parties, Reach, RosterVersion, Seq, StoreResult, Timestamp,
    Touched, UserId,
};
use service::{Begin, Hub, ReadRoster, Service, Since};

use crate::clock;
use crate::post::Post;
use crate::relay::Outgoing;
use crate::repairs::{Urgency, Work};
use crate::sequencer::{Source, Talk, Want};
use crate::shared::Shared;

/// Messages of one conversation read for its readers at once. If more are missing these are the newest of them; clients
/// see the gap before them and ask for as much of it as they like.
const CATCH_UP_MAX: u64 = 2_000;

/// Times that a conversation is looked at before others have their turn.
const ROUNDS_MAX: usize = 32;

/// How long a sweep waits for others that find the same loss: each knows a time of its own since when it may be, and what
/// is read from too late a time on is passed before what is older.
const SWEEP_AFTER: Duration = Duration::from_millis(300);

/// How long after a loss became known conversations of which nothing was heard yet begin with what may have been lost:
/// publications that waited come late, and in any order.
const UNSURE_FOR: Duration = Duration::from_secs(10);

/// Users whose sessions, groups and conversations are looked at together.
const SWEPT_AT_ONCE: usize = 200;

/// How long a sweep goes on before gaps have their turn.
const SWEEP_TURN: Duration = Duration::from_millis(50);

/// What is told to everybody here after a loss is asked about at this pace: so much time is given for each user.
const RESYNC_EACH_MS: u64 = 2;

/// The least and the most time that they are given together.
const RESYNC_WITHIN_MS_MIN: u64 = 200;
const RESYNC_WITHIN_MS_MAX: u64 = 60_000;

/// By how much a message may be older than its publication: nodes' clocks differ, and a message is stamped before it
/// is stored, which may take several attempts.
const STAMPED_BEFORE_MS: u64 = 15_000;

/// Pauses after the stores refused: doubled from the first to the last.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The mender's thread. Whatever it waits for, nobody waits for it: gaps hold up their own conversation only.
pub(crate) struct Mender {
    shared: Arc<Shared>,
    post: Post,
    /// Conversations that wait for something, and when to see to them.
    waiting: HashMap<Talk, Instant>,
    /// Changes to be read from the log, the newest of each conversation. Bounded as the work list is.
    changes: HashMap<Talk, ChangePosition>,
    sweep: Option<Sweep>,
    missed: Option<Missed>,
    /// What was said since then may not have come, or may still come, until some time has passed.
    unsure: Option<(Timestamp, Instant)>,
    second: bool,
    /// When the work list was taken the last time; until then nothing was dropped from it.
    complete_until: Timestamp,
    pause: Duration,
}

/// A sweep that is due.
#[derive(Clone, Copy)]
struct Missed {
    since: Timestamp,
    due: Instant,
}

/// Looks at everything that users here may have missed since a certain time.
struct Sweep {
    missed_since: Timestamp,
    /// Everybody who was here when it began; who came later read everything at their login. The first are in work.
    users: VecDeque<UserId>,
    /// The time that they are given to ask for what is no message.
    within_ms: u32,
    stage: Stage,
}

enum Stage {
    /// The sessions and groups of the first users.
    Users,
    /// Their conversations after this one, and those of them that are known already.
    Conversations { after: ConversationId, found: VecDeque<Touched> },
}

/// Whether a conversation is done with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mended {
    Yes,
    NotYet,
}

impl Mender {
    pub(crate) fn new(shared: Arc<Shared>, post: Post) -> Mender {
        Mender {
            complete_until: Timestamp(shared.service.now_ms()),
            shared,
            post,
            waiting: HashMap::new(),
            changes: HashMap::new(),
            sweep: None,
            missed: None,
            unsure: None,
            second: false,
            pause: PAUSE_MIN,
        }
    }

    /// Mends until its work list is stopped.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(work) = shared.hub.repairs().take(self.next_due(), self.waiting.len()) {
            self.accept(work);
            match self.work() {
                Ok(()) => self.pause = PAUSE_MIN,
                Err(error) => {
                    shared.counters.mender_retries.add(1);
                    log::warn!("what the bus did not bring cannot be read now, trying again: {error}");
                    if !shared.hub.repairs().pause(clock::read() + self.pause) {
                        return;
                    }
                    self.pause = (self.pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        if self.sweep.is_some() || self.second || !self.changes.is_empty() {
            return Some(clock::read());
        }
        self.waiting.values().copied().chain(self.missed.map(|missed| missed.due)).min()
    }

    fn accept(&mut self, work: Work) {
        let Work { conversations, changes, missed, overflowed, second } = work;
        for (talk, position) in changes {
            let entry = self.changes.entry(talk).or_insert(position);
            *entry = position.max(*entry);
        }
        let lost = overflowed.then_some(self.complete_until);
        self.complete_until = Timestamp(self.shared.service.now_ms());
        if let Some(since) = [missed, lost].into_iter().flatten().min() {
            self.note_missed(since);
        }
        self.second |= second;
        if conversations.is_empty() {
            return;
        }
        let now = clock::read();
        for (talk, urgency) in conversations {
            let due = match urgency {
                Urgency::Now => now,
                Urgency::Soon => now + self.shared.config.gap_grace,
            };
            let entry = self.waiting.entry(talk).or_insert(due);
            *entry = due.min(*entry);
        }
    }

    /// Something that was published since then may be lost.
    fn note_missed(&mut self, since: Timestamp) {
        let now = clock::read();
        let before = self.unsure.filter(|(_, ends)| *ends > now).map(|(since, _)| since);
        self.unsure = Some((before.map_or(since, |before| before.min(since)), now + UNSURE_FOR));
        let mut missed = self.missed.unwrap_or(Missed { since, due: now + SWEEP_AFTER });
        missed.since = missed.since.min(since);
        if let Some(sweep) = self.sweep.take_if(|sweep| sweep.missed_since > since) {
            // It begins anew: this loss began before what it looks at.
            missed.since = missed.since.min(sweep.missed_since);
        }
        self.missed = Some(missed);
    }

    /// What may be lost of a conversation of which nothing was heard yet, as far as that is known.
    fn unsure_since(&self) -> Option<Timestamp> {
        let (since, ends) = self.unsure?;
        (ends > clock::read()).then_some(stamped_since(since))
    }

    /// Does what is due. After an error it goes on where it was.
    fn work(&mut self) -> StoreResult<()> {
        if std::mem::take(&mut self.second) {
            self.second_away()?;
        }
        let shared = Arc::clone(&self.shared);
        while let Some(push) = shared.hub.repairs().first_group_push() {
            // What was read, and not what is kept: by now it may have changed again.
            let roster = self.read_roster(push.group, push.version)?;
            if let Some(roster) = roster.filter(|roster| roster.version() >= push.version) {
                shared.hub.push_to_members(&push, roster.members(), &mut self.post);
                self.post.flush();
            }
            shared.hub.repairs().group_push_done();
        }
        let now = clock::read();
        let due: Vec<_> =
            self.waiting.iter().filter(|(_, due)| **due <= now).map(|(talk, _)| *talk).collect();
        for talk in due {
            if self.mend(talk)? == Mended::Yes {
                self.waiting.remove(&talk);
            }
        }
        while let Some((&talk, &position)) = self.changes.iter().next() {
            if self.is_theirs(talk)? {
                self.tell_change(talk, position)?;
            }
            self.changes.remove(&talk);
        }
        self.sweep()
    }

    /// Tells the change of this position, as the log has it, or the first after it.
    fn tell_change(&mut self, talk: Talk, position: ChangePosition) -> StoreResult<()> {
        let found = self.shared.service.change_at(talk.conversation, talk.parties, position)?;
        let Some((changed, readers)) = found else { return Ok(()) };
        self.shared.counters.changes_repaired.add(1);
        let seq = Seq(changed.message.seq);
        let frame = encode::push_bytes(&Push::Changed(changed));
        let change = Outgoing { frame, to: readers.into(), but: None };
        self.shared.hub.relay().passage(&mut self.post).changed(talk, seq, Source::Here, change);
        Ok(())
    }

    /// While the bus is away nobody tells of changes: what is known is forgotten, and sessions are compared with the
    /// store, each second.
    fn second_away(&self) -> StoreResult<()> {
        if self.shared.hub.reach() != Reach::Away {
            return Ok(());
        }
        self.shared.service.forget();
        let seats = self.shared.hub.seats();
        self.shared.service.recheck_sessions(&seats.sessions(&seats.everybody()))
    }

    /// Brings a conversation what it waits for.
    fn mend(&mut self, talk: Talk) -> StoreResult<Mended> {
        let shared = Arc::clone(&self.shared);
        let relay = shared.hub.relay();
        let phantoms = |dropped: usize| shared.counters.phantoms.add(dropped as u64);
        let mut roster_was_read = false;
        for _ in 0..ROUNDS_MAX {
            let want = relay.passage(&mut self.post).want(talk);
            match want {
                None => return Ok(Mended::Yes),
                Some(Want::Place { first, until }) => {
                    if !self.is_theirs(talk)? {
                        // Nothing of the log is for them, and what they heard of is nothing of theirs.
                        phantoms(relay.passage(&mut self.post).disown(talk, until));
                        continue;
                    }
                    let since = Since {
                        heard: relay.heard_since(talk).unwrap_or_default(),
                        unsure: self.unsure_since(),
                    };
                    match shared.service.begin(talk.conversation, first, since)? {
                        Begin::After(after) => relay.passage(&mut self.post).place(talk, after),
                        Begin::LogEnds(end) => {
                            let mut passage = relay.passage(&mut self.post);
                            passage.place(talk, end);
                            phantoms(passage.log_ends(talk, end, until));
                        }
                    }
                }
                Some(Want::Readiness) if !roster_was_read => {
                    roster_was_read = true;
                    self.find_readers(talk)?;
                }
                Some(Want::Readiness) => {
                    // Nobody could say who reads it, and the log can: the group is closed, or what was said is not true.
                    let known = relay.passage(&mut self.post).known(talk);
                    let Some(after) = known else { return Ok(Mended::NotYet) };
                    if self.read(talk, after)?.is_none() {
                        phantoms(relay.passage(&mut self.post).log_ends(talk, after, after.next()));
                    }
                }
                Some(Want::Messages { after, until }) => {
                    let newest = Seq(until.0.saturating_sub(CATCH_UP_MAX)).max(after);
                    match self.read(talk, newest)? {
                        Some(_) if newest == after => {}
                        Some(_) => {
                            shared.counters.given_up.add(newest.0 - after.0);
                            relay.passage(&mut self.post).give_up(talk, newest);
                        }
                        None => phantoms(relay.passage(&mut self.post).log_ends(talk, newest, until)),
                    }
                }
            }
        }
        Ok(Mended::NotYet)
    }

    /// Whether the conversation is whose another node says. A group's is that of those who follow it.
    fn is_theirs(&self, talk: Talk) -> StoreResult<bool> {
        match talk.parties {
            Parties::Pair(one, other) => self.shared.service.is_between(talk.conversation, one, other),
            Parties::Group => Ok(true),
        }
    }

    /// Reads the roster that a group's messages wait for.
    fn find_readers(&mut self, talk: Talk) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let relay = shared.hub.relay();
        let version = relay.passage(&mut self.post).unread_roster(talk);
        let Some(version) = version else { return Ok(()) };
        if let Some(roster) = self.read_roster(talk.conversation.group(), version)? {
            let readers = |version, seq| (roster.version() >= version).then(|| roster.readers(seq));
            relay.passage(&mut self.post).find_readers(talk, readers);
        }
        Ok(())
    }

    fn read_roster(&self, group: GroupId, version: RosterVersion) -> StoreResult<Option<ReadRoster>> {
        let (service, hub) = (&self.shared.service, &self.shared.hub);
        self.shared.counters.rosters_read.add(1);
        let roster = service.read_roster(group, version)?;
        // A new version says that members came or went, and the notice of who came may be lost.
        if let Some(roster) = &roster {
            hub.here(roster.members()).into_iter().for_each(|member| hub.follow(member, &[group]));
        }
        Ok(roster)
    }

    /// Reads a page of the log and passes it on; its last seq, or `None` if the log has nothing there.
    fn read(&mut self, talk: Talk, after: Seq) -> StoreResult<Option<Seq>> {
        let service: &Service = &self.shared.service;
        let page = service.catch_up(talk.conversation, talk.parties, after)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.shared.counters.gap_repairs.add(1);
        let last = Seq(last.seq);
        let in_hand = self.shared.hub.relay().in_hand();
        let page = page.into_iter().map(|(message, readers)| {
            let seq = Seq(message.seq);
            // An appender here may have stored it just now, and not come to the relay with it.
            let but = in_hand.sender_of_read(&message);
            let frame = encode::push_bytes(&Push::Message(message));
            (seq, Outgoing { frame, to: readers.into(), but })
        });
        let page: Vec<_> = page.collect();
        service.reached(talk.conversation, last);
        self.shared.hub.relay().passage(&mut self.post).read(talk, after, page);
        Ok(Some(last))
    }

    /// Goes on with the sweep, or begins one if one is due.
    fn sweep(&mut self) -> StoreResult<()> {
        let mut sweep = match self.sweep.take() {
            Some(sweep) => sweep,
            None => match self.missed.take_if(|missed| missed.due <= clock::read()) {
                None => return Ok(()),
                Some(missed) => self.begin_sweep(missed.since),
            },
        };
        let turn_ends = clock::read() + SWEEP_TURN;
        while !sweep.users.is_empty() && clock::read() < turn_ends {
            if let Err(error) = self.sweep_on(&mut sweep) {
                self.sweep = Some(sweep);
                return Err(error);
            }
        }
        if !sweep.users.is_empty() {
            self.sweep = Some(sweep);
        }
        Ok(())
    }

    fn begin_sweep(&self, since: Timestamp) -> Sweep {
        self.shared.counters.sweeps.add(1);
        // Notices were missed too.
        self.shared.service.forget();
        let users = VecDeque::from(self.shared.hub.seats().everybody());
        log::info!("reading what {} users here may have missed since {since}", users.len());
        let within_ms = users.len() as u64 * RESYNC_EACH_MS;
        let within_ms = within_ms.clamp(RESYNC_WITHIN_MS_MIN, RESYNC_WITHIN_MS_MAX) as u32;
        Sweep { missed_since: since, users, within_ms, stage: Stage::Users }
    }

    /// One step of a sweep: some users, a page of their conversations, or one conversation.
    fn sweep_on(&mut self, sweep: &mut Sweep) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let some = sweep.users.len().min(SWEPT_AT_ONCE);
        let users = &sweep.users.make_contiguous()[..some];
        let since = stamped_since(sweep.missed_since);
        match &mut sweep.stage {
            Stage::Users => {
                shared.service.recheck_sessions(&shared.hub.seats().sessions(users))?;
                shared.service.refollow(users)?;
                self.tell_resync(users, sweep.within_ms);
                sweep.stage = Stage::Conversations { after: ConversationId(0), found: VecDeque::new() };
            }
            Stage::Conversations { after, found } => match found.front() {
                Some(touched) => {
                    self.catch_up(touched, since)?;
                    found.pop_front();
                }
                None => {
                    found.extend(shared.service.touched(users, since, *after)?);
                    match found.back() {
                        Some(last) => *after = last.conversation,
                        None => {
                            sweep.users.drain(..some);
                            sweep.stage = Stage::Users;
                        }
                    }
                }
            },
        }
        Ok(())
    }

    /// The messages come from the log; what else was told, everybody asks for.
    fn tell_resync(&mut self, users: &[UserId], within_ms: u32) {
        self.shared.counters.resyncs.add(users.len() as u64);
        let frame = encode::push_bytes(&Push::Resync(Resync { within_ms }));
        let seats = self.shared.hub.seats();
        users.iter().for_each(|user| seats.tell(*user, None, &frame, &mut self.post));
        self.post.flush();
    }

    /// Passes on what was said and changed in a conversation since then.
    fn catch_up(&mut self, touched: &Touched, since: Timestamp) -> StoreResult<()> {
        self.catch_up_messages(touched, since)?;
        let Touched { conversation, parties, last_change, last_change_at, .. } = *touched;
        if last_change > ChangePosition(0) && last_change_at >= since {
            self.tell_change(Talk { conversation, parties }, last_change)?;
        }
        Ok(())
    }

    /// Passes on what was said in a conversation since then, or since what is known to have been passed on.
    fn catch_up_messages(&mut self, touched: &Touched, since: Timestamp) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let Touched { conversation, parties, last, .. } = *touched;
        let talk = Talk { conversation, parties };
        let (known, sought) = {
            let mut passage = shared.hub.relay().passage(&mut self.post);
            (passage.known(talk), passage.sought(talk))
        };
        let mut after = match known {
            Some(known) if known >= last => return Ok(()),
            Some(known) => known,
            None => {
                let after = shared.service.catch_up_since(conversation, last, since)?;
                // What was heard and is older belongs to it.
                sought.map_or(after, |first| after.min(Seq(first.0 - 1)))
            }
        };
        let newest = Seq(last.0.saturating_sub(CATCH_UP_MAX));
        if after < newest {
            shared.counters.given_up.add(newest.0 - after.0);
            if known.is_some() {
                shared.hub.relay().passage(&mut self.post).give_up(talk, newest);
            }
            after = newest;
        }
        while after < last
            && let Some(read) = self.read(talk, after)?
        {
            after = read;
        }
        Ok(())
    }
}

/// The earliest time that a message may bear which was published since then.
fn stamped_since(published_since: Timestamp) -> Timestamp {
    Timestamp(published_since.0.saturating_sub(STAMPED_BEFORE_MS))
}
