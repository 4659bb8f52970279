//! RECOVER and NEW_RECOVERY_CODES. Both hash a password: slow lane only.
//!
//! Whoever recovers learns only whether it worked. The account may not exist, the code may be wrong or used, or the account
//! may have to wait after wrong ones: the answer, and the work for it, are the same. How long the asker should wait is
//! told by their own address's wrong codes alone, which grows in the same steps.

use std::collections::HashMap;

use domain::{RECOVERY_DELAY_MAX_MS, Recovery, Timestamp, recovery_delay_ms};
use parking_lot::Mutex;
use protocol::{Code, PasswordProof, Recover, Recovered, RecoveryCodes, Refusal};

use crate::accounts;
use crate::address::Household;
use crate::caller::{Caller, Me};
use crate::fields;
use crate::names::UserName;
use crate::recovery_code;
use crate::refuse::Stop;
use crate::service::Service;
use crate::sessions;

/// Addresses whose wrong codes are remembered, about 100 bytes each.
const ORIGINS_MAX: usize = 65_536;

/// RECOVER.
pub(crate) fn recover(service: &Service, caller: Caller<'_>, request: &Recover) -> Result<Recovered, Stop> {
    let new_password = request.new_password.expose();
    fields::new_password("new_password", new_password)?;
    let code = recovery_code::hash(&request.code)?;
    let name = request.name.as_deref().map(UserName::parse);
    let account = accounts::account(request.id, name.as_ref())?;
    let (ports, origin) = (&service.ports, Household::from(caller.address));
    let at = ports.clock.now();
    service.limits.recoveries.take(origin, at)?;
    if let Err(retry_after_ms) = service.recoveries.begin(origin, at) {
        return Err(Refusal::new(Code::TOO_MANY).retry_after_ms(retry_after_ms).into());
    }
    let forgive = || service.recoveries.forgive(origin, at);
    // Before anything is known of the account, so that the time of it tells nothing.
    let new_hash = &*ports.hasher.hash(new_password).inspect_err(|_| forgive())?;
    let recovery = Recovery { account, code, new_hash, at };
    let Some(recovered) = ports.store.recover(&recovery).inspect_err(|_| forgive())? else {
        return Err(Refusal::saying(
            Code::BAD_CREDENTIALS,
            "account or code is wrong, or the account has to wait after wrong codes",
        )
        .into());
    };
    forgive();
    let user = recovered.user.id;
    log::info!("user {user} recovered their account; {} sessions ended", recovered.ended.len());
    sessions::close_all(service, user, recovered.ended, "the account was recovered with a new password");
    Ok(Recovered { id: user.0, name: recovered.user.name, codes_left: recovered.codes_left })
}

/// NEW_RECOVERY_CODES.
pub(crate) fn new_codes(
    service: &Service,
    me: Me<'_>,
    request: &PasswordProof,
) -> Result<RecoveryCodes, Stop> {
    let known = accounts::prove(service, me, &request.password)?;
    let (recovery_codes, hashes) = recovery_code::new(&*service.ports.entropy);
    if !service.ports.store.replace_recovery_codes(me.user(), &known.password_hash, &hashes)? {
        // Another device changed the password meanwhile.
        return Err(Stop::refused(Code::BAD_CREDENTIALS));
    }
    log::info!("user {} has new recovery codes", me.user());
    Ok(RecoveryCodes { recovery_codes })
}

/// The wrong codes of each address: a node's own memory, which a restart clears. What holds for all nodes is counted by
/// account, in the store. Any thread.
#[derive(Debug, Default)]
pub(crate) struct Delays(Mutex<HashMap<Household, Delay>>);

#[derive(Clone, Copy, Debug)]
struct Delay {
    failures: u32,
    /// No code is looked at before.
    until: Timestamp,
}

impl Delays {
    /// Takes a try, which counts as wrong until it is forgiven: tries at once do not pass together. Or says how long to
    /// wait, in milliseconds.
    fn begin(&self, origin: Household, now: Timestamp) -> Result<(), u64> {
        let mut delays = self.0.lock();
        let failures = match delays.get(&origin) {
            Some(delay) if delay.until > now => return Err(delay.until.0 - now.0),
            // As long again as the longest wait: forgotten.
            Some(delay) if now.0 - delay.until.0 < RECOVERY_DELAY_MAX_MS => delay.failures.saturating_add(1),
            Some(_) | None => 1,
        };
        if delays.len() >= ORIGINS_MAX && !delays.contains_key(&origin) {
            make_room(&mut delays, now);
        }
        delays.insert(origin, Delay { failures, until: Timestamp(now.0 + recovery_delay_ms(failures)) });
        Ok(())
    }

    /// Addresses that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// The try was right, or nobody looked at it: it does not count.
    fn forgive(&self, origin: Household, now: Timestamp) {
        let mut delays = self.0.lock();
        if let Some(delay) = delays.get_mut(&origin) {
            delay.failures -= 1;
            delay.until = now;
            if delay.failures == 0 {
                delays.remove(&origin);
            }
        }
    }
}

/// Forgets who need not wait any more; if all must, whoever would be free first.
fn make_room(delays: &mut HashMap<Household, Delay>, now: Timestamp) {
    delays.retain(|_, delay| delay.until > now);
    if delays.len() >= ORIGINS_MAX {
        let first = delays.iter().min_by_key(|(_, delay)| delay.until).map(|(origin, _)| *origin);
        if let Some(first) = first {
            delays.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn origin(n: u32) -> Household {
        Household::V4(Ipv4Addr::from_bits(n))
    }

    #[test]
    fn an_address_waits_longer_each_time() {
        let delays = Delays::default();
        let mut now = NOW;
        for failures in 1..=14 {
            delays.begin(origin(1), now).expect("it waited");
            assert_eq!(delays.begin(origin(1), now), Err(recovery_delay_ms(failures)));
            delays.begin(origin(failures + 1), now).expect("another address");
            now = Timestamp(now.0 + recovery_delay_ms(failures));
        }
        let forgotten = Timestamp(now.0 + RECOVERY_DELAY_MAX_MS);
        delays.begin(origin(1), forgotten).expect("long ago");
        assert_eq!(delays.begin(origin(1), forgotten), Err(recovery_delay_ms(1)));
    }

    #[test]
    fn what_is_forgiven_does_not_count() {
        let delays = Delays::default();
        for _ in 0..100 {
            delays.begin(origin(1), NOW).expect("no wait");
            delays.forgive(origin(1), NOW);
        }
        assert!(delays.0.lock().is_empty());
        delays.begin(origin(1), NOW).expect("no wait");
        let next = Timestamp(NOW.0 + 1_000);
        delays.begin(origin(1), next).expect("it waited");
        delays.forgive(origin(1), next);
        delays.begin(origin(1), next).expect("no wait for what was right");
        assert_eq!(delays.begin(origin(1), next), Err(recovery_delay_ms(2)), "the first one counts");
    }

    #[test]
    fn memory_is_bounded_and_keeps_those_who_wait_longest() {
        let delays = Delays::default();
        delays.begin(origin(0), NOW).expect("no wait");
        let later = Timestamp(NOW.0 + 500);
        for n in 1..=ORIGINS_MAX as u32 {
            delays.begin(origin(n), later).expect("no wait");
        }
        assert_eq!(delays.0.lock().len(), ORIGINS_MAX);
        delays.begin(origin(0), later).expect("it was forgotten, the first to be free");
        assert_eq!(delays.0.lock().len(), ORIGINS_MAX);
        delays.begin(origin(u32::MAX), Timestamp(later.0 + 1_000)).expect("all are free");
        assert_eq!(delays.0.lock().len(), 1);
    }
}
