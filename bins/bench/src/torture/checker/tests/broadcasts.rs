//! What operators told everybody.

use super::*;

#[test]
fn an_acknowledged_broadcast_that_is_not_stored_is_lost() {
    only(Kind::Lost, |evidence| evidence.cries.push(cry(BROADCASTS + 1)));
}

#[test]
fn a_broadcast_that_a_device_was_not_told_is_lost() {
    for device in 0..4 {
        for id in 1..=BROADCASTS {
            only(Kind::Lost, |evidence| {
                evidence.records[device].broadcasts.retain(|told| told.id != id);
            });
        }
    }
}

#[test]
fn a_broadcast_told_twice_or_before_an_earlier_one_is_found() {
    only(Kind::Duplicated, |evidence| evidence.records[BOBS_FRAMES].broadcasts.push(told(2)));
    only(Kind::OutOfOrder, |evidence| evidence.records[STRANGER].broadcasts.swap(0, 1));
}

#[test]
fn a_broadcast_stored_twice_is_found() {
    // Two orders were answered with two ids, and say the same: told twice to everybody.
    let findings = after(|evidence| {
        let twin = Broadcast { id: 4, ..evidence.log.broadcasts[2].clone() };
        evidence.log.broadcasts.push(twin);
        evidence.records.iter_mut().for_each(|record| record.broadcasts.push(Told { id: 4, ..told(3) }));
    });
    assert_eq!(findings.count(Kind::Duplicated), 1, "{:#?}", findings.violations);
    assert_eq!(findings.violations.len(), 1, "{:#?}", findings.violations);
}

#[test]
fn ids_other_than_were_answered_or_out_of_order_are_found() {
    only(Kind::OutOfOrder, |evidence| evidence.cries[2].outcome = CryOutcome::Stored(4));
    // The second was begun after the third was answered, which stands behind it.
    only(Kind::OutOfOrder, |evidence| {
        (evidence.cries[1].begun_ms, evidence.cries[1].ended_ms) = (9_000, 9_010);
    });
    // Two at once may stand in either order.
    nothing(|evidence| {
        (evidence.cries[1].begun_ms, evidence.cries[1].ended_ms) = (3_005, 3_020);
    });
}

#[test]
fn a_broadcast_that_nobody_said_is_found() {
    only(Kind::Corrupted, |evidence| drop(evidence.cries.remove(1)));
    only(Kind::Corrupted, |evidence| evidence.cries[1].text = said(9));
    only(Kind::Corrupted, |evidence| evidence.records[0].broadcasts[1].text = said(9));
    only(Kind::Corrupted, |evidence| evidence.records[0].broadcasts.push(told(BROADCASTS + 1)));
}

#[test]
fn a_broadcast_that_is_refused_or_not_answered_is_found() {
    only(Kind::Refused, |evidence| evidence.cries[0].outcome = CryOutcome::Refused("400: no".into()));
    only(Kind::Unsettled, |evidence| evidence.cries[0].outcome = CryOutcome::Open);
}
