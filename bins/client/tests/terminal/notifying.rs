//! Drawing attention to a terminal that nobody looks at.

use client::protocol::limits::NUMBER_MAX;
use std::time::{SystemTime, UNIX_EPOCH};

use client::protocol::{Broadcast, Push, Quiet, QuietChanged};

use crate::screen::{Screen, USUAL};
use crate::server::{Manner, PASSWORD, Server};

/// The client, logged in as alice, with no conversation open.
fn idle(server: &Server, arguments: &[&str]) -> Screen {
    let address = server.address();
    let arguments = [&["--server", &address, "--no-state"], arguments].concat();
    let mut screen = Screen::start_in(USUAL, &arguments, &[("CHAT_PASSWORD", PASSWORD)]);
    screen.wait_last("chat>");
    screen.line("/login alice");
    screen.wait_last("alice>");
    screen
}

/// A title, as it is set.
fn title(title: &str) -> String {
    format!("\x1b]0;{title}\x07")
}

/// Set, and then rung.
fn title_and_bell(text: &str) -> String {
    title(text) + "\x07"
}

#[test]
fn what_is_said_elsewhere_rings_and_is_counted_in_the_title() {
    let server = Server::start();
    let mut screen = idle(&server, &[]);
    screen.wait_written(&title("chat: alice"));
    server.bob_says("are you there?");
    screen.wait_written(&title_and_bell("(1) chat: alice"));
    server.bob_says("hello?");
    screen.wait_written(&title_and_bell("(2) chat: alice"));
    screen.line("/friends");
    screen.wait_row("bob  there, 2 unread");

    // Whoever opens the conversation has read it, and looks at what comes.
    let titles = screen.times_written(&title("chat: alice"));
    screen.line("/chat bob");
    screen.wait_last("alice → bob>");
    assert_eq!(screen.times_written(&title("chat: alice")), titles + 1);
    let bells = screen.times_written("\x07");
    server.bob_says("ah, there");
    screen.wait_row("bob: ah, there");
    screen.line("/friends");
    screen.wait_row("bob  there");
    assert_eq!(screen.times_written("\x07"), bells);
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);
    assert!(screen.ever_showed("\x1b[22;0t") && screen.ever_showed("\x1b[23;0t"), "the title is given back");
}

#[test]
fn what_was_missed_is_counted_and_does_not_ring() {
    let server = Server::start();
    let mut screen = idle(&server, &[]);
    server.behave(Manner::Away);
    server.cut();
    screen.wait("the loss", |rows| rows.iter().any(|row| row.starts_with("* no connection: ")));
    server.bob_says("one");
    server.bob_says("two");
    server.behave(Manner::Answering);
    screen.wait_row("* connected again, 2 new messages");
    screen.wait_written(&title("(2) chat: alice"));
    assert!(!screen.ever_showed(&title_and_bell("(2) chat: alice")), "it does not ring for what is old");
    screen.line("/msg bob here I am");
    screen.wait_row("you → bob: here I am");
    screen.line("/friends");
    screen.wait_row("bob  there");
}

#[test]
fn a_mention_rings_where_it_is_quiet() {
    let server = Server::start();
    let screen = idle(&server, &[]);
    let quiet = Quiet { until: NUMBER_MAX, mentions: true, ..Quiet::default() };
    server.push(&Push::QuietChanged(QuietChanged { version: 1, quiet }));
    server.bob_says("nothing new");
    screen.wait_written(&title("(1) chat: alice"));
    server.bob_mentions_all("fire!");
    screen.wait_written(&title_and_bell("(2) chat: alice"));
    assert!(!screen.ever_showed(&title_and_bell("(1) chat: alice")));
}

#[test]
fn the_operator_rings_unless_all_is_quiet_or_it_is_old_news() {
    let server = Server::start();
    let mut screen = idle(&server, &[]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let say = |id, time, msg: &str| server.push(&Push::Broadcast(Broadcast { id, time, msg: msg.into() }));
    // It rings, so what is quiet is known from here on.
    server.bob_says("are you there?");
    screen.wait_written(&title_and_bell("(1) chat: alice"));
    let bells = screen.times_written("\x07");
    say(1, now, "restarting at noon");
    screen.wait_row("restarting at noon");
    assert_eq!(screen.times_written("\x07"), bells + 1);
    say(2, now - 3_600_000, "an hour ago");
    screen.wait_row("an hour ago");
    let quiet = Quiet { until: NUMBER_MAX, mentions: true, ..Quiet::default() };
    server.push(&Push::QuietChanged(QuietChanged { version: 1, quiet }));
    say(3, now, "while it is quiet");
    screen.wait_row("while it is quiet");
    assert_eq!(screen.times_written("\x07"), bells + 1);
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);
}

#[test]
fn who_wants_quiet_has_it() {
    let server = Server::start();
    let mut screen = idle(&server, &["--no-notify"]);
    server.bob_says("psst");
    screen.wait_row("bob: psst");
    screen.line("/friends");
    screen.wait_row("bob  there, 1 unread");
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);
    assert!(!screen.ever_showed("\x07") && !screen.ever_showed("\x1b]") && !screen.ever_showed(";0t"));
}
