//! Names outlive connections without harm.

use std::{io::Read, thread, time::Duration};

use bytes::Bytes;
use reactor::{CloseReason, Config, ConnId};

use crate::script::{Random, Script, Stage, one_loop};

#[test]
fn a_dead_name_does_not_reach_the_slots_new_owner() {
    let stage = Stage::start(one_loop(), Script::echo);
    let (old, old_id) = stage.join();
    drop(old);
    assert_eq!(stage.closed(), (old_id, CloseReason::PeerClosed));
    let (mut new, new_id) = stage.join();
    let slot = |id: ConnId| id.to_bits() >> 32;
    assert_eq!(slot(old_id), slot(new_id), "the slot is used again");
    assert_ne!(old_id, new_id);

    let remote = stage.running.remote();
    remote.send(old_id, Bytes::from_static(b"for the dead"));
    remote.mail(old_id, Bytes::from_static(b"for the dead"));
    remote.close(old_id, None, CloseReason::Stopping);
    remote.send(ConnId::from_bits(u64::MAX), Bytes::from_static(b"for nobody at all"));
    new.ping(b"alone");
    assert_eq!(stage.running.metrics().snapshot().stale_commands, 3);
}

/// Connections come and go as fast as they can while everybody who ever came is sent its own name: whoever reads
/// must read nothing but its own.
#[test]
fn in_a_churn_everybody_gets_only_its_own() {
    let mut random = Random::new();
    let config = Config { io_threads: 2, ..Config::default() };
    let (names, opened) = std::sync::mpsc::channel::<ConnId>();
    let stage = Stage::start(config, || {
        let names = names.clone();
        Script::echo().open(move |conn| {
            conn.send(Bytes::copy_from_slice(&conn.id().to_bits().to_be_bytes()));
            let _ = names.send(conn.id());
        })
    });
    drop(names);
    let remote = stage.running.remote();
    let addr = stage.addr;
    let poster = thread::spawn(move || {
        let mut ever = Vec::new();
        while let Ok(id) = opened.recv() {
            ever.push(id);
            for &id in ever.iter().rev().take(20) {
                remote.send(id, Bytes::copy_from_slice(&id.to_bits().to_be_bytes()));
            }
        }
    });
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut random = random.split();
            thread::spawn(move || {
                for _ in 0..400 {
                    let mut client = crate::script::Client::connect(addr);
                    let first = client.receive(8);
                    let mut bytes = [0; 64];
                    client.0.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                    let n = if random.below(2) == 0 { client.0.read(&mut bytes).unwrap_or(0) } else { 0 };
                    for name in bytes[..n].chunks_exact(8) {
                        assert_eq!(name, first, "someone else's name");
                    }
                    if random.below(2) == 0 {
                        client.reset();
                    }
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let metrics = stage.running.metrics();
    stage.finish(Duration::ZERO);
    poster.join().unwrap();
    let end = metrics.snapshot();
    assert_eq!((end.opened, end.closed, end.connections), (1600, 1600, 0));
}
