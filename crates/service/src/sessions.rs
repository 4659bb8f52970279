//! Sessions: their beginning by LOGIN, going on by RESUME, list and end.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    Arrival, BroadcastId, Company, Credentials, NUMBER_MAX, NewSession, NoticeSeq, PresenceChange, SessionId,
    StoreResult, TokenHash, User, UserId,
};
use protocol::{
    Bye, Code, Nothing, Refresh, Reply, Resume, Secret, SessionRef, SessionsList, SignedIn, State,
};

use crate::broadcasts;
use crate::bundle::{self, Held};
use crate::caller::{Caller, ConnKey, Me, Principal};
use crate::config::SessionPolicy;
use crate::groups;
use crate::hub;
use crate::moves::Move;
use crate::names;
use crate::notice::Notice;
use crate::presence;
use crate::refuse::Stop;
use crate::service::{Handled, Service};
use crate::token;

/// Sessions looked up at once; a store takes at most 1,000.
const RECHECKED_AT_ONCE: usize = 500;

/// Counts ended sessions, so that one which ends while it resumes is noticed without a query for every resume.
///
/// Who ends a session: store, then count, then close its connection. Who resumes it: count, then store, then attach
/// its connection, then count again. Either the second finds the count moved, or the first finds the connection.
#[derive(Debug, Default)]
pub(crate) struct Ended(AtomicU64);

impl Ended {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn note(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A session that is about to be entered.
struct Entry {
    principal: Principal,
    token: TokenHash,
    /// [`Ended::count`] from before the session was read or made.
    ended: u64,
}

/// Begins a session of a user who proved to be one.
pub(crate) fn begin(
    service: &Service,
    caller: Caller<'_>,
    known: &Credentials,
    held: Held<'_>,
) -> Result<Handled, Stop> {
    let (ports, user) = (&service.ports, &known.user);
    let held = held.of(service.epoch()?);
    admit(service, user.id, None)?;
    let token = token::new(&*ports.entropy);
    let Some(hash) = token::hash(&token) else { return Err(Stop::refused(Code::INTERNAL)) };
    let ended = service.ended.count();
    let keep = match service.config.session_policy {
        SessionPolicy::Many | SessionPolicy::Reject => service.config.sessions_per_user_max,
        SessionPolicy::Replace => 1,
    };
    let device = names::device(caller.device);
    let (password_hash, at) = (known.password_hash.as_str(), ports.clock.now());
    let notices = held.notices.map(|seq| NoticeSeq(seq.min(NUMBER_MAX)));
    let broadcasts = held.broadcasts.map(|id| BroadcastId(id.min(NUMBER_MAX)));
    if broadcasts.is_none() {
        service.broadcasts.settle(&*ports.store, user.id)?;
    }
    let new =
        NewSession { user: user.id, password_hash, token: hash, device: &device, at, notices, broadcasts };
    let Some((session, superseded)) = ports.store.create_session(&new, keep)? else {
        // The password was changed while it was checked.
        return Err(Stop::refused(Code::BAD_CREDENTIALS));
    };
    for old in superseded {
        log::info!("session {old} of user {} ended: superseded by session {session}", user.id);
        close(service, user.id, old, "a newer login took this session's place");
    }
    let entry = Entry { principal: principal(user, session), token: hash, ended };
    match enter(service, caller.conn, &entry, Some(token), held) {
        Ok((signed_in, _)) => {
            log::info!("user {} logged in as session {session}", user.id);
            Ok(Handled::SignedIn(entry.principal, Reply::Login(signed_in)))
        }
        Err(stop) => {
            // Its token was given to nobody; if this fails too it is over in time.
            if let Err(error) = ports.store.end_session(user.id, session) {
                log::debug!("session {session} stays without a client: {error}");
            }
            Err(stop)
        }
    }
}

/// RESUME.
pub(crate) fn resume(service: &Service, caller: Caller<'_>, request: &Resume) -> Result<Handled, Stop> {
    let over = || Stop::refused(Code::SESSION_ENDED);
    let ports = &service.ports;
    let hash = token::hash(&request.token).ok_or_else(over)?;
    let ended = service.ended.count();
    let found = ports.store.session_by_token(hash)?.ok_or_else(over)?;
    let session = found.session.id;
    let seen = service.seen.latest(session, found.session.seen);
    if ports.clock.now().0.saturating_sub(seen.0) > service.config.session_ttl_ms {
        return Err(over());
    }
    admit(service, found.user.id, Some(session))?;
    let entry = Entry { principal: principal(&found.user, session), token: hash, ended };
    let held = Held {
        epoch: request.epoch.as_deref(),
        notices: request.notices_after,
        broadcasts: request.broadcasts_after,
        friends: request.friends_version.as_deref(),
        groups: request.groups_version.as_deref(),
    };
    let held = held.of(service.epoch()?);
    let (signed_in, moved) = enter(service, caller.conn, &entry, None, held)?;
    if let Some(moved) = moved {
        // By whichever connection of another node it went on until now.
        service.ports.hub.tell_nodes(Notice::SessionMoved { user: found.user.id, session, moved });
    }
    log::debug!("user {} resumed session {session}", found.user.id);
    Ok(Handled::SignedIn(entry.principal, Reply::Resume(signed_in)))
}

/// REFRESH. The gateway holds pushes back meanwhile, as it does at a sign-in: what is pushed is newer than the bundle.
pub(crate) fn refresh(service: &Service, me: Me<'_>, request: &Refresh) -> Result<SignedIn, Stop> {
    let held = Held {
        epoch: request.epoch.as_deref(),
        notices: request.notices_after,
        broadcasts: request.broadcasts_after,
        friends: request.friends_version.as_deref(),
        groups: request.groups_version.as_deref(),
    };
    let held = held.of(service.epoch()?);
    // A group that the user came into meanwhile, too.
    groups::follow_all(service, me.user())?;
    Ok(bundle::read(service, me.principal, None, held)?.signed_in)
}

/// SESSIONS.
pub(crate) fn list(service: &Service, me: Me<'_>) -> Result<SessionsList, Stop> {
    let connected = service.ports.presence.sessions(me.user());
    let sessions = service.ports.store.sessions(me.user())?;
    let sessions = sessions.into_iter().map(|session| protocol::Session {
        session: session.id.0,
        state: match &connected {
            _ if session.id == me.principal.session => State::Online,
            Some(connected) if connected.contains(&session.id) => State::Online,
            Some(_) => State::Offline,
            None => State::Unknown,
        },
        current: session.id == me.principal.session,
        since: session.since.0,
        seen: service.seen.latest(session.id, session.seen).0,
        device: session.device,
    });
    Ok(SessionsList { sessions: sessions.collect() })
}

/// END_SESSION. Ending the session that asks is logging out.
pub(crate) fn end(service: &Service, me: Me<'_>, request: &SessionRef) -> Result<Handled, Stop> {
    let session = SessionId(request.session);
    if session == me.principal.session {
        leave(service, me)?;
        return Ok(Handled::SignedOut(Reply::EndSession(Nothing {})));
    }
    if session.0 > NUMBER_MAX || !service.ports.store.end_session(me.user(), session)? {
        return Err(Stop::refused(Code::NOT_FOUND));
    }
    log::info!("user {} ended session {session} from session {}", me.user(), me.principal.session);
    close(service, me.user(), session, "this session was ended from another device");
    Ok(Handled::Reply(Reply::EndSession(Nothing {})))
}

/// LOGINOUT.
pub(crate) fn log_out(service: &Service, me: Me<'_>) -> Result<Handled, Stop> {
    leave(service, me)?;
    Ok(Handled::SignedOut(Reply::LogOut(Nothing {})))
}

/// A connection is gone without having logged out: its session stays and may be resumed.
pub(crate) fn disconnected(service: &Service, conn: ConnKey, principal: &Principal) {
    if presence::depart(service, conn, principal) == hub::Held::ByThis {
        service.seen.note(&*service.ports.store, principal.session, service.ports.clock.now());
        log::debug!("user {} disconnected from session {}", principal.user, principal.session);
    }
}

/// Where one session excludes another: refuses while one is connected. Only a look, so that a login that will be refused
/// makes no session; what counts is the arrival.
fn admit(service: &Service, user: UserId, session: Option<SessionId>) -> Result<(), Stop> {
    match company(service) {
        Company::Any => Ok(()),
        Company::None => {
            let connected = service.ports.presence.sessions(user).ok_or_else(|| service.busy())?;
            // A session may always take its own place again: its old connection can be dead without being found so.
            match connected.into_iter().any(|connected| Some(connected) != session) {
                false => Ok(()),
                true => Err(Stop::refused(Code::ALREADY_ONLINE)),
            }
        }
    }
}

fn company(service: &Service) -> Company {
    match service.config.session_policy {
        SessionPolicy::Many | SessionPolicy::Replace => Company::Any,
        SessionPolicy::Reject => Company::None,
    }
}

/// Attaches the connection, reads the bundle, and tells friends. Undone if any of it fails.
fn enter(
    service: &Service,
    conn: ConnKey,
    entry: &Entry,
    token: Option<Secret>,
    held: Held<'_>,
) -> Result<(SignedIn, Option<Move>), Stop> {
    let principal = &entry.principal;
    broadcasts::begin(service)?;
    let (arrival, moved) = presence::arrive(service, conn, principal, company(service));
    let change = match arrival {
        Arrival::Here(change) => change,
        Arrival::Refused => return Err(Stop::refused(Code::ALREADY_ONLINE)),
        Arrival::Unknown => return Err(service.busy().into()),
    };
    let bundle = still_there(service, entry)
        .and_then(|()| groups::follow_all(service, principal.user).map_err(Stop::from))
        .and_then(|()| bundle::read(service, principal, token, held).map_err(Stop::from))
        .inspect_err(|_| {
            presence::depart(service, conn, principal);
        })?;
    service.seen.note(&*service.ports.store, principal.session, service.ports.clock.now());
    if change == PresenceChange::Changed {
        presence::announce(service, principal.user, bundle.all_friends.as_deref());
    }
    Ok((bundle.signed_in, moved))
}

/// Whether a session that was there before its connection was attached is there still.
fn still_there(service: &Service, entry: &Entry) -> Result<(), Stop> {
    if service.ended.count() == entry.ended {
        return Ok(());
    }
    match service.ports.store.session_by_token(entry.token)? {
        Some(_) => Ok(()),
        None => Err(Stop::refused(Code::SESSION_ENDED)),
    }
}

/// Ends the session that asks.
fn leave(service: &Service, me: Me<'_>) -> Result<(), Stop> {
    let (user, session) = (me.user(), me.principal.session);
    // Whether it was there or another device just ended it: it is over.
    service.ports.store.end_session(user, session)?;
    ended_here(service, me, "this session logged out");
    log::info!("user {user} logged out of session {session}");
    Ok(())
}

/// The session that asks has ended in the store: its connection speaks for nobody after the answer. Another one may hold the
/// session by now.
pub(crate) fn ended_here(service: &Service, me: Me<'_>, why: &str) {
    service.ended.note();
    if presence::depart(service, me.conn, me.principal) == hub::Held::NotByThis {
        close(service, me.user(), me.principal.session, why);
    }
}

/// Closes the connections of sessions that ended in the store, on whichever nodes.
pub(crate) fn close_all(service: &Service, user: UserId, sessions: Vec<SessionId>, why: &str) {
    for session in sessions {
        close(service, user, session, why);
    }
}

/// Closes the connection of a session that ended in the store, on whichever node; the gateway there then reports it as
/// disconnected.
fn close(service: &Service, user: UserId, session: SessionId, why: &str) {
    close_here(service, user, session, why);
    service.ports.hub.tell_nodes(Notice::SessionEnded { user, session, why: why.to_owned() });
}

/// Closes the connection of a session that ended in the store, if it is one of this node.
pub(crate) fn close_here(service: &Service, user: UserId, session: SessionId, why: &str) {
    service.ended.note();
    let bye = Bye { errcode: Code::SESSION_ENDED.0, errmsg: why.to_owned(), retry_after_ms: 0 };
    service.ports.hub.close_session(user, session, bye);
}

impl Service {
    /// Looks whether these connected sessions are still there, and closes those that are not: other nodes may have ended
    /// them without this one hearing of it. Blocks.
    pub fn recheck_sessions(&self, attached: &[(UserId, SessionId)]) -> StoreResult<()> {
        for some in attached.chunks(RECHECKED_AT_ONCE) {
            let ids: Vec<SessionId> = some.iter().map(|(_, session)| *session).collect();
            let living: HashSet<SessionId> = self.ports.store.living_sessions(&ids)?.into_iter().collect();
            for (user, session) in some.iter().filter(|(_, session)| !living.contains(session)) {
                close_here(self, *user, *session, "this session was ended from another device");
            }
        }
        Ok(())
    }
}

fn principal(user: &User, session: SessionId) -> Principal {
    Principal { user: user.id, name: user.name.as_str().into(), session }
}
