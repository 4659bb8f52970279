//! What signing in asks of the database.

use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use protocol::{Login, Reply, Request, Resume, Secret, SignedIn};
use testkit::eventually;

use super::nodes::{Cluster, Plan};
use crate::support::{DEADLINE, PASSWORD, heavy, register};

/// Statements of one sign-in.
const QUERIES_MAX: u64 = 10;

/// BEGIN and COMMIT around the session that a login makes.
const TRANSACTION: u64 = 2;

/// Sign-ins of each kind. What a node does besides is counted with one or another of them, and a connection's first
/// statement of a kind is prepared: the fewest round trips are those of a sign-in alone.
const ROUNDS: usize = 12;

/// How long nothing is asked when all that a sign-in caused is done.
const SILENCE: Duration = Duration::from_millis(60);

/// Bytes on the wire that one sign-in may take.
const BYTES_MAX: u64 = 64 * 1024;

/// Waits until nothing is asked of the database: whoever just left is still being told of to friends.
fn wait_for_silence(cluster: &Cluster) {
    let way = &cluster.database_ways[0];
    let mut before = way.requests();
    let mut since = Instant::now();
    eventually(DEADLINE, "the database has a rest", || {
        let asked = way.requests();
        if asked != before {
            (before, since) = (asked, Instant::now());
        }
        (since.elapsed() >= SILENCE).then_some(())
    });
}

/// The fewest round trips to the database that this sign-in takes, and the last answer.
fn fewest(cluster: &Cluster, request: &Request) -> (u64, SignedIn) {
    let mut fewest = u64::MAX;
    let mut last = None;
    for _ in 0..ROUNDS {
        let mut peer = cluster.guest(0);
        wait_for_silence(cluster);
        let (bytes, asked) = (peer.received(), cluster.database_ways[0].requests());
        last = match peer.ask(request).expect("in") {
            Reply::Login(bundle) | Reply::Resume(bundle) => Some(bundle),
            other => panic!("signing in came to {other:?}"),
        };
        fewest = fewest.min(cluster.database_ways[0].requests() - asked);
        let bytes = peer.received() - bytes;
        assert!(bytes <= BYTES_MAX, "{bytes} bytes");
    }
    (fewest, last.expect("there were rounds"))
}

#[test]
fn a_heavy_users_sign_in_asks_the_database_little() {
    let cluster = Plan::of(1).database_detours().start();
    let id = register(&cluster.nodes[0], "heavy");
    let mut database = cluster.database().connect(cluster.database_name());
    heavy::statements(id).iter().for_each(|sql| database.query_drop(sql).expect("seeded"));
    // What was written past the server is found and indexed by it, which asks the database too.
    eventually(DEADLINE, "all is indexed", || {
        let left: Option<u64> = database
            .query_first(
                "SELECT COUNT(*) FROM conversations c LEFT JOIN indexed_conversations i ON i.conversation_id = c.id \
                 WHERE c.last_seq > COALESCE(i.seq, 0)",
            )
            .expect("counted");
        (left == Some(0)).then_some(())
    });
    let login = Login { name: Some("heavy".into()), password: Secret::new(PASSWORD), ..Login::default() };
    let (first, bundle) = fewest(&cluster, &Request::Login(login.clone()));
    let token = bundle.token.clone().expect("a token");
    let (friends_version, groups_version) =
        (Some(bundle.friends_version.clone()), Some(bundle.groups_version.clone()));
    let held = Login {
        friends_version: friends_version.clone(),
        groups_version: groups_version.clone(),
        ..login.clone()
    };
    let (unchanged, bundle) = fewest(&cluster, &Request::Login(held));
    assert!(bundle.friends_unchanged && bundle.groups_unchanged);
    let resume = Resume { token: token.clone(), ..Resume::default() };
    let (resumed, _) = fewest(&cluster, &Request::Resume(resume));
    let resume = Resume { token, friends_version, groups_version, ..Resume::default() };
    let (resumed_unchanged, bundle) = fewest(&cluster, &Request::Resume(resume));
    assert!(bundle.friends_unchanged && bundle.groups_unchanged);
    println!(
        "round trips: login {first}, unchanged {unchanged}; resume {resumed}, unchanged {resumed_unchanged}"
    );
    for login in [first, unchanged] {
        assert!(login <= QUERIES_MAX + TRANSACTION, "{login} round trips");
    }
    for resume in [resumed, resumed_unchanged] {
        assert!(resume <= QUERIES_MAX, "{resume} round trips");
    }
}
