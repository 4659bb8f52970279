//! What a device wants to say, until it is answered.
//!
//! Each message keeps its `client_msg_id` and is tried again until it is acknowledged or refused for good.

use std::time::{Duration, Instant};

use protocol::{Blame, Code, GroupChat, OneChat, Reply, Request};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use crate::torture::{
    clock,
    evidence::{Digest, Outcome, Send, Target, Who},
    line::{NoAnswer, Ticket},
    town::Household,
};

/// Messages without answer at once; a device with so many says nothing new.
const OPEN_MAX: usize = 24;
/// The wait before something is tried again.
const RETRY: Duration = Duration::from_millis(400);
/// One in so many messages is for a group that its sender has left, and must be refused.
const OUTSIDE_EVERY: u32 = 50;
/// One in so many messages is a large one.
const LARGE_EVERY: u32 = 40;
/// Characters of a large message.
const LARGE_CHARS: std::ops::Range<usize> = 2_000..12_000;
/// Characters of the others.
const SMALL_CHARS: std::ops::Range<usize> = 0..60;

/// All messages of one device.
pub(super) struct Sends {
    prefix: String,
    open: Vec<Outgoing>,
    done: Vec<Send>,
    next: u64,
}

struct Outgoing {
    send: Send,
    text: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits { from: Instant },
    Asked(Ticket),
}

impl Sends {
    pub(super) fn new(who: Who, seed: u64) -> Sends {
        Sends { prefix: format!("{seed:x}-{who}"), open: Vec::new(), done: Vec::new(), next: 0 }
    }

    /// Messages without answer.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Thinks of something to say to a friend or in a group.
    pub(super) fn begin(&mut self, household: &Household, random: &mut StdRng) {
        if self.open.len() >= OPEN_MAX {
            return;
        }
        let groups = household.groups();
        let to = match random.random_range(0..OUTSIDE_EVERY) {
            0 => household.left().choose(random).map(|group| Target::Group(*group)),
            at if at % 2 == 0 => groups.choose(random).map(|group| Target::Group(*group)),
            _ => household.friends.choose(random).map(|friend| Target::Friend(friend.id)),
        };
        let Some(to) = to else { return };
        let id = format!("{}-{}", self.prefix, self.next);
        self.next += 1;
        let text = some_text(&id, random);
        let begun_ms = clock::now_ms();
        let (digest, outcome) = (Digest::of(&text), Outcome::Open);
        let send = Send { id, to, text: digest, begun_ms, uncertain: false, outcome };
        self.open.push(Outgoing { send, text, state: State::Waits { from: Instant::now() } });
    }

    /// The next message to put on the line, and its place for [`Sends::asked`].
    pub(super) fn next_due(&self, now: Instant) -> Option<(usize, Request)> {
        let due = |outgoing: &Outgoing| matches!(outgoing.state, State::Waits { from } if from <= now);
        let at = self.open.iter().position(due)?;
        let Outgoing { send, text, .. } = &self.open[at];
        let (client_msg_id, msg) = (send.id.clone(), text.clone());
        let request = match send.to {
            Target::Friend(to) => Request::OneChat(OneChat { to, msg, client_msg_id, ..OneChat::default() }),
            Target::Group(groupid) => {
                Request::GroupChat(GroupChat { groupid, msg, client_msg_id, ..GroupChat::default() })
            }
        };
        Some((at, request))
    }

    pub(super) fn asked(&mut self, at: usize, ticket: Ticket) {
        self.open[at].state = State::Asked(ticket);
    }

    /// Takes an answer; where the message went and stands, if it was stored.
    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        result: Result<Reply, NoAnswer>,
    ) -> Option<(Target, u64, u64)> {
        // Otherwise of a line that was closed before.
        let at = self.open.iter().position(|outgoing| outgoing.state == State::Asked(ticket))?;
        let outgoing = &mut self.open[at];
        let outcome = match result {
            Ok(Reply::OneChat(sent) | Reply::GroupChat(sent)) => {
                Outcome::Stored { conv: sent.conv, seq: sent.seq, time: sent.time }
            }
            Err(NoAnswer::Refused(refusal)) if is_final(refusal.code) => {
                Outcome::Refused { code: refusal.code, at_ms: clock::now_ms() }
            }
            Err(NoAnswer::NotSent | NoAnswer::Refused(_)) => {
                outgoing.state = State::Waits { from: Instant::now() + RETRY };
                return None;
            }
            Ok(_) | Err(NoAnswer::Uncertain) => {
                outgoing.send.uncertain = true;
                outgoing.state = State::Waits { from: Instant::now() + RETRY };
                return None;
            }
        };
        let mut outgoing = self.open.remove(at);
        outgoing.send.outcome = outcome;
        let to = outgoing.send.to;
        self.done.push(outgoing.send);
        match outcome {
            Outcome::Stored { conv, seq, .. } => Some((to, conv, seq)),
            Outcome::Open | Outcome::Refused { .. } => None,
        }
    }

    /// What was on the line has no answer any more.
    pub(super) fn line_lost(&mut self) {
        for outgoing in &mut self.open {
            if let State::Asked(_) = outgoing.state {
                outgoing.send.uncertain = true;
                outgoing.state = State::Waits { from: Instant::now() };
            }
        }
    }

    /// Everything that was tried.
    pub(super) fn into_sends(self) -> Vec<Send> {
        let mut sends = self.done;
        sends.extend(self.open.into_iter().map(|outgoing| outgoing.send));
        sends
    }
}

fn is_final(code: Code) -> bool {
    matches!(code.blame(), Blame::Refused | Blame::Client)
}

/// A text that no other message has.
fn some_text(id: &str, random: &mut StdRng) -> String {
    let chars = match random.random_range(0..LARGE_EVERY) {
        0 => random.random_range(LARGE_CHARS),
        _ => random.random_range(SMALL_CHARS),
    };
    let letters = ['a', 'e', 'n', 's', ' ', '"', '\\', '%', '\u{0}', 'é', '好', '👋'];
    let noise: String = (0..chars).map(|_| letters[random.random_range(0..letters.len())]).collect();
    format!("{id} {noise}")
}
