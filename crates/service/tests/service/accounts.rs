//! REG and LOGIN.

use protocol::{Code, Login, Reg, Request, Secret};
use service::Handled;
use service::testing::{Harness, PASSWORD};

use crate::{bad_field, refused};

fn reg(harness: &Harness, name: &str, password: &str) -> Result<Handled, protocol::Refusal> {
    let request = Reg { name: name.into(), password: Secret::new(password) };
    harness.ask(harness.connect(), None, Request::Reg(request))
}

fn login(
    harness: &Harness,
    id: Option<u64>,
    name: Option<&str>,
    password: &str,
) -> Result<Handled, protocol::Refusal> {
    let request =
        Login { id, name: name.map(Into::into), password: Secret::new(password), ..Login::default() };
    harness.ask(harness.connect(), None, Request::Login(request))
}

#[test]
fn a_name_is_registered_once_in_any_case() {
    let harness = Harness::new();
    let id = harness.register("Alice").unwrap();
    assert!(id.0 > 0);
    refused(reg(&harness, "aLICE", PASSWORD), Code::NAME_TAKEN);
    refused(reg(&harness, " \u{ff21}lice ", PASSWORD), Code::NAME_TAKEN);
    assert_ne!(harness.register("alice2").unwrap(), id);
}

#[test]
fn fields_outside_their_limits_are_named() {
    let harness = Harness::new();
    for name in ["", "  ", "123", &"x".repeat(33), "a\0b", "a\u{202e}b"] {
        bad_field(reg(&harness, name, PASSWORD), "name");
    }
    bad_field(reg(&harness, "alice", "short12"), "password");
    bad_field(reg(&harness, "alice", &"x".repeat(257)), "password");
    assert_eq!(harness.hasher.hashed(), 0, "nothing is hashed for a request that is refused anyway");
    reg(&harness, "alice", &"x".repeat(256)).unwrap();
}

#[test]
fn sql_quotes_and_percent_signs_are_just_names() {
    let harness = Harness::new();
    for name in ["x'; DROP TABLE users; --", "100%s%n", "\"quoted\"", "back\\slash", "😀"] {
        let device = harness.login(name);
        assert_eq!(device.bundle.name, name);
    }
}

#[test]
fn login_is_by_id_or_by_name() {
    let harness = Harness::new();
    let id = harness.register("Alice").unwrap().0;
    for (by_id, by_name) in [(Some(id), None), (None, Some("alice")), (None, Some(" ALICE "))] {
        match login(&harness, by_id, by_name, PASSWORD).unwrap() {
            Handled::SignedIn(principal, protocol::Reply::Login(bundle)) => {
                assert_eq!((principal.user.0, &*principal.name), (id, "Alice"));
                assert_eq!((bundle.id, bundle.name.as_str()), (id, "Alice"));
                assert_eq!(bundle.session, principal.session.0);
                let token = bundle.token.expect("a token");
                assert_eq!(token.expose().len(), protocol::limits::TOKEN_CHARS);
                assert!(token.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
            other => panic!("{other:?}"),
        }
    }
    bad_field(login(&harness, Some(id), Some("alice"), PASSWORD), "id");
    bad_field(login(&harness, None, None, PASSWORD), "id");
}

#[test]
fn every_failed_login_gets_the_same_answer_after_the_same_work() {
    let harness = Harness::new();
    let id = harness.register("alice").unwrap().0;
    let attempts: [(Option<u64>, Option<&str>, &str, u64); 7] = [
        (Some(id), None, "wrong password", 0),
        (None, Some("alice"), "wrong password", 0),
        (None, Some("alice"), "", 0),
        (Some(id + 1), None, PASSWORD, 1),
        (Some(u64::MAX), None, PASSWORD, 1),
        (None, Some("nobody"), PASSWORD, 1),
        (None, Some("\u{202e}no name"), PASSWORD, 1),
    ];
    let mut answers = Vec::new();
    for (id, name, password, decoys) in attempts {
        let (verified, decoys_before) = (harness.hasher.verified(), harness.hasher.decoys());
        answers.push(refused(login(&harness, id, name, password), Code::BAD_CREDENTIALS));
        assert_eq!(harness.hasher.verified() - verified, 1, "{id:?} {name:?}");
        assert_eq!(harness.hasher.decoys() - decoys_before, decoys, "{id:?} {name:?}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[test]
fn an_endless_password_is_not_hashed() {
    let harness = Harness::new();
    harness.register("alice").unwrap();
    bad_field(login(&harness, None, Some("alice"), &"x".repeat(257)), "password");
    assert_eq!(harness.hasher.verified(), 0);
}

#[test]
fn access_is_checked_here_too() {
    let harness = Harness::with(service::testing::config());
    let alice = harness.login("alice");
    let reg = Reg { name: "bob".into(), password: Secret::new(PASSWORD) };
    refused(alice.handle(Request::Reg(reg)), Code::ALREADY_LOGGED_IN);
    let resume = protocol::Resume { token: alice.token.clone(), ..protocol::Resume::default() };
    refused(alice.handle(Request::Resume(resume)), Code::ALREADY_LOGGED_IN);
    let page = Request::Friends(protocol::Page::default());
    refused(harness.ask(harness.connect(), None, page), Code::NOT_LOGGED_IN);
    let hello = protocol::Hello { versions: vec![1], client: String::new(), device: String::new() };
    refused(alice.handle(Request::Hello(hello)), Code::HELLO_FIRST);
    refused(alice.handle(Request::Ping(protocol::Nothing {})), Code::NOT_ALLOWED);
}
