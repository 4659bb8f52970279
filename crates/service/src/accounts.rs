//! REG and LOGIN. Both hash a password: slow lane only.

use domain::{Account, NUMBER_MAX, NewUser, User, UserId};
use protocol::{Code, Login, Refusal, Reg, Registered};

use crate::caller::Caller;
use crate::fields;
use crate::names::UserName;
use crate::refuse::{Stop, bad_field};
use crate::service::{Handled, Service};
use crate::sessions;

/// REG.
pub(crate) fn register(service: &Service, request: &Reg) -> Result<Registered, Stop> {
    let name = UserName::parse(&request.name)?;
    let password = request.password.expose();
    fields::new_password(password)?;
    let user = NewUser {
        name: &name.shown,
        name_key: &name.key,
        password_hash: &service.ports.hasher.hash(password)?,
        at: service.ports.clock.now(),
    };
    let Some(id) = service.ports.store.create_user(&user)? else {
        return Err(Refusal::new(Code::NAME_TAKEN).field("name").into());
    };
    log::info!("user {id} registered");
    Ok(Registered { id: id.0 })
}

/// LOGIN.
pub(crate) fn log_in(service: &Service, caller: Caller<'_>, request: &Login) -> Result<Handled, Stop> {
    let user = authenticate(service, request)?;
    sessions::begin(service, caller, &user)
}

/// The user whose password this is. A wrong password and an account that does not exist get the same answer after the
/// same work: one look-up and one verification.
fn authenticate(service: &Service, request: &Login) -> Result<User, Stop> {
    let password = request.password.expose();
    fields::known_password(password)?;
    let store = &service.ports.store;
    let credentials = match (request.id, &request.name) {
        (Some(id), None) if id <= NUMBER_MAX => store.credentials(Account::Id(UserId(id)))?,
        (Some(_), None) => None,
        (None, Some(name)) => match UserName::parse(name) {
            Ok(name) => store.credentials(Account::NameKey(&name.key))?,
            // What cannot be a name is nobody's name.
            Err(_) => None,
        },
        (None, None) | (Some(_), Some(_)) => {
            return Err(bad_field("id", "give either id or name").into());
        }
    };
    let hasher = &service.ports.hasher;
    let hash = credentials.as_ref().map_or(hasher.decoy(), |known| &known.password_hash);
    let fits = hasher.verify(password, hash)?;
    match credentials {
        Some(known) if fits => Ok(known.user),
        _ => Err(Stop::refused(Code::BAD_CREDENTIALS)),
    }
}
