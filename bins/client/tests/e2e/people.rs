//! What people tell of themselves, and finding them by it.

use serde_json::json;

use crate::person::Person;
use crate::script::run;
use crate::server::{Server, Store, on_each_store};

on_each_store!(profiles_on_screen, profiles_by_script);

fn profiles_on_screen(store: Store) {
    let server = Server::start(store);
    let mut alice = Person::sit_down("alice", &server);
    let alice_id = alice.registers_and_logs_in();
    let mut bob = Person::sit_down("bob", &server);
    bob.registers_and_logs_in();

    alice.enters("/profile");
    alice.sees_row(&format!("alice, id {alice_id}"));
    alice.enters("/edit nickname 小明 the great");
    alice.sees_row(&format!("小明 the great (alice), id {alice_id}"));
    alice.enters("/edit signature climbing, mostly");
    alice.sees_row("  signature  climbing, mostly");
    alice.enters("/edit phone +1 555 0100");
    alice.sees_row("  phone      +1 555 0100");
    alice.presses("\x1b[A");
    alice.waits_for_prompt("alice> /edit phone");
    alice.presses("\x15");

    bob.enters("/search 小");
    bob.sees_row(&format!("  {alice_id}  小明 the great (alice)"));
    bob.enters(&format!("/profile {alice_id}"));
    bob.sees_row("  signature  climbing, mostly");
    assert!(!bob.terminal.transcript().iter().any(|row| row.contains("0100")), "the phone is not his to see");

    alice.enters("/edit searchable no");
    alice.sees_row("  searchable no: /search does not find you");
    bob.enters("/search ali");
    bob.sees_row("nobody is found by that");
    alice.enters("/edit shoe 44");
    alice.sees_row("! /edit: a profile has no \"shoe\"");
    alice.enters("/edit nickname \u{202e}evil");
    alice.sees_row("! ");
    alice.enters("/profile 4294967296");
    alice.sees_row("! ");
}

fn profiles_by_script(store: Store) {
    let server = Server::start(store);
    let id = run(&server, &["/register alice"]).exits_with(0).done("/register alice")["id"].clone();
    run(&server, &["/register bob"]).exits_with(0);
    let commands =
        ["/login alice", "/edit nickname Al", "/edit phone +1 555 0100", "/profile", "/edit nickname"];
    let alice = run(&server, &commands).exits_with(0);
    let own = &alice.done("/profile")["profile"];
    assert_eq!((&own["nickname"], &own["phone"]), (&json!("Al"), &json!("+1 555 0100")));
    assert_eq!(alice.done("/edit phone")["profile"]["nickname"], "Al");
    assert!(alice.done("/edit nickname")["profile"].get("nickname").is_none_or(|name| name == ""));
    let bob = run(&server, &["/login bob", "/search al", "/search zzz", &format!("/profile {id}")]);
    let bob = bob.exits_with(0);
    assert_eq!(bob.done("/search al")["found"], json!([{ "id": id, "name": "alice" }]));
    assert_eq!(bob.done("/search zzz")["found"], json!([]));
    let profile = &bob.done(&format!("/profile {id}"))["profile"];
    assert_eq!((&profile["id"], profile.get("phone")), (&id, None));
    run(&server, &["/login bob", "/profile 999999"]).exits_with(1);
}
