//! Whom one does not want to hear of.

use client::protocol::{FoundUser, Page, Request, UserRef};

use super::contacts::pages;
use super::{Chat, picks};
use crate::command::Who;
use crate::outcome::{Failure, Outcome, PeopleOutcome};
use crate::printable::{self, one_line};

impl Chat {
    pub(super) fn block(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let id = self.user(who)?;
        self.ask(Request::Block(UserRef { userid: id }), picks!(Block))?;
        let mut known = self.shared.lock();
        let name = known.roster.user_name(id);
        known.roster.blocked.insert(id, name.clone());
        known.roster.requests.remove(&id);
        known.roster.remove_friend(id);
        Ok(PeopleOutcome::Blocked { id, name }.into())
    }

    /// Names are looked up in the list that the server has: who is blocked is no friend, and asks for nothing.
    pub(super) fn unblock(&mut self, who: &Who) -> Result<Outcome, Failure> {
        let (id, name) = match who {
            Who::Id(id) => (*id, self.shared.lock().roster.blocked.get(id).cloned()),
            Who::Name(name) => {
                let found = self
                    .list_blocked()?
                    .into_iter()
                    .find(|user| user.name.to_lowercase() == name.to_lowercase());
                let found = found.ok_or_else(|| {
                    Failure::Senseless(format!("you blocked nobody called {}; see /blocked", one_line(name)))
                })?;
                (found.id, Some(found.name))
            }
        };
        self.ask(Request::Unblock(UserRef { userid: id }), picks!(Unblock))?;
        self.shared.lock().roster.blocked.remove(&id);
        let name = name.map_or_else(|| format!("user {id}"), |name| printable::name(&name).into_owned());
        Ok(PeopleOutcome::Unblocked { id, name }.into())
    }

    pub(super) fn blocked(&mut self) -> Result<Outcome, Failure> {
        self.list_blocked().map(PeopleOutcome::BlockedUsers).map(Outcome::from)
    }

    fn list_blocked(&mut self) -> Result<Vec<FoundUser>, Failure> {
        let blocked = pages(|after| {
            let page = self.ask(Request::Blocked(Page { after, limit: 0 }), picks!(Blocked))?;
            Ok((page.blocked, page.next))
        })?;
        let names = blocked.iter().map(|user| (user.id, user.name.clone()));
        self.shared.lock().roster.blocked = names.collect();
        Ok(blocked)
    }
}
