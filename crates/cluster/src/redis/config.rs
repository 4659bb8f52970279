//! What a node is told about its cluster.

use std::fmt;
use std::time::Duration;

use super::target::Target;
use super::{BEAT, envelope};

/// The shortest time to live of a node's presence: less would take a node's users off for a hiccup.
const TTL_MIN: Duration = Duration::from_secs(4);
/// The longest.
const TTL_MAX: Duration = Duration::from_secs(600);
/// The longest node name, in bytes.
pub(super) const NODE_NAME_BYTES_MAX: usize = 64;
/// The longest prefix, in bytes.
const PREFIX_BYTES_MAX: usize = 64;
/// The most publisher threads.
const PUBLISHERS_MAX: usize = 16;

/// What a node is told about its cluster. Its `Debug` and `Display` show no password.
#[derive(Clone)]
pub struct Config {
    /// `redis://[user[:password]@]host[:port][/database]`. One Redis, not a Redis Cluster: the scripts touch keys that
    /// would lie in different slots.
    pub url: String,
    /// The password, if it is not in the URL; it goes before the one in the URL.
    pub password: Option<String>,
    /// What all keys and channels begin with. Clusters that share a Redis need different ones, also in different
    /// databases: channels are common to all databases.
    pub prefix: String,
    /// This node's name: letters, digits, `.`, `_` and `-`. No two nodes of a cluster may have the same; a second
    /// process with the name expels the first.
    pub node: String,
    /// The version of the store's schema: nodes with different ones do not live together.
    pub schema_version: u32,
    /// The version of what is published: nodes with different ones do not live together.
    pub payload_version: u32,
    /// Within this time after the death of a node its users are offline everywhere.
    pub ttl: Duration,
    /// Threads that publish, each with a connection. A topic always has the same one.
    pub publishers: usize,
    /// How much of everything.
    pub limits: Limits,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Publications that wait for Redis, all publishers together, sent but unconfirmed ones included. What is more is
    /// refused, and the other nodes are told to read the log.
    pub publish_queue_max: usize,
    /// The bytes of their payloads. The same.
    pub publish_queue_bytes_max: usize,
    /// The longest thing that Redis may send the subscriber. A longer one ends the connection; after the reconnect the
    /// log is read.
    pub message_bytes_max: usize,
    /// Connections for presence calls. Who finds all taken waits up to [`CALL_LIMIT`](super::CALL_LIMIT) for one and then
    /// does without: the answer is unknown.
    pub presence_connections_max: usize,
    /// How long a call for recent messages may take before the log is read instead.
    pub history_call_limit: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            publish_queue_max: 65_536,
            publish_queue_bytes_max: 64 << 20,
            message_bytes_max: 16 << 20,
            presence_connections_max: 16,
            history_call_limit: Duration::from_millis(50),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            url: "redis://127.0.0.1:6379".to_owned(),
            password: None,
            prefix: "chat:".to_owned(),
            node: "node".to_owned(),
            schema_version: 0,
            payload_version: 0,
            ttl: Duration::from_secs(10),
            publishers: 2,
            limits: Limits::default(),
        }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Target::parse(&self.url, None) {
            Ok(target) => target.fmt(f),
            Err(_) => f.write_str("an invalid Redis URL"),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &format_args!("{self}"))
            .field("password", &self.password.as_ref().map(|_| format_args!("(hidden)")))
            .field("prefix", &self.prefix)
            .field("node", &self.node)
            .field("schema_version", &self.schema_version)
            .field("payload_version", &self.payload_version)
            .field("ttl", &self.ttl)
            .field("publishers", &self.publishers)
            .field("limits", &self.limits)
            .finish()
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL; the text does not quote it, since it may hold a password.
    #[error("the Redis URL is not valid: {0}")]
    Url(&'static str),
    /// The node's name.
    #[error("a node's name is 1 to {NODE_NAME_BYTES_MAX} letters, digits, '.', '_' and '-', not {0:?}")]
    Node(String),
    /// The prefix.
    #[error(
        "the Redis prefix is 1 to {PREFIX_BYTES_MAX} visible ASCII characters without '*', '?', '[', not {0:?}"
    )]
    Prefix(String),
    /// The time to live.
    #[error("the time to live of presence is {TTL_MIN:?} to {TTL_MAX:?}, not {0:?}")]
    Ttl(Duration),
    /// The number of publishers.
    #[error("there are 1 to {PUBLISHERS_MAX} publishers, not {0}")]
    Publishers(usize),
    /// A limit that would let nothing through.
    #[error("the limit {0} must not be zero")]
    Limit(&'static str),
}

/// The same, checked.
pub(super) struct Settings {
    pub(super) target: Target,
    pub(super) prefix: String,
    pub(super) node: String,
    /// What must be the same on all living nodes, as it stands in Redis: `bus.payload.schema`.
    pub(super) versions: String,
    pub(super) ttl: Duration,
    /// A lease ends two beats before the time to live, so that there is time to find out and to tell.
    pub(super) lease: Duration,
    pub(super) publishers: usize,
    pub(super) limits: Limits,
}

impl Settings {
    pub(super) fn check(config: &Config) -> Result<Settings, ConfigError> {
        let target = Target::parse(&config.url, config.password.as_deref())?;
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=NODE_NAME_BYTES_MAX).contains(&config.node.len()) || !config.node.bytes().all(named) {
            return Err(ConfigError::Node(config.node.clone()));
        }
        let visible = |byte: u8| byte.is_ascii_graphic() && !b"*?[".contains(&byte);
        if !(1..=PREFIX_BYTES_MAX).contains(&config.prefix.len()) || !config.prefix.bytes().all(visible) {
            return Err(ConfigError::Prefix(config.prefix.clone()));
        }
        if !(TTL_MIN..=TTL_MAX).contains(&config.ttl) {
            return Err(ConfigError::Ttl(config.ttl));
        }
        if !(1..=PUBLISHERS_MAX).contains(&config.publishers) {
            return Err(ConfigError::Publishers(config.publishers));
        }
        let limits = config.limits;
        for (name, limit) in [
            ("publish_queue_max", limits.publish_queue_max),
            ("publish_queue_bytes_max", limits.publish_queue_bytes_max),
            ("message_bytes_max", limits.message_bytes_max),
            ("presence_connections_max", limits.presence_connections_max),
        ] {
            if limit == 0 {
                return Err(ConfigError::Limit(name));
            }
        }
        Ok(Settings {
            target,
            prefix: config.prefix.clone(),
            node: config.node.clone(),
            versions: format!("{}.{}.{}", envelope::FORMAT, config.payload_version, config.schema_version),
            ttl: config.ttl,
            lease: config.ttl - 2 * BEAT,
            publishers: config.publishers,
            limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let config = Config {
            url: "redis://u:hush@h/1".to_owned(),
            password: Some("quiet".to_owned()),
            ..Config::default()
        };
        let shown = format!("{config} {config:?}");
        assert!(shown.contains("redis://h:6379/1"), "{shown}");
        assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
        let broken = Config { url: "redis://h:hush".to_owned(), ..Config::default() };
        assert!(!format!("{broken} {broken:?}").contains("hush"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let fails = |change: &dyn Fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            Settings::check(&config).is_err()
        };
        assert!(!fails(&|_| {}));
        assert!(fails(&|config| config.node = "a#1".to_owned()));
        assert!(fails(&|config| config.node = String::new()));
        assert!(fails(&|config| config.prefix = "chat *".to_owned()));
        assert!(fails(&|config| config.ttl = Duration::from_secs(3)));
        assert!(fails(&|config| config.publishers = 0));
        assert!(fails(&|config| config.limits.publish_queue_max = 0));
    }
}
