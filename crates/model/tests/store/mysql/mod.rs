//! The store over MySQL, on a private MariaDB.

mod indexing;
mod lost;
mod message_search;
mod overload;
mod races;
mod schema;
mod secrets;
mod session;
mod single;
mod tenancy;

use std::sync::Arc;
use std::time::Duration;

use ::mysql::prelude::Queryable;
use domain::testing::conformance;
use domain::{
    ConversationId, FriendLimits, GroupLimits, Mentions, MessageKind, NewMessage, NewUser, PageSize,
    Requested, Seq, Store, StoreError, Timestamp, UserId, Window,
};
use model::mysql::{Config, MySqlStore, SingleAppend};
use testkit::{MariaDb, eventually};

/// Far above what anything here takes.
const LIMIT: Duration = Duration::from_secs(60);
const WHOLE: PageSize = PageSize { messages: 10_000, bytes: usize::MAX };
const FRIENDS: FriendLimits = FriendLimits { friends: 100, requests: 100 };
const GROUPS: GroupLimits =
    GroupLimits { members: 100, groups: 100, requests: 1_000, requests_per_user: 1_000 };

fn open(url: &str) -> MySqlStore {
    MySqlStore::open(&Config::from_url(url).unwrap()).unwrap()
}

/// A store on a database of its own, on the server that all tests share.
fn fresh() -> MySqlStore {
    let server = MariaDb::shared();
    open(&server.url(&server.create_database("store")))
}

/// Gives up soon, so that tests of giving up are short.
fn hasty(url: &str) -> Config {
    let mut config = Config::from_url(url).unwrap();
    config.checkout_timeout = Duration::from_millis(500);
    config.connect_timeout = Duration::from_millis(500);
    config
}

fn user(store: &dyn Store, name: &str) -> UserId {
    let new =
        NewUser { name, name_key: name, password_hash: "$argon2id$", recovery_codes: &[], at: Timestamp(1) };
    store.create_user(&new).unwrap().unwrap()
}

/// Two friends and their conversation.
fn friends(store: &dyn Store) -> (UserId, UserId, ConversationId) {
    let (ann, bob) = (user(store, "ann"), user(store, "bob"));
    store.request_friend(ann, bob, "hi", Timestamp(1), FRIENDS).unwrap();
    match store.request_friend(bob, ann, "hi", Timestamp(1), FRIENDS).unwrap() {
        Requested::Friends(befriended) => (ann, bob, befriended.conversation),
        other => panic!("{other:?}"),
    }
}

fn message(conversation: ConversationId, sender: UserId, id: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender,
        client_msg_id: id.to_owned(),
        time: Timestamp(7),
        kind: MessageKind::Text,
        body: format!("body of {id}"),
        reply_to: None,
        mentions: Mentions::default(),
    }
}

/// The client message ids of a conversation, in order of seq, after checking that the seqs have no holes.
fn ids(store: &dyn Store, conversation: ConversationId) -> Vec<String> {
    let page = store.page(conversation, Seq(0), Window::After(Seq(0)), WHOLE).unwrap();
    assert!(page.iter().map(|message| message.seq.0).eq(1..=page.len() as u64));
    page.into_iter().map(|message| message.client_msg_id).collect()
}

fn is_unavailable<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable { .. }))
}

/// Waits until somebody in this database waits for (or is about to wait for) rows to lock.
fn wait_for_locker(database: &str) {
    let sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ? AND info LIKE '%FOR UPDATE'";
    let mut conn = MariaDb::shared().connect("");
    eventually(LIMIT, "somebody waits for a lock", || {
        (conn.exec_first::<u32, _, _>(sql, (database,)).unwrap() == Some(1)).then_some(())
    });
}

fn name_of(store: &dyn Store, id: UserId) -> Result<String, StoreError> {
    Ok(store.users(&[id])?.pop().unwrap().name)
}

#[test]
fn passes_the_conformance_suite() {
    conform(SingleAppend::Procedure);
}

#[test]
fn passes_the_conformance_suite_without_the_procedure() {
    conform(SingleAppend::Transaction);
}

fn conform(single_append: SingleAppend) {
    // One database for all, and for each another store, as if on another node.
    let server = MariaDb::shared();
    let mut config = Config::from_url(&server.url(&server.create_database("conformance"))).unwrap();
    config.single_append = single_append;
    conformance::run_all(&|| Arc::new(MySqlStore::open(&config).unwrap()));
}
