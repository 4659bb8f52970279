//! Passwords changed and recovered.

use std::net::{IpAddr, Ipv4Addr};

use domain::{Account, PasswordChange, SecretStore, SessionStore, StoreError, UserId, UserStore};
use protocol::{
    ChangePassword, Code, Login, PasswordProof, Recover, Recovered, Refusal, Reply, Request, Secret,
};
use service::Handled;
use service::testing::{Device, Harness, PASSWORD};

use crate::{bad_field, body, refused};

const NEW: &str = "battery staple";

fn change(device: &Device<'_>, old: &str, new: &str) -> Result<Reply, Refusal> {
    let (password, new_password) = (Secret::new(old), Secret::new(new));
    device.ask(Request::ChangePassword(ChangePassword { password, new_password }))
}

fn log_in(harness: &Harness, name: &str, password: &str) -> Result<Handled, Refusal> {
    let login = Login { name: Some(name.into()), password: Secret::new(password), ..Login::default() };
    harness.ask(harness.connect(), None, Request::Login(login))
}

/// Registers; the id and the recovery codes.
fn register(harness: &Harness, name: &str) -> (UserId, Vec<Secret>) {
    let reg = protocol::Reg { name: name.into(), password: Secret::new(PASSWORD) };
    match harness.ask(harness.connect(), None, Request::Reg(reg)).unwrap() {
        Handled::Reply(Reply::Reg(registered)) => (UserId(registered.id), registered.recovery_codes),
        other => panic!("{other:?}"),
    }
}

fn by_name(name: &str, code: &Secret) -> Recover {
    Recover { id: None, name: Some(name.into()), code: code.clone(), new_password: Secret::new(NEW) }
}

/// Tries to recover from an address that ends so.
fn recover(harness: &Harness, from: u8, request: Recover) -> Result<Recovered, Refusal> {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, from));
    match harness.ask_from(address, harness.connect(), None, Request::Recover(request))? {
        Handled::Reply(reply) => Ok(body!(Reply::Recover, reply)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_password_leaves_the_session_that_asks() {
    let harness = Harness::new();
    let (desk, phone) = (harness.login("alice"), harness.login("alice"));
    let bob = harness.login("bob");
    change(&desk, PASSWORD, NEW).unwrap();
    let bye = phone.closed().expect("the other device is out");
    assert_eq!(bye.errcode, Code::SESSION_ENDED.0);
    assert!(desk.closed().is_none() && bob.closed().is_none());
    refused(harness.resume(&phone.token), Code::SESSION_ENDED);
    harness.resume(&desk.token).unwrap();
    refused(log_in(&harness, "alice", PASSWORD), Code::BAD_CREDENTIALS);
    log_in(&harness, "alice", NEW).unwrap();
}

#[test]
fn a_new_password_reaches_the_devices_on_other_nodes() {
    let here = Harness::new();
    let there = here.beside(service::testing::config());
    let desk = here.login("alice");
    let phone = there.try_login("alice").unwrap();
    change(&desk, PASSWORD, NEW).unwrap();
    assert!(phone.closed().is_none(), "nobody told yet");
    there.hear_from(&here);
    assert_eq!(phone.closed().expect("told").errcode, Code::SESSION_ENDED.0);
}

#[test]
fn whoever_does_not_know_the_password_changes_nothing() {
    let harness = Harness::new();
    let (desk, phone) = (harness.login("alice"), harness.login("alice"));
    refused(change(&desk, "wrong password", NEW), Code::BAD_CREDENTIALS);
    refused(change(&desk, "", NEW), Code::BAD_CREDENTIALS);
    let hashed = harness.hasher.hashed();
    bad_field(change(&desk, PASSWORD, "7 bytes"), "new_password");
    bad_field(change(&desk, PASSWORD, &"x".repeat(257)), "new_password");
    bad_field(change(&desk, &"x".repeat(257), NEW), "password");
    assert_eq!(harness.hasher.hashed(), hashed, "nothing is hashed in vain");
    change(&desk, PASSWORD, "8 bytes.").unwrap();
    change(&desk, "8 bytes.", &"x".repeat(256)).unwrap();
    assert!(phone.closed().is_some());
}

#[test]
fn a_login_begins_no_session_with_a_password_that_was_changed_meanwhile() {
    let harness = Harness::new();
    let desk = harness.login("alice");
    let (user, keep, store) = (desk.user(), desk.principal.session, harness.store.clone());
    let known = store.credentials(Account::Id(user)).unwrap().unwrap();
    // Just after the login has read the hash, before it stores its session.
    harness.store.after_next(move || {
        let change = PasswordChange { user, old_hash: &known.password_hash, new_hash: "$fake$9$other", keep };
        store.change_password(&change).unwrap().expect("the old one was right");
    });
    refused(log_in(&harness, "alice", PASSWORD), Code::BAD_CREDENTIALS);
    assert_eq!(harness.store.sessions(user).unwrap().len(), 1);
}

#[test]
fn each_code_recovers_once_and_ends_all_sessions() {
    let harness = Harness::new();
    let (id, codes) = register(&harness, "Alice");
    assert_eq!(codes.len(), protocol::limits::RECOVERY_CODES);
    for (used, code) in codes.iter().enumerate() {
        let device = match used {
            0 => Some(harness.try_login("alice").unwrap()),
            _ => None,
        };
        let recovered = recover(&harness, 1, by_name("aLICE", code)).unwrap();
        let left = (codes.len() - 1 - used) as u32;
        assert_eq!((recovered.id, &*recovered.name, recovered.codes_left), (id.0, "Alice", left));
        if let Some(device) = device {
            assert_eq!(device.closed().expect("out").errcode, Code::SESSION_ENDED.0);
            refused(harness.resume(&device.token), Code::SESSION_ENDED);
        }
    }
    log_in(&harness, "alice", NEW).unwrap();
    refused(log_in(&harness, "alice", PASSWORD), Code::BAD_CREDENTIALS);
    refused(recover(&harness, 1, by_name("alice", &codes[3])), Code::BAD_CREDENTIALS);
}

#[test]
fn every_failed_recovery_gets_the_same_answer_after_the_same_work() {
    let harness = Harness::new();
    let (alice, codes) = register(&harness, "alice");
    let (_, bobs) = register(&harness, "bob");
    recover(&harness, 1, by_name("alice", &codes[0])).unwrap();
    let by_id = |id| Recover { id: Some(id), name: None, ..by_name("", &codes[1]) };
    let attempts = [
        ("a wrong code", by_name("alice", &Secret::new("0000-0000-0000-0000"))),
        ("the right one, too early", by_name("alice", &codes[1])),
        ("a used one", by_name("alice", &codes[0])),
        ("another's", by_name("alice", &bobs[0])),
        ("nobody", by_name("nobody", &codes[1])),
        ("no name", by_name("\u{202e}no name", &codes[1])),
        ("a long name", by_name(&"x".repeat(5_000), &codes[1])),
        ("a hostile name", by_name("' OR 1=1; --", &codes[1])),
        ("no id", by_id(0)),
        ("an unknown id", by_id(alice.0 + 1_000)),
        ("an id beyond all", by_id(u64::MAX)),
    ];
    let mut answers = Vec::new();
    for (from, (what, attempt)) in (2..).zip(attempts) {
        let (hashed, verified) = (harness.hasher.hashed(), harness.hasher.verified());
        answers.push(refused(recover(&harness, from, attempt), Code::BAD_CREDENTIALS));
        assert_eq!((harness.hasher.hashed() - hashed, harness.hasher.verified()), (1, verified), "{what}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[test]
fn wrong_codes_make_the_account_wait_on_every_node_and_after_a_restart() {
    let here = Harness::new();
    let there = here.beside(service::testing::config());
    let (_, codes) = register(&here, "alice");
    let wrong = Secret::new("0000-0000-0000-0000");
    refused(recover(&here, 1, by_name("alice", &wrong)), Code::BAD_CREDENTIALS);
    here.clock.advance_ms(999);
    refused(recover(&there, 2, by_name("alice", &codes[0])), Code::BAD_CREDENTIALS);
    here.clock.advance_ms(1);
    recover(&there, 3, by_name("alice", &codes[0])).unwrap();
}

#[test]
fn wrong_codes_make_the_address_wait_whichever_account_is_tried() {
    let harness = Harness::new();
    let (_, codes) = register(&harness, "alice");
    let nobody = by_name("nobody", &codes[0]);
    for wait in [1_000, 2_000, 4_000] {
        refused(recover(&harness, 1, nobody.clone()), Code::BAD_CREDENTIALS);
        let hashed = harness.hasher.hashed();
        let refusal = refused(recover(&harness, 1, by_name("alice", &codes[0])), Code::TOO_MANY);
        assert_eq!(refusal.body.retry_after_ms, Some(wait));
        assert_eq!(harness.hasher.hashed(), hashed, "nothing is hashed for who has to wait");
        harness.clock.advance_ms(wait);
    }
    recover(&harness, 1, by_name("alice", &codes[0])).unwrap();
}

#[test]
fn an_outage_is_nobodys_wrong_code() {
    let harness = Harness::new();
    let (_, codes) = register(&harness, "alice");
    harness.store.fail_next(StoreError::unavailable("anything", "told to"), 1);
    refused(recover(&harness, 1, by_name("alice", &codes[0])), Code::BUSY);
    recover(&harness, 1, by_name("alice", &codes[0])).unwrap();
}

#[test]
fn fields_of_a_recovery_have_limits() {
    let harness = Harness::new();
    let (id, codes) = register(&harness, "alice");
    let good = by_name("alice", &codes[0]);
    let with = |new: &str| Recover { new_password: Secret::new(new), ..good.clone() };
    bad_field(recover(&harness, 1, with("7 bytes")), "new_password");
    bad_field(recover(&harness, 1, with(&"x".repeat(257))), "new_password");
    for code in ["", "no code", "' OR 1=1; --", "\u{202e}", &"0".repeat(65)] {
        bad_field(recover(&harness, 1, by_name("alice", &Secret::new(code))), "code");
    }
    bad_field(recover(&harness, 1, Recover { id: Some(id.0), ..good.clone() }), "id");
    bad_field(recover(&harness, 1, Recover { name: None, ..good.clone() }), "id");
    recover(&harness, 1, with(&"x".repeat(256))).expect("mistakes cost nothing");
}

#[test]
fn new_codes_ask_the_password_and_void_the_old_ones() {
    let harness = Harness::new();
    let (_, old) = register(&harness, "alice");
    let alice = harness.try_login("alice").unwrap();
    let ask = |password: &str| {
        alice.ask(Request::NewRecoveryCodes(PasswordProof { password: Secret::new(password) }))
    };
    refused(ask("wrong password"), Code::BAD_CREDENTIALS);
    bad_field(ask(&"x".repeat(257)), "password");
    let new = body!(Reply::NewRecoveryCodes, ask(PASSWORD).unwrap()).recovery_codes;
    assert_eq!(new.len(), protocol::limits::RECOVERY_CODES);
    assert!(new.iter().all(|code| !old.contains(code)));
    refused(recover(&harness, 1, by_name("alice", &old[0])), Code::BAD_CREDENTIALS);
    harness.clock.advance_ms(1_000);
    recover(&harness, 1, by_name("alice", &new[0])).unwrap();
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let harness = Harness::new();
    let (_, codes) = register(&harness, "alice");
    let shown = format!("{:?} {:?}", by_name("alice", &codes[0]), codes);
    assert!(!shown.contains(codes[0].expose()) && !shown.contains(NEW), "{shown}");
}
