//! D2, D4: a group over several nodes: one publication a message, whatever its size, and nothing from who left.

use std::time::Duration;

use protocol::{Code, SystemEventKind};
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
        // After the eight who came in.
        run(member, group, 9..=8 + MESSAGES as u64);
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

#[test]
fn who_is_removed_or_muted_on_one_node_cannot_send_on_another() {
    let cluster = Cluster::of(2);
    let mut owner = cluster.user(0, "owner");
    let group = owner.create_group("all", "").expect("made").group.id;
    let mut member = cluster.user(1, "member");
    member.join_group(group).expect("joined");
    let far = 4_000_000_000_000;
    for redis_is_there in [true, false] {
        // Now the other node has it in its caches.
        let id = member.message_id();
        eventually(DEADLINE, "the member may speak", || member.group_chat(group, "there", &id).ok());
        if !redis_is_there {
            cluster.redis.kill();
        }
        owner.mute_member(group, member.id, far).expect("muted");
        let took = refused_within(Duration::from_secs(1) + SLACK, Code::MUTED, || {
            let id = member.message_id();
            member.group_chat(group, "mmh", &id)
        });
        println!("Redis there: {redis_is_there}; muted after {took:?}");
        owner.mute_member(group, member.id, 0).expect("may speak");
        let id = member.message_id();
        eventually(DEADLINE, "the member may speak again", || member.group_chat(group, "again", &id).ok());
    }
    owner.remove_member(group, member.id).expect("removed");
    let took = refused_within(Duration::from_secs(1) + SLACK, Code::NOT_MEMBER, || {
        let id = member.message_id();
        member.group_chat(group, "gone", &id)
    });
    println!("removed after {took:?}");
}

/// What is answered stands before the end, whichever node answered it, and nothing stands after it.
#[test]
fn a_group_is_dissolved_on_one_node_while_others_talk_on_another() {
    let cluster = Cluster::of(2);
    let mut owner = cluster.user(0, "owner");
    let group = owner.create_group("all", "").expect("made").group.id;
    let mut talkers = [cluster.user(1, "one"), cluster.user(0, "two")];
    for talker in &mut talkers {
        talker.join_group(group).expect("joined");
    }
    let said: u64 = std::thread::scope(|scope| {
        let talking: Vec<_> = talkers
            .iter_mut()
            .map(|talker| {
                scope.spawn(move || {
                    let mut said = 0;
                    loop {
                        let id = talker.message_id();
                        match talker.group_chat(group, "talk", &id) {
                            Ok(_) => said += 1,
                            Err(refusal) => {
                                assert_eq!(refusal.code, Code::DISSOLVED);
                                break said;
                            }
                        }
                    }
                })
            })
            .collect();
        eventually(DEADLINE, "there is talk", || (owner.message_count(group) > 50).then_some(()));
        owner.dissolve_group(group).expect("dissolved");
        talking.into_iter().map(|talker| talker.join().expect("a talker")).sum()
    });
    // The two who came, what was said, and the end.
    assert_eq!(talkers[0].message_count(group), 2 + said + 1);
    for talker in &mut talkers {
        let last = std::iter::repeat_with(|| talker.told())
            .find(|(_, event)| event.what == SystemEventKind::Dissolved);
        assert_eq!(last.map(|(told, _)| told.seq), Some(2 + said + 1), "it is the last");
    }
}
