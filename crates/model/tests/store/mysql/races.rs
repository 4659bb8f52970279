//! Nodes that do the same thing at the same moment.

use std::sync::Arc;
use std::thread;

use ::mysql::prelude::Queryable;
use domain::{
    Attempt, ChangeRefused, Created, GroupChange, GroupDeed, GroupStore, MessageLog, NewGroup, Novelty, Seq,
};
use testkit::MariaDb;

use super::*;

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
                Created::Group(group) => group.conversation(),
                Created::Full => panic!("full"),
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
    // Even places are each node's own, odd ones are shared by two.
    assert_eq!(stored, NODES * BATCHES * 8 + NODES / 2 * BATCHES * 8);
}

#[test]
fn members_are_counted_right_while_they_come_and_go() {
    const USERS: usize = 8;
    let server = MariaDb::shared();
    let url = server.url(&server.create_database("members"));
    let store = open(&url);
    let owner = user(&store, "owner");
    let group = NewGroup { owner, name: "g", description: "", at: Timestamp(1) };
    let Created::Group(group) = store.create_group(&group, GROUPS).unwrap() else { panic!("full") };
    let limits = GroupLimits { members: 5, groups: 100, requests: 1_000, requests_per_user: 1_000 };
    let users: Vec<_> = (0..USERS).map(|number| user(&store, &format!("u{number}"))).collect();
    let threads: Vec<_> = users
        .iter()
        .map(|&user| {
            let url = url.clone();
            thread::spawn(move || {
                let store = open(&url);
                for round in 0..20 {
                    let change = |what, deed| GroupChange {
                        group,
                        actor: user,
                        deed,
                        at: Timestamp(2),
                        change_id: format!("{what}{round}"),
                        event: String::new(),
                        attempt: Attempt::First,
                    };
                    match store
                        .change_group(&change("in", GroupDeed::Join { greeting: String::new(), limits }))
                        .unwrap()
                    {
                        Ok(changed) => {
                            assert!(changed.members <= limits.members);
                            store.change_group(&change("out", GroupDeed::Leave)).unwrap().unwrap();
                        }
                        Err(ChangeRefused::Full) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.group(group).unwrap().unwrap().members, 1);
    let left = store.roster(group).unwrap().members;
    assert_eq!(
        left.iter().map(|entry| (entry.user, entry.place.since)).collect::<Vec<_>>(),
        [(owner, Seq(0))]
    );
}

#[test]
fn the_victim_of_a_deadlock_tries_again() {
    let server = MariaDb::shared();
    let database = server.create_database("deadlock");
    let store = Arc::new(open(&server.url(&database)));
    let (ann, bob, one) = friends(&*store);
    let group = NewGroup { owner: bob, name: "g", description: "", at: Timestamp(1) };
    let Created::Group(other) = store.create_group(&group, GROUPS).unwrap() else { panic!("full") };

    // Somebody who locks in the wrong order, and has too much to lose to be the victim.
    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    for id in 0..100_u32 {
        admin
            .exec_drop("INSERT INTO cursors (user_id, conversation_id, seq) VALUES (?, 1, 0)", (id,))
            .unwrap();
    }
    let lock = "SELECT id FROM conversations WHERE id = ? FOR UPDATE";
    admin.exec_drop(lock, (other.0,)).unwrap();
    let appender = {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            store.append(&[message(one, ann, "one"), message(other.conversation(), bob, "other")])
        })
    };
    wait_for_locker(&database);
    admin.exec_drop(lock, (one.0,)).unwrap();
    admin.query_drop("COMMIT").unwrap();
    let places = appender.join().unwrap().unwrap();
    assert!(places.iter().all(|place| place.unwrap().novelty == Novelty::New));
    let deadlocks: Option<(String, u32)> =
        server.connect("").query_first("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").unwrap();
    assert!(deadlocks.unwrap().1 > 0, "there was a deadlock");
}
