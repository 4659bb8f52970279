//! What users tell of themselves.

use client::protocol::{EditProfile, ProfileOf, Request, SearchUsers};

use super::{Chat, picks};
use crate::command::Who;
use crate::outcome::{Failure, Outcome, PeopleOutcome};

/// Users that a search shows: more than a screen of them is no help.
const FOUND_MAX: u32 = 50;

impl Chat {
    /// Somebody's profile, or one's own.
    pub(super) fn profile(&mut self, who: Option<&Who>) -> Result<Outcome, Failure> {
        let id = match who {
            Some(who) => Some(self.shared.lock().roster.user(who).map_err(Failure::Senseless)?),
            None => None,
        };
        self.ask(Request::Profile(ProfileOf { id }), picks!(Profile))
            .map(PeopleOutcome::Profile)
            .map(Outcome::from)
    }

    /// The first users that a search finds.
    pub(super) fn search(&mut self, query: String) -> Result<Outcome, Failure> {
        let request = SearchUsers { query, after: 0, limit: FOUND_MAX };
        let page = self.ask(Request::SearchUsers(request), picks!(SearchUsers))?;
        Ok(PeopleOutcome::Found { users: page.found, more: page.next != 0 }.into())
    }

    pub(super) fn edit(&mut self, edit: EditProfile) -> Result<Outcome, Failure> {
        self.ask(Request::EditProfile(edit), picks!(EditProfile))
            .map(PeopleOutcome::Edited)
            .map(Outcome::from)
    }
}
