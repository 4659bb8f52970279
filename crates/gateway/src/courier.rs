//! The courier: it brings what other nodes published to the connections of this one.

use std::sync::Arc;

use service::Notice;
use service::domain::{ChangePosition, Parties, Publication, Seq, Timestamp, Topic};

use crate::inbox::Completeness;
use crate::node_message::{NodeMessage, StoredPush};
use crate::post::Post;
use crate::relay::{Outgoing, Passed, To};
use crate::repairs::GroupPush;
use crate::sequencer::{Source, Talk, Verdict};
use crate::shared::Shared;
use crate::stop_on_panic::StopOnPanic;

/// Publications delivered before appenders get their turn at the relay again.
const AT_ONCE: usize = 128;

/// A row of bad publications is logged at its 1st, 2nd, 4th … member.
const LOGGED: fn(u64) -> bool = u64::is_power_of_two;

/// Publications that the bus's own thread delivers while the courier rests; for more the courier is woken. To wake a thread
/// takes as long as to deliver several, and while these are delivered nothing is heard: at most so many for each time that
/// the bus looks for more.
pub(crate) const BY_THE_BUS: usize = 32;

/// What delivers. It decodes and delivers from memory only: what takes a store is left to the mender, what takes presence to
/// the listener. The one who has the inbox's turn works with it: the courier's thread, or the bus's with a few publications.
pub(crate) struct Courier {
    shared: Arc<Shared>,
    post: Post,
    guard: StopOnPanic,
    messages: Vec<Heard>,
    /// All that came before was taken.
    complete_until: Timestamp,
    malformed: u64,
}

/// A message that was read, or a change of one and its position.
struct Heard {
    push: StoredPush,
    change: Option<ChangePosition>,
}

/// The courier's thread: it delivers until the inbox is stopped.
pub(crate) fn run(shared: &Shared) {
    let mut taken = Vec::new();
    while let Some(completeness) = shared.hub.inbox().take(&mut taken) {
        if let Some(courier) = &mut *shared.hub.courier() {
            courier.deliver_all(completeness, &mut taken);
        }
        taken.clear();
    }
}

impl Courier {
    pub(crate) fn new(shared: Arc<Shared>, post: Post, guard: StopOnPanic) -> Courier {
        let complete_until = Timestamp(shared.service.now_ms());
        Courier { shared, post, guard, messages: Vec::new(), complete_until, malformed: 0 }
    }

    /// Delivers a few publications in the courier's place. The bus's thread, which reads no store here and waits for nobody but a
    /// loop whose mailbox is full.
    pub(crate) fn deliver_few(&mut self, completeness: Completeness, few: &mut Vec<Publication>) {
        let _guard = self.guard.clone();
        self.shared.counters.bus_lots_at_once.add(1);
        self.deliver_all(completeness, few);
    }

    fn deliver_all(&mut self, completeness: Completeness, taken: &mut Vec<Publication>) {
        if completeness == Completeness::Overflowed {
            // Whatever was dropped came after everything that was taken the last time.
            self.shared.hub.lost_since(self.complete_until);
        }
        self.complete_until = Timestamp(self.shared.service.now_ms());
        let mut waiting = taken.drain(..).peekable();
        while waiting.peek().is_some() {
            waiting.by_ref().take(AT_ONCE).for_each(|publication| self.open(publication));
            self.deliver();
        }
    }

    /// Reads one publication. Pushes go before the messages of the same lot: nobody who sees them in that order can tell
    /// that they were not said so.
    fn open(&mut self, publication: Publication) {
        let Publication { topic, payload } = publication;
        match (NodeMessage::decode(topic, &payload), topic) {
            (Ok(NodeMessage::Message(push)), _) => self.messages.push(Heard { push, change: None }),
            (Ok(NodeMessage::Changed(push, position)), _) => {
                self.messages.push(Heard { push, change: Some(position) });
            }
            (Ok(NodeMessage::Push { frame }), Topic::User(user)) => {
                self.shared.hub.seats().tell(user, None, &frame, &mut self.post);
            }
            (Ok(NodeMessage::GroupPush { version, but, frame }), Topic::Group(group)) => {
                self.group_push(GroupPush { group, version, but, frame });
            }
            (Ok(NodeMessage::Notice(Notice::RosterChanged(change))), Topic::Group(_)) => {
                self.shared.service.stepped(&change);
            }
            (Ok(NodeMessage::Notice(notice)), _) => self.shared.hub.notices().put(notice, payload.len()),
            // The decoder lets nothing through that does not belong to its topic.
            (Ok(NodeMessage::Push { .. } | NodeMessage::GroupPush { .. }), _) => {}
            (Err(error), _) => {
                self.shared.counters.bus_malformed.add(1);
                self.malformed += 1;
                if LOGGED(self.malformed) {
                    log::warn!(
                        "{} publications of other nodes were refused; this one: {error}",
                        self.malformed
                    );
                }
            }
        }
    }

    fn group_push(&mut self, push: GroupPush) {
        // Everybody who is a member: a push is no message, and has no place in the log.
        let members = self.shared.service.readers(push.group, push.version, Seq(u64::MAX));
        match members.filter(|_| !self.shared.hub.repairs().has_push_of(push.group)) {
            Some(members) => self.shared.hub.push_to_members(&push, &members, &mut self.post),
            // Dropped if too many wait: whoever looks sees what it told.
            None => drop(self.shared.hub.repairs().group_push(push)),
        }
    }

    /// Passes on the messages that were read, those of one stripe after the other.
    fn deliver(&mut self) {
        let Courier { shared, post, messages, .. } = self;
        let changes = messages.iter().filter(|heard| heard.change.is_some()).count();
        shared.counters.bus_messages.add((messages.len() - changes) as u64);
        shared.counters.bus_changes.add(changes as u64);
        messages.sort_by_key(|heard| shared.hub.relay().stripe_of(heard.push.conversation));
        let mut passage = shared.hub.relay().passage(post);
        for Heard { push, change } in messages.drain(..) {
            let StoredPush { conversation, seq, parties, version, frame } = push;
            let to = match parties {
                Parties::Pair(one, other) => To::Pair(one, other),
                Parties::Group => match shared.service.readers(conversation.group(), version, seq) {
                    Some(members) => To::Members(members),
                    None => To::Unread(version),
                },
            };
            let talk = Talk { conversation, parties };
            if let Some(position) = change {
                let is_read = !matches!(to, To::Unread(_));
                let change = Outgoing { frame, to, but: None };
                let passed = is_read.then(|| passage.changed(talk, seq, Source::Elsewhere, change));
                if passed != Some(Passed::Yes) {
                    // Overflowing it asks for a sweep, which finds the change.
                    drop(shared.hub.repairs().change(talk, position));
                }
                continue;
            }
            // Its sender may have repeated there what an appender here has stored, and not come to the relay with.
            let but = shared.hub.relay().in_hand().sender_of_heard(conversation, &frame);
            let verdict = passage.message(talk, seq, Source::Elsewhere, Outgoing { frame, to, but });
            // What is held may not exist, and nobody acknowledges what does not.
            if verdict == Verdict::Passed {
                shared.service.reached(conversation, seq);
            }
        }
    }
}
