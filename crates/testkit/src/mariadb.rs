//! A private MariaDB server.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};
use rustix::process::{Pid, Signal, kill_process};

use crate::port::Port;
use crate::process::stands_still;
use crate::template;
use crate::wait::eventually;

/// How long a server may take to answer its first query. Far above the usual second: machines are shared.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a server may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How often a starting server is asked whether it is there.
const KNOCK_INTERVAL: Duration = Duration::from_millis(20);
/// How long the harness's own connections wait for an answer.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts the server at each line it reads (the line is the port) and prints the pid. At the end of its input, which
/// comes when the test lets go of the server or dies, however it dies, it kills the server and removes the folder.
/// Only this shell waits for the server, and only then: until then the pid cannot come to name another process.
const SUPERVISOR: &str = r#"
    folder=$1; shift
    while read -r port; do
        setpriv --pdeathsig KILL -- "$@" --port="$port" </dev/null >>"$folder/mariadbd.log" 2>&1 &
        echo "$!"
    done
    kill -KILL "$!"
    wait
    rm -rf -- "$folder"
"#;

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// The disk: what a production server does, and what is to be measured.
    EveryCommit,
    /// The kernel: as durable when only the server process dies, and faster.
    ToKernel,
}

impl Flush {
    fn option(self) -> &'static str {
        match self {
            Flush::EveryCommit => "--innodb-flush-log-at-trx-commit=1",
            Flush::ToKernel => "--innodb-flush-log-at-trx-commit=2",
        }
    }
}

/// A MariaDB server in a temporary folder, on a free port of 127.0.0.1, that belongs to its test. Every method may be
/// called from any thread. Dropping it kills the server and removes the folder.
pub struct MariaDb {
    folder: PathBuf,
    port: Port,
    state: Mutex<State>,
}

struct State {
    supervisor: Child,
    /// Closed to end the supervisor.
    orders: Option<ChildStdin>,
    pids: BufReader<ChildStdout>,
    server: Pid,
}

impl MariaDb {
    /// A server that flushes to the kernel at each commit.
    ///
    /// # Panics
    /// When there is no server program, or it does not start.
    pub fn start() -> MariaDb {
        MariaDb::start_with(Flush::ToKernel, &[])
    }

    /// A server with more `mariadbd` options.
    ///
    /// # Panics
    /// As [`MariaDb::start`].
    pub fn start_with(flush: Flush, options: &[&str]) -> MariaDb {
        let folder =
            tempfile::Builder::new().prefix("mariadb-").tempdir().expect("a temporary folder").keep();
        template::copy_to(&folder.join("data"));

        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(&folder)
            .arg(template::program("mariadbd"))
            .args(server_options(&folder))
            .arg(flush.option())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of Ctrl-C, which ends the test: the end of the test is what it waits for.
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        let orders = supervisor.stdin.take();
        let pids = BufReader::new(supervisor.stdout.take().expect("stdout is piped"));
        let mut state = State { supervisor, orders, pids, server: Pid::INIT };

        let port = Port::reserve();
        state.launch(port.number());
        assert!(
            becomes_ready(&folder, port.address(), state.server),
            "mariadbd did not start; its log:\n{}",
            log(&folder)
        );
        MariaDb { folder, port, state: Mutex::new(state) }
    }

    /// The one server that tests of this process share; each makes its own database. Ends with the process.
    ///
    /// # Panics
    /// As [`MariaDb::start`].
    pub fn shared() -> &'static MariaDb {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(MariaDb::start)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The URL of a database, as its administrator without a password.
    pub fn url(&self, database: &str) -> String {
        url_at(self.address(), database)
    }

    /// The URL of a database through a proxy or other detour.
    pub fn url_through(&self, detour: SocketAddr, database: &str) -> String {
        url_at(detour, database)
    }

    /// Makes a new empty database whose name begins with `prefix`; returns its name.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn create_database(&self, prefix: &str) -> String {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("{prefix}_{number}");
        self.connect("").query_drop(format!("CREATE DATABASE `{name}`")).expect("a new database");
        name
    }

    /// An administrator's connection to a database, or to none if the name is empty.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn connect(&self, database: &str) -> Conn {
        connect(self.port.address(), database).expect("the private MariaDB answers")
    }

    /// The server's pid.
    pub fn pid(&self) -> u32 {
        self.state().server.as_raw_nonzero().get().cast_unsigned()
    }

    /// Stops it in its tracks (SIGSTOP): it is there, and answers nothing.
    pub fn pause(&self) {
        self.state().signal(Signal::STOP);
        stands_still(self.pid());
    }

    /// Lets a paused one go on.
    pub fn resume(&self) {
        self.state().signal(Signal::CONT);
    }

    /// Kills it (SIGKILL), as a crash would. Its data stay for [`MariaDb::restart`].
    pub fn kill(&self) {
        let state = self.state();
        state.signal(Signal::KILL);
        state.wait_for_end();
    }

    /// Stops it as an operator would (SIGTERM).
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(&self) {
        let state = self.state();
        state.signal(Signal::TERM);
        state.wait_for_end();
    }

    /// Starts it again after [`MariaDb::kill`] or [`MariaDb::stop`]: same data, same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        let mut state = self.state();
        assert!(state.has_ended(), "restart() is for a server that was killed or stopped");
        state.launch(self.port.number());
        let ready = becomes_ready(&self.folder, self.port.address(), state.server);
        assert!(ready, "mariadbd did not start again; its log:\n{}", log(&self.folder));
    }

    /// What the server logged: for a test's failure message.
    pub fn log(&self) -> String {
        log(&self.folder)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The end of its input tells the supervisor to kill the server and to clean up.
        drop(self.orders.take());
        let _ = self.supervisor.wait();
    }
}

impl State {
    /// Has the supervisor start a server.
    fn launch(&mut self, port: u16) {
        let orders = self.orders.as_mut().expect("the supervisor takes orders until it is dropped");
        writeln!(orders, "{port}").expect("the supervisor reads");
        let mut line = String::new();
        self.pids.read_line(&mut line).expect("the supervisor answers with a pid");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        self.server = pid.unwrap_or_else(|| panic!("the supervisor answered {line:?} and not a pid"));
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.server, signal)
            .expect("the server runs, or its supervisor has not waited for it yet");
    }

    fn has_ended(&self) -> bool {
        has_ended(self.server)
    }

    fn wait_for_end(&self) {
        eventually(STOP_LIMIT, "the end of mariadbd", || self.has_ended().then_some(()));
    }
}

fn server_options(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut options: Vec<_> = template::SHARED_OPTIONS.iter().map(Into::into).collect();
    options.extend(template::user_option().map(Into::into));
    options.push(template::option("--datadir=", folder.join("data").as_os_str()));
    options.push(template::option("--socket=", folder.join("s.sock").as_os_str()));
    options.push(template::option("--pid-file=", folder.join("pid").as_os_str()));
    let fixed = [
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--performance-schema=OFF",
        "--innodb-buffer-pool-size=64M",
        "--innodb-buffer-pool-dump-at-shutdown=OFF",
        "--innodb-buffer-pool-load-at-startup=OFF",
    ];
    options.extend(fixed.iter().map(Into::into));
    options
}

/// Waits until the server of this pid answers; false if it ended instead, or if another server answers at the port.
fn becomes_ready(folder: &Path, address: SocketAddr, server: Pid) -> bool {
    let deadline = Instant::now() + START_LIMIT;
    while !has_ended(server) {
        match connect(address, "").and_then(|mut conn| conn.query_first::<String, _>("SELECT @@datadir")) {
            // Whoever answers must be the child, and only the child has this data directory.
            Ok(answer) => return answer.is_some_and(|found| Path::new(&found) == folder.join("data")),
            Err(error) => assert!(Instant::now() < deadline, "no answer: {error}; the log:\n{}", log(folder)),
        }
        thread::sleep(KNOCK_INTERVAL);
    }
    false
}

/// Whether a process has ended, waited for or not.
pub(crate) fn has_ended(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // "pid (name) state …"; the name may hold anything, hence from the right.
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_none_or(|state| state == "Z")
}

fn connect(address: SocketAddr, database: &str) -> mysql::Result<Conn> {
    let url = url_at(address, database);
    let options = OptsBuilder::from_opts(Opts::from_url(&url).expect("a URL of our own making"))
        // Otherwise the driver asks the server for its socket and silently goes there.
        .prefer_socket(false)
        .tcp_connect_timeout(Some(ADMIN_TIMEOUT))
        .read_timeout(Some(ADMIN_TIMEOUT))
        .write_timeout(Some(ADMIN_TIMEOUT));
    Conn::new(options)
}

fn url_at(address: SocketAddr, database: &str) -> String {
    format!("mysql://root@{address}/{database}")
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("mariadbd.log")).unwrap_or_else(|error| format!("(no log: {error})"))
}
