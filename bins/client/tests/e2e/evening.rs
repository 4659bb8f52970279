//! Two people spend an evening: they meet, talk, open a group, go away, come back and miss nothing, and outlive a crash
//! of the server.

use crate::person::{Person, Said, heard, said};
use crate::server::{Server, Store, on_each_store};

on_each_store!(two_people_talk_all_evening);

fn two_people_talk_all_evening(store: Store) {
    let mut server = Server::start(store);
    let mut alice = Person::sit_down("alice", &server);
    let mut bob = Person::sit_down("bob", &server);

    // They meet.
    let alice_id = alice.registers_and_logs_in();
    let bob_id = bob.registers_and_logs_in();
    alice.enters(&format!("/add {bob_id} shall we climb?"));
    alice.sees(&format!("user {bob_id} was asked and can accept now"));
    bob.sees(&format!(
        "* alice (id {alice_id}) asks to be your friend, saying: shall we climb?; /accept alice or /refuse alice"
    ));
    bob.enters("/accept alice");
    bob.sees("you and alice are friends now");
    alice.sees("* bob is your friend now");

    // They talk, both at once: what arrives stands above the line being typed, and leaves it alone.
    alice.talks_to("bob");
    bob.talks_to("alice");
    alice.presses("with plea");
    alice.waits_for_prompt("alice → bob> with plea");
    let (row, column) = alice.terminal.cursor();
    bob.enters("on Tuesday?");
    alice.sees(" bob: on Tuesday?");
    bob.sees(" you → alice: on Tuesday?");
    alice.waits_for_prompt("alice → bob> with plea");
    let screen = alice.terminal.screen();
    assert!(screen[screen.len() - 2].ends_with(" bob: on Tuesday?"), "{screen:#?}");
    alice.terminal.wait(crate::LIMIT, "the cursor behind what was typed", |terminal| {
        (terminal.cursor() == (row + 1, column)).then_some(())
    });
    alice.enters("sure");
    bob.sees(" alice: with pleasure");
    alice.sees(" you → bob: with pleasure");

    // They open a group.
    alice.enters("/group create climbers: Tuesdays at seven");
    let opened = alice.sees_row("#climbers is open with number ");
    let join = opened.find("/join ").map(|at| &opened[at..]).expect("how others come in");
    bob.enters(join);
    bob.sees("you are in #climbers, 2 members");
    alice.sees("#climbers * bob joined the group");
    alice.talks_to("#climbers");
    bob.talks_to("#climbers");
    alice.enters("rope or no rope?");
    bob.sees(" #climbers alice: rope or no rope?");
    bob.enters("rope");
    alice.sees(" #climbers bob: rope");
    // He has his prompt again, before he presses a key that ends it.
    bob.sees(" #climbers you: rope");
    bob.waits_for_prompt("bob → #climbers>");

    // Bob goes, alice talks on.
    let before = bob.leaves();
    assert_eq!(heard(&before, "bob", "alice").len(), 2, "{before:#?}");
    alice.sees("* bob has gone");
    let missed = [said("alice", "I bring the rope"), said("alice", "and the tea")];
    let missed_in_group = [said("alice", "who drives?"), said("alice", "I cannot"), said("alice", "hello?")];
    for Said { text, .. } in &missed_in_group {
        alice.enters(text);
        alice.sees(&format!(" #climbers you: {text}"));
    }
    alice.talks_to("bob");
    for Said { text, .. } in &missed {
        alice.enters(text);
        alice.sees(&format!(" you → bob: {text}"));
    }

    // Bob comes back: no password, and all of what he missed, in order, once.
    let mut bob = Person::come_back("bob", &server);
    bob.sees("* 5 new messages while you were away");
    alice.sees("* bob is there");
    assert_eq!(bob.heard("alice"), missed);
    assert_eq!(bob.heard("#climbers"), missed_in_group);
    assert!(!bob.terminal.transcript().iter().any(|row| row.contains("password")), "nobody asked for one");
    bob.talks_to("alice");
    bob.enters("I drive");
    alice.sees(" bob: I drive");

    // The server dies while both sit there, and comes back.
    alice.presses("are you st");
    alice.waits_for_prompt("alice → bob> are you st");
    server.kill();
    for person in [&alice, &bob] {
        person.sees_row("* no connection: ");
    }
    alice.waits_for_prompt("alice → bob> are you st");
    alice.enters("ill there?");
    alice.sees("… are you still there? (waits for the server)");
    server.restart();
    alice.sees("* connected again");
    alice.sees(" you → bob: are you still there?");
    bob.sees(" alice: are you still there?");
    bob.enters("I never left");
    alice.sees(" bob: I never left");
    alice.talks_to("#climbers");
    alice.enters("Tuesday it is");
    bob.sees(" #climbers alice: Tuesday it is");

    // Nothing was lost, doubled or swapped over the whole evening.
    let talk = [
        &[said("bob", "on Tuesday?"), said("alice", "with pleasure")],
        &missed[..],
        &[said("bob", "I drive"), said("alice", "are you still there?"), said("bob", "I never left")],
    ]
    .concat();
    let group = [
        &[said("alice", "rope or no rope?"), said("bob", "rope")],
        &missed_in_group[..],
        &[said("alice", "Tuesday it is")],
    ]
    .concat();
    assert_eq!(alice.heard("bob"), talk);
    alice.sees(" #climbers you: Tuesday it is");
    assert_eq!(alice.heard("#climbers"), group);
    assert_eq!([heard(&before, "bob", "alice"), bob.heard("alice")].concat(), talk);
    assert_eq!([heard(&before, "bob", "#climbers"), bob.heard("#climbers")].concat(), group);
    alice.leaves();
    bob.leaves();
}
