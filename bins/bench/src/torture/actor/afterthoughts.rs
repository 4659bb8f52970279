//! What a person does about what was said: edits and recalls own messages, reads, hides, keeps conversations quiet, and asks
//! how far friends got.
//!
//! A deed is tried again until it is acknowledged or refused for good. At any time there is one at most of each message and
//! of each conversation that is kept quiet, so that a device's own deeds come in the order in which it did them.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use protocol::{Blame, EditMessage, Hide, MessageRef, Receipts, Reply, Request, SetQuiet, limits};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use crate::torture::{
    clock,
    evidence::{Change, Deed, DeedOutcome, Digest, HideDeed, QuietDeed, Target, Who, quiet_digest},
    line::{NoAnswer, Ticket},
    town::Household,
};

/// Deeds without answer at once; a device with so many thinks of nothing new.
const OPEN_MAX: usize = 8;
/// Own messages that are remembered; older ones stay as they are.
const SAID_MAX: usize = 20;
/// How old a message is at most that is still changed: far within what the server allows, since trying may take long.
const SAID_AGE_MAX: Duration = Duration::from_secs(25);
/// The wait before something is tried again.
const RETRY: Duration = Duration::from_millis(400);
/// Time zones of quiet hours.
const ZONES: [&str; 3] = ["Europe/Berlin", "Asia/Shanghai", "America/New_York"];

/// Messages that are hidden at once.
const HIDDEN_AT_ONCE_MAX: usize = 3;

/// Everything that one device tried.
pub(super) struct Deeds {
    pub(super) changes: Vec<Change>,
    pub(super) quiets: Vec<QuietDeed>,
    pub(super) hides: Vec<HideDeed>,
}

/// All afterthoughts of one device.
pub(super) struct Afterthoughts {
    prefix: String,
    /// Own messages that may be changed, the oldest first.
    said: VecDeque<Said>,
    open: Vec<Open>,
    /// Conversations of which it is to be asked how far the friend got.
    to_ask: BTreeSet<u64>,
    changes: Vec<Change>,
    quiets: Vec<QuietDeed>,
    hides: Vec<HideDeed>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    conv: u64,
    seq: u64,
    to: Target,
    at: Instant,
}

struct Open {
    what: What,
    state: State,
}

enum What {
    Change(Change, Request),
    Quiet(QuietDeed, Request),
    Hide(HideDeed),
    Ask(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits { from: Instant },
    Asked(Ticket),
}

impl Afterthoughts {
    pub(super) fn new(who: Who, seed: u64) -> Afterthoughts {
        Afterthoughts {
            prefix: format!("{seed:x}-{who}"),
            said: VecDeque::new(),
            open: Vec::new(),
            to_ask: BTreeSet::new(),
            changes: Vec::new(),
            quiets: Vec::new(),
            hides: Vec::new(),
            next: 0,
        }
    }

    /// Deeds without answer.
    pub(super) fn open(&self) -> usize {
        self.open.len() + self.to_ask.len()
    }

    /// An own message was stored.
    pub(super) fn said(&mut self, to: Target, conv: u64, seq: u64) {
        if self.said.len() >= SAID_MAX {
            self.said.pop_front();
        }
        self.said.push_back(Said { conv, seq, to, at: Instant::now() });
    }

    /// It is to be asked how far the friend got in this conversation: receipts may have been told meanwhile.
    pub(super) fn wonder(&mut self, conv: u64) {
        self.to_ask.insert(conv);
    }

    /// Thinks of a message to edit or to recall.
    pub(super) fn regret(&mut self, now: Instant, random: &mut StdRng) {
        self.said.retain(|said| said.at + SAID_AGE_MAX > now);
        if self.open.len() >= OPEN_MAX {
            return;
        }
        let is_open = |said: &Said| {
            self.open.iter().any(|open| {
                matches!(&open.what, What::Change(change, _) if (change.conv, change.seq) == (said.conv, said.seq))
            })
        };
        let free: Vec<Said> = self.said.iter().copied().filter(|said| !is_open(said)).collect();
        let Some(&Said { conv, seq, to, .. }) = free.choose(random) else { return };
        let (deed, request) = if random.random_range(0..3) == 0 {
            self.said.retain(|said| (said.conv, said.seq) != (conv, seq));
            (Deed::Recall, Request::Recall(MessageRef { conv, seq }))
        } else {
            let msg = format!("{} edits for the {}th time 好", self.prefix, self.next);
            self.next += 1;
            let deed = Deed::Edit(Digest::of(&msg));
            (deed, Request::EditMessage(EditMessage { conv, seq, msg, mentions: Vec::new() }))
        };
        let (begun_ms, outcome) = (clock::now_ms(), DeedOutcome::Open);
        let change = Change { conv, seq, to, deed, begun_ms, uncertain: false, outcome };
        self.begin(What::Change(change, request), now);
    }

    /// Thinks of a conversation to keep quiet, or not any more.
    pub(super) fn hush(&mut self, household: &Household, now: Instant, random: &mut StdRng) {
        if self.open.len() >= OPEN_MAX {
            return;
        }
        let mut convs: Vec<u64> = household.friends.iter().map(|friend| friend.conv).collect();
        convs.extend(household.groups());
        convs.push(0);
        let is_open = |conv: &u64| {
            self.open.iter().any(|open| matches!(&open.what, What::Quiet(deed, _) if deed.conv == *conv))
        };
        convs.retain(|conv| !is_open(conv));
        let Some(&conv) = convs.choose(random) else { return };
        let mentions = random.random_bool(0.5);
        let nothing = SetQuiet { conv, ..SetQuiet::default() };
        let set = match random.random_range(0..3) {
            0 => nothing,
            1 => SetQuiet { until: Some(limits::NUMBER_MAX), mentions: Some(mentions), ..nothing },
            _ => {
                let from = random.random_range(0..1_440);
                let to = (from + random.random_range(1..1_440)) % 1_440;
                let zone = ZONES.choose(random).map(|zone| (*zone).to_owned());
                let (from, to) = (Some(from), Some(to));
                SetQuiet { from, to, zone, mentions: Some(mentions), ..nothing }
            }
        };
        let shown = protocol::Quiet {
            conv,
            until: set.until.unwrap_or(0),
            from: set.from,
            to: set.to,
            zone: set.zone.clone(),
            mentions,
        };
        let (how, outcome) = (quiet_digest(&shown), DeedOutcome::Open);
        let deed = QuietDeed { conv, how, uncertain: false, outcome };
        self.begin(What::Quiet(deed, Request::SetQuiet(set)), now);
    }

    /// Hides some of these messages, which a device shows of a conversation.
    pub(super) fn hide(&mut self, conv: u64, to: Target, shown: &[u64], now: Instant, random: &mut StdRng) {
        if self.open.len() >= OPEN_MAX {
            return;
        }
        let count = random.random_range(1..=HIDDEN_AT_ONCE_MAX);
        let seqs: Vec<u64> = shown.sample(random, count).copied().collect();
        if seqs.is_empty() {
            return;
        }
        let (begun_ms, outcome) = (clock::now_ms(), DeedOutcome::Open);
        let answered = Vec::new();
        let deed = HideDeed { conv, seqs, to, begun_ms, uncertain: false, outcome, answered };
        self.begin(What::Hide(deed), now);
    }

    /// The next deed to put on the line, and its place for [`Afterthoughts::asked`].
    pub(super) fn next_due(&mut self, now: Instant) -> Option<(usize, Request)> {
        if self.open.len() < OPEN_MAX
            && let Some(conv) = self.to_ask.pop_first()
        {
            self.begin(What::Ask(conv), now);
        }
        let due = |open: &Open| matches!(open.state, State::Waits { from } if from <= now);
        let at = self.open.iter().position(due)?;
        let request = match &self.open[at].what {
            What::Change(_, request) | What::Quiet(_, request) => request.clone(),
            What::Hide(deed) => Request::Hide(Hide { conv: deed.conv, seqs: deed.seqs.clone() }),
            What::Ask(conv) => Request::Receipts(Receipts { conv: *conv, seqs: Vec::new() }),
        };
        Some((at, request))
    }

    pub(super) fn asked(&mut self, at: usize, ticket: Ticket) {
        self.open[at].state = State::Asked(ticket);
    }

    /// Takes an answer; whether it was for one of these.
    pub(super) fn answered(&mut self, ticket: Ticket, result: &Result<Reply, NoAnswer>) -> bool {
        let Some(at) = self.open.iter().position(|open| open.state == State::Asked(ticket)) else {
            return false;
        };
        let outcome = match result {
            Ok(Reply::Recall(changed) | Reply::EditMessage(changed)) => DeedOutcome::Done(changed.position),
            Ok(Reply::SetQuiet(changed)) => DeedOutcome::Done(changed.version),
            Ok(Reply::Hide(hidden)) => DeedOutcome::Done(hidden.hidden.len() as u64),
            Ok(_) => DeedOutcome::Done(0),
            Err(NoAnswer::Refused(refusal))
                if matches!(refusal.code.blame(), Blame::Refused | Blame::Client) =>
            {
                DeedOutcome::Refused { code: refusal.code, at_ms: clock::now_ms() }
            }
            Err(NoAnswer::NotSent | NoAnswer::Refused(_)) => {
                self.open[at].state = State::Waits { from: Instant::now() + RETRY };
                return true;
            }
            Err(NoAnswer::Uncertain) => {
                self.open[at].doubt();
                self.open[at].state = State::Waits { from: Instant::now() + RETRY };
                return true;
            }
        };
        match self.open.remove(at).what {
            What::Change(change, _) => self.changes.push(Change { outcome, ..change }),
            What::Quiet(deed, _) => self.quiets.push(QuietDeed { outcome, ..deed }),
            What::Hide(deed) => {
                let answered = match result {
                    Ok(Reply::Hide(hidden)) => hidden.hidden.clone(),
                    _ => Vec::new(),
                };
                self.hides.push(HideDeed { outcome, answered, ..deed });
            }
            What::Ask(_) => {}
        }
        true
    }

    /// What was on the line has no answer any more.
    pub(super) fn line_lost(&mut self) {
        for open in &mut self.open {
            if let State::Asked(_) = open.state {
                open.doubt();
                open.state = State::Waits { from: Instant::now() };
            }
        }
    }

    /// Everything that was tried.
    pub(super) fn into_deeds(self) -> Deeds {
        let Afterthoughts { mut changes, mut quiets, mut hides, .. } = self;
        for open in self.open {
            match open.what {
                What::Change(change, _) => changes.push(change),
                What::Quiet(deed, _) => quiets.push(deed),
                What::Hide(deed) => hides.push(deed),
                What::Ask(_) => {}
            }
        }
        Deeds { changes, quiets, hides }
    }

    fn begin(&mut self, what: What, now: Instant) {
        self.open.push(Open { what, state: State::Waits { from: now } });
    }
}

impl Open {
    /// An attempt has no answer.
    fn doubt(&mut self) {
        match &mut self.what {
            What::Change(change, _) => change.uncertain = true,
            What::Quiet(deed, _) => deed.uncertain = true,
            What::Hide(deed) => deed.uncertain = true,
            What::Ask(_) => {}
        }
    }
}
