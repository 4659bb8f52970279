//! Topics as Redis channels: `<prefix>u:<user>`, `<prefix>g:<group>`, `<prefix>nodes`.

use std::io::Write;

use domain::{GroupId, Topic, UserId};

/// The channel's name, appended.
pub(super) fn write(prefix: &str, topic: Topic, out: &mut Vec<u8>) {
    out.extend_from_slice(prefix.as_bytes());
    // Writing into a vector does not fail.
    let _ = match topic {
        Topic::User(user) => write!(out, "u:{user}"),
        Topic::Group(group) => write!(out, "g:{group}"),
        Topic::Nodes => write!(out, "nodes"),
    };
}

/// The topic of a channel; `None` if it is not one of ours.
pub(super) fn topic(prefix: &str, channel: &[u8]) -> Option<Topic> {
    match channel.strip_prefix(prefix.as_bytes())? {
        b"nodes" => Some(Topic::Nodes),
        [b'u', b':', id @ ..] => number(id).map(|id| Topic::User(UserId(id))),
        [b'g', b':', id @ ..] => number(id).map(|id| Topic::Group(GroupId(id))),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_its_channel() {
        for topic in [Topic::User(UserId(7)), Topic::Group(GroupId(u64::MAX)), Topic::Nodes] {
            let mut channel = Vec::new();
            write("chat:", topic, &mut channel);
            assert_eq!(super::topic("chat:", &channel), Some(topic));
        }
        for foreign in
            ["chat:u:", "chat:u:x", "chat:", "other:nodes", "chat:v:1", "chat:u:99999999999999999999"]
        {
            assert_eq!(topic("chat:", foreign.as_bytes()), None, "{foreign}");
        }
    }
}
