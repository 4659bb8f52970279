//! New passwords, and the codes that set one when the old one is lost.

use client::protocol::{ChangePassword, DeleteAccount, OwnedGroups, PasswordProof, Recover, Request, Secret};

use super::{AskSecret, CATCH_UP, Chat, picks, senseless};
use crate::command::Who;
use crate::outcome::{AccountsOutcome, Failure, Outcome};

impl Chat {
    pub(super) fn change_password(
        &mut self,
        new: Option<Secret>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        if self.shared.lock().roster.signed_in().is_none() {
            return senseless(
                "nobody is logged in; /recover sets a new password by a recovery code".to_owned(),
            );
        }
        let password = self.password(None, ask)?;
        let new_password = new_password(new, ask)?;
        let request = ChangePassword { password, new_password: new_password.clone() };
        self.ask(Request::ChangePassword(request), picks!(ChangePassword))?;
        // What was given for all commands would be wrong from now on.
        if self.password.is_some() {
            self.password = Some(new_password);
        }
        Ok(AccountsOutcome::PasswordChanged.into())
    }

    pub(super) fn recover(
        &mut self,
        who: &Who,
        code: Option<Secret>,
        new: Option<Secret>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        if let Some(me) = self.shared.lock().roster.signed_in() {
            return senseless(format!("you are logged in as {}; /password sets a new password", me.name));
        }
        let Some(code) = code.or_else(|| ask("recovery code")) else {
            return senseless("a recovery code is needed, as an argument".to_owned());
        };
        let new_password = new_password(new.or_else(|| self.password.clone()), ask)?;
        let (id, name) = match who {
            Who::Id(id) => (Some(*id), None),
            Who::Name(name) => (None, Some(name.clone())),
        };
        let recovered =
            self.ask(Request::Recover(Recover { id, name, code, new_password }), picks!(Recover))?;
        Ok(AccountsOutcome::Recovered {
            id: recovered.id,
            name: recovered.name,
            codes_left: recovered.codes_left,
        }
        .into())
    }

    pub(super) fn new_recovery_codes(
        &mut self,
        password: Option<Secret>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        let password = self.password(password, ask)?;
        let request = Request::NewRecoveryCodes(PasswordProof { password });
        let codes = self.ask(request, picks!(NewRecoveryCodes))?.recovery_codes;
        Ok(AccountsOutcome::RecoveryCodes(codes).into())
    }
}

impl Chat {
    /// Asks for the account's name as well: nothing brings it back.
    pub(super) fn delete_account(
        &mut self,
        owned: OwnedGroups,
        confirmed: Option<String>,
        ask: AskSecret<'_>,
    ) -> Result<Outcome, Failure> {
        let Some(me) = self.shared.lock().roster.me.clone() else {
            return senseless("nobody is logged in".to_owned());
        };
        let confirmed = confirmed.or_else(|| {
            let typed = ask("to delete this account for good, type its name")?;
            Some(typed.expose().to_owned())
        });
        if confirmed.as_deref() != Some(&*me.name) {
            return senseless(format!("nothing is deleted: that needs the account's name, {}", me.name));
        }
        let password = self.password(None, ask)?;
        self.ask(Request::DeleteAccount(DeleteAccount { password, owned }), picks!(DeleteAccount))?;
        self.shared.wait_until(CATCH_UP, |known| known.roster.me.is_none().then_some(()));
        Ok(AccountsOutcome::AccountDeleted.into())
    }
}

/// A password that nobody has seen yet is typed twice.
fn new_password(given: Option<Secret>, ask: AskSecret<'_>) -> Result<Secret, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let Some(once) = ask("new password") else {
        return senseless("a new password is needed, as an argument".to_owned());
    };
    match ask("new password again") {
        Some(again) if again == once => Ok(once),
        Some(_) => senseless("the two are not the same; nothing is changed".to_owned()),
        None => senseless("the new password was not confirmed; nothing is changed".to_owned()),
    }
}
