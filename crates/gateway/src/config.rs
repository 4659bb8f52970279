//! Every limit of the gateway.

use std::time::Duration;

use ipnet::IpNet;
use protocol::limits;

use crate::node_message::PAYLOAD_BYTES_MAX;

/// Networks of balancers: each newcomer's address is compared with all of them.
const PROXY_TRUSTED_MAX: usize = 256;

/// Limits and thread counts of the gateway, with their defaults.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The node's name, told in HELLO.
    pub node: String,
    /// Name and version of the server program, told in HELLO.
    pub server: String,
    /// A side that has sent nothing for this long sends a PING; one that heard nothing for twice as long closes.
    pub heartbeat: Duration,
    /// Balancers: a connection from one of these begins with a header of the PROXY protocol, which says whose it is. None by
    /// default: then such a header is no more than bytes that are no frame.
    pub proxy_trusted: Vec<IpNet>,
    /// From connecting to HELLO.
    pub hello_timeout: Duration,
    /// From connecting, or logging out, to being logged in.
    pub login_timeout: Duration,
    /// Body bytes of a frame, once logged in.
    pub frame_bytes_max: u32,
    /// Body bytes of a frame before login.
    pub frame_bytes_before_login_max: u32,
    /// Connections from one address, or one IPv6 /64; more are told so and closed. 0: no limit.
    pub connections_per_address_max: u32,
    /// Frames that a connection may send before it is logged in; then it is closed.
    pub guest_frames_max: u32,
    /// Logins of one connection that may fail; then it is closed.
    pub failed_logins_max: u32,
    /// Requests of one connection that wait for their answer; at the limit it is not read from until half are answered.
    pub pipeline_max: u32,
    /// Body bytes of requests of all connections that wait for their answer; beyond it requests are answered BUSY.
    pub waiting_bytes_max: usize,
    /// Threads that run requests.
    pub worker_threads: usize,
    /// Threads that run requests which hash a password.
    pub slow_threads: usize,
    /// Requests that wait for a slow thread; beyond it they are answered BUSY.
    pub slow_queue_max: usize,
    /// Threads that store messages. An embedded store has one writer and gains nothing from more.
    pub appenders: usize,
    /// Messages that wait for one appender; beyond it sends are answered BUSY.
    pub append_queue_max: usize,
    /// Messages stored in one transaction.
    pub append_batch_max: usize,
    /// Pause after a transaction of several messages, in which the next ones gather, unless plenty wait already; no message
    /// waits longer for it. What a transaction costs beside its messages is then shared by more of them.
    pub append_pause: Duration,
    /// Pauses between attempts to store a batch while the store is away; after the last the batch is answered BUSY.
    pub append_retry_pauses: Vec<Duration>,
    /// What BUSY tells the client to wait.
    pub busy_retry_after_ms: u64,
    /// How often what is written behind is stored.
    pub tick: Duration,
    /// How long receipts are gathered before they are told: each user's of a conversation at most once in this time.
    pub receipt_interval: Duration,
    /// Publications of other nodes that wait for the courier; beyond it they are dropped, and read from the log.
    pub bus_inbox_max: usize,
    /// Bytes of them; the same again may be in work.
    pub bus_inbox_bytes_max: usize,
    /// Conversations of which something was heard, so that a gap is noticed. About 200 bytes each. Beyond it the oldest unused is
    /// forgotten.
    pub tails_max: usize,
    /// Messages of one conversation held behind a gap; beyond it they are read from the log.
    pub held_each_max: usize,
    /// Messages held behind gaps in all.
    pub held_max: usize,
    /// Bytes of them.
    pub held_bytes_max: usize,
    /// How long a gap may stay before the log is read: mostly the bus brings what is missing by itself.
    pub gap_grace: Duration,
}

impl Default for GatewayConfig {
    fn default() -> GatewayConfig {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        GatewayConfig {
            node: "node-1".to_owned(),
            server: concat!("chat/", env!("CARGO_PKG_VERSION")).to_owned(),
            heartbeat: Duration::from_secs(12),
            proxy_trusted: Vec::new(),
            hello_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(600),
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            frame_bytes_before_login_max: limits::FRAME_BYTES_BEFORE_LOGIN_MAX,
            connections_per_address_max: 1_000,
            guest_frames_max: 256,
            failed_logins_max: 10,
            pipeline_max: 64,
            waiting_bytes_max: 256 * 1024 * 1024,
            worker_threads: cores.clamp(2, 16),
            slow_threads: (cores / 2).clamp(1, 8),
            slow_queue_max: 1_024,
            appenders: 1,
            append_queue_max: 16_384,
            append_batch_max: 1_000,
            append_pause: Duration::ZERO,
            append_retry_pauses: [50, 200, 750].map(Duration::from_millis).to_vec(),
            busy_retry_after_ms: 1_000,
            tick: Duration::from_secs(1),
            receipt_interval: Duration::from_millis(200),
            bus_inbox_max: 65_536,
            bus_inbox_bytes_max: 64 * 1024 * 1024,
            tails_max: 200_000,
            held_each_max: 256,
            held_max: 16_384,
            held_bytes_max: 64 * 1024 * 1024,
            gap_grace: Duration::from_millis(30),
        }
    }
}

impl GatewayConfig {
    /// Checks each limit and the relations between them; names the field at fault and the rule it breaks.
    pub fn validate(&self) -> Result<(), GatewayConfigError> {
        let rule = |holds: bool, field, rule| {
            if holds { Ok(()) } else { Err(GatewayConfigError { field, rule }) }
        };
        rule(self.proxy_trusted.len() <= PROXY_TRUSTED_MAX, "proxy_trusted", "must be at most 256 networks")?;
        rule(self.heartbeat >= Duration::from_secs(1), "heartbeat", "must be at least 1 s")?;
        rule(self.hello_timeout >= Duration::from_millis(100), "hello_timeout", "must be at least 100 ms")?;
        rule(self.login_timeout >= self.hello_timeout, "login_timeout", "must not be below hello_timeout")?;
        rule(
            (1024..=16 * 1024 * 1024).contains(&self.frame_bytes_max),
            "frame_bytes_max",
            "must be 1 KiB to 16 MiB",
        )?;
        rule(
            (1024..=self.frame_bytes_max).contains(&self.frame_bytes_before_login_max),
            "frame_bytes_before_login_max",
            "must be 1 KiB to frame_bytes_max",
        )?;
        rule(self.guest_frames_max >= 4, "guest_frames_max", "must be at least 4")?;
        rule(self.failed_logins_max >= 1, "failed_logins_max", "must not be 0")?;
        rule((1..=10_000).contains(&self.pipeline_max), "pipeline_max", "must be 1 to 10,000")?;
        rule(
            self.waiting_bytes_max >= self.frame_bytes_max as usize,
            "waiting_bytes_max",
            "must not be below frame_bytes_max",
        )?;
        rule((1..=256).contains(&self.worker_threads), "worker_threads", "must be 1 to 256")?;
        rule((1..=64).contains(&self.slow_threads), "slow_threads", "must be 1 to 64")?;
        rule(self.slow_queue_max >= 1, "slow_queue_max", "must not be 0")?;
        rule((1..=64).contains(&self.appenders), "appenders", "must be 1 to 64")?;
        rule(self.append_queue_max >= 1, "append_queue_max", "must not be 0")?;
        rule((1..=10_000).contains(&self.append_batch_max), "append_batch_max", "must be 1 to 10,000")?;
        rule(self.append_pause <= Duration::from_millis(100), "append_pause", "must be at most 100 ms")?;
        rule(self.tick >= Duration::from_millis(10), "tick", "must be at least 10 ms")?;
        rule(self.bus_inbox_max >= 1, "bus_inbox_max", "must not be 0")?;
        rule(
            self.receipt_interval >= Duration::from_millis(10),
            "receipt_interval",
            "must be at least 10 ms",
        )?;
        rule(
            self.bus_inbox_bytes_max >= PAYLOAD_BYTES_MAX,
            "bus_inbox_bytes_max",
            "must not be below the largest publication, 1 MiB and a little",
        )?;
        rule(self.tails_max >= self.appenders, "tails_max", "must not be below appenders")?;
        rule(self.gap_grace <= Duration::from_secs(5), "gap_grace", "must be at most 5 s")
    }
}

/// A limit that cannot be, or that contradicts another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct GatewayConfigError {
    /// The field of [`GatewayConfig`] at fault.
    pub field: &'static str,
    /// The rule it breaks, worded to follow the field's name.
    pub rule: &'static str,
}
