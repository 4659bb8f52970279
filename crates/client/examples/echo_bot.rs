//! A bot that answers every friend with the friend's own words.
//!
//! `cargo run -p client --example echo_bot -- 127.0.0.1:7000 NAME PASSWORD`

use client::protocol::{FriendEventKind, FriendRef, Login, Request, Secret};
use client::{Client, Config, Event};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, name, password] = arguments.as_slice() else {
        return Err("usage: echo_bot HOST:PORT NAME PASSWORD".into());
    };
    let (client, events) = Client::connect(Config::new(server).device("echo bot"))?;
    let (name, password) = (Some(name.clone()), Secret::new(password));
    let me = client.log_in(Login { name, password, ..Login::default() })?;
    println!("{} is user {}", me.name, me.id);
    for request in &me.requests {
        befriend(&client, request.id);
    }
    // What a friend said is answered in the direct conversation with them, also when it was said in a group.
    while let Ok(event) = events.next() {
        match event {
            Event::Message { message, .. } if message.from != me.id => {
                match client.say_to_friend(message.from, &message.msg) {
                    Ok(sent) => println!("answered {} with message {}", message.name, sent.seq),
                    Err(error) => println!("{} gets no answer: {error}", message.name),
                }
            }
            Event::Friend(event) if event.event == FriendEventKind::Requested => befriend(&client, event.id),
            Event::Disconnected { why, .. } => println!("no connection: {why}"),
            Event::SessionEnded(end) => return Err(format!("the session ended: {end:?}").into()),
            _ => {}
        }
    }
    Ok(())
}

fn befriend(client: &Client, friendid: u64) {
    if let Err(error) = client.call(Request::AcceptFriend(FriendRef { friendid })) {
        println!("user {friendid} is no friend: {error}");
    }
}
