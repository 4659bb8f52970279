//! The settings, resolved: typed, checked, and sorted by who uses them.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use domain::{ChangeWindows, FriendLimits, GroupLimits};
use gateway::GatewayConfig;
use ipnet::IpNet;
use reactor::Departure;
use service::{Rate, Rates, Registration, ServiceConfig, SessionPolicy};

use crate::sources::{ConfigError, Sources};

/// Everything that a server needs to know before it starts.
pub(crate) struct Config {
    pub(crate) listen: Vec<SocketAddr>,
    /// Where operators are answered.
    pub(crate) admin: Option<SocketAddr>,
    /// What whoever orders something there has to say; `None`: no orders are taken.
    pub(crate) admin_token: Option<Secret>,
    pub(crate) store: StoreConfig,
    /// `None`: a node that is alone.
    pub(crate) cluster: Option<cluster::redis::Config>,
    pub(crate) log: String,
    pub(crate) password: PasswordCost,
    pub(crate) departure: Departure,
    pub(crate) reactor: reactor::Config,
    pub(crate) gateway: GatewayConfig,
    pub(crate) service: ServiceConfig,
    /// Of a node on its own.
    pub(crate) history_cache_bytes_max: u64,
}

/// What a command to a running node needs.
pub(crate) struct AdminAccess {
    pub(crate) address: SocketAddr,
    pub(crate) token: Secret,
}

impl AdminAccess {
    /// Resolves the two settings.
    pub(crate) fn resolve(sources: &Sources) -> Result<AdminAccess, ConfigError> {
        let address = admin(sources)?.filter(|address| address.port() != 0);
        let address = address.ok_or_else(|| {
            sources.wrong("admin", "must be the running node's address for operators, HOST:PORT")
        })?;
        let token = admin_token(sources)?.ok_or_else(|| {
            sources.wrong("admin_token_file", "must be the file with the running node's token for orders")
        })?;
        Ok(AdminAccess { address, token })
    }
}

/// Where everything is kept.
pub(crate) enum StoreConfig {
    /// In one file of this folder.
    Sqlite { folder: PathBuf },
    /// In a MySQL or MariaDB database.
    MySql(DatabaseAccount),
}

/// How to get into a database.
pub(crate) struct DatabaseAccount {
    pub(crate) url: Secret,
    /// If it stands in a file of its own.
    pub(crate) password: Option<Secret>,
    pub(crate) connections_max: u32,
}

/// A text that is never printed.
pub(crate) struct Secret(pub(crate) String);

/// What hashing a password costs.
pub(crate) struct PasswordCost {
    pub(crate) memory_kib: u32,
    pub(crate) iterations: u32,
}

impl Config {
    /// Resolves raw values; the first wrong one is the error.
    pub(crate) fn resolve(sources: &Sources) -> Result<Config, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let or = |number: u64, default: u64| if number == 0 { default.max(1) } else { number };
        let store = store(sources)?;
        let io_threads = or(sources.number("io_threads", 0..=255)?, cores / 2);
        let append_pause = Duration::from_micros(sources.number("append_pause_us", 0..=100_000)?);
        let append_pause = match store {
            // One file, no round trips: nothing is gained by waiting.
            StoreConfig::Sqlite { .. } => Duration::ZERO,
            StoreConfig::MySql(_) => append_pause,
        };
        let reactor = reactor::Config {
            io_threads: io_threads as usize,
            connections_max: size(sources, "connections_max", 1..=1_000_000)?,
            outbox_low_bytes: size(sources, "outbox_low_bytes", 1..=1 << 30)?,
            outbox_high_bytes: size(sources, "outbox_high_bytes", 1..=1 << 30)?,
            outbox_hard_bytes: size(sources, "outbox_hard_bytes", 1..=1 << 34)?,
            outbox_total_bytes_max: size(sources, "outbox_total_bytes_max", 1..=1 << 40)?,
            input_total_bytes_max: size(sources, "input_total_bytes_max", 1..=1 << 40)?,
            write_stall: millis(sources, "write_stall_ms", 100..=3_600_000)?,
            ..reactor::Config::default()
        };
        let defaults = GatewayConfig::default();
        let frame_bytes_max = sources.number("frame_bytes_max", 1_024..=16 << 20)? as u32;
        let gateway = GatewayConfig {
            node: node(sources)?,
            proxy_trusted: networks(sources, "proxy_trusted")?,
            heartbeat: millis(sources, "heartbeat_ms", 1_000..=3_600_000)?,
            hello_timeout: millis(sources, "hello_timeout_ms", 100..=3_600_000)?,
            login_timeout: millis(sources, "login_timeout_ms", 100..=86_400_000)?,
            frame_bytes_max,
            frame_bytes_before_login_max: defaults.frame_bytes_before_login_max.min(frame_bytes_max),
            guest_frames_max: sources.number("guest_frames_max", 4..=1_000_000)? as u32,
            connections_per_address_max: sources.number("connections_per_address_max", 0..=16_777_216)?
                as u32,
            failed_logins_max: sources.number("failed_logins_max", 1..=1_000_000)? as u32,
            pipeline_max: sources.number("pipeline_max", 1..=10_000)? as u32,
            waiting_bytes_max: size(sources, "waiting_bytes_max", 1 << 20..=1 << 40)?,
            worker_threads: or(sources.number("worker_threads", 0..=256)?, cores * 2) as usize,
            slow_threads: or(sources.number("slow_threads", 0..=64)?, cores / 2) as usize,
            slow_queue_max: size(sources, "slow_queue_max", 1..=1 << 20)?,
            append_pause,
            append_queue_max: size(sources, "append_queue_max", 1..=1 << 20)?,
            append_batch_max: size(sources, "append_batch_max", 1..=10_000)?,
            bus_inbox_max: size(sources, "bus_inbox_max", 1..=1 << 24)?,
            bus_inbox_bytes_max: size(sources, "bus_inbox_bytes_max", 2 << 20..=1 << 34)?,
            tails_max: size(sources, "tails_max", 1..=1 << 26)?,
            held_max: size(sources, "held_max", 0..=1 << 24)?,
            held_bytes_max: size(sources, "held_bytes_max", 0..=1 << 34)?,
            gap_grace: millis(sources, "gap_grace_ms", 0..=5_000)?,
            ..defaults
        };
        let service = ServiceConfig {
            registration: registration(sources)?,
            session_policy: session_policy(sources)?,
            sessions_per_user_max: sources.number("sessions_per_user_max", 1..=100_000)? as u32,
            session_ttl_ms: sources.number("session_ttl_hours", 1..=876_000)? * 3_600_000,
            friends: FriendLimits {
                friends: sources.number("friends_max", 1..=100_000)? as u32,
                requests: sources.number("friend_requests_max", 1..=100_000)? as u32,
            },
            blocked_max: sources.number("blocked_users_max", 1..=100_000)? as u32,
            groups: GroupLimits {
                members: sources.number("group_members_max", 1..=100_000)? as u32,
                groups: sources.number("groups_max", 1..=100_000)? as u32,
                requests: sources.number("group_requests_max", 1..=100_000)? as u32,
                requests_per_user: sources.number("group_requests_per_user_max", 1..=100_000)? as u32,
            },
            rates: Rates {
                pings: rate(sources, "pings_burst", "pings_per_minute")?,
                guest_requests: rate(sources, "guest_requests_burst", "guest_requests_per_minute")?,
                requests: rate(sources, "requests_burst", "requests_per_minute")?,
                friend_requests: rate(sources, "friend_requests_burst", "friend_requests_per_minute")?,
                searches: rate(sources, "searches_burst", "searches_per_minute")?,
                joins: rate(sources, "joins_burst", "joins_per_minute")?,
                changes: rate(sources, "changes_burst", "changes_per_minute")?,
                sends: rate(sources, "sends_burst", "sends_per_minute")?,
                typings: rate(sources, "typings_burst", "typings_per_minute")?,
                broadcasts: rate(sources, "broadcasts_burst", "broadcasts_per_minute")?,
                registrations: rate(sources, "registrations_burst", "registrations_per_minute")?,
                recoveries: rate(sources, "recoveries_burst", "recoveries_per_minute")?,
                logins: rate(sources, "logins_burst", "logins_per_minute")?,
                password_proofs: rate(sources, "password_proofs_burst", "password_proofs_per_minute")?,
                text_kib: rate(sources, "text_kib_burst", "text_kib_per_minute")?,
                failed_logins: rate(sources, "failed_logins_burst", "failed_logins_per_minute")?,
            },
            user_cache_max: size(sources, "user_cache_max", 1..=10_000_000)?,
            friendship_cache_max: size(sources, "friendship_cache_max", 1..=10_000_000)?,
            roster_cache_members_max: sources.number("roster_cache_members_max", 1..=1_000_000_000)?,
            reader_cache_max: size(sources, "reader_cache_max", 1..=10_000_000)?,
            profile_cache_max: size(sources, "profile_cache_max", 1..=10_000_000)?,
            windows: ChangeWindows {
                recall_ms: sources.number("recall_window_ms", 0..=WINDOW_MS_MAX)?,
                edit_ms: sources.number("edit_window_ms", 0..=WINDOW_MS_MAX)?,
            },
            text_bytes_max: size(sources, "text_bytes_max", 1..=protocol_text_bytes_max())?,
            page_max: sources.number("page_max", 1..=u64::from(page_max()))? as u32,
            ..ServiceConfig::default()
        };
        let config = Config {
            history_cache_bytes_max: sources.number("history_cache_bytes_max", 0..=1 << 40)?,
            listen: listen(sources)?,
            admin: admin(sources)?,
            admin_token: admin_token(sources)?,
            cluster: cluster(sources, &store)?,
            store,
            log: sources.text("log").to_owned(),
            password: PasswordCost {
                memory_kib: sources.number("password_memory_kib", 8..=77_824)? as u32,
                iterations: sources.number("password_iterations", 1..=8)? as u32,
            },
            departure: Departure {
                notice: millis(sources, "drain_notice_ms", 0..=3_600_000)?,
                drain: millis(sources, "drain_ms", 0..=3_600_000)?,
            },
            reactor,
            gateway,
            service,
        };
        config.relations(sources)?;
        Ok(config)
    }

    /// Limits that are right one by one but not together.
    fn relations(&self, sources: &Sources) -> Result<(), ConfigError> {
        if let Err(error) = self.reactor.validate() {
            return Err(sources.wrong(key_of(error.field), error.rule));
        }
        if let Err(error) = self.gateway.validate() {
            return Err(sources.wrong(key_of(error.field), error.rule));
        }
        // The largest text with every byte escaped six-fold, and what stands around it.
        let needed = self.service.text_bytes_max * 6 + 4_096;
        if needed > self.gateway.frame_bytes_max as usize {
            let cause =
                format!("must be at least {needed} for texts of {} bytes", self.service.text_bytes_max);
            return Err(sources.wrong("frame_bytes_max", cause));
        }
        Ok(())
    }
}

/// The setting behind a field of another crate's configuration.
fn key_of(field: &'static str) -> &'static str {
    match field {
        "heartbeat" => "heartbeat_ms",
        "hello_timeout" => "hello_timeout_ms",
        "login_timeout" => "login_timeout_ms",
        "write_stall" => "write_stall_ms",
        other => other,
    }
}

fn protocol_text_bytes_max() -> u64 {
    ServiceConfig::default().text_bytes_max as u64
}

fn page_max() -> u32 {
    ServiceConfig::default().page_max
}

/// Characters of the admin token.
const ADMIN_TOKEN_MIN: usize = 16;
const ADMIN_TOKEN_MAX: usize = 256;

/// A window of a hundred years is for ever.
const WINDOW_MS_MAX: u64 = 100 * 366 * 24 * 3_600_000;

fn size(
    sources: &Sources,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<usize, ConfigError> {
    sources.number(key, range).map(|number| number as usize)
}

fn millis(
    sources: &Sources,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Duration, ConfigError> {
    sources.number(key, range).map(Duration::from_millis)
}

fn rate(sources: &Sources, burst: &'static str, per_minute: &'static str) -> Result<Rate, ConfigError> {
    // At most one a microsecond: faster than any node.
    Ok(Rate {
        burst: sources.number(burst, 0..=1_000_000)? as u32,
        per_minute: sources.number(per_minute, 0..=60_000_000)? as u32,
    })
}

fn listen(sources: &Sources) -> Result<Vec<SocketAddr>, ConfigError> {
    let mut addresses = Vec::new();
    for text in sources.text("listen").split(',').map(str::trim) {
        addresses.extend(address(sources, "listen", text)?);
    }
    Ok(addresses)
}

/// The token, if there is to be one.
fn admin_token(sources: &Sources) -> Result<Option<Secret>, ConfigError> {
    const KEY: &str = "admin_token_file";
    let path = sources.text(KEY);
    if path.is_empty() {
        return Ok(None);
    }
    let token = read_password(path).map_err(|cause| sources.wrong(KEY, cause))?;
    let fits = (ADMIN_TOKEN_MIN..=ADMIN_TOKEN_MAX).contains(&token.0.len());
    if !fits || !token.0.bytes().all(|byte| byte.is_ascii_graphic()) {
        let cause = format!(
            "the token in it must be {ADMIN_TOKEN_MIN} to {ADMIN_TOKEN_MAX} printable ASCII characters without spaces"
        );
        return Err(sources.wrong(KEY, cause));
    }
    Ok(Some(token))
}

fn admin(sources: &Sources) -> Result<Option<SocketAddr>, ConfigError> {
    match sources.text("admin") {
        "" => Ok(None),
        text => Ok(address(sources, "admin", text)?.next()),
    }
}

fn address(
    sources: &Sources,
    key: &'static str,
    text: &str,
) -> Result<impl Iterator<Item = SocketAddr>, ConfigError> {
    text.to_socket_addrs().map_err(|error| {
        let cause = format!("\"{text}\" is not an address like 127.0.0.1:7000 or [::1]:7000 ({error})");
        sources.wrong(key, cause)
    })
}

/// Networks, or addresses, which are networks of one.
fn networks(sources: &Sources, key: &'static str) -> Result<Vec<IpNet>, ConfigError> {
    let texts = sources.text(key).split(',').map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(|text| {
            let address = text.parse::<IpAddr>().map(IpNet::from).ok();
            address.or_else(|| text.parse().ok()).ok_or_else(|| {
                let cause =
                    format!("\"{text}\" is not an address like 10.0.0.1 or a network like 10.0.0.0/24");
                sources.wrong(key, cause)
            })
        })
        .collect()
}

fn store(sources: &Sources) -> Result<StoreConfig, ConfigError> {
    let folder = PathBuf::from(sources.text("data"));
    let connections_max = sources.number("store_connections_max", 1..=1_000)? as u32;
    let password_file = sources.text("store_password_file");
    match sources.text("store") {
        "sqlite" if folder.as_os_str().is_empty() => Err(sources.wrong("data", "must name a folder")),
        "sqlite" => Ok(StoreConfig::Sqlite { folder }),
        url if url.starts_with("mysql://") => {
            let password = match password_file {
                "" => None,
                path => {
                    Some(read_password(path).map_err(|cause| sources.wrong("store_password_file", cause))?)
                }
            };
            Ok(StoreConfig::MySql(DatabaseAccount { url: Secret(url.to_owned()), password, connections_max }))
        }
        // Not quoted: it may be a URL with a password and a slip in its first word.
        _ => Err(sources.wrong("store", "must be sqlite or mysql://USER@HOST:PORT/DATABASE")),
    }
}

/// The versions are the store's and the gateway's to say; see `node.rs`.
fn cluster(sources: &Sources, store: &StoreConfig) -> Result<Option<cluster::redis::Config>, ConfigError> {
    let url = sources.text("redis").to_owned();
    let password = match sources.text("redis_password_file") {
        "" => None,
        path => Some(read_password(path).map_err(|cause| sources.wrong("redis_password_file", cause))?.0),
    };
    let config = cluster::redis::Config {
        url,
        password,
        prefix: sources.text("redis_prefix").to_owned(),
        node: node(sources)?,
        ttl: millis(sources, "presence_ttl_ms", 4_000..=600_000)?,
        ..cluster::redis::Config::default()
    };
    if config.url.is_empty() {
        return Ok(None);
    }
    if let StoreConfig::Sqlite { .. } = store {
        let cause =
            "needs a MySQL store, which all nodes share: set store to mysql://USER@HOST:PORT/DATABASE";
        return Err(sources.wrong("redis", cause));
    }
    Ok(Some(config))
}

/// What somebody who is neither owner nor of the group may do with a file.
const OTHERS: u32 = 0o007;

/// A secret from a file, unless everybody on this machine could have it from there, or put another one in.
fn read_password(path: &str) -> Result<Secret, String> {
    let failed = |error: std::io::Error| format!("cannot read {path}: {error}");
    let mut file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.permissions().mode();
    // Of a pipe the mode says nothing.
    if about.is_file() && mode & OTHERS != 0 {
        return Err(format!(
            "{path} is open to everybody on this machine (mode {:04o}): chmod 600 it",
            mode & 0o7777
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(Secret(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn node(sources: &Sources) -> Result<String, ConfigError> {
    let name = sources.text("node");
    let valid = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if valid {
        return Ok(name.to_owned());
    }
    Err(sources.wrong("node", "must be 1 to 64 letters, digits, dots, dashes or underscores"))
}

fn registration(sources: &Sources) -> Result<Registration, ConfigError> {
    match sources.text("registration") {
        "open" => Ok(Registration::Open),
        "closed" => Ok(Registration::Closed),
        other => Err(sources.wrong("registration", format!("\"{other}\" is not open or closed"))),
    }
}

fn session_policy(sources: &Sources) -> Result<SessionPolicy, ConfigError> {
    match sources.text("session_policy") {
        "many" => Ok(SessionPolicy::Many),
        "reject" => Ok(SessionPolicy::Reject),
        "replace" => Ok(SessionPolicy::Replace),
        other => Err(sources.wrong("session_policy", format!("\"{other}\" is not many, reject or replace"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::command;
    use std::collections::HashMap;

    fn resolve(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let flags = command().get_matches_from([&["server"], flags].concat());
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let (sources, _) = Sources::gather(&flags, |name| variables.get(name).map(|v| (*v).to_owned()))?;
        Config::resolve(&sources)
    }

    fn message(flags: &[&str]) -> String {
        resolve(flags, &[]).map(|_| ()).unwrap_err().to_string()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn defaults_are_right_and_every_setting_is_used() {
        let flags = command().get_matches_from(["server"]);
        let (sources, _) = Sources::gather(&flags, |_| None).unwrap();
        let config = Config::resolve(&sources).unwrap();
        assert_eq!(config.listen, ["127.0.0.1:7000".parse().unwrap()]);
        assert_eq!(sources.unused(), Vec::<&str>::new());
    }

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let config = resolve(&[], &[]).unwrap();
        let (gateway, service) = (GatewayConfig::default(), ServiceConfig::default());
        assert_eq!(config.gateway.heartbeat, gateway.heartbeat);
        assert_eq!(config.gateway.pipeline_max, gateway.pipeline_max);
        assert_eq!(config.gateway.guest_frames_max, gateway.guest_frames_max);
        assert_eq!(config.gateway.connections_per_address_max, gateway.connections_per_address_max);
        assert_eq!(config.gateway.failed_logins_max, gateway.failed_logins_max);
        assert_eq!(config.gateway.append_queue_max, gateway.append_queue_max);
        assert_eq!(config.gateway.waiting_bytes_max, gateway.waiting_bytes_max);
        assert_eq!(config.gateway.bus_inbox_max, gateway.bus_inbox_max);
        assert_eq!(config.gateway.bus_inbox_bytes_max, gateway.bus_inbox_bytes_max);
        assert_eq!(config.gateway.tails_max, gateway.tails_max);
        assert_eq!(config.gateway.held_max, gateway.held_max);
        assert_eq!(config.gateway.held_bytes_max, gateway.held_bytes_max);
        assert_eq!(config.gateway.gap_grace, gateway.gap_grace);
        assert_eq!(config.service.session_ttl_ms, service.session_ttl_ms);
        assert_eq!(config.service.friends, service.friends);
        assert_eq!(config.service.groups, service.groups);
        assert_eq!(config.service.rates, service.rates);
        assert_eq!(config.service.profile_cache_max, service.profile_cache_max);
        assert_eq!(config.service.user_cache_max, service.user_cache_max);
        assert_eq!(config.service.friendship_cache_max, service.friendship_cache_max);
        assert_eq!(config.service.roster_cache_members_max, service.roster_cache_members_max);
        assert_eq!(config.service.reader_cache_max, service.reader_cache_max);
        assert_eq!(config.service.sessions_per_user_max, service.sessions_per_user_max);
        let reactor = reactor::Config::default();
        assert_eq!(config.reactor.outbox_hard_bytes, reactor.outbox_hard_bytes);
        assert_eq!(config.reactor.outbox_total_bytes_max, reactor.outbox_total_bytes_max);
        assert_eq!(config.reactor.input_total_bytes_max, reactor.input_total_bytes_max);
    }

    #[test]
    fn flags_beat_variables_beat_the_file() {
        let file = file("node = \"from-file\"\nfriends_max = 7\npage_max = 9\n");
        let path = file.path().to_str().unwrap();
        let variables = [("CHAT_NODE", "from-variable"), ("CHAT_FRIENDS_MAX", "8"), ("CHAT_CONFIG", path)];
        let config = resolve(&["--node", "from-flag"], &variables).unwrap();
        assert_eq!(config.gateway.node, "from-flag");
        assert_eq!(config.service.friends.friends, 8);
        assert_eq!(config.service.page_max, 9);
    }

    #[test]
    fn an_error_is_one_line_that_names_key_and_origin() {
        let cases: &[(&[&str], &str)] = &[
            (
                &["--heartbeat-ms", "soon"],
                "heartbeat_ms (flag --heartbeat-ms): \"soon\" is not a whole number",
            ),
            (&["--heartbeat-ms", "-1"], "heartbeat_ms (flag --heartbeat-ms): \"-1\" is not a whole number"),
            (&["--heartbeat-ms", "5"], "heartbeat_ms (flag --heartbeat-ms): 5 is not within 1000 to 3600000"),
            (
                &["--store", "postgres://u:secret@h/d"],
                "store (flag --store): must be sqlite or mysql://USER@HOST:PORT/DATABASE",
            ),
            (
                &["--session-policy", "x"],
                "session_policy (flag --session-policy): \"x\" is not many, reject or replace",
            ),
            (
                &["--outbox-high-bytes", "1"],
                "outbox_high_bytes (flag --outbox-high-bytes): must be above outbox_low_bytes",
            ),
            (
                &["--frame-bytes-max", "2048"],
                "frame_bytes_max (flag --frame-bytes-max): must be at least 397312 for texts of 65536 bytes",
            ),
        ];
        for (flags, expected) in cases {
            assert_eq!(message(flags), *expected);
        }
        assert!(
            message(&["--listen", "nonsense"])
                .starts_with("listen (flag --listen): \"nonsense\" is not an address")
        );
    }

    #[test]
    fn a_wrong_file_is_named() {
        let wrong = |text: &str| {
            let file = file(text);
            let path = file.path().to_str().unwrap();
            message(&["--config", path]).replace(path, "FILE")
        };
        assert_eq!(
            wrong("hartbeat_ms = 5"),
            "hartbeat_ms in the file FILE is not a setting; server --help lists them"
        );
        assert_eq!(wrong("heartbeat_ms = 5"), "heartbeat_ms (file FILE): 5 is not within 1000 to 3600000");
        assert_eq!(
            wrong("node = 1.5"),
            "node in the file FILE must be a text, a whole number or a list of texts"
        );
        assert!(wrong("node = ").starts_with("the file FILE is not TOML: "));
        assert!(message(&["--config", "/nowhere/x"]).starts_with("cannot read the file /nowhere/x: "));
    }

    #[test]
    fn several_addresses_of_both_families() {
        let config = resolve(&["--listen", "127.0.0.1:0, [::1]:7001"], &[]).unwrap();
        assert_eq!(config.listen, ["127.0.0.1:0".parse().unwrap(), "[::1]:7001".parse().unwrap()]);
        let file = file("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]");
        let config = resolve(&["--config", file.path().to_str().unwrap()], &[]).unwrap();
        assert_eq!(config.listen.len(), 2);
    }

    #[test]
    fn balancers_are_addresses_and_networks() {
        let config =
            resolve(&["--proxy-trusted", "10.0.0.1, 192.168.0.0/16,::1,2001:db8::/32"], &[]).unwrap();
        let trusted: Vec<_> = config.gateway.proxy_trusted.iter().map(ToString::to_string).collect();
        assert_eq!(trusted, ["10.0.0.1/32", "192.168.0.0/16", "::1/128", "2001:db8::/32"]);
        for wrong in ["10.0.0", "10.0.0.0/33", "nginx", "10.0.0.1:80"] {
            let message = message(&["--proxy-trusted", wrong]);
            assert!(message.contains(&format!("\"{wrong}\" is not an address")), "{message}");
        }
    }

    #[test]
    fn the_example_file_is_the_defaults() {
        let example = include_str!("../../../server.example.toml");
        let live: String = example
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(""))
            .map(|line| format!("{line}\n"))
            .collect();
        let file = file(&live);
        let config = resolve(&["--config", file.path().to_str().unwrap()], &[]).unwrap();
        assert_eq!(config.listen, ["127.0.0.1:7000".parse().unwrap()]);
    }
}
