//! Whom texts mention.

use std::time::{Duration, Instant};

use client::protocol::{ChatMessage, GroupMembers, Reply, Request};

use super::{Chat, Manner, PAGES_MAX};
use crate::mention::{find, mentioned};
use crate::roster::Talk;
use crate::shared::Line;

/// How long somebody at the prompt waits for a group's members; then those are known who were told by then.
const PROMPT_WAIT: Duration = Duration::from_millis(300);

/// Members of a group that are asked for when it is chosen, so that they can be completed: one page.
const LISTED_WHEN_CHOSEN: u32 = 200;

impl Chat {
    /// Whom a text mentions, of those who can be mentioned there. Anything else with an @ is text.
    pub(super) fn mentions(&self, talk: Talk, text: &str) -> Vec<u64> {
        let names = || self.shared.lock().roster.names(talk);
        if find(text, &names()).is_empty() {
            return Vec::new();
        }
        if let Talk::Group(group) = talk {
            self.learn_members(group);
        }
        mentioned(text, &names())
    }

    /// Whom a message mentions with this text instead of its own: those whom the text names, and whom it mentioned before without
    /// naming them.
    pub(super) fn mentions_of_corrected(
        &self,
        talk: Talk,
        before: Option<&ChatMessage>,
        text: &str,
    ) -> Vec<u64> {
        let mut mentions = self.mentions(talk, text);
        if let Some(before) = before {
            let named = self.mentions(talk, &before.msg);
            let unnamed = before.mentions.iter().filter(|user| !named.contains(user));
            let more: Vec<u64> = unnamed.copied().filter(|user| !mentions.contains(user)).collect();
            mentions.extend(more);
        }
        mentions
    }

    /// A group is chosen: who is in it can be completed.
    pub(super) fn prepare_mentions(&self, group: u64) {
        let members = self.shared.lock().roster.groups.get(&group).map_or(0, |group| group.members);
        if self.manner == Manner::Terminal && members <= LISTED_WHEN_CHOSEN {
            self.learn_members(group);
        }
    }

    /// Asks for a group's members once; who comes later is told. Nobody waits for long at a prompt, nor without a connection,
    /// and what is not known is not needed.
    fn learn_members(&self, group: u64) {
        let known = self.shared.lock();
        let is_away = known.line == Line::Down || self.offline || known.roster.me.is_none();
        if known.roster.door.are_all_held(group) || is_away {
            return;
        }
        drop(known);
        let begun = Instant::now();
        let mut after = 0;
        for _ in 0..PAGES_MAX {
            let request = Request::GroupMembers(GroupMembers { groupid: group, after, limit: 0 });
            let Some(Reply::GroupMembers(page)) = self.soon(request, begun) else { return };
            let mut known = self.shared.lock();
            let names = page.users.iter().map(|member| (member.id, member.name.as_str()));
            known.roster.door.hold_members(group, names);
            for member in page.users.iter().filter(|member| !member.nickname.is_empty()) {
                known.roster.door.hold_speaker(group, member.id, &member.nickname);
            }
            if page.next <= after {
                break;
            }
            after = page.next;
        }
        self.shared.lock().roster.door.all_are_held(group);
    }

    /// The answer; at a prompt only if it comes soon after it was begun to ask.
    fn soon(&self, request: Request, begun: Instant) -> Option<Reply> {
        if self.manner == Manner::Script {
            return self.client.call(request).ok();
        }
        let left = PROMPT_WAIT.saturating_sub(begun.elapsed());
        if left.is_zero() || self.shared.is_interrupted() {
            return None;
        }
        self.client.submit(request).ok()?.wait_within(left)?.ok()
    }
}
