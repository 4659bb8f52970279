//! The list of conversations.

use client::protocol::{ChatMessage, History, Reply, Request};
use client::{Mentioned, should_notify};

use super::Chat;
use crate::moment;
use crate::outcome::{ConversationRow, Failure, Outcome, TalkingOutcome};
use crate::roster::{Roster, Talk};
use crate::shared::Line;

/// Conversations whose newest message is asked for by one command, all at once; others are listed without it.
const ASKED_MAX: usize = 50;

/// Whether nobody is told of what is said there now, as far as the server has said what is quiet.
fn is_quiet(roster: &Roster, talk: Talk, now: u64) -> bool {
    let (quiet, conv) = (roster.quiet.as_ref(), roster.conv_of(talk));
    quiet.zip(conv).is_some_and(|(quiet, conv)| !should_notify(quiet, conv, Mentioned::No, now))
}

impl Chat {
    /// All friends and groups, those with the latest message first. What this run has not seen yet is asked for.
    pub(super) fn conversations(&mut self) -> Result<Outcome, Failure> {
        let readings = self.client.readings()?;
        let unseen: Vec<(Talk, u64)> = {
            let mut known = self.shared.lock();
            let known = &mut *known;
            known.roster.read_to(&readings);
            let roster = &known.roster;
            // Without a connection nobody answers.
            let ask = if known.line == Line::Up { ASKED_MAX } else { 0 };
            let unseen = roster.all_talks().filter(|talk| roster.conversations.newest(*talk).is_none());
            unseen.filter_map(|talk| Some((talk, roster.conv_of(talk)?))).take(ask).collect()
        };
        let mut asked = Vec::with_capacity(unseen.len());
        for (talk, conv) in unseen {
            let newest = History { conv, after: None, before: None, at: None, limit: 1 };
            asked.push((talk, self.client.submit(Request::History(newest))?));
        }
        for (talk, pending) in asked {
            // One that cannot be read, because the group was left meanwhile, stays without.
            let Ok(Reply::History(page)) = pending.wait() else { continue };
            let newest: Option<ChatMessage> = page.messages.into_iter().next_back();
            if let Some(message) = newest {
                // It was delivered before this run began, and is counted already.
                self.shared.lock().roster.conversations.show(talk, &message);
            }
        }
        let now = moment::now();
        let roster = &self.shared.lock().roster;
        let mut rows: Vec<ConversationRow> = roster
            .all_talks()
            .map(|talk| {
                let conversation = roster.conversations.of(talk);
                ConversationRow {
                    talk,
                    name: roster.talk_name(talk),
                    unread: conversation.map_or(0, |conversation| conversation.unread),
                    newest: roster.conversations.newest(talk).cloned(),
                    quiet: is_quiet(roster, talk, now),
                }
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.newest.as_ref().map_or(0, |newest| newest.time)));
        Ok(TalkingOutcome::Conversations(rows).into())
    }
}
