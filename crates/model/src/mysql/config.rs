//! Where the database is, and how long anything may take.

use std::fmt;
use std::time::Duration;

use ::mysql::{Opts, OptsBuilder};

use super::SingleAppend;
use crate::MigrationError;

/// Statements that a connection keeps prepared: all of ours, with the lengths of their lists (see `list`).
const STATEMENTS_KEPT: usize = 128;
/// How soon the kernel begins to ask whether a silent server is still there, in milliseconds.
const KEEPALIVE_MS: u32 = 30_000;
/// How long a migration's statement may take: it may have to rewrite a large table.
const MIGRATION_STATEMENT_TIMEOUT: Duration = Duration::from_secs(3600);

/// How to reach the database, and the limits of doing so. Shows no password.
#[derive(Clone)]
pub struct Config {
    options: Opts,
    /// Connections at most; 8 by default.
    pub pool_size: u32,
    /// How long an operation waits for a free connection before it is refused as unavailable; 2 s by default.
    pub checkout_timeout: Duration,
    /// How long the network may take to connect; 2 s by default.
    pub connect_timeout: Duration,
    /// How long the server may work on one statement, and half of it on waiting for one lock; 5 s by default. MySQL
    /// bounds only queries so, MariaDB every statement.
    pub statement_timeout: Duration,
    /// How long after the server should have given up on a statement the client gives up on the server; 5 s by default.
    /// The server's bound must come first: a connection whose answer was not read is lost.
    pub read_margin: Duration,
    /// A connection that was idle for this long is tried before it is used; 30 s by default.
    pub ping_after_idle: Duration,
    /// How long to wait for another node that is migrating the schema, or for who must be alone on the database; 60 s by
    /// default.
    pub migration_wait: Duration,
    /// How a message that comes alone is appended; by the procedure by default.
    pub single_append: SingleAppend,
}

/// Why there is no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be used.
    #[error(
        "the database URL cannot be used: {cause}; it looks like mysql://user:password@host:3306/database"
    )]
    Url {
        /// What is wrong with it; never its password.
        cause: String,
    },
    /// The database does not answer, or does not let us in.
    #[error("cannot connect to {database}: {cause}")]
    Unreachable {
        /// Which, without a password.
        database: String,
        /// What happened.
        cause: String,
    },
    /// Nodes run on the database, and whoever opens it must be alone there.
    #[error(
        "{nodes} {} on {database} ({from}): stop all nodes first",
        if *nodes == 1 { "node runs" } else { "nodes run" }
    )]
    InUse {
        /// Which, without a password.
        database: String,
        /// How many.
        nodes: usize,
        /// By which connections, with commas between.
        from: String,
    },
    /// Somebody must be alone on the database, and was for longer than this server was willing to wait.
    #[error("another server --new-epoch is at work on {database}{}: start again once it is done", waited(*waited_s))]
    Shut {
        /// Which, without a password.
        database: String,
        /// How long it waited.
        waited_s: u64,
    },
    /// As many nodes run on the database as may.
    #[error("{nodes} nodes run on {database}, and no more may")]
    Crowded {
        /// Which, without a password.
        database: String,
        /// How many.
        nodes: u32,
    },
    /// The system refused a thread.
    #[error("cannot start a thread: {cause}")]
    Thread {
        /// What it said.
        cause: String,
    },
    /// The schema is not this version's, and was not brought to it.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

fn waited(seconds: u64) -> String {
    if seconds == 0 { String::new() } else { format!(" for {seconds} s") }
}

impl Config {
    /// The defaults, for the database of a `mysql://user:password@host:port/database` URL.
    pub fn from_url(url: &str) -> Result<Config, OpenError> {
        let refused = |cause: &str| OpenError::Url { cause: cause.to_owned() };
        let options = Opts::from_url(url).map_err(|error| refused(&error.to_string()))?;
        if options.get_db_name().is_none_or(str::is_empty) {
            return Err(refused("it names no database"));
        }
        if options.get_ssl_opts().is_some() {
            return Err(refused("TLS to the database is not built in"));
        }
        Ok(Config {
            options,
            pool_size: 8,
            checkout_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            read_margin: Duration::from_secs(5),
            ping_after_idle: Duration::from_secs(30),
            migration_wait: Duration::from_secs(60),
            single_append: SingleAppend::Procedure,
        })
    }

    /// The same, with the password from elsewhere than the URL.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Config {
        self.options = OptsBuilder::from_opts(self.options).pass(Some(password)).into();
        self
    }

    /// For a pooled connection.
    pub(super) fn pooled(&self) -> Opts {
        self.options_with(self.statement_timeout + self.read_margin)
    }

    /// For the connection by which a node is seen on the database: no statement of it works or waits.
    pub(super) fn tenant(&self) -> Opts {
        self.options_with(self.statement_timeout)
    }

    /// For the connection that migrates, which waits longer.
    pub(super) fn migrating(&self) -> Opts {
        self.options_with(self.migration_wait + MIGRATION_STATEMENT_TIMEOUT)
    }

    fn options_with(&self, read_timeout: Duration) -> Opts {
        OptsBuilder::from_opts(self.options.clone())
            // Otherwise the driver asks a server on this machine for its socket, and silently goes there.
            .prefer_socket(false)
            .tcp_connect_timeout(Some(self.connect_timeout))
            .tcp_keepalive_time_ms(Some(KEEPALIVE_MS))
            .read_timeout(Some(read_timeout))
            .write_timeout(Some(read_timeout))
            .stmt_cache_size(Some(STATEMENTS_KEPT))
            .into()
    }
}

/// The URL without the password.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mysql://")?;
        if let Some(user) = self.options.get_user() {
            write!(f, "{user}@")?;
        }
        write!(f, "{}:{}", self.options.get_ip_or_hostname(), self.options.get_tcp_port())?;
        write!(f, "/{}", self.options.get_db_name().unwrap_or_default())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &format_args!("{self}"))
            .field("pool_size", &self.pool_size)
            .field("checkout_timeout", &self.checkout_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("read_margin", &self.read_margin)
            .field("ping_after_idle", &self.ping_after_idle)
            .field("migration_wait", &self.migration_wait)
            .field("single_append", &self.single_append)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password() {
        let config = Config::from_url("mysql://chat:hunter2@db.example:3307/chat").unwrap();
        assert_eq!(config.to_string(), "mysql://chat@db.example:3307/chat");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn refuses_what_it_cannot_use_without_quoting_it() {
        for url in [
            "",
            "chat",
            "http://chat:hunter2@db/chat",
            "mysql://chat:hunter2@db",
            "mysql://chat:hunter2@db/",
            "mysql://chat:hunter2@db:port/chat",
            "mysql://chat:hunter2@db/chat?nonsense=1",
            "mysql://chat:hunter2@db/chat?root_cert_path=ca.pem",
        ] {
            let error = Config::from_url(url).unwrap_err().to_string();
            assert!(error.starts_with("the database URL cannot be used: "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
