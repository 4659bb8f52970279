//! The store over MySQL, on a private MariaDB.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use ::mysql::prelude::Queryable;
use domain::testing::conformance;
use domain::{
    Account, AppendRefused, Appended, ConversationId, FriendLimits, GroupLimits, GroupStore, Joined, Left,
    MessageKind, MessageLog, NewGroup, NewMessage, NewUser, Novelty, PageSize, Requested, Seq, Store,
    StoreError, Timestamp, UserId, UserStore, Window,
};
use model::MigrationError;
use model::mysql::{Config, MySqlStore, OpenError};
use testkit::{MariaDb, Proxy, When, eventually};

/// Far above what anything here takes.
const LIMIT: Duration = Duration::from_secs(60);
const WHOLE: PageSize = PageSize { messages: 10_000, bytes: usize::MAX };
const FRIENDS: FriendLimits = FriendLimits { friends: 100, requests: 100 };
const GROUPS: GroupLimits = GroupLimits { members: 100, groups: 100 };

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
    let new = NewUser { name, name_key: name, password_hash: "$argon2id$", at: Timestamp(1) };
    store.create_user(&new).unwrap().unwrap()
}

/// Two friends and their conversation.
fn friends(store: &dyn Store) -> (UserId, UserId, ConversationId) {
    let (ann, bob) = (user(store, "ann"), user(store, "bob"));
    store.request_friend(ann, bob, "hi", Timestamp(1), FRIENDS).unwrap();
    match store.request_friend(bob, ann, "hi", Timestamp(1), FRIENDS).unwrap() {
        Requested::Friends(conversation) => (ann, bob, conversation),
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

fn name_of(store: &dyn Store, id: UserId) -> Result<String, StoreError> {
    Ok(store.users(&[id])?.pop().unwrap().name)
}

#[test]
fn passes_the_conformance_suite() {
    // One database for all, and for each another store, as if on another node.
    let server = MariaDb::shared();
    let url = server.url(&server.create_database("conformance"));
    conformance::run_all(&|| Arc::new(open(&url)));
}

// --- lost connections -------------------------------------------------------------------------------------------

#[test]
fn a_connection_lost_at_commit_leaves_the_outcome_unknown_and_the_retry_settles_it() {
    let server = MariaDb::shared();
    let database = server.create_database("commit");
    let proxy = Proxy::start(server.address());
    let store = open(&server.url_through(proxy.address(), &database));
    let (ann, _, conversation) = friends(&store);

    for (when, novelty) in [(When::BeforeRequest, Novelty::New), (When::BeforeAnswer, Novelty::Repeat)] {
        let batch = [message(conversation, ann, &format!("{when:?}"))];
        proxy.cut_at(b"COMMIT", when);
        let lost = store.append(&batch);
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown { .. })), "{when:?}: {lost:?}");
        assert!(!proxy.trap_waits());
        // The server rolls back when it sees the connection gone, and until then holds the lock.
        let answer = store.append(&batch).unwrap()[0].unwrap();
        assert_eq!(answer.novelty, novelty, "{when:?}");
    }
    assert_eq!(ids(&store, conversation), ["BeforeRequest", "BeforeAnswer"]);
}

#[test]
fn a_connection_lost_before_the_commit_changed_nothing() {
    let server = MariaDb::shared();
    let database = server.create_database("lost");
    let proxy = Proxy::start(server.address());
    let store = open(&server.url_through(proxy.address(), &database));
    let (ann, _, conversation) = friends(&store);
    let batch = [message(conversation, ann, "one")];
    store.append(&batch).unwrap();

    for (step, when) in [
        (&b"START TRANSACTION"[..], When::BeforeRequest),
        (b"START TRANSACTION", When::BeforeAnswer),
        // The body travels in the INSERT.
        (b"body of two", When::BeforeRequest),
        (b"body of two", When::BeforeAnswer),
    ] {
        proxy.cut_at(step, when);
        let lost = store.append(&[message(conversation, ann, "two")]);
        assert!(is_unavailable(lost), "{} {when:?}", String::from_utf8_lossy(step));
        assert!(!proxy.trap_waits());
    }
    assert_eq!(ids(&store, conversation), ["one"]);
    assert_eq!(store.append(&[message(conversation, ann, "two")]).unwrap()[0].unwrap().seq, Seq(2));
}

#[test]
fn a_connection_that_timed_out_never_gives_the_next_one_its_late_answer() {
    let server = MariaDb::shared();
    let database = server.create_database("late");
    let direct = open(&server.url(&database));
    let (ann, bob) = (user(&direct, "ann"), user(&direct, "bob"));
    let proxy = Proxy::start(server.address());
    let mut config = Config::from_url(&server.url_through(proxy.address(), &database)).unwrap();
    config.pool_size = 1;
    config.read_margin = Duration::from_millis(100);
    config.statement_timeout = Duration::from_millis(100);
    let store = MySqlStore::open(&config).unwrap();
    assert_eq!(name_of(&store, ann).unwrap(), "ann");

    proxy.hold();
    assert!(is_unavailable(name_of(&store, ann)));
    // Now the answer "ann" arrives on the connection that nobody listens to any more.
    proxy.resume();
    for _ in 0..3 {
        assert_eq!(eventually(LIMIT, "an answer", || name_of(&store, bob).ok()), "bob");
        assert_eq!(name_of(&store, ann).unwrap(), "ann");
    }
}

#[test]
fn a_database_that_dies_and_comes_back_needs_nobodys_help() {
    let server = MariaDb::start();
    let database = server.create_database("crash");
    let mut config = hasty(&server.url(&database));
    config.pool_size = 4;
    let store = Arc::new(MySqlStore::open(&config).unwrap());
    let (ann, _, conversation) = friends(&*store);

    // All connections of the pool are in use and good before the crash.
    let barrier = Arc::new(Barrier::new(4));
    let users: Vec<_> = (0..4)
        .map(|number| {
            let (store, barrier) = (Arc::clone(&store), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                (0..20).for_each(|turn| {
                    store.append(&[message(conversation, ann, &format!("{number}-{turn}"))]).unwrap();
                });
            })
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());

    server.kill();
    // The first ones meet the pool's four dead connections, the others a server that is not there.
    for turn in 0..3 {
        assert!(is_unavailable(name_of(&*store, ann)), "turn {turn}");
        assert!(is_unavailable(store.append(&[message(conversation, ann, "never")])), "turn {turn}");
    }
    server.restart();
    eventually(LIMIT, "the store works again", || name_of(&*store, ann).ok());
    // From the first success on there are no failures: dead connections are found before they are used.
    for turn in 0..20 {
        store.append(&[message(conversation, ann, &format!("after-{turn}"))]).unwrap();
    }
    assert_eq!(ids(&*store, conversation).len(), 100);
}

#[test]
fn what_was_answered_survives_the_crash_of_the_database() {
    let server = MariaDb::start();
    let database = server.create_database("durable");
    let store = Arc::new(MySqlStore::open(&hasty(&server.url(&database))).unwrap());
    let (ann, _, conversation) = friends(&*store);

    let appender = {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            let mut answered: Vec<(String, Appended)> = Vec::new();
            loop {
                let batch: Vec<_> = (0..10)
                    .map(|place| message(conversation, ann, &format!("{}-{place}", answered.len())))
                    .collect();
                match store.append(&batch) {
                    Ok(places) => {
                        let places = places.into_iter().map(Result::unwrap);
                        answered.extend(batch.into_iter().map(|message| message.client_msg_id).zip(places));
                    }
                    Err(StoreError::Failed { operation, cause }) => panic!("{operation}: {cause}"),
                    Err(_) => return (answered, batch),
                }
            }
        })
    };
    // Enough to be in the middle of it.
    eventually(LIMIT, "messages", || {
        (store.page(conversation, Seq(0), Window::Newest, WHOLE).ok()?.len() > 200).then_some(())
    });
    server.kill();
    let (answered, unanswered) = appender.join().unwrap();
    server.restart();

    // The batch without an answer is there whole or not at all, and repeating it settles which.
    let places = eventually(LIMIT, "the store works again", || store.append(&unanswered).ok());
    assert!(
        places
            .iter()
            .map(|place| place.unwrap().novelty)
            .all(|novelty| novelty == places[0].unwrap().novelty)
    );
    let stored = ids(&*store, conversation);
    assert_eq!(stored.len(), answered.len() + unanswered.len());
    for (id, place) in &answered {
        assert_eq!(&stored[place.seq.0 as usize - 1], id);
    }
}

#[test]
fn a_killed_connection_is_replaced() {
    let server = MariaDb::shared();
    let database = server.create_database("killed");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.pool_size = 1;
    let store = MySqlStore::open(&config).unwrap();
    let ann = user(&store, "ann");
    let mut admin = server.connect("");
    let sql = "SELECT id FROM information_schema.processlist WHERE db = ?";
    for id in admin.exec::<u64, _, _>(sql, (&database,)).unwrap() {
        admin.query_drop(format!("KILL {id}")).unwrap();
    }
    assert!(is_unavailable(name_of(&store, ann)));
    assert_eq!(name_of(&store, ann).unwrap(), "ann");
}

// --- overload ---------------------------------------------------------------------------------------------------

#[test]
fn an_exhausted_pool_refuses_in_time_and_recovers() {
    let server = MariaDb::shared();
    let database = server.create_database("pool");
    let mut config = hasty(&server.url(&database));
    config.pool_size = 1;
    let store = Arc::new(MySqlStore::open(&config).unwrap());
    let (ann, _, conversation) = friends(&*store);

    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    admin.exec_drop("SELECT id FROM conversations WHERE id = ? FOR UPDATE", (conversation.0,)).unwrap();
    let waiter = {
        let store = Arc::clone(&store);
        thread::spawn(move || store.append(&[message(conversation, ann, "one")]))
    };
    let watch =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ? AND info LIKE '%FOR UPDATE%'";
    let mut watcher = server.connect("");
    eventually(LIMIT, "the one connection waits for the lock", || {
        (watcher.exec_first::<u32, _, _>(watch, (&database,)).unwrap() == Some(1)).then_some(())
    });

    let begun = Instant::now();
    assert!(is_unavailable(name_of(&*store, ann)));
    assert!(begun.elapsed() < config.checkout_timeout * 3, "{:?}", begun.elapsed());
    admin.query_drop("COMMIT").unwrap();
    waiter.join().unwrap().unwrap();
    assert_eq!(name_of(&*store, ann).unwrap(), "ann");
}

#[test]
fn a_lock_that_is_never_released_is_waited_for_in_vain_but_not_for_long() {
    let server = MariaDb::shared();
    let database = server.create_database("locked");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.statement_timeout = Duration::from_secs(2);
    let store = MySqlStore::open(&config).unwrap();
    let (ann, _, conversation) = friends(&store);

    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    admin.exec_drop("SELECT id FROM conversations WHERE id = ? FOR UPDATE", (conversation.0,)).unwrap();
    let begun = Instant::now();
    assert!(is_unavailable(store.append(&[message(conversation, ann, "one")])));
    assert!(begun.elapsed() < config.statement_timeout * 5, "{:?}", begun.elapsed());
    admin.query_drop("COMMIT").unwrap();
    assert_eq!(store.append(&[message(conversation, ann, "one")]).unwrap()[0].unwrap().novelty, Novelty::New);
}

#[test]
fn a_read_only_server_is_unavailable_for_changes() {
    let server = MariaDb::start();
    let database = server.create_database("read_only");
    let mut admin = server.connect(&database);
    // The administrator may write all the same; this user may not.
    admin.query_drop("CREATE USER chat@localhost IDENTIFIED BY 'hunter2'").unwrap();
    admin.query_drop(format!("GRANT ALL ON `{database}`.* TO chat@localhost")).unwrap();
    admin.query_drop("CREATE USER chat@'127.0.0.1' IDENTIFIED BY 'hunter2'").unwrap();
    admin.query_drop(format!("GRANT ALL ON `{database}`.* TO chat@'127.0.0.1'")).unwrap();
    let url = server.url(&database).replace("root@", "chat:hunter2@");
    let store = open(&url);
    let (ann, _, conversation) = friends(&store);

    admin.query_drop("SET GLOBAL read_only = 1").unwrap();
    assert!(is_unavailable(store.append(&[message(conversation, ann, "one")])));
    assert_eq!(name_of(&store, ann).unwrap(), "ann");
    admin.query_drop("SET GLOBAL read_only = 0").unwrap();
    store.append(&[message(conversation, ann, "one")]).unwrap();
}

// --- races ------------------------------------------------------------------------------------------------------

#[test]
fn appenders_of_many_nodes_give_each_conversation_one_order_without_holes() {
    const NODES: usize = 4;
    const BATCHES: usize = 25;
    let server = MariaDb::shared();
    let url = server.url(&server.create_database("nodes"));
    let first = open(&url);
    let owner = user(&first, "owner");
    let conversations: Vec<ConversationId> = (0..8)
        .map(|number| {
            let group = NewGroup { owner, name: "g", description: "", at: Timestamp(number) };
            match first.create_group(&group, GROUPS).unwrap() {
                domain::Created::Group(group) => group.conversation(),
                domain::Created::Full => panic!("full"),
            }
        })
        .collect();
    let nodes: Vec<_> = (0..NODES)
        .map(|node| {
            let (url, conversations) = (url.clone(), conversations.clone());
            thread::spawn(move || {
                let store = open(&url);
                for batch in 0..BATCHES {
                    // Each node goes through the conversations in its own order, and half of what each says is said by
                    // two nodes under the same id, to different conversations.
                    let messages: Vec<_> = (0..16)
                        .map(|place| {
                            let conversation =
                                conversations[(place * (node + 1) + batch) % conversations.len()];
                            let speaker = if place % 2 == 0 { node } else { node / 2 };
                            message(conversation, owner, &format!("{speaker}-{batch}-{place}"))
                        })
                        .collect();
                    store.append(&messages).unwrap();
                }
            })
        })
        .collect();
    nodes.into_iter().for_each(|node| node.join().unwrap());

    let mut all: Vec<String> =
        conversations.iter().flat_map(|conversation| ids(&first, *conversation)).collect();
    let stored = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), stored, "an id was stored twice");
    let spoken = NODES * BATCHES * 8 + NODES / 2 * BATCHES * 8;
    // Where nodes of one speaker used the same id at an even and an odd place, it counts once more: none here.
    assert_eq!(stored, spoken);
}

#[test]
fn members_are_counted_right_while_they_come_and_go() {
    const USERS: usize = 8;
    let server = MariaDb::shared();
    let url = server.url(&server.create_database("members"));
    let store = open(&url);
    let owner = user(&store, "owner");
    let group = NewGroup { owner, name: "g", description: "", at: Timestamp(1) };
    let domain::Created::Group(group) = store.create_group(&group, GROUPS).unwrap() else { panic!("full") };
    let limits = GroupLimits { members: 5, groups: 100 };
    let users: Vec<_> = (0..USERS).map(|number| user(&store, &format!("u{number}"))).collect();
    let threads: Vec<_> = users
        .iter()
        .map(|&user| {
            let url = url.clone();
            thread::spawn(move || {
                let store = open(&url);
                for _ in 0..20 {
                    match store.join_group(group, user, Timestamp(2), limits).unwrap() {
                        Joined::Member { members, .. } => {
                            assert!(members <= limits.members);
                            assert!(matches!(store.leave_group(group, user).unwrap(), Left::Left { .. }));
                        }
                        Joined::Full => {}
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.group(group).unwrap().unwrap().members, 1);
    assert_eq!(store.member_ids(group).unwrap(), [owner]);
}

// --- the schema -------------------------------------------------------------------------------------------------

#[test]
fn many_nodes_that_start_at_once_migrate_once() {
    let server = MariaDb::shared();
    let database = server.create_database("start");
    let url = server.url(&database);
    let barrier = Arc::new(Barrier::new(4));
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let (url, barrier) = (url.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                open(&url)
            })
        })
        .collect();
    let stores: Vec<_> = nodes.into_iter().map(|node| node.join().unwrap()).collect();
    let ann = user(&stores[0], "ann");
    assert_eq!(name_of(&stores[3], ann).unwrap(), "ann");
    let marks: Vec<(u32, bool)> = server
        .connect(&database)
        .query("SELECT number, finished_at >= started_at FROM schema_migrations ORDER BY number")
        .unwrap();
    assert!(marks.iter().enumerate().all(|(place, mark)| *mark == (place as u32 + 1, true)), "{marks:?}");
}

/// What opening says after the list of migrations was changed.
fn refusal(change: &str) -> (MigrationError, String) {
    let server = MariaDb::shared();
    let database = server.create_database("refusal");
    let url = server.url(&database);
    drop(open(&url));
    server.connect(&database).query_drop(change).unwrap();
    match MySqlStore::open(&Config::from_url(&url).unwrap()).err() {
        Some(OpenError::Migration(error)) => (error.clone(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_half_run_migration_is_refused() {
    let (error, text) = refusal("UPDATE schema_migrations SET finished_at = NULL WHERE number = 1");
    assert!(matches!(error, MigrationError::HalfRun { number: 1, .. }));
    assert!(text.contains("restore the database"), "{text}");
}

#[test]
fn a_changed_migration_is_refused() {
    let (error, text) = refusal("UPDATE schema_migrations SET checksum = REPEAT('0', 64) WHERE number = 1");
    assert!(matches!(error, MigrationError::Changed { number: 1, .. }));
    assert!(text.contains("was changed"), "{text}");
}

#[test]
fn a_newer_schema_is_refused() {
    let (error, text) = refusal(
        "INSERT INTO schema_migrations SELECT 999, 'later', checksum, started_at, finished_at \
         FROM schema_migrations WHERE number = 1",
    );
    assert!(matches!(error, MigrationError::Gap { .. } | MigrationError::Newer { .. }), "{text}");
}

#[test]
fn a_migration_that_fails_says_where_and_is_not_tried_again() {
    let server = MariaDb::shared();
    let database = server.create_database("failing");
    // In the way of the first migration's last table.
    server.connect(&database).query_drop("CREATE TABLE cursors (n INT)").unwrap();
    let config = Config::from_url(&server.url(&database)).unwrap();
    let error = MySqlStore::open(&config).err().unwrap();
    assert!(
        matches!(&error, OpenError::Migration(MigrationError::Statement { number: 1, cause, .. }) if cause.contains("cursors")),
        "{error}"
    );
    let again = MySqlStore::open(&config).err().unwrap();
    assert!(matches!(&again, OpenError::Migration(MigrationError::HalfRun { number: 1, .. })), "{again}");
}

#[test]
fn waits_for_another_node_that_migrates_but_not_for_ever() {
    let server = MariaDb::shared();
    let database = server.create_database("waiting");
    let mut other = server.connect(&database);
    let lock = "CONCAT('migrations:', SHA1(DATABASE()))";
    assert_eq!(other.query_first::<u8, _>(format!("SELECT GET_LOCK({lock}, 0)")).unwrap(), Some(1));
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.migration_wait = Duration::from_secs(1);
    let error = MySqlStore::open(&config).err().unwrap();
    assert_eq!(error, OpenError::Migration(MigrationError::Locked { waited_s: 1 }));
    drop(other);
    config.migration_wait = LIMIT;
    MySqlStore::open(&config).unwrap();
}

// --- the session ------------------------------------------------------------------------------------------------

#[test]
fn keys_are_compared_byte_by_byte_and_text_comes_back_as_it_went() {
    let store = fresh();
    let (ann, _, conversation) = friends(&store);
    let keys = ["a", "A", "á", "a ", " a", "a\0", "a\t", "ａ", "'", "\\", "%", "_", "?", ":a", "\u{10ffff}"];
    for (place, key) in keys.iter().enumerate() {
        let new = NewUser { name: "n", name_key: key, password_hash: "h", at: Timestamp(1) };
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
