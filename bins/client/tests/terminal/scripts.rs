//! `--command`, `--json`, standard input, exit codes, and what is remembered between runs.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Process, eventually};

use crate::server::{BOB, ME, Manner, PASSWORD, Server, TOKEN};

const LIMIT: Duration = Duration::from_secs(30);

/// A run of the client with these arguments, to its end.
pub(crate) fn client(arguments: &[&str], input: &str) -> Output {
    client_in(&[("CHAT_PASSWORD", PASSWORD), ("XDG_STATE_HOME", "/nonexistent")], arguments, input)
}

/// The same with another environment.
pub(crate) fn client_in(environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut process = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
        command
            .args(arguments)
            .env_remove("CHAT_ACCOUNT")
            .env_remove("CHAT_PASSWORD")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    });
    let mut stdin = process.child().stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("the client reads");
    drop(stdin);
    let (mut stdout, mut stderr) = (process.child().stdout.take(), process.child().stderr.take());
    let status = process.wait(LIMIT);
    let read = |pipe: Option<&mut dyn std::io::Read>| {
        let mut bytes = vec![];
        pipe.expect("piped").read_to_end(&mut bytes).expect("readable");
        bytes
    };
    let stdout = read(stdout.as_mut().map(|pipe| pipe as _));
    let stderr = read(stderr.as_mut().map(|pipe| pipe as _));
    Output { status, stdout, stderr }
}

fn script(server: &Server, commands: &[&str]) -> (i32, Vec<Value>) {
    let address = server.address();
    let mut arguments = vec!["--server", &address, "--no-state", "--json"];
    commands.iter().for_each(|command| arguments.extend(["-c", command]));
    objects(&client(&arguments, ""))
}

pub(crate) fn objects(output: &Output) -> (i32, Vec<Value>) {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let objects =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    (output.status.code().expect("not killed"), objects.collect())
}

pub(crate) fn of_type<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["type"] == kind)
}

#[test]
fn a_script_logs_in_says_something_and_reads_the_answer() {
    let server = Server::start();
    server.bob_says("while you were away");
    let answering = server.clone();
    let friend = std::thread::spawn(move || {
        eventually(LIMIT, "alice's message", || {
            answering.log().iter().any(|(from, _)| *from == ME).then_some(())
        });
        answering.bob_says("8 is fine");
    });
    let (exit, objects) =
        script(&server, &["/login alice", "/wait messages 1", "/msg bob dinner?", "/wait messages 1"]);
    friend.join().expect("bob answers");
    assert_eq!(exit, 0, "{objects:#?}");
    let texts: Vec<_> = of_type(&objects, "message")
        .map(|message| (message["seq"].clone(), message["msg"].clone(), message["arrival"].clone()))
        .collect();
    assert_eq!(
        json!(texts),
        json!([[1, "while you were away", "missed"], [2, "dinner?", "live"], [3, "8 is fine", "live"]])
    );
    let done: Vec<_> = of_type(&objects, "done").map(|done| done["command"].clone()).collect();
    assert_eq!(
        json!(done),
        json!(["/login alice", "/wait messages 1", "/msg bob dinner?", "/wait messages 1"])
    );
    assert_eq!(
        of_type(&objects, "message").map(|message| message["friend"].clone()).next(),
        Some(json!(BOB))
    );
    assert_eq!(
        objects.last().map(|last| last["type"].clone()),
        Some(json!("done")),
        "events come before what waits for them"
    );
}

#[test]
fn a_refusal_is_told_and_the_rest_runs() {
    let server = Server::start();
    let (exit, objects) = script(&server, &["/login alice", "/msg 77 hi", "/msg nobody hi", "/msg bob hi"]);
    assert_eq!(exit, 1);
    let refused = of_type(&objects, "refused").next().expect("refused");
    assert_eq!((&refused["code"], &refused["name"]), (&json!(303), &json!("NOT_FRIENDS")));
    assert_eq!(of_type(&objects, "failed").count(), 1, "a name that nobody has");
    assert_eq!(server.log(), [(ME, "hi".to_owned())]);
}

#[test]
fn a_mistake_on_the_command_line_runs_nothing() {
    let server = Server::start();
    let output = client(&["--server", &server.address(), "-c", "/login alice", "-c", "/msg bob"], "");
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(why, "client: /msg: the text is missing; it goes like this: /msg NAME|ID|#GROUP TEXT\n");
    assert_eq!(server.accepted(), 0);
}

#[test]
fn a_server_that_is_not_there_is_one_sentence() {
    let server = Server::start();
    server.behave(Manner::Away);
    let output = client(&["--server", &server.address(), "--no-state", "--wait", "1", "-c", "/whoami"], "");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().last(), Some(format!("! no connection to {}", server.address()).as_str()));
}

#[test]
fn a_server_that_says_nothing_ends_the_script() {
    let server = Server::start();
    server.behave(Manner::Silent);
    let address = server.address();
    let output = client(
        &["--server", &address, "--no-state", "--json", "--wait", "1", "-c", "/friends", "-c", "/groups"],
        "",
    );
    let (exit, objects) = objects(&output);
    assert_eq!(exit, 3);
    let failed: Vec<_> = of_type(&objects, "failed").collect();
    assert_eq!(failed.len(), 1, "the rest does not run");
    assert_eq!(failed[0]["message"], "no answer within 1 s; it may have been done or not");
}

#[test]
fn what_does_not_come_is_waited_for_in_vain() {
    let server = Server::start();
    let (exit, objects) = script(&server, &["/login alice", "/wait messages 1 1", "/friends"]);
    assert_eq!(exit, 4);
    let last = objects.last().expect("objects");
    assert_eq!(
        (&last["type"], &last["message"]),
        (&json!("failed"), &json!("1 message did not come within 1 s"))
    );
}

#[test]
fn standard_input_is_a_script_too() {
    let server = Server::start();
    let output = client(
        &["--server", &server.address(), "--no-state"],
        "/login alice\n\n/chat bob\nhello\n//slash\n/history\n/quit\nnever said\n",
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(server.log(), [(ME, "hello".to_owned()), (ME, "/slash".to_owned())]);
}

#[test]
fn bytes_that_are_no_text_end_a_script_and_nothing_else() {
    let server = Server::start();
    let mut process = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
        command
            .args(["--server", &server.address(), "--no-state"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
    });
    let mut stdin = process.child().stdin.take().expect("piped");
    stdin.write_all(b"\xff\xfe\n").expect("the client reads");
    assert_eq!(process.wait(LIMIT).code(), Some(2));
}

#[test]
fn passwords_are_not_repeated() {
    let server = Server::start();
    let (exit, objects) = script(&server, &["/register alice correct horse", "/login alice correct horse"]);
    assert_eq!(exit, 0);
    assert!(objects.iter().all(|object| !object.to_string().contains("horse")), "{objects:#?}");
}

#[test]
fn the_next_run_goes_on_without_a_password_and_misses_nothing() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("alice.db");
    let run = |commands: &[&str]| {
        let address = server.address();
        let path = state.to_str().expect("UTF-8");
        let mut arguments = vec!["--server", &address, "--json", "--state", path];
        commands.iter().for_each(|command| arguments.extend(["-c", command]));
        objects(&client(&arguments, ""))
    };
    server.bob_says("one");
    let (exit, first) = run(&["/login alice", "/wait messages 1"]);
    assert_eq!(exit, 0, "{first:#?}");
    assert_eq!(std::fs::metadata(&state).expect("saved").permissions().mode() & 0o777, 0o600);
    assert!(!holds(&state, PASSWORD));
    assert!(holds(&state, TOKEN), "the session is kept");

    server.bob_says("two");
    server.bob_says("three");
    let (exit, second) = run(&["/wait quiet", "/whoami"]);
    assert_eq!(exit, 0, "{second:#?}");
    let signed_in = of_type(&second, "signed_in").next().expect("signed in");
    assert_eq!(signed_in["how"], "resume");
    let seqs: Vec<_> = of_type(&second, "message").map(|message| message["seq"].clone()).collect();
    assert_eq!(json!(seqs), json!([2, 3]), "each once");

    let (exit, third) = run(&["/wait quiet", "/logout"]);
    assert_eq!((exit, of_type(&third, "message").count()), (0, 0));
    assert!(!holds(&state, TOKEN), "a session that was logged out of leaves no token");
}

/// Whether a text stands anywhere in a file.
fn holds(file: &Path, text: &str) -> bool {
    let bytes = std::fs::read(file).expect("readable");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn two_clients_do_not_share_a_session() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("alice.db");
    let path = state.to_str().expect("UTF-8");
    let address = server.address();
    let mut first = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
        command.args(["--server", &address, "--state", path]).stdin(Stdio::piped()).stdout(Stdio::null());
    });
    eventually(LIMIT, "the first client", || Path::new(path).with_extension("lock").exists().then_some(()));
    eventually(LIMIT, "its connection", || (server.accepted() > 0).then_some(()));
    let output = client(&["--server", &address, "--state", path, "-c", "/whoami"], "");
    assert_eq!(output.status.code(), Some(5));
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = "end it, or keep this one's session elsewhere with --state FILE";
    assert_eq!(why, format!("client: another client that is running uses {path}: {told}\n"));
    drop(first.child().stdin.take());
    assert_eq!(first.wait(LIMIT).code(), Some(0));
}

#[test]
fn text_of_others_cannot_speak_to_the_terminal() {
    let server = Server::start();
    server.bob_says("a\u{1b}]0;owned\u{7}b\u{9b}2Jc\n12:00 eve: me");
    let output = client(
        &["--server", &server.address(), "--no-state", "-c", "/login alice", "-c", "/wait messages 1"],
        "",
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("bob: a]0;ownedb2Jc\n  | 12:00 eve: me\n"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_wrong_password_is_a_refusal() {
    let server = Server::start();
    let (exit, objects) = script(&server, &["/login alice wrong"]);
    assert_eq!(exit, 1);
    let refused = of_type(&objects, "refused").next().expect("refused");
    assert_eq!((&refused["code"], &refused["command"]), (&json!(1), &json!("/login alice")));
}
