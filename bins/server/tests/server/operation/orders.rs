//! Orders over HTTP, as the operators' page says that a program of theirs may give them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::support::{DEADLINE, Options, Server, Store, TOKEN, user};

/// Sends these bytes to an admin address; status and body of what it answers before it closes.
fn post(admin: SocketAddr, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(admin).expect("the node runs");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    write!(stream, "{head}\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, and the end");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

fn order(admin: SocketAddr, token: &str, order: &Value) -> (u16, String) {
    let body = order.to_string();
    let length = body.len();
    let head =
        format!("POST /broadcasts HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}");
    post(admin, &head, &body)
}

fn of(key: &str, operator: &str, text: &str) -> Value {
    json!({ "key": key, "operator": operator, "text": text })
}

#[test]
fn an_order_over_http_is_answered_as_the_operators_page_says() {
    let server = Server::start(Options::on(Store::Sqlite).taking_orders().with("broadcasts-burst", 3));
    let mut alice = user(&server, "alice");
    let admin = server.admin_address();
    let (longest_key, longest_name) = ("k".repeat(64), "é".repeat(64));
    let longest = "é".repeat(2_048);

    assert_eq!(order(admin, TOKEN, &of("k", "cron", "hi")), (200, "broadcast 1 is stored\n".to_owned()));
    assert_eq!(alice.broadcast().msg, "hi");
    let repeated = "broadcast 1 was stored before, by the same key\n";
    assert_eq!(order(admin, TOKEN, &of("k", "cron", "hi")), (200, repeated.to_owned()));
    assert_eq!(order(admin, TOKEN, &of(&longest_key, &longest_name, &longest)).0, 200, "as long as may be");
    assert_eq!(alice.broadcast().msg, longest);

    for (wrong, says) in [
        (of("k", "cron", "something else"), "another text was broadcast with this key"),
        (json!({ "key": "x", "operator": "cron" }), "missing field `text`"),
        (json!({ "key": "x", "operator": "cron", "text": "hi", "to": 1 }), "unknown field `to`"),
        (json!({ "key": "x", "operator": "cron", "text": 1 }), "invalid type"),
        (of("", "cron", "hi"), "a key is 1 to 64 printable ASCII characters"),
        (of("a b", "cron", "hi"), "a key is 1 to 64 printable ASCII characters"),
        (of(&format!("{longest_key}k"), "cron", "hi"), "a key is 1 to 64 printable ASCII characters"),
        (of("x", " ", "hi"), "an operator's name is 1 to 64 characters"),
        (of("x", &format!("{longest_name}n"), "hi"), "an operator's name is 1 to 64 characters"),
        (of("x", "cron", ""), "cannot be empty"),
        (of("x", "cron", &format!("{longest}x")), "has at most 4096 bytes"),
    ] {
        let (status, body) = order(admin, TOKEN, &wrong);
        assert!(
            status == 400 && body.contains(says) && body.lines().count() == 1,
            "{wrong}: {status} {body}"
        );
    }
    assert_eq!(order(admin, "not-the-token-of-the-tests", &of("x", "cron", "hi")).0, 401);
    const HEAD: &str = "POST /broadcasts HTTP/1.1\r\nAuthorization: Bearer";
    assert_eq!(post(admin, "POST /broadcasts HTTP/1.1\r\nContent-Length: 0", "").0, 401);
    assert_eq!(post(admin, "PUT /broadcasts HTTP/1.1\r\nContent-Length: 0", "").0, 405);
    assert_eq!(post(admin, "GET /broadcasts HTTP/1.1\r\nConnection: close", "").0, 405);
    assert_eq!(post(admin, &format!("{HEAD} {TOKEN}"), "").0, 411);
    assert_eq!(post(admin, &format!("{HEAD} {TOKEN}\r\nContent-Length: 32769"), "").0, 413);
    assert_eq!(post(admin, &format!("{HEAD} {TOKEN}\r\nTransfer-Encoding: chunked"), "").0, 413);
    assert_eq!(post(admin, &format!("{HEAD} {TOKEN}\r\n{}", "x: y\r\n".repeat(64)), "").0, 431);
    assert_eq!(server.stored_rows("broadcasts"), 2, "nothing else was taken");

    assert_eq!(order(admin, TOKEN, &of("third", "cron", "hi")).0, 200);
    assert_eq!(order(admin, TOKEN, &of("fourth", "cron", "hi")).0, 429, "broadcasts_burst");
    let without = Server::start(Options::on(Store::Sqlite).with("admin", "127.0.0.1:0"));
    assert_eq!(order(without.admin_address(), TOKEN, &of("x", "cron", "hi")).0, 403);
}
