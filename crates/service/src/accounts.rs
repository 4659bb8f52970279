//! REG, LOGIN and CHANGE_PASSWORD. All hash a password: slow lane only.

use std::net::IpAddr;

use domain::{Account, Credentials, NUMBER_MAX, NewUser, PasswordChange, UserId};
use protocol::{ChangePassword, Code, Login, Nothing, Refusal, Reg, Registered, Secret};

use crate::bundle::Held;
use crate::caller::{Caller, Me};
use crate::config::Registration;
use crate::fields;
use crate::names::UserName;
use crate::recovery_code;
use crate::refuse::{Stop, bad_field};
use crate::service::{Handled, Service};
use crate::sessions;

/// REG.
pub(crate) fn register(service: &Service, caller: Caller<'_>, request: &Reg) -> Result<Registered, Stop> {
    if service.config.registration == Registration::Closed {
        return Err(Stop::refused(Code::NOT_ALLOWED));
    }
    let name = UserName::parse(&request.name)?;
    let password = request.password.expose();
    fields::new_password("password", password)?;
    let at = service.ports.clock.now();
    service.limits.registrations.take(caller.address.into(), at)?;
    let (recovery_codes, hashes) = recovery_code::new(&*service.ports.entropy);
    let user = NewUser {
        name: &name.shown,
        name_key: &name.key,
        password_hash: &service.ports.hasher.hash(password)?,
        recovery_codes: &hashes,
        at,
    };
    let Some(id) = service.ports.store.create_user(&user)? else {
        return Err(Refusal::new(Code::NAME_TAKEN).field("name").into());
    };
    log::info!("user {id} registered");
    Ok(Registered { id: id.0, recovery_codes })
}

/// LOGIN.
pub(crate) fn log_in(service: &Service, caller: Caller<'_>, request: &Login) -> Result<Handled, Stop> {
    let password = request.password.expose();
    fields::known_password(password)?;
    let name = request.name.as_deref().map(UserName::parse);
    let account = account(request.id, name.as_ref())?;
    service.limits.logins.take(caller.address.into(), service.ports.clock.now())?;
    let credentials = check_password(service, caller.address, account, password)?;
    let held = Held {
        epoch: request.epoch.as_deref(),
        notices: request.notices_after,
        broadcasts: request.broadcasts_after,
        friends: request.friends_version.as_deref(),
        groups: request.groups_version.as_deref(),
    };
    sessions::begin(service, caller, &credentials, held)
}

/// CHANGE_PASSWORD.
pub(crate) fn change_password(
    service: &Service,
    me: Me<'_>,
    request: &ChangePassword,
) -> Result<Nothing, Stop> {
    let new_password = request.new_password.expose();
    fields::new_password("new_password", new_password)?;
    let known = prove(service, me, &request.password)?;
    let (user, keep) = (me.user(), me.principal.session);
    let new_hash = &*service.ports.hasher.hash(new_password)?;
    let change = PasswordChange { user, old_hash: &known.password_hash, new_hash, keep };
    let Some(ended) = service.ports.store.change_password(&change)? else {
        // Another device changed it meanwhile.
        return Err(Stop::refused(Code::BAD_CREDENTIALS));
    };
    log::info!(
        "user {user} changed their password from session {keep}; {} other sessions ended",
        ended.len()
    );
    sessions::close_all(service, user, ended, "the password was changed");
    Ok(Nothing {})
}

/// Whom a guest means; an account that cannot be is nobody's. Exactly one of the two must be given.
pub(crate) fn account<'a>(
    id: Option<u64>,
    name: Option<&'a Result<UserName, Refusal>>,
) -> Result<Account<'a>, Refusal> {
    const NOBODY: Account<'_> = Account::Id(UserId(0));
    match (id, name) {
        (Some(id), None) if id <= NUMBER_MAX => Ok(Account::Id(UserId(id))),
        (Some(_), None) => Ok(NOBODY),
        (None, Some(Ok(name))) => Ok(Account::NameKey(&name.key)),
        // What cannot be a name is nobody's name.
        (None, Some(Err(_))) => Ok(NOBODY),
        (None, None) | (Some(_), Some(_)) => Err(bad_field("id", "give either id or name")),
    }
}

/// The credentials of a user who is logged in and shows the password once more.
pub(crate) fn prove(service: &Service, me: Me<'_>, password: &Secret) -> Result<Credentials, Stop> {
    let password = password.expose();
    fields::known_password(password)?;
    service.limits.password_proofs.take(me.user(), service.ports.clock.now())?;
    check_password(service, me.address, Account::Id(me.user()), password)
}

/// The account whose password this is. A wrong password and an account that does not exist get the same answer after the
/// same work: one look-up and one verification. An address that was wrong too often has to wait, whatever it knows.
fn check_password(
    service: &Service,
    address: IpAddr,
    account: Account<'_>,
    password: &str,
) -> Result<Credentials, Stop> {
    let (wrong, origin) = (&service.limits.failed_logins, address.into());
    // Taken before it is known to be wrong, so that guesses at once do not pass together.
    wrong.take(origin, service.ports.clock.now())?;
    let checked = verify(service, account, password);
    if !matches!(&checked, Err(Stop::Refused(refusal)) if refusal.code == Code::BAD_CREDENTIALS) {
        wrong.give_back(origin);
    }
    checked
}

fn verify(service: &Service, account: Account<'_>, password: &str) -> Result<Credentials, Stop> {
    let credentials = service.ports.store.credentials(account)?;
    let hasher = &service.ports.hasher;
    let hash = credentials.as_ref().map_or(hasher.decoy(), |known| &known.password_hash);
    let fits = hasher.verify(password, hash)?;
    match credentials {
        Some(known) if fits => Ok(known),
        _ => Err(Stop::refused(Code::BAD_CREDENTIALS)),
    }
}
