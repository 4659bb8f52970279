//! Who may read what, by the stays in groups; and who was refused although they were allowed.

use std::collections::HashMap;

use protocol::Code;

use super::{Findings, Kind};
use crate::torture::evidence::{
    Conversation, Digest, Evidence, Friendship, Outcome, Record, Send, Spell, Target, Window,
};

/// How long a node may still take messages from somebody who left a group on another node: until it finds that the bus
/// is silent, and then a second.
const HEARSAY_MS: u64 = 5_000;

/// What a user may read of a conversation: a range of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) first: u64,
    /// Without it, it goes on until the end: everything in it must be shown.
    pub(crate) end: Option<Window>,
}

impl Reach {
    /// Whether a message may be shown.
    pub(super) fn allows(&self, seq: u64, conversation: &Conversation) -> bool {
        let in_time = |end: Window| conversation.message(seq).is_some_and(|it| it.time <= end.until_ms);
        seq >= self.first && self.end.is_none_or(in_time)
    }

    /// Whether a message that the reader began to send at this time may be taken, and so be shown to themselves. From
    /// another device than the one that leaves, it may come to stand behind the leave.
    fn allows_own(&self, seq: u64, begun_ms: u64) -> bool {
        seq >= self.first && self.end.is_none_or(|end| may_be_said(begun_ms, end))
    }
}

/// Sender and message id → when it was first tried.
pub(super) struct Beginnings(HashMap<(u64, Digest), u64>);

impl Beginnings {
    pub(super) fn of(evidence: &Evidence) -> Beginnings {
        let of = |record: &Record| -> Vec<_> {
            let user = record.user;
            record.sends.iter().map(|send| ((user, Digest::of(&send.id)), send.begun_ms)).collect()
        };
        Beginnings(evidence.records.iter().flat_map(of).collect())
    }

    /// Whether `user`, who can reach this much, may be shown a message.
    pub(super) fn allow(&self, reaches: &[Reach], user: u64, seq: u64, conversation: &Conversation) -> bool {
        let Some(message) = conversation.message(seq) else { return false };
        let begun_ms = self.0.get(&(user, Digest::of(&message.id))).filter(|_| message.from == user);
        reaches.iter().any(|reach| {
            reach.allows(seq, conversation)
                || begun_ms.is_some_and(|begun_ms| reach.allows_own(seq, *begun_ms))
        })
    }
}

/// What `user` may read of `conv`, in order.
pub(crate) fn reaches(evidence: &Evidence, user: u64, conv: u64) -> Vec<Reach> {
    let Some(conversation) = evidence.log.conversations.get(&conv) else { return Vec::new() };
    if let Some((lo, hi)) = conversation.pair {
        let whole = Reach { first: 1, end: None };
        return if user == lo || user == hi { vec![whole] } else { Vec::new() };
    }
    let reach = |spell: &Spell| {
        let stored = evidence.log.members.get(&(conv, user)).map(|since| since + 1);
        let first = spell.first.or(stored)?;
        Some(Reach { first, end: spell.left })
    };
    let spells = evidence.spells.iter().filter(|spell| spell.user == user && spell.group == conv);
    spells.filter_map(reach).collect()
}

pub(super) fn examine(evidence: &Evidence, findings: &mut Findings) {
    for spell in last_spells(evidence) {
        let Spell { user, group, first, left, .. } = *spell;
        let stored = evidence.log.members.get(&(group, user)).map(|since| since + 1);
        match (left, stored) {
            (None, None) => {
                let what = format!("user {user} was answered that they are in group {group}, and are not");
                findings.add(Kind::Lost, what, vec![format!("{spell:?}")]);
            }
            (Some(_), Some(_)) => {
                let what = format!("user {user} was answered that they left group {group}, and are in it");
                findings.add(Kind::Lost, what, vec![format!("{spell:?}")]);
            }
            (None, Some(stored)) if first.is_some_and(|first| first != stored) => {
                let what = format!("user {user} may read group {group} from {stored} and was told otherwise");
                findings.add(Kind::OutOfOrder, what, vec![format!("{spell:?}")]);
            }
            _ => {}
        }
    }
    for friendship in &evidence.friendships {
        let stored = evidence.log.friends.get(&friendship.user);
        if !stored.is_some_and(|friends| friends.contains(&friendship.friend)) {
            let what = format!("users {} and {} are not friends", friendship.user, friendship.friend);
            findings.add(Kind::Lost, what, vec![format!("{friendship:?}")]);
        }
    }
    for record in &evidence.records {
        for send in &record.sends {
            let wrong = match send.outcome {
                Outcome::Refused { code, at_ms }
                    if !may_be_refused(evidence, record.user, send, code, at_ms) =>
                {
                    format!("was refused at {at_ms} with {code:?}")
                }
                Outcome::Stored { conv, seq, .. } if !may_be_taken(evidence, record.user, send) => {
                    format!("was taken as {conv}/{seq}")
                }
                _ => continue,
            };
            let what = format!(
                "{} of {} (user {}) to {:?}, tried from {} on, {wrong}",
                send.id, record.who, record.user, send.to, send.begun_ms
            );
            let spells = evidence.spells.iter().filter(|spell| spell.user == record.user);
            let spells = spells.filter(|spell| send.to == Target::Group(spell.group));
            findings.add(Kind::Refused, what, spells.map(|spell| format!("{spell:?}")).collect());
        }
    }
}

/// A message may be taken in a group only from somebody who may have been in it, or whose leaving other nodes need not have
/// heard of yet.
fn may_be_taken(evidence: &Evidence, user: u64, send: &Send) -> bool {
    let Target::Group(group) = send.to else { return true };
    let mut spells = evidence.spells.iter().filter(|spell| spell.user == user && spell.group == group);
    spells
        .any(|spell| spell.left.is_none_or(|left| send.begun_ms <= left.until_ms.saturating_add(HEARSAY_MS)))
}

/// A message may be refused only if at some time during its attempts its sender was, or may have been, outside.
fn may_be_refused(evidence: &Evidence, user: u64, send: &Send, code: Code, at_ms: u64) -> bool {
    let expected = match send.to {
        Target::Friend(_) => Code::NOT_FRIENDS,
        Target::Group(_) => Code::NOT_MEMBER,
    };
    code == expected && !is_inside(evidence, user, (send.to, None), send.begun_ms, at_ms)
}

/// Whether a user was where a message goes all the time between two moments, for all that is known; with a seq, of which they
/// read what stands there.
pub(super) fn is_inside(
    evidence: &Evidence,
    user: u64,
    (to, seq): (Target, Option<u64>),
    from_ms: u64,
    until_ms: u64,
) -> bool {
    match to {
        Target::Friend(friend) => {
            let known = |it: &&Friendship| it.user == user && it.friend == friend;
            evidence.friendships.iter().find(known).is_some_and(|it| it.known_ms <= from_ms)
        }
        Target::Group(group) => {
            let inside = |spell: &Spell| {
                let since = spell.joined.until_ms <= from_ms;
                let reads = seq.is_none_or(|seq| spell.first.is_some_and(|first| first <= seq));
                since && reads && spell.left.is_none_or(|left| left.from_ms > until_ms)
            };
            let mut spells =
                evidence.spells.iter().filter(|spell| spell.user == user && spell.group == group);
            spells.any(inside)
        }
    }
}

/// Whether a message begun at this time may be taken from somebody who left then.
fn may_be_said(begun_ms: u64, left: Window) -> bool {
    begun_ms <= left.until_ms.saturating_add(HEARSAY_MS)
}

/// The last stay of each user in each group.
fn last_spells(evidence: &Evidence) -> Vec<&Spell> {
    let is_last = |at: usize, spell: &Spell| {
        let same = |other: &Spell| (other.user, other.group) == (spell.user, spell.group);
        !evidence.spells[at + 1..].iter().any(same)
    };
    evidence.spells.iter().enumerate().filter(|(at, spell)| is_last(*at, spell)).map(|(_, it)| it).collect()
}
