//! What each device saw.

use super::*;

#[test]
fn a_message_that_a_device_never_saw_is_lost() {
    for device in [0, BOBS_LIBRARY, BOBS_FRAMES] {
        for (conv, seq) in [(DIRECT, 4), (DIRECT, MESSAGES), (GROUP, 8)] {
            only(Kind::Lost, |evidence| remove(&mut evidence.records[device], conv, seq));
        }
    }
    // A gap that was told is a loss all the same.
    only(Kind::Lost, |evidence| {
        remove(&mut evidence.records[BOBS_LIBRARY], DIRECT, 4);
        evidence.records[BOBS_LIBRARY].gaps.push(Gap { conv: DIRECT, first: 4, last: 4 });
    });
}

#[test]
fn a_device_that_saw_nothing_is_found() {
    only(Kind::Lost, |evidence| {
        evidence.records[BOBS_LIBRARY].shown.clear();
        evidence.records[BOBS_FRAMES].shown.clear();
    });
}

#[test]
fn only_a_library_may_begin_where_another_device_acknowledged() {
    let begin_later = |at: usize| {
        move |evidence: &mut Evidence| {
            (1..=3).for_each(|seq| remove(&mut evidence.records[at], DIRECT, seq));
        }
    };
    nothing(begin_later(BOBS_LIBRARY));
    assert_eq!(after(begin_later(BOBS_LIBRARY)).passed_over, 3);
    only(Kind::Lost, begin_later(BOBS_FRAMES));
    // Not what nobody saw.
    only(Kind::Lost, |evidence| {
        begin_later(BOBS_LIBRARY)(evidence);
        begin_later(BOBS_FRAMES)(evidence);
    });
}

#[test]
fn a_message_shown_twice_is_found() {
    only(Kind::Duplicated, |evidence| {
        let again = shown(DIRECT, 4);
        evidence.records[BOBS_FRAMES].shown.push(again);
    });
}

#[test]
fn a_message_shown_before_an_earlier_one_is_found() {
    only(Kind::OutOfOrder, |evidence| {
        let record = &mut evidence.records[BOBS_LIBRARY];
        let (one, other) = (at(record, GROUP, 7), at(record, GROUP, 8));
        record.shown.swap(one, other);
    });
}

#[test]
fn a_message_shown_to_a_stranger_is_found() {
    only(Kind::Misdelivered, |evidence| evidence.records[STRANGER].shown.push(shown(DIRECT, 4)));
    only(Kind::Misdelivered, |evidence| {
        evidence.records[STRANGER].pushed.push(Pushed { conv: GROUP, seq: 4 });
    });
}

#[test]
fn a_message_from_outside_of_the_stays_is_found() {
    for seq in [1, 5, 6] {
        only(Kind::Misdelivered, |evidence| {
            let record = &mut evidence.records[BOBS_FRAMES];
            let before = record.shown.iter().position(|it| it.conv == GROUP && it.seq > seq).unwrap();
            record.shown.insert(before, shown(GROUP, seq));
        });
    }
}

#[test]
fn the_moment_of_leaving_is_fuzzy_between_request_and_answer() {
    // 5 was stored while leaving was under way: it may be shown, and need not.
    let leave_late = |evidence: &mut Evidence| {
        evidence.spells[1].left = Some(Window { from_ms: 450, until_ms: 510 });
    };
    nothing(leave_late);
    nothing(|evidence| {
        leave_late(evidence);
        let record = &mut evidence.records[BOBS_FRAMES];
        let next = at(record, GROUP, 7);
        record.shown.insert(next, shown(GROUP, 5));
    });
}

#[test]
fn what_a_stay_ended_too_early_for_may_be_missing_at_its_end_only() {
    nothing(|evidence| remove(&mut evidence.records[BOBS_FRAMES], GROUP, 4));
    only(Kind::Lost, |evidence| remove(&mut evidence.records[BOBS_FRAMES], GROUP, 3));
    nothing(|evidence| {
        remove(&mut evidence.records[BOBS_FRAMES], GROUP, 3);
        evidence.records[BOBS_FRAMES].gaps.push(Gap { conv: GROUP, first: 3, last: 3 });
    });
    // Back when leaving was under way.
    nothing(|evidence| {
        let record = &mut evidence.records[BOBS_FRAMES];
        remove(record, GROUP, 2);
        remove(record, GROUP, 3);
        let last = at(record, GROUP, 4);
        record.shown[last].at_ms = 445;
    });
}
