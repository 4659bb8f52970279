//! Who breaks things: a schedule of faults decided by the seed, and the hand that carries it out.

mod fault;
mod schedule;
mod strike;

pub(crate) use self::{
    fault::Kind,
    schedule::{Schedule, Stakes},
    strike::Nemesis,
};
