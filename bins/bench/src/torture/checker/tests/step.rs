//! What each device knows in the end.

use super::*;

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
