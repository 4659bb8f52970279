//! Why a request is not done, and what its sender gets to read: the one place where errors become codes.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::policy::Why;
use domain::{ChangeRefused, HashError, StoreError, Timestamp};
use protocol::{Code, Refusal};

use crate::roster::Silent;
use crate::service::Service;

/// Why a handler stops. The user's fault and the machine's travel the same way, by `?`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The request is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password hasher did not do its part.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Stop {
    /// A refusal with the code's own sentence.
    pub(crate) fn refused(code: Code) -> Stop {
        Stop::Refused(Refusal::new(code))
    }
}

impl From<Why> for Stop {
    fn from(why: Why) -> Stop {
        Stop::refused(code(why))
    }
}

/// The code that says why the table of who may do what refuses something.
pub(crate) fn code(why: Why) -> Code {
    match why {
        Why::NotMember => Code::NOT_MEMBER,
        Why::AlreadyMember => Code::ALREADY_MEMBER,
        Why::NotAllowed => Code::NOT_ALLOWED,
        Why::OwnerStays => Code::OWNER_STAYS,
        Why::NotFriends => Code::NOT_FRIENDS,
        Why::AlreadyFriends => Code::ALREADY_FRIENDS,
        Why::NotFound => Code::NOT_FOUND,
        Why::Oneself => Code::SELF,
    }
}

/// The code of a change that a store refuses.
pub(crate) fn change(refused: ChangeRefused) -> Code {
    match refused {
        ChangeRefused::NoSuchGroup => Code::NOT_FOUND,
        ChangeRefused::Dissolved => Code::DISSOLVED,
        ChangeRefused::Full => Code::FULL,
        ChangeRefused::AlreadyAsked => Code::ALREADY_REQUESTED,
        ChangeRefused::Not(reason) => code(reason),
    }
}

/// The code for who may not speak in a group.
pub(crate) fn silent(silent: Silent) -> Code {
    match silent {
        Silent::Outsider => Code::NOT_MEMBER,
        Silent::Muted => Code::MUTED,
        Silent::Dissolved => Code::DISSOLVED,
    }
}

/// A refusal for a field outside its limits.
pub(crate) fn bad_field(field: &str, sentence: impl Into<String>) -> Refusal {
    Refusal::saying(Code::BAD_FIELD, sentence).field(field)
}

impl Service {
    /// What the sender of a request reads. The cause goes to the operator's log, not over the wire.
    pub(crate) fn refusal(&self, stop: Stop) -> Refusal {
        match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Store(error) => {
                self.storing.doubt();
                self.trouble.note(self.ports.clock.now(), &error);
                match error {
                    StoreError::Unavailable { .. } => self.busy(),
                    StoreError::OutcomeUnknown { .. } => Refusal::saying(
                        Code::BUSY,
                        "the store did not say whether this was done; look before you repeat it",
                    )
                    .retry_after_ms(self.config.busy_retry_after_ms),
                    StoreError::Failed { .. } => Refusal::new(Code::INTERNAL),
                }
            }
            Stop::Hash(error) => {
                self.trouble.note(self.ports.clock.now(), &error);
                Refusal::new(Code::INTERNAL)
            }
        }
    }

    /// Not now.
    pub(crate) fn busy(&self) -> Refusal {
        Refusal::new(Code::BUSY).retry_after_ms(self.config.busy_retry_after_ms)
    }
}

/// Between two lines about trouble, at least.
const TROUBLE_EVERY_MS: u64 = 5_000;

/// Writes trouble with the ports to the log, but a few lines a minute only: an outage meets every request.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// When the last line was written; 0 for never.
    told: AtomicU64,
    /// Troubles since then.
    untold: AtomicU64,
}

impl Trouble {
    /// Notes one. Any thread.
    pub(crate) fn note(&self, now: Timestamp, trouble: &dyn std::error::Error) {
        let told = self.told.load(Ordering::Relaxed);
        if told != 0 && now.0.abs_diff(told) < TROUBLE_EVERY_MS {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.told.store(now.0, Ordering::Relaxed);
        match self.untold.swap(0, Ordering::Relaxed) {
            0 => log::warn!("{trouble}"),
            untold => log::warn!("{trouble} (and {untold} more troubles since the last such line)"),
        }
    }
}
