//! Each promise broken in evidence that is otherwise good: the checker must name it, and nothing else.

use std::collections::BTreeMap;

use protocol::Code;

use super::{Findings, Kind, examine};
use crate::torture::evidence::{
    Conversation, Digest, Evidence, Friendship, Gap, Log, Logged, Outcome, Pushed, Record, Send, Shown,
    Spell, Target, Tongue, Who, Window,
};

/// Two friends, 1 and 2, have conversation 10; the group 20 was opened by 1. 2 joined it later, left, and came again;
/// 3 is a stranger. Each message's time is its seq times 100.
const DIRECT: u64 = 10;
const GROUP: u64 = 20;
const MESSAGES: u64 = 9;
/// 2 read the group from 2 to 4, and from 7 on.
const STAYS: [(u64, Option<u64>); 2] = [(2, Some(4)), (7, None)];

fn text(conv: u64, seq: u64) -> String {
    format!("text {conv}/{seq}")
}

fn id(conv: u64, seq: u64) -> String {
    format!("id {conv}/{seq}")
}

/// Messages of 1, but for the last one, which is of 2.
fn sender(seq: u64) -> u64 {
    if seq == MESSAGES { 2 } else { 1 }
}

fn conversation(conv: u64, pair: Option<(u64, u64)>) -> Conversation {
    let message = |seq| {
        let (id, text) = (id(conv, seq), Digest::of(&text(conv, seq)));
        Logged { seq, from: sender(seq), id, time: seq * 100, text }
    };
    Conversation { last_seq: MESSAGES, pair, messages: (1..=MESSAGES).map(message).collect() }
}

fn shown(conv: u64, seq: u64) -> Shown {
    let (id, text) = (Digest::of(&id(conv, seq)), Digest::of(&text(conv, seq)));
    Shown { conv, seq, from: sender(seq), id, text, at_ms: seq * 100 + 5 }
}

fn sends(user: u64) -> Vec<Send> {
    let of = |conv: u64, seq: u64| Send {
        id: id(conv, seq),
        to: if conv == GROUP { Target::Group(GROUP) } else { Target::Friend(3 - user) },
        text: Digest::of(&text(conv, seq)),
        begun_ms: seq * 100,
        uncertain: false,
        outcome: Outcome::Stored { conv, seq, time: seq * 100 },
    };
    let all = [DIRECT, GROUP].into_iter().flat_map(|conv| (1..=MESSAGES).map(move |seq| (conv, seq)));
    all.filter(|(_, seq)| sender(*seq) == user).map(|(conv, seq)| of(conv, seq)).collect()
}

fn record(user: u64, device: usize, tongue: Tongue) -> Record {
    let mut record = Record { who: Who { person: user as usize, device }, tongue, user, ..Record::default() };
    if user == 3 {
        return record;
    }
    record.shown.extend((1..=MESSAGES).map(|seq| shown(DIRECT, seq)));
    let reads = |seq: &u64| {
        user == 1 || STAYS.iter().any(|(first, last)| seq >= first && last.is_none_or(|last| *seq <= last))
    };
    record.shown.extend((1..=MESSAGES).filter(reads).map(|seq| shown(GROUP, seq)));
    let pushed = record.shown.iter().map(|shown| Pushed { conv: shown.conv, seq: shown.seq });
    record.pushed = pushed.collect();
    if device == 0 {
        record.sends = sends(user);
    }
    record
}

fn spell(user: u64, first: u64, last: Option<u64>) -> Spell {
    let just = |seq: u64| Window { from_ms: seq * 100 - 60, until_ms: seq * 100 - 40 };
    Spell {
        user,
        group: GROUP,
        joined: just(first),
        first: Some(first),
        left: last.map(|last| just(last + 1)),
    }
}

/// Nothing is wrong with it.
fn good() -> Evidence {
    let log = Log {
        conversations: BTreeMap::from([
            (DIRECT, conversation(DIRECT, Some((1, 2)))),
            (GROUP, conversation(GROUP, None)),
        ]),
        members: BTreeMap::from([((GROUP, 1), 0), ((GROUP, 2), 6)]),
        friends: BTreeMap::from([(1, vec![2]), (2, vec![1])]),
    };
    let friendship = |user, friend| Friendship { user, friend, known_ms: 50 };
    Evidence {
        log,
        records: vec![
            record(1, 0, Tongue::Library),
            record(2, 0, Tongue::Library),
            record(2, 1, Tongue::Frames),
            record(3, 0, Tongue::Frames),
        ],
        spells: [vec![spell(1, 1, None)], STAYS.map(|(first, last)| spell(2, first, last)).to_vec()].concat(),
        friendships: vec![friendship(1, 2), friendship(2, 1)],
        surprises: Vec::new(),
    }
}

/// The places of the devices in the evidence.
const BOBS_LIBRARY: usize = 1;
const BOBS_FRAMES: usize = 2;
const STRANGER: usize = 3;

/// The findings after `doctor` was at it.
fn after(doctor: impl FnOnce(&mut Evidence)) -> Findings {
    let mut evidence = good();
    doctor(&mut evidence);
    examine(&evidence)
}

/// Only violations of this kind, and at least one.
#[track_caller]
fn only(kind: Kind, doctor: impl FnOnce(&mut Evidence)) {
    let findings = after(doctor);
    assert!(!findings.violations.is_empty(), "nothing was found");
    assert!(findings.violations.iter().all(|it| it.kind == kind), "{:#?}", findings.violations);
}

#[track_caller]
fn nothing(doctor: impl FnOnce(&mut Evidence)) {
    let findings = after(doctor);
    assert!(findings.violations.is_empty(), "{:#?}", findings.violations);
}

fn remove(record: &mut Record, conv: u64, seq: u64) {
    record.shown.retain(|shown| (shown.conv, shown.seq) != (conv, seq));
}

fn at(record: &Record, conv: u64, seq: u64) -> usize {
    record.shown.iter().position(|shown| (shown.conv, shown.seq) == (conv, seq)).unwrap()
}

#[test]
fn good_evidence_is_good() {
    nothing(|_| {});
}

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
