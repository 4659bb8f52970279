//! C5: the database goes away, has no room, or is slow, and the cluster says so, waits, and goes on by itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{Code, Reply};
use testkit::eventually;

use super::hearing::{StopOnDrop, insist, keep_up, nothing_more, run};
use super::metrics::scrape;
use super::nodes::{Plan, SLACK};
use crate::support::{DEADLINE, chat};

/// By when a request must be answered while the database says nothing, which only time-outs can tell.
const SILENT_LIMIT: Duration = Duration::from_secs(45);
/// How long a killed database stays away: less than a sender is kept waiting, so some notice and some do not.
const AWAY: Duration = Duration::from_secs(1);

#[test]
fn without_its_database_a_cluster_is_busy_and_comes_back_by_itself() {
    let cluster = Plan::of(2).own_database().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut alice_hears = cluster.log_in(1, "alice", "reads");
    let mut bob_hears = cluster.log_in(0, "bob", "reads");
    let (alice_id, bob_id) = (alice.id, bob.id);
    let stop = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let total = thread::scope(|scope| {
        let senders: Vec<_> = [(&mut alice, bob_id, "a"), (&mut bob, alice_id, "b")]
            .into_iter()
            .map(|(sender, to, name)| {
                sender.set_deadline(SILENT_LIMIT);
                let (stop, answered) = (&stop, &answered);
                scope.spawn(move || {
                    let (mut stored, mut busy) = (Vec::new(), 0);
                    while !stop.load(Ordering::SeqCst) {
                        let text = format!("{name}{}", stored.len());
                        let (sent, times) = insist(sender, &chat(to, &text, &text));
                        stored.push((sent.seq, text));
                        busy += times;
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    (stored, busy)
                })
            })
            .collect();
        let _stop = StopOnDrop(&stop);
        for _ in 0..2 {
            let before = answered.load(Ordering::SeqCst);
            eventually(DEADLINE * 2, "messages flow", || {
                (answered.load(Ordering::SeqCst) > before + 60).then_some(())
            });
            cluster.database().kill();
            thread::sleep(AWAY);
            cluster.database().restart();
        }
        let before = answered.load(Ordering::SeqCst);
        eventually(DEADLINE * 2, "messages flow again", || {
            (answered.load(Ordering::SeqCst) > before + 60).then_some(())
        });
        stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        for sender in senders {
            let (stored, busy) = sender.join().expect("a sender");
            println!("{} stored, {busy} times busy", stored.len());
            assert!(stored.windows(2).all(|pair| pair[0].0 < pair[1].0), "one's own order");
            all.extend(stored);
        }
        all.sort();
        all
    });
    let log: Vec<_> = alice_hears.read_all(conv, 0).into_iter().map(|m| (m.seq, m.msg)).collect();
    assert_eq!(total, log, "what was answered is stored, once");
    for reader in [&mut alice_hears, &mut bob_hears] {
        let heard = keep_up(reader, conv, 0, log.len() as u64);
        assert!(heard.into_values().map(|m| (m.seq, m.msg)).eq(log.iter().cloned()));
    }
}

#[test]
fn a_database_that_pauses_for_seconds_delays_and_loses_nothing() {
    let cluster = Plan::of(2).own_database().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut seq = 0;
    for pause in [500, 2_500] {
        cluster.database().pause();
        let begun = Instant::now();
        let mut due: Vec<_> = Vec::new();
        for n in 0..5 {
            let text = format!("{pause} {n}");
            due.push((alice.send(&chat(bob.id, &text, &text)), text));
        }
        thread::sleep(Duration::from_millis(pause));
        // Those who need no database are served.
        bob.ping().expect("answered");
        assert!(begun.elapsed() < Duration::from_millis(pause) + SLACK);
        cluster.database().resume();
        for (rid, text) in due {
            match alice.reply(rid) {
                Ok(_) => {}
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::BUSY);
                    insist(&mut alice, &chat(bob.id, &text, &text));
                }
            }
        }
        run(&mut bob, conv, seq + 1..=seq + 5);
        seq += 5;
        println!("after a pause of {pause} ms all heard after {:?}", begun.elapsed());
    }
    nothing_more(&mut bob);
    assert_eq!(alice.message_count(conv), seq);
}

#[test]
fn a_small_pool_under_load_is_slower_and_loses_nothing() {
    const PAIRS: usize = 8;
    const EACH: u64 = 12;
    let cluster = Plan::of(2).with("store-connections-max", 1).start();
    let mut pairs: Vec<_> = (0..PAIRS)
        .map(|n| cluster.friends((n % 2, &format!("sender {n}")), ((n + 1) % 2, &format!("reader {n}"))))
        .collect();
    let busy = AtomicU64::new(0);
    thread::scope(|scope| {
        for (sender, reader, conv) in &mut pairs {
            let busy = &busy;
            let to = reader.id;
            let conv = *conv;
            scope.spawn(move || {
                for n in 0..EACH {
                    // A read and a write at once: there is one connection for both, and for everybody else.
                    let page = protocol::Request::History(protocol::History {
                        conv,
                        after: None,
                        before: None,
                        at: None,
                        limit: 0,
                    });
                    let reads: Vec<_> = (0..4).map(|_| sender.send(&page)).collect();
                    let (_, times) = insist(sender, &chat(to, &n.to_string(), &n.to_string()));
                    busy.fetch_add(u64::from(times), Ordering::SeqCst);
                    for rid in reads {
                        match sender.reply(rid) {
                            Ok(Reply::History(page)) => assert!(page.last >= n),
                            Ok(other) => panic!("{other:?}"),
                            Err(refusal) => {
                                assert_eq!(refusal.code, Code::BUSY, "{refusal}");
                                busy.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                }
            });
            scope.spawn(move || run(reader, conv, 1..=EACH));
        }
    });
    let waits: f64 = cluster.nodes.iter().map(|node| scrape(node).value("store_pool_waits_total")).sum();
    println!("{} times busy, {waits} waits for a connection", busy.load(Ordering::SeqCst));
    assert!(waits > 0.0, "what waits is counted");
}

#[test]
fn a_node_that_is_cut_from_the_database_is_busy_alone() {
    let cluster = Plan::of(2).database_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut alice_too = cluster.log_in(1, "alice", "second");
    // The node has heard of the conversation: where it begins to hear of one, it looks into the log.
    bob.say(alice.id, "hello");
    for device in [&mut alice, &mut alice_too] {
        run(device, conv, 1..=1);
    }
    cluster.database_ways[0].refuse();
    let refusal = eventually(DEADLINE, "node a is busy", || {
        alice.set_deadline(SILENT_LIMIT);
        let id = alice.message_id();
        alice.one_chat(bob.id, "not stored", &id).err()
    });
    assert_eq!(refusal.code, Code::BUSY);
    // The other serves its users, and the one that is cut passes on what it hears from there.
    let sent = alice_too.say(bob.id, "from here");
    run(&mut bob, conv, sent.seq..=sent.seq);
    let answer = bob.say(alice.id, "I hear you");
    run(&mut alice_too, conv, answer.seq..=answer.seq);
    run(&mut alice, conv, sent.seq..=answer.seq);
    cluster.database_ways[0].resume();
    let (sent, busy) = insist(&mut alice, &chat(bob.id, "back again", "back again"));
    println!("{busy} times busy before it was back");
    run(&mut bob, conv, sent.seq..=sent.seq);
}
