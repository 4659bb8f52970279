//! A server that was restored from a backup, seen by clients that hold more than it has.

use client::{Config, Event, SyncState};
use protocol::{Push, Reply, Request, Secret};

use crate::model::{ME, TOKEN};
use crate::world::World;

fn state(epoch: Option<&str>, cursors: &[(u64, u64)]) -> SyncState {
    SyncState {
        user: ME,
        token: Some(Secret::new(TOKEN)),
        epoch: epoch.map(str::to_owned),
        cursors: cursors.iter().copied().collect(),
        ..SyncState::default()
    }
}

/// A client that remembers this, and a server of the epoch `new` with so many messages in each conversation, of which so
/// many were in the backup.
fn world(state: SyncState, conversations: &[(u64, u64, u64)]) -> World {
    let mut world = World::with(Config::new("model:1").state(state));
    world.model.epoch = "new".to_owned();
    for &(conv, last, restored) in conversations {
        (0..last).for_each(|n| drop(world.model.say(conv, conv, &n.to_string())));
        world.model.restored.insert(conv, restored);
    }
    world
}

/// What the application was told of, by kind.
fn told(world: &World) -> Vec<(u64, u64)> {
    let rewound = world.events.iter().filter_map(|event| match event {
        Event::Rewound { conv, to } => Some((*conv, *to)),
        _ => None,
    });
    rewound.collect()
}

fn was_told_of_a_restore(world: &World) -> bool {
    world.events.contains(&Event::Restored)
}

#[test]
fn a_restored_server_is_followed_from_where_it_was_put_back_to() {
    let state = state(Some("old"), &[(7, 3), (8, 5), (9, 100), (10, 2)]);
    let mut world = world(state, &[(8, 5, 5), (9, 140, 30), (10, 4, 3)]);
    world.serve();
    assert!(was_told_of_a_restore(&world));
    let mut rewound = told(&world);
    rewound.sort_unstable();
    assert_eq!(rewound, [(7, 0), (9, 30)], "7 is gone, 8 and 10 hold nothing that was taken back");
    assert_eq!(world.shown(9), (31..=140).collect::<Vec<u64>>());
    assert_eq!(world.shown(8), [0; 0]);
    assert_eq!(world.shown(10), [3, 4]);
    let now = world.session.sync_state();
    assert_eq!(now.epoch.as_deref(), Some("new"));
    assert_eq!(now.cursors, [(8, 5), (9, 140), (10, 4)].into());
}

#[test]
fn nothing_is_shown_before_the_cursors_were_compared() {
    let mut world = world(state(Some("old"), &[(9, 100)]), &[(9, 100, 30)]);
    world.turn();
    for _ in 0..2 {
        let (rid, request) = world.asked.pop_front().expect("HELLO and RESUME");
        let answer = world.model.answer(&request);
        world.answer(rid, answer);
    }
    // By its seq the next of what the client had, and yet not.
    let next = world.model.say(9, 9, "after the restore");
    assert_eq!(next.seq, 101);
    world.push(Push::Message(next));
    assert_eq!(world.shown(9), [0; 0]);
    assert_eq!(world.session.sync_state().epoch.as_deref(), Some("old"), "whoever dies now begins again");
    world.serve();
    assert_eq!(world.shown(9), (31..=101).collect::<Vec<u64>>());
    assert_eq!(told(&world), [(9, 30)]);
    assert_eq!(world.session.sync_state().epoch.as_deref(), Some("new"));
}

#[test]
fn a_conversation_that_begins_anew_while_cursors_are_compared_is_shown_from_its_first_message() {
    let mut world = world(state(Some("old"), &[(9, 100)]), &[]);
    world.turn();
    for _ in 0..3 {
        let (rid, request) = world.asked.pop_front().expect("HELLO, RESUME and CONVERSATIONS");
        let answer = world.model.answer(&request);
        if matches!(answer, Ok(Reply::Conversations(_))) {
            let first = world.model.say(9, 9, "another conversation with the same number");
            world.push(Push::Message(first));
            assert_eq!(world.shown(9), [0; 0]);
        }
        world.answer(rid, answer);
    }
    world.pass_served(std::time::Duration::from_secs(10));
    assert_eq!(told(&world), [(9, 0)]);
    assert_eq!(world.shown(9), [1]);
}

#[test]
fn a_cursor_of_no_epoch_or_of_the_same_is_kept() {
    for epoch in [None, Some("new")] {
        let mut world = world(state(epoch, &[(9, 100)]), &[(9, 110, 30)]);
        world.serve();
        assert!(!was_told_of_a_restore(&world));
        assert_eq!(told(&world), []);
        assert_eq!(world.shown(9), (101..=110).collect::<Vec<u64>>());
        assert_eq!(world.session.sync_state().epoch.as_deref(), Some("new"));
    }
}

#[test]
fn a_client_says_which_log_it_remembers() {
    let mut world = world(state(Some("old"), &[]), &[]);
    world.turn();
    let (rid, hello) = world.asked.pop_front().expect("HELLO");
    let answer = world.model.answer(&hello);
    world.answer(rid, answer);
    let (_, resume) = world.asked.pop_front().expect("RESUME");
    assert!(matches!(resume, Request::Resume(resume) if resume.epoch.as_deref() == Some("old")));
}

#[test]
fn what_was_put_back_is_acknowledged_as_it_comes_again() {
    let mut world = world(state(Some("new"), &[]), &[(9, 60, 0)]);
    world.serve();
    world.pass_served(std::time::Duration::from_secs(2));
    assert_eq!(world.model.acked.get(&9), Some(&60));
    // Put back to 20 while the client was away.
    world.cut();
    world.model.epoch = "newer".to_owned();
    world.model.logs.get_mut(&9).expect("the conversation").truncate(20);
    world.model.restored.insert(9, 20);
    world.model.acked.insert(9, 20);
    (20..30).for_each(|n| drop(world.model.say(9, 9, &n.to_string())));
    world.events.clear();
    world.pass_served(std::time::Duration::from_secs(5));
    assert_eq!(told(&world), [(9, 20)]);
    assert_eq!(world.shown(9), (21..=30).collect::<Vec<u64>>());
    assert_eq!(world.model.acked.get(&9), Some(&30));
}
