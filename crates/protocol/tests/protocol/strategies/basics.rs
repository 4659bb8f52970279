//! What every message is made of.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::*;

/// Any text, control characters and characters beyond the basic plane included.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..20).prop_map(String::from_iter),
        "[a-z0-9 -]{0,40}",
        Just("\0\"\\/%'\u{7f}\u{2028}\u{feff}\u{10ffff}".to_owned()),
    ]
}

pub(super) fn secret() -> impl Strategy<Value = Secret> {
    text().prop_map(Secret::new)
}

/// One of an enum's variants.
pub(super) fn word<T: Copy + std::fmt::Debug + 'static>(
    table: &'static [(T, &'static str)],
) -> impl Strategy<Value = T> {
    proptest::sample::select(table).prop_map(|(value, _)| value)
}

/// A strategy for a struct from one for each field.
macro_rules! fields {
    ($type:ident { $($field:ident: $strategy:expr),* $(,)? }) => {
        ($($strategy,)*).prop_map(|($($field,)*)| $type { $($field),* })
    };
}

pub(super) fn n() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), Just((1 << 53) - 1), 1..1000u64, any::<u64>()]
}

pub(super) use fields;
