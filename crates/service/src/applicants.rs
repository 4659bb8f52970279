//! Who applied to which group a moment ago, so that those who decide are not told of it again and again: whoever applies,
//! withdraws and applies once more could ring at their devices as often as the limit on joins allows.
//!
//! Kept by each node for itself, in memory. Only what is pushed depends on it: what waits is listed and counted at once.

use domain::{GroupId, Timestamp, UserId};

use crate::service::Service;
use crate::versioned_cache::VersionedCache;

/// After this, deciders are told again of the same applicant to the same group.
const AGAIN_AFTER_MS: u64 = 600_000;

/// Applicants that are remembered. Beyond it some are forgotten, and deciders told of them once more.
pub(crate) const APPLICANTS_MAX: usize = 16_384;

/// What deciders were told last, by group and applicant.
pub(crate) type Applicants = VersionedCache<(GroupId, UserId), LastTold>;

/// What an applicant did by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Applied,
    Withdrew,
}

/// What deciders were told last of an applicant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastTold {
    step: Step,
    at: Timestamp,
}

/// Whether deciders are to be told of a step; if so, remembers that they were. A withdrawal follows what was told, at once. The
/// group's appender.
pub(crate) fn is_news(service: &Service, group: GroupId, user: UserId, step: Step) -> bool {
    let (key, at) = ((group, user), service.ports.clock.now());
    let generation = service.applicants.generation_of(&key);
    let recent = service.applicants.kept(&key).filter(|last| at.0.abs_diff(last.at.0) < AGAIN_AFTER_MS);
    let is_news = match recent.map(|last| last.step) {
        None => true,
        Some(last) => (last, step) == (Step::Applied, Step::Withdrew),
    };
    if is_news {
        service.applicants.keep(&key, generation, LastTold { step, at });
    }
    is_news
}

/// Somebody decided: who applies after that is not the one who rings.
pub(crate) fn decided(service: &Service, group: GroupId, user: UserId) {
    service.applicants.invalidate(&(group, user));
}
