//! What an idle connection costs.

use reactor::Config;

use crate::script::{Script, Stage, child, expect_success, is_child};

const CONNECTIONS: usize = 1000;

/// Resident bytes of this process (proc(5)), without the kernel's socket memory.
fn resident_bytes() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let rss = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    rss.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

/// In a process of its own, since it measures memory. Each connection has talked before, in both directions and with a
/// frame in two parts, so that whatever buffer it might keep it would keep now.
#[test]
fn a_thousand_idle_connections_hold_no_buffers() {
    if !is_child() {
        expect_success(child("idle::a_thousand_idle_connections_hold_no_buffers"));
        return;
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    assert!(limit.current.is_none_or(|n| n as usize > 2 * CONNECTIONS + 100), "too few descriptors");
    let stage = Stage::start(Config { io_threads: 1, ..Config::default() }, || {
        Script::echo().open(|conn| conn.set_deadline(conn.now() + std::time::Duration::from_secs(3600))).data(
            |conn, _, input| {
                if input.len() < 20_000 {
                    return 0;
                }
                conn.send(bytes::Bytes::copy_from_slice(input));
                input.len()
            },
        )
    });
    let talk = |clients: &mut Vec<crate::script::Client>, count| {
        for _ in 0..count {
            let mut client = stage.client();
            client.send(&[5; 9_000]);
            client.ping_rest(&[5; 11_000], 20_000);
            clients.push(client);
        }
    };
    let mut clients = Vec::with_capacity(2 * CONNECTIONS);
    talk(&mut clients, 50);
    let before = resident_bytes();
    talk(&mut clients, CONNECTIONS);
    let each = (resident_bytes().saturating_sub(before)) / CONNECTIONS;
    println!("{each} bytes resident per idle connection, both ends in this process");
    assert!(each < 1024, "{each} bytes per idle connection");
    assert_eq!(stage.running.metrics().snapshot().outbox_bytes, 0);
}
