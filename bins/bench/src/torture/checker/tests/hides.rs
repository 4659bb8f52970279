//! What users deleted for themselves.

use super::*;

/// The first message that 2 hid.
const PLACE: (u64, u64) = HIDDEN[0];

fn deed(evidence: &mut Evidence) -> &mut HideDeed {
    &mut evidence.records[BOBS_LIBRARY].hides[0]
}

/// What is stored of what 2 hid is this, and all devices know it, and so does HISTORY.
fn store(evidence: &mut Evidence, list: &[Hidden]) {
    evidence.log.hidden.insert(2, list.to_vec());
    evidence.log.hidden_last.insert(2, list.len() as u64);
    let is_hidden = |conv: u64, seq: u64| list.iter().any(|it| (it.conv, it.seq) == (conv, seq));
    let now = |conv: u64, seq: u64| match is_hidden(conv, seq) {
        true => state(conv, seq).without_text(),
        false => state(conv, seq),
    };
    for record in evidence.records.iter_mut().filter(|record| record.user == 2) {
        record.hidden = list.to_vec();
        record.held.iter_mut().for_each(|(&(conv, seq), held)| *held = now(conv, seq));
    }
    for (&(user, conv), history) in &mut evidence.histories {
        if user == 2 {
            history.iter_mut().for_each(|(&seq, held)| *held = now(conv, seq));
        }
    }
}

#[test]
fn an_acknowledged_hide_that_is_not_stored_is_lost() {
    only(Kind::Lost, |evidence| store(evidence, &hidden(2)[..1]));
    only(Kind::Lost, |evidence| {
        let deed = deed(evidence);
        deed.seqs.push(3);
        deed.answered.push(Hidden { position: 3, conv: DIRECT, seq: 3 });
    });
}

#[test]
fn an_answer_to_a_hide_other_than_is_stored_is_found() {
    type Doctor = fn(&mut HideDeed);
    let doctors: [Doctor; 4] = [
        |it| it.answered[0].position = 3,
        |it| it.answered.clear(),
        |it| it.answered.push(it.answered[0]),
        |it| it.answered.push(Hidden { position: 2, conv: GROUP, seq: 7 }),
    ];
    for doctor in doctors {
        only(Kind::OutOfOrder, |evidence| doctor(deed(evidence)));
    }
}

#[test]
fn a_message_that_nobody_hid_is_found() {
    let more = |evidence: &mut Evidence| {
        let list = [hidden(2), vec![Hidden { position: 3, conv: DIRECT, seq: 5 }]].concat();
        store(evidence, &list);
    };
    only(Kind::Corrupted, more);
    // Or that was plainly refused.
    let findings = after(|evidence| {
        more(evidence);
        let outcome = DeedOutcome::Refused { code: Code::NOT_FOUND, at_ms: 1_100 };
        let refused = HideDeed { seqs: vec![5], outcome, answered: Vec::new(), ..deed(evidence).clone() };
        evidence.records[BOBS_FRAMES].hides.push(refused);
    });
    assert_eq!(findings.count(Kind::Corrupted), 1, "{:#?}", findings.violations);
    // One without an answer may have been done.
    nothing(|evidence| {
        more(evidence);
        let tried = HideDeed { seqs: vec![5], uncertain: true, ..deed(evidence).clone() };
        let outcome = DeedOutcome::Refused { code: Code::NOT_FOUND, at_ms: 1_100 };
        let tried = HideDeed { to: Target::Friend(9), outcome, answered: Vec::new(), ..tried };
        evidence.records[BOBS_FRAMES].hides.push(tried);
    });
    // Another user's wish is none of this one's.
    only(Kind::Corrupted, |evidence| {
        more(evidence);
        let theirs = HideDeed { seqs: vec![5], ..deed(evidence).clone() };
        let outcome = DeedOutcome::Refused { code: Code::NOT_FOUND, at_ms: 1_100 };
        let theirs = HideDeed { outcome, to: Target::Friend(9), answered: Vec::new(), ..theirs };
        evidence.records[0].hides.push(HideDeed { uncertain: true, ..theirs });
    });
}

#[test]
fn positions_with_a_hole_or_a_twin_are_found() {
    let [first, second] = [hidden(2)[0], hidden(2)[1]];
    only(Kind::OutOfOrder, |evidence| {
        let hole = [first, Hidden { position: 3, ..second }];
        store(evidence, &hole);
        evidence.log.hidden_last.insert(2, 3);
        evidence.records[BOBS_LIBRARY].hides[1].answered[0].position = 3;
    });
    only(Kind::OutOfOrder, |evidence| {
        evidence.log.hidden_last.insert(2, 1);
    });
    only(Kind::Duplicated, |evidence| store(evidence, &[first, second, Hidden { position: 3, ..first }]));
}

#[test]
fn a_hide_that_is_refused_or_not_answered_is_found() {
    let refuse = |code, to| {
        move |evidence: &mut Evidence| {
            let outcome = DeedOutcome::Refused { code, at_ms: 1_100 };
            let seqs = vec![5];
            let refused = HideDeed { seqs, to, outcome, answered: Vec::new(), ..deed(evidence).clone() };
            evidence.records[BOBS_FRAMES].hides.push(refused);
        }
    };
    only(Kind::Refused, refuse(Code::NOT_FOUND, Target::Friend(1)));
    only(Kind::Refused, refuse(Code::FULL, Target::Friend(9)));
    // Who came again may not hide what was said before.
    nothing(refuse(Code::NOT_FOUND, Target::Group(GROUP)));
    // Refused, as it should be, and done all the same.
    let findings = after(|evidence| {
        let deed = deed(evidence);
        (deed.to, deed.outcome) =
            (Target::Friend(9), DeedOutcome::Refused { code: Code::NOT_FOUND, at_ms: 1_100 });
    });
    assert_eq!(findings.count(Kind::Refused), 1, "{:#?}", findings.violations);
    only(Kind::Unsettled, |evidence| deed(evidence).outcome = DeedOutcome::Open);
}

#[test]
fn history_that_shows_what_is_hidden_is_found() {
    only(Kind::OutOfStep, |evidence| {
        let history = evidence.histories.get_mut(&(2, PLACE.0)).unwrap();
        history.insert(PLACE.1, state(PLACE.0, PLACE.1));
    });
}

#[test]
fn history_that_hides_it_from_somebody_else_is_found() {
    only(Kind::OutOfStep, |evidence| {
        let history = evidence.histories.get_mut(&(1, PLACE.0)).unwrap();
        history.insert(PLACE.1, state(PLACE.0, PLACE.1).without_text());
    });
    // Or leaves it out.
    only(Kind::Lost, |evidence| {
        evidence.histories.get_mut(&(1, PLACE.0)).unwrap().remove(&PLACE.1);
    });
}

#[test]
fn a_message_that_came_without_its_text_is_hidden() {
    let come_hidden = |at_device: usize| {
        move |evidence: &mut Evidence| {
            let record = &mut evidence.records[at_device];
            let shown = at(record, PLACE.0, PLACE.1);
            (record.shown[shown].hidden, record.shown[shown].text) = (true, Digest::of(""));
        }
    };
    nothing(come_hidden(BOBS_FRAMES));
    // Not for others.
    only(Kind::Corrupted, come_hidden(0));
    // Nor with its text.
    only(Kind::Corrupted, |evidence| {
        let record = &mut evidence.records[BOBS_FRAMES];
        let shown = at(record, PLACE.0, PLACE.1);
        record.shown[shown].hidden = true;
    });
}

#[test]
fn devices_that_disagree_on_what_is_hidden_are_found() {
    for device in [BOBS_LIBRARY, BOBS_FRAMES] {
        type Doctor = fn(&mut Vec<Hidden>);
        let doctors: [Doctor; 4] = [
            |it| it.truncate(1),
            |it| it.swap(0, 1),
            |it| it.push(it[1]),
            |it| it.push(Hidden { position: 3, conv: DIRECT, seq: 6 }),
        ];
        for doctor in doctors {
            only(Kind::OutOfStep, |evidence| doctor(&mut evidence.records[device].hidden));
        }
        // It was told, and shows the text all the same.
        only(Kind::OutOfStep, |evidence| {
            evidence.records[device].held.insert(PLACE, state(PLACE.0, PLACE.1));
        });
    }
    // Somebody else was told.
    only(Kind::OutOfStep, |evidence| evidence.records[0].hidden = hidden(2));
}
