//! The example of a bot (docs/examples/bot.py): a program of another language that talks by the client.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use testkit::{Process, Signal};

use crate::script::{Script, run};
use crate::server::{Server, Store, on_each_store};
use crate::{LIMIT, PASSWORD};

on_each_store!(the_example_bot_makes_friends_and_answers);

fn the_example_bot_makes_friends_and_answers(store: Store) {
    let server = Server::start(store);
    let id = |name: &str| {
        let command = format!("/register {name}");
        run(&server, &[&command]).exits_with(0).done(&command)["id"].as_u64().expect("an id")
    };
    let (_, helper) = (id("alice"), id("helper"));
    // One asks before the bot is there, the other sees it come.
    let add = format!("/add {helper}");
    run(&server, &["/login alice", &add]).exits_with(0);
    let mut bot = start(&server);
    let mut alice = Script::start_with(&server, &["--json", "--wait", "60"]);
    for line in ["/login alice", "/wait friend helper", "/chat helper", "hello", "/wait messages 1"] {
        alice.enter(line);
    }
    // A command as a JSON string: its text has two lines, the second of which looks like a command.
    alice.enter(&json!("/msg helper echo eggs 🥚\n/quit").to_string());
    alice.enter("/wait messages 1");
    alice.enter("dice 2d1");
    alice.waits_for("the dice", |object| object["msg"] == "1 + 1 = 2");

    // What is said while it is away is answered when it is back, and nothing twice.
    bot.signal(Signal::KILL);
    bot.wait(LIMIT);
    alice.waits_for("the bot to go", |object| object["type"] == "presence" && object["state"] == "offline");
    alice.enter("echo are you back?");
    alice.waits_for_done("echo are you back?");
    let _bot = start(&server);
    alice.waits_for("the answer", |object| object["msg"] == "are you back?" && object["from"] == helper);
    alice.enter("echo the end");
    alice.waits_for("the end", |object| object["msg"] == "the end" && object["from"] == helper);
    let alice = alice.end().exits_with(0);
    let own = alice.of_type("message").into_iter().filter(|message| message["from"] == helper);
    let answers: Vec<_> = own.map(|message| message["msg"].clone()).collect();
    let expected = [
        "hello yourself; I know: hello, dice, echo",
        "eggs 🥚\n/quit",
        "1 + 1 = 2",
        "are you back?",
        "the end",
    ];
    assert_eq!(json!(answers), json!(expected));
}

fn start(server: &Server) -> Process {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/bot.py");
    // Debian package python3.
    Process::spawn("python3", |command| {
        command
            .arg(example)
            .args(["helper", server.address()])
            .current_dir(server.folder())
            .env("CHAT_CLIENT", env!("CARGO_BIN_EXE_client"))
            .env("CHAT_PASSWORD", PASSWORD)
            .env("XDG_STATE_HOME", server.folder())
            .env_remove("CHAT_ACCOUNT")
            .stdin(Stdio::null());
    })
}
