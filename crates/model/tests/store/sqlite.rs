//! The embedded store: conformance, and what a file can go through.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::testing::conformance;
use domain::{
    Accepted, ConversationId, FriendLimits, FriendStore, MessageKind, MessageLog, NewMessage, NewSession,
    NewUser, PageSize, Requested, Seq, SessionStore, Store, StoreError, StoredMessage, Timestamp, TokenHash,
    UserId, UserStore, Window,
};
use model::MigrationError;
use model::sqlite::{OpenError, Options, SqliteStore};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, &Options::default()).unwrap()
}

fn user(store: &SqliteStore, name: &str) -> UserId {
    let user = NewUser { name, name_key: name, password_hash: "$fake$0$pw", at: NOW };
    store.create_user(&user).unwrap().unwrap()
}

/// Two friends and their conversation.
fn friends(store: &SqliteStore) -> (UserId, UserId, ConversationId) {
    let limits = FriendLimits { friends: 10, requests: 10 };
    let (ann, bob) = (user(store, "ann"), user(store, "bob"));
    assert_eq!(store.request_friend(ann, bob, "", NOW, limits).unwrap(), Requested::Waiting);
    match store.accept_friend(bob, ann, NOW, limits).unwrap() {
        Accepted::Friends(conversation) => (ann, bob, conversation),
        other => panic!("{other:?}"),
    }
}

fn message(conversation: ConversationId, sender: UserId, id: &str) -> NewMessage {
    let (client_msg_id, body) = (id.to_owned(), format!("body of {id}"));
    NewMessage { conversation, sender, client_msg_id, time: NOW, kind: MessageKind::Text, body }
}

fn log(store: &SqliteStore, conversation: ConversationId) -> Vec<StoredMessage> {
    let all = PageSize { messages: u32::MAX, bytes: usize::MAX };
    store.page(conversation, Seq(0), Window::After(Seq(0)), all).unwrap()
}

/// Keeps the folder for as long as the store.
struct InFolder {
    store: SqliteStore,
    _folder: tempfile::TempDir,
}

#[test]
fn conformance_on_a_fresh_file_each() {
    for case in conformance::CASES {
        println!("conformance: {}", case.name);
        let folder = tempfile::tempdir().unwrap();
        (case.run)(&open(folder.path()));
    }
}

#[test]
fn conformance_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(open(folder.path()));
    conformance::run_all(&|| store.clone());
}
