//! A restored backup: clients that hold more than it has notice, and read again what is there now.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use client::store::{Reach, Store as Kept, StoredEvents};
use client::{Client, Config, Event, Events, SyncState};
use protocol::{Code, History, Login, Reply, Request, Resume, Secret, SignedIn};

use crate::support::{DEADLINE, PASSWORD, Peer, Server, Store, hello, log_in, on_each_store, user};

on_each_store! {
    m3_a_restored_backup_is_noticed_and_read_again_without_mixing_histories,
    m3_what_a_device_holds_of_another_epoch_does_not_count,
    m3_a_restore_whose_epoch_was_not_renewed_is_noticed_by_its_end,
    m3_a_change_that_was_taken_back_is_taken_back_on_devices,
    m3_cursors_of_before_a_restore_reach_no_further_than_the_log,
}

/// A stopped server's store as it is now. On MariaDB it is the log alone, beside itself in the same database.
enum Backup {
    Files { from: PathBuf, copy: PathBuf },
    Tables,
}

/// Tables that are restored as they were, each with its rows.
const TABLES: [&str; 3] = ["messages", "message_changes", "cursors"];

impl Backup {
    fn of(server: &Server, store: Store) -> Backup {
        match store {
            Store::Sqlite => {
                let (from, copy) = (server.data_folder(), server.data_folder().with_extension("backup"));
                fs::create_dir(&copy).expect("a folder");
                for entry in fs::read_dir(&from).expect("the data folder") {
                    let entry = entry.expect("a file");
                    fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
                }
                Backup::Files { from, copy }
            }
            Store::MariaDb => {
                let copy = |table| format!("CREATE TABLE backup_{table} AS SELECT * FROM {table}");
                server.seed(
                    &[&TABLES[..], &["conversations"]].concat().into_iter().map(copy).collect::<Vec<_>>(),
                );
                Backup::Tables
            }
        }
    }

    fn restore(&self, server: &Server) {
        match self {
            Backup::Files { from, copy } => {
                fs::remove_dir_all(from).expect("the old store is removed");
                fs::rename(copy, from).expect("the copy takes its place");
            }
            Backup::Tables => {
                let restore = |table| {
                    [
                        format!("DELETE FROM {table}"),
                        format!("INSERT INTO {table} SELECT * FROM backup_{table}"),
                        format!("DROP TABLE backup_{table}"),
                    ]
                };
                server.seed(&TABLES.into_iter().flat_map(restore).collect::<Vec<_>>());
                server.seed(&[
                    "UPDATE conversations c JOIN backup_conversations b USING (id) SET c.last_seq = b.last_seq,
                     c.last_change = b.last_change, c.last_change_at = b.last_change_at"
                        .to_owned(),
                    "DROP TABLE backup_conversations".to_owned(),
                ]);
            }
        }
    }
}

/// Takes events until this client is in step.
fn until_synced(events: &Events) -> Vec<Event> {
    let mut taken = Vec::new();
    loop {
        let event = events.next_within(DEADLINE).expect("the client runs").expect("it comes in step");
        let is_last = matches!(event, Event::Synced { .. });
        taken.push(event);
        if is_last {
            return taken;
        }
    }
}

/// The next message, whatever else comes before.
fn next_message(events: &Events) -> (u64, String) {
    loop {
        let event = events.next_within(DEADLINE).expect("the client runs").expect("a message");
        if let Event::Message { message, .. } = event {
            return (message.seq, message.msg);
        }
    }
}

fn texts(events: &[Event]) -> Vec<(u64, &str)> {
    let messages = events.iter().filter_map(|event| match event {
        Event::Message { message, .. } => Some((message.seq, message.msg.as_str())),
        _ => None,
    });
    messages.collect()
}

fn config(server: &Server, state: SyncState) -> Config {
    Config::new(server.address().to_string()).state(state)
}

/// Alice says one, two, three, which is backed up, then four, five, six. Bob's device has taken all of it.
fn six_of_which_three_are_backed_up(store: Store) -> (Server, Backup, u64, u64, SyncState) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = crate::support::befriend(&mut alice, &mut bob);
    for text in ["one", "two", "three"] {
        alice.say(bob.id, text);
    }
    let id = bob.id;
    let (client, events) = Client::connect(config(&server, SyncState::default())).expect("a client");
    let login = Login { name: Some("bob".into()), password: Secret::new(PASSWORD), ..Login::default() };
    client.log_in(login).expect("logged in");
    assert_eq!(texts(&until_synced(&events)), [(1, "one"), (2, "two"), (3, "three")]);
    let state = client.close().expect("a state");
    assert_eq!(state.cursors[&conv], 3);
    server.terminate();
    let backup = Backup::of(&server, store);
    server.restart();
    let mut alice = log_in(&server, "alice", "first");
    for text in ["four", "five", "six"] {
        alice.say(id, text);
    }
    let (client, events) = Client::connect(config(&server, state)).expect("a client");
    assert_eq!(texts(&until_synced(&events)), [(4, "four"), (5, "five"), (6, "six")]);
    let state = client.close().expect("a state");
    assert_eq!(state.cursors[&conv], 6);
    server.terminate();
    (server, backup, conv, id, state)
}

fn m3_a_restored_backup_is_noticed_and_read_again_without_mixing_histories(store: Store) {
    let (mut server, backup, conv, id, state) = six_of_which_three_are_backed_up(store);
    backup.restore(&server);
    let said = server.renew_epoch();
    let before = state.epoch.clone().expect("the client knows which log it was");
    assert!(said.contains(&before), "{said}");
    server.restart();
    let mut alice = log_in(&server, "alice", "first");
    // As many as were taken back, and one more: by its number the next of what bob has.
    let again: Vec<_> = (4..=7).map(|n| alice.say(id, &format!("{n} after the restore")).seq).collect();
    assert_eq!(again, [4, 5, 6, 7]);

    let (client, events) = Client::connect(config(&server, state)).expect("a client");
    let taken = until_synced(&events);
    let restored = taken.iter().position(|event| *event == Event::Restored).expect("told of the restore");
    let rewound = taken.iter().position(|event| *event == Event::Rewound { conv, to: 3 });
    let first = taken.iter().position(|event| matches!(event, Event::Message { .. }));
    assert!(Some(restored) < rewound && rewound < first, "{taken:?}");
    let expected: Vec<_> = (4..=7).map(|n| (n, format!("{n} after the restore"))).collect();
    assert!(
        texts(&taken).into_iter().eq(expected.iter().map(|(seq, text)| (*seq, text.as_str()))),
        "{taken:?}"
    );
    alice.say(id, "eight");
    assert_eq!(next_message(&events), (8, "eight".to_owned()));
    let state = client.close().expect("a state");
    assert_eq!(state.cursors[&conv], 8);
    let after = state.epoch.clone().expect("an epoch");
    assert!(after != before && said.contains(&after), "{said}");

    // From now on it is the same log.
    let (client, events) = Client::connect(config(&server, state)).expect("a client");
    let taken = until_synced(&events);
    assert!(!taken.contains(&Event::Restored) && texts(&taken).is_empty(), "{taken:?}");
    drop(client);
}

fn m3_a_restore_whose_epoch_was_not_renewed_is_noticed_by_its_end(store: Store) {
    let (mut server, backup, conv, id, state) = six_of_which_three_are_backed_up(store);
    backup.restore(&server);
    server.restart();
    let (_client, events) = Client::connect(config(&server, state)).expect("a client");
    let taken = until_synced(&events);
    assert!(taken.contains(&Event::Rewound { conv, to: 3 }), "{taken:?}");
    log_in(&server, "alice", "first").say(id, "after the restore");
    assert_eq!(next_message(&events), (4, "after the restore".to_owned()));
}

/// Takes kept events until this client is in step, and all changes with it.
fn until_kept(client: &Client, events: &mut StoredEvents, kept: &Arc<Kept>, changes: usize) -> Vec<Event> {
    let mut taken = Vec::new();
    let is_change = |event: &&Event| matches!(event, Event::Changed(_));
    while !taken.iter().any(|event| matches!(event, Event::Synced { .. }))
        || taken.iter().filter(is_change).count() < changes
    {
        let event = events.next_within(DEADLINE).expect("the client runs").expect("it comes in step");
        if matches!(event, Event::SignedIn { .. }) {
            events.keep_in(Arc::clone(kept)).expect("kept");
        }
        taken.push(event);
    }
    kept.save_sync(&client.sync_state().expect("a state")).expect("kept");
    taken
}

fn m3_a_change_that_was_taken_back_is_taken_back_on_devices(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = crate::support::befriend(&mut alice, &mut bob);
    for text in ["one", "two", "three", "four"] {
        alice.say(bob.id, text);
    }
    alice.edit_message(conv, 1, "one, corrected").expect("edited");
    let kept = Arc::new(Kept::in_memory().expect("a store"));
    let (client, events) = Client::connect(config(&server, SyncState::default())).expect("a client");
    let login = Login { name: Some("bob".into()), password: Secret::new(PASSWORD), ..Login::default() };
    client.log_in(login).expect("logged in");
    until_kept(&client, &mut StoredEvents::new(events), &kept, 0);
    drop(client);
    server.terminate();
    let backup = Backup::of(&server, store);
    server.restart();
    let mut alice = log_in(&server, "alice", "first");
    alice.edit_message(conv, 2, "two, regretted").expect("edited");
    alice.recall(conv, 3).expect("recalled");
    let state = || kept.sync_state().expect("readable").expect("a state");
    let (client, events) = Client::connect(config(&server, state())).expect("a client");
    until_kept(&client, &mut StoredEvents::new(events), &kept, 2);
    drop(client);
    let texts = |reach| -> Vec<String> {
        let page = kept.page(conv, None, 10, reach).expect("readable");
        page.messages.into_iter().map(|message| message.msg).collect()
    };
    assert_eq!(texts(Reach::Whole), ["one, corrected", "two, regretted", "", "four"]);

    server.terminate();
    backup.restore(&server);
    server.renew_epoch();
    server.restart();
    let (client, events) = Client::connect(config(&server, state())).expect("a client");
    // Of the changes that stand, it is told again.
    let taken = until_kept(&client, &mut StoredEvents::new(events), &kept, 1);
    assert!(taken.contains(&Event::Restored), "{taken:?}");
    let regretted = kept.search("regretted", None, None, 10).expect("readable");
    assert_eq!((regretted.messages, texts(Reach::Anything)), (vec![], vec!["four".to_owned()]));
    let page = client.call(Request::History(History { conv, limit: 50, ..History::default() }));
    let Reply::History(page) = page.expect("a page") else { panic!("another reply") };
    kept.keep_page(&page, None).expect("kept");
    assert_eq!(texts(Reach::Whole), ["one, corrected", "two", "three", "four"]);
}

fn m3_cursors_of_before_a_restore_reach_no_further_than_the_log(store: Store) {
    let (mut server, backup, conv, id, _) = six_of_which_three_are_backed_up(store);
    backup.restore(&server);
    server.renew_epoch();
    server.restart();
    let (mut alice, mut bob) = (log_in(&server, "alice", "first"), log_in(&server, "bob", "first"));
    let page = bob.history(History { conv, after: Some(6), ..History::default() }).expect("a page");
    assert_eq!((page.messages.len(), page.last), (0, 3));
    let page = bob.history(History { conv, before: Some(7), ..History::default() }).expect("a page");
    assert!(page.messages.iter().map(|message| message.seq).eq(1..=3), "{page:?}");
    let page = bob.changes(conv, 6, 0).expect("a page");
    assert_eq!((page.changes.len(), page.next, page.last), (0, 0, 0));
    bob.ack(conv, 6).expect("noted, as far as there is something");
    bob.mark_read(conv, 6).expect("noted, as far as there is something");
    for seq in 4..=6 {
        assert_eq!(bob.recall(conv, seq).expect_err("it is gone").code, Code::NOT_FOUND);
        assert_eq!(alice.recall(conv, seq).expect_err("it is gone").code, Code::NOT_FOUND);
        assert_eq!(bob.receipts(conv, &[seq]).expect_err("it is gone").code, Code::NOT_FOUND);
    }
    // What is said now is neither acknowledged nor read.
    assert_eq!(alice.say(id, "four again").seq, 4);
    let entry = bob.conversations(0, 0).expect("a page").convs.remove(0);
    assert_eq!((entry.last, entry.acked, entry.read), (4, 3, 3));
}

fn m3_what_a_device_holds_of_another_epoch_does_not_count(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    crate::support::befriend(&mut alice, &mut bob);
    let token = alice.token.take().expect("a token");
    let come = |server: &Server, resume: Resume| -> SignedIn {
        let mut peer = Peer::connect(server.address());
        peer.hello(hello("")).expect("HELLO");
        peer.resume_holding(Resume { token: token.clone(), ..resume }).expect("a good token")
    };
    let first = come(&server, Resume::default());
    assert_eq!(first.epoch.len(), 32, "{:?}", first.epoch);
    assert_eq!((first.notices_last, first.notices_acked), (1, 0));
    let held = |epoch: &str| Resume {
        notices_after: Some(1),
        epoch: Some(epoch.to_owned()),
        friends_version: Some(first.friends_version.clone()),
        groups_version: Some(first.groups_version.clone()),
        ..Resume::default()
    };
    let same = come(&server, held(&first.epoch));
    assert!(same.friends_unchanged && same.groups_unchanged);
    assert_eq!(same.notices_acked, 1);
    for other in
        ["", "0", &first.epoch[..31], &first.epoch.to_uppercase(), "' OR 1=1 --", "\u{202e}\u{0}纪元"]
    {
        let bundle = come(&server, held(other));
        assert!(!bundle.friends_unchanged && !bundle.groups_unchanged, "{other:?}");
        assert_eq!((bundle.friends.len(), bundle.notices_acked), (1, 0), "{other:?}");
        assert_eq!(bundle.epoch, first.epoch);
    }
    server.terminate();
    server.renew_epoch();
    server.restart();
    let bundle = come(&server, held(&first.epoch));
    assert_ne!(bundle.epoch, first.epoch);
    assert!(!bundle.friends_unchanged && !bundle.groups_unchanged);
    // What counts changes counts on from the backup: its words must not be those of before.
    assert_ne!(bundle.friends_version, first.friends_version);
    assert_ne!(bundle.groups_version, first.groups_version);
}
