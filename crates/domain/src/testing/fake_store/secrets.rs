//! Passwords and recovery codes of the fake.

use std::collections::BTreeSet;

use super::FakeStore;
use crate::{
    CodeHash, PasswordChange, Recovered, Recovery, SecretStore, SessionId, StoreResult, Timestamp, UserId,
    recovery_delay_ms,
};

/// The recovery codes of one user.
#[derive(Default)]
pub(super) struct Codes {
    left: BTreeSet<CodeHash>,
    failures: u32,
    after: Timestamp,
}

impl Codes {
    pub(super) fn new(codes: &[CodeHash]) -> Codes {
        Codes { left: codes.iter().copied().collect(), ..Codes::default() }
    }

    /// Whether the code works, at this time.
    fn use_up(&mut self, code: CodeHash, at: Timestamp) -> bool {
        if at < self.after {
            return false;
        }
        let works = self.left.remove(&code);
        self.failures = if works { 0 } else { self.failures + 1 };
        self.after = if works { Timestamp(0) } else { Timestamp(at.0 + recovery_delay_ms(self.failures)) };
        works
    }
}

impl SecretStore for FakeStore {
    fn change_password(&self, change: &PasswordChange<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.run("change a password", |state| {
            let row = state.users.get_mut(&change.user).filter(|row| !row.is_deleted)?;
            if row.password_hash != change.old_hash {
                return None;
            }
            row.password_hash = change.new_hash.to_owned();
            Some(state.end_others(change.user, Some(change.keep)))
        })
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        password_hash: &str,
        codes: &[CodeHash],
    ) -> StoreResult<bool> {
        self.run("replace recovery codes", |state| match state.users.get_mut(&user) {
            Some(row) if row.password_hash == password_hash && !row.is_deleted => {
                row.recovery.left = codes.iter().copied().collect();
                true
            }
            _ => false,
        })
    }

    fn recover(&self, recovery: &Recovery<'_>) -> StoreResult<Option<Recovered>> {
        self.run("recover an account", |state| {
            let id = state.id_of(recovery.account)?;
            let row = state.users.get_mut(&id)?;
            if !row.recovery.use_up(recovery.code, recovery.at) {
                return None;
            }
            row.password_hash = recovery.new_hash.to_owned();
            let codes_left = row.recovery.left.len() as u32;
            Some(Recovered { user: state.user(id)?, ended: state.end_others(id, None), codes_left })
        })
    }
}
