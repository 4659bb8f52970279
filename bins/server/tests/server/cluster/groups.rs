//! D2, D4: a group over several nodes: one publication a message, and exactly its members hear it.

use std::time::Duration;

use protocol::{Code, GroupEventKind};
use testkit::eventually;

use super::hearing::{nothing_more, refused_within, run};
use super::nodes::{Cluster, SLACK};
use crate::support::DEADLINE;

#[test]
fn a_groups_message_is_published_once_whatever_its_size() {
    const MESSAGES: usize = 10;
    let cluster = Cluster::of(3);
    let mut members: Vec<_> = (0..9).map(|n| cluster.user(n % 3, &format!("member {n}"))).collect();
    let group = members[0].create_group("all", "").expect("made").group.id;
    members.iter_mut().skip(1).for_each(|member| {
        member.join_group(group).expect("joined");
    });
    let mut redis = cluster.redis_client();
    let mut ear = cluster.redis_client().eavesdrop();
    for n in 0..MESSAGES {
        members[0].say_in(group, &n.to_string());
    }
    for member in &mut members[1..] {
        run(member, group, 1..=MESSAGES as u64);
    }
    redis.publish("end", b"");
    let heard = ear.messages_until("end");
    let of_group = heard.iter().filter(|(channel, _)| *channel == format!("g:{group}")).count();
    let of_users = heard.iter().filter(|(channel, _)| channel.starts_with("u:")).count();
    assert_eq!((of_group, of_users), (MESSAGES, 0), "{heard:?}");
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
        assert_eq!(joined.conv.first, first);
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
    for _ in 0..3 {
        member.join_group(group).expect("joined");
        member.leave_group(group).expect("left");
        for device in [&mut owner, &mut owner_too] {
            for (kind, members) in [(GroupEventKind::Joined, 2), (GroupEventKind::Left, 1)] {
                let event = device.take("a coming or going", |push| match push {
                    // The second device hears that the first one opened the group.
                    protocol::Push::GroupEvent(event) if event.id == member.id => Some(event.clone()),
                    _ => None,
                });
                assert_eq!((event.event, event.id, event.members), (kind, member.id, members));
            }
        }
    }
}

#[test]
fn who_left_on_one_node_cannot_send_on_another() {
    let cluster = Cluster::of(2);
    let mut owner = cluster.user(0, "owner");
    let group = owner.create_group("all", "").expect("made").group.id;
    let mut member = cluster.user(0, "member");
    let mut elsewhere = cluster.log_in(1, "member", "second");
    for redis_is_there in [true, false] {
        member.join_group(group).expect("joined");
        // Now the other node has it in its caches.
        let id = elsewhere.message_id();
        eventually(DEADLINE, "the join is known", || elsewhere.group_chat(group, "there", &id).ok());
        if !redis_is_there {
            cluster.redis.kill();
            elsewhere.say_in(group, "still there");
        }
        member.leave_group(group).expect("left");
        let took = refused_within(Duration::from_secs(1) + SLACK, Code::NOT_MEMBER, || {
            let id = elsewhere.message_id();
            elsewhere.group_chat(group, "gone", &id)
        });
        println!("Redis there: {redis_is_there}; refused after {took:?}");
    }
}
