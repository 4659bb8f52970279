//! Accounts and sessions.

use std::sync::PoisonError;

use client::SyncState;
use client::protocol::{Blame, Login, Nothing, Reg, Request, Resume, Secret, SessionRef, SignedIn, State};
use client::store::StoreError;

use super::{AskSecret, CATCH_UP, Chat, picks, senseless};
use crate::command::Who;
use crate::keeper::{Found, trouble};
use crate::outcome::{AccountsOutcome, Failure, Outcome};
use crate::printable;
use crate::roster::Me;

impl Chat {
    pub(super) fn register(
        &mut self,
        name: String,
        password: Option<Secret>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        let password = self.password(password, ask)?;
        let registered = self.ask(Request::Reg(Reg { name: name.clone(), password }), picks!(Reg))?;
        Ok(AccountsOutcome::Registered { id: registered.id, name, codes: registered.recovery_codes }.into())
    }

    /// With a password by LOGIN; without one first by the token that an earlier run left behind.
    pub(super) fn log_in(
        &mut self,
        who: &Who,
        password: Option<Secret>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        if let Some(me) = self.shared.lock().roster.signed_in() {
            if is(who, me) {
                return Ok(AccountsOutcome::LoggedInAlready(me.clone()).into());
            }
            let name = printable::name(&me.name);
            return senseless(format!("you are logged in as {name}; /logout first"));
        }
        let (id, name, account) = match who {
            Who::Id(id) => (Some(*id), None, id.to_string()),
            Who::Name(name) => (None, Some(name.clone()), name.clone()),
        };
        // What makes a store useless is told once somebody is logged in and it is not used.
        let found = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).find(&account);
        let in_use = found.as_ref().err().filter(|error| matches!(error, StoreError::InUse(_))).map(trouble);
        let found = found.ok().flatten();
        let lists = found.as_ref().and_then(|found| found.store.lists().ok()).unwrap_or_default();
        let (friends_version, groups_version) = (lists.friends_version.clone(), lists.groups_version.clone());
        let newest = found.as_ref().and_then(|found| found.store.newest().ok()).unwrap_or_default();
        self.shared.lock().roster.remember(None, lists, &newest);
        let (mut token, mut epoch) = (None, None);
        let (mut notices_after, mut broadcasts_after) = (None, None);
        if let Some(Found { state, .. }) = found {
            (token, epoch) = (state.token.clone(), state.epoch.clone());
            (notices_after, broadcasts_after) = (state.notices, state.broadcasts);
            // The cursors serve with either way in.
            self.client.restore(SyncState { token: None, ..state })?;
        }
        if let (Some(token), None) = (token, &password) {
            let resume = Resume {
                token,
                notices_after,
                broadcasts_after,
                epoch: epoch.clone(),
                friends_version: friends_version.clone(),
                groups_version: groups_version.clone(),
            };
            match self.ask(Request::Resume(resume), picks!(Resume)) {
                Ok(bundle) => return Ok(self.logged_in(&bundle)),
                Err(Failure::Refused { refusal, .. }) if refusal.code.blame() == Blame::Session => {}
                Err(failure) => return Err(failure),
            }
        }
        let password = match (self.password(password, ask), in_use) {
            (Err(_), Some(why)) => return Err(Failure::InUse(why)),
            (password, _) => password?,
        };
        let login = Login {
            id,
            name,
            password,
            notices_after,
            broadcasts_after,
            epoch,
            friends_version,
            groups_version,
        };
        let bundle = self.ask(Request::Login(login), picks!(Login))?;
        Ok(self.logged_in(&bundle))
    }

    pub(super) fn log_out(&mut self) -> Result<Outcome, Failure> {
        self.ask(Request::LogOut(Nothing {}), picks!(LogOut))?;
        self.shared.wait_until(CATCH_UP, |known| known.roster.me.is_none().then_some(()));
        Ok(AccountsOutcome::LoggedOut.into())
    }

    pub(super) fn sessions(&mut self) -> Result<Outcome, Failure> {
        let list = self.ask(Request::Sessions(Nothing {}), picks!(Sessions))?;
        Ok(AccountsOutcome::Sessions(list.sessions).into())
    }

    pub(super) fn end_session(&mut self, session: u64) -> Result<Outcome, Failure> {
        self.ask(Request::EndSession(SessionRef { session }), picks!(EndSession))?;
        Ok(AccountsOutcome::SessionEnded(session).into())
    }

    fn logged_in(&mut self, bundle: &SignedIn) -> Outcome {
        self.history_before.clear();
        // The next command may name a friend.
        self.shared.wait_until(CATCH_UP, |known| {
            known.roster.me.as_ref().is_some_and(|me| me.session == bundle.session).then_some(())
        });
        let known = self.shared.lock();
        AccountsOutcome::LoggedIn {
            me: Me { id: bundle.id, name: bundle.name.clone(), session: bundle.session },
            friends: known.roster.friends.len(),
            online: known.roster.friends.values().filter(|friend| friend.state == State::Online).count(),
            groups: known.roster.groups.len(),
            requests: bundle
                .requests
                .iter()
                .filter(|request| request.direction == client::protocol::Direction::In)
                .map(|request| request.name.clone())
                .collect(),
            applications: bundle.applications,
            invitations: bundle.invitations,
        }
        .into()
    }

    /// The password: typed with the command, given for all commands, or asked for.
    pub(super) fn password(&self, given: Option<Secret>, ask: AskSecret<'_>) -> Result<Secret, Failure> {
        given.or_else(|| self.password.clone()).or_else(|| ask("password")).ok_or_else(|| {
            Failure::Senseless(
                "a password is needed: as an argument, in a --password-file or in CHAT_PASSWORD".to_owned(),
            )
        })
    }
}

/// Whether it is they who are meant.
fn is(who: &Who, me: &Me) -> bool {
    match who {
        Who::Id(id) => *id == me.id,
        Who::Name(name) => name.to_lowercase() == me.name.to_lowercase(),
    }
}
