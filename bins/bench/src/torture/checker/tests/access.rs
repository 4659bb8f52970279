//! Who may see what, and who was refused.

use super::*;

#[test]
fn a_stay_other_than_was_answered_is_found() {
    only(Kind::Lost, |evidence| {
        evidence.log.members.remove(&(GROUP, 2));
    });
    only(Kind::OutOfOrder, |evidence| {
        evidence.log.members.insert((GROUP, 2), 5);
    });
    only(Kind::Lost, |evidence| {
        evidence.spells[0].left = Some(Window { from_ms: 2_000, until_ms: 2_010 });
    });
}

/// 2 says something in the group while, or after, they leave it.
#[test]
fn a_message_that_was_begun_while_leaving_may_come_behind_it() {
    let say = |begun_ms| {
        move |evidence: &mut Evidence| {
            let message = &mut evidence.log.conversations.get_mut(&GROUP).unwrap().messages[4];
            message.from = 2;
            let mut send = evidence.records[0].sends.iter().find(|it| it.id == id(GROUP, 5)).unwrap().clone();
            evidence.records[0].sends.retain(|it| it.id != send.id);
            send.begun_ms = begun_ms;
            evidence.records[BOBS_LIBRARY].sends.push(send);
            evidence.records[0]
                .shown
                .iter_mut()
                .filter(|it| (it.conv, it.seq) == (GROUP, 5))
                .for_each(|it| it.from = 2);
            let record = &mut evidence.records[BOBS_LIBRARY];
            let next = at(record, GROUP, 7);
            record.shown.insert(next, Shown { from: 2, ..shown(GROUP, 5) });
        }
    };
    nothing(say(455));
    // Another node need not know yet.
    nothing(say(4_000));
    only(Kind::Misdelivered, say(6_000));
}

#[test]
fn a_lost_friendship_is_found() {
    only(Kind::Lost, |evidence| {
        evidence.log.friends.clear();
    });
}

/// A message of 2 that was refused, first tried at the first time and refused at the second.
fn refused(to: Target, code: Code, begun_ms: u64, at_ms: u64) -> Send {
    let (text, outcome) = (Digest::of("refused"), Outcome::Refused { code, at_ms });
    Send { id: "refused".into(), to, text, begun_ms, uncertain: false, outcome }
}

#[test]
fn a_refusal_that_cannot_be_right_is_found() {
    let cases = [
        (Target::Group(GROUP), Code::NOT_MEMBER, 250, 300, Some(Kind::Refused)),
        // Leaving was under way.
        (Target::Group(GROUP), Code::NOT_MEMBER, 250, 450, None),
        (Target::Group(GROUP), Code::NOT_MEMBER, 550, 560, None),
        (Target::Group(GROUP), Code::NOT_MEMBER, 700, 750, Some(Kind::Refused)),
        (Target::Group(GROUP), Code::BAD_FIELD, 550, 560, Some(Kind::Refused)),
        (Target::Friend(1), Code::NOT_FRIENDS, 100, 200, Some(Kind::Refused)),
        (Target::Friend(3), Code::NOT_FRIENDS, 100, 200, None),
    ];
    for (to, code, begun_ms, at_ms, expected) in cases {
        let doctor = |evidence: &mut Evidence| {
            evidence.records[BOBS_LIBRARY].sends.push(refused(to, code, begun_ms, at_ms));
        };
        match expected {
            Some(kind) => only(kind, doctor),
            None => nothing(doctor),
        }
    }
}

#[test]
fn a_message_that_is_taken_long_after_its_sender_left_is_found() {
    let leave_at = |at: u64| {
        move |evidence: &mut Evidence| {
            evidence.spells[0].left = Some(Window { from_ms: at, until_ms: at });
            evidence.log.members.remove(&(GROUP, 1));
            // Of what 1 said in the group all has time until then.
            evidence.records[0].sends.iter_mut().for_each(|send| send.begun_ms += 10_000);
        }
    };
    nothing(leave_at(10_000));
    let findings = after(leave_at(2_000));
    assert_eq!(findings.count(Kind::Refused), 8, "{:#?}", findings.violations);
}

#[test]
fn a_message_that_was_refused_and_stored_is_found() {
    let refuse = |uncertain| {
        move |evidence: &mut Evidence| {
            let send =
                evidence.records[0].sends.iter_mut().find(|send| send.to == Target::Group(GROUP)).unwrap();
            send.outcome = Outcome::Refused { code: Code::NOT_MEMBER, at_ms: 100 };
            send.begun_ms = 10;
            send.uncertain = uncertain;
        }
    };
    only(Kind::Refused, refuse(false));
    // An attempt without answer may have been done after the one that was refused.
    nothing(refuse(true));
}

#[test]
fn an_answer_that_cannot_be_right_is_found() {
    only(Kind::Refused, |evidence| evidence.surprises.push("already a member".into()));
}
