//! D4: joining and leaving on several nodes: who hears what is exact, to the message, and everybody is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use protocol::SystemEventKind;
use testkit::eventually;

use super::hearing::{StopOnDrop, next_in, nothing_more, run};
use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer, group_chat};

#[test]
fn joins_and_leaves_amid_chatter_are_exact() {
    const ROUNDS: usize = 12;
    /// So many more are heard before anybody leaves.
    const SURE: u64 = 3;
    let cluster = Cluster::of(3);
    let mut talkers = [cluster.user(0, "talks at a"), cluster.user(2, "talks at c")];
    let group = talkers[0].create_group("all", "").expect("made").group.id;
    talkers[1].join_group(group).expect("joined");
    let mut looks = cluster.log_in(1, "talks at a", "looks");
    let mut devices = [cluster.user(1, "member"), cluster.log_in(0, "member", "second")];
    devices.iter_mut().for_each(Peer::hear_all);
    let stop = AtomicBool::new(false);
    let mut heard = [Vec::new(), Vec::new()];
    let mut stays = Vec::new();
    thread::scope(|scope| {
        for (which, talker) in talkers.iter_mut().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::SeqCst) {
                    let text = format!("{which} {n}");
                    talker.ask(&group_chat(group, &text, &text)).expect("stored");
                    n += 1;
                }
            });
        }
        let _stop = StopOnDrop(&stop);
        for round in 0..ROUNDS {
            let first = devices[round % 2].join_group(group).expect("joined").conv.first;
            // Each device hears what is said from then on.
            for (device, heard) in devices.iter_mut().zip(&mut heard) {
                hear_until(device, group, first + SURE, heard);
            }
            devices[(round / 2) % 2].leave_group(group).expect("left");
            let at_most = looks.message_count(group);
            eventually(DEADLINE, "chatter", || (looks.message_count(group) > at_most + 2).then_some(()));
            stays.push(first..=at_most);
        }
        // All that came before has come when this has.
        let first = devices[0].join_group(group).expect("joined").conv.first;
        stays.push(first..=u64::MAX);
    });
    let end = talkers[0].say_in(group, "the end").seq;
    for (device, heard) in devices.iter_mut().zip(&mut heard) {
        hear_until(device, group, end, heard);
        let odd: Vec<_> = heard.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert_eq!(odd, Vec::<&[u64]>::new(), "by rising seq, once: {heard:?}");
        for stay in &stays {
            // What is on its way when one leaves may be heard or not.
            let last = if stay.contains(&end) { end } else { stay.start() + SURE };
            let holes: Vec<_> = (*stay.start()..=last).filter(|seq| !heard.contains(seq)).collect();
            assert_eq!(holes, Vec::<u64>::new(), "missing from the stay that began with {}", stay.start());
        }
        let strange: Vec<_> =
            heard.iter().filter(|seq| !stays.iter().any(|stay| stay.contains(seq))).collect();
        assert_eq!(strange, Vec::<&u64>::new(), "said to others; the stays were {stays:?}");
    }
}

/// Notes what is heard of a group until this seq, or a later one, is.
fn hear_until(device: &mut Peer, group: u64, seq: u64, heard: &mut Vec<u64>) {
    while heard.last().is_none_or(|last| *last < seq) {
        heard.push(next_in(device, group).seq);
    }
}

#[test]
fn who_left_hears_nothing_and_who_joined_hears_everything_on_all_devices() {
    const ROUNDS: u64 = 15;
    let cluster = Cluster::of(3);
    let mut owner = cluster.user(0, "owner");
    let group = owner.create_group("all", "").expect("made").group.id;
    let mut devices = [
        cluster.user(1, "member"),
        cluster.log_in(2, "member", "second"),
        cluster.log_in(1, "member", "third"),
    ];
    for round in 0..ROUNDS {
        // Each time at another node.
        let at = (round % 3) as usize;
        let joined = devices[at].join_group(group).expect("joined");
        let first = owner.say_in(group, "for members").seq;
        assert_eq!(joined.conv.first + 1, first, "that the member came is the first to read");
        owner.say_in(group, "for members too");
        for device in &mut devices {
            run(device, group, first..=first + 1);
        }
        devices[(at + 1) % 3].leave_group(group).expect("left");
        owner.say_in(group, "not for whoever left");
    }
    // Whatever would have come by mistake comes before this.
    devices[0].join_group(group).expect("joined");
    let last = owner.say_in(group, "the end").seq;
    for device in &mut devices {
        run(device, group, last..=last);
        nothing_more(device);
    }
}

#[test]
fn members_hear_of_coming_and_going_on_other_nodes() {
    let cluster = Cluster::of(3);
    let mut owner = cluster.user(0, "owner");
    let mut owner_too = cluster.log_in(2, "owner", "second");
    let group = owner.create_group("all", "").expect("made").group.id;
    let mut member = cluster.user(1, "member");
    for _ in 0..20 {
        member.join_group(group).expect("joined");
        member.leave_group(group).expect("left");
        for device in [&mut owner, &mut owner_too] {
            for what in [SystemEventKind::Joined, SystemEventKind::Left] {
                let (_, event) = device.told();
                assert_eq!((event.what, event.by), (what, member.id));
            }
        }
    }
}
