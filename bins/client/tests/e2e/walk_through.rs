//! The walk-through of README, walked: what it shows is what both terminals show, row by row.

use testkit::{Terminal, TerminalSize};

use crate::person::Person;
use crate::server::{Server, Store, on_each_store};

on_each_store!(the_readme_shows_what_is_seen);

const README: &str = include_str!("../../../../README.md");

const SIZE: TerminalSize = TerminalSize { rows: 40, columns: 120 };

/// A client as README starts it, but for the address and the folder.
fn client(name: &'static str, server: &Server, arguments: &[&str]) -> Person {
    let terminal = Terminal::start(env!("CARGO_BIN_EXE_client"), SIZE, |command| {
        command.args(["--server", server.address()]).args(arguments);
        command.env("XDG_STATE_HOME", server.folder());
        ["NO_COLOR", "CHAT_SERVER", "CHAT_ACCOUNT", "CHAT_PASSWORD"].iter().for_each(|name| {
            command.env_remove(name);
        });
    });
    let person = Person { name, terminal };
    person.sees_row("* connected to ");
    person
}

fn the_readme_shows_what_is_seen(store: Store) {
    let server = Server::start(store);
    let mut alice = client("alice", &server, &[]);
    alice.waits_for_prompt("chat>");
    alice.registers_and_logs_in();
    let mut bob = client("bob", &server, &[]);
    bob.waits_for_prompt("chat>");
    bob.registers_and_logs_in();

    alice.enters("/add 2 hello, it is me");
    bob.sees_row("* alice (id 1) asks");
    bob.enters("/accept alice");
    bob.sees("you and alice are friends now");
    alice.sees("* bob is your friend now");
    alice.talks_to("bob");
    alice.says("bob", &["hi bob 你好 👋", "there?"]);
    bob.sees(" alice: there?");
    bob.talks_to("alice");
    alice.sees("* bob has read it");
    bob.says("alice", &["half a line"]);
    alice.sees(" bob: half a line");
    bob.sees("* alice has read it");
    alice.enters("/group create climbing : on sundays");
    alice.sees_row("#climbing is open with number 2");
    bob.enters("/join 2");
    bob.sees(" #climbing * bob joined the group");
    alice.sees(" #climbing * bob joined the group");
    alice.talks_to("#climbing");
    alice.enters("welcome");
    bob.sees(" #climbing alice: welcome");
    bob.talks_to("#climbing");
    bob.enters("thanks");
    bob.sees(" #climbing you: thanks");
    alice.sees(" #climbing bob: thanks");
    bob.waits_for_prompt("bob → #climbing>");
    bob.enters("/quit");
    let status = bob.terminal.end(crate::LIMIT);
    assert!(status.success(), "bob's client ended with {status}");
    alice.sees("* bob has gone");
    alice.enters("you are away, bob");
    alice.sees(" #climbing you: you are away, bob");
    alice.enters("/msg bob are you?");
    alice.sees(" you → bob: are you?");
    let again = client("bob", &server, &["--account", "bob"]);
    again.sees("* 2 new messages while you were away");
    again.waits_for_prompt("bob>");

    // What alice sees of his coming back stands behind the end of what is shown of her.
    let seen = rows(&alice.terminal.transcript());
    let shown = shown("Alice's terminal:");
    assert_eq!(&seen[..shown.len()], shown, "{seen:#?}");
    let seen_by_bob = rows(&bob.terminal.transcript());
    let from_login = seen_by_bob.iter().position(|row| row == "chat> /login bob").expect("his login");
    assert_eq!(seen_by_bob[from_login..], self::shown("Bob's terminal, meanwhile"), "{seen_by_bob:#?}");
    let seen_again = rows(&again.terminal.transcript());
    assert_eq!(seen_again, self::shown("Bob comes back"), "{seen_again:#?}");
}

/// The rows of the example behind this text of README.
fn shown(behind: &str) -> Vec<String> {
    let (_, rest) = README.split_once(behind).expect("the walk-through");
    let (_, example) = rest.split_once("```console\n").expect("an example");
    let (example, _) = example.split_once("\n```").expect("its end");
    rows(&example.lines().filter(|row| !row.starts_with("$ ")).map(str::to_owned).collect::<Vec<_>>())
}

/// Rows without what is another one each time: times, ports, recovery codes, how long a password is, and that a machine which is
/// busy with something else makes a text wait.
fn rows(transcript: &[String]) -> Vec<String> {
    let is_codes = |row: &str| row.starts_with("  ");
    let is_wait = |row: &str| row.starts_with("… ") && row.ends_with("(waits for the server)");
    let rows = transcript.iter().map(|row| row.trim_end());
    let rows = rows.filter(|row| !row.is_empty() && !is_codes(row) && !is_wait(row));
    // Over midnight the day stands before the time.
    let without_day = |row: &'_ str| match row.split_once(' ') {
        Some((day, rest)) if day.len() == 10 && day.starts_with("20") => rest.to_owned(),
        _ => row.to_owned(),
    };
    rows.map(without_day)
        .map(|row| match row.split_once(' ') {
            Some((time, rest)) if is_time(time) => format!("10:55 {rest}"),
            Some(("password:", _)) => "password: *".to_owned(),
            _ if row.starts_with("* connected to 127.0.0.1:") => "* connected".to_owned(),
            _ => row,
        })
        .collect()
}

fn is_time(word: &str) -> bool {
    word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}
