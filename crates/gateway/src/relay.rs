//! Passes stored messages of all nodes on to the connections of this one, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use reactor::ConnId;
use service::Readers;
use service::domain::{ConversationId, GroupId, Parties, RosterVersion, Seq, Timestamp, UserId};

use crate::config::GatewayConfig;
use crate::group_topics::GroupTopics;
use crate::in_hand::InHand;
use crate::metrics::Counters;
use crate::post::{Crowd, Post};
use crate::repairs::{Repairs, Urgency};
use crate::seats::Seats;
use crate::sequencer::{Hearing, Parcel, Sequencer, SequencerLimits, Source, Talk, Verdict, Want};

/// Changes of one stripe that wait for the messages that they change. Beyond it they are sent at once: a client keeps a change
/// until it has the message.
const CHANGES_HELD_MAX: usize = 256;

/// A stored message, or a change of one, on its way to the connections of this node.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The encoded push.
    pub(crate) frame: Bytes,
    pub(crate) to: To,
    /// The connection that said it: it gets the answer instead.
    pub(crate) but: Option<ConnId>,
}

/// Who reads it.
#[derive(Clone, Debug)]
pub(crate) enum To {
    Pair(UserId, UserId),
    Members(Arc<[UserId]>),
    /// The members in a roster of this version or a later one, which nobody here has read yet.
    Unread(RosterVersion),
}

impl From<Readers> for To {
    fn from(readers: Readers) -> To {
        match readers {
            Readers::Pair(one, other) => To::Pair(one, other),
            Readers::Members { members, .. } => To::Members(members),
        }
    }
}

impl Parcel for Outgoing {
    fn bytes(&self) -> usize {
        self.frame.len()
    }

    fn is_ready(&self) -> bool {
        !matches!(self.to, To::Unread(..))
    }
}

/// The relay. Shared by appenders, courier and mender.
///
/// A conversation belongs to one stripe, and all conversations of an appender to the same. A stripe is locked while its
/// messages are put in order *and* posted, so that two threads never post one conversation out of order.
pub(crate) struct Relay {
    stripes: Box<[Mutex<Stripe>]>,
    seats: Arc<Seats>,
    topics: Arc<GroupTopics>,
    repairs: Arc<Repairs>,
    in_hand: InHand,
    counters: Arc<Counters>,
}

struct Stripe {
    sequencer: Sequencer<Outgoing>,
    /// Empty between two calls.
    passed: Vec<Outgoing>,
    crowd: Option<KeptCrowd>,
    /// Changes of messages that were not passed on yet, in the order in which they came.
    changes: VecDeque<(Talk, Seq, Outgoing)>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It is sent, or will be once its message is.
    Yes,
    /// Nothing was passed on of this talk, so another node's word is all that there is for it.
    Unconfirmed,
}

/// The connections of a group's readers, as long as nobody comes or goes: a busy group's messages come in rows.
struct KeptCrowd {
    members: Arc<[UserId]>,
    as_of: u64,
    crowd: Crowd,
}

/// One thread's way through the relay. It holds one stripe at a time, from the first message of one of its conversations
/// to the first of another's; what it posts is handed over before the stripe is released.
pub(crate) struct Passage<'a> {
    relay: &'a Relay,
    post: &'a mut Post,
    stripe: Option<(usize, MutexGuard<'a, Stripe>)>,
}

impl Relay {
    pub(crate) fn new(
        config: &GatewayConfig,
        seats: Arc<Seats>,
        topics: Arc<GroupTopics>,
        repairs: Arc<Repairs>,
        counters: Arc<Counters>,
    ) -> Relay {
        let stripes = config.appenders;
        let share = |limit: usize| limit.div_ceil(stripes);
        let limits = SequencerLimits {
            tails_max: share(config.tails_max),
            held_each_max: config.held_each_max,
            held_max: share(config.held_max),
            held_bytes_max: share(config.held_bytes_max),
        };
        let stripe = || Stripe {
            sequencer: Sequencer::new(limits),
            passed: Vec::new(),
            crowd: None,
            changes: VecDeque::new(),
        };
        let in_hand = InHand::new(stripes);
        let stripes = (0..stripes).map(|_| Mutex::new(stripe())).collect();
        Relay { stripes, seats, topics, repairs, in_hand, counters }
    }

    /// A way through it. Nothing is locked yet.
    pub(crate) fn passage<'a>(&'a self, post: &'a mut Post) -> Passage<'a> {
        Passage { relay: self, post, stripe: None }
    }

    /// What the appenders have in hand.
    pub(crate) fn in_hand(&self) -> &InHand {
        &self.in_hand
    }

    /// The same division as that of the appenders' queues.
    pub(crate) fn stripe_of(&self, conversation: ConversationId) -> usize {
        conversation.0 as usize % self.stripes.len()
    }

    /// Asked under the lock of the talk's stripe: of two threads, the later one never knows less.
    fn hearing(&self, talk: Talk) -> Hearing {
        match talk.parties {
            Parties::Pair(one, other) => Hearing([self.seats.serial(one), self.seats.serial(other)]),
            Parties::Group => Hearing([self.topics.serial(talk.conversation.group()), None]),
        }
    }

    /// Since when this is heard here: whoever came then has read what was said before.
    pub(crate) fn heard_since(&self, talk: Talk) -> Option<Timestamp> {
        match talk.parties {
            Parties::Pair(one, other) => {
                [one, other].into_iter().filter_map(|user| self.seats.began(user)).min()
            }
            Parties::Group => self.topics.began(talk.conversation.group()),
        }
    }

    /// Talks of which something was heard, and messages held.
    pub(crate) fn levels(&self) -> (u64, u64) {
        self.stripes.iter().fold((0, 0), |(tails, held), stripe| {
            let sequencer = &stripe.lock().sequencer;
            (tails + sequencer.tails() as u64, held + sequencer.held() as u64)
        })
    }
}

impl Passage<'_> {
    /// A message came, from an appender here or from another node.
    pub(crate) fn message(&mut self, talk: Talk, seq: Seq, source: Source, message: Outgoing) -> Verdict {
        let (relay, stripe, post) = self.parts(talk);
        let hearing = relay.hearing(talk);
        let arrived = stripe.sequencer.arrive(talk, hearing, seq, source, message, &mut stripe.passed);
        if arrived.began_to_wait {
            let urgency = match stripe.sequencer.want(talk, hearing) {
                Some(Want::Readiness) => Urgency::Now,
                Some(Want::Place { .. }) => {
                    relay.counters.places_sought.add(1);
                    Urgency::Now
                }
                _ => {
                    relay.counters.gaps.add(1);
                    Urgency::Soon
                }
            };
            if relay.repairs.conversation(talk, urgency).is_err() {
                stripe.sequencer.leave_unattended(talk);
            }
        }
        match arrived.verdict {
            Verdict::Double => relay.counters.doubles.add(1),
            Verdict::NotHeld => relay.counters.not_held.add(1),
            Verdict::Unheard => relay.counters.no_reader.add(1),
            Verdict::Passed | Verdict::Held => {}
        }
        stripe.send_passed(relay, post);
        arrived.verdict
    }

    /// A message of this seq was changed. It is not told before the message was passed on, if that is on its way.
    pub(crate) fn changed(&mut self, talk: Talk, seq: Seq, source: Source, change: Outgoing) -> Passed {
        let (relay, stripe, post) = self.parts(talk);
        let hearing = relay.hearing(talk);
        let is_known = stripe.sequencer.known(talk, hearing).is_some();
        if source == Source::Elsewhere && !is_known {
            return Passed::Unconfirmed;
        }
        if stripe.comes_before(relay, talk, seq) {
            if stripe.changes.len() < CHANGES_HELD_MAX {
                stripe.changes.push_back((talk, seq, change));
                return Passed::Yes;
            }
            relay.counters.changes_not_held.add(1);
        }
        stripe.send(relay, post, change);
        Passed::Yes
    }

    /// A group is about to be heard here: what comes after `after` is to be passed on.
    pub(crate) fn begin(&mut self, group: GroupId, after: Seq) {
        let talk = Talk { conversation: group.conversation(), parties: Parties::Group };
        let (relay, stripe, post) = self.parts(talk);
        let hearing = relay.hearing(talk);
        stripe.sequencer.begin(talk, hearing, after, &mut stripe.passed);
        stripe.send_passed(relay, post);
    }

    /// A group is heard from now on: what was said in it just before is to be read.
    pub(crate) fn suspect(&mut self, group: GroupId) {
        let talk = Talk { conversation: group.conversation(), parties: Parties::Group };
        let (relay, stripe, _) = self.parts(talk);
        let hearing = relay.hearing(talk);
        stripe.sequencer.suspect(talk, hearing);
        if relay.repairs.conversation(talk, Urgency::Now).is_err() {
            stripe.sequencer.leave_unattended(talk);
        }
    }

    /// What a talk waits for, and the roster of which version that takes.
    pub(crate) fn want(&mut self, talk: Talk) -> Option<Want> {
        let (relay, stripe, _) = self.parts(talk);
        let hearing = relay.hearing(talk);
        stripe.sequencer.want(talk, hearing)
    }

    /// What comes after `after` is to be passed on.
    pub(crate) fn place(&mut self, talk: Talk, after: Seq) {
        let (relay, stripe, post) = self.parts(talk);
        let hearing = relay.hearing(talk);
        stripe.sequencer.place(talk, hearing, after, &mut stripe.passed);
        stripe.send_passed(relay, post);
    }

    /// Nothing of what was heard up to here is a message of this talk. How many were held.
    pub(crate) fn disown(&mut self, talk: Talk, until: Seq) -> usize {
        self.parts(talk).1.sequencer.disown(talk, until)
    }

    /// The newest roster that held messages wait for.
    pub(crate) fn unread_roster(&mut self, talk: Talk) -> Option<RosterVersion> {
        let unread = |message: &Outgoing| match message.to {
            To::Unread(version) => Some(version),
            _ => None,
        };
        self.parts(talk).1.sequencer.held_in(talk).filter_map(unread).max()
    }

    /// Looks again who reads held messages.
    pub(crate) fn find_readers(
        &mut self,
        talk: Talk,
        readers: impl Fn(RosterVersion, Seq) -> Option<Arc<[UserId]>>,
    ) {
        let (relay, stripe, post) = self.parts(talk);
        let find = |seq, message: &mut Outgoing| {
            if let To::Unread(version) = message.to
                && let Some(members) = readers(version, seq)
            {
                message.to = To::Members(members);
            }
        };
        stripe.sequencer.make_ready(talk, find, &mut stripe.passed);
        stripe.send_passed(relay, post);
    }

    /// The log has these after `after`.
    pub(crate) fn read(&mut self, talk: Talk, after: Seq, page: Vec<(Seq, Outgoing)>) {
        let (relay, stripe, post) = self.parts(talk);
        let hearing = relay.hearing(talk);
        stripe.sequencer.read(talk, hearing, after, page.into_iter(), &mut stripe.passed);
        relay.counters.repaired_messages.add(stripe.passed.len() as u64);
        stripe.send_passed(relay, post);
    }

    /// What is missing up to here is not waited for any more.
    pub(crate) fn give_up(&mut self, talk: Talk, until: Seq) {
        let (relay, stripe, post) = self.parts(talk);
        stripe.sequencer.give_up(talk, until, &mut stripe.passed);
        stripe.send_passed(relay, post);
    }

    /// The log has nothing after `after`; what was heard of from there to `until` is not in it. How many were held.
    pub(crate) fn log_ends(&mut self, talk: Talk, after: Seq, until: Seq) -> usize {
        let (relay, stripe, post) = self.parts(talk);
        let dropped = stripe.sequencer.log_ends(talk, after, until, &mut stripe.passed);
        stripe.send_passed(relay, post);
        dropped
    }

    /// The last seq that was passed on, if the talk was heard since then.
    pub(crate) fn known(&mut self, talk: Talk) -> Option<Seq> {
        let (relay, stripe, _) = self.parts(talk);
        stripe.sequencer.known(talk, relay.hearing(talk))
    }

    /// The lowest seq that was heard, while it is not known where to begin.
    pub(crate) fn sought(&mut self, talk: Talk) -> Option<Seq> {
        let (relay, stripe, _) = self.parts(talk);
        stripe.sequencer.sought(talk, relay.hearing(talk))
    }

    /// Sends something outside the order of conversations, after what was passed on before.
    pub(crate) fn send(&mut self, conn: ConnId, frame: Bytes) {
        self.post.send(conn, frame);
    }

    /// The talk's stripe, locked.
    fn parts(&mut self, talk: Talk) -> (&Relay, &mut Stripe, &mut Post) {
        let index = self.relay.stripe_of(talk.conversation);
        if self.stripe.as_ref().is_some_and(|(other, _)| *other != index) {
            self.post.flush();
            self.stripe = None;
        }
        let relay = self.relay;
        let (_, stripe) = self.stripe.get_or_insert_with(|| (index, relay.stripes[index].lock()));
        (relay, stripe, self.post)
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        // The stripe is released after this.
        self.post.flush();
    }
}

impl Stripe {
    /// Posts what the sequencer let pass, and the changes that waited for it.
    fn send_passed(&mut self, relay: &Relay, post: &mut Post) {
        let mut passed = std::mem::take(&mut self.passed);
        passed.drain(..).for_each(|message| self.send(relay, post, message));
        self.passed = passed;
        for _ in 0..self.changes.len() {
            let Some((talk, seq, change)) = self.changes.pop_front() else { return };
            if self.comes_before(relay, talk, seq) {
                self.changes.push_back((talk, seq, change));
            } else {
                self.send(relay, post, change);
            }
        }
    }

    /// Whether a change of the message would come before the message itself.
    fn comes_before(&self, relay: &Relay, talk: Talk, seq: Seq) -> bool {
        let hearing = relay.hearing(talk);
        match self.sequencer.known(talk, hearing) {
            Some(known) => known < seq,
            None => self.sequencer.sought(talk, hearing).is_some_and(|first| first <= seq),
        }
    }

    fn send(&mut self, relay: &Relay, post: &mut Post, message: Outgoing) {
        let Outgoing { frame, to, but } = message;
        match to {
            To::Pair(one, other) => {
                for user in [one, other] {
                    relay.seats.each(user, |conn| {
                        if Some(conn) != but {
                            post.send(conn, frame.clone());
                        }
                    });
                }
            }
            To::Members(members) => {
                let crowd = self.crowd(relay, members, post.loops());
                match but {
                    Some(but) => post.send_many(&crowd.without(but), &frame),
                    None => post.send_many(crowd, &frame),
                }
            }
            To::Unread(..) => {}
        }
    }

    /// The connections of those who read a group's message. Whether somebody *follows* the group does not count: the
    /// roster is newer than any notice.
    fn crowd(&mut self, relay: &Relay, members: Arc<[UserId]>, loops: usize) -> &Crowd {
        // Before anybody is looked up: who comes meanwhile makes the next message look again.
        let as_of = relay.seats.changes();
        let kept = self.crowd.take();
        let kept = kept.filter(|kept| kept.as_of == as_of && Arc::ptr_eq(&kept.members, &members));
        let kept = kept.unwrap_or_else(|| {
            let mut conns = Vec::new();
            members.iter().for_each(|user| relay.seats.each(*user, |conn| conns.push(conn)));
            KeptCrowd { as_of, crowd: Crowd::new(loops, conns.into_iter()), members }
        });
        &self.crowd.insert(kept).crowd
    }
}
