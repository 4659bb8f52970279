//! M8: do not disturb, kept on the server and the same on all devices.

use protocol::limits::NUMBER_MAX;
use protocol::{Code, SetQuiet};

use crate::support::{Server, Store, friends, log_in, on_each_store};

on_each_store! {
    m8_what_is_quiet_is_the_same_on_all_devices_and_outlives_a_restart,
    m8_bad_fields_are_named_and_change_nothing,
}

fn night() -> SetQuiet {
    let (from, to, zone) = (Some(1_320), Some(420), Some("asia/shanghai".into()));
    SetQuiet { from, to, zone, ..SetQuiet::default() }
}

fn m8_what_is_quiet_is_the_same_on_all_devices_and_outlives_a_restart(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let all = alice.set_quiet(night()).expect("set");
    assert_eq!((all.version, all.quiet.zone.as_deref()), (1, Some("Asia/Shanghai")));
    assert_eq!(phone.quiet_changed(), all);
    let mute = SetQuiet { conv, until: Some(NUMBER_MAX), mentions: Some(false), ..SetQuiet::default() };
    let one = phone.set_quiet(mute).expect("set");
    assert_eq!(alice.quiet_changed(), one);
    for device in [&mut alice, &mut phone] {
        let list = device.quiet().expect("a list");
        assert_eq!((list.version, list.quiet), (2, vec![all.quiet.clone(), one.quiet.clone()]));
    }
    assert_eq!(bob.quiet().expect("a list").quiet, [], "nobody else's");
    // Delivery does not depend on it.
    bob.say(alice.id, "hi");
    assert_eq!(alice.message().msg, "hi");
    server.kill9();
    server.restart();
    let mut alice = log_in(&server, "alice", "laptop");
    assert_eq!(alice.quiet().expect("a list").quiet, [all.quiet, one.quiet]);
    let gone = alice.set_quiet(SetQuiet { conv, ..SetQuiet::default() }).expect("taken away");
    assert_eq!((gone.version, alice.quiet().expect("a list").quiet.len()), (3, 1));
}

fn m8_bad_fields_are_named_and_change_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, _, conv) = friends(&server, "alice", "bob");
    for (body, field) in [
        (r#"{"until":1}"#, "conv"),
        (r#"{"conv":-1,"until":1}"#, "conv"),
        (r#"{"conv":0,"until":"1"}"#, "until"),
        (r#"{"conv":0,"until":-1}"#, "until"),
        (r#"{"conv":0,"from":1.5,"to":2,"zone":"UTC"}"#, "from"),
        (r#"{"conv":0,"from":1,"to":4294967296,"zone":"UTC"}"#, "to"),
        (r#"{"conv":0,"from":1,"to":2,"zone":7}"#, "zone"),
        (r#"{"conv":0,"until":1,"mentions":"no"}"#, "mentions"),
    ] {
        let rid = alice.send_body(86, body.as_bytes());
        let refusal = alice.reply(rid).expect_err("refused");
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_BODY, Some(field)), "{body}");
    }
    for (set, field) in [
        (SetQuiet { from: Some(1_440), ..night() }, "from"),
        (SetQuiet { to: Some(1_320), ..night() }, "to"),
        (SetQuiet { zone: Some("../../etc/localtime".into()), ..night() }, "zone"),
        (SetQuiet { zone: None, ..night() }, "zone"),
        (SetQuiet { conv, until: Some(NUMBER_MAX + 1), ..SetQuiet::default() }, "until"),
    ] {
        let refusal = alice.set_quiet(set).expect_err("refused");
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some(field)));
    }
    let list = alice.quiet().expect("a list");
    assert_eq!((list.version, list.quiet.len()), (0, 0));
}
