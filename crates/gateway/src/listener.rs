//! The listener: it gives the service what services of other nodes told.

use std::sync::Arc;

use service::domain::Timestamp;

use crate::inbox::Completeness;
use crate::shared::Shared;

/// The listener's thread. It is not the courier's because the service may ask store and presence, and messages do not
/// wait for that: who reads one does not depend on any notice.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut taken = Vec::new();
    let mut complete_until = Timestamp(shared.service.now_ms());
    while let Some(completeness) = shared.hub.notices().take(&mut taken) {
        if completeness == Completeness::Overflowed {
            shared.hub.lost_since(complete_until);
        }
        complete_until = Timestamp(shared.service.now_ms());
        taken.drain(..).for_each(|notice| shared.service.heard(notice));
    }
}
