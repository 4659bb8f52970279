//! What is done about once a second, for nobody in particular.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{BROADCAST_KEPT_MS, NOTICE_KEPT_MS, Reach, StoreResult, Timestamp};

use crate::batch::Pending;
use crate::broadcasts;
use crate::deletion;
use crate::in_doubt;
use crate::presence;
use crate::service::Service;
use crate::storing;

/// Between two looks for sessions that are over.
const EXPIRE_EVERY_MS: u64 = 60_000;

/// Between two reviews of what was told of others' presence: one question to the presence port for 500 users.
const REVIEW_EVERY_MS: u64 = 10_000;

/// Sessions ended at one look: a transaction that holds nobody up. If there are more, the next tick goes on.
const EXPIRE_AT_ONCE: u32 = 500;

/// Between two looks for notices that were kept for long enough.
const EXPIRE_NOTICES_EVERY_MS: u64 = 3_600_000;

/// Between two times that the store removes what is left of texts that are gone. On a busy embedded store that stops writers
/// for as long as it takes to bring a log of at most 64 MiB into the database.
const WIPE_EVERY_MS: u64 = 10_000;

/// When sessions were last looked through. Written by the one thread that ticks.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    expired: AtomicU64,
    /// The same for notices.
    notices_expired: AtomicU64,
    /// The same for broadcasts.
    broadcasts_expired: AtomicU64,
    /// When presence was reviewed last. The same.
    reviewed: AtomicU64,
    /// When the store wiped last. The same.
    wiped: AtomicU64,
}

/// Stores what is written behind, then ends sessions and removes notices whose time is over, and works at deleted accounts:
/// the changes of groups that this takes. Whatever fails is tried at the next tick.
pub(crate) fn tick(service: &Service) -> Vec<Pending> {
    storing::look(service);
    in_doubt::tell(service);
    let store = &*service.ports.store;
    // Each tells of its own outages, once.
    let _ = service.cursors.flush(store);
    presence::announce_again(service);
    presence::correct(service);
    review(service);
    if let Err(error) = service.last_seen.flush(store, service.ports.clock.now()) {
        service.trouble.note(service.ports.clock.now(), &error);
    }
    if let Err(error) = broadcasts::tick(service) {
        service.trouble.note(service.ports.clock.now(), &error);
    }
    let seen = service
        .seen
        .flush(store)
        .and_then(|()| sweep_sessions(service))
        .and_then(|()| sweep_notices(service))
        .and_then(|()| sweep_broadcasts(service))
        .and_then(|()| wipe(service))
        .and_then(|()| deletion::work_off(service));
    seen.unwrap_or_else(|error| {
        service.storing.doubt();
        service.trouble.note(service.ports.clock.now(), &error);
        Vec::new()
    })
}

/// Among nodes a notice may be lost with nobody knowing: what was told is compared with what is true, now and then.
fn review(service: &Service) {
    let now = service.ports.clock.now();
    let reviewed = &service.upkeep.reviewed;
    if service.ports.hub.reach() == Reach::Cluster
        && now.0.abs_diff(reviewed.load(Ordering::Relaxed)) >= REVIEW_EVERY_MS
    {
        reviewed.store(now.0, Ordering::Relaxed);
        service.review_presence();
    }
}

fn sweep_sessions(service: &Service) -> StoreResult<()> {
    let store = &*service.ports.store;
    let now = service.ports.clock.now();
    let ttl_ms = service.config.session_ttl_ms;
    service.seen.sweep(store, now, ttl_ms / 4)?;
    let expired = &service.upkeep.expired;
    if now.0.abs_diff(expired.load(Ordering::Relaxed)) < EXPIRE_EVERY_MS {
        return Ok(());
    }
    let ended = store.expire_sessions(Timestamp(now.0.saturating_sub(ttl_ms)), EXPIRE_AT_ONCE)?;
    if ended > 0 {
        log::info!("{ended} sessions ended that were not seen for {ttl_ms} ms");
    }
    if ended < EXPIRE_AT_ONCE {
        expired.store(now.0, Ordering::Relaxed);
    }
    Ok(())
}

/// As with sessions: so many at one look, and if there are more, the next tick goes on.
fn sweep_notices(service: &Service) -> StoreResult<()> {
    let now = service.ports.clock.now();
    let expired = &service.upkeep.notices_expired;
    if now.0.abs_diff(expired.load(Ordering::Relaxed)) < EXPIRE_NOTICES_EVERY_MS {
        return Ok(());
    }
    let before = Timestamp(now.0.saturating_sub(NOTICE_KEPT_MS));
    if service.ports.store.expire_notices(before, EXPIRE_AT_ONCE)? < EXPIRE_AT_ONCE {
        expired.store(now.0, Ordering::Relaxed);
    }
    Ok(())
}

/// All that are old enough: they are few.
fn sweep_broadcasts(service: &Service) -> StoreResult<()> {
    let now = service.ports.clock.now();
    let expired = &service.upkeep.broadcasts_expired;
    if now.0.abs_diff(expired.load(Ordering::Relaxed)) >= EXPIRE_NOTICES_EVERY_MS {
        let before = Timestamp(now.0.saturating_sub(BROADCAST_KEPT_MS));
        service.ports.store.expire_broadcasts(before, EXPIRE_AT_ONCE)?;
        expired.store(now.0, Ordering::Relaxed);
    }
    Ok(())
}

fn wipe(service: &Service) -> StoreResult<()> {
    let now = service.ports.clock.now().0;
    let wiped = &service.upkeep.wiped;
    if now.abs_diff(wiped.load(Ordering::Relaxed)) < WIPE_EVERY_MS {
        return Ok(());
    }
    service.ports.store.wipe()?;
    wiped.store(now, Ordering::Relaxed);
    Ok(())
}
