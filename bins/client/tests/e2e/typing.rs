//! Whoever types to somebody is seen to, as long as it is not a command.

use crate::LIMIT;
use crate::person::Person;
use crate::scripts::friends;
use crate::server::{Server, Store, on_each_store};

on_each_store!(who_types_text_is_seen_in_the_title, who_does_not_want_it_is_not_seen);

const TYPING: &str = "\x1b]0;bob is typing - chat: alice\x07";
const NOBODY: &str = "\x1b]0;chat: alice\x07";

/// Where in what was written to the terminal this stands last.
fn written(person: &Person, text: &str) -> Option<usize> {
    person.terminal.output().windows(text.len()).rposition(|window| window == text.as_bytes())
}

/// Both at their terminals, each with the other's conversation open.
fn pair(server: &Server, arguments: &[&str]) -> (Person, Person) {
    friends(server);
    let mut alice = Person::sit_down("alice", server);
    alice.logs_in();
    let mut bob = Person::sit_down_with("bob", server, arguments);
    bob.logs_in();
    alice.talks_to("bob");
    bob.talks_to("alice");
    (alice, bob)
}

/// Has bob say something in passing, which comes after all that he caused before.
fn says_by_command(bob: &mut Person, alice: &Person, text: &str) {
    bob.enters(&format!("/msg alice {text}"));
    alice.sees(&format!(" bob: {text}"));
}

fn who_types_text_is_seen_in_the_title(store: Store) {
    let server = Server::start(store);
    let (alice, mut bob) = pair(&server, &[]);
    says_by_command(&mut bob, &alice, "one");
    assert_eq!(written(&alice, TYPING), None, "a command is nobody's business");
    bob.presses("see you at ");
    let typing = alice.terminal.wait(LIMIT, "who types", |_| written(&alice, TYPING));
    bob.enters("seven");
    alice.sees(" bob: see you at seven");
    alice.terminal.wait(LIMIT, "the end of it", |_| written(&alice, NOBODY).filter(|at| *at > typing));
    assert_eq!(written(&bob, "is typing"), None, "nobody typed to bob");
}

fn who_does_not_want_it_is_not_seen(store: Store) {
    let server = Server::start(store);
    let (alice, mut bob) = pair(&server, &["--no-typing"]);
    bob.enters("one");
    alice.sees(" bob: one");
    says_by_command(&mut bob, &alice, "two");
    assert_eq!(written(&alice, TYPING), None);
}
