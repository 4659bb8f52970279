//! What was said is taken back and corrected: on the screens of both, in scripts, and for who was away.

use serde_json::Value;

use crate::person::Person;
use crate::script::{Ended, Script, run};
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(
    what_is_recalled_or_corrected_is_so_everywhere,
    who_was_away_learns_of_each_change_once,
    what_is_not_ones_own_stays,
    who_missed_many_changes_is_told_how_many,
);

fn what_is_recalled_or_corrected_is_so_everywhere(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    alice.talks_to("bob");
    bob.talks_to("alice");
    alice.says("bob", &["a secret", "see you at sevn"]);
    bob.sees(" alice: see you at sevn");

    alice.enters("/correct last see you at seven");
    alice.sees(" you → bob: see you at seven (edited)");
    bob.sees(" alice: see you at seven (edited)");
    alice.enters("/correct last");
    alice.sees_row("! /correct: the text is missing");

    alice.enters("/recall");
    alice.sees(" you → bob: (recalled)");
    bob.sees(" alice: (recalled)");
    // The last one that still stands.
    alice.enters("/recall last");
    let row = bob.sees_row("* 1 now reads:");
    assert!(row.ends_with(" alice: (recalled)"), "{row}");
    alice.enters("/recall last");
    alice.sees_row("! you said nothing there lately");
    bob.enters("/find secret");
    bob.sees_row("nothing found");
    bob.enters("/find-all secret");
    bob.sees_row("nothing found");
    bob.enters("/conversations");
    bob.sees_row("    alice  ");
}

fn who_was_away_learns_of_each_change_once(store: Store) {
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

    let corrections: Vec<String> = (0..5)
        .flat_map(|n| [format!("/correct {} one", first + n), format!("/correct {} other{n}", first + n)])
        .collect();
    let last = format!("/recall {}", first + 5);
    let commands: Vec<&str> = ["/login alice", "/chat bob"]
        .into_iter()
        .chain(corrections.iter().map(String::as_str))
        .chain([last.as_str()])
        .collect();
    let alice = run(&server, &commands).exits_with(0);
    assert_eq!(alice.done(&last)["position"], 11);
    assert_eq!(alice.done(&last)["message"]["recalled"]["name"], "alice");

    let changes = |ended: &Ended| -> Vec<(u64, u64, String)> {
        let number = |of: &Value| of.as_u64().expect("a number");
        let text = |of: &Value| of.as_str().expect("a text").to_owned();
        let changed = ended.of_type("changed");
        changed.iter().map(|it| (number(&it["position"]), number(&it["seq"]), text(&it["msg"]))).collect()
    };
    let back = Script::start_with(&server, &["--json", "--account", "bob"]);
    back.waits_for("the last change", |object| object["type"] == "changed" && object["position"] == 11);
    let other = |n: u64| (2 * n + 2, first + n, format!("other{n}"));
    let expected: Vec<_> = (0..5).map(other).chain([(11, first + 5, String::new())]).collect();
    assert_eq!(changes(&back.end().exits_with(0)), expected);
    let again = Script::start_with(&server, &["--json", "--account", "bob", "-c", "/wait quiet"]);
    assert_eq!(changes(&again.end().exits_with(0)), [], "each once on a device");
    let found =
        Script::start_with(&server, &["--json", "--account", "bob", "-c", "/find word", "-c", "/find other"]);
    let found = found.end().exits_with(0);
    assert_eq!(found.done("/find word")["messages"].as_array().map(Vec::len), Some(0));
    assert_eq!(found.done("/find other")["messages"].as_array().map(Vec::len), Some(5));
}

fn who_missed_many_changes_is_told_how_many(store: Store) {
    const MESSAGES: u64 = 60;
    let server = Server::start(store);
    friends(&server);
    let said: Vec<String> = (0..MESSAGES).map(|n| format!("/msg bob word {n}.")).collect();
    let commands: Vec<&str> = ["/login alice"].into_iter().chain(said.iter().map(String::as_str)).collect();
    let first = run(&server, &commands).exits_with(0).done(&said[0])["seq"].as_u64().expect("a seq");
    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    bob.sees_part("60 new messages while you were away");
    bob.leaves();
    let corrections = (0..MESSAGES).map(|n| match n % 3 {
        0 => format!("/recall {}", first + n),
        _ => format!("/correct {} better {n}.", first + n),
    });
    let corrections: Vec<String> = corrections.collect();
    let commands: Vec<&str> =
        ["/login alice", "/chat bob"].into_iter().chain(corrections.iter().map(String::as_str)).collect();
    run(&server, &commands).exits_with(0);

    let mut bob = Person::come_back("bob", &server);
    let told = bob.terminal.wait(crate::LIMIT, "all changes, shown or counted", |terminal| {
        let rows = terminal.transcript();
        let shown = rows.iter().filter(|row| row.contains("now reads:")).count() as u64;
        let counted = rows.iter().filter_map(|row| {
            let count = row.strip_prefix("* ")?.split_once(" more message")?.0;
            count.parse::<u64>().ok()
        });
        let counted: u64 = counted.sum();
        (shown + counted == MESSAGES).then_some((shown, counted))
    });
    println!("{} shown, {} counted", told.0, told.1);
    assert!(told.0 >= 12 && told.1 >= MESSAGES / 2, "{told:?}");
    bob.talks_to("alice");
    bob.enters("/history 2");
    bob.sees(" alice: better 59. (edited)");
    bob.enters("/find word");
    bob.sees_row("nothing found");
}

fn what_is_not_ones_own_stays(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let seq =
        run(&server, &["/login alice", "/msg bob mine"]).exits_with(0).done("/msg bob mine")["seq"].clone();
    for command in
        [format!("/recall {seq}"), format!("/correct {seq} yours"), "/recall 9007199254740991".into()]
    {
        let bob = run(&server, &["/login bob", "/chat alice", &command]).exits_with(1);
        assert_eq!(bob.of_type("refused").len(), 1, "{command}: {bob:?}");
    }
    let history = run(&server, &["/login bob", "/chat alice", "/history"]).exits_with(0);
    let messages = history.done("/history")["messages"].clone();
    assert_eq!(messages.as_array().and_then(|all| all.last()).map(|last| &last["msg"]), Some(&"mine".into()));
    run(&server, &["/login bob", "/recall"]).exits_with(1);
}
