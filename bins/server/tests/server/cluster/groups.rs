//! D2, D4: a group over several nodes: one publication a message, whatever its size, and nothing from who left.

use std::time::Duration;

use protocol::Code;
use testkit::eventually;

use super::hearing::{refused_within, run};
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
