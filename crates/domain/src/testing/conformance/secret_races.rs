//! Callers that meet over a password or a recovery code.

use super::cast::{NOW, PASSWORD_HASH, session, unique_token, user};
use super::races::{ROUNDS, at_once};
use super::secrets::{recover, unique_code, user_with_codes};
use crate::{Account, NewSession, PasswordChange, SessionId, Store, Timestamp, recovery_delay_ms};

pub(super) fn passwords_changed_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let sessions = [(); 4].map(|()| session(store, ann, NOW));
        let hashes: Vec<String> = (0..4).map(|n| format!("$fake$1$new {n}")).collect();
        let changed = at_once(4, |n| {
            let (new_hash, keep) = (&*hashes[n], sessions[n]);
            let change = PasswordChange { user: ann, old_hash: PASSWORD_HASH, new_hash, keep };
            store.change_password(&change).unwrap()
        });
        let winners: Vec<usize> = (0..4).filter(|n| changed[*n].is_some()).collect();
        assert_eq!(winners.len(), 1, "exactly one knew the password: {changed:?}");
        let winner = winners[0];
        let hash = store.credentials(Account::Id(ann)).unwrap().unwrap().password_hash;
        assert_eq!(hash, hashes[winner]);
        let left: Vec<SessionId> = store.sessions(ann).unwrap().iter().map(|session| session.id).collect();
        assert_eq!(left, [sessions[winner]]);
    }
}

pub(super) fn one_code_used_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (ann, [code, _]) = user_with_codes(store);
        let one = session(store, ann, NOW);
        let recovered = at_once(4, |_| recover(store, ann, code, NOW));
        let recovered: Vec<_> = recovered.into_iter().flatten().collect();
        assert_eq!(recovered.len(), 1, "it works once");
        assert_eq!((&recovered[0].ended[..], recovered[0].codes_left), (&[one][..], 1));
    }
}

pub(super) fn wrong_codes_tried_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (ann, [code]) = user_with_codes(store);
        let tried = at_once(4, |_| recover(store, ann, unique_code(), NOW));
        assert!(tried.iter().all(Option::is_none));
        // One was looked at, the others were too early.
        let until = NOW.0 + recovery_delay_ms(1);
        assert_eq!(recover(store, ann, code, Timestamp(until - 1)), None);
        assert!(recover(store, ann, code, Timestamp(until)).is_some());
    }
}

pub(super) fn logins_while_the_password_changes(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let keep = session(store, ann, NOW);
        let opened = at_once(4, |n| {
            if n == 0 {
                let new_hash = "$fake$1$new";
                let change = PasswordChange { user: ann, old_hash: PASSWORD_HASH, new_hash, keep };
                assert!(store.change_password(&change).unwrap().is_some());
                return None;
            }
            let token = unique_token();
            let new = NewSession {
                user: ann,
                password_hash: PASSWORD_HASH,
                token,
                device: "race",
                at: NOW,
                notices: None,
                broadcasts: None,
            };
            store.create_session(&new, 10).unwrap()
        });
        // Those that came before ended with the change, those after did not begin.
        let left: Vec<SessionId> = store.sessions(ann).unwrap().iter().map(|session| session.id).collect();
        assert_eq!(left, [keep], "{opened:?}");
    }
}
