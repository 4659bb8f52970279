//! Each promise broken in evidence that is otherwise good: the checker must name it, and nothing else.

use std::collections::BTreeMap;

use client::Reading;
use protocol::Code;

use super::{Findings, Kind, compare, examine};
use crate::torture::evidence::{
    Change, Conversation, Cursor, Deed, DeedOutcome, Digest, Evidence, Friendship, Gap, Held, Log, Logged,
    Outcome, Pushed, QuietDeed, QuietHeld, Record, Send, Shown, Spell, Target, Tongue, Who, Window,
};

/// Two friends, 1 and 2, have conversation 10; the group 20 was opened by 1. 2 joined it later, left, and came again;
/// 3 is a stranger. Each message's time is its seq times 100.
const DIRECT: u64 = 10;
const GROUP: u64 = 20;
const MESSAGES: u64 = 9;
/// 2 read the group from 2 to 4, and from 7 on.
const STAYS: [(u64, Option<u64>); 2] = [(2, Some(4)), (7, None)];
/// 1 edited the message 4 of both conversations twice, and took 8 back. 2 read both up to 6, and 1 to the end, which they keep quiet.
const EDITED: u64 = 4;
const RECALLED: u64 = 8;
const CHANGES: u64 = 3;
const READ: u64 = 6;

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
        let position = match seq {
            EDITED => 2,
            RECALLED => 3,
            _ => 0,
        };
        Logged {
            seq,
            from: sender(seq),
            id: id(conv, seq),
            time: seq * 100,
            state: state(conv, seq),
            position,
        }
    };
    let messages = (1..=MESSAGES).map(message).collect();
    Conversation { last_seq: MESSAGES, last_change: CHANGES, pair, messages }
}

/// What became of a message.
fn state(conv: u64, seq: u64) -> Held {
    match seq {
        EDITED => Held { edited: 1_002, ..Held::as_said("second") },
        RECALLED => Held { recalled: true, ..Held::as_said("") },
        _ => Held::as_said(&text(conv, seq)),
    }
}

fn changes() -> Vec<Change> {
    let of = |conv: u64, seq: u64, deed: Deed, position: u64| Change {
        conv,
        seq,
        to: if conv == GROUP { Target::Group(GROUP) } else { Target::Friend(2) },
        deed,
        begun_ms: 1_000,
        uncertain: false,
        outcome: DeedOutcome::Done(position),
    };
    let edit = |text: &str| Deed::Edit(Digest::of(text));
    let all = [DIRECT, GROUP].map(|conv| {
        [
            of(conv, EDITED, edit("first"), 1),
            of(conv, EDITED, edit("second"), 2),
            of(conv, RECALLED, Deed::Recall, 3),
        ]
    });
    all.concat()
}

/// How far a user's devices have a conversation.
fn reading(user: u64, conv: u64) -> Reading {
    let read_to = |user| if user == 1 { MESSAGES } else { READ };
    let first = if (user, conv) == (2, GROUP) { 7 } else { 1 };
    let (theirs, last) =
        (if conv == DIRECT { read_to(3 - user).max(said_to(3 - user)) } else { 0 }, MESSAGES);
    let their_delivered = if conv == DIRECT { MESSAGES } else { 0 };
    Reading { first, last, read: read_to(user), their_delivered, their_read: theirs }
}

/// The last message of a user.
fn said_to(user: u64) -> u64 {
    if user == 2 { MESSAGES } else { MESSAGES - 1 }
}

/// 1 keeps the direct conversation quiet.
fn quiet(user: u64) -> QuietHeld {
    match user {
        1 => QuietHeld { version: 2, entries: BTreeMap::from([(DIRECT, Digest::of("for ever"))]) },
        _ => QuietHeld::default(),
    }
}

fn quiet_deeds() -> Vec<QuietDeed> {
    let of = |conv, how: Option<&str>, version| QuietDeed {
        conv,
        how: how.map(Digest::of),
        uncertain: false,
        outcome: DeedOutcome::Done(version),
    };
    vec![of(DIRECT, Some("until tomorrow"), 1), of(DIRECT, Some("for ever"), 2)]
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
    let held = record.shown.iter().map(|it| ((it.conv, it.seq), state(it.conv, it.seq)));
    record.held = held.collect();
    record.readings = [DIRECT, GROUP].map(|conv| (conv, reading(user, conv))).into();
    record.quiet = quiet(user);
    if device == 0 {
        record.sends = sends(user);
    }
    if (user, device) == (1, 0) {
        (record.changes, record.quiets) = (changes(), quiet_deeds());
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

fn cursor(user: u64) -> Cursor {
    Cursor { delivered: MESSAGES, read: if user == 1 { MESSAGES } else { READ } }
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
        cursors: [DIRECT, GROUP]
            .into_iter()
            .flat_map(|conv| [1, 2].map(|user| ((conv, user), cursor(user))))
            .collect(),
        quiet: [1, 2, 3].map(|user| (user, quiet(user))).into(),
        recalled_words: Vec::new(),
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
    let mut findings = examine(&evidence);
    findings.violations.extend(compare(&evidence).violations);
    findings
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

fn message(evidence: &mut Evidence, conv: u64, seq: u64) -> &mut Logged {
    &mut evidence.log.conversations.get_mut(&conv).unwrap().messages[seq as usize - 1]
}

/// What the device holds of a message follows what is stored: the error is not the device's.
fn hold_what_is_stored(evidence: &mut Evidence, conv: u64, seq: u64) {
    let state = message(evidence, conv, seq).state;
    evidence.records.iter_mut().filter_map(|it| it.held.get_mut(&(conv, seq))).for_each(|it| *it = state);
}

#[test]
fn an_acknowledged_edit_that_is_not_stored_is_lost() {
    // Not at all, or only the one before it.
    for (text, edited, position) in [(text(DIRECT, EDITED), 0, 0), ("first".to_owned(), 1_001, 1)] {
        only(Kind::Lost, |evidence| {
            let stored = message(evidence, DIRECT, EDITED);
            stored.state = Held { edited, ..Held::as_said(&text) };
            stored.position = position;
            hold_what_is_stored(evidence, DIRECT, EDITED);
        });
    }
    // An earlier edit whose first attempt had no answer may come late, and take a later place.
    let come_late = |evidence: &mut Evidence| {
        let stored = message(evidence, DIRECT, EDITED);
        (stored.state, stored.position) = (Held { edited: 1_003, ..Held::as_said("first") }, 4);
        evidence.log.conversations.get_mut(&DIRECT).unwrap().last_change = 4;
        hold_what_is_stored(evidence, DIRECT, EDITED);
    };
    nothing(|evidence| {
        come_late(evidence);
        evidence.records[0].changes[0].uncertain = true;
    });
}

#[test]
fn an_acknowledged_recall_that_is_not_stored_is_lost() {
    only(Kind::Lost, |evidence| {
        let stored = message(evidence, GROUP, RECALLED);
        (stored.state, stored.position) = (Held::as_said(&text(GROUP, RECALLED)), 0);
        hold_what_is_stored(evidence, GROUP, RECALLED);
    });
}

#[test]
fn recalled_text_that_is_still_somewhere_is_found() {
    only(Kind::Lost, |evidence| {
        message(evidence, DIRECT, RECALLED).state.text = Digest::of(&text(DIRECT, RECALLED));
        hold_what_is_stored(evidence, DIRECT, RECALLED);
    });
    only(Kind::Lost, |evidence| evidence.log.recalled_words.push((DIRECT, RECALLED)));
    // On a device.
    only(Kind::OutOfStep, |evidence| {
        let as_said = Held::as_said(&text(DIRECT, RECALLED));
        evidence.records[BOBS_LIBRARY].held.insert((DIRECT, RECALLED), as_said);
    });
}

#[test]
fn a_change_that_nobody_made_is_found() {
    only(Kind::Corrupted, |evidence| {
        message(evidence, DIRECT, EDITED).state.text = Digest::of("another");
        evidence.records[0].changes.remove(1);
        hold_what_is_stored(evidence, DIRECT, EDITED);
    });
    only(Kind::Corrupted, |evidence| {
        evidence.records[0].changes.retain(|it| (it.conv, it.seq) != (GROUP, RECALLED));
    });
    only(Kind::Corrupted, |evidence| {
        let at = at(&evidence.records[BOBS_FRAMES], DIRECT, EDITED);
        evidence.records[BOBS_FRAMES].shown[at].text = Digest::of("another");
    });
    // As it was in between.
    nothing(|evidence| {
        let at = at(&evidence.records[BOBS_FRAMES], DIRECT, EDITED);
        evidence.records[BOBS_FRAMES].shown[at].text = Digest::of("first");
    });
}

#[test]
fn a_place_among_the_changes_that_cannot_be_is_found() {
    only(Kind::OutOfOrder, |evidence| {
        evidence.log.conversations.get_mut(&DIRECT).unwrap().last_change = 2;
    });
    only(Kind::Lost, |evidence| message(evidence, DIRECT, RECALLED).position = 0);
}

#[test]
fn a_change_that_is_refused_or_not_answered_is_found() {
    let refuse = |code| {
        move |evidence: &mut Evidence| {
            let change = evidence.records[0].changes[1].clone();
            let refused = DeedOutcome::Refused { code, at_ms: 1_200 };
            let deed = Deed::Edit(Digest::of("refused"));
            evidence.records[0].changes.push(Change { deed, outcome: refused, ..change });
        }
    };
    only(Kind::Refused, refuse(Code::TOO_LATE));
    only(Kind::Refused, refuse(Code::NOT_FOUND));
    // Refused after the time for it, as it should be, and done all the same.
    let findings = after(|evidence| {
        let late = DeedOutcome::Refused { code: Code::TOO_LATE, at_ms: 200_000 };
        evidence.records[0].changes[1].outcome = late;
    });
    assert_eq!(findings.count(Kind::Refused), 1, "{:#?}", findings.violations);
    only(Kind::Unsettled, |evidence| evidence.records[0].changes[1].outcome = DeedOutcome::Open);
    // Who left may not.
    nothing(|evidence| {
        refuse(Code::NOT_FOUND)(evidence);
        let change = evidence.records[0].changes.last_mut().unwrap();
        (change.conv, change.to) = (GROUP, Target::Group(GROUP));
        evidence.spells[0].joined = Window { from_ms: 900, until_ms: 1_100 };
    });
    // Nor who came again, what they said before.
    let come_again = |first| {
        move |evidence: &mut Evidence| {
            refuse(Code::NOT_FOUND)(evidence);
            let change = evidence.records[0].changes.last_mut().unwrap();
            (change.conv, change.to) = (GROUP, Target::Group(GROUP));
            evidence.spells[0].first = Some(first);
            evidence.log.members.insert((GROUP, 1), first - 1);
        }
    };
    assert_eq!(after(come_again(EDITED + 1)).count(Kind::Refused), 0);
    assert_eq!(after(come_again(EDITED)).count(Kind::Refused), 1);
}

#[test]
fn a_device_that_lacks_a_change_is_found() {
    for device in [0, BOBS_LIBRARY, BOBS_FRAMES] {
        only(Kind::OutOfStep, |evidence| {
            let earlier = Held { edited: 1_001, ..Held::as_said("first") };
            evidence.records[device].held.insert((DIRECT, EDITED), earlier);
        });
    }
    // What was changed after they left, and before they came again, is not theirs.
    nothing(|evidence| {
        evidence.records[BOBS_FRAMES].held.insert((GROUP, EDITED), Held::as_said(&text(GROUP, EDITED)));
    });
}

#[test]
fn devices_that_read_differently_are_found() {
    type Doctor = fn(&mut Reading);
    let doctors: [Doctor; 3] = [|it| it.read -= 1, |it| it.read += 1, |it| it.last -= 1];
    for doctor in doctors {
        only(Kind::OutOfStep, |evidence| {
            doctor(evidence.records[BOBS_FRAMES].readings.get_mut(&DIRECT).unwrap());
        });
    }
    only(Kind::OutOfStep, |evidence| {
        evidence.records[BOBS_LIBRARY].readings.remove(&GROUP);
    });
    // All agree, and what was read is not stored.
    only(Kind::OutOfStep, |evidence| {
        evidence.log.cursors.insert((DIRECT, 1), Cursor { delivered: MESSAGES, read: MESSAGES - 1 });
    });
}

#[test]
fn receipts_that_say_too_much_or_too_little_are_found() {
    type Doctor = fn(&mut Reading);
    // 1 read it to the end, and so did 2 by answering.
    let doctors: [Doctor; 3] =
        [|it| it.their_read -= 1, |it| it.their_read += 1, |it| it.their_delivered -= 1];
    for doctor in doctors {
        only(Kind::OutOfStep, |evidence| {
            doctor(evidence.records[BOBS_LIBRARY].readings.get_mut(&DIRECT).unwrap());
        });
    }
    // What the answer says the cursor need not.
    nothing(|evidence| evidence.records[0].readings.get_mut(&DIRECT).unwrap().their_read = READ);
    only(Kind::OutOfStep, |evidence| {
        evidence.records[0].readings.get_mut(&DIRECT).unwrap().their_read = READ - 1;
    });
}

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
