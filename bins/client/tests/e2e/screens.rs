//! What lists look like in a narrow terminal and in a wide one, with names and texts of many scripts.

use testkit::TerminalSize;
use unicode_width::UnicodeWidthStr;

use crate::person::Person;
use crate::script::run;
use crate::server::{Server, Store};

const NARROW: TerminalSize = TerminalSize { rows: 20, columns: 60 };
const WIDE: TerminalSize = TerminalSize { rows: 40, columns: 120 };

/// What bob said: too long for a narrow terminal.
const LONG: &str = "🧗 dinner at eight? bring the rope, the tea and what is left of the cake";

#[test]
fn lists_fit_a_narrow_terminal() {
    let expected = [
        "  3  #登山 climbers  HH:MM  山田: 明日は九時に駅で会いまし…",
        "  1  bob             HH:MM  🧗 dinner at eight? bring the …",
        "     山田",
    ];
    lists_are(NARROW, expected);
}

#[test]
fn lists_use_a_wide_terminal() {
    let expected = [
        "  3  #登山 climbers  HH:MM  山田: 明日は九時に駅で会いましょう。遅れないで！",
        &format!("  1  bob             HH:MM  {LONG}"),
        "     山田",
    ];
    lists_are(WIDE, expected);
}

/// Bob and 山田 said something while alice was away. She looks at her lists, and then at what bob said.
fn lists_are(size: TerminalSize, expected: [&str; 3]) {
    let server = Server::start(Store::Sqlite);
    let id = |name: &str| {
        let command = format!("/register {name}");
        run(&server, &[&command]).exits_with(0).done(&command)["id"].as_u64().expect("an id")
    };
    let (alice_id, bob_id, yamada_id) = (id("alice"), id("bob"), id("山田"));
    let add = format!("/add {alice_id}");
    run(&server, &["/login bob", &add]).exits_with(0);
    run(&server, &["/login 山田", &add]).exits_with(0);
    let open = ["/login alice", "/accept bob", "/accept 山田", "/group create 登山 climbers", "/logout"];
    let group = run(&server, &open).exits_with(0).done(open[3])["group"]["id"].as_u64().expect("an id");
    let join = format!("/join {group}");
    run(&server, &["/login bob", &join, &format!("/msg alice {LONG}")]).exits_with(0);
    let meet = format!("/msg #{group} 明日は九時に駅で会いましょう。遅れないで！");
    run(&server, &["/login 山田", &join, &meet]).exits_with(0);

    let mut alice = Person::sit_down_in("alice", &server, size);
    alice.logs_in();
    alice.sees("while you were away");
    alice.enters("/conversations");
    alice.sees_part("     山田");
    alice.waits_for_prompt("alice>");
    assert_eq!(after(&alice, "alice> /conversations"), expected);
    let fits = |row: &String| row.width() < usize::from(size.columns);
    assert!(after(&alice, "alice> /conversations").iter().all(fits));

    alice.enters("/friends");
    alice.sees_row(&format!("  {yamada_id}  山田  away"));
    // Whether the server had stored when he went is not what is tested here.
    let bob = alice.sees_row(&format!("  {bob_id}  bob   away"));
    assert!(bob.ends_with(", 1 unread"), "{bob}");
    alice.enters("/groups");
    alice.sees_row(&format!("  {group}  #登山 climbers  owner, 3 members, 3 unread"));

    // What is looked at is not unread any more.
    alice.talks_to("bob");
    alice.enters("/conversations");
    alice.sees_part("     bob             ");
    alice.waits_for_prompt("alice → bob>");
    let again = after(&alice, "alice → bob> /conversations");
    let read = format!("   {}", expected[1].strip_prefix("  1").expect("it was unread"));
    assert_eq!(again[1], read);
}

/// The rows between a line that was typed and the prompt, with times that are the same every day.
fn after(person: &Person, typed: &str) -> Vec<String> {
    let screen = person.terminal.screen();
    let from = screen.iter().rposition(|row| row == typed).expect("what was typed");
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let timeless = |row: &String| match row.find(':').filter(|at| digit(row[..*at].chars().last())) {
        Some(at) => format!("{}HH:MM{}", &row[..at - 2], &row[at + 3..]),
        None => row.clone(),
    };
    screen[from + 1..screen.len() - 1].iter().map(timeless).collect()
}
