//! The courier: it brings what other nodes published to the connections of this one.

use std::sync::Arc;

use service::domain::{Parties, Publication, Seq, Timestamp, Topic};

use crate::inbox::Completeness;
use crate::node_message::{NodeMessage, StoredPush};
use crate::post::Post;
use crate::relay::{Outgoing, To};
use crate::repairs::GroupPush;
use crate::sequencer::{Source, Talk, Verdict};
use crate::shared::Shared;

/// Publications delivered before appenders get their turn at the relay again.
const AT_ONCE: usize = 128;

/// A row of bad publications is logged at its 1st, 2nd, 4th … member.
const LOGGED: fn(u64) -> bool = u64::is_power_of_two;

/// The courier's thread. It decodes and delivers from memory only: what takes a store is left to the mender, what takes
/// presence to the listener.
pub(crate) struct Courier {
    shared: Arc<Shared>,
    post: Post,
    messages: Vec<StoredPush>,
    malformed: u64,
}

impl Courier {
    pub(crate) fn new(shared: Arc<Shared>, post: Post) -> Courier {
        Courier { shared, post, messages: Vec::new(), malformed: 0 }
    }

    /// Delivers until the inbox is stopped.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut taken = Vec::new();
        let mut complete_until = Timestamp(shared.service.now_ms());
        while let Some(completeness) = shared.hub.inbox().take(&mut taken) {
            if completeness == Completeness::Overflowed {
                // Whatever was dropped came after everything that was taken the last time.
                shared.hub.lost_since(complete_until);
            }
            complete_until = Timestamp(shared.service.now_ms());
            let mut waiting = taken.drain(..).peekable();
            while waiting.peek().is_some() {
                waiting.by_ref().take(AT_ONCE).for_each(|publication| self.open(publication));
                self.deliver();
            }
        }
    }

    /// Reads one publication. Pushes go before the messages of the same lot: nobody who sees them in that order can tell
    /// that they were not said so.
    fn open(&mut self, publication: Publication) {
        let Publication { topic, payload } = publication;
        match (NodeMessage::decode(topic, &payload), topic) {
            (Ok(NodeMessage::Message(message)), _) => self.messages.push(message),
            (Ok(NodeMessage::Push { frame }), Topic::User(user)) => {
                self.shared.hub.seats().tell(user, None, &frame, &mut self.post);
            }
            (Ok(NodeMessage::GroupPush { version, but, frame }), Topic::Group(group)) => {
                self.group_push(GroupPush { group, version, but, frame });
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
        shared.counters.bus_messages.add(messages.len() as u64);
        messages.sort_by_key(|message| shared.hub.relay().stripe_of(message.conversation));
        let mut passage = shared.hub.relay().passage(post);
        for message in messages.drain(..) {
            let StoredPush { conversation, seq, parties, version, frame } = message;
            let to = match parties {
                Parties::Pair(one, other) => To::Pair(one, other),
                Parties::Group => match shared.service.readers(conversation.group(), version, seq) {
                    Some(members) => To::Members(members),
                    None => To::Unread(version),
                },
            };
            let talk = Talk { conversation, parties };
            let verdict = passage.message(talk, seq, Source::Elsewhere, Outgoing { frame, to, but: None });
            // What is held may not exist, and nobody acknowledges what does not.
            if verdict == Verdict::Passed {
                shared.service.reached(conversation, seq);
            }
        }
    }
}
