//! What became of messages.

use super::*;

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
