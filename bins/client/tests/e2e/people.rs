//! What people tell of themselves, and finding them by it.

use serde_json::json;
use testkit::eventually;

use crate::LIMIT;
use crate::person::Person;
use crate::script::run;
use crate::server::{Server, Store, on_each_store};

on_each_store!(profiles_on_screen, profiles_by_script, who_waits_at_a_door_is_completed);

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
    alice.sees_row("! there is no user with the id 4294967296; /search NAME finds people");
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

/// Presses Tab until the line is this: names are read behind the prompt's back.
fn completes(person: &mut Person, line: &str) {
    eventually(LIMIT, line, || {
        person.presses("\t");
        person.terminal.screen().last().is_some_and(|last| last == line).then_some(())
    });
}

/// Who applied is completed by name, before they were ever listed: told as it happened, or waiting at the login.
fn who_waits_at_a_door_is_completed(store: Store) {
    let server = Server::start(store);
    for name in ["/register alice", "/register bernadette", "/register zenobia"] {
        run(&server, &[name]).exits_with(0);
    }
    let open = ["/login alice", "/group create night owls", "/joining \"#night owls\" approval", "/logout"];
    let group = run(&server, &open).exits_with(0).done(open[1])["group"]["id"].to_string();
    let join = format!("/join {group}");
    run(&server, &["/login bernadette", &join]).exits_with(0);

    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    alice.sees("to your groups: 1 application; /applications shows them");
    alice.presses("/admit \"#n\t");
    alice.waits_for_prompt("alice> /admit \"#night owls\"");
    alice.presses("b");
    completes(&mut alice, "alice> /admit \"#night owls\" bernadette");
    alice.presses("\r");
    alice.sees_row("bernadette is in");
    run(&server, &["/login zenobia", &join]).exits_with(0);
    alice.sees_part("asks to come into #night owls");
    alice.presses("/reject \"#night owls\" ");
    completes(&mut alice, "alice> /reject \"#night owls\" zenobia");
    alice.presses("\r");
    alice.sees_row("zenobia's application is refused");
}
