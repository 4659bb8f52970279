//! The own copy: killed at any moment, read without a server, and what was typed and not answered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use client::store::{Reach, Store as Kept};
use serde_json::{Value, json};
use testkit::{Signal, eventually};

use crate::LIMIT;
use crate::person::{Person, said};
use crate::script::{Script, run};
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(
    a_client_killed_at_any_moment_keeps_everything_once,
    what_was_kept_is_read_without_a_server,
    what_was_typed_without_a_server_is_said_once,
);

/// Lives of the client that is killed.
const LIVES: usize = 12;

/// Lines that it is given to say in each.
const LINES: usize = 8;

/// The store of an account whose client does not run.
fn file(server: &Server, account: &str) -> PathBuf {
    let name = format!("{}-{account}.db", server.address().replace(':', "_"));
    server.folder().join("chat").join(name)
}

fn open(server: &Server, account: &str) -> Kept {
    Kept::open(&file(server, account)).expect("a sound store, whenever its client was killed")
}

/// Sequence number and text of everything in the only conversation, as the server has it.
fn log(server: &Server, account: &str, talk: &str) -> Vec<(u64, String)> {
    let (login, chat) = (format!("/login {account}"), format!("/chat {talk}"));
    let mut commands = vec!["-c", &login, "-c", &chat];
    commands.extend(["-c", "/history 200"].repeat(10));
    let read = Script::start_with(server, &[&["--json", "--no-state"], &commands[..]].concat()).end();
    let pages = read.of_type("done");
    let mut log = BTreeMap::new();
    for message in pages.iter().filter_map(|page| page["messages"].as_array()).flatten() {
        let text = message["msg"].as_str().expect("a text").to_owned();
        log.insert(message["seq"].as_u64().expect("a number"), text);
    }
    assert!(pages.last().is_some_and(|last| last["begins"] == true), "all of it: {read}");
    log.into_iter().collect()
}

/// What a client showed, by sequence number.
fn shown(objects: &[Value]) -> Vec<u64> {
    let messages = objects.iter().filter(|object| object["type"] == "message");
    messages.map(|message| message["seq"].as_u64().expect("a number")).collect()
}

fn a_client_killed_at_any_moment_keeps_everything_once(store: Store) {
    let seed = match std::env::var("CHAT_TEST_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => std::process::id().into(),
    };
    println!("seed {seed} (set CHAT_TEST_SEED to repeat)");
    let mut random = Random(seed);
    let server = Server::start(store);
    friends(&server);
    // Much is missed before the first life, and alice goes on talking through all of them.
    let early: Vec<String> = (0..120).map(|n| format!("/msg bob early {n}")).collect();
    let early: Vec<&str> = ["/login alice"].into_iter().chain(early.iter().map(String::as_str)).collect();
    run(&server, &early).exits_with(0);
    let mut alice = Script::start_with(&server, &["--json"]);
    alice.enter("/login alice");

    let mut acknowledged = BTreeSet::new();
    let mut waited = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for life in 0..LIVES {
        let arguments: &[&str] = if life == 0 { &["--json"] } else { &["--json", "--account", "bob"] };
        let mut bob = Script::start_with(&server, arguments);
        if life == 0 {
            bob.enter("/login bob");
        }
        for n in 0..LINES {
            alice.enter(&format!("/msg bob alice {life}.{n}"));
            bob.enter(&format!("/msg alice bob {life}.{n}"));
        }
        // In the first life it must come far enough to have an account; after that anything may be cut short.
        // Each life prints at least two for what it says, and three for its session.
        let lines = if life == 0 { 6 } else { random.below(2 * LINES + 3) };
        eventually(LIMIT, "some of it", || (bob.lines() >= lines).then_some(()));
        thread::sleep(Duration::from_micros(random.below(30_000) as u64));
        let objects = bob.killed();
        seen.extend(shown(&objects));
        let done = objects.iter().filter(|object| object["type"] == "done");
        let said = done.filter_map(|done| done["command"].as_str()?.strip_prefix("/msg alice "));
        acknowledged.extend(said.map(str::to_owned));
        let unsent = open(&server, "bob").unsent(0, 100).expect("readable");
        waited.extend(unsent.iter().map(|unsent| unsent.outgoing.text().to_owned()));
    }
    alice.end().exits_with(0);
    // Quiet may come before the answers to what waited.
    let rounds = (0..LIVES).find(|_| {
        let last = Script::start_with(&server, &["--json", "--account", "bob", "-c", "/wait quiet"]).end();
        seen.extend(shown(&last.exits_with(0).objects()));
        open(&server, "bob").unsent(0, 100).expect("readable").is_empty()
    });
    assert!(rounds.is_some(), "what waits is never sent");

    let log = log(&server, "bob", "alice");
    let texts: Vec<&String> = log.iter().map(|(_, text)| text).collect();
    let each: BTreeSet<&String> = texts.iter().copied().collect();
    assert_eq!(each.len(), texts.len(), "nothing is said twice: {texts:?}");
    for text in acknowledged.iter().chain(&waited) {
        assert!(each.contains(text), "{text} is lost: {texts:?}");
    }
    let all: BTreeSet<u64> = log.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seen, all, "everything was shown");
    // Order: what bob said stands as he said it.
    let own: Vec<&String> = texts.iter().copied().filter(|text| text.starts_with("bob ")).collect();
    let mut sorted = own.clone();
    sorted.sort_by_key(|text| {
        let (life, n) = text["bob ".len()..].split_once('.').expect("two numbers");
        (life.parse::<usize>().expect("a number"), n.parse::<usize>().expect("a number"))
    });
    assert_eq!(own, sorted);

    let kept = open(&server, "bob");
    let conv = *kept.sync_state().expect("readable").expect("bob's").cursors.keys().next().expect("one");
    let page = kept.page(conv, None, 10_000, Reach::Whole).expect("readable");
    let copy: Vec<(u64, String)> =
        page.messages.into_iter().map(|message| (message.seq, message.msg)).collect();
    assert_eq!(copy, log, "the copy is the log");
}

fn what_was_kept_is_read_without_a_server(store: Store) {
    let mut server = Server::start(store);
    let (_, bob_id) = friends(&server);
    run(&server, &["/login alice", "/msg bob 今晚吃火锅吗", "/msg bob bring plates"]).exits_with(0);
    let bob = ["/login bob", "/msg alice 好的", "/wait quiet"];
    run(&server, &bob).exits_with(0);
    run(&server, &["/login alice", "/wait quiet"]).exits_with(0);
    // A device that came later has what it looked at.
    let phone = server.folder().join("phone.db");
    let phone = ["--json", "--state", phone.to_str().expect("UTF-8")];
    let looked = ["-c", "/login alice", "-c", "/chat bob", "-c", "/history 2"];
    Script::start_with(&server, &[&phone[..], &["--wait", "60"], &looked].concat()).end().exits_with(0);
    server.kill();

    let mut arguments = vec!["--json", "--wait", "1", "--account", "alice"];
    let commands = ["/conversations", "/chat bob", "/history", "/find 火锅", "/find PLATE", "/whoami"];
    for command in commands.into_iter().chain(["/msg bob later"]) {
        arguments.extend(["-c", command]);
    }
    // The last one needs a server, and a script does not wait for ever.
    let alice = Script::start_with(&server, &arguments).end().exits_with(3);
    assert_eq!(alice.done("/chat bob")["friend"], json!(bob_id));
    let listed = &alice.done("/conversations")["conversations"][0];
    assert_eq!((&listed["newest"]["msg"], &listed["unread"]), (&json!("好的"), &json!(1)));
    let texts = |done: Value| -> Vec<String> {
        let messages = done["messages"].as_array().expect("a list").clone();
        messages.iter().map(|message| message["msg"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(texts(alice.done("/history")), ["今晚吃火锅吗", "bring plates", "好的"]);
    assert_eq!(texts(alice.done("/find 火锅")), ["今晚吃火锅吗"]);
    assert_eq!(texts(alice.done("/find PLATE")), ["bring plates"]);
    assert_eq!(alice.done("/whoami")["name"], "alice");

    let looked = ["-c", "/chat bob", "-c", "/history", "-c", "/find 火锅"];
    let phone =
        Script::start_with(&server, &[&phone[..], &["--wait", "1"], &looked].concat()).end().exits_with(0);
    assert_eq!(texts(phone.done("/history")), ["bring plates", "好的"]);
    assert_eq!(texts(phone.done("/find 火锅")), [""; 0]);

    // It failed, and the script knows: it is not said behind its back.
    server.restart();
    let alice = run(&server, &["/login alice", "/chat bob", "/history"]).exits_with(0);
    assert_eq!(texts(alice.done("/history")).len(), 3);
}

fn what_was_typed_without_a_server_is_said_once(store: Store) {
    let mut server = Server::start(store);
    let mut alice = Person::sit_down("alice", &server);
    alice.registers_and_logs_in();
    let mut bob = Person::sit_down("bob", &server);
    let bob_id = bob.registers_and_logs_in();
    alice.enters(&format!("/add {bob_id}"));
    bob.sees("/accept alice or /refuse alice");
    bob.enters("/accept alice");
    alice.sees("* bob is your friend now");
    alice.talks_to("bob");
    bob.talks_to("alice");
    alice.says("bob", &["hello"]);

    // One message is stored, and its answer lost with the client; another never left.
    server.pause();
    alice.enters("answered to nobody");
    alice.sees("… answered to nobody (waits for the server)");
    alice.enters("and not sent");
    alice.sees("… and not sent (waits for the server)");
    server.resume();
    bob.sees(" alice: answered to nobody");
    bob.sees(" alice: and not sent");
    server.kill();
    alice.sees_row("* no connection: ");
    alice.enters("in the dark");
    alice.sees("… in the dark (waits for the server)");
    alice.terminal.process().signal(Signal::KILL);
    alice.terminal.end(LIMIT);

    let mut alice = Person::come_back("alice", &server);
    alice.sees_row("* no connection: ");
    alice.talks_to("bob");
    alice.enters("/find dark");
    alice.sees("nothing found");
    alice.enters("/history");
    alice.sees_part(" you → bob: hello");
    alice.enters("still dark");
    alice.sees("… still dark (waits for the server)");
    let rows = alice.leaves();
    assert!(rows.iter().any(|row| row == "(is sent the next time) in the dark"), "{rows:#?}");
    assert!(rows.iter().any(|row| row == "(is sent the next time) still dark"), "{rows:#?}");

    server.restart();
    let alice = Person::come_back("alice", &server);
    bob.sees(" alice: still dark");
    alice.sees(" you → bob: still dark");
    let all = ["hello", "answered to nobody", "and not sent", "in the dark", "still dark"];
    let all: Vec<_> = all.iter().map(|text| said("alice", text)).collect();
    assert_eq!(bob.heard("alice"), all);
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
