//! What can go wrong behind a port.

use std::fmt;

/// Why a store did not answer. Sorted by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is overloaded, and nothing was changed: try again later.
    #[error("the store is not available for {operation}: {cause}")]
    Unavailable {
        /// What was asked of it.
        operation: &'static str,
        /// For the operator.
        cause: String,
    },
    /// The connection was lost while it committed: nobody knows whether the change happened. Only an operation that
    /// can be repeated without harm may be repeated.
    #[error("the outcome of {operation} is unknown: {cause}")]
    OutcomeUnknown {
        /// What was asked of it.
        operation: &'static str,
        /// For the operator.
        cause: String,
    },
    /// It answered what it must not, or refused for a reason that trying again will not change: full disk, broken
    /// file, a bug. Nothing was changed.
    #[error("the store failed at {operation}: {cause}")]
    Failed {
        /// What was asked of it.
        operation: &'static str,
        /// For the operator.
        cause: String,
    },
}

/// The result of a store's operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a password could not be hashed or checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password hasher failed: {cause}")]
pub struct HashError {
    /// For the operator.
    pub cause: String,
}

/// Why the bus did not take a publication. The log is the truth: this costs latency, never a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// It cannot be reached.
    #[error("the bus is not connected: {cause}")]
    Disconnected {
        /// For the operator.
        cause: String,
    },
    /// Its queue is full.
    #[error("the bus has {waiting} publications waiting, its limit")]
    Full {
        /// Its limit.
        waiting: usize,
    },
}

impl StoreError {
    /// An [`StoreError::Unavailable`] from anything that can be shown.
    pub fn unavailable(operation: &'static str, cause: impl fmt::Display) -> StoreError {
        StoreError::Unavailable { operation, cause: cause.to_string() }
    }

    /// An [`StoreError::OutcomeUnknown`] from anything that can be shown.
    pub fn outcome_unknown(operation: &'static str, cause: impl fmt::Display) -> StoreError {
        StoreError::OutcomeUnknown { operation, cause: cause.to_string() }
    }

    /// An [`StoreError::Failed`] from anything that can be shown.
    pub fn failed(operation: &'static str, cause: impl fmt::Display) -> StoreError {
        StoreError::Failed { operation, cause: cause.to_string() }
    }
}
