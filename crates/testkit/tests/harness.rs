//! The harness itself: a test that relies on it must be able to.

#![allow(clippy::disallowed_methods, reason = "real servers, real time")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mysql::prelude::Queryable;
use testkit::{
    MariaDb, Nginx, Process, Proxy, Signal, Terminal, TerminalSize, Upstream, Way, When, eventually,
};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_server_keeps_its_data_over_a_crash_and_leaves_nothing_behind() {
    let server = MariaDb::start();
    let database = server.create_database("crash");
    let mut conn = server.connect(&database);
    conn.query_drop("CREATE TABLE t (n INT)").unwrap();
    conn.query_drop("INSERT INTO t VALUES (7)").unwrap();
    let folder: String = conn.query_first("SELECT @@datadir").unwrap().unwrap();
    let first_pid = server.pid();

    server.kill();
    conn.query_drop("SELECT 1").unwrap_err();
    server.restart();
    assert_ne!(server.pid(), first_pid);
    let kept: Option<u32> = server.connect(&database).query_first("SELECT n FROM t").unwrap();
    assert_eq!(kept, Some(7));

    let pid = server.pid();
    drop(server);
    assert!(!Path::new(&folder).exists(), "{folder} is still there");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "mariadbd {pid} still runs");
}

#[test]
fn a_paused_server_answers_when_it_goes_on() {
    let server = MariaDb::start();
    let mut conn = server.connect("");
    server.pause();
    let pid = server.pid();
    eventually(LIMIT, "mariadbd stands still", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T').then_some(())
    });
    server.resume();
    assert_eq!(conn.query_first::<u32, _>("SELECT 1").unwrap(), Some(1));
}

#[test]
fn servers_are_told_apart() {
    let (one, other) = (MariaDb::start(), MariaDb::start());
    assert_ne!(one.address(), other.address());
    let folder = |server: &MariaDb| server.connect("").query_first::<String, _>("SELECT @@datadir").unwrap();
    assert_ne!(folder(&one), folder(&other));
}

#[test]
fn a_process_ends_with_its_guard() {
    let process = Process::spawn("sleep", |command| {
        command.arg("1000");
    });
    let pid = process.pid();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    drop(process);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_process_tells_its_lines_and_its_status() {
    let mut process = Process::spawn("sh", |command| {
        command.args(["-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"]);
        command.stdout(Stdio::piped());
    });
    assert_eq!(process.lines().recv_timeout(LIMIT).unwrap(), "ready");
    process.signal(Signal::TERM);
    assert_eq!(process.wait(LIMIT).code(), Some(3));
}

/// A server that answers every byte with the same byte.
fn echo() -> (std::net::SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let acceptor = listener.try_clone().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = acceptor.accept() {
            std::thread::spawn(move || {
                let mut bytes = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut bytes) {
                    stream.write_all(&bytes[..length]).unwrap();
                }
            });
        }
    });
    (listener.local_addr().unwrap(), listener)
}

fn client(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

fn ask(mut client: &TcpStream, question: &[u8]) -> Vec<u8> {
    let mut answer = vec![0; question.len()];
    match client.write_all(question).and_then(|()| client.read_exact(&mut answer)) {
        Ok(()) => answer,
        Err(_) => Vec::new(),
    }
}

#[test]
fn a_proxy_forwards_cuts_and_refuses() {
    let (address, _listener) = echo();
    let proxy = Proxy::start(address);
    let one = client(&proxy);
    assert_eq!(ask(&one, b"one"), b"one");
    proxy.cut();
    assert_eq!(ask(&one, b"gone"), b"");
    assert_eq!(ask(&client(&proxy), b"two"), b"two");
    proxy.refuse();
    TcpStream::connect(proxy.address()).unwrap_err();
    proxy.resume();
    assert_eq!(ask(&client(&proxy), b"three"), b"three");
}

#[test]
fn a_proxy_holds_bytes_back_and_delivers_them_late() {
    let (address, _listener) = echo();
    let proxy = Proxy::start(address);
    let client = client(&proxy);
    assert_eq!(ask(&client, b"one"), b"one");
    proxy.hold();
    (&client).write_all(b"two").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    (&client).read_exact(&mut [0; 3]).unwrap_err();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    proxy.resume();
    let mut late = [0; 3];
    (&client).read_exact(&mut late).unwrap();
    assert_eq!(&late, b"two");
}

/// A client and a server that a proxy connects.
fn linked() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    let client = client(&proxy);
    (&client).write_all(b"!").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    server.read_exact(&mut [0]).unwrap();
    (proxy, client, server)
}

/// Whether one byte gets from one to the other within this time.
fn passes(mut from: &TcpStream, mut to: &TcpStream, patience: Duration) -> bool {
    from.write_all(b"?").unwrap();
    to.set_read_timeout(Some(patience)).unwrap();
    to.read_exact(&mut [0]).is_ok()
}

#[test]
fn a_proxy_silences_one_way_only() {
    let moment = Duration::from_millis(50);
    let (proxy, client, mut server) = linked();
    proxy.silence(Way::ToServer);
    assert!(!passes(&client, &server, moment));
    assert!(passes(&server, &client, LIMIT));
    proxy.resume();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    server.read_exact(&mut [0]).unwrap();
    proxy.silence(Way::ToClient);
    assert!(!passes(&server, &client, moment));
    assert!(passes(&client, &server, LIMIT));
}

#[test]
fn what_is_held_back_is_an_end_too() {
    let (proxy, client, mut server) = linked();
    proxy.hold();
    drop(client);
    server.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    server.read(&mut [0]).unwrap_err();
    proxy.resume();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_proxy_turns_new_connections_away_and_can_be_aimed_elsewhere() {
    let (address, _listener) = echo();
    let proxy = Proxy::start(address);
    let old = client(&proxy);
    assert_eq!(ask(&old, b"one"), b"one");
    proxy.turn_away();
    TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(ask(&old, b"two"), b"two");
    let elsewhere = FakeNode::start(b'x');
    proxy.aim(elsewhere.address);
    proxy.resume();
    assert_eq!(ask(&old, b"?"), b"?");
    assert_eq!(ask(&client(&proxy), b"?"), b"x");
}

#[test]
fn a_trap_cuts_at_its_request_only_and_once() {
    let (address, _listener) = echo();
    let proxy = Proxy::start(address);
    for when in [When::BeforeRequest, When::BeforeAnswer] {
        proxy.cut_at(b"COMMIT", when);
        let client = client(&proxy);
        assert_eq!(ask(&client, b"INSERT"), b"INSERT");
        assert!(proxy.trap_waits());
        assert_eq!(ask(&client, b"COMMIT"), b"");
        assert!(!proxy.trap_waits());
    }
    assert_eq!(ask(&client(&proxy), b"COMMIT"), b"COMMIT");
}

/// A node behind nginx: greets with what the PROXY line said, answers each byte with its own letter, and at the end of
/// its input says "end".
struct FakeNode {
    address: SocketAddr,
    hangs: Arc<AtomicBool>,
}

impl FakeNode {
    fn start(letter: u8) -> FakeNode {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let hangs = Arc::new(AtomicBool::new(false));
        let hung = Arc::clone(&hangs);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let hung = Arc::clone(&hung);
                std::thread::spawn(move || FakeNode::serve(stream.unwrap(), letter, &hung));
            }
        });
        FakeNode { address, hangs }
    }

    fn serve(mut stream: TcpStream, letter: u8, hangs: &AtomicBool) {
        let mut byte = [0];
        while matches!(stream.read(&mut byte), Ok(1)) {
            if hangs.load(Ordering::SeqCst) {
                // The kernel takes its connections still; nobody ever looks at them.
                loop {
                    std::thread::park();
                }
            }
            let answer = if byte == *b"?" { letter } else { byte[0] };
            stream.write_all(&[answer]).unwrap();
        }
        let _ = stream.write_all(b"end");
    }
}

/// Connects through nginx; the PROXY line, and who serves. `None` if nobody answers.
fn through(nginx: &Nginx, patience: Duration) -> Option<(TcpStream, String, u8)> {
    let mut client = TcpStream::connect(nginx.address()).unwrap();
    client.set_read_timeout(Some(patience)).unwrap();
    client.write_all(b"?").unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"\r\n") {
        client.read_exact(&mut byte).ok()?;
        said.push(byte[0]);
    }
    client.read_exact(&mut byte).ok()?;
    Some((client, String::from_utf8(said).unwrap(), byte[0]))
}

#[test]
fn nginx_tells_nodes_who_the_client_is_and_serves_half_closed_ones() {
    let node = FakeNode::start(b'a');
    let nginx = Nginx::start(&[node.address]);
    let (mut client, line, letter) = through(&nginx, LIMIT).expect("an answer");
    let (us, it) = (client.local_addr().unwrap().port(), nginx.address().port());
    assert_eq!(line, format!("PROXY TCP4 127.0.0.1 127.0.0.1 {us} {it}\r\n"));
    assert_eq!(letter, b'a');
    client.write_all(b"xyz").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "xyzend", "what was asked before the half-close is answered");
    eventually(LIMIT, "a line about the connection", || {
        nginx.log().contains(&format!("node=\"{}\" status=200", node.address)).then_some(())
    });
}

#[test]
fn nginx_spreads_clients_and_passes_over_dead_nodes() {
    let nodes = [FakeNode::start(b'a'), FakeNode::start(b'b')];
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let nginx = Nginx::start(&[nodes[0].address, dead, nodes[1].address]);
    let clients: Vec<_> = (0..20).map(|_| through(&nginx, LIMIT).expect("no client notices")).collect();
    for letter in [b'a', b'b'] {
        assert_eq!(clients.iter().filter(|(_, _, served)| *served == letter).count(), 10);
    }
}

#[test]
fn clients_that_leave_a_hung_node_find_another() {
    let nodes = [b'a', b'b', b'c'].map(FakeNode::start);
    let nginx = Nginx::start(&nodes.each_ref().map(|node| node.address));
    let mut clients: Vec<_> = (0..15).map(|_| through(&nginx, LIMIT).expect("an answer")).collect();
    nodes[0].hangs.store(true, Ordering::SeqCst);
    let (left, stayed): (Vec<_>, Vec<_>) = clients.drain(..).partition(|(_, _, letter)| *letter == b'a');
    assert_eq!((left.len(), stayed.len()), (5, 10));
    for (client, ..) in left {
        drop(client);
        // With the fewest connections the hung node would be given all of them, again and again.
        let mut attempts = 0;
        let (_, _, letter) = eventually(LIMIT, "a node that serves", || {
            attempts += 1;
            through(&nginx, Duration::from_millis(200))
        });
        assert_ne!(letter, b'a');
        assert!(attempts <= 8, "it took {attempts} attempts");
    }
}

#[test]
fn a_node_that_is_down_keeps_its_clients_and_gets_no_more() {
    let nodes = [b'a', b'b'].map(FakeNode::start);
    let nginx = Nginx::start(&[nodes[0].address]);
    let (mut old, _, letter) = through(&nginx, LIMIT).expect("an answer");
    assert_eq!(letter, b'a');
    nginx.reload(&[Upstream::Down(nodes[0].address), Upstream::Up(nodes[1].address)]);
    for _ in 0..4 {
        assert_eq!(through(&nginx, LIMIT).expect("an answer").2, b'b');
    }
    assert_eq!(ask(&old, b"still here"), b"still here");
    let pid = nginx.pid();
    drop(nginx);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "nginx {pid} still runs");
    let cut = old.read(&mut [0; 1]);
    assert!(matches!(cut, Ok(0) | Err(_)), "its old worker serves on: {cut:?}");
}

#[test]
fn a_terminal_shows_what_its_user_sees() {
    const SCRIPT: &str = r#"
        stty size
        tty -s && [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal </dev/tty
        read -r line; echo "read $line"
        for n in 1 2 3 4 5 6; do echo "row $n"; done
        printf 'wrong\r\033[1mright\033[0m\033[Kwhat was typed'
        trap 'exit 7' INT
        while :; do read -r line; done
    "#;
    let size = TerminalSize { rows: 5, columns: 40 };
    let mut terminal = Terminal::start("sh", size, |command| {
        command.args(["-c", SCRIPT]);
    });
    let shows = |terminal: &Terminal, row: &str| {
        terminal
            .wait(LIMIT, row, |terminal| terminal.transcript().iter().any(|seen| seen == row).then_some(()));
    };
    shows(&terminal, "5 40");
    shows(&terminal, "terminal");
    terminal.enter("hello");
    shows(&terminal, "read hello");
    shows(&terminal, "rightwhat was typed");
    assert_eq!(terminal.screen(), ["row 3", "row 4", "row 5", "row 6", "rightwhat was typed"]);
    let all = ["5 40", "terminal", "hello", "read hello", "row 1", "row 2"].map(str::to_owned);
    assert_eq!(terminal.transcript(), [&all[..], &terminal.screen()].concat());
    assert_eq!(terminal.cursor(), (4, 19));
    assert!(String::from_utf8(terminal.output()).unwrap().contains("wrong\r\u{1b}[1mright"));
    // Ctrl-C: the terminal is the one that controls the program.
    terminal.press("\x03");
    assert_eq!(terminal.end(LIMIT).code(), Some(7));
}

#[test]
fn a_private_redis_dies_empty_and_comes_back_at_its_port() {
    let redis = testkit::Redis::start_with(Some("secret"), &["--maxmemory", "64mb"]);
    let (address, pid) = (redis.address(), redis.pid());
    assert_eq!(redis.ask(&["SET", "key", "value"]), "+OK\r\n");
    assert_eq!(redis.ask(&["MGET", "key", "none"]), "*2\r\n$5\r\nvalue\r\n$-1\r\n");
    redis.kill();
    assert!(std::net::TcpStream::connect(address).is_err());
    redis.restart();
    assert_eq!(redis.address(), address);
    assert_ne!(redis.pid(), pid);
    assert_eq!(redis.ask(&["GET", "key"]), "$-1\r\n");
    redis.pause();
    redis.resume();
    assert_eq!(redis.ask(&["PING"]), "+PONG\r\n");
}
