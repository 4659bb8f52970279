//! The embedded store: conformance, and what a file can go through.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use domain::testing::conformance;
use domain::{
    Accepted, ConversationId, FriendLimits, FriendStore, Mentions, MessageKind, MessageLog, NewMessage,
    NewSession, NewUser, Novelty, PageSize, Requested, Seq, SessionStore, Store, StoreError, StoredMessage,
    Timestamp, TokenHash, UserId, UserStore, Window,
};
use model::MigrationError;
use model::sqlite::{OpenError, Options, SqliteStore};
use rusqlite::Connection;

use crate::upgrade;

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(super) fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, &Options::default()).unwrap()
}

pub(super) fn user(store: &SqliteStore, name: &str) -> UserId {
    let user = NewUser { name, name_key: name, password_hash: "$fake$0$pw", recovery_codes: &[], at: NOW };
    store.create_user(&user).unwrap().unwrap()
}

/// Two friends and their conversation.
pub(super) fn friends(store: &SqliteStore) -> (UserId, UserId, ConversationId) {
    let limits = FriendLimits { friends: 10, requests: 10 };
    let (ann, bob) = (user(store, "ann"), user(store, "bob"));
    assert_eq!(store.request_friend(ann, bob, "", NOW, limits).unwrap(), Requested::Waiting);
    match store.accept_friend(bob, ann, NOW, limits).unwrap() {
        Accepted::Friends(befriended) => (ann, bob, befriended.conversation),
        other => panic!("{other:?}"),
    }
}

pub(super) fn message(conversation: ConversationId, sender: UserId, id: &str) -> NewMessage {
    let (client_msg_id, body) = (id.to_owned(), format!("body of {id}"));
    NewMessage {
        conversation,
        sender,
        client_msg_id,
        time: NOW,
        kind: MessageKind::Text,
        body,
        reply_to: None,
        mentions: Mentions::default(),
    }
}

pub(super) fn log(store: &SqliteStore, conversation: ConversationId) -> Vec<StoredMessage> {
    let all = PageSize { messages: u32::MAX, bytes: usize::MAX };
    store.page(conversation, Seq(0), Window::After(Seq(0)), all).unwrap()
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

fn open_error(folder: &Path) -> OpenError {
    match SqliteStore::open(folder, &Options::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let token = TokenHash([7; 32]);
    let store = open(folder.path());
    let (ann, bob, conversation) = friends(&store);
    let session = NewSession {
        user: ann,
        password_hash: "$fake$0$pw",
        token,
        device: "phone",
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    let (session, _) = store.create_session(&session, 10).unwrap().expect("the password holds");
    let batch: Vec<NewMessage> = (0..100).map(|n| message(conversation, ann, &n.to_string())).collect();
    store.append(&batch).unwrap();
    let said = log(&store, conversation);
    drop(store);
    assert_eq!(names(folder.path()), ["chat.db", "chat.lock"], "everything is in the one file");

    let store = open(folder.path());
    assert_eq!(log(&store, conversation), said);
    assert_eq!(store.friendship(bob, ann).unwrap(), Some(conversation));
    assert_eq!(store.session_by_token(token).unwrap().unwrap().session.id, session);
    let again = store.append(&batch).unwrap();
    assert!(again.iter().all(|answer| answer.unwrap().novelty == Novelty::Repeat));
    assert_eq!(user(&store, "cho").0, bob.0 + 1, "ids go on where they stopped");
}

#[test]
fn a_new_folder_is_private_and_an_old_one_stays_as_it_is() {
    let parent = tempfile::tempdir().unwrap();
    let mode = |folder: &Path| fs::metadata(folder).unwrap().permissions().mode() & 0o777;
    let new = parent.path().join("deep").join("data");
    drop(open(&new));
    assert_eq!(mode(&new), 0o700);
    let old = parent.path().join("old");
    fs::create_dir(&old).unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o750)).unwrap();
    drop(open(&old));
    assert_eq!(mode(&old), 0o750);
}

#[test]
fn a_second_server_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("is in use by another server: stop it"), "{error}");
    user(&store, "ann");
    drop(store);
    let store = open(folder.path());
    user(&store, "bob");
}

#[test]
fn what_cannot_be_opened_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    assert!(matches!(open_error(&file), OpenError::Folder { .. }));

    let database = folder.path().join("chat.db");
    fs::write(&database, "this is not a database, but a text of some length").unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert_eq!(fs::read(&database).unwrap(), b"this is not a database, but a text of some length");
}

#[test]
fn a_schema_that_does_not_fit_is_refused_and_left_alone() {
    for (change, sentence) in [
        (
            "UPDATE schema_migrations SET checksum = 'x' WHERE number = 1",
            "differs from the one that was run on this database",
        ),
        (
            "UPDATE schema_migrations SET finished_at = NULL WHERE number = 1",
            "was started and never finished",
        ),
        (
            "INSERT INTO schema_migrations VALUES (1000000, 'future', 'x', 0, 0)",
            "is missing from the database's list",
        ),
        (
            "INSERT INTO schema_migrations SELECT max(number) + 1, 'future', 'x', 0, 0 FROM schema_migrations",
            "(future), this version knows only",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("chat.db");
        drop(open(folder.path()));
        Connection::open(&database).unwrap().execute_batch(change).unwrap();
        let before = fs::read(&database).unwrap();
        let error = open_error(folder.path());
        assert!(matches!(error, OpenError::Migration { .. }), "{error}");
        assert!(error.to_string().contains(sentence), "{error}");
        assert!(fs::read(&database).unwrap() == before, "nothing was changed: {error}");
    }
}

#[test]
fn the_newest_migration_is_the_schemas_version() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = Connection::open(folder.path().join("chat.db")).unwrap();
    let newest: u32 =
        database.query_row("SELECT max(number) FROM schema_migrations", [], |row| row.get(0)).unwrap();
    assert_eq!(newest, SqliteStore::SCHEMA);
}

#[test]
fn the_first_versions_database_is_brought_to_this_one() {
    const FIRST: &str = include_str!("../../../../sql/sqlite/0001_schema.sql");
    const LIST: &str = "CREATE TABLE schema_migrations (
        number      INTEGER NOT NULL PRIMARY KEY,
        name        TEXT    NOT NULL,
        checksum    TEXT    NOT NULL,
        started_at  INTEGER NOT NULL,
        finished_at INTEGER
    ) STRICT";
    let folder = tempfile::tempdir().unwrap();
    let database = Connection::open(folder.path().join("chat.db")).unwrap();
    for statement in upgrade::old_database(&[("schema", FIRST)], LIST) {
        database.execute_batch(&statement).unwrap();
    }
    drop(database);
    upgrade::check(&open(folder.path()));
    // Once, and not at every start.
    open(folder.path());
}

#[test]
fn a_migration_error_says_which() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = Connection::open(folder.path().join("chat.db")).unwrap();
    database.execute_batch("UPDATE schema_migrations SET checksum = 'x' WHERE number = 1").unwrap();
    drop(database);
    let OpenError::Migration { file, cause } = open_error(folder.path()) else { panic!("it was opened") };
    assert_eq!(file, folder.path().join("chat.db"));
    assert_eq!(cause, MigrationError::Changed { number: 1, name: "schema".to_owned() });
}

#[test]
fn others_write_while_an_appender_never_stops() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, _, conversation) = friends(&store);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let appender = scope.spawn(|| {
            let mut said = 0;
            while !done.load(Ordering::Relaxed) {
                let batch: Vec<NewMessage> =
                    (said..said + 100).map(|n: u64| message(conversation, ann, &n.to_string())).collect();
                store.append(&batch).unwrap();
                said += 100;
            }
            said
        });
        for n in 0..100 {
            user(&store, &format!("user {n}"));
        }
        done.store(true, Ordering::Relaxed);
        let said = appender.join().unwrap();
        assert_eq!(log(&store, conversation).len() as u64, said);
    });
}

#[test]
fn a_tool_that_holds_the_file_makes_writes_unavailable_and_lets_reads_pass() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { wait: Duration::from_millis(50), ..Options::default() };
    let store = SqliteStore::open(folder.path(), &options).unwrap();
    let (ann, _, conversation) = friends(&store);
    let tool = Connection::open(folder.path().join("chat.db")).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = [message(conversation, ann, "one")];
    let refused = store.append(&batch);
    assert!(
        matches!(refused, Err(StoreError::Unavailable { operation: "append messages", .. })),
        "{refused:?}"
    );
    assert_eq!(log(&store, conversation), []);
    tool.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.append(&batch).unwrap()[0].unwrap().novelty, Novelty::New);
}

#[test]
fn a_broken_file_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, _, conversation) = friends(&store);
    let batch: Vec<NewMessage> = (0..10_000).map(|n| message(conversation, ann, &n.to_string())).collect();
    store.append(&batch).unwrap();
    drop(store);
    // All but the first pages, which opening reads.
    let database = folder.path().join("chat.db");
    let mut bytes = fs::read(&database).unwrap();
    let kept = 64 * 4096;
    assert!(bytes.len() > 2 * kept);
    bytes[kept..].fill(0xAA);
    fs::write(&database, bytes).unwrap();
    let store = open(folder.path());
    let all = PageSize { messages: u32::MAX, bytes: usize::MAX };
    let failed = store.page(conversation, Seq(0), Window::After(Seq(0)), all);
    assert!(matches!(failed, Err(StoreError::Failed { operation: "read messages", .. })), "{failed:?}");
}

#[test]
fn the_log_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { wal_kib: 256, ..Options::default() };
    let store = SqliteStore::open(folder.path(), &options).unwrap();
    let (ann, _, conversation) = friends(&store);
    let (mut said, mut largest) = (0, 0);
    for _ in 0..200 {
        let batch: Vec<NewMessage> =
            (said..said + 100).map(|n: u64| message(conversation, ann, &n.to_string())).collect();
        store.append(&batch).unwrap();
        said += 100;
        largest = fs::metadata(folder.path().join("chat.db-wal")).unwrap().len().max(largest);
    }
    // The mark where it is copied into the database, and the commit that reached it.
    assert!(largest < 2 * 256 * 1024, "the log grew to {largest} bytes");
    let copied = fs::metadata(folder.path().join("chat.db")).unwrap().len();
    assert!(copied > 500_000, "{copied} bytes are in the database");
    assert_eq!(log(&store, conversation).len() as u64, said);
}
