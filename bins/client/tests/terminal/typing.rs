//! Somebody at a terminal.

use std::time::Duration;

use client::protocol::{FriendEvent, FriendEventKind, Push};
use testkit::eventually;

use crate::screen::{Screen, USUAL};
use crate::server::{BOB, ME, Manner, PASSWORD, Server};

const LIMIT: Duration = Duration::from_secs(20);

/// The client, logged in as alice and talking to bob.
fn talking(server: &Server) -> Screen {
    let mut screen = Screen::start(&["--server", &server.address(), "--no-state"]);
    screen.wait_last("chat>");
    screen.line("/login alice");
    screen.wait_last("password:");
    screen.line(PASSWORD);
    screen.wait_last("alice>");
    screen.line("/chat bob");
    screen.wait_last("alice → bob>");
    screen
}

#[test]
fn a_message_appears_above_the_line_being_typed() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.keys("half a li");
    screen.wait_last("alice → bob> half a li");
    let before = screen.cursor();
    server.bob_says("interrupting you");
    let rows = screen.wait_row("bob: interrupting you");
    let rows = match rows.last().is_some_and(|row| row.contains("half")) {
        true => rows,
        false => screen.wait_last("alice → bob> half a li"),
    };
    assert!(rows[rows.len() - 2].ends_with("bob: interrupting you"), "{rows:#?}");
    assert_eq!(rows[rows.len() - 1], "alice → bob> half a li");
    eventually(LIMIT, "the cursor behind what was typed", || {
        (screen.cursor() == (before.0 + 1, before.1)).then_some(())
    });
    screen.line("ne");
    eventually(LIMIT, "the whole line", || {
        server.log().contains(&(ME, "half a line".to_owned())).then_some(())
    });
    let rows = screen.wait_row("you → bob: half a line");
    assert!(
        !rows.iter().any(|row| row.contains("> half")),
        "what was typed stands there once, in its place: {rows:#?}"
    );
}

/// Columns are wide enough for what stands before them, and then it would look like carol's own.
#[test]
fn no_message_is_long_enough_to_look_like_another() {
    let server = Server::start();
    let screen = talking(&server);
    let forged = format!("hi{}12:00 carol: pay bob", " ".repeat(usize::from(USUAL.columns)));
    server.bob_says(&forged);
    let rows = screen.wait_row("carol: pay bob");
    let row = rows.iter().find(|row| row.contains("carol")).expect("it was waited for");
    assert!(row.starts_with("  | "), "{rows:#?}");
}

#[test]
fn a_password_is_never_seen() {
    let server = Server::start();
    let mut screen = talking(&server);
    assert!(!screen.ever_showed(PASSWORD) && !screen.ever_showed("horse"));
    assert!(screen.ever_showed("*****"));
    screen.keys("\x1b[A");
    screen.wait_last("alice → bob> /chat bob");
    screen.keys("\x1b[A");
    screen.wait_last("alice → bob> /login alice");
}

#[test]
fn a_password_typed_ahead_is_still_a_password() {
    let server = Server::start();
    let mut screen = Screen::start(&["--server", &server.address(), "--no-state"]);
    screen.wait_last("chat>");
    screen.keys(&format!("/login alice\r{PASSWORD}\r/chat bob\rhello\r"));
    screen.wait_row("you → bob: hello");
    assert!(!screen.ever_showed("horse"));
    assert_eq!(server.log(), [(ME, "hello".to_owned())]);
}

#[test]
fn a_new_password_is_asked_for_twice_and_never_seen() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.line("/password");
    screen.wait_last("password:");
    screen.line(PASSWORD);
    screen.wait_last("new password:");
    screen.line("battery staple");
    screen.wait_last("new password again:");
    screen.line("battery maple");
    screen.wait_row("! the two are not the same; nothing is changed");
    screen.line("/password");
    screen.wait_last("password:");
    screen.line(PASSWORD);
    screen.wait_last("new password:");
    screen.line("battery staple");
    screen.wait_last("new password again:");
    screen.line("battery staple");
    screen.wait_row("the password is changed; your other sessions are ended");
    assert!(!screen.ever_showed("battery") && !screen.ever_showed("horse"));
}

#[test]
fn recovery_codes_are_shown_with_what_to_do_with_them() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.line(&format!("/recovery-codes {PASSWORD}"));
    screen.wait_row("Write them down and keep them apart from this device: they are not shown again.");
    let rows = screen.wait_row("  8BCD-EFGH-JKMN-PQRS    9BCD-EFGH-JKMN-PQRS");
    assert!(rows.iter().any(|row| row.contains("/recover, if you lose yours")), "{rows:#?}");
    screen.keys("\x1b[A");
    screen.wait_last("alice → bob> /recovery-codes");
}

#[test]
fn a_vanished_server_is_told_and_outlived() {
    let server = Server::start();
    let mut screen = talking(&server);
    server.behave(Manner::Away);
    server.cut();
    screen.wait("the loss", |rows| rows.iter().any(|row| row.starts_with("* no connection: ")));
    screen.line("said in the dark");
    screen.wait_row("… said in the dark (waits for the server)");
    screen.keys("going on ty");
    screen.wait_last("alice → bob> going on ty");
    server.bob_says("where are you?");
    server.behave(Manner::Answering);
    screen.wait_row("* connected again, 1 new message");
    let rows = screen.wait_row("you → bob: said in the dark");
    assert!(rows.iter().any(|row| row.ends_with("bob: where are you?")), "{rows:#?}");
    screen.wait_last("alice → bob> going on ty");
}

#[test]
fn a_message_that_is_refused_is_told_with_its_text() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.line("/msg 77 hello stranger");
    screen.wait_row("! you and user 77 are not friends; /add 77 asks for that");
    screen.line("/nonsense");
    screen.wait_row("! there is no command /nonsense; /help lists them all");
    screen.wait_last("alice → bob>");
}

#[test]
fn ctrl_c_clears_and_ctrl_d_leaves() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.keys("never mind");
    screen.wait_last("alice → bob> never mind");
    screen.keys("\x03");
    screen.wait_last("alice → bob>");
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);
    assert_eq!(server.log(), []);
}

#[test]
fn tab_completes_commands_and_names() {
    let server = Server::start();
    let mut screen = talking(&server);
    screen.keys("/whoa\t");
    screen.wait_last("alice → bob> /whoami");
    screen.keys("\x15/msg b\t");
    screen.keys("hi\r");
    screen.wait_row("you → bob: hi");
}

#[test]
fn arrivals_keep_their_order_through_a_busy_user() {
    const SAID: usize = 200;
    let server = Server::start();
    let mut screen = talking(&server);
    let talker = server.clone();
    let bob = std::thread::spawn(move || {
        for n in 0..SAID {
            talker.bob_says(&format!("number {n}."));
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    for n in 0..20 {
        screen.line(&format!("mine {n}."));
    }
    bob.join().expect("bob has finished");
    screen.line("/whoami");
    screen.wait_row(&format!("number {}.", SAID - 1));
    screen.wait("all that was typed", |_| server.log().len() == SAID + 20);
    screen.line("the end");
    let rows = screen.wait_row("the end");
    // The screen shows the last of them, in the order of the log.
    let log: Vec<String> = server.log().into_iter().map(|(_, text)| text).collect();
    let on_screen: Vec<usize> = rows
        .iter()
        .filter_map(|row| row.split_once(": ").and_then(|(_, text)| log.iter().position(|said| said == text)))
        .collect();
    assert!(on_screen.len() > 5, "{rows:#?}");
    assert!(on_screen.is_sorted(), "{rows:#?}");
}

#[test]
fn hostile_text_moves_nothing() {
    let server = Server::start();
    let screen = talking(&server);
    let before = screen.rows();
    server.bob_says("\u{1b}[2J\u{1b}[H\u{1b}[31mgone?\r\u{8}\u{8}");
    let rows = screen.wait_row("  |");
    assert_eq!(rows[..before.len() - 1], before[..before.len() - 1], "what was there is still there");
    assert!(rows[before.len() - 1].ends_with("bob: [2J[H[31mgone?"), "{rows:#?}");
}

#[test]
fn a_friend_request_says_what_to_do() {
    let server = Server::start();
    let screen = talking(&server);
    server.push(&Push::FriendEvent(FriendEvent {
        event: FriendEventKind::Requested,
        id: 5,
        name: "carol".into(),
        by: 5,
        greeting: "hi!".into(),
        friend: None,
        notice: 0,
    }));
    let row = "* carol (id 5) asks to be your friend, saying: hi!; /accept carol or /refuse carol";
    // As wide as the terminal, or a little more.
    screen.wait("the request", |rows| {
        rows.iter().any(|shown| row.starts_with(shown.as_str()) && shown.len() > 60)
    });
    assert!(row.len() < 2 * usize::from(USUAL.columns));
    screen.wait_last("alice → bob>");
}

#[test]
fn a_server_that_is_not_there_at_the_start_is_waited_for() {
    let server = Server::start();
    server.behave(Manner::Away);
    let mut screen = Screen::start(&["--server", &server.address(), "--no-state"]);
    screen.wait("the news", |rows| rows.iter().any(|row| row.starts_with("* no connection: ")));
    screen.wait_last("chat>");
    server.behave(Manner::Answering);
    screen.wait("the connection", |rows| rows.iter().any(|row| row.starts_with("* connected to ")));
    screen.line(&format!("/login alice {PASSWORD}"));
    screen.wait_last("alice>");
    eventually(LIMIT, "alice", || (server.readers() == 1).then_some(()));
    screen.line(&format!("/msg {BOB} hello"));
    screen.wait_row("you → bob: hello");
}
