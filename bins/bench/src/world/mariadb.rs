//! A private MariaDB, durable at each commit as in production, and what it says of its own work.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use mysql::{Conn, Opts, OptsBuilder, prelude::Queryable};
use testkit::Port;

use super::{Launch, Program, Restartable, installed};
use crate::error::BenchError;

/// The nodes' database.
const DATABASE: &str = "bench";

/// What `mariadb-install-db` and `mariadbd` must agree on.
const SHARED_OPTIONS: [&str; 2] = ["--no-defaults", "--innodb-log-file-size=96M"];

/// How long the bench's own questions wait.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// A MariaDB with an empty database.
pub(crate) type MariaDb = Restartable<MariaDbAt>;

/// Where it runs, and keeps its data.
pub(crate) struct MariaDbAt {
    port: Port,
    folder: PathBuf,
}

impl MariaDb {
    pub(super) fn start_in(folder: &Path) -> Result<MariaDb, BenchError> {
        let folder = folder.join("mariadb");
        install(&folder)?;
        let mariadb = Restartable::start(MariaDbAt { port: Port::reserve(), folder })?;
        mariadb.ask("", |conn| conn.query_drop(format!("CREATE DATABASE {DATABASE}")))?;
        Ok(mariadb)
    }

    /// The nodes' store, as its administrator without a password.
    pub(crate) fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/{DATABASE}", self.launch.port.number())
    }

    /// How often statements of each kind ran since the start: `Com_select` and the like, and `Questions`.
    pub(crate) fn counters(&self) -> Result<HashMap<String, u64>, BenchError> {
        let sql = "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%' OR Variable_name = 'Questions'";
        let rows: Vec<(String, String)> = self.ask("", |conn| conn.query(sql))?;
        Ok(rows.into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect())
    }

    /// Whether it writes every statement down. Costs it a little.
    pub(crate) fn record_statements(&self, record: Recording) -> Result<(), BenchError> {
        let value = match record {
            Recording::On => "ON",
            Recording::Off => "OFF",
        };
        self.ask("", |conn| conn.query_drop(format!("SET GLOBAL general_log = {value}")))
    }

    /// What was written down so far.
    pub(crate) fn statements(&self) -> Result<Statements, BenchError> {
        let log = fs::read(self.launch.folder.join("general.log")).map_err(BenchError::io("general.log"))?;
        Ok(Statements::read(&String::from_utf8_lossy(&log)))
    }

    /// The answer to one query.
    pub(crate) fn number(&self, sql: &str) -> Result<u64, BenchError> {
        Ok(self.ask(DATABASE, |conn| conn.query_first(sql))?.unwrap_or(0))
    }

    fn ask<T>(
        &self,
        database: &str,
        question: impl FnOnce(&mut Conn) -> mysql::Result<T>,
    ) -> Result<T, BenchError> {
        let asked = connect(self.launch.port.number(), database).and_then(|mut conn| question(&mut conn));
        asked.map_err(|error| BenchError::io("MariaDB")(std::io::Error::other(error)))
    }
}

impl Launch for MariaDbAt {
    fn launch(&self) -> Result<Program, BenchError> {
        Program::start(&installed("mariadbd")?, "mariadbd", &self.folder, |command| {
            command.args(SHARED_OPTIONS).args(as_root());
            command.arg(format!("--datadir={}", self.folder.join("data").display()));
            command.arg(format!("--socket={}", self.folder.join("s.sock").display()));
            command.arg(format!("--pid-file={}", self.folder.join("pid").display()));
            command.arg(format!("--general-log-file={}", self.folder.join("general.log").display()));
            command.arg(format!("--port={}", self.port.number()));
            command.args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                "--innodb-flush-log-at-trx-commit=1",
                "--innodb-buffer-pool-size=256M",
                "--performance-schema=OFF",
            ]);
        })
    }

    fn answers(&self, _pid: u32) -> bool {
        answers(self.port.number(), &self.folder.join("data"))
    }
}

/// Whether statements are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    On,
    Off,
}

/// Statements that were run, by kind: `SELECT friendships`, `SELECT conversations (in a transaction)`.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    pub(crate) by_kind: BTreeMap<String, u64>,
    /// SELECTs outside of any transaction: reads that no append needs.
    pub(crate) lone_selects: u64,
}

impl Statements {
    /// Reads a general log: `time⇥ thread command⇥argument`, where the time may be missing.
    fn read(log: &str) -> Statements {
        let mut statements = Statements::default();
        let mut in_transaction = HashSet::new();
        for line in log.lines() {
            let Some((head, sql)) = line.rsplit_once('\t') else { continue };
            let mut words = head.split_whitespace().rev();
            let (Some("Execute" | "Query"), Some(thread)) = (words.next(), words.next()) else { continue };
            let verb = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
            let within = in_transaction.contains(thread);
            match verb.as_str() {
                "START" | "BEGIN" => {
                    in_transaction.insert(thread);
                }
                "COMMIT" | "ROLLBACK" => {
                    in_transaction.remove(thread);
                }
                "SELECT" if !within => statements.lone_selects += 1,
                _ => {}
            }
            let place = if within { " (in a transaction)" } else { "" };
            *statements.by_kind.entry(format!("{verb} {}{place}", table_of(sql))).or_default() += 1;
        }
        statements
    }
}

/// The first table that a statement names.
fn table_of(sql: &str) -> &str {
    let mut words = sql.split(|c: char| c.is_whitespace() || c == '(').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if ["FROM", "INTO", "UPDATE"].iter().any(|before| word.eq_ignore_ascii_case(before)) {
            return words.next().unwrap_or_default();
        }
    }
    ""
}

fn install(folder: &Path) -> Result<(), BenchError> {
    fs::create_dir_all(folder).map_err(BenchError::io("MariaDB's folder"))?;
    let mut command = Command::new(installed("mariadb-install-db")?);
    command.args(SHARED_OPTIONS).args(as_root());
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    command.arg(format!("--datadir={}", folder.join("data").display())).stdin(Stdio::null());
    let output = command.output().map_err(BenchError::io("mariadb-install-db"))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(BenchError::Start { program: "mariadb-install-db".into(), why })
}

/// `mariadbd` refuses to run as root unless told to.
fn as_root() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

/// Whether the MariaDB at this port answers and has this data folder, hence is the one we started.
fn answers(port: u16, data: &Path) -> bool {
    let asked = connect(port, "").and_then(|mut conn| conn.query_first::<String, _>("SELECT @@datadir"));
    asked.is_ok_and(|found| found.is_some_and(|found| Path::new(&found) == data))
}

fn connect(port: u16, database: &str) -> mysql::Result<Conn> {
    let options = OptsBuilder::from_opts(Opts::default())
        .ip_or_hostname(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)).ip().to_string()))
        .tcp_port(port)
        .user(Some("root"))
        .db_name(Some(database).filter(|name| !name.is_empty()))
        // Otherwise the driver asks the server for its socket and goes there.
        .prefer_socket(false)
        .tcp_connect_timeout(Some(ASK_TIMEOUT))
        .read_timeout(Some(ASK_TIMEOUT))
        .write_timeout(Some(ASK_TIMEOUT));
    Conn::new(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_general_log_is_counted_by_kind() {
        let log = "/usr/sbin/mariadbd, Version: 10.11\nTime\t\t    Id Command\tArgument\n\
            261121 12:00:00\t    12 Query\tSTART TRANSACTION\n\
            \t\t    12 Execute\tSELECT id FROM conversations WHERE id IN (7) FOR UPDATE\n\
            \t\t    13 Execute\tSELECT state FROM friendships WHERE user_id = 3\n\
            \t\t    12 Execute\tINSERT INTO messages(conversation_id) VALUES (7)\n\
            \t\t    12 Query\tCOMMIT\n\
            \t\t    12 Prepare\tSELECT 1 FROM users\n\
            \t\t    12 Execute\tSELECT id FROM conversations WHERE id = 1\n";
        let statements = Statements::read(log);
        assert_eq!(statements.lone_selects, 2);
        assert_eq!(statements.by_kind["SELECT conversations (in a transaction)"], 1);
        assert_eq!(statements.by_kind["SELECT conversations"], 1);
        assert_eq!(statements.by_kind["INSERT messages (in a transaction)"], 1);
        assert!(!statements.by_kind.contains_key("SELECT users"));
    }
}
