//! People at terminals, and a server or a client that goes away under their hands.

use crate::LIMIT;
use crate::person::{Person, Said, said};
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

/// Waits until both have heard this many messages, and gives them.
fn both_heard(alice: &Person, bob: &Person, count: usize) -> (Vec<Said>, Vec<Said>) {
    let heard = |person: &Person, talk: &str| {
        person.terminal.wait(LIMIT, &format!("{} hears {count} messages", person.name), |_| {
            Some(person.heard(talk)).filter(|heard| heard.len() >= count)
        })
    };
    (heard(alice, "bob"), heard(bob, "alice"))
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
    let (by_alice, by_bob) = both_heard(&alice, &bob, 2 * LINES);
    assert_eq!(by_alice, by_bob, "everybody sees one order");
    for name in ["alice", "bob"] {
        let own: Vec<Said> = by_alice.iter().filter(|message| message.by == name).cloned().collect();
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
    let (by_alice, by_bob) = both_heard(&alice, &bob, 2);
    assert_eq!(by_alice, [said("alice", "are you asleep?"), said("alice", "it answers")]);
    assert_eq!(by_alice, by_bob);
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

    let mut alice = Person::sit_down("alice", &server);
    alice.sees_row("* no connection: ");
    alice.enters("/friends");
    server.restart();
    alice.sees(" bob: until tomorrow");
    alice.sees("bob  away");
    alice.waits_for_prompt("alice>");
    assert_eq!(alice.heard("bob"), [said("bob", "until tomorrow")]);
}

fn a_killed_client_misses_nothing(store: Store) {
    let server = Server::start(store);
    let (mut alice, mut bob) = two_who_talk(&server);
    for n in 0..5 {
        alice.enters(&format!("before {n}"));
    }
    bob.sees(" alice: before 4");
    bob.terminal.process().signal(testkit::Signal::KILL);
    bob.terminal.end(LIMIT);
    alice.sees("* bob has gone");
    for n in 0..5 {
        alice.enters(&format!("after {n}"));
    }
    alice.sees(" you → bob: after 4");

    let bob = Person::come_back("bob", &server);
    bob.sees(" alice: after 4");
    // What was shown in the last second before the end may be shown again, in its place.
    let all: Vec<Said> = alice.heard("bob");
    let again = bob.heard("alice");
    assert!(again.len() >= 5 && all.ends_with(&again), "{again:#?}");
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
    let all = [said("alice", "from the laptop"), said("alice", "from the phone"), said("bob", "to both")];
    assert_eq!([alice.heard("bob"), phone.heard("bob"), bob.heard("alice")], [&all[..]; 3]);
    // One of them goes: alice is still there.
    phone.leaves();
    bob.enters("/friends");
    bob.sees("alice  there");
}
