//! The load: connections driven from one thread, and the books that are kept on every message.
//!
//! [`Swarm`] is the loop; what its connections say and expect is a [`Scenario`]: [`ChatLoad`] keeps messages in flight,
//! [`PatientLoad`] does so through outages, [`Visits`] come, ask once and go, [`Idle`] does nothing. A [`Ledger`] and its [`Reader`]s find what was lost, doubled
//! or swapped; a [`Session`] is the blocking client of the set-up.

mod chat;
mod chat_frame;
mod idle;
mod ledger;
mod lines;
mod patient;
mod session;
mod swarm;
mod visits;

pub(crate) use chat::{ChatLoad, Pace, StreamPlan, Window};
pub(crate) use chat_frame::{Address, Dialect, FLOOR_ACK_BODY, StreamIdentity, TEXT_BYTES_MIN};
pub(crate) use idle::Idle;
pub(crate) use ledger::{Ledger, Reader, Verdict};
pub(crate) use lines::Lines;
pub(crate) use patient::{PatientLoad, Talk};
pub(crate) use session::{Session, login, resume, unexpected};
pub(crate) use swarm::{Scenario, Swarm};
pub(crate) use visits::{Visit, Visits};
