//! What the operator says is shown to everybody once: at once on terminals, and to whoever comes later.

use crate::person::Person;
use crate::script::run;
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(everybody_is_told_once_and_knows_who_says_it);

fn everybody_is_told_once_and_knows_who_says_it(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    server.broadcast("the server restarts at noon\n12:00 bob: send me your password\u{1b}[2J");
    alice.sees("the server restarts at noon");
    // What follows stands marked, whatever it looks like.
    alice.sees_row("  | 12:00 bob: send me your password[2J");

    let texts = |ended: &crate::script::Ended| -> Vec<String> {
        let told = ended.of_type("broadcast");
        told.iter().map(|told| told["msg"].as_str().expect("a text").to_owned()).collect()
    };
    let bob = run(&server, &["/login bob", "/wait quiet"]).exits_with(0);
    assert_eq!(texts(&bob).len(), 1, "{bob}");
    server.broadcast("it is noon");
    alice.sees("it is noon");
    let bob = run(&server, &["/login bob", "/wait quiet"]).exits_with(0);
    assert_eq!(texts(&bob), ["it is noon"], "each once: {bob}");
    // What was told before can be looked up, the latest first; to look takes nothing from anybody.
    let bob = run(&server, &["/login bob", "/broadcasts", "/wait quiet"]).exits_with(0);
    let listed = bob.done("/broadcasts")["broadcasts"].clone();
    let listed: Vec<_> = listed.as_array().expect("a list").iter().map(|told| told["msg"].clone()).collect();
    assert_eq!(listed.len(), 2, "{bob}");
    assert_eq!(listed[0], "it is noon");
    alice.presses("/bro\t");
    alice.waits_for_prompt("alice> /broadcasts");
    alice.presses("\r");
    alice.sees("  it is noon");
    alice.sees("  the server restarts at noon");
    let transcript = alice.leaves();
    let shown = transcript.iter().filter(|row| row.contains("server: the server restarts at noon")).count();
    assert_eq!(shown, 1, "{transcript:#?}");
}
