//! Starting, being told wrong things, and stopping.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use protocol::{Code, History, Login, Secret};
use testkit::{Process, Signal, eventually};

use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, befriend, chat, friends, hello, log_in, on_each_store,
    user,
};

on_each_store! {
    it_stops_in_good_order_at_sigterm,
    it_stops_in_good_order_at_sigint,
    a_stop_under_load_loses_nothing_that_was_answered,
    logs_hold_no_secrets_and_no_texts,
}

/// Ready on an empty folder: the release figure is the product's promise, the debug one says that nothing waits.
const READY_WITHIN: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(5) } else { Duration::from_millis(100) };

/// Attempts at `READY_WITHIN`: others may use the machine.
const READY_ATTEMPTS: usize = 5;

// --- announcing -------------------------------------------------------------------------------------------------------

#[test]
fn one_line_says_where_it_listens_and_stores() {
    let mut server = Server::on(Store::Sqlite);
    let expected = format!(
        "listening on {}, storing in {}",
        server.address(),
        server.data_folder().join("chat.db").display()
    );
    assert_eq!(server.announcement(), expected);
    Peer::connect(server.address()).hello(hello("")).expect("it serves once it says so");
    server.terminate();
    assert_eq!(server.rest_of_output(), Vec::<String>::new(), "there is one line");
}

#[test]
fn it_is_ready_at_once_on_an_empty_folder() {
    let mut fastest = Duration::MAX;
    for _ in 0..READY_ATTEMPTS {
        fastest = fastest.min(Server::on(Store::Sqlite).ready_after());
        if fastest <= READY_WITHIN {
            return;
        }
    }
    panic!("ready after {fastest:?} at best, not within {READY_WITHIN:?}");
}

#[test]
fn c11_it_listens_on_ipv6_and_on_several_addresses() {
    let mut server = Server::start(Options::on(Store::Sqlite).listening_on("[::1]:0,127.0.0.1:0"));
    let addresses = server.addresses().to_vec();
    assert_eq!(addresses.iter().map(SocketAddr::is_ipv6).collect::<Vec<_>>(), [true, false]);
    for address in &addresses {
        assert_eq!(Peer::connect(*address).hello(hello("")).expect("HELLO").version, 1);
    }
    server.terminate();
    server.restart();
    assert_eq!(server.addresses(), addresses);
}

#[test]
fn c11_settings_come_from_flags_before_environment_before_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.toml");
    fs::write(&file, "node = \"from-file\"\npage_max = 7\npipeline_max = 5\n").expect("a file");
    let options = Options::on(Store::Sqlite)
        .with("config", file.display())
        .variable("CHAT_NODE", "from-variable")
        .variable("CHAT_PAGE_MAX", "9")
        .with("node", "from-flag");
    let server = Server::start(options);
    let hello = Peer::connect(server.address()).hello(hello("")).expect("HELLO");
    assert_eq!((hello.node.as_str(), hello.page_max, hello.pipeline_max), ("from-flag", 9, 5));
}

// --- refusing to start ------------------------------------------------------------------------------------------------

/// A server that ended by itself.
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs a server that must end by itself.
fn run(folder: &Path, args: &[&str]) -> Ended {
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let mut process = Process::spawn(env!("CARGO_BIN_EXE_server"), |command| {
        command
            .args(args)
            .current_dir(folder)
            .env_remove("RUST_LOG")
            // What the tests themselves go by is no setting.
            .env_remove("CHAT_TEST_SEED")
            .stdout(Stdio::from(fs::File::create(&out).expect("a file")))
            .stderr(Stdio::from(fs::File::create(&err).expect("a file")));
    });
    let status = process.wait(DEADLINE);
    let read = |path: &Path| fs::read_to_string(path).expect("UTF-8");
    Ended { status, stdout: read(&out), stderr: read(&err) }
}

/// Runs a server that must refuse to start with one line of error, which is returned.
fn refused(args: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = run(folder.path(), args);
    assert!(!ended.status.success(), "{args:?} exited with {}", ended.status);
    assert_eq!(ended.stdout, "", "{args:?} announced something");
    // A line of log may say it too; the last line is the error.
    let errors: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "not one line of error: {}", ended.stderr);
    errors[0].to_owned()
}

#[test]
fn check_config_says_yes_and_touches_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = run(folder.path(), &["--check-config", "--data", "made-by-nobody"]);
    assert!(ended.status.success());
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (1, ""));
    assert!(!folder.path().join("made-by-nobody").exists(), "checking made the data folder");
}

#[test]
fn a_secret_that_everybody_can_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    fs::write(&file, "0123456789abcdef").expect("a file");
    let path = file.to_str().expect("UTF-8");
    let settings: [&[&str]; 3] = [
        &["--admin-token-file", path],
        &["--store=mysql://u@127.0.0.1:1/d", "--store-password-file", path],
        &["--store=mysql://u@127.0.0.1:1/d", "--redis=redis://127.0.0.1:1", "--redis-password-file", path],
    ];
    for (mode, refuses) in [(0o644, true), (0o602, true), (0o640, false), (0o400, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        for args in &settings {
            if refuses {
                for more in [&[][..], &["--check-config"]] {
                    let error = refused(&[args, more].concat());
                    let expected = format!("{path} is open to everybody on this machine (mode 0{mode:o})");
                    assert!(error.contains(&expected), "{error}");
                }
            } else {
                let ended = run(folder.path(), &[args, &["--check-config"][..]].concat());
                assert!(ended.status.success(), "{}", ended.stderr);
            }
        }
    }
}

#[test]
fn variables_that_are_no_settings_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let says = |name: &str| format!("the environment variable {name} is no setting of the server");
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_server"))
        .arg("--check-config")
        .envs([("CHAT_DRIAN_MS", "5000"), ("CHAT_DRAIN_MS", "5000"), ("CHATTER", "1")])
        .current_dir(folder.path())
        .output()
        .expect("the server's binary runs");
    let warnings = String::from_utf8(checked.stderr).expect("UTF-8");
    assert!(checked.status.success() && warnings.contains(&says("CHAT_DRIAN_MS")), "{warnings}");
    assert!(!warnings.contains("CHAT_DRAIN_MS") && !warnings.contains("CHATTER"), "{warnings}");
    let server = Server::start(Options::on(Store::Sqlite).variable("CHAT_DRIAN_MS", "5000"));
    assert!(server.log().contains(&says("CHAT_DRIAN_MS")), "{}", server.log());
}

#[test]
fn a_wrong_setting_is_one_line_that_names_its_key() {
    let cases: &[(&[&str], &str)] = &[
        (&["--heartbeat-ms=soon"], "heartbeat_ms"),
        (&["--heartbeat-ms=0"], "heartbeat_ms"),
        (&["--pipeline-max=0"], "pipeline_max"),
        (&["--listen=nowhere"], "listen"),
        (&["--store=oracle://x"], "store"),
        (&["--session-policy=some"], "session_policy"),
        (&["--outbox-hard-bytes=1"], "outbox_hard_bytes"),
        (&["--node="], "node"),
        (&["--data="], "data"),
        (&["--config=/nowhere/server.toml"], "/nowhere/server.toml"),
    ];
    for (args, key) in cases {
        for more in [&[][..], &["--check-config"]] {
            let error = refused(&[args, more].concat());
            assert!(error.contains(key), "{args:?} does not name {key}: {error}");
        }
    }
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let error = refused(&["--listen", &address]);
    assert!(error.contains(&address) && error.contains("cannot listen"), "{error}");
}

#[test]
fn an_address_of_another_machine_is_a_clear_error() {
    // TEST-NET-1 (RFC 5737): nobody has it.
    let error = refused(&["--listen", "192.0.2.1:7000"]);
    assert!(error.contains("192.0.2.1:7000") && error.contains("cannot listen"), "{error}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let mut server = Server::on(Store::Sqlite);
    let folder = server.data_folder();
    let begun = Instant::now();
    let error = refused(&["--listen=127.0.0.1:0", "--data", folder.to_str().expect("UTF-8")]);
    assert!(error.contains(folder.to_str().expect("UTF-8")), "it does not say which folder: {error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited for {:?}", begun.elapsed());
    // The first one did not notice.
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    alice.say(bob.id, "hi");
    assert_eq!(bob.message().msg, "hi");
    // A crash leaves no lock behind.
    server.kill9();
    server.restart();
}

#[test]
fn data_that_cannot_be_written_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "I am no folder").expect("a file");
    let error = refused(&["--listen=127.0.0.1:0", "--data", file.to_str().expect("UTF-8")]);
    assert!(error.contains(file.to_str().expect("UTF-8")), "{error}");
}

#[test]
fn a_database_that_is_not_there_is_a_clear_error_without_its_password() {
    // A port that is free, so that nobody answers.
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("mysql://chat:hunter2-hunter2@{address}/chat");
    let begun = Instant::now();
    let error = refused(&["--listen=127.0.0.1:0", "--store", &url]);
    assert!(!error.contains("hunter2"), "the password is in {error}");
    assert!(error.contains(&address.to_string()), "it does not say where: {error}");
    assert!(begun.elapsed() < Duration::from_secs(25), "it took {:?}", begun.elapsed());
}

// --- stopping and coming back -----------------------------------------------------------------------------------------

fn it_stops_in_good_order_at_sigterm(store: Store) {
    stops_in_good_order(store, Signal::TERM);
}

fn it_stops_in_good_order_at_sigint(store: Store) {
    stops_in_good_order(store, Signal::INT);
}

fn stops_in_good_order(store: Store, signal: Signal) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut silent = Peer::connect(server.address());
    alice.say(bob.id, "before the end");
    bob.message();
    bob.ack(conv, 1).expect("taken");
    let status = server.stop(signal);
    assert!(status.success(), "exited with {status}");
    for peer in [&mut alice, &mut bob, &mut silent] {
        assert_eq!(Code(peer.bye().errcode), Code::GOING_AWAY);
    }
    // What was written behind is written: the acknowledgement too.
    server.restart();
    let mut bob = log_in(&server, "bob", "again");
    let convs = bob.conversations(0, 0).expect("a page").convs;
    assert_eq!(convs.iter().map(|c| (c.conv, c.last, c.acked)).collect::<Vec<_>>(), [(conv, 1, 1)]);
    assert_eq!(bob.read_all(conv, 0)[0].msg, "before the end");
}

fn a_stop_under_load_loses_nothing_that_was_answered(store: Store) {
    const SENT: usize = 400;
    let mut server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let requests: Vec<_> = (0..SENT).map(|n| chat(bob.id, &n.to_string(), &n.to_string())).collect();
    let rids = alice.send_all(&requests);
    // From here on some are answered, some are under way, and some are not even read.
    alice.reply(rids[0]).expect("stored");
    let status = server.stop(Signal::TERM);
    assert!(status.success(), "exited with {status}");
    assert_eq!(Code(alice.bye().errcode), Code::GOING_AWAY);
    let answers = alice.take_replies();
    for (rid, answer) in &answers {
        assert!(answer.is_ok(), "{rid} was refused: {answer:?}");
    }
    server.restart();
    let stored = log_in(&server, "alice", "again").read_all(conv, 0);
    assert!(stored.len() > answers.len(), "{} were answered, {} are stored", answers.len() + 1, stored.len());
    for (at, message) in stored.iter().enumerate() {
        assert_eq!((message.seq, &message.msg), (at as u64 + 1, &at.to_string()));
    }
}

#[test]
fn a_stop_does_not_wait_for_those_who_do_not_leave() {
    let mut server = Server::start(Options::on(Store::Sqlite).with("drain-ms", 1_000));
    let mut stays = Peer::connect(server.address());
    stays.hello(hello("")).expect("HELLO");
    let begun = Instant::now();
    server.terminate();
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(Code(stays.bye().errcode), Code::GOING_AWAY);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(Options::on(Store::Sqlite).with("drain-ms", 600_000));
    // Somebody who is owed much and takes nothing would be waited for.
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let text = "x".repeat(60_000);
    for _ in 0..20 {
        alice.say(bob.id, &text);
    }
    let page = protocol::Request::History(History { conv, after: Some(0), before: None, at: None, limit: 0 });
    bob.send_all(&vec![page; 30]);
    bob.read_one();
    server.process().signal(Signal::TERM);
    assert_eq!(Code(alice.bye().errcode), Code::GOING_AWAY, "it is stopping");
    let begun = Instant::now();
    let status = server.stop(Signal::TERM);
    assert!(status.success(), "exited with {status}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
}

#[test]
fn it_restarts_at_once_although_old_connections_linger_in_time_wait() {
    let mut server = Server::on(Store::Sqlite);
    let mut peers: Vec<_> = (0..20).map(|_| Peer::connect(server.address())).collect();
    for peer in &mut peers {
        peer.hello(hello("")).expect("HELLO");
    }
    server.process().signal(Signal::TERM);
    // The server closes first, which leaves it the TIME_WAIT.
    for mut peer in peers {
        peer.bye();
    }
    server.terminate();
    eventually(DEADLINE, "a connection in TIME_WAIT", || has_time_wait(server.address()).then_some(()));
    server.restart();
    Peer::connect(server.address()).hello(hello("")).expect("it serves");
}

/// Whether a connection of this local address is in TIME_WAIT, state 06 in /proc/net/tcp.
fn has_time_wait(address: SocketAddr) -> bool {
    let port = format!(":{:04X}", address.port());
    fs::read_to_string("/proc/net/tcp").expect("a table").lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _, state) = (fields.next(), fields.next(), fields.next());
        local.is_some_and(|local| local.ends_with(&port)) && state == Some("06")
    })
}

// --- logs -------------------------------------------------------------------------------------------------------------

#[test]
fn rust_log_decides_what_is_logged() {
    let lines = |filter: &str| {
        let mut server = Server::start(Options::on(Store::Sqlite).logging(filter));
        user(&server, "alice");
        server.terminate();
        server.log().lines().count()
    };
    assert_eq!(lines("off"), 0);
    let (info, trace) = (lines("info"), lines("trace"));
    assert!(0 < info && info < trace, "{info} lines at info, {trace} at trace");
}

fn logs_hold_no_secrets_and_no_texts(store: Store) {
    const TEXT: &str = "the-text-of-a-message";
    const GREETING: &str = "the-text-of-a-greeting";
    let mut server = Server::start(Options::on(store).logging("trace"));
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.add_friend(bob.id, GREETING).expect("asked");
    bob.refuse_friend(alice.id).expect("refused");
    befriend(&mut alice, &mut bob);
    alice.say(bob.id, TEXT);
    bob.message();
    let group = alice.create_group("group", "").expect("opened").group.id;
    alice.say_in(group, TEXT);

    // Secrets in the wrong places too: a refusal that quotes is a log line that quotes.
    let mut stranger = Peer::connect(server.address());
    stranger.hello(hello("")).expect("HELLO");
    let wrong =
        Login { name: Some("alice".into()), password: Secret::new("wrong-password-1"), ..Login::default() };
    stranger.login(wrong).expect_err("a wrong password");
    for (msgid, body) in [
        (1, r#"{"name":"alice","password":["wrong-password-2"]}"#),
        (1, r#"{"name":"alice","password":"wrong-password-3""#),
        (3, r#"{"name":{"wrong-password-4":1},"password":"wrong-password-5"}"#),
        (13, r#"{"token":"wrong-token-6"}"#),
        (5, r#"{"to":"the-text-of-a-message","msg":1}"#),
    ] {
        let rid = stranger.send_body(msgid, body.as_bytes());
        let refusal = stranger.reply(rid).expect_err("nonsense").to_string();
        assert!(!refusal.contains("wrong-") && !refusal.contains(TEXT), "quoted: {refusal}");
    }
    let token = alice.token.take().expect("a token");
    drop(alice);
    stranger.resume(token.clone()).expect("a good token");
    stranger.send_bytes(b"the-text-of-a-message, unframed");
    stranger.bye();
    server.terminate();

    let log = server.log();
    assert!(log.contains("alice") || log.lines().count() > 5, "there is nothing to look through: {log}");
    for secret in [PASSWORD, token.expose(), TEXT, GREETING, "wrong-password", "wrong-token"] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret:?} is in the log");
    }
}
