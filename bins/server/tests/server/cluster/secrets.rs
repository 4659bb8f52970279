//! A7, A9: new passwords and recoveries, among nodes.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use protocol::{Code, Login, Recover, Refusal, Secret};
use testkit::eventually;

use super::nodes::{Cluster, Plan, SLACK};
use crate::support::{DEADLINE, PASSWORD, Peer, guest_from, register};

/// How long ending a session may take on other nodes.
const WITHIN: Duration = Duration::from_secs(1);

const NEW: &str = "battery staple";

fn by_name(name: &str, code: &Secret) -> Recover {
    Recover { id: None, name: Some(name.into()), code: code.clone(), new_password: Secret::new(NEW) }
}

/// Two nodes that hear from this machine where their clients are.
fn behind_balancer() -> Cluster {
    Plan::of(2).with("proxy-trusted", "127.0.0.1").start()
}

fn guest(cluster: &Cluster, node: usize, host: u8) -> Peer {
    guest_from(cluster.nodes[node].address(), host)
}

#[test]
fn a_new_password_puts_devices_on_other_nodes_out_within_a_second() {
    let cluster = Cluster::of(2);
    register(&cluster.nodes[0], "alice");
    let mut desk = cluster.log_in(0, "alice", "desk");
    let mut password = PASSWORD;
    for (redis_is_there, new) in [(true, NEW), (false, "correct horse again")] {
        let mut there = cluster.guest(1);
        let login = Login { name: Some("alice".into()), password: Secret::new(password), ..Login::default() };
        let token = there.login(login.clone()).expect("in").token.expect("a token");
        if !redis_is_there {
            cluster.redis.kill();
            there.sessions().expect("a list");
        }
        let begun = Instant::now();
        desk.change_password(password, new).expect("changed");
        let answered = Instant::now();
        assert_eq!(Code(there.bye().errcode), Code::SESSION_ENDED);
        println!("Redis there: {redis_is_there}; out {:?} after the answer", answered.elapsed());
        assert!(answered.elapsed() < WITHIN + SLACK, "{:?} in all", begun.elapsed());
        assert_eq!(cluster.guest(1).resume(token).unwrap_err().code, Code::SESSION_ENDED);
        assert_eq!(cluster.guest(1).login(login).unwrap_err().code, Code::BAD_CREDENTIALS);
        password = new;
    }
    desk.sessions().expect("the one that asked goes on");
}

#[test]
fn a_recovery_puts_all_devices_on_all_nodes_out() {
    let cluster = behind_balancer();
    let codes = guest(&cluster, 0, 1).reg("alice", PASSWORD).expect("registered").recovery_codes;
    let mut devices: Vec<Peer> = (0..4)
        .map(|n| {
            let mut peer = guest(&cluster, n % 2, 2);
            peer.login(Login {
                name: Some("alice".into()),
                password: Secret::new(PASSWORD),
                ..Login::default()
            })
            .expect("in");
            peer
        })
        .collect();
    guest(&cluster, 1, 3).recover(by_name("alice", &codes[0])).expect("recovered");
    let answered = Instant::now();
    for device in &mut devices {
        assert_eq!(Code(device.bye().errcode), Code::SESSION_ENDED);
    }
    println!("out {:?} after the answer", answered.elapsed());
    assert!(answered.elapsed() < WITHIN + SLACK);
}

#[test]
fn one_code_used_on_two_nodes_at_once_works_once() {
    let cluster = behind_balancer();
    for round in 0..5 {
        let name = format!("alice {round}");
        let codes = guest(&cluster, 0, 250).reg(&name, PASSWORD).expect("registered").recovery_codes;
        let start = Barrier::new(4);
        let answers: Vec<Result<_, Refusal>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4u8)
                .map(|n| {
                    let mut peer = guest(&cluster, usize::from(n % 2), round * 4 + n);
                    let (start, request) = (&start, by_name(&name, &codes[0]));
                    scope.spawn(move || {
                        start.wait();
                        peer.recover(request)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("an actor panicked")).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        for refusal in answers.into_iter().filter_map(Result::err) {
            assert_eq!(refusal.code, Code::BAD_CREDENTIALS);
        }
    }
}

#[test]
fn wrong_codes_at_one_node_make_the_account_wait_at_the_other() {
    let cluster = behind_balancer();
    let codes = guest(&cluster, 0, 250).reg("alice", PASSWORD).expect("registered").recovery_codes;
    let wrong = Secret::new("0000-0000-0000-0000");
    // From addresses of their own, which need not wait.
    let mut guesser = guest(&cluster, 0, 1);
    let begun = Instant::now();
    assert_eq!(guesser.recover(by_name("alice", &wrong)).unwrap_err().code, Code::BAD_CREDENTIALS);
    let mut host = 1;
    eventually(DEADLINE, "the wait is over", || {
        host += 1;
        guest(&cluster, 1, host).recover(by_name("alice", &codes[0])).ok()
    });
    println!("{} tries, let in {:?} after the wrong one", host - 1, begun.elapsed());
    // The nodes' clock is not the test's.
    assert!(begun.elapsed() >= Duration::from_millis(950));
}
