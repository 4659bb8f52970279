//! The settings by name: one table from which flags, environment, file, help and example are made.

/// What the names of all environment variables begin with.
pub(crate) const VARIABLE_PREFIX: &str = "CHAT_";

/// One setting, as an operator sees it.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in the file. The flag is `--listen-on`, the environment variable `CHAT_LISTEN_ON` for a `listen_on`.
    pub(crate) key: &'static str,
    /// Its default, as one would type it.
    pub(crate) default: &'static str,
    /// How the file writes it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "help shows values as they are typed; the example file quotes them")
    )]
    pub(crate) form: Form,
    /// One or two sentences.
    pub(crate) help: &'static str,
}

/// How a value stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Quoted.
    Text,
    /// Bare.
    Number,
    /// A list of quoted texts; with commas between them everywhere else.
    List,
}

impl Setting {
    /// The flag's name without dashes in front.
    pub(crate) fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The environment variable's name.
    pub(crate) fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.key.to_uppercase())
    }

    /// The default as the file writes it.
    #[cfg(test)]
    pub(crate) fn default_in_file(&self) -> String {
        match self.form {
            Form::Number => self.default.to_owned(),
            Form::Text => format!("\"{}\"", self.default),
            Form::List if self.default.is_empty() => "[]".to_owned(),
            Form::List => {
                let parts: Vec<_> = self.default.split(',').map(|part| format!("\"{part}\"")).collect();
                format!("[{}]", parts.join(", "))
            }
        }
    }
}

/// The setting of this name.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn text(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, default, form: Form::Text, help }
}

const fn number(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, default, form: Form::Number, help }
}

/// Every setting, in the order that help and example show them.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        default: "127.0.0.1:7000",
        form: Form::List,
        help: "Addresses to listen on, HOST:PORT with commas between them. IPv6 hosts in brackets: [::1]:7000. Port 0 \
               picks a free one.",
    },
    text(
        "admin",
        "",
        "Address for operators, HOST:PORT: /healthz, /readyz and /metrics over HTTP. To look there needs no password: keep it private. Empty: none.",
    ),
    text(
        "admin_token_file",
        "",
        "File with the token that orders to the admin address need, such as server broadcast: 16 characters at least. Empty: no orders are taken.",
    ),
    Setting {
        key: "proxy_trusted",
        default: "",
        form: Form::List,
        help: "Balancers that say in the PROXY protocol whom they connect: addresses or networks (10.0.0.0/24). A connection from \
               there must begin with such a header. Empty: none.",
    },
    text("data", "./data", "Folder of the embedded store. Made if it does not exist."),
    text(
        "store",
        "sqlite",
        "Where everything is kept: sqlite (one file in the data folder) or mysql://USER@HOST:PORT/DATABASE.",
    ),
    text(
        "store_password_file",
        "",
        "File with the MySQL password, so that it need not stand in the store's URL. Empty: none.",
    ),
    number("store_connections_max", "16", "MySQL connections of this node's pool."),
    text(
        "redis",
        "",
        "Where the nodes of a cluster meet: redis://USER@HOST:PORT/DATABASE. Empty: this node is alone. Needs a MySQL store.",
    ),
    text(
        "redis_password_file",
        "",
        "File with the Redis password, so that it need not stand in the URL. Empty: none.",
    ),
    text(
        "redis_prefix",
        "chat:",
        "What all keys and channels in Redis begin with. Clusters that share a Redis need different ones.",
    ),
    number(
        "presence_ttl_ms",
        "10000",
        "Within this time after the death of a node its users are offline everywhere.",
    ),
    text(
        "node",
        "node-1",
        "This node's name, told to clients and written in logs. No two nodes of a cluster have the same.",
    ),
    text("log", "info", "What to log: a level (error, warn, info, debug, trace) or a filter as in RUST_LOG."),
    text(
        "registration",
        "open",
        "Who may open an account: open (whoever reaches the server), closed (nobody; accounts that are there go on).",
    ),
    text(
        "session_policy",
        "many",
        "Logging in while logged in elsewhere: many (both go on), reject (refused as online), replace (the older ends).",
    ),
    number(
        "sessions_per_user_max",
        "20",
        "Sessions of one user; one login more ends the session that was used longest ago.",
    ),
    number("session_ttl_hours", "720", "Hours after which a session that nobody used has ended."),
    number("friends_max", "5000", "Friends of one user."),
    number(
        "friend_requests_max",
        "500",
        "Friend requests without an answer: so many that one user sent, and so many that were sent to them.",
    ),
    number("blocked_users_max", "1000", "Users that one user may block."),
    number("groups_max", "1000", "Groups of one user."),
    number("group_members_max", "10000", "Members of one group."),
    number(
        "requests_burst",
        "5000",
        "Requests of one user, of all kinds, that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "requests_per_minute",
        "60000",
        "Requests of one user, of all kinds, a minute in the long run. 0: no limit.",
    ),
    number(
        "guest_requests_burst",
        "20000",
        "Requests before login (LOGIN, RESUME, REG, RECOVER) from one address that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "guest_requests_per_minute",
        "60000",
        "Requests before login from one address a minute in the long run. 0: no limit.",
    ),
    number(
        "pings_burst",
        "1000",
        "PINGs, repeated HELLOs and requests that cannot be read of one connection that are answered at once. More are told to wait. 0: no limit.",
    ),
    number("pings_per_minute", "6000", "The same a minute in the long run. 0: no limit."),
    number(
        "friend_requests_burst",
        "100",
        "Friend requests of one user that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "friend_requests_per_minute",
        "30",
        "Friend requests of one user a minute in the long run. 0: no limit.",
    ),
    number(
        "searches_burst",
        "120",
        "Searches of one user, for users and messages, that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "searches_per_minute",
        "60",
        "Searches of one user, for users and messages, a minute in the long run. 0: no limit.",
    ),
    number(
        "joins_burst",
        "100",
        "Groups that one user joins, asks to join or asks others into that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "joins_per_minute",
        "30",
        "Groups that one user joins, asks to join or asks others into a minute in the long run. 0: no limit.",
    ),
    number(
        "changes_burst",
        "200",
        "Changes that one user makes of groups (opening one, its profile, members, roles, mutings) and of the own profile that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "changes_per_minute",
        "60",
        "Changes that one user makes of groups and of the own profile a minute in the long run. 0: no limit.",
    ),
    number(
        "sends_burst",
        "200",
        "Messages of one user that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number("sends_per_minute", "3000", "Messages of one user a minute in the long run. 0: no limit."),
    number(
        "typings_burst",
        "20",
        "Times that one user says to be typing, taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number("typings_per_minute", "60", "The same a minute in the long run. 0: no limit."),
    number(
        "broadcasts_burst",
        "10",
        "Broadcasts of all operators that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "broadcasts_per_minute",
        "10",
        "Broadcasts of all operators a minute in the long run. 0: no limit.",
    ),
    number(
        "registrations_burst",
        "100",
        "Registrations from one address that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "registrations_per_minute",
        "30",
        "Registrations from one address a minute in the long run. 0: no limit.",
    ),
    number(
        "recoveries_burst",
        "20",
        "Tries to recover an account from one address that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number(
        "recoveries_per_minute",
        "10",
        "Tries to recover an account from one address a minute in the long run. 0: no limit.",
    ),
    number(
        "logins_burst",
        "60",
        "Logins with a password from one address that are taken at once, by this node: each costs the work of a hash. More are told to wait. 0: no limit.",
    ),
    number(
        "logins_per_minute",
        "120",
        "Logins with a password from one address a minute in the long run. 0: no limit.",
    ),
    number(
        "password_proofs_burst",
        "20",
        "Requests of one user with the password in them (CHANGE_PASSWORD, NEW_RECOVERY_CODES, DELETE_ACCOUNT) that are taken at once, by this node. More are told to wait. 0: no limit.",
    ),
    number("password_proofs_per_minute", "20", "The same a minute in the long run. 0: no limit."),
    number(
        "text_kib_burst",
        "8192",
        "KiB of messages of one user that are taken at once, by this node; a message costs the whole KiB of its text. More are told to wait. 0: no limit.",
    ),
    number(
        "text_kib_per_minute",
        "2048",
        "KiB of messages of one user a minute in the long run. 0: no limit.",
    ),
    number(
        "failed_logins_burst",
        "100",
        "Wrong passwords from one address that are taken at once, by this node. More are told to wait. 0: no limit. After that the address must wait, also with the right one.",
    ),
    number(
        "failed_logins_per_minute",
        "30",
        "Wrong passwords from one address a minute in the long run. 0: no limit.",
    ),
    number(
        "group_requests_max",
        "1000",
        "Applications to one group that wait for a decision, and as many invitations into it.",
    ),
    number(
        "group_requests_per_user_max",
        "200",
        "Applications of one user that wait for a decision, and as many invitations of them.",
    ),
    number(
        "user_cache_max",
        "100000",
        "Users whose name, nickname and picture a node keeps in memory, of about 200 bytes each.",
    ),
    number("profile_cache_max", "20000", "Profiles that a node keeps in memory, of about 300 bytes each."),
    number(
        "friendship_cache_max",
        "100000",
        "Pairs of friends whose conversation a node keeps in memory, and as many pairs of users with what is between them, of about 100 bytes each.",
    ),
    number(
        "roster_cache_members_max",
        "1000000",
        "Members that a node keeps in memory, of all groups together, of 16 bytes each; a group counts as a dozen more. One group should fit four times.",
    ),
    number(
        "reader_cache_max",
        "100000",
        "Readers of conversations of whom a node keeps in memory that they may read there and how far they got, and conversations of which it keeps how far they reach, of about 100 bytes each.",
    ),
    number(
        "recall_window_ms",
        "120000",
        "How long after it was said one may take a message back. In groups, owner and admins take back what others said at any time.",
    ),
    number("edit_window_ms", "86400000", "How long after it was said one may edit a message."),
    number("text_bytes_max", "65536", "Bytes of one message text."),
    number("page_max", "200", "Entries of one page of any list."),
    number(
        "history_cache_bytes_max",
        "67108864",
        "Bytes of recent messages that a node on its own keeps in memory, so that the newest pages of active conversations cost no reading; 0 keeps none.",
    ),
    number("connections_max", "16384", "Connections of this node; more are told so and closed."),
    number(
        "heartbeat_ms",
        "12000",
        "A client silent for this long is asked whether it is there; for twice as long, closed.",
    ),
    number("hello_timeout_ms", "10000", "A connection that has not said HELLO by then is closed."),
    number("login_timeout_ms", "600000", "A connection that has not logged in by then is closed."),
    number(
        "guest_frames_max",
        "256",
        "Frames that a connection may send before it is logged in; then it is closed.",
    ),
    number(
        "connections_per_address_max",
        "1000",
        "Connections from one address, or one IPv6 /64; more are told so and closed. 0: no limit, for a balancer that does not tell whose connections they are.",
    ),
    number("failed_logins_max", "10", "Logins that may fail on one connection; then it is closed."),
    number("frame_bytes_max", "1048576", "Body bytes of one frame. Before login it is at most 16384."),
    number(
        "pipeline_max",
        "64",
        "Requests of one connection that wait for an answer; more are not read yet.",
    ),
    number(
        "waiting_bytes_max",
        "268435456",
        "Bytes of all requests that wait for an answer, of which guests may have a quarter; more are answered busy.",
    ),
    number(
        "outbox_low_bytes",
        "262144",
        "A connection with fewer unread bytes than this is read from again.",
    ),
    number("outbox_high_bytes", "1048576", "A connection with more unread bytes than this is not read from."),
    number("outbox_hard_bytes", "8388608", "A connection with more unread bytes than this is cut."),
    number(
        "outbox_total_bytes_max",
        "536870912",
        "Unread bytes of all connections; over it the largest are cut.",
    ),
    number(
        "input_total_bytes_max",
        "268435456",
        "Bytes of unfinished frames of all connections; over it large ones are closed.",
    ),
    number(
        "write_stall_ms",
        "15000",
        "A connection that takes nothing for this long while bytes wait is cut.",
    ),
    number("io_threads", "0", "Event loops. 0: half the cores, at least one."),
    number("worker_threads", "0", "Threads that run requests. 0: twice the cores."),
    number(
        "slow_threads",
        "0",
        "Threads that run logins and registrations, and as many that hash their passwords at low priority. 0: half the cores, at least one.",
    ),
    number(
        "slow_queue_max",
        "1024",
        "Logins and registrations that wait for such a thread; more are answered busy.",
    ),
    number("append_queue_max", "16384", "Messages that wait to be stored; more are answered busy."),
    number("append_batch_max", "1000", "Messages stored in one transaction."),
    number(
        "append_pause_us",
        "1500",
        "On MySQL: pause after a transaction in which messages gather for the next one, in microseconds. 0: none.",
    ),
    number(
        "bus_inbox_max",
        "65536",
        "In a cluster: what other nodes published and waits to be delivered; more is dropped and read from the log.",
    ),
    number("bus_inbox_bytes_max", "67108864", "Bytes of that; the same again may be in work."),
    number(
        "tails_max",
        "200000",
        "In a cluster: conversations whose last message a node knows, some 200 bytes each; beyond it the oldest unused is looked up again.",
    ),
    number(
        "held_max",
        "16384",
        "In a cluster: messages that wait for one that comes before them; more are read from the log.",
    ),
    number("held_bytes_max", "67108864", "Bytes of them."),
    number(
        "gap_grace_ms",
        "30",
        "In a cluster: how long a message that is missing may still come by itself; then the log is read.",
    ),
    number("password_memory_kib", "19456", "Memory that hashing one password takes (argon2id m)."),
    number("password_iterations", "2", "Passes over that memory (argon2id t)."),
    number(
        "drain_notice_ms",
        "0",
        "On SIGTERM or SIGINT: how long the node goes on serving while /readyz says that it leaves, for balancers that ask.",
    ),
    number("drain_ms", "5000", "After that: how long clients get for what they are owed."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_shows_every_setting_with_its_default() {
        let example = include_str!("../../../server.example.toml");
        for setting in SETTINGS {
            let line = format!("# {} = {}", setting.key, setting.default_in_file());
            assert!(example.lines().any(|found| found == line), "server.example.toml lacks the line: {line}");
        }
        let shown = example.lines().filter(|line| line.starts_with("# ") && line.contains(" = ")).count();
        assert_eq!(shown, SETTINGS.len(), "server.example.toml shows a setting that does not exist");
    }

    /// The table of settings in `docs/operations.md`, with what `server --help` says.
    #[test]
    fn the_operators_page_shows_every_setting() {
        let page = include_str!("../../../docs/operations.md");
        let section = page.split("\n## ").find(|section| section.starts_with("Settings\n")).unwrap();
        let shown: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let rows = SETTINGS.iter().map(|setting| {
            let default = match setting.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {default} | {} |", setting.key, setting.help)
        });
        let expected: Vec<_> = rows.collect();
        assert!(shown == expected, "the table must be:\n{}", expected.join("\n"));
    }

    #[test]
    fn names_are_unique() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            assert!(
                SETTINGS[..at].iter().all(|before| before.key != setting.key),
                "{} is double",
                setting.key
            );
        }
    }
}
