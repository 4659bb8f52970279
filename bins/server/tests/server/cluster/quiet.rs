//! M8 across nodes: what is set quiet on one node is known and used on the others.

use std::time::{Duration, Instant};

use client::{Client, Config, Event, Events, Mentioned, Quiet, should_notify};
use protocol::limits::NUMBER_MAX;
use protocol::{Login, Push, Refresh, Secret, SetQuiet};
use testkit::eventually;

use super::hearing::run;
use super::nodes::{Cluster, Plan};
use crate::support::{DEADLINE, PASSWORD};

/// How long another node may take to tell.
const WITHIN: Duration = Duration::from_secs(1);

/// The next that a client learns of what is quiet.
fn next_quiet(events: &Events) -> Quiet {
    loop {
        let event = events.next_within(DEADLINE).expect("the client runs").expect("what is quiet");
        if let Event::Quiet(quiet) = event {
            return quiet;
        }
    }
}

#[test]
fn what_is_quiet_is_told_to_and_used_by_devices_of_other_nodes() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(2, "alice", "desk");
    let config = Config::new(cluster.nodes[1].address().to_string());
    let (client, events) = Client::connect(config).expect("a client");
    let login = Login { name: Some("alice".into()), password: Secret::new(PASSWORD), ..Login::default() };
    client.log_in(login).expect("logged in");
    assert_eq!(next_quiet(&events), Quiet::default());
    let rings = |quiet: &Quiet| {
        [Mentioned::No, Mentioned::Yes].map(|mentioned| should_notify(quiet, conv, mentioned, 1_000))
    };

    let set = |mentions| SetQuiet { conv, until: Some(NUMBER_MAX), mentions, ..SetQuiet::default() };
    for (set, rung) in [
        (set(None), [false, true]),
        (set(Some(false)), [false, false]),
        (SetQuiet { conv, ..SetQuiet::default() }, [true, true]),
        (SetQuiet { conv: 0, until: Some(2_000), ..SetQuiet::default() }, [false, true]),
    ] {
        let begun = Instant::now();
        let changed = alice.set_quiet(set).expect("set");
        assert_eq!(desk.quiet_changed(), changed);
        let quiet = next_quiet(&events);
        assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
        assert_eq!((quiet.version, rings(&quiet)), (changed.version, rung));
        let lists = [&mut alice, &mut desk].map(|device| device.quiet().expect("a list"));
        assert_eq!(lists[0], lists[1]);
        assert_eq!(lists[0].version, changed.version);
    }
    let late = cluster.log_in(1, "alice", "late").quiet().expect("a list");
    assert_eq!(late, alice.quiet().expect("a list"));
    assert_eq!(bob.quiet().expect("a list").quiet, [], "nobody else's");
}

/// Both set different things at the same time: neither is lost, and all end with the same.
#[test]
fn what_two_nodes_set_at_once_is_counted_one_after_the_other() {
    let cluster = Cluster::of(2);
    let (mut alice, _, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(1, "alice", "desk");
    for n in 1..=10_u64 {
        std::thread::scope(|scope| {
            for (device, conv) in [(&mut alice, 0), (&mut desk, conv)] {
                scope.spawn(move || {
                    let set = SetQuiet { conv, until: Some(n), ..SetQuiet::default() };
                    device.set_quiet(set).expect("set")
                });
            }
        });
        let list = alice.quiet().expect("a list");
        assert_eq!(desk.quiet().expect("a list"), list);
        assert_eq!(list.version, 2 * n);
        assert!(list.quiet.iter().map(|quiet| (quiet.conv, quiet.until)).eq([(0, n), (conv, n)]));
    }
}

#[test]
fn what_was_set_while_a_node_was_cut_off_is_learned_by_its_devices() {
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(1, "alice", "desk");
    alice.say(bob.id, "hello");
    run(&mut bob, conv, 1..=1);
    cluster.redis_ways[1].refuse();
    let set = |until| SetQuiet { conv, until: Some(until), ..SetQuiet::default() };
    let versions = [1_000, NUMBER_MAX].map(|until| alice.set_quiet(set(until)).expect("set").version);
    bob.mark_read(conv, 1).expect("noted");
    cluster.redis_ways[1].resume();
    desk.take("RESYNC", |push| matches!(push, Push::Resync(_)).then_some(()));
    let bundle = desk.refresh(Refresh::default()).expect("a bundle");
    assert_eq!(bundle.quiet_version, versions[1]);
    let list = desk.quiet().expect("a list");
    assert_eq!((list.version, list.quiet.len(), list.quiet[0].until), (versions[1], 1, NUMBER_MAX));
    // What the other node could not tell is read from the store.
    eventually(DEADLINE, "it is read", || {
        (alice.receipts(conv, &[]).expect("a list").read == 1).then_some(())
    });
}
