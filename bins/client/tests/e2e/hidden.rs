//! What one deletes for oneself is gone on one's own screens, in the own copies, and for nobody else.

use client::store::{Reach, Store as Kept};

use crate::person::Person;
use crate::script::{Script, run};
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(
    what_one_hides_is_gone_on_ones_own_screens_alone,
    a_device_that_was_away_has_no_text_of_what_was_hidden,
    what_is_not_there_cannot_be_hidden
);

fn what_one_hides_is_gone_on_ones_own_screens_alone(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    alice.talks_to("bob");
    bob.talks_to("alice");
    bob.says("alice", &["a silly joke", "see you at seven", "or at eight"]);
    alice.sees(" bob: or at eight");

    alice.enters("/hide");
    alice.sees_row("! /hide: last or the message's number is missing");
    alice.enters("/hide last");
    alice.sees("* you do not see message 3 any more; others still do");
    alice.enters("/find eight");
    alice.sees_row("nothing found");
    alice.enters("/find-all eight");
    alice.sees_row("nothing found");
    // The last one that is seen still, and those before it.
    alice.enters("/hide last 2");
    alice.sees("* you do not see these 2 messages any more; others still do");
    alice.enters("/hide last");
    alice.sees_row("! nothing was said there lately that you see");
    bob.says("alice", &["hello again"]);
    alice.sees(" bob: hello again");

    // What is told of it live is not shown either.
    bob.enters("/correct last hello again, alice");
    alice.sees(" bob: hello again, alice (edited)");
    alice.enters("/hide last");
    alice.sees("* you do not see message 4 any more; others still do");
    bob.enters("/correct last what do you say?");
    bob.sees(" you → alice: what do you say? (edited)");
    bob.says("alice", &["nothing?"]);
    alice.sees(" bob: nothing?");
    let transcript = alice.leaves();
    assert!(!transcript.iter().any(|row| row.contains("what do you say")), "{transcript:#?}");

    let mut laptop = Person::sit_down_elsewhere("alice", &server, "laptop");
    laptop.logs_in();
    laptop.talks_to("bob");
    laptop.enters("/history");
    laptop.sees(" bob: nothing?");
    laptop.sees_row("* this is the beginning");
    let transcript = laptop.leaves();
    assert!(!transcript.iter().any(|row| row.contains("joke") || row.contains("seven")), "{transcript:#?}");
    bob.enters("/history");
    bob.sees_row("* this is the beginning");
    let transcript = bob.leaves();
    let said = transcript.iter().filter(|row| row.contains(" you → alice: a silly joke")).count();
    assert_eq!(said, 2, "said, and read again");
}

fn a_device_that_was_away_has_no_text_of_what_was_hidden(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut bob = Script::start_with(&server, &["--json"]);
    bob.enter("/login bob");
    bob.waits_for_done("/login bob");
    let said: Vec<String> = (0..6).map(|n| format!("/msg bob word{n}")).collect();
    let said: Vec<&str> = ["/login alice"].into_iter().chain(said.iter().map(String::as_str)).collect();
    let first = run(&server, &said).exits_with(0).done("/msg bob word0")["seq"].as_u64().expect("a seq");
    bob.waits_for("the last one", |object| object["msg"] == "word5");
    bob.killed();

    let hide = format!("/hide {} {}", first + 4, first + 1);
    // On another device.
    let commands = ["-c", "/login bob", "-c", "/chat alice", "-c", &hide];
    let other = Script::start_with(&server, &[&["--json", "--no-state"], &commands[..]].concat()).end();
    let done = other.exits_with(0).done(&hide);
    let hidden = done["hidden"].as_array().expect("a list").clone();
    assert_eq!(hidden.iter().map(|entry| entry["position"].clone()).collect::<Vec<_>>(), [1, 2]);

    let back = Script::start_with(&server, &["--json", "--account", "bob"]);
    let last = back.waits_for("both", |object| object["type"] == "hidden" && object["position"] == 2);
    assert_eq!(last["seq"], first + 4);
    assert!(last["friend"].is_number(), "{last}");
    assert_eq!(back.end().exits_with(0).of_type("hidden").len(), 2);
    let again = Script::start_with(&server, &["--json", "--account", "bob", "-c", "/wait quiet"]);
    assert_eq!(again.end().exits_with(0).of_type("hidden").len(), 0, "each once on a device");

    let name = format!("{}-bob.db", server.address().replace(':', "_"));
    let kept = Kept::open(&server.folder().join("chat").join(name)).expect("a sound store");
    let conv = last["conv"].as_u64().expect("a number");
    let page = kept.page(conv, None, 100, Reach::Whole).expect("readable");
    let texts: Vec<(bool, &str)> =
        page.messages.iter().map(|message| (message.hidden, message.msg.as_str())).collect();
    let shown = |n: u64| (false, ["word0", "", "word2", "word3", "", "word5"][n as usize]);
    let expected: Vec<_> = (0..6).map(|n| if n == 1 || n == 4 { (true, "") } else { shown(n) }).collect();
    assert_eq!(texts[texts.len() - 6..], expected);
    let found = kept.search("word", None, None, 100).expect("readable").messages;
    assert_eq!(found.len(), 4, "its words are gone too");
}

fn what_is_not_there_cannot_be_hidden(store: Store) {
    let server = Server::start(store);
    friends(&server);
    run(&server, &["/login alice", "/msg bob hi"]).exits_with(0);
    for command in ["/hide 9007199254740991", "/hide 1 77"] {
        let bob = run(&server, &["/login bob", "/chat alice", command]).exits_with(1);
        assert_eq!(bob.of_type("refused").len(), 1, "{command}: {bob:?}");
    }
    let history = run(&server, &["/login bob", "/chat alice", "/history"]).exits_with(0).done("/history");
    let messages = history["messages"].as_array().expect("a list");
    assert!(messages.iter().all(|message| message.get("hidden").is_none()), "{history}");
    run(&server, &["/login bob", "/hide last"]).exits_with(1);
}
