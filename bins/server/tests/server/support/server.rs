//! The server under test.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use tempfile::TempDir;
use testkit::{MariaDb, Port, Process, Signal};

use super::store::{Place, Store};

/// How long a server may take to say that it listens. Far above the usual: machines are shared.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to end after a signal.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Where it listens unless a test says otherwise.
const ANY_PORT: &str = "127.0.0.1:0";
/// Lines of its log that a failed test shows.
const LOG_LINES: usize = 60;

/// How to start a server.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    place: Place,
    listen: String,
    log: String,
    args: Vec<String>,
    variables: Vec<(String, String)>,
    descriptors_max: Option<u32>,
}

impl Options {
    pub(crate) fn on(store: Store) -> Options {
        Options::at(store.place())
    }

    /// On a database that the test looks after itself.
    pub(crate) fn on_url(url: String) -> Options {
        Options::at(Place::Url(url))
    }

    fn at(place: Place) -> Options {
        Options {
            place,
            listen: ANY_PORT.to_owned(),
            log: "debug".to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
            descriptors_max: None,
        }
    }

    /// One more setting; the last one of a key counts.
    pub(crate) fn with(mut self, flag: &str, value: impl ToString) -> Options {
        self.args.retain(|arg| arg.split_once('=').is_none_or(|(key, _)| key != format!("--{flag}")));
        self.args.push(format!("--{flag}={}", value.to_string()));
        self
    }

    /// An environment variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Options {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets it open only so many files and sockets.
    pub(crate) fn descriptors_max(mut self, max: u32) -> Options {
        self.descriptors_max = Some(max);
        self
    }

    pub(crate) fn listening_on(mut self, address: &str) -> Options {
        self.listen = address.to_owned();
        self
    }

    pub(crate) fn logging(mut self, filter: &str) -> Options {
        self.log = filter.to_owned();
        self
    }

    /// All arguments, for a data folder.
    pub(crate) fn arguments(&self, data: &Path) -> Vec<String> {
        let mut all = vec![format!("--listen={}", self.listen), format!("--data={}", data.display())];
        match &self.place {
            Place::Folder => {}
            Place::Database { url, .. } | Place::Url(url) => all.push(format!("--store={url}")),
        }
        // Hashing is not what is tested here. Nor are the rates of requests nor the heartbeat, but where a test says so: nobody is silent for long.
        let defaults = ["--password-memory-kib=8", "--password-iterations=1", "--heartbeat-ms=600000"];
        let defaults = defaults.into_iter().chain(testkit::no_rates(&self.args));
        all.extend(defaults.map(str::to_owned).filter(|default| {
            let (flag, _) = default.split_once('=').unwrap_or((default, ""));
            !self.args.iter().any(|arg| arg.split('=').next() == Some(flag))
        }));
        all.extend(self.args.iter().cloned());
        all
    }
}

/// A running server with a data folder of its own. Dropping it kills it; a failing test shows the end of its log.
pub(crate) struct Server {
    process: Option<Process>,
    /// What it prints after the announcement.
    output: Option<Receiver<String>>,
    options: Options,
    announcement: String,
    addresses: Vec<SocketAddr>,
    ready_after: Duration,
    folder: TempDir,
    /// Its own also while it does not run.
    _port: Option<Port>,
}

impl Server {
    /// Starts a server on a new store and a free port.
    pub(crate) fn start(mut options: Options) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = (options.listen == ANY_PORT).then(Port::reserve);
        if let Some(port) = &port {
            options.listen = port.address().to_string();
        }
        let mut server = Server {
            process: None,
            output: None,
            options,
            announcement: String::new(),
            addresses: Vec::new(),
            ready_after: Duration::ZERO,
            folder,
            _port: port,
        };
        server.launch();
        // The same port at every restart.
        server.options.listen =
            server.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
        server
    }

    /// On this store, with no other settings.
    pub(crate) fn on(store: Store) -> Server {
        Server::start(Options::on(store))
    }

    /// Starts it again on the same data and port.
    pub(crate) fn restart(&mut self) {
        assert!(self.process.is_none(), "restart() is for a server that has ended");
        self.launch();
    }

    fn launch(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let begun = Instant::now();
        const SERVER: &str = env!("CARGO_BIN_EXE_server");
        let limit = self.options.descriptors_max.map(|max| format!("--nofile={max}:{max}"));
        // prlimit becomes the server (exec): the pid stays the same.
        let mut process = Process::spawn(if limit.is_some() { "prlimit" } else { SERVER }, |command| {
            if let Some(limit) = limit {
                command.args([&limit, "--", SERVER]);
            }
            command
                .args(self.options.arguments(&self.folder.path().join("data")))
                .env("RUST_LOG", &self.options.log)
                .envs(self.options.variables.iter().cloned())
                .current_dir(self.folder.path())
                .stdout(Stdio::piped())
                .stderr(log);
        });
        let lines = process.lines();
        let Ok(line) = lines.recv_timeout(START_LIMIT) else {
            drop(process);
            panic!("the server did not say that it listens; its log:\n{}", self.log());
        };
        self.ready_after = begun.elapsed();
        self.addresses = addresses(&line);
        self.announcement = line;
        self.process = Some(process);
        self.output = Some(lines);
    }

    /// Gives its log another epoch while it is stopped, as an operator would after a restore; what that said.
    pub(crate) fn renew_epoch(&self) -> String {
        assert!(self.process.is_none(), "an operator stops all nodes first");
        let said = self.try_renew_epoch();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("a sentence")
    }

    /// The same command, whether it runs or not.
    pub(crate) fn try_renew_epoch(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_server"))
            .args(self.options.arguments(&self.data_folder()))
            .arg("--new-epoch")
            .current_dir(self.folder.path())
            .output()
            .expect("the server's binary runs")
    }

    /// What it printed after the announcement, once it has ended.
    pub(crate) fn rest_of_output(&mut self) -> Vec<String> {
        assert!(self.process.is_none(), "the rest is known at the end");
        self.output.take().map(|lines| lines.iter().collect()).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn announcement(&self) -> &str {
        &self.announcement
    }

    /// Where operators ask it, if the test set one.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        let (_, address) = self.announcement.rsplit_once(", admin on ").expect("an admin address was set");
        address.parse().expect("an address")
    }

    /// From being started until it said that it listens.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server runs")
    }

    /// Kills it (SIGKILL), as a crash would.
    pub(crate) fn kill9(&mut self) {
        let mut process = self.process.take().expect("the server runs");
        process.signal(Signal::KILL);
        process.wait(STOP_LIMIT);
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(&mut self, signal: Signal) -> ExitStatus {
        let mut process = self.process.take().expect("the server runs");
        process.signal(signal);
        process.wait(STOP_LIMIT)
    }

    /// Stops it as an operator would (SIGTERM), which must succeed.
    pub(crate) fn terminate(&mut self) {
        let status = self.stop(Signal::TERM);
        assert!(status.success(), "after SIGTERM the server exited with {status}");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.process().child().try_wait().expect("a child can be waited for").is_none()
    }

    /// Resident bytes, as the kernel says.
    pub(crate) fn resident_bytes(&mut self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process().pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a VmRSS line");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
        kib * 1024
    }

    /// All that it logged, over all restarts.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Runs statements on its database while it is stopped.
    pub(crate) fn seed(&self, statements: &[String]) {
        assert!(self.process.is_none(), "a server that runs would not expect it");
        match &self.options.place {
            Place::Folder => {
                let file = self.data_folder().join("chat.db");
                let connection = rusqlite::Connection::open(file).expect("the store's file");
                connection.execute_batch("BEGIN").expect("a transaction");
                statements.iter().for_each(|sql| connection.execute_batch(sql).expect("seeded"));
                connection.execute_batch("COMMIT").expect("a commit");
            }
            Place::Database { name, .. } => {
                let mut connection = MariaDb::shared().connect(name);
                statements.iter().for_each(|sql| connection.query_drop(sql).expect("seeded"));
            }
            Place::Url(_) => unreachable!("who looks after a database seeds it"),
        }
    }

    /// Rows that the log table holds of a conversation: asked of the database itself.
    pub(crate) fn stored_messages(&self, conversation: u64) -> u64 {
        self.stored_number("SELECT COUNT(*) FROM messages WHERE conversation_id = ?", &[conversation])
    }

    /// How far the store says that this user read the conversation.
    pub(crate) fn stored_read(&self, conversation: u64, user: u64) -> u64 {
        let sql = "SELECT COALESCE(MAX(read_seq), 0) FROM cursors WHERE conversation_id = ? AND user_id = ?";
        self.stored_number(sql, &[conversation, user])
    }

    /// Rows of a table.
    pub(crate) fn stored_rows(&self, table: &str) -> u64 {
        self.stored_number(&format!("SELECT COUNT(*) FROM {table}"), &[])
    }

    fn stored_number(&self, sql: &str, ids: &[u64]) -> u64 {
        match &self.options.place {
            Place::Folder => {
                let file = self.data_folder().join("chat.db");
                let open = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
                let connection = rusqlite::Connection::open_with_flags(file, open).expect("the store's file");
                let ids = rusqlite::params_from_iter(ids.iter().map(|id| *id as i64));
                connection.query_row(sql, ids, |row| row.get::<_, i64>(0)).expect("a number") as u64
            }
            Place::Database { name, .. } => {
                let mut connection = MariaDb::shared().connect(name);
                connection.exec_first(sql, ids.to_vec()).expect("a number").unwrap_or(0)
            }
            Place::Url(_) => unreachable!("only tests of other things look after a database themselves"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
            eprintln!("--- the server's log ends:\n{}\n---", tail.join("\n"));
        }
    }
}

/// The addresses of the announcement: `listening on A and B, storing in PLACE`.
fn addresses(announcement: &str) -> Vec<SocketAddr> {
    announcement
        .strip_prefix("listening on ")
        .and_then(|rest| rest.split_once(", storing in "))
        .map(|(list, _)| list.split(" and ").map(str::parse).collect::<Result<Vec<_>, _>>())
        .unwrap_or_else(|| panic!("no announcement: {announcement}"))
        .unwrap_or_else(|error| panic!("no addresses ({error}): {announcement}"))
}
