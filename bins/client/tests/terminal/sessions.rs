//! How the client says that a session is there, is not there, or is somebody else's at the moment.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::json;
use testkit::Process;

use crate::screen::Screen;
use crate::scripts::{client, client_in, objects, of_type};
use crate::server::{HASTY, ME, PASSWORD, Server};

const LIMIT: Duration = Duration::from_secs(30);

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn who_is_logged_in_already_has_nothing_to_do() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let environment =
        [("CHAT_PASSWORD", PASSWORD), ("XDG_STATE_HOME", folder.path().to_str().expect("UTF-8"))];
    let address = server.address();
    let first = client_in(&environment, &["--server", &address, "-c", "/login alice"], "");
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let account = ["--server", &address, "--account", "alice"];
    for login in ["/login Alice", "/login 1"] {
        let again = client_in(&environment, &[&account[..], &["-c", login]].concat(), "");
        assert_eq!(again.status.code(), Some(0), "{again:?}");
        assert!(said(&again).ends_with("you are logged in as alice (id 1) already\n"), "{}", said(&again));
    }
    let json = client_in(&environment, &[&account[..], &["--json", "-c", "/login alice"]].concat(), "");
    let (exit, objects) = objects(&json);
    let done = of_type(&objects, "done").next().expect("done");
    assert_eq!((exit, &done["id"], &done["name"]), (0, &json!(ME), &json!("alice")));
    let other = client_in(&environment, &[&account[..], &["-c", "/login bob"]].concat(), "");
    assert_eq!(other.status.code(), Some(1));
    assert!(said(&other).ends_with("! you are logged in as alice; /logout first\n"), "{}", said(&other));
}

/// By the token of an earlier run, the answer to the command says it, and nothing else does.
#[test]
fn that_somebody_is_logged_in_is_said_once() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let environment =
        [("XDG_STATE_HOME", folder.path().to_str().expect("UTF-8")), ("CHAT_PASSWORD", PASSWORD)];
    let login = ["--server", &server.address(), "-c", "/login alice"];
    for run in ["by password", "by token"] {
        let output = said(&client_in(&environment, &login, ""));
        let lines = output.lines().filter(|line| line.contains("logged in as alice")).count();
        assert_eq!(lines, 1, "{run}: {output}");
    }
}

#[test]
fn an_account_that_has_no_session_here_is_told() {
    let server = Server::start();
    let address = server.address();
    let output = client(&["--server", &address, "--account", "carol", "-c", "/whoami"], "");
    assert_eq!(output.status.code(), Some(0));
    let told = format!(
        "* this device has no session of carol at {address} (each address has its own): /login carol"
    );
    assert_eq!(said(&output).lines().next(), Some(told.as_str()));

    let mut screen = Screen::start(&["--server", &address, "--account", "carol", "--no-state"]);
    screen.wait_row("* no session of carol is kept, as nothing is: /login carol");
    screen.wait_last("chat>");
    screen.line("/quit");
    assert_eq!(screen.exit(), 0);

    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("s.db");
    let state = state.to_str().expect("UTF-8");
    let arguments = ["--server", &address, "--state", state, "--account", "carol", "--json", "-c", "/whoami"];
    let (exit, objects) = objects(&client(&arguments, ""));
    let remark = of_type(&objects, "remark").next().expect("told");
    let told = format!("{state} has no session of carol: /login carol");
    assert_eq!((exit, &remark["message"]), (0, &json!(told)));
}

/// The session of a client that runs cannot be gone on with, but its user can log in anew.
#[test]
fn a_session_that_another_client_uses_is_named() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().to_str().expect("UTF-8");
    let address = server.address();
    let mut first = Process::spawn(env!("CARGO_BIN_EXE_client"), |command| {
        command
            .args(["--server", &address])
            .env_remove("CHAT_ACCOUNT")
            .envs([("XDG_STATE_HOME", home), ("CHAT_PASSWORD", PASSWORD)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
    });
    let mut input = first.child().stdin.take().expect("piped");
    std::io::Write::write_all(&mut input, b"/login alice\n").expect("the client reads");
    let mut lines = first.lines().into_iter();
    let logged_in = lines.find(|line| line.contains("(id 1)")).expect("alice");
    assert!(logged_in.contains("logged in as alice"));

    let path = format!("{home}/chat/{}-alice.db", address.replace(':', "_"));
    let sentence = format!(
        "another client that is running uses {path}: end it, or keep this one's session elsewhere with --state FILE"
    );
    let login = ["--server", &address, "-c", "/login alice", "-c", "/whoami"];
    let without = client_in(&[("XDG_STATE_HOME", home)], &login, "");
    assert_eq!(without.status.code(), Some(5), "{without:?}");
    let told = format!("! {sentence}; without that session a password is needed");
    assert_eq!(said(&without).lines().last(), Some(told.as_str()), "the rest does not run");
    let going_on = client_in(&[("XDG_STATE_HOME", home)], &["--server", &address, "--account", "alice"], "");
    assert_eq!((going_on.status.code(), complained(&going_on)), (Some(5), format!("client: {sentence}\n")));
    let with = client_in(&[("XDG_STATE_HOME", home), ("CHAT_PASSWORD", PASSWORD)], &login, "");
    assert_eq!(with.status.code(), Some(0), "{with:?}");
    let told = format!("* this session will not be remembered: {sentence}");
    assert!(said(&with).lines().any(|line| line == told), "{}", said(&with));

    drop(input);
    assert_eq!(first.wait(LIMIT).code(), Some(0));
}

#[test]
fn whoever_is_in_a_hurry_is_told_how_long_to_wait() {
    let server = Server::start();
    let mut screen = Screen::start(&["--server", &server.address(), "--no-state"]);
    screen.wait_last("chat>");
    screen.line(&format!("/login {HASTY} {PASSWORD}"));
    let rows = screen.wait_row("! too many attempts; try again in 12 seconds");
    assert!(!rows.iter().any(|row| row.contains("retry_after")), "{rows:#?}");
}

#[test]
fn a_server_without_a_port_is_a_mistake() {
    let output = client(&["--server", "foo", "-c", "/whoami"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(complained(&output).contains("HOST:PORT is expected, such as"), "{}", complained(&output));
    let environment = [("CHAT_SERVER", "foo"), ("XDG_STATE_HOME", "/nonexistent")];
    assert_eq!(client_in(&environment, &["-c", "/whoami"], "").status.code(), Some(2));
}
