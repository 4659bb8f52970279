//! People at terminals, and a server or a client that goes away under their hands.

use serde_json::Value;
use testkit::{Signal, eventually};

use crate::LIMIT;
use crate::person::{Person, Said, said};
use crate::script::run;
use crate::server::{Server, Store, on_each_store};

on_each_store!(
    much_talk_over_a_crash_of_the_server,
    a_server_that_pauses,
    a_server_that_comes_late,
    a_killed_client_misses_nothing,
    two_devices_show_the_same,
);

/// Alice and bob, who are friends and talk to each other.
fn two_who_talk(server: &Server) -> (Person, Person) {
    let mut alice = Person::sit_down("alice", server);
    let mut bob = Person::sit_down("bob", server);
    alice.registers_and_logs_in();
    let bob_id = bob.registers_and_logs_in();
    alice.enters(&format!("/add {bob_id}"));
    bob.sees("/accept alice or /refuse alice");
    bob.enters("/accept alice");
    alice.sees("* bob is your friend now");
    alice.talks_to("bob");
    bob.talks_to("alice");
    (alice, bob)
}

fn much_talk_over_a_crash_of_the_server(store: Store) {
    const LINES: usize = 30;
    let mut server = Server::start(store);
    let (mut alice, mut bob) = two_who_talk(&server);
    let mut paste = |lines: std::ops::Range<usize>| {
        for n in lines {
            alice.enters(&format!("alice {n}"));
            bob.enters(&format!("bob {n}"));
        }
    };
    // Wherever it stops, some messages are on their way then, or stored and not answered yet.
    paste(0..LINES - 5);
    server.pause();
    paste(LINES - 5..LINES);
    alice.sees("(waits for the server)");
    bob.sees("(waits for the server)");
    server.kill();
    server.restart();
    let log = eventually(LIMIT, "all that was typed", || {
        let read = run(&server, &["/login alice", "/chat bob", "/history 200"]).exits_with(0);
        let messages = read.done("/history 200")["messages"].as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let log = messages.iter().map(|message| said(&text(&message["name"]), &text(&message["msg"])));
        Some(log.collect::<Vec<_>>()).filter(|log| log.len() >= 2 * LINES)
    });
    for name in ["alice", "bob"] {
        let own: Vec<Said> = log.iter().filter(|message| message.by == name).cloned().collect();
        let typed: Vec<Said> = (0..LINES).map(|n| said(name, &format!("{name} {n}"))).collect();
        assert_eq!(own, typed);
    }
}

fn a_server_that_pauses(store: Store) {
    let server = Server::start(store);
    let (mut alice, bob) = two_who_talk(&server);
    server.pause();
    alice.enters("are you asleep?");
    alice.sees("… are you asleep? (waits for the server)");
    alice.presses("it ans");
    alice.waits_for_prompt("alice → bob> it ans");
    server.resume();
    bob.sees(" alice: are you asleep?");
    alice.sees(" you → bob: are you asleep?");
    alice.enters("wers");
    bob.sees(" alice: it answers");
    alice.sees(" you → bob: it answers");
    let all = [said("alice", "are you asleep?"), said("alice", "it answers")];
    assert_eq!([alice.heard("bob"), bob.heard("alice")], [&all[..]; 2]);
}

fn a_server_that_comes_late(store: Store) {
    let mut server = Server::start(store);
    let (alice, mut bob) = two_who_talk(&server);
    alice.leaves();
    bob.sees("* alice has gone");
    bob.enters("until tomorrow");
    bob.sees(" you → alice: until tomorrow");
    bob.leaves();
    server.kill();

    let mut alice = Person::come_back("alice", &server);
    alice.sees_row("* no connection: ");
    alice.enters("/friends");
    server.restart();
    alice.sees(" bob: until tomorrow");
    // Whether the server had stored when he went is not what is tested here.
    alice.sees_part("bob  away");
    alice.waits_for_prompt("alice>");
    assert_eq!(alice.heard("bob"), [said("bob", "until tomorrow")]);
}

fn a_killed_client_misses_nothing(store: Store) {
    let server = Server::start(store);
    let (mut alice, mut bob) = two_who_talk(&server);
    alice.says("bob", &["before 0", "before 1", "before 2", "before 3", "before 4"]);
    bob.sees(" alice: before 4");
    bob.terminal.process().signal(Signal::KILL);
    bob.terminal.end(LIMIT);
    alice.sees("* bob has gone");
    alice.says("bob", &["after 0", "after 1", "after 2", "after 3", "after 4"]);

    let bob = Person::come_back("bob", &server);
    bob.sees(" alice: after 4");
    // What was shown in the last second before the end may be shown again, in its place.
    let all: Vec<Said> = alice.heard("bob");
    let again = bob.heard("alice");
    assert!(again.len() >= 5 && all.ends_with(&again), "{again:#?} of {all:#?}");
}

fn two_devices_show_the_same(store: Store) {
    let server = Server::start(store);
    let (mut alice, mut bob) = two_who_talk(&server);
    let mut phone = Person::sit_down_elsewhere("alice", &server, "phone");
    phone.logs_in();
    phone.talks_to("bob");
    alice.enters("from the laptop");
    phone.sees(" you → bob: from the laptop");
    phone.enters("from the phone");
    alice.sees(" you → bob: from the phone");
    bob.enters("to both");
    alice.sees(" bob: to both");
    phone.sees(" bob: to both");
    bob.sees(" you → alice: to both");
    let all = [said("alice", "from the laptop"), said("alice", "from the phone"), said("bob", "to both")];
    assert_eq!([alice.heard("bob"), phone.heard("bob"), bob.heard("alice")], [&all[..]; 3]);
    // One of them goes: alice is still there.
    phone.leaves();
    bob.enters("/friends");
    bob.sees("alice  there");
}
