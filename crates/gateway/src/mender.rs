//! The mender: it reads from the stores what the bus did not bring.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Push, encode};
use service::domain::{
    ConversationId, GroupId, Parties, Reach, RosterVersion, Seq, StoreResult, Timestamp, Touched, UserId,
};
use service::{Hub, Service};

use crate::clock;
use crate::post::Post;
use crate::relay::Outgoing;
use crate::repairs::{GroupPush, Urgency, Work};
use crate::sequencer::Want;
use crate::shared::Shared;

/// Messages of one conversation read for its readers at once. If more are missing these are the newest of them; clients
/// see the gap before them and ask for as much of it as they like.
const CATCH_UP_MAX: u64 = 2_000;

/// Times that a conversation is looked at before others have their turn.
const ROUNDS_MAX: usize = 32;

/// Group pushes that wait for a roster while the store is away.
const GROUP_PUSHES_MAX: usize = 4_096;

/// Users whose sessions, groups and conversations are looked at together.
const SWEPT_AT_ONCE: usize = 200;

/// How long a sweep goes on before gaps have their turn.
const SWEEP_TURN: Duration = Duration::from_millis(50);

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
    waiting: HashMap<ConversationId, (Parties, Instant)>,
    group_pushes: Vec<GroupPush>,
    sweep: Option<Sweep>,
    /// A sweep is due, from here on.
    missed: Option<Timestamp>,
    second: bool,
    /// When the work list was taken the last time; until then nothing was dropped from it.
    complete_until: Timestamp,
    pause: Duration,
}

/// Looks at everything that users here may have missed since a certain time.
struct Sweep {
    since: Timestamp,
    /// Everybody who was here when it began; who came later read everything at their login. The first are in work.
    users: VecDeque<UserId>,
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
            group_pushes: Vec::new(),
            sweep: None,
            missed: None,
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
        if self.sweep.is_some() || self.missed.is_some() || !self.group_pushes.is_empty() || self.second {
            return Some(clock::read());
        }
        self.waiting.values().map(|(_, due)| *due).min()
    }

    fn accept(&mut self, work: Work) {
        let Work { conversations, mut group_pushes, missed, overflowed, second } = work;
        let lost = overflowed.then_some(self.complete_until);
        self.complete_until = Timestamp(self.shared.service.now_ms());
        self.missed = [self.missed, missed, lost].into_iter().flatten().min();
        self.second |= second;
        group_pushes.truncate(GROUP_PUSHES_MAX.saturating_sub(self.group_pushes.len()));
        self.group_pushes.append(&mut group_pushes);
        if conversations.is_empty() {
            return;
        }
        let now = clock::read();
        for (conversation, (parties, urgency)) in conversations {
            let due = match urgency {
                Urgency::Now => now,
                Urgency::Soon => now + self.shared.config.gap_grace,
            };
            let entry = self.waiting.entry(conversation).or_insert((parties, due));
            entry.1 = entry.1.min(due);
        }
    }

    /// Does what is due. After an error it goes on where it was.
    fn work(&mut self) -> StoreResult<()> {
        if std::mem::take(&mut self.second) {
            self.second_away()?;
        }
        while let Some(push) = self.group_pushes.last() {
            self.read_roster(push.group, push.version)?;
            if let Some(members) = self.shared.service.readers(push.group, push.version, Seq(u64::MAX)) {
                self.shared.hub.push_to_members(push, &members, &mut self.post);
                self.post.flush();
            }
            self.group_pushes.pop();
        }
        let now = clock::read();
        let due: Vec<_> =
            self.waiting.iter().filter(|(_, (_, due))| *due <= now).map(|(id, _)| *id).collect();
        for conversation in due {
            let Some((parties, _)) = self.waiting.get(&conversation) else { continue };
            if self.mend(conversation, *parties)? == Mended::Yes {
                self.waiting.remove(&conversation);
            }
        }
        self.sweep()
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
    fn mend(&mut self, conversation: ConversationId, parties: Parties) -> StoreResult<Mended> {
        let shared = Arc::clone(&self.shared);
        let relay = shared.hub.relay();
        let mut roster_was_read = false;
        let mut is_theirs = false;
        for _ in 0..ROUNDS_MAX {
            let want = relay.passage(&mut self.post).want(conversation, parties);
            match want {
                None => return Ok(Mended::Yes),
                Some(Want::Readiness) if !roster_was_read => {
                    roster_was_read = true;
                    self.find_readers(conversation)?;
                }
                Some(Want::Readiness) => {
                    // Nobody could say who reads it, and the log can: the group is closed, or changes all the time.
                    let known = relay.passage(&mut self.post).known(conversation, parties);
                    let Some(after) = known else { return Ok(Mended::NotYet) };
                    if self.read(conversation, parties, after)?.is_none() {
                        let mut passage = relay.passage(&mut self.post);
                        let dropped = passage.log_ends(conversation, after, after.next());
                        shared.counters.phantoms.add(dropped as u64);
                    }
                }
                Some(Want::Messages { after, until }) => {
                    if !is_theirs && !self.is_theirs(conversation, parties)? {
                        // Nothing of the log is for them, and what they heard of is nothing of theirs.
                        let dropped = relay.passage(&mut self.post).log_ends(conversation, after, until);
                        shared.counters.phantoms.add(dropped as u64);
                        continue;
                    }
                    is_theirs = true;
                    let newest = Seq(until.0.saturating_sub(CATCH_UP_MAX)).max(after);
                    match self.read(conversation, parties, newest)? {
                        Some(_) if newest == after => {}
                        Some(_) => {
                            shared.counters.given_up.add(newest.0 - after.0);
                            relay.passage(&mut self.post).give_up(conversation, newest);
                        }
                        None => {
                            let dropped = relay.passage(&mut self.post).log_ends(conversation, newest, until);
                            shared.counters.phantoms.add(dropped as u64);
                        }
                    }
                }
            }
        }
        Ok(Mended::NotYet)
    }

    /// Whether the log's messages are for whom another node says. Of a group's, the roster says who reads them.
    fn is_theirs(&self, conversation: ConversationId, parties: Parties) -> StoreResult<bool> {
        match parties {
            Parties::Pair(one, other) => self.shared.service.is_between(conversation, one, other),
            Parties::Group => Ok(true),
        }
    }

    /// Reads the roster that a conversation's messages wait for.
    fn find_readers(&mut self, conversation: ConversationId) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let version = shared.hub.relay().passage(&mut self.post).unread_roster(conversation);
        let Some(version) = version else { return Ok(()) };
        let group = conversation.group();
        self.read_roster(group, version)?;
        let readers = |version, seq| shared.service.readers(group, version, seq);
        shared.hub.relay().passage(&mut self.post).find_readers(conversation, readers);
        Ok(())
    }

    fn read_roster(&self, group: GroupId, version: RosterVersion) -> StoreResult<()> {
        let (service, hub) = (&self.shared.service, &self.shared.hub);
        self.shared.counters.rosters_read.add(1);
        service.read_roster(group, version)?;
        // A new version says that members came or went, and the notice of who came may be lost.
        if let Some(members) = service.readers(group, version, Seq(u64::MAX)) {
            hub.here(&members).into_iter().for_each(|member| hub.follow(member, &[group]));
        }
        Ok(())
    }

    /// Reads a page of the log and passes it on; its last seq, or `None` if the log has nothing there.
    fn read(
        &mut self,
        conversation: ConversationId,
        parties: Parties,
        after: Seq,
    ) -> StoreResult<Option<Seq>> {
        let service: &Service = &self.shared.service;
        let page = service.catch_up(conversation, parties, after)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.shared.counters.gap_repairs.add(1);
        let last = Seq(last.seq);
        let page = page.into_iter().map(|(message, readers)| {
            let seq = Seq(message.seq);
            let frame = encode::push_bytes(&Push::Message(message));
            (seq, Outgoing { frame, to: readers.into(), but: None })
        });
        let page: Vec<_> = page.collect();
        service.reached(conversation, last);
        self.shared.hub.relay().passage(&mut self.post).read(conversation, parties, after, page);
        Ok(Some(last))
    }

    /// Goes on with the sweep, or begins one if one is due.
    fn sweep(&mut self) -> StoreResult<()> {
        let mut sweep = match self.sweep.take() {
            Some(sweep) => sweep,
            None => match self.missed.take() {
                None => return Ok(()),
                Some(since) => self.begin_sweep(since),
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
        Sweep { since: Timestamp(since.0.saturating_sub(STAMPED_BEFORE_MS)), users, stage: Stage::Users }
    }

    /// One step of a sweep: some users, a page of their conversations, or one conversation.
    fn sweep_on(&mut self, sweep: &mut Sweep) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let some = sweep.users.len().min(SWEPT_AT_ONCE);
        let users = &sweep.users.make_contiguous()[..some];
        match &mut sweep.stage {
            Stage::Users => {
                shared.service.recheck_sessions(&shared.hub.seats().sessions(users))?;
                shared.service.refollow(users)?;
                sweep.stage = Stage::Conversations { after: ConversationId(0), found: VecDeque::new() };
            }
            Stage::Conversations { after, found } => match found.front() {
                Some(touched) => {
                    self.catch_up(touched, sweep.since)?;
                    found.pop_front();
                }
                None => {
                    found.extend(shared.service.touched(users, sweep.since, *after)?);
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

    /// Passes on what was said in a conversation since then, or since what is known to have been passed on.
    fn catch_up(&mut self, touched: &Touched, since: Timestamp) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        let Touched { conversation, parties, last } = *touched;
        let known = shared.hub.relay().passage(&mut self.post).known(conversation, parties);
        let mut after = match known {
            Some(known) if known >= last => return Ok(()),
            Some(known) => known,
            None => shared.service.catch_up_since(touched, since)?,
        };
        let newest = Seq(last.0.saturating_sub(CATCH_UP_MAX));
        if after < newest {
            shared.counters.given_up.add(newest.0 - after.0);
            if known.is_some() {
                shared.hub.relay().passage(&mut self.post).give_up(conversation, newest);
            }
            after = newest;
        }
        while after < last
            && let Some(read) = self.read(conversation, parties, after)?
        {
            after = read;
        }
        Ok(())
    }
}
