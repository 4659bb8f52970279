//! What the user was told: notices in person, and broadcasts as everybody.

use client::protocol::{Page, Request};

use super::contacts::pages;
use super::{Chat, picks};
use crate::outcome::{Failure, Outcome, ToldOutcome};

impl Chat {
    /// What concerned the user, the oldest first.
    pub(super) fn notices(&mut self) -> Result<Outcome, Failure> {
        let notices = pages(|after| {
            let page = self.ask(Request::Notices(Page { after, limit: 0 }), picks!(Notices))?;
            Ok((page.notices, page.next))
        })?;
        Ok(ToldOutcome::Notices(notices).into())
    }

    /// What the operator told everybody, the latest first. To list it takes no broadcast from those that come as events.
    pub(super) fn broadcasts(&mut self) -> Result<Outcome, Failure> {
        let mut broadcasts = pages(|after| {
            let page = self.ask(Request::Broadcasts(Page { after, limit: 0 }), picks!(Broadcasts))?;
            Ok((page.broadcasts, page.next))
        })?;
        broadcasts.reverse();
        Ok(ToldOutcome::Broadcasts(broadcasts).into())
    }
}
