//! What others say cannot harm the terminal it is read on.

use client::protocol::{AddFriend, CreateGroup, Login, Request, Secret};
use client::{Client, ClientError, Config, Events};

use crate::PASSWORD;
use crate::person::Person;
use crate::script::{Script, run};
use crate::server::{Server, Store, on_each_store};

on_each_store!(hostile_texts_stay_texts, hostile_lines_are_refused);

/// The longest text that the server takes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Texts of a hostile friend, and how each ends on the screen.
const TEXTS: [(&str, &str); 8] = [
    ("\x1b[2J\x1b[H\x1b[31mscreen gone?", " mallory: [2J[H[31mscreen gone?"),
    ("\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07", " mallory: ]0;title]52;c;ZXZpbA=="),
    ("\u{9b}2J\u{90}q\u{9c}C1", " mallory: 2JqC1"),
    ("photo\u{202e}gpj.exe \u{2066}\u{200f}x", " mallory: photogpj.exe x"),
    ("a\0b\x08\x08\x7f\x0e\x1a", " mallory: ab"),
    ("hi\r12:00 alice: forged", "  | 12:00 alice: forged"),
    ("hi\n12:00 bob: forged too", "  | 12:00 bob: forged too"),
    ("hi\u{85}\u{2028}\x0b\x0c12:00 carol: and this", "  | 12:00 carol: and this"),
];

/// The user of a library, who is not held to what a terminal would send.
fn mallory(server: &Server) -> (Client, Events, u64) {
    let (client, events) = Client::connect(Config::new(server.address()).device("x")).expect("a client");
    client.register("mallory", Secret::new(PASSWORD)).expect("registered");
    let login = Login { name: Some("mallory".into()), password: Secret::new(PASSWORD), ..Login::default() };
    let id = client.log_in(login).expect("logged in").id;
    (client, events, id)
}

fn hostile_texts_stay_texts(store: Store) {
    let server = Server::start(store);
    let (mallory, _events, mallory_id) = mallory(&server);
    let mut alice = Person::sit_down("alice", &server);
    let alice_id = alice.registers_and_logs_in();
    mallory
        .call(Request::AddFriend(AddFriend { friendid: alice_id, greeting: "hi".into() }))
        .expect("alice is asked");
    alice.sees_row(&format!("* mallory (id {mallory_id}) asks to be your friend"));
    alice.enters("/accept mallory");
    alice.sees("you and mallory are friends now");
    alice.talks_to("mallory");
    alice.presses("my own li");
    alice.waits_for_prompt("alice → mallory> my own li");

    let huge = "x".repeat(TEXT_BYTES_MAX);
    let texts: Vec<&str> = TEXTS.iter().map(|(text, _)| *text).chain([&huge[..]]).collect();
    for text in &texts {
        mallory.say_to_friend(alice_id, text).expect("said");
    }
    for (_, shown) in TEXTS {
        alice.sees(shown);
    }
    alice.sees("  | … and 61536 characters more");
    // Alice's line, her prompt and the place of her cursor are as they were.
    alice.waits_for_prompt("alice → mallory> my own li");
    alice.enters("ne");
    alice.sees(" you → mallory: my own line");
    alice.enters("/history 20");
    alice.enters("the end");
    alice.sees(" you → mallory: the end");
    // Once as they came and once as history.
    for (_, shown) in TEXTS {
        let transcript = alice.terminal.transcript();
        assert_eq!(
            transcript.iter().filter(|row| row.ends_with(shown)).count(),
            2,
            "{shown}: {transcript:#?}"
        );
    }
    let output = String::from_utf8(alice.terminal.output()).expect("the terminal was sent UTF-8");
    harmless_on_a_terminal(&output);

    // Where no terminal is, nothing is left of it either; programs get it as it was sent.
    let read = ["-c", "/login alice", "-c", "/chat mallory", "-c", "/history 20"];
    let plain = Script::start_with(&server, &read).end().exits_with(0).text();
    let control = plain.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{plain:?}");
    assert!(plain.lines().any(|line| line.ends_with(TEXTS[0].1)), "{plain}");
    let ended = Script::start_with(&server, &[&["--json"], &read[..]].concat()).end().exits_with(0);
    let history = ended.done("/history 20")["messages"].clone();
    let messages = history.as_array().expect("a list");
    let told: Vec<_> = messages.iter().filter_map(|message| message["msg"].as_str()).collect();
    assert_eq!(told, [&texts[..], &["my own line", "the end"]].concat());
}

/// The client moves the cursor, clears to the end of rows and colours: nothing else may have reached the terminal.
fn harmless_on_a_terminal(output: &str) {
    let own = ["\x1b]0;chat\x07", "\x1b]0;chat: alice\x07", "\x1b[22;0t"];
    let output = own.iter().fold(output.to_owned(), |output, title| output.replace(title, ""));
    let mut rest = output.as_str();
    while let Some(at) = rest.find('\x1b') {
        let sequence = &rest[at + 1..];
        let parameters = sequence.strip_prefix('[').unwrap_or_else(|| {
            panic!(
                "an escape sequence that is none of the client's: {:?}",
                sequence.chars().take(40).collect::<String>()
            )
        });
        let end = parameters.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
        let (parameters, kind) = (&parameters[..end], &parameters[end..=end]);
        let known = match kind {
            "m" => ["0", "1", "2", "31", "1;36", "1;32"].contains(&parameters),
            "K" | "J" => parameters.is_empty() || parameters == "0",
            "A" | "B" | "C" | "D" => true,
            // Bracketed paste, and drawing all at once.
            "h" | "l" => ["?2004", "?2026"].contains(&parameters),
            _ => false,
        };
        assert!(known, "a sequence that is none of the client's: {parameters}{kind}");
        rest = &sequence[1 + end + 1..];
    }
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let harmful = |c: char| (c.is_control() && !"\x1b\r\n".contains(c)) || turns(c);
    assert_eq!(output.find(harmful), None, "{output:?}");
}

/// Names and greetings stand within lines of the client's own: what could break out of them is not taken at all.
fn hostile_lines_are_refused(store: Store) {
    let server = Server::start(store);
    run(&server, &["/register alice"]).exits_with(0);
    let (mallory, _events, _) = mallory(&server);
    let (stranger, _no_events) = Client::connect(Config::new(server.address())).expect("a client");
    for (text, _) in TEXTS {
        let greeting = AddFriend { friendid: 1, greeting: text.into() };
        let asked = mallory.call(Request::AddFriend(greeting));
        assert_eq!(refused_field(&asked), Some("greeting"), "{text:?}: {asked:?}");
        let registered = stranger.register(text, Secret::new(PASSWORD));
        assert_eq!(refused_field(&registered), Some("name"), "{text:?}: {registered:?}");
        let group = CreateGroup { groupname: text.into(), groupdesc: String::new() };
        let opened = mallory.call(Request::CreateGroup(group));
        assert_eq!(refused_field(&opened), Some("groupname"), "{text:?}: {opened:?}");
    }
}

fn refused_field<T>(answer: &Result<T, ClientError>) -> Option<&str> {
    match answer {
        Err(ClientError::Refused(refusal)) => refusal.body.field.as_deref(),
        _ => None,
    }
}
