//! A connection to Redis beside the nodes': looks at what they do there, and does what they would not.

use std::net::SocketAddr;

use redis::{Client, Cmd, Connection, FromRedisValue, Value, cmd};

use super::nodes::PREFIX;
use crate::support::DEADLINE;

/// A connection to the Redis of a cluster.
pub(super) struct RedisClient {
    connection: Connection,
}

impl RedisClient {
    pub(super) fn connect(address: SocketAddr) -> RedisClient {
        let client = Client::open(format!("redis://{address}/0")).expect("a URL of our own making");
        let connection = client.get_connection_with_timeout(DEADLINE).expect("Redis answers");
        connection.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        RedisClient { connection }
    }

    /// One command.
    pub(super) fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> T {
        command.query(&mut self.connection).unwrap_or_else(|error| panic!("Redis refused: {error}"))
    }

    /// Publishes any bytes; how many listened.
    pub(super) fn publish(&mut self, channel: &str, bytes: &[u8]) -> u64 {
        self.ask(cmd("PUBLISH").arg(format!("{PREFIX}{channel}")).arg(bytes))
    }

    /// The leases: `node#epoch` and when each ends, in milliseconds of Redis' clock.
    pub(super) fn leases(&mut self) -> Vec<(String, f64)> {
        self.ask(cmd("ZRANGE").arg(format!("{PREFIX}leases")).arg(0).arg(-1).arg("WITHSCORES"))
    }

    /// The epoch under which a node's process began.
    pub(super) fn boot_of(&mut self, node: &str) -> u64 {
        let members: Vec<(String, String)> = self.ask(cmd("HGETALL").arg(format!("{PREFIX}versions")));
        let (_, value) = members
            .iter()
            .rfind(|(member, _)| member.split('#').next() == Some(node))
            .unwrap_or_else(|| panic!("no node {node} in {members:?}"));
        value.split(' ').next().and_then(|boot| boot.parse().ok()).expect("a boot and versions")
    }

    /// Cuts all connections that listen.
    pub(super) fn cut_subscribers(&mut self) -> u64 {
        self.ask(cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub"))
    }

    /// Cuts all connections whose last command was PUBLISH; how many there were.
    pub(super) fn cut_publishers(&mut self) -> u64 {
        let list: String = self.ask(cmd("CLIENT").arg("LIST").arg("TYPE").arg("normal"));
        let ids = list
            .lines()
            .filter(|line| line.split(' ').any(|word| word == "cmd=publish"))
            .filter_map(|line| line.split(' ').find_map(|word| word.strip_prefix("id=")).map(str::to_owned));
        ids.map(|id| self.ask::<u64>(cmd("CLIENT").arg("KILL").arg("ID").arg(id))).sum()
    }

    /// Hears everything that is published from now on.
    pub(super) fn eavesdrop(mut self) -> Eavesdropper {
        self.ask::<Value>(cmd("PSUBSCRIBE").arg(format!("{PREFIX}*")));
        Eavesdropper { connection: self.connection }
    }
}

/// Hears what nodes publish.
pub(super) struct Eavesdropper {
    connection: Connection,
}

impl Eavesdropper {
    /// What is published until `last` is met among it: channels, without prefix, and bytes.
    pub(super) fn messages_until(&mut self, last: &str) -> Vec<(String, Vec<u8>)> {
        let mut messages = Vec::new();
        loop {
            let answer = self.connection.recv_response().expect("something is published");
            let (_, _, channel, bytes): (String, String, String, Vec<u8>) =
                redis::from_redis_value(answer).expect("a published message");
            let channel = channel.strip_prefix(PREFIX).expect("the pattern").to_owned();
            if channel == last {
                return messages;
            }
            messages.push((channel, bytes));
        }
    }
}
