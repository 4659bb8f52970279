//! What users tell of themselves.

use client::protocol::{EditProfile, ProfileOf, Request};

use super::{Chat, picks};
use crate::command::Who;
use crate::outcome::{Failure, Outcome};

impl Chat {
    /// Somebody's profile, or one's own.
    pub(super) fn profile(&mut self, who: Option<&Who>) -> Result<Outcome, Failure> {
        let id = match who {
            Some(who) => Some(self.shared.lock().roster.user(who).map_err(Failure::Senseless)?),
            None => None,
        };
        self.ask(Request::Profile(ProfileOf { id }), picks!(Profile)).map(Outcome::Profile)
    }

    pub(super) fn edit(&mut self, edit: EditProfile) -> Result<Outcome, Failure> {
        self.ask(Request::EditProfile(edit), picks!(EditProfile)).map(Outcome::Edited)
    }
}
