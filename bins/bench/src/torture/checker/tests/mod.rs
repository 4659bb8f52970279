//! Each promise broken in evidence that is otherwise good: the checker must name it, and nothing else.

mod access;
mod broadcasts;
mod changes;
mod hides;
mod log;
mod quiet;
mod shown;
mod step;

use std::collections::BTreeMap;

use client::Reading;
use protocol::{Code, Hidden};

use super::{Findings, Kind, compare, examine};
use crate::torture::evidence::{
    Broadcast, Change, Conversation, Cry, CryOutcome, Cursor, Deed, DeedOutcome, Digest, Evidence,
    Friendship, Gap, Held, HideDeed, Log, Logged, Outcome, Pushed, QuietDeed, QuietHeld, Record, Send, Shown,
    Spell, Target, Told, Tongue, Who, Window,
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
/// 2 hid these, in this order, on the device with the library.
const HIDDEN: [(u64, u64); 2] = [(DIRECT, 2), (GROUP, 7)];
/// The operator said so much.
const BROADCASTS: u64 = 3;

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

/// What a user hid.
fn hidden(user: u64) -> Vec<Hidden> {
    let entry = |(position, &(conv, seq)): (u64, &(u64, u64))| Hidden { position, conv, seq };
    if user == 2 { (1..).zip(&HIDDEN).map(entry).collect() } else { Vec::new() }
}

fn hide_deeds() -> Vec<HideDeed> {
    let of = |entry: Hidden| HideDeed {
        conv: entry.conv,
        seqs: vec![entry.seq],
        to: if entry.conv == GROUP { Target::Group(GROUP) } else { Target::Friend(1) },
        begun_ms: 1_000,
        uncertain: false,
        outcome: DeedOutcome::Done(1),
        answered: vec![entry],
    };
    hidden(2).into_iter().map(of).collect()
}

/// A message as it is for a user.
fn state_for(user: u64, conv: u64, seq: u64) -> Held {
    match user == 2 && HIDDEN.contains(&(conv, seq)) {
        true => state(conv, seq).without_text(),
        false => state(conv, seq),
    }
}

fn history(user: u64, conv: u64) -> BTreeMap<u64, Held> {
    let first = reading(user, conv).first;
    (first..=MESSAGES).map(|seq| (seq, state_for(user, conv, seq))).collect()
}

fn key(id: u64) -> String {
    format!("key {id}")
}

fn said(id: u64) -> Digest {
    Digest::of(&format!("broadcast {id}"))
}

/// One after the other.
fn cry(id: u64) -> Cry {
    Cry {
        key: key(id),
        text: said(id),
        begun_ms: id * 1_000,
        ended_ms: id * 1_000 + 10,
        tries: 1,
        outcome: CryOutcome::Stored(id),
    }
}

fn told(id: u64) -> Told {
    Told { id, text: said(id), at_ms: id * 1_000 + 5 }
}

fn shown(conv: u64, seq: u64) -> Shown {
    let (id, text) = (Digest::of(&id(conv, seq)), Digest::of(&text(conv, seq)));
    Shown { conv, seq, from: sender(seq), id, text, hidden: false, at_ms: seq * 100 + 5 }
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
    record.broadcasts = (1..=BROADCASTS).map(told).collect();
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
    let held = record.shown.iter().map(|it| ((it.conv, it.seq), state_for(user, it.conv, it.seq)));
    record.held = held.collect();
    record.readings = [DIRECT, GROUP].map(|conv| (conv, reading(user, conv))).into();
    record.quiet = quiet(user);
    record.hidden = hidden(user);
    if device == 0 {
        record.sends = sends(user);
    }
    if (user, device) == (1, 0) {
        (record.changes, record.quiets) = (changes(), quiet_deeds());
    }
    if (user, device) == (2, 0) {
        record.hides = hide_deeds();
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
        hidden: BTreeMap::from([(2, hidden(2))]),
        hidden_last: [1, 2, 3].map(|user| (user, hidden(user).len() as u64)).into(),
        broadcasts: (1..=BROADCASTS).map(|id| Broadcast { id, key: key(id), text: said(id) }).collect(),
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
        cries: (1..=BROADCASTS).map(cry).collect(),
        histories: [DIRECT, GROUP]
            .into_iter()
            .flat_map(|conv| [1, 2].map(|user| ((user, conv), history(user, conv))))
            .collect(),
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

fn message(evidence: &mut Evidence, conv: u64, seq: u64) -> &mut Logged {
    &mut evidence.log.conversations.get_mut(&conv).unwrap().messages[seq as usize - 1]
}

/// What devices hold of a message, and HISTORY gives of it, follows what is stored: the error is not theirs.
fn hold_what_is_stored(evidence: &mut Evidence, conv: u64, seq: u64) {
    let state = message(evidence, conv, seq).state;
    let held = evidence.records.iter_mut().filter_map(|it| it.held.get_mut(&(conv, seq)));
    let given = evidence.histories.iter_mut().filter(|((_, of), _)| *of == conv);
    held.chain(given.filter_map(|(_, history)| history.get_mut(&seq))).for_each(|it| *it = state);
}

#[test]
fn good_evidence_is_good() {
    nothing(|_| {});
}
