//! What users keep quiet.

use super::*;

#[test]
fn a_device_that_keeps_other_things_quiet_is_found() {
    only(Kind::OutOfStep, |evidence| evidence.records[0].quiet.entries.clear());
    only(Kind::OutOfStep, |evidence| evidence.records[0].quiet.version = 1);
    only(Kind::OutOfStep, |evidence| {
        evidence.records[BOBS_FRAMES].quiet.entries.insert(GROUP, Digest::of("for ever"));
    });
}

#[test]
fn what_was_kept_quiet_and_is_not_stored_is_lost() {
    let store = |how: &'static str, version| {
        move |evidence: &mut Evidence| {
            let held = QuietHeld { version, entries: BTreeMap::from([(DIRECT, Digest::of(how))]) };
            evidence.records[0].quiet = held.clone();
            evidence.log.quiet.insert(1, held);
        }
    };
    only(Kind::Lost, store("until tomorrow", 1));
    only(Kind::Lost, store("until tomorrow", 2));
    // One that had no answer came late.
    nothing(|evidence| {
        store("until tomorrow", 3)(evidence);
        evidence.records[0].quiets[0].uncertain = true;
    });
    only(Kind::Unsettled, |evidence| {
        evidence.records[0].quiets[1].outcome = DeedOutcome::Open;
        evidence.records[0].quiets[1].uncertain = true;
    });
    only(Kind::Refused, |evidence| {
        evidence.records[0].quiets[1].outcome = DeedOutcome::Refused { code: Code::BAD_FIELD, at_ms: 10 };
        evidence.records[0].quiets[1].uncertain = true;
    });
}
