//! What rings and what does not, what became of what was said, and where a day's messages are.

use std::time::Duration;

use client::protocol::{Login, OneChat, Request, Secret};
use client::{Client, Config, Event, Events};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use testkit::eventually;

use crate::person::Person;
use crate::script::run;
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};
use crate::{LIMIT, PASSWORD};

on_each_store!(
    what_is_quiet_is_marked_and_rings_for_a_mention_alone,
    what_became_of_ones_words_is_shown,
    history_begins_at_a_time,
);

/// Somebody without a terminal, who can mention others.
struct Device {
    client: Client,
    events: Events,
}

impl Device {
    fn of(name: &str, server: &Server) -> Device {
        let (client, events) = Client::connect(Config::new(server.address().to_owned())).expect("a client");
        let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
        client.log_in(login).expect("logged in");
        Device { client, events }
    }

    fn says(&self, to: u64, msg: &str, mentions: &[u64]) {
        let client_msg_id = self.client.next_msg_id();
        let mentions = mentions.to_vec();
        let chat = OneChat { to, msg: msg.into(), client_msg_id, mentions, ..OneChat::default() };
        self.client.call(Request::OneChat(chat)).expect("stored");
    }

    /// Takes messages until this one, which is so delivered.
    fn hears(&self, text: &str) {
        loop {
            let event = self.events.next_within(LIMIT).expect("it runs").expect("the message comes");
            if matches!(event, Event::Message { message, .. } if message.msg == text) {
                return;
            }
        }
    }
}

/// How often the bell rang. It ends titles too, which do not count.
fn bells(person: &Person) -> usize {
    let output = person.terminal.output();
    let count = |bytes: &[u8]| output.windows(bytes.len()).filter(|window| *window == bytes).count();
    count(b"\x07") - count(b"\x1b]0;")
}

/// Waits until a message is shown, before which the bell rings if it does; how often it rang by then.
fn bells_until(person: &Person, text: &str) -> usize {
    person.sees(&format!(" bob: {text}"));
    bells(person)
}

fn what_is_quiet_is_marked_and_rings_for_a_mention_alone(store: Store) {
    let server = Server::start(store);
    let (alice_id, _) = friends(&server);
    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    let bob = Device::of("bob", &server);
    bob.says(alice_id, "one", &[]);
    assert_eq!(bells_until(&alice, "one"), 1);

    alice.enters("/quiet bob");
    alice.sees_row("bob  always");
    alice.enters("/conversations");
    alice.sees_part("1  bob (quiet)  ");
    bob.says(alice_id, "two", &[]);
    assert_eq!(bells_until(&alice, "two"), 1, "it is quiet");
    bob.says(alice_id, "three, @alice", &[alice_id]);
    assert_eq!(bells_until(&alice, "three, @alice"), 2);

    alice.enters("/quiet bob no-mentions");
    alice.sees_row("bob  always, even where you are mentioned");
    bob.says(alice_id, "four, @alice", &[alice_id]);
    assert_eq!(bells_until(&alice, "four, @alice"), 2, "mentions are quiet too");
    alice.enters("/unquiet bob");
    alice.sees_row("not quiet");
    bob.says(alice_id, "five", &[]);
    assert_eq!(bells_until(&alice, "five"), 3);
    let title = b"\x1b]0;(5) chat: alice\x07";
    assert!(
        alice.terminal.output().windows(title.len()).any(|window| window == title),
        "what rings not is counted"
    );
    alice.enters("/conversations");
    alice.sees_part("5  bob  ");
}

/// Asks for the end of the conversation until it has a row that ends like this.
fn history_shows(person: &mut Person, friend: &str, end: &str) {
    let asks = || person.terminal.transcript().iter().filter(|row| row.contains("> /history")).count();
    let mut asked = asks();
    let rows = |person: &Person| -> Vec<String> {
        let all = person.terminal.transcript();
        let from = all.iter().rposition(|row| row.contains("> /history")).unwrap_or(0);
        all[from..].to_vec()
    };
    eventually(LIMIT, end, || {
        person.enters(&format!("/chat {friend}"));
        person.enters("/history");
        asked += 1;
        let shown = person.terminal.wait(LIMIT, "the beginning", |terminal| {
            let all = terminal.transcript();
            let is_asked = all.iter().filter(|row| row.contains("> /history")).count() >= asked;
            let rows = rows(person);
            (is_asked && rows.iter().any(|row| row.starts_with("* this is the beginning"))).then_some(rows)
        });
        person.waits_for_prompt(&format!("{} → {friend}>", person.name));
        shown.iter().chain(&rows(person)).any(|row| row.ends_with(end)).then_some(())
    });
}

fn what_became_of_ones_words_is_shown(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let mut alice = Person::sit_down("alice", &server);
    alice.logs_in();
    alice.talks_to("bob");
    alice.says("bob", &["hello"]);
    history_shows(&mut alice, "bob", " you → bob: hello ✓");

    let phone = Device::of("bob", &server);
    phone.hears("hello");
    history_shows(&mut alice, "bob", " you → bob: hello ✓✓");

    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    bob.talks_to("alice");
    bob.enters("/history");
    bob.sees(" alice: hello");
    alice.sees_row("* bob has read it");
    history_shows(&mut alice, "bob", " you → bob: hello ✓✓ read");
}

fn history_begins_at_a_time(store: Store) {
    let server = Server::start(store);
    friends(&server);
    let said = |text: &str| {
        let command = format!("/msg bob {text}");
        run(&server, &["/login alice", &command]).exits_with(0).done(&command)["time"]
            .as_i64()
            .expect("a time")
    };
    let early = said("early");
    eventually(LIMIT, "another second", || {
        (Timestamp::now().as_millisecond() / 1_000 > early / 1_000 + 1).then_some(())
    });
    let late = said("late");
    said("later");
    let clock = |ms: i64| {
        let time = Timestamp::from_millisecond(ms).expect("a time").to_zoned(TimeZone::system());
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let mut bob = Person::sit_down("bob", &server);
    bob.logs_in();
    // Until then they may still be on their way to the screen.
    bob.sees("3 new messages while you were away");
    bob.talks_to("alice");
    bob.enters(&format!("/history {}", clock(late)));
    bob.sees(" alice: late");
    bob.sees(" alice: later");
    bob.waits_for_prompt("bob → alice>");
    let before = shown(&bob, " alice: early");
    // What was before comes next.
    bob.enters("/history");
    bob.sees_row("* this is the beginning");
    bob.waits_for_prompt("bob → alice>");
    assert_eq!(shown(&bob, " alice: early"), before + 1);
    let before = shown(&bob, " alice: later");
    bob.enters(&format!("/history {} 1", clock(early)));
    bob.enters(&format!("/history {}", clock(late + Duration::from_secs(86_400).as_millis() as i64)));
    bob.sees_row("! nothing was said since then");
    bob.waits_for_prompt("bob → alice>");
    assert_eq!(shown(&bob, " alice: later"), before, "one, and no more");
    bob.enters("/history 2026-02-30");
    bob.sees_row("! /history: \"2026-02-30\" is no day such as 2026-01-31");

    // The same from the own copy.
    let away = ["/chat alice", &format!("/history {}", clock(late))].map(str::to_owned);
    drop(server);
    bob.sees_row("* no connection: ");
    bob.enters(&away[0]);
    bob.enters(&away[1]);
    bob.terminal.wait(LIMIT, "later, again", |_| (shown(&bob, " alice: later") > before).then_some(()));
}

/// How many rows ended like this so far.
fn shown(person: &Person, end: &str) -> usize {
    person.terminal.transcript().iter().filter(|row| row.ends_with(end)).count()
}
