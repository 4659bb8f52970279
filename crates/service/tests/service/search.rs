//! SEARCH_USERS: who is found, and who is not.

use protocol::{Code, EditProfile, FoundUsers, Refusal, Request, SearchUsers};
use service::testing::{Device, Harness};

use crate::{bad_field, body};

fn ask(device: &Device<'_>, query: &str, after: u64, limit: u32) -> Result<FoundUsers, Refusal> {
    let request = SearchUsers { query: query.into(), after, limit };
    Ok(body!(Reply::SearchUsers, device.ask(Request::SearchUsers(request))?))
}

fn found(device: &Device<'_>, query: &str) -> Vec<String> {
    let page = ask(device, query, 0, 0).unwrap();
    assert_eq!(page.next, 0);
    page.found.into_iter().map(|user| user.name).collect()
}

fn edit(device: &Device<'_>, edit: EditProfile) {
    device.ask(Request::EditProfile(edit)).unwrap();
}

fn call(device: &Device<'_>, nickname: &str) {
    edit(device, EditProfile { nickname: Some(nickname.into()), ..EditProfile::default() });
}

#[test]
fn users_are_found_by_id_name_and_nickname_in_any_case() {
    let harness = Harness::new();
    let alice = harness.login("Alice");
    for name in ["alan", "bob", "张三", "42nd street", "100%"] {
        harness.register(name).unwrap();
    }
    let bob = harness.login("bob");
    call(&bob, "Ålesund");
    assert_eq!(found(&alice, "AL"), ["alan", "Alice"]);
    assert_eq!(found(&alice, " al "), ["alan", "Alice"]);
    assert_eq!(found(&alice, "\u{ff21}li"), ["Alice"]);
    assert_eq!(found(&alice, "ål"), ["bob"]);
    assert_eq!(found(&alice, "张"), ["张三"]);
    assert_eq!(found(&alice, "100%"), ["100%"]);
    assert_eq!(found(&alice, "%%"), [""; 0]);
    assert_eq!(found(&alice, "__"), [""; 0]);
    assert_eq!(found(&alice, "' OR '1'='1"), [""; 0]);
    assert_eq!(found(&alice, &bob.user().0.to_string()), ["bob"]);
    assert_eq!(found(&alice, "42"), ["42nd street"], "what could be an id can be a beginning");
    for nobody in ["0", "9", "99999999999999999999", "9007199254740993"] {
        assert_eq!(found(&alice, nobody), [""; 0], "{nobody}");
    }
}

#[test]
fn who_does_not_want_to_be_found_is_not() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bobby"));
    harness.befriend(&alice, &bob);
    assert_eq!(found(&alice, "bob"), ["bobby"]);
    edit(&bob, EditProfile { searchable: Some(false), ..EditProfile::default() });
    let id = bob.user().0.to_string();
    for query in ["bob", "bobby", &id] {
        assert_eq!(found(&alice, query), [""; 0], "not even by friends: {query}");
    }
    edit(&bob, EditProfile { searchable: Some(true), ..EditProfile::default() });
    assert_eq!((found(&alice, "bob"), found(&alice, &id)), (vec!["bobby".into()], vec!["bobby".into()]));
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let mut expected: Vec<String> = (10..17).map(|n| format!("7{n}x")).collect();
    for name in &expected {
        harness.register(name).unwrap();
    }
    // The seventh user, who is found by the id, and once.
    let by_id = alice.ask(Request::Profile(protocol::ProfileOf { id: Some(7) })).unwrap();
    let by_id = body!(Reply::Profile, by_id).name;
    expected.retain(|name| *name != by_id);
    for limit in 1..9 {
        // One digit is an id only; with a second one it is a beginning as well.
        assert_eq!(ask(&alice, "7", 0, limit).unwrap().found.len(), 1);
        let (mut all, mut after) = (Vec::new(), 0);
        for page in 0.. {
            assert!(page < 20, "it never ends");
            let page = ask(&alice, "71", after, limit).unwrap();
            assert!(page.found.len() <= limit as usize);
            all.extend(page.found.into_iter().map(|user| user.name));
            match page.next {
                0 => break,
                next => after = next,
            }
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 7, "pages of {limit}: {all:?}");
        assert_eq!(all.len(), 7, "each once");
    }
}

#[test]
fn too_little_and_too_much_are_refused() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for query in ["", " ", "a", "%", "a\0", "\u{202e}ab", &"a".repeat(33), &"a".repeat(100_000)] {
        bad_field(ask(&alice, query, 0, 0), "query");
    }
    assert_eq!(ask(&alice, &"a".repeat(32), u64::MAX, u32::MAX).unwrap(), FoundUsers::default());
    assert_eq!(Code::BAD_FIELD.0, 105);
}
