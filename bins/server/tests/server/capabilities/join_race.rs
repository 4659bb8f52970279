//! G2 while messages flow: whoever joins misses nothing from the answer on.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::Push;

use crate::support::{DEADLINE, Server, Store, on_each_store, user};

on_each_store! {
    g2_joining_while_messages_flow_misses_nothing,
}

fn g2_joining_while_messages_flow_misses_nothing(store: Store) {
    const ROUNDS: usize = 25;
    let server = Server::on(store);
    let mut owner = user(&server, "owner");
    let group = owner.create_group("busy", "").expect("opened").group.id;
    let mut joiners: Vec<_> = (0..ROUNDS).map(|n| user(&server, &format!("joiner {n}"))).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let speaker = scope.spawn(|| {
            let mut last = 0;
            while !stop.load(Ordering::SeqCst) {
                let requests: Vec<_> = (0..8)
                    .map(|_| {
                        let id = owner.message_id();
                        crate::support::group_chat(group, "x", &id)
                    })
                    .collect();
                for rid in owner.send_all(&requests) {
                    match owner.reply(rid) {
                        Ok(protocol::Reply::GroupChat(sent)) => last = sent.seq,
                        other => panic!("{other:?}"),
                    }
                }
            }
            last
        });
        let begun = std::time::Instant::now();
        for joiner in &mut joiners {
            joiner.hear_all();
            let joined = joiner.join_group(group).expect("joined").conv;
            // What is already said is `first..=last`, to be asked for; what follows `last` must be pushed. A push that
            // overtakes the answer is in both, and dropped by its seq.
            let mut have = joined.last;
            let history = joiner.read_all(group, joined.first - 1);
            assert!(history.first().is_none_or(|message| message.seq > joined.first));
            for _ in 0..20 {
                let message = joiner.message();
                assert!(message.seq <= have + 1, "{} follows {have}: a message was missed", message.seq);
                have = have.max(message.seq);
            }
            assert!(begun.elapsed() < DEADLINE * 4);
        }
        stop.store(true, Ordering::SeqCst);
        let last = speaker.join().expect("the speaker");
        // The first one to join has heard every message until the end, each once.
        let first = &mut joiners[0];
        let heard: Vec<_> = first
            .pushes_so_far()
            .into_iter()
            .filter_map(|push| match push {
                Push::Message(message) => Some(message.seq),
                _ => None,
            })
            .collect();
        assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "no hole, no double");
        assert_eq!(heard.last(), Some(&last));
    });
}
