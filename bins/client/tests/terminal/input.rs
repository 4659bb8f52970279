//! What is typed, pasted and pressed, in a narrow terminal and in a wide one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use testkit::{Signal, TerminalSize, eventually};

use crate::screen::{Screen, on_each_size};
use crate::server::{ME, Manner, PASSWORD, Server};

on_each_size!(
    several_lines_are_one_message,
    what_is_pasted_is_sent_as_it_was,
    wide_characters_wrap_and_stay_whole,
    the_past_is_fetched_and_the_line_stays,
    a_long_absence_has_a_bar,
    a_command_can_be_given_up,
    keys_between_two_lines_are_for_the_next,
    whoever_wants_out_is_told_how,
    the_terminal_is_given_back_on_a_signal,
    typed_lines_come_back_without_passwords,
    colours_are_not_forced_on_anybody,
);

/// What the editor writes when it does not own the terminal any more.
const END_OF_LINE: &str = "\x1b[?2004l";

const LIMIT: Duration = Duration::from_secs(20);

/// The client, logged in as alice and talking to bob.
fn talking(server: &Server, size: TerminalSize) -> Screen {
    talking_with(server, size, &["--no-state"], &[])
}

fn talking_with(
    server: &Server,
    size: TerminalSize,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Screen {
    let address = server.address();
    let arguments = [&["--server", &address], arguments].concat();
    let mut screen = Screen::start_in(size, &arguments, environment);
    screen.wait_last("chat>");
    screen.line(&format!("/login alice {PASSWORD}"));
    screen.wait_last("alice>");
    screen.line("/chat bob");
    screen.wait_last("alice → bob>");
    screen
}

fn heard(server: &Server, text: &str) {
    eventually(LIMIT, text, || server.log().contains(&(ME, text.to_owned())).then_some(()));
}

/// What was typed was taken off the screen: it stands there once, in its place.
fn typed_is_gone(screen: &Screen, text: &str) {
    let rows = screen.wait_last("alice → bob>");
    assert_eq!(rows.iter().filter(|row| row.contains(text)).count(), 1, "{rows:#?}");
}

fn several_lines_are_one_message(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    screen.keys("eggs\x1b\rmilk\x1b\rbread");
    screen.wait_last("bread");
    server.bob_says("and tea");
    let rows = screen.wait("what bob says above it", |rows| {
        rows.iter().any(|row| row.ends_with("bob: and tea")) && rows.last().is_some_and(|row| row == "bread")
    });
    assert_eq!(rows[rows.len() - 3..], ["alice → bob> eggs", "milk", "bread"], "{rows:#?}");
    screen.keys("\r");
    heard(&server, "eggs\nmilk\nbread");
    screen.wait_row("  | bread");
    let rows = screen.wait_last("alice → bob>");
    let at = rows.iter().position(|row| row.ends_with("you → bob: eggs")).expect("the message");
    assert_eq!(rows[at + 1..], ["  | milk", "  | bread", "alice → bob>"], "{rows:#?}");
    typed_is_gone(&screen, "eggs");
    // It comes back as it was.
    screen.keys("\x1b[A");
    screen.wait_last("bread");
}

fn what_is_pasted_is_sent_as_it_was(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    screen.keys("\x1b[200~fn main() {\r\n    println!(\"/quit\");\r/quit\n}\x1b[201~");
    screen.wait_last("}");
    assert_eq!(server.log(), [], "nothing is sent before the return key");
    screen.keys(" // ok\r");
    heard(&server, "fn main() {\n    println!(\"/quit\");\n/quit\n} // ok");
    screen.wait_row("  | } // ok");
    typed_is_gone(&screen, "fn main()");
    // A command is one too, with all that was pasted behind it.
    screen.keys("/msg bob \x1b[200~one\ntwo\x1b[201~\r");
    heard(&server, "one\ntwo");
}

fn wide_characters_wrap_and_stay_whole(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    // Wider than both terminals, and at no place even with their edge.
    let text = "明日は九時に駅で会いましょう🧗".repeat(5);
    screen.keys(&text);
    let typed = |rows: &[String]| {
        let from = rows.iter().rposition(|row| row.starts_with("alice → bob>"))?;
        Some(rows[from..].concat())
    };
    let whole = format!("alice → bob> {text}");
    screen.wait("the whole line", |rows| typed(rows).as_ref() == Some(&whole));
    let cursor = screen.cursor();
    server.bob_says("我在这里 👋");
    let rows = screen.wait("it below what bob says", |rows| {
        rows.iter().any(|row| row.ends_with("bob: 我在这里 👋")) && typed(rows).as_ref() == Some(&whole)
    });
    let widest = rows.iter().map(|row| unicode_width::UnicodeWidthStr::width(row.as_str())).max();
    assert!(widest <= Some(usize::from(size.columns)), "{rows:#?}");
    eventually(LIMIT, "the cursor behind it", || (screen.cursor() == (cursor.0 + 1, cursor.1)).then_some(()));
    // One key takes one character away, however wide it is.
    screen.keys("\x7f\r");
    let said = text.strip_suffix('🧗').expect("it ends so");
    heard(&server, said);
    // Rows that go on are marked.
    let shown = |rows: &[String]| -> String {
        rows.iter().map(|row| row.strip_prefix("  | ").unwrap_or(row)).collect()
    };
    let rows = screen.wait("it as a message", |rows| {
        shown(rows).contains(said) && rows.last().is_some_and(|row| row == "alice → bob>")
    });
    assert!(!rows.iter().any(|row| row.starts_with("alice → bob> 明")), "{rows:#?}");
    assert_eq!(shown(&rows).matches(said).count(), 1, "{rows:#?}");
}

fn the_past_is_fetched_and_the_line_stays(size: TerminalSize) {
    const SAID: usize = 50;
    let server = Server::start();
    for n in 1..=SAID {
        server.bob_says(&format!("number {n}."));
    }
    let mut screen = talking(&server, size);
    screen.wait_row("number 50.");
    screen.keys("half li\x1b[D");
    screen.wait_last("alice → bob> half li");
    screen.keys("\x1b[5~");
    screen.wait_row("* /history shows what was before");
    screen.keys("ne, \x1b[5~");
    screen.wait("an earlier page", |rows| rows.iter().any(|row| row.ends_with("number 30.")));
    screen.keys("\x1b[5~");
    let rows = screen.wait("the first page", |rows| {
        rows.iter().any(|row| row.ends_with("number 10."))
            && rows.last().is_some_and(|row| row == "alice → bob> half lne, i")
    });
    assert!(!rows.iter().any(|row| row.contains("> half") && Some(row) != rows.last()), "{rows:#?}");
    let transcript = screen.terminal.transcript();
    assert!(transcript.iter().any(|row| row == "* this is the beginning"), "{transcript:#?}");
    screen.keys("x\r");
    heard(&server, "half lne, xi");

    // A password that is being typed is not ended by it.
    screen.line("/password");
    screen.wait_last("password:");
    screen.keys("correct\x1b[5~ horse");
    screen.wait_last("password: *************");
}

fn a_long_absence_has_a_bar(size: TerminalSize) {
    const MISSED: usize = 1_000;
    let server = Server::start();
    for n in 1..=MISSED {
        server.bob_says(&format!("number {n}."));
    }
    server.limit_history(Some(2));
    let address = server.address();
    let mut screen = Screen::start_in(size, &["--server", &address, "--no-state"], &[]);
    screen.wait_last("chat>");
    screen.line(&format!("/login alice {PASSWORD}"));
    // Pages are of 200.
    let bar = match size.columns {
        60 => "[##############---------------------]  400 of 1000 messages",
        _ => "[################------------------------]  400 of 1000 messages",
    };
    screen.wait_last(bar);
    assert!(bar.len() < usize::from(size.columns));
    // What is typed meanwhile is not lost.
    screen.keys("/conv");
    server.limit_history(None);
    let rows = screen.wait("the prompt below the news", |rows| {
        rows.ends_with(&[
            "* 1000 new messages while you were away".to_owned(),
            "* too many to show: /conversations lists where they are".to_owned(),
            "alice> /conv".to_owned(),
        ])
    });
    assert!(!rows.iter().any(|row| row.contains(" of 1000")), "it is gone: {rows:#?}");
    let shown = |row: &String| row.contains("number ");
    assert!(!screen.terminal.transcript().iter().any(shown), "they are not shown one by one");
    screen.keys("ersations\r");
    screen.wait("what is unread", |rows| {
        rows.iter().any(|row| row.starts_with("  1000  bob") && row.ends_with("  number 1000."))
    });
    screen.line("/chat bob");
    screen.line("/history");
    screen.wait_row("bob: number 1000.");
}

fn a_command_can_be_given_up(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    server.behave(Manner::Silent);
    let commands = screen.times_written(END_OF_LINE);
    screen.line("/friends");
    eventually(LIMIT, "the command to run", || (screen.times_written(END_OF_LINE) > commands).then_some(()));
    // Now the key is a signal.
    screen.keys("\x03");
    screen.wait("the end of the command", |rows| rows.iter().any(|row| row.starts_with("! given up")));
    screen.wait_last("alice → bob>");
    server.behave(Manner::Answering);
    screen.line("/friends");
    screen.wait_row("bob  there");
}

fn keys_between_two_lines_are_for_the_next(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    server.behave(Manner::Silent);
    let commands = screen.times_written(END_OF_LINE);
    screen.line("/friends");
    eventually(LIMIT, "the command to run", || (screen.times_written(END_OF_LINE) > commands).then_some(()));
    // A line, and the key that leaves: a terminal that reads lines itself would drop it.
    screen.keys("typed ahead\r\x04");
    server.behave(Manner::Answering);
    server.cut();
    assert_eq!(screen.exit(), 0);
    let transcript = screen.terminal.transcript();
    let shown = transcript.iter().filter(|row| row.contains("typed ahead")).count();
    assert!(shown <= 2, "nothing is echoed into a command's output: {transcript:#?}");
    assert_eq!(server.log(), [(ME, "typed ahead".to_owned())]);
}

fn whoever_wants_out_is_told_how(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    screen.keys("a thought");
    screen.wait_last("alice → bob> a thought");
    screen.keys("\x03");
    screen.wait_last("alice → bob>");
    screen.keys("\x03");
    screen.wait_row("* Ctrl-D or /quit leaves");
    screen.wait_last("alice → bob>");
    // On a line that holds something Ctrl-D takes one character away.
    screen.keys("ab\x1b[D\x04");
    screen.wait_last("alice → bob> a");
    screen.keys("\x7f");
    screen.wait_last("alice → bob>");
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);
    assert_eq!(server.log(), []);
}

fn the_terminal_is_given_back_on_a_signal(size: TerminalSize) {
    let server = Server::start();
    let mut screen = talking(&server, size);
    screen.keys("half a li");
    screen.wait_last("alice → bob> half a li");
    screen.terminal.process().signal(Signal::TERM);
    let status = screen.terminal.end(LIMIT);
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    let output = screen.terminal.output();
    assert!(output.ends_with(b"\x1b[?2004l\x1b[23;0t\r\n"), "{:?}", String::from_utf8_lossy(&output));
}

fn typed_lines_come_back_without_passwords(size: TerminalSize) {
    let server = Server::start();
    let home = tempfile::tempdir().expect("a temporary folder");
    let environment = [("XDG_STATE_HOME", home.path().to_str().expect("its name is text"))];
    let mut screen = talking_with(&server, size, &[], &environment);
    screen.line("my own words");
    screen.wait_row("you → bob: my own words");
    screen.wait_last("alice → bob>");
    screen.keys("\x04");
    assert_eq!(screen.exit(), 0);

    let history = home.path().join("chat/history");
    let mode = fs::metadata(&history).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read_to_string(&history).expect("it is text");
    assert!(kept.contains("my own words") && kept.contains("/login alice"), "{kept}");
    assert!(!kept.contains(PASSWORD) && !kept.contains("horse"), "{kept}");

    let address = server.address();
    let mut again = Screen::start_in(size, &["--server", &address], &environment);
    again.wait_last("chat>");
    again.keys("\x1b[A");
    again.wait_last("chat> my own words");
    again.keys("\x1b[A\x1b[A");
    again.wait_last("chat> /login alice");
}

fn colours_are_not_forced_on_anybody(size: TerminalSize) {
    let server = Server::start();
    let mut plain = talking_with(&server, size, &["--no-state"], &[("NO_COLOR", "1")]);
    let coloured = talking(&server, size);
    server.bob_says("hello");
    for screen in [&plain, &coloured] {
        screen.wait_row("bob: hello");
    }
    assert!(coloured.ever_showed("\x1b[1;36mbob\x1b[0m"));
    // Whom a text mentions is seen without colours too.
    server.bob_mentions_all("@all fire!");
    server.bob_mentions_all("and water");
    for screen in [&plain, &coloured] {
        screen.wait_row("bob: @all fire!");
        screen.wait_row("bob: and water (mentions everybody)");
    }
    assert!(coloured.ever_showed("\x1b[1;33m@all\x1b[0m fire!"));
    let output = String::from_utf8(plain.terminal.output()).expect("it is text");
    let painted = output.split("\x1b[").skip(1).find(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic());
        end.is_some_and(|end| rest.as_bytes()[end] == b'm')
    });
    assert_eq!(painted, None);
    // A password is hidden all the same.
    plain.line("/password");
    plain.wait_last("password:");
    plain.keys("correct horse");
    plain.wait_last("password: *************");
}
