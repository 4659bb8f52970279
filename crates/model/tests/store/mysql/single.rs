//! Messages that come alone: one round trip, and whatever can go wrong in it.

use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

use domain::{
    AppendRefused, Appended, Attempt, Created, GroupChange, GroupDeed, GroupStore, MessageLog, NewGroup,
    Novelty, RosterVersion, StoreResult, Timestamp,
};
use model::mysql::SingleAppend;
use testkit::{Flush, MariaDb, Proxy, When};

use super::*;

/// A store whose one connection is watched.
struct Watched<'a> {
    server: &'a MariaDb,
    database: String,
    store: Arc<MySqlStore>,
}

impl Watched<'static> {
    /// On the server that all tests share.
    fn new(name: &str, adjust: impl FnOnce(&mut Config)) -> Watched<'static> {
        Watched::on(MariaDb::shared(), name, adjust)
    }
}

impl<'a> Watched<'a> {
    fn on(server: &'a MariaDb, name: &str, adjust: impl FnOnce(&mut Config)) -> Watched<'a> {
        let database = server.create_database(name);
        let mut config = Config::from_url(&server.url(&database)).unwrap();
        config.pool_size = 1;
        adjust(&mut config);
        let store = Arc::new(MySqlStore::open(&config).unwrap());
        Watched { server, database, store }
    }

    fn append(&self, message: NewMessage) -> StoreResult<Result<Appended, AppendRefused>> {
        Ok(self.store.append(&[message])?.pop().unwrap())
    }

    fn append_aside(&self, message: NewMessage) -> JoinHandle<StoreResult<Result<Appended, AppendRefused>>> {
        let store = Arc::clone(&self.store);
        thread::spawn(move || Ok(store.append(&[message])?.pop().unwrap()))
    }

    /// Waits until the store inserts, which is to wait for whoever holds the key; the number of its connection.
    fn wait_for_waiter(&self, holder: &::mysql::Conn) -> u64 {
        let sql = "SELECT id FROM information_schema.processlist \
                   WHERE db = ? AND id <> ? AND info LIKE 'INSERT INTO messages%'";
        let mut admin = self.server.connect("");
        eventually(LIMIT, "the store waits for a key", || {
            // Of the one that holds it the list may tell so for a moment longer.
            admin.exec_first::<u64, _, _>(sql, (&self.database, holder.connection_id())).unwrap()
        })
    }

    /// The store's first connection is in use still, and holds nothing: neither a transaction nor this row.
    fn is_clean(&self, conversation: ConversationId) {
        let pool = self.store.pool_snapshot();
        assert_eq!((pool.opened, pool.broken, pool.idle), (1, 0, 1));
        let mut admin = self.server.connect(&self.database);
        let sql = "SELECT id FROM conversations WHERE id = ? FOR UPDATE NOWAIT";
        let id: Option<u64> = admin.exec_first(sql, (conversation.0,)).unwrap();
        assert_eq!(id, Some(conversation.0));
        let sql = "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()";
        let connections: Vec<u64> = admin.exec(sql, (&self.database,)).unwrap();
        let status: Option<(String, String, String)> =
            admin.query_first("SHOW ENGINE INNODB STATUS").unwrap();
        let (_, _, status) = status.unwrap();
        for transaction in status.split("---TRANSACTION").skip(1).filter(|one| one.contains(", ACTIVE ")) {
            let is_ours = |id: &u64| transaction.contains(&format!("thread id {id},"));
            assert!(!connections.iter().any(is_ours), "a transaction is open:{transaction}");
        }
    }

    /// After the other's transaction is over.
    fn is_clean_but_for(&self, other: &mut ::mysql::Conn, conversation: ConversationId) {
        // By itself: were the row locked still, this would not be answered.
        let sql = "SELECT id FROM conversations WHERE id = ? FOR UPDATE NOWAIT";
        assert_eq!(other.exec_first(sql, (conversation.0,)).unwrap(), Some(conversation.0));
        other.query_drop("ROLLBACK").unwrap();
        self.is_clean(conversation);
    }
}

/// Holds the unique key of a message that is not committed.
fn hold_key(server: &MariaDb, database: &str, sender: UserId, id: &str) -> ::mysql::Conn {
    let mut admin = server.connect(database);
    admin.query_drop("START TRANSACTION").unwrap();
    let sql = "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body) \
               VALUES (999999, 1, ?, ?, 1, 1, '')";
    admin.exec_drop(sql, (sender.0, id)).unwrap();
    admin
}

fn group(store: &dyn Store, owner: UserId) -> domain::GroupId {
    let new = NewGroup { owner, name: "g", description: "", at: Timestamp(1) };
    match store.create_group(&new, GROUPS).unwrap() {
        Created::Group(group) => group,
        Created::Full => panic!("full"),
    }
}

#[test]
fn takes_one_round_trip_where_a_transaction_takes_five() {
    const MESSAGES: u64 = 20;
    let server = MariaDb::shared();
    for (way, trips) in [(SingleAppend::Procedure, 1), (SingleAppend::Transaction, 5)] {
        let database = server.create_database("trips");
        let proxy = Proxy::start(server.address());
        let mut config = Config::from_url(&server.url_through(proxy.address(), &database)).unwrap();
        config.pool_size = 1;
        config.ping_after_idle = LIMIT;
        config.single_append = way;
        let store = MySqlStore::open(&config).unwrap();
        let (ann, _, conversation) = friends(&store);
        // Prepares the statements.
        store.append(&[message(conversation, ann, "first")]).unwrap();
        let before = proxy.requests();
        for number in 0..MESSAGES {
            store.append(&[message(conversation, ann, &number.to_string())]).unwrap();
        }
        assert_eq!(proxy.requests() - before, MESSAGES * trips, "{way:?}");
        assert_eq!(ids(&store, conversation).len() as u64, 1 + MESSAGES);
    }
}

#[test]
fn a_repeat_has_the_first_ones_place_and_uses_up_no_seq() {
    let watched = Watched::new("repeat", |_| {});
    let (ann, _, conversation) = friends(&*watched.store);
    let elsewhere = group(&*watched.store, ann).conversation();
    let first = watched.append(message(conversation, ann, "one")).unwrap().unwrap();
    assert_eq!((first.seq, first.novelty), (Seq(1), Novelty::New));
    let mut late = message(conversation, ann, "one");
    late.time = Timestamp(99);
    late.body = "another".to_owned();
    // Twice: after a repeat the next batches look first.
    for _ in 0..2 {
        let repeat = watched.append(late.clone()).unwrap().unwrap();
        assert_eq!(repeat, Appended { novelty: Novelty::Repeat, ..first });
        watched.is_clean(conversation);
    }
    let other = Watched { store: Arc::new(open(&watched.server.url(&watched.database))), ..watched };
    let repeat = other.append(message(elsewhere, ann, "one")).unwrap().unwrap();
    assert_eq!(repeat, Appended { novelty: Novelty::Repeat, ..first });
    let second = other.append(message(conversation, ann, "two")).unwrap().unwrap();
    assert_eq!((second.seq, second.novelty), (Seq(2), Novelty::New));
    assert_eq!(ids(&*other.store, elsewhere), [""; 0]);
}

#[test]
fn an_unknown_conversation_is_refused_unless_it_is_a_repeat() {
    let watched = Watched::new("unknown", |_| {});
    let (ann, _, conversation) = friends(&*watched.store);
    let nowhere = ConversationId(999_999);
    let refused = watched.append(message(nowhere, ann, "one")).unwrap();
    assert_eq!(refused, Err(AppendRefused::NoSuchConversation));
    watched.is_clean(conversation);
    let first = watched.append(message(conversation, ann, "one")).unwrap().unwrap();
    assert_eq!(first.novelty, Novelty::New, "what was refused was not stored");
    let repeat = watched.append(message(nowhere, ann, "one")).unwrap().unwrap();
    assert_eq!(repeat, Appended { novelty: Novelty::Repeat, ..first });
    watched.is_clean(conversation);
}

#[test]
fn the_roster_is_that_of_the_commit_and_the_last_time_never_moves_back() {
    let watched = Watched::new("roster", |_| {});
    let (ann, bob, _) = friends(&*watched.store);
    let group = group(&*watched.store, ann);
    let say = |id: &str, time| NewMessage { time: Timestamp(time), ..message(group.conversation(), ann, id) };
    let alone = watched.append(say("alone", 100)).unwrap().unwrap();
    assert_eq!(alone.roster, watched.store.roster(group).unwrap().version);
    let joining = GroupChange {
        group,
        actor: bob,
        deed: GroupDeed::Join { greeting: String::new(), limits: GROUPS },
        at: Timestamp(2),
        change_id: "joining".to_owned(),
        event: String::new(),
        attempt: Attempt::First,
    };
    let joined = watched.store.change_group(&joining).unwrap().unwrap();
    assert_eq!(joined.place.map(|place| place.seq), Some(Seq(2)));
    let both = watched.append(say("both", 50)).unwrap().unwrap();
    assert_eq!(
        (both.seq, both.time, both.roster),
        (Seq(3), Timestamp(50), RosterVersion(alone.roster.0 + 1))
    );
    let touched =
        |since| watched.store.touched(&[ann], Timestamp(since), ConversationId(0), 10).unwrap().len();
    assert_eq!((touched(100), touched(101)), (1, 0));
}

#[test]
fn large_text_of_any_kind_comes_back_as_it_went() {
    let store = fresh();
    let (ann, _, conversation) = friends(&store);
    let bodies = ["\u{1f600}".repeat(16 * 1024), "a\0'\"\\\u{10ffff}\r\n;//".repeat(4 * 1024), String::new()];
    for (place, body) in bodies.iter().enumerate() {
        let said = NewMessage { body: body.clone(), ..message(conversation, ann, &place.to_string()) };
        assert_eq!(store.append(&[said]).unwrap()[0].unwrap().novelty, Novelty::New);
        let page =
            store.page(conversation, Seq(0), Window::Newest, PageSize { messages: 1, bytes: 0 }).unwrap();
        assert!(page[0].body == *body, "body {place}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_and_never_cut_whatever_the_servers_mode() {
    let server = MariaDb::start_with(Flush::ToKernel, &["--sql-mode=", "--character-set-server=latin1"]);
    let database = server.create_database("mode");
    let store = open(&server.url(&database));
    let (ann, _, conversation) = friends(&store);
    let long = store.append(&[message(conversation, ann, &"x".repeat(65))]);
    assert!(matches!(&long, Err(StoreError::Failed { cause, .. }) if cause.contains("too long")), "{long:?}");
    let said = NewMessage { body: "\u{1f600}".to_owned(), ..message(conversation, ann, "one") };
    assert_eq!(store.append(&[said]).unwrap()[0].unwrap().seq, Seq(1));
    let page = store.page(conversation, Seq(0), Window::Newest, WHOLE).unwrap();
    assert_eq!(page[0].body, "\u{1f600}");
}

#[test]
fn the_victim_of_a_deadlock_in_the_procedure_tries_again() {
    // Alone, so that its deadlocks are ours.
    let server = MariaDb::start();
    let watched = Watched::on(&server, "deadlock", |_| {});
    let (ann, _, conversation) = friends(&*watched.store);
    let mut admin = hold_key(&server, &watched.database, ann, "one");
    // Too much to lose to be the victim.
    for id in 0..100_u32 {
        admin
            .exec_drop("INSERT INTO cursors (user_id, conversation_id, seq) VALUES (?, 1, 0)", (id,))
            .unwrap();
    }
    let appender = watched.append_aside(message(conversation, ann, "one"));
    watched.wait_for_waiter(&admin);
    let lock = "SELECT id FROM conversations WHERE id = ? FOR UPDATE";
    admin.exec_drop(lock, (conversation.0,)).unwrap();
    admin.query_drop("ROLLBACK").unwrap();
    let place = appender.join().unwrap().unwrap().unwrap();
    assert_eq!((place.seq, place.novelty), (Seq(1), Novelty::New));
    let deadlocks: Option<(String, u32)> =
        admin.query_first("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").unwrap();
    assert_eq!(deadlocks.unwrap().1, 1);
    watched.is_clean(conversation);
}

#[test]
fn a_lock_waited_for_in_vain_leaves_nothing_locked() {
    let watched = Watched::new("vain", |config| config.statement_timeout = Duration::from_secs(2));
    let (ann, _, conversation) = friends(&*watched.store);
    // The conversation's row is locked by then.
    let mut admin = hold_key(watched.server, &watched.database, ann, "one");
    let appender = watched.append_aside(message(conversation, ann, "one"));
    assert!(is_unavailable(appender.join().unwrap()));
    watched.is_clean_but_for(&mut admin, conversation);
    let place = watched.append(message(conversation, ann, "one")).unwrap().unwrap();
    assert_eq!((place.seq, place.novelty), (Seq(1), Novelty::New));
}

#[test]
fn a_call_that_is_killed_leaves_nothing_locked() {
    let watched = Watched::new("kill", |_| {});
    let (ann, _, conversation) = friends(&*watched.store);
    let mut admin = hold_key(watched.server, &watched.database, ann, "one");
    let appender = watched.append_aside(message(conversation, ann, "one"));
    let connection = watched.wait_for_waiter(&admin);
    admin.query_drop(format!("KILL QUERY {connection}")).unwrap();
    let killed = appender.join().unwrap();
    assert!(matches!(killed, Err(StoreError::OutcomeUnknown { .. })), "{killed:?}");
    watched.is_clean_but_for(&mut admin, conversation);
    let place = watched.append(message(conversation, ann, "one")).unwrap().unwrap();
    assert_eq!((place.seq, place.novelty), (Seq(1), Novelty::New));
}

#[test]
fn a_connection_lost_in_the_call_leaves_the_outcome_unknown_and_the_retry_settles_it() {
    let server = MariaDb::shared();
    let database = server.create_database("call");
    let proxy = Proxy::start(server.address());
    let store = open(&server.url_through(proxy.address(), &database));
    let (ann, _, conversation) = friends(&store);
    for (when, novelty) in [(When::BeforeRequest, Novelty::New), (When::BeforeAnswer, Novelty::Repeat)] {
        let id = format!("{when:?}");
        let batch = [message(conversation, ann, &id)];
        proxy.cut_at(format!("body of {id}").as_bytes(), when);
        let lost = store.append(&batch);
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown { .. })), "{when:?}: {lost:?}");
        assert!(!proxy.trap_waits());
        assert_eq!(store.append(&batch).unwrap()[0].unwrap().novelty, novelty, "{when:?}");
    }
    assert_eq!(ids(&store, conversation), ["BeforeRequest", "BeforeAnswer"]);
}

#[test]
fn two_nodes_that_store_one_message_at_once_store_it_once() {
    const ROUNDS: usize = 50;
    let server = MariaDb::shared();
    let url = server.url(&server.create_database("twice"));
    let store = open(&url);
    let (ann, _, pair) = friends(&store);
    let group = group(&store, ann).conversation();
    let barrier = Arc::new(Barrier::new(2));
    // In even rounds to one conversation, in odd ones to two, so that no row lock keeps them apart.
    let nodes: Vec<_> = [pair, group]
        .map(|own| {
            let (url, barrier) = (url.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                let store = open(&url);
                let append = |round: usize| {
                    let conversation = if round.is_multiple_of(2) { pair } else { own };
                    barrier.wait();
                    store.append(&[message(conversation, ann, &round.to_string())]).unwrap()[0].unwrap()
                };
                (0..ROUNDS).map(append).collect::<Vec<Appended>>()
            })
        })
        .into_iter()
        .collect();
    let places: Vec<Vec<Appended>> = nodes.into_iter().map(|node| node.join().unwrap()).collect();
    for (one, other) in places[0].iter().zip(&places[1]) {
        assert_eq!((one.conversation, one.seq, one.time), (other.conversation, other.seq, other.time));
        assert_ne!(one.novelty, other.novelty, "one of them stored it");
    }
    assert_eq!(ids(&store, pair).len() + ids(&store, group).len(), ROUNDS);
}

#[test]
fn a_procedure_that_is_gone_costs_time_and_nothing_else() {
    let watched = Watched::new("gone", |_| {});
    let (ann, _, conversation) = friends(&*watched.store);
    watched.append(message(conversation, ann, "before")).unwrap().unwrap();
    watched.server.connect(&watched.database).query_drop("DROP PROCEDURE append_message").unwrap();
    for id in ["one", "two"] {
        assert_eq!(watched.append(message(conversation, ann, id)).unwrap().unwrap().novelty, Novelty::New);
        watched.is_clean(conversation);
    }
    assert_eq!(ids(&*watched.store, conversation), ["before", "one", "two"]);
}
