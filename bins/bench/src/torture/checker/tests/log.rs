//! What is stored.

use super::*;

#[test]
fn an_acknowledged_message_that_is_not_stored_is_lost() {
    only(Kind::Lost, |evidence| {
        let mut lie = evidence.records[0].sends[0].clone();
        lie.id = "lied about".into();
        evidence.records[0].sends.push(lie);
    });
}

#[test]
fn a_message_cut_off_the_end_of_the_log_is_lost() {
    let findings = after(|evidence| {
        evidence.log.conversations.get_mut(&DIRECT).unwrap().messages.pop();
    });
    assert!(findings.count(Kind::Lost) > 0, "{:#?}", findings.violations);
}

#[test]
fn a_hole_in_the_log_is_found() {
    let findings = after(|evidence| {
        evidence.log.conversations.get_mut(&DIRECT).unwrap().messages.remove(3);
    });
    assert!(findings.count(Kind::OutOfOrder) > 0 && findings.count(Kind::Lost) > 0);
}

#[test]
fn a_message_that_is_stored_twice_is_found() {
    let findings = after(|evidence| {
        let conversation = evidence.log.conversations.get_mut(&DIRECT).unwrap();
        let twin = Logged { seq: MESSAGES + 1, ..conversation.messages[2].clone() };
        conversation.messages.push(twin);
        conversation.last_seq += 1;
        for record in &mut evidence.records[..STRANGER] {
            record.shown.push(Shown { seq: MESSAGES + 1, ..shown(DIRECT, 3) });
        }
    });
    assert_eq!(findings.count(Kind::Duplicated), 1, "{:#?}", findings.violations);
}

#[test]
fn a_place_other_than_was_answered_is_found() {
    only(Kind::OutOfOrder, |evidence| {
        evidence.records[0].sends[0].outcome = Outcome::Stored { conv: DIRECT, seq: 2, time: 200 };
    });
}

#[test]
fn a_message_stored_in_another_conversation_is_found() {
    only(Kind::Misdelivered, |evidence| evidence.records[0].sends[0].to = Target::Friend(3));
}

#[test]
fn another_text_is_found_in_the_log_and_on_a_device() {
    only(Kind::Corrupted, |evidence| evidence.records[0].sends[0].text = Digest::of("another"));
    only(Kind::Corrupted, |evidence| evidence.records[BOBS_LIBRARY].shown[0].text = Digest::of("another"));
    only(Kind::Corrupted, |evidence| evidence.records[BOBS_LIBRARY].shown[0].from = 2);
}

#[test]
fn a_message_that_nobody_sent_is_found() {
    only(Kind::Corrupted, |evidence| {
        evidence.records[0].sends.remove(0);
    });
}

#[test]
fn a_message_without_answer_is_found() {
    only(Kind::Unsettled, |evidence| evidence.records[0].sends[0].outcome = Outcome::Open);
}
