//! `--command`, `--json` and standard input: whole conversations, and every exit code.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{Process, eventually};

use crate::script::{Ended, Script, run};
use crate::server::{Server, Store, on_each_store};
use crate::{LIMIT, PASSWORD};

on_each_store!(
    two_scripts_meet_and_talk,
    what_was_missed_comes_once,
    own_words_are_unread_nowhere,
    decisions_come_once_on_each_device,
    blocks_by_script,
    a_group_by_script,
    a_group_with_approval_by_script,
    history_goes_back_page_by_page,
    everything_is_searched_on_the_server,
    refusals_are_told_and_the_rest_runs,
    what_is_refused_has_a_name_and_a_next_step,
    a_mistake_runs_nothing,
    a_mistake_on_standard_input_ends_there,
    standard_input_for_people,
    without_a_server,
    waiting_in_vain,
    a_server_that_vanishes_for_good,
    a_server_that_comes_back,
    a_server_that_hangs,
    a_saved_session_is_there_for_the_first_command,
    what_nobody_read_is_shown_again,
    commands_of_several_lines,
    a_new_password_by_script,
    a_lost_password_by_script,
    an_account_deleted_by_script,
    friends_are_noted_by_script,
);

/// Registers somebody; returns the id.
fn register(name: &str, server: &Server) -> u64 {
    let command = format!("/register {name}");
    run(server, &[&command]).exits_with(0).done(&command)["id"].as_u64().expect("an id")
}

/// Alice and bob, who are friends; both are logged in. Returns their ids.
pub(crate) fn friends(server: &Server) -> (u64, u64) {
    let ids = (register("alice", server), register("bob", server));
    let add = format!("/add {}", ids.1);
    run(server, &["/login alice", &add]).exits_with(0);
    run(server, &["/login bob", "/accept alice"]).exits_with(0);
    ids
}

fn blocks_by_script(store: Store) {
    let server = Server::start(store);
    let (alice_id, bob_id) = friends(&server);
    let alice = run(&server, &["/login alice", "/block bob", "/blocked", "/friends"]).exits_with(0);
    assert_eq!(alice.done("/block bob")["id"], bob_id);
    assert_eq!(alice.done("/blocked")["blocked"], json!([{ "id": bob_id, "name": "bob" }]));
    assert_eq!(alice.done("/friends")["friends"], json!([]));
    let add = format!("/add {alice_id}");
    run(&server, &["/login bob", &add]).exits_with(1);
    // By name, though this client has not listed whom she blocked.
    let alice = run(&server, &["/login alice", "/unblock Bob", "/blocked"]).exits_with(0);
    assert_eq!(alice.done("/unblock Bob")["id"], bob_id);
    assert_eq!(alice.done("/blocked")["blocked"], json!([]));
    run(&server, &["/login bob", &add]).exits_with(0);
}

fn two_scripts_meet_and_talk(store: Store) {
    let server = Server::start(store);
    let (alice_id, bob_id) = (register("alice", &server), register("bob", &server));
    let add = format!("/add {bob_id} we met at the wall");
    let alice = Script::start(
        &server,
        &[
            "/login alice",
            &add,
            "/wait friend bob",
            "/msg bob hi %s 'there' 你好 👋",
            "/wait messages 1",
            "/whoami",
        ],
    );
    let bob = Script::start(
        &server,
        &["/login bob", "/wait request alice", "/accept alice", "/wait messages 1", "/msg alice hi yourself"],
    );
    let (alice, bob) = (alice.end().exits_with(0), bob.end().exits_with(0));

    assert_eq!(alice.done(&add)["outcome"], "requested");
    assert_eq!(bob.done("/accept alice")["friend"]["id"], json!(alice_id));
    let both = ["hi %s 'there' 你好 👋", "hi yourself"];
    for heard in [&alice, &bob] {
        let messages = heard.messages();
        let places: Vec<_> = messages.iter().map(|(seq, text, _)| (*seq, text.as_str())).collect();
        assert_eq!(places, [(1, both[0]), (2, both[1])], "{heard}");
    }
    assert_eq!(bob.of_type("message")[0]["friend"], json!(alice_id));
    assert_eq!(bob.of_type("message")[0]["name"], "alice");
    assert_eq!(alice.done("/msg bob hi %s 'there' 你好 👋")["seq"], 1);
    assert_eq!(bob.done("/msg alice hi yourself")["seq"], 2);
    let me = alice.done("/whoami");
    assert_eq!((&me["id"], &me["name"]), (&json!(alice_id), &json!("alice")));
    // Each command has one outcome, in order; what it waited for stands before it.
    let outcomes: Vec<_> = alice.of_type("done").iter().map(|done| done["command"].clone()).collect();
    let commands = [
        "/login alice",
        &add,
        "/wait friend bob",
        "/msg bob hi %s 'there' 你好 👋",
        "/wait messages 1",
        "/whoami",
    ];
    assert_eq!(json!(outcomes), json!(commands));
    let objects = alice.objects();
    let place = |what: &str, is_it: &dyn Fn(&Value) -> bool| {
        objects.iter().position(is_it).unwrap_or_else(|| panic!("no {what}: {alice}"))
    };
    let friend = place("friendship", &|object| object["type"] == "friend" && object["event"] == "accepted");
    assert!(friend < place("wait", &|object| object["command"] == "/wait friend bob"));
    let answer = place("answer", &|object| object["msg"] == "hi yourself");
    assert!(answer < place("wait", &|object| object["command"] == "/wait messages 1"));
    assert!(!alice.text().contains(PASSWORD) && !bob.text().contains(PASSWORD));
}

fn own_words_are_unread_nowhere(store: Store) {
    let server = Server::start(store);
    friends(&server);
    run(&server, &["/login bob", "/msg alice hello"]).exits_with(0);
    // Two words, the second of them after what was heard of bob's.
    let said = ["/login alice", "/wait quiet", "/msg bob one", "/msg bob two"];
    run(&server, &said).exits_with(0);
    let elsewhere = ["--json", "--wait", "60", "--no-state", "-c", "/login alice", "-c", "/conversations"];
    eventually(LIMIT, "another device finds nothing unread", || {
        let ended = Script::start_with(&server, &elsewhere).end().exits_with(0);
        let listed = &ended.done("/conversations")["conversations"][0];
        assert_eq!(listed["newest"]["msg"], "two", "{ended}");
        (listed["unread"] == 0).then_some(())
    });
}

fn what_was_missed_comes_once(store: Store) {
    let server = Server::start(store);
    friends(&server);
    run(&server, &["/login alice", "/msg bob one", "/msg bob two"]).exits_with(0);
    let first = run(&server, &["/login bob", "/wait messages 2", "/whoami"]).exits_with(0);
    let missed = |seq: u64, text: &str| (seq, text.to_owned(), "missed".to_owned());
    assert_eq!(first.messages(), [missed(1, "one"), missed(2, "two")]);
    assert_eq!(first.of_type("signed_in")[0]["how"], "resume", "no password is needed");

    run(&server, &["/login alice", "/msg bob three"]).exits_with(0);
    let second = run(&server, &["/login bob", "/wait quiet"]).exits_with(0);
    assert_eq!(second.messages(), [missed(3, "three")]);
    assert_eq!(second.of_type("synced")[0]["missed"], 1);
    let third = run(&server, &["/login bob", "/wait quiet"]).exits_with(0);
    assert_eq!(third.messages(), []);
}

fn decisions_come_once_on_each_device(store: Store) {
    let server = Server::start(store);
    register("alice", &server);
    let bob = register("bob", &server);
    let add = format!("/add {bob}");
    run(&server, &["/login alice", &add]).exits_with(0);
    // A request that waits is found at the next login, with nobody there when it was made.
    run(&server, &["/login bob", "/refuse alice"]).exits_with(0);
    let noticed = |ended: &Ended| {
        let notices = ended.of_type("notice");
        notices.iter().map(|notice| json!([notice["seq"], notice["kind"], notice["by"]])).collect::<Vec<_>>()
    };
    let refused = json!([1, "friend_refused", bob]);
    let first = run(&server, &["/login alice", "/wait quiet"]).exits_with(0);
    assert_eq!(noticed(&first), [refused]);
    let second = run(&server, &["/login alice", "/wait quiet", "/notices"]).exits_with(0);
    assert_eq!(noticed(&second), [Value::Null; 0], "this device has it");
    assert_eq!(second.done("/notices")["notices"][0]["kind"], "friend_refused");

    // Live, and told as one thing.
    let waiting = Script::start(&server, &["/login alice", &add, "/wait friend bob", "/wait quiet"]);
    run(&server, &["/login bob", "/wait request alice", "/accept alice"]).exits_with(0);
    let waiting = waiting.end().exits_with(0);
    assert_eq!(noticed(&waiting), [json!([2, "friend_accepted", bob])]);
    let events = waiting.of_type("friend");
    assert_eq!(json!([events.len(), events[0]["event"], events[0]["notice"]]), json!([1, "accepted", 2]));

    // Another device, without a memory, begins after what the first has shown.
    let arguments = ["--json", "--no-state", "-c", "/login alice", "-c", "/wait quiet"];
    let other = Script::start_with(&server, &arguments).end().exits_with(0);
    assert_eq!(noticed(&other), [Value::Null; 0]);
}

fn a_group_with_approval_by_script(store: Store) {
    let server = Server::start(store);
    let (_, bob_id) = friends(&server);
    let opened = run(&server, &["/login alice", "/group create readers"]).exits_with(0);
    let id = opened.done("/group create readers")["group"]["id"].clone();
    let approval = format!("/joining {id} approval");
    run(&server, &["/login alice", &approval]).exits_with(0);
    let join = format!("/join {id} I read a lot");
    let asked = run(&server, &["/login bob", &join, "/applications"]).exits_with(0);
    assert_eq!(asked.done(&join)["outcome"], "applied");
    assert_eq!(asked.done("/applications")["applications"][0]["greeting"], "I read a lot");
    let admit = format!("/admit #{id} bob");
    let alice = run(&server, &["/login alice", "/applications", &admit, "/applications"]).exits_with(0);
    assert_eq!(json!([alice.done(&admit)["group_id"], alice.done(&admit)["id"]]), json!([id, bob_id]));
    let say = format!("/msg #{id} thank you");
    run(&server, &["/login bob", &say]).exits_with(0);

    // Asked back in, and declining first.
    let (leave, invite) = (format!("/leave #{id}"), format!("/invite #{id} bob"));
    let (decline, come) = (format!("/decline {id}"), "/come #readers".to_owned());
    run(&server, &["/login bob", &leave]).exits_with(0);
    let invited = run(&server, &["/login alice", &invite]).exits_with(0);
    assert_eq!(invited.done(&invite)["outcome"], "invited");
    run(&server, &["/login bob", &decline]).exits_with(0);
    run(&server, &["/login alice", &invite]).exits_with(0);
    let came = run(&server, &["/login bob", "/invitations", &come, &say]).exits_with(0);
    assert_eq!(came.done("/invitations")["invitations"][0]["groupid"], id);
    assert_eq!(came.done(&come)["group"]["members"], 2);
}

fn a_group_by_script(store: Store) {
    let server = Server::start(store);
    let (alice_id, bob_id) = friends(&server);
    let opened = run(&server, &["/login alice", "/group create slow readers: a book a year"]).exits_with(0);
    let group = opened.done("/group create slow readers: a book a year")["group"].clone();
    assert_eq!((&group["groupname"], &group["role"]), (&json!("slow readers"), &json!("owner")));
    run(&server, &["/login alice", "/msg \"#slow readers\" only me here"]).exits_with(0);
    let join = format!("/join {}", group["id"]);
    let leave = format!("/leave #{}", group["id"]);
    let members = format!("/members {}", group["id"]);
    let say = format!("/msg #{} finished", group["id"]);
    let bob = run(&server, &["/login bob", &join, &members, &say, "/groups", &leave, &say]).exits_with(1);
    assert_eq!(bob.done(&join)["group"]["members"], 2);
    let ids: Vec<_> = bob.done(&members)["members"].as_array().expect("a list").clone();
    let ids: Vec<_> = ids.iter().map(|member| member["id"].clone()).collect();
    assert_eq!(json!(ids), json!([alice_id, bob_id]));
    let refused = bob.of_type("refused");
    assert_eq!(json!([refused[0]["command"], refused[0]["name"]]), json!([say, "NOT_MEMBER"]));

    let alice = run(&server, &["/login alice", "/wait messages 1"]).exits_with(0);
    let heard = alice.of_type("message");
    let what: Vec<_> = heard.iter().filter_map(|message| message["event"]["what"].as_str()).collect();
    assert_eq!(what.first(), Some(&"joined"), "{alice}");
    let finished = heard.iter().rfind(|message| message["kind"] == "text").expect("a message");
    assert_eq!((&finished["msg"], &finished["group"]), (&json!("finished"), &group["id"]), "{alice}");
}

fn everything_is_searched_on_the_server(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let said: Vec<String> = (1..=23).map(|n| format!("/msg bob 第{n}次开会 tired\u{1b}[2J")).collect();
    let said: Vec<&str> = ["/login alice"].into_iter().chain(said.iter().map(String::as_str)).collect();
    run(&server, &said).exits_with(0);
    // Found within a second.
    eventually(LIMIT, "the last one is found", || {
        let bob = run(&server, &["/login bob", "/find-all 第23次"]).exits_with(0);
        let is_found = bob.of_type("done").iter().any(|done| done["messages"][0]["seq"] == json!(23));
        is_found.then_some(())
    });
    let bob = run(&server, &["/login bob", "/find-all 开会 第", "/find-all", "/find-all 散会"]).exits_with(0);
    let pages: Vec<Value> = bob
        .of_type("done")
        .into_iter()
        .filter(|done| done["command"].as_str().is_some_and(|command| command.starts_with("/find-all")))
        .map(|page| {
            json!([page["more"], page["messages"].as_array().map(Vec::len), page["messages"][0]["seq"]])
        })
        .collect();
    assert_eq!(json!(pages), json!([[true, 20, 23], [false, 3, 3], [false, 0, null]]));
    let refused = run(&server, &["/login bob", "/find-all ***"]).exits_with(1);
    assert_eq!(refused.of_type("refused")[0]["field"], "query", "{refused}");
}

fn history_goes_back_page_by_page(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let said: Vec<String> = (1..=7).map(|n| format!("/msg bob number {n}")).collect();
    let said: Vec<&str> = ["/login alice"].into_iter().chain(said.iter().map(String::as_str)).collect();
    run(&server, &said).exits_with(0);
    let bob =
        run(&server, &["/login bob", "/chat alice", "/history 3", "/history 3", "/history 3"]).exits_with(0);
    let pages: Vec<Value> = bob
        .of_type("done")
        .into_iter()
        .filter(|done| done["command"] == "/history 3")
        .map(|page| {
            let messages = page["messages"].as_array().expect("a list").clone();
            json!([page["begins"], messages.iter().map(|message| message["msg"].clone()).collect::<Vec<_>>()])
        })
        .collect();
    assert_eq!(
        json!(pages),
        json!([
            [false, ["number 5", "number 6", "number 7"]],
            [false, ["number 2", "number 3", "number 4"]],
            [true, ["number 1"]],
        ])
    );
}

/// What the real server refuses bare, and this client tells in full.
fn what_is_refused_has_a_name_and_a_next_step(store: Store) {
    let server = Server::start(store);
    friends(&server);
    run(&server, &["/login alice", "/group create climbing"]).exits_with(0);
    let bob = run(&server, &["/login bob", "/join 2"]).exits_with(0);
    assert_eq!(bob.done("/join 2")["group"]["groupname"], "climbing");
    let long = format!("/rename #climbing {}", "x".repeat(100));
    let told = [
        ("/add 77", "there is no user with the id 77; /search NAME finds people"),
        ("/msg 77 hi", "you and user 77 are not friends; /add 77 asks for that"),
        ("/accept 77", "no friend request of user 77 waits; /requests lists those that do"),
        ("/unblock 77", "you do not block user 77; /blocked lists whom you do"),
        ("/end-session 77", "you have no session 77; /sessions lists them"),
        (
            "/join 77",
            "there is no group with the number 77; whoever is in a group finds its number in /groups",
        ),
        ("/members 77", "you are not in #77; /groups lists those that you are in"),
        ("/rename #climbing walls", "only the owner or an admin of #climbing may do that"),
        ("/remove #climbing alice", "only the owner or an admin of #climbing may do that"),
        ("/admin 2 alice", "only the owner of #climbing may do that"),
        ("/applications #climbing", "only the owner or an admin of #climbing may do that"),
        ("/come 77", "no invitation into #77 waits; /invitations lists those that do"),
        ("/unapply 77", "no application of yours to group 77 waits; /applications lists those that do"),
        (&long, "a group's name is longer than 50 characters"),
    ];
    let commands: Vec<&str> = ["/login bob"].into_iter().chain(told.iter().map(|(line, _)| *line)).collect();
    let refused = run(&server, &commands).exits_with(1);
    let messages: Vec<Value> =
        refused.of_type("refused").iter().map(|refused| refused["message"].clone()).collect();
    let expected: Vec<Value> = told.iter().map(|(_, message)| json!(message)).collect();
    assert_eq!(messages, expected, "{refused}");
    let alice = run(&server, &["/login alice", "/remove 2 77", "/admit 2 77"]).exits_with(1);
    let messages: Vec<Value> =
        alice.of_type("refused").iter().map(|refused| refused["message"].clone()).collect();
    let nobody = "user 77 is not in #climbing; /members #climbing lists who is";
    let none = "no application of user 77 to #climbing waits; /applications lists those that do";
    assert_eq!(messages, [json!(nobody), json!(none)], "{alice}");
}

fn refusals_are_told_and_the_rest_runs(store: Store) {
    let server = Server::start(store);
    register("alice", &server);
    let ended = run(
        &server,
        &[
            "/register Alice",
            "/friends",
            "/login alice a wrong password",
            "/login alice",
            "/msg 999 hi",
            "/add 999",
            "/join 999",
            "/msg nobody hi",
            "/whoami",
        ],
    )
    .exits_with(1);
    let refused: Vec<_> =
        ended.of_type("refused").iter().map(|object| json!([object["command"], object["name"]])).collect();
    assert_eq!(
        json!(refused),
        json!([
            ["/register Alice", "NAME_TAKEN"],
            ["/friends", "NOT_LOGGED_IN"],
            ["/login alice", "BAD_CREDENTIALS"],
            ["/msg 999 hi", "NOT_FRIENDS"],
            ["/add 999", "NOT_FOUND"],
            ["/join 999", "NOT_FOUND"],
        ])
    );
    let failed: Vec<_> =
        ended.of_type("failed").iter().map(|object| json!([object["command"], object["exit"]])).collect();
    assert_eq!(json!(failed), json!([["/msg nobody hi", 1]]));
    assert_eq!(ended.done("/whoami")["name"], "alice");
    assert!(!ended.text().contains("wrong password"), "{ended}");
}

fn a_mistake_runs_nothing(store: Store) {
    let server = Server::start(store);
    let mistakes: [&[&str]; 6] = [
        &["-c", "/register alice", "-c", "/nonsense"],
        &["-c", "/register alice", "-c", "/msg bob"],
        &["-c", "/register alice", "-c", "/add bob"],
        &["-c", "/register alice", "-c", "/wait for godot"],
        &["-c", "/register alice", "--no-such-flag"],
        &["-c", "/register alice", "--wait", "soon"],
    ];
    for mistake in mistakes {
        let ended = Script::start_with(&server, mistake).end().exits_with(2);
        assert!(ended.output.is_empty(), "{mistake:?}: {ended}");
        assert!(!ended.errors.is_empty() && !ended.errors.contains("panicked"), "{mistake:?}: {ended}");
    }
    // Had one of them run, the name would be taken.
    register("alice", &server);
}

fn a_mistake_on_standard_input_ends_there(store: Store) {
    let server = Server::start(store);
    let mut script = Script::start_with(&server, &["--json"]);
    ["/register alice", "/nonsense", "/register bob"].iter().for_each(|line| script.enter(line));
    let ended = script.end().exits_with(2);
    ended.done("/register alice");
    let failed = ended.of_type("failed");
    assert_eq!((&failed[0]["command"], &failed[0]["exit"]), (&json!("/nonsense"), &json!(2)));
    register("bob", &server);
}

fn standard_input_for_people(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut script = Script::start_with(&server, &[]);
    let lines = [
        "/login alice",
        "",
        "/chat bob",
        "  plain text  ",
        "//one slash",
        "/history 1",
        "/quit",
        "after the end",
        "/nonsense",
    ];
    lines.iter().for_each(|line| script.enter(line));
    let text = script.end().exits_with(0).text();
    assert!(text.lines().any(|line| line.ends_with(" you → bob: plain text")), "{text}");
    assert!(text.lines().any(|line| line.ends_with(" you → bob: /one slash")), "{text}");
    let bob = run(&server, &["/login bob", "/wait messages 2", "/wait quiet"]).exits_with(0);
    let texts: Vec<_> = bob.messages().into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(texts, ["plain text", "/one slash"]);
}

fn without_a_server(store: Store) {
    let mut server = Server::start(store);
    friends(&server);
    server.kill();
    let ended = Script::start_with(&server, &["--json", "--wait", "1", "-c", "/friends", "-c", "/groups"]);
    let ended = ended.end().exits_with(3);
    let failed = ended.of_type("failed");
    assert_eq!(failed.len(), 1, "the rest does not run: {ended}");
    assert_eq!((&failed[0]["command"], &failed[0]["exit"]), (&json!("/friends"), &json!(3)));
    assert_eq!(ended.of_type("connected"), [] as [Value; 0]);
    // What needs no server works without.
    let help = Script::start_with(&server, &["--json", "-c", "/help"]).end().exits_with(0);
    assert!(help.done("/help")["commands"].as_array().is_some_and(|commands| commands.len() > 20));
}

fn waiting_in_vain(store: Store) {
    let server = Server::start(store);
    friends(&server);
    for wait in ["/wait messages 1 1", "/wait friend carol 1", "/wait request carol 1", "/wait online bob 1"]
    {
        let ended = run(&server, &["/login alice", wait, "/whoami"]).exits_with(4);
        let failed = ended.of_type("failed");
        assert_eq!((&failed[0]["command"], &failed[0]["exit"]), (&json!(wait), &json!(4)));
        assert_eq!(ended.of_type("done").len(), 1, "the rest does not run: {ended}");
    }
}

/// Somebody whose script is in the middle of things.
fn under_way(server: &Server) -> Script {
    let mut script = Script::start_with(server, &["--json", "--wait", "2"]);
    script.enter("/login alice");
    script.enter("/friends");
    script.waits_for_done("/friends");
    script
}

fn gives_up(mut script: Script) -> Ended {
    ["/groups", "/whoami"].iter().for_each(|line| script.enter(line));
    let ended = script.end().exits_with(3);
    let failed = ended.of_type("failed");
    assert_eq!(failed.len(), 1, "{ended}");
    assert_eq!((&failed[0]["command"], &failed[0]["exit"]), (&json!("/groups"), &json!(3)));
    assert_eq!(ended.of_type("done").len(), 2, "the rest does not run: {ended}");
    ended
}

fn a_server_that_vanishes_for_good(store: Store) {
    let mut server = Server::start(store);
    friends(&server);
    let script = under_way(&server);
    server.kill();
    script.waits_for("the loss", |object| object["type"] == "disconnected");
    gives_up(script);
}

fn a_server_that_hangs(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let script = under_way(&server);
    server.pause();
    gives_up(script);
}

fn a_server_that_comes_back(store: Store) {
    let mut server = Server::start(store);
    friends(&server);
    let mut alice = under_way(&server);
    alice.enter("/wait messages 2 20");
    run(&server, &["/login bob", "/msg alice before"]).exits_with(0);
    alice.waits_for("the first message", |object| object["msg"] == "before");
    server.kill();
    alice.waits_for("the loss", |object| object["type"] == "disconnected");
    server.restart();
    run(&server, &["/login bob", "/msg alice after"]).exits_with(0);
    alice.waits_for_done("/wait messages 2 20");
    alice.enter("/msg bob still here");
    let alice = alice.end().exits_with(0);
    let texts: Vec<_> = alice.messages().into_iter().map(|(seq, text, _)| (seq, text)).collect();
    let texts: Vec<_> = texts.iter().map(|(seq, text)| (*seq, text.as_str())).collect();
    assert_eq!(texts, [(1, "before"), (2, "after"), (3, "still here")]);
    let signed_in: Vec<_> = alice.of_type("signed_in").iter().map(|object| object["how"].clone()).collect();
    assert_eq!(json!(signed_in), json!(["resume", "resume"]));
}

fn a_saved_session_is_there_for_the_first_command(store: Store) {
    let server = Server::start(store);
    let (alice_id, bob_id) = friends(&server);
    let state = server.folder().join("elsewhere.json");
    let state = state.to_str().expect("UTF-8");
    Script::start_with(&server, &["--state", state, "-c", "/login alice"]).end().exits_with(0);
    for saved in [["--account", "alice"], ["--state", state]] {
        for (command, field, value) in
            [("/msg bob hello", "conv", 1), ("/chat bob", "friend", bob_id), ("/whoami", "id", alice_id)]
        {
            let arguments = [&saved[..], &["--json", "-c", command]].concat();
            let ended = Script::start_with(&server, &arguments).end().exits_with(0);
            assert_eq!(ended.done(command)[field], json!(value), "{ended}");
            assert_eq!(ended.of_type("signed_in")[0]["how"], "resume");
        }
    }
}

/// A program that reads the client's output ends in the middle: the client ends with it, and the next one shows what the
/// first had nobody to show to.
fn what_nobody_read_is_shown_again(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut bob = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
        command
            .args(["--json", "--server", server.address(), "-c", "/login bob", "-c", "/wait messages 2 60"])
            .env("CHAT_PASSWORD", PASSWORD)
            .env("XDG_STATE_HOME", server.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
    });
    let output = BufReader::new(bob.child().stdout.take().expect("piped"));
    let logged_in =
        output.lines().map_while(Result::ok).find(|line| line.contains(r#""command":"/login bob""#));
    assert!(logged_in.is_some());
    run(&server, &["/login alice", "/msg bob is anybody there?"]).exits_with(0);
    assert_eq!(bob.wait(LIMIT).code(), Some(141));
    let bob = run(&server, &["/login bob", "/wait messages 1"]).exits_with(0);
    let texts: Vec<_> = bob.messages().into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(texts, ["is anybody there?"], "{bob}");
}

fn commands_of_several_lines(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut alice = Script::start_with(&server, &["--json"]);
    alice.enter("/login alice");
    alice.enter(r#""/msg bob eggs\n/quit \"now\"\n""#);
    alice.waits_for("the message", |object| object["msg"] == "eggs\n/quit \"now\"");
    alice.enter(r#""/login bob correct"#);
    let alice = alice.end().exits_with(2);
    let failed = &alice.of_type("failed")[0];
    assert_eq!((&failed["command"], &failed["exit"]), (&json!(""), &json!(2)));
    assert!(failed["message"].as_str().is_some_and(|why| why.starts_with("not a JSON string")), "{failed}");
    assert!(!alice.text().contains("correct"), "{alice}");
    // For people a quote is a quote.
    let mut alice = Script::start_with(&server, &[]);
    alice.enter("/login alice");
    alice.enter("/chat bob");
    alice.enter(r#""hi\n""#);
    alice.enter("/wait quiet");
    let alice = alice.end().exits_with(0).text();
    assert!(alice.contains(r#"you → bob: "hi\n""#), "{alice}");
}

fn a_new_password_by_script(store: Store) {
    let server = Server::start(store);
    register("alice", &server);
    // The old one is the one that was given for all commands.
    run(&server, &["/login alice", "/password battery staple", "/recovery-codes", "/logout"]).exits_with(0);
    let refused = run(&server, &["/login alice"]).exits_with(1);
    assert_eq!(refused.of_type("refused")[0]["name"], "BAD_CREDENTIALS");
    run(&server, &["/login alice battery staple"]).exits_with(0);
}

fn a_lost_password_by_script(store: Store) {
    let server = Server::start(store);
    let registered = run(&server, &["/register alice"]).exits_with(0);
    let codes = registered.done("/register alice")["recovery_codes"].as_array().expect("codes").clone();
    assert_eq!(codes.len(), 10);
    let code = codes[0].as_str().expect("a code");
    let recover = format!("/recover alice {code} battery staple");
    let recovered = run(&server, &[&recover]).exits_with(0);
    assert_eq!(recovered.done("/recover alice")["codes_left"], 9);
    run(&server, &["/login alice battery staple"]).exits_with(0);
    run(&server, &["/login alice", &recover]).exits_with(1);
}

fn an_account_deleted_by_script(store: Store) {
    let server = Server::start(store);
    register("alice", &server);
    let unconfirmed = run(&server, &["/login alice", "/delete-account dissolve alicia"]);
    unconfirmed.exits_with(1);
    run(&server, &["/login alice", "/delete-account hand_over alice", "/register alice"]).exits_with(0);
}

fn friends_are_noted_by_script(store: Store) {
    let server = Server::start(store);
    let (_, bob_id) = friends(&server);
    let relabel = "/relabel \"old friends\" best";
    let alice = run(
        &server,
        &[
            "/login alice",
            "/remark bob Car pool",
            "/label \"car pool\" old friends",
            "/msg \"Car pool\" hi",
            relabel,
            "/friends",
        ],
    );
    let alice = alice.exits_with(0);
    let noted = &alice.done("/label \"car pool\" old friends")["friend"];
    assert_eq!(
        (&noted["id"], &noted["remark"], &noted["label"]),
        (&json!(bob_id), &json!("Car pool"), &json!("old friends"))
    );
    assert_eq!(alice.done(relabel)["changed"], 1);
    let listed = &alice.done("/friends")["friends"][0];
    assert_eq!((&listed["remark"], &listed["label"]), (&json!("Car pool"), &json!("best")));
    // The next session knows, too.
    let again = run(&server, &["/login alice", "/label \"Car pool\"", "/remark bob"]).exits_with(0);
    let noted = &again.done("/remark bob")["friend"];
    assert_eq!((&noted["remark"], &noted["label"]), (&Value::Null, &Value::Null));
}
