//! Answers with their quotes, and mentions: on screens of two sizes, and in scripts.

use serde_json::{Value, json};
use testkit::TerminalSize;
use unicode_width::UnicodeWidthStr;

use crate::person::Person;
use crate::script::{Ended, run};
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(
    an_answer_quotes_in_a_narrow_terminal,
    an_answer_quotes_in_a_wide_terminal,
    a_member_is_mentioned_by_name,
    an_answer_typed_without_a_server_stays_one,
    answers_and_mentions_by_script
);

const NARROW: TerminalSize = TerminalSize { rows: 20, columns: 60 };
const WIDE: TerminalSize = TerminalSize { rows: 40, columns: 120 };

/// Of two lines, and too long for a narrow terminal.
const LONG: &str = "🧗 dinner at eight? 明日は九時に駅で会いましょう\nand bring the rope";

fn an_answer_quotes_in_a_narrow_terminal(store: Store) {
    an_answer_quotes(store, NARROW, "🧗 dinner at eight? 明日は九時に駅で会いましょ…");
}

fn an_answer_quotes_in_a_wide_terminal(store: Store) {
    an_answer_quotes(store, WIDE, "🧗 dinner at eight? 明日は九時に駅で会いましょう and bring the rope");
}

fn an_answer_quotes(store: Store, size: TerminalSize, quoted: &str) {
    let server = Server::start(store);
    friends(&server);
    let say = format!("\"/msg bob {}\"", LONG.replace('\n', "\\n"));
    let mut alice = crate::script::Script::start_with(&server, &["--json"]);
    alice.enter("/login alice");
    alice.waits_for_done("/login alice");
    alice.enter(&say);
    let said = alice.waits_for("it is stored", |object| object["type"] == "done" && object["seq"] == 1);
    assert_eq!(said["conv"].as_u64().map(|conv| conv > 0), Some(true));

    let mut bob = Person::sit_down_in("bob", &server, size);
    bob.logs_in();
    bob.talks_to("alice");
    bob.sees_row("  | and bring the rope");
    bob.enters("/reply last with pleasure");
    bob.sees(" you → alice: with pleasure");
    let quote = format!("  > alice: {quoted}");
    let above = |end: &str| {
        let rows = bob.terminal.transcript();
        let at = rows.iter().rposition(|row| row.ends_with(end)).expect("it was seen");
        rows[at - 1].clone()
    };
    assert_eq!(above(" you → alice: with pleasure"), quote, "on one line");
    assert!(quote.width() < usize::from(size.columns));
    let heard = alice.waits_for("the answer", |object| object["msg"] == "with pleasure");
    assert_eq!((&heard["reply_to"], &heard["quote"]["name"]), (&json!(1), &json!("alice")));
    assert_eq!(heard["quote"]["msg"], LONG);

    // What is answered is quoted as it is now, here and after a restart, and not at all once it is gone.
    let mut bob = shown_by_history(bob, &quote, " you → alice: with pleasure");
    alice.enter("/chat bob");
    alice.enter("/correct 1 at nine");
    bob.sees_row("* 1 now reads:");
    bob.enters("/reply 1 even better");
    bob.sees_row("  > alice: at nine");
    bob = shown_by_history(bob, "  > alice: at nine", " you → alice: even better");
    alice.enter("/recall 1");
    bob.sees(" alice: (recalled)");
    bob.enters("/reply 1 a pity");
    bob.sees(" you → alice: a pity");
    bob = shown_by_history(bob, "  > message 1", " you → alice: a pity");
    bob.leaves();
    let mut bob = Person::come_back("bob", &server);
    bob.talks_to("alice");
    let bob = shown_by_history(bob, "  > message 1", " you → alice: a pity");
    let rows = bob.terminal.transcript();
    assert!(!rows.iter().any(|row| row.contains("dinner") || row.contains("at nine")), "{rows:#?}");
}

/// Waits until /history shows a row like this, after its number and below another.
fn shown_by_history(mut person: Person, above: &str, end: &str) -> Person {
    // From the newest on.
    person.enters("/chat alice");
    person.enters("/history");
    let what = format!("{end:?} below {above:?} in the history");
    person.terminal.wait(crate::LIMIT, &what, |terminal| {
        let rows = terminal.screen();
        let from = rows.iter().rposition(|row| row.ends_with("> /history"))?;
        let is_it = |row: &String| {
            let number = row.split(' ').next().unwrap_or_default();
            row.contains(end) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let at = rows[from..].iter().rposition(is_it)? + from;
        (rows[at - 1] == above).then_some(())
    });
    person
}

fn a_member_is_mentioned_by_name(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let open = ["/login alice", "/group create readers"];
    let group = run(&server, &open).exits_with(0).done(open[1])["group"]["id"].as_u64().expect("an id");
    run(&server, &["/login bob", &format!("/join {group}")]).exits_with(0);
    let mut alice = Person::sit_down_in("alice", &server, NARROW);
    alice.logs_in();
    let mut bob = Person::sit_down_in("bob", &server, WIDE);
    bob.logs_in();
    bob.talks_to("#readers");
    // The group was chosen just now, and nobody spoke there yet.
    bob.presses("me@al and @al\t");
    bob.waits_for_prompt("bob → #readers> me@al and @alice");
    bob.presses("look\r");
    alice.sees(" #readers bob: me@al and @alice look");
    let coloured = String::from_utf8(alice.terminal.output()).expect("UTF-8");
    assert!(coloured.contains("me@al and \u{1b}[1;33m@alice\u{1b}[0m look"), "{coloured:?}");
    bob.sees(" #readers you: me@al and @alice look");
    let own = String::from_utf8(bob.terminal.output()).expect("UTF-8");
    assert!(!own.contains("\u{1b}[1;33m"), "nobody mentioned him");
    // Everybody is mentioned by who leads the group; by others these are words.
    bob.enters("@all of you");
    alice.sees(" #readers bob: @all of you");
    alice.talks_to("#readers");
    alice.enters("@everyone: at nine");
    bob.sees(" #readers alice: @everyone: at nine");
    let coloured = String::from_utf8(bob.terminal.output()).expect("UTF-8");
    assert!(coloured.contains("\u{1b}[1;33m@everyone\u{1b}[0m: at nine"), "{coloured:?}");
    let coloured = String::from_utf8(alice.terminal.output()).expect("UTF-8");
    assert!(!coloured.contains("\u{1b}[1;33m@all"), "{coloured:?}");
}

fn an_answer_typed_without_a_server_stays_one(store: Store) {
    let mut server = Server::start(store);
    let (alice_id, _) = friends(&server);
    run(&server, &["/login alice", "/msg bob are you there?"]).exits_with(0);
    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    bob.talks_to("alice");
    bob.sees(" alice: are you there?");
    server.kill();
    bob.sees_row("* no connection: ");
    // What is answered is in the own copy.
    bob.enters("/reply last @alice soon");
    bob.sees("… @alice soon (waits for the server)");
    let rows = bob.leaves();
    assert!(rows.iter().any(|row| row == "(is sent the next time) @alice soon"), "{rows:#?}");
    server.restart();
    let bob = Person::come_back("bob", &server);
    bob.sees_row("  > alice: are you there?");
    bob.sees(" you → alice: @alice soon");
    let page = run(&server, &["/login alice", "/chat bob", "/history 1"]).exits_with(0);
    let message = page.done("/history 1")["messages"][0].clone();
    assert_eq!((&message["reply_to"], &message["mentions"]), (&json!(1), &json!([alice_id])));
    assert_eq!(message["quote"]["msg"], "are you there?");
}

fn answers_and_mentions_by_script(store: Store) {
    let server = Server::start(store);
    let (alice_id, bob_id) = friends(&server);
    let open =
        ["/login alice", "/group create readers", "/chat #readers", "@bob is not here yet", "@all: welcome"];
    let alice = run(&server, &open).exits_with(0);
    let group = alice.done(open[1])["group"]["id"].as_u64().expect("an id");
    let join = format!("/join {group}");
    let bob = [
        "/login bob",
        &join,
        "/chat #readers",
        "@Alice, hello; a@alice",
        "@all hello",
        "/reply last @alice? @nobody",
    ];
    run(&server, &bob[..5]).exits_with(0);
    // Nobody else said anything that he can read.
    run(&server, &["/login bob", "/chat #readers", bob[5]]).exits_with(1);
    let first =
        run(&server, &["/login alice", "/chat #readers", "/reply last @bob @\"Bob\" welcome", "/history 3"]);
    let first = first.exits_with(0);
    let of = |ended: &Ended, msg: &str| -> Value {
        let messages = ended.done("/history 3")["messages"].clone();
        let found = messages.as_array().and_then(|all| all.iter().find(|message| message["msg"] == msg));
        found.unwrap_or_else(|| panic!("no {msg}: {ended}")).clone()
    };
    assert_eq!(of(&first, "@Alice, hello; a@alice")["mentions"], json!([alice_id]));
    assert_eq!(of(&first, "@all hello")["mentions"], Value::Null, "he does not lead the group");
    let answer = of(&first, "@bob @\"Bob\" welcome");
    assert_eq!((&answer["mentions"], &answer["quote"]["msg"]), (&json!([bob_id]), &json!("@all hello")));
    // Corrected, it mentions whom it names now.
    let seq = answer["seq"].as_u64().expect("a seq");
    let correct = format!("/correct {seq} @all welcome");
    let second = run(&server, &["/login alice", "/chat #readers", &correct, "/history 3"]).exits_with(0);
    assert_eq!(of(&second, "@all welcome")["mentions"], json!([0]));
    // What one cannot see cannot be answered.
    let before = run(&server, &["/login bob", "/chat #readers", "/reply 1 what was that?"]).exits_with(1);
    let refused = before.of_type("refused");
    assert_eq!((&refused[0]["name"], &refused[0]["field"]), (&json!("NOT_FOUND"), &json!("reply_to")));
    let early = run(&server, &["/login alice", "/chat #readers", "/history 20"]).exits_with(0);
    let all = early.done("/history 20")["messages"].clone();
    let mentions = |msg: &str| {
        let found = all.as_array().and_then(|all| all.iter().find(|message| message["msg"] == msg));
        found.expect("it was said")["mentions"].clone()
    };
    assert_eq!((mentions(open[3]), mentions(open[4])), (Value::Null, json!([0])));
}
