//! Arbitrary messages for property tests.

mod basics;
mod groups;
mod messages;
mod people;
mod push;
mod reply;
mod request;

use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use protocol::*;

use basics::*;

/// So many cases from a seed that is printed when the test fails, and can be given again by `PROPTEST_RNG_SEED`.
pub(crate) fn cases(cases: u32) -> Config {
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if let RngSeed::Random = config.rng_seed {
        use std::hash::{BuildHasher, RandomState};
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one(()));
    }
    println!("PROPTEST_RNG_SEED={}", config.rng_seed);
    config
}

/// Any request; every type is as likely as any other.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    proptest::sample::select(Request::MSGIDS).prop_flat_map(request::request_of)
}

/// Any reply.
pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    proptest::sample::select(Reply::MSGIDS).prop_flat_map(reply::reply_of)
}

/// Any push.
pub(crate) fn push() -> impl Strategy<Value = Push> {
    proptest::sample::select(Push::MSGIDS).prop_flat_map(push::push_of)
}

/// Any refusal, of codes that nobody invented yet too.
pub(crate) fn refusal() -> impl Strategy<Value = Refusal> {
    let body =
        fields!(ErrorBody { errmsg: text(), field: option::of(text()), retry_after_ms: option::of(n()) });
    (1..=u16::MAX, body).prop_map(|(code, body)| Refusal { code: Code(code), body })
}
