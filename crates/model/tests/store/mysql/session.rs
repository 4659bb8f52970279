//! What a connection is set up for, and how it is refused.

use std::time::{Duration, Instant};

use domain::{
    Account, AppendRefused, MessageLog, NewUser, Novelty, PageSize, Seq, Timestamp, UserStore, Window,
};
use model::mysql::OpenError;
use testkit::MariaDb;

use super::*;

#[test]
fn keys_are_compared_byte_by_byte_and_text_comes_back_as_it_went() {
    let store = fresh();
    let (ann, _, conversation) = friends(&store);
    let keys = ["a", "A", "á", "a ", " a", "a\0", "a\t", "ａ", "'", "\\", "%", "_", "?", ":a", "\u{10ffff}"];
    for (place, key) in keys.iter().enumerate() {
        let new =
            NewUser { name: "n", name_key: key, password_hash: "h", recovery_codes: &[], at: Timestamp(1) };
        let id = store.create_user(&new).unwrap().unwrap_or_else(|| panic!("{key:?} is taken"));
        assert_eq!(store.credentials(Account::NameKey(key)).unwrap().unwrap().user.id, id);
        let mut said = message(conversation, ann, key);
        said.body = format!("{key}\0\u{1f600}'\"\\; DROP TABLE users; -- %s {key}");
        let answer = store.append(std::slice::from_ref(&said)).unwrap()[0].unwrap();
        assert_eq!((answer.novelty, answer.seq), (Novelty::New, Seq(place as u64 + 1)), "{key:?}");
        let page =
            store.page(conversation, Seq(0), Window::Newest, PageSize { messages: 1, bytes: 0 }).unwrap();
        assert_eq!((&page[0].client_msg_id, &page[0].body), (&said.client_msg_id, &said.body));
    }
}

#[test]
fn a_large_batch_of_large_messages_fits_the_servers_packets() {
    let store = fresh();
    let (ann, _, conversation) = friends(&store);
    let mut batch: Vec<_> = (0..500).map(|place| message(conversation, ann, &place.to_string())).collect();
    for message in &mut batch {
        message.body = "\u{1f600}".repeat(16 * 1024);
    }
    batch.push(message(ConversationId(999_999), ann, "nowhere"));
    let places = store.append(&batch).unwrap();
    assert_eq!(places[500], Err(AppendRefused::NoSuchConversation));
    assert!(places[..500].iter().enumerate().all(|(n, place)| place.unwrap().seq == Seq(n as u64 + 1)));
    assert_eq!(ids(&store, conversation).len(), 500);
}

#[test]
fn a_wrong_password_is_said_without_the_password() {
    let server = MariaDb::shared();
    let database = server.create_database("secret");
    let url = server.url(&database).replace("root@", "nobody:hunter2@");
    let error = MySqlStore::open(&Config::from_url(&url).unwrap()).err().unwrap();
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("Access denied"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_said_so_at_once() {
    let begun = Instant::now();
    let error = MySqlStore::open(&hasty("mysql://root@127.0.0.1:1/chat")).err().unwrap();
    assert!(error.to_string().starts_with("cannot connect to mysql://root@127.0.0.1:1/chat: "), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
