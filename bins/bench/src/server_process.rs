//! The program under measurement, as a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::BenchError;

/// How long a program may take until it says where it listens.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a program may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of what a program logged is shown when it fails.
const LOG_TAIL_BYTES: usize = 2000;

/// What passwords cost during the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashCost {
    /// As the server's own default is: for measurements of logging in.
    Default,
    /// Next to nothing: thousands of users are registered in seconds.
    Cheap,
}

/// Where the help shows the options about the server.
const HEADING: &str = "The server";

/// Which server to measure, as the command line said.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Target {
    /// The server program; by default the one in the folder of this program.
    #[arg(long, global = true, value_name = "PATH", help_heading = HEADING)]
    server: Option<PathBuf>,
    /// Measure a server that runs already, instead of starting one.
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = HEADING, conflicts_with = "server")]
    addr: Option<SocketAddr>,
    /// The process id of that server, for its CPU time and memory.
    #[arg(long, global = true, help_heading = HEADING, requires = "addr")]
    pid: Option<u32>,
    /// One more argument for the server that is started; may be repeated.
    #[arg(long, global = true, value_name = "ARG", help_heading = HEADING, allow_hyphen_values = true)]
    server_arg: Vec<String>,
}

impl Target {
    /// Starts the server on an empty folder and a free port, or takes the one that was named.
    pub(crate) fn start(&self, cost: HashCost) -> Result<Server, BenchError> {
        if let Some(addr) = self.addr {
            return Ok(Server { addr, pid: self.pid, owned: None });
        }
        let folder = tempfile::tempdir().map_err(BenchError::io("temporary folder"))?;
        let program = self.program()?;
        let mut command = Command::new(&program);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        if cost == HashCost::Cheap {
            command.args(["--password-memory-kib", "8", "--password-iterations", "1"]);
        }
        command.args(testkit::no_rates(&self.server_arg)).args(&self.server_arg);
        // Settings in the environment of whoever measures are not those of the measurement.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.to_string_lossy().starts_with("CHAT_")) {
            command.env_remove(name);
        }
        Server::spawn(command, &program, folder)
    }

    /// The same, started with these arguments too.
    pub(crate) fn with_args(&self, args: &[&str]) -> Target {
        let mut target = self.clone();
        target.server_arg.extend(args.iter().map(|arg| (*arg).to_owned()));
        target
    }

    /// Whether the server is one that we start: an empty one.
    pub(crate) fn is_started_here(&self) -> bool {
        self.addr.is_none()
    }

    /// What every node of a cluster is started with besides its own arguments.
    pub(crate) fn server_args(&self) -> &[String] {
        &self.server_arg
    }

    /// The server program.
    pub(crate) fn program(&self) -> Result<PathBuf, BenchError> {
        match &self.server {
            Some(path) => Ok(path.clone()),
            None => Ok(own_program()?.with_file_name("server")),
        }
    }
}

/// A program that serves; stopped when dropped, if it was started here.
pub(crate) struct Server {
    addr: SocketAddr,
    pid: Option<u32>,
    owned: Option<Owned>,
}

struct Owned {
    child: Child,
    program: String,
    folder: TempDir,
}

impl Server {
    /// Starts the floor: this program's own relay, as a process of its own.
    pub(crate) fn floor(args: &[&str]) -> Result<Server, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::io("temporary folder"))?;
        let program = own_program()?;
        let mut command = Command::new(&program);
        command.arg("floor-server").args(args);
        Server::spawn(command, &program, folder)
    }

    /// Runs `command` and waits until it says where it listens.
    fn spawn(mut command: Command, program: &Path, folder: TempDir) -> Result<Server, BenchError> {
        let program = program.display().to_string();
        let log = fs::File::create(folder.path().join("log")).map_err(BenchError::io("log file"))?;
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Err(BenchError::Start { program, why: error.to_string() }),
        };
        let pid = child.id();
        let stdout = child.stdout.take();
        // From here on the child ends with us, whatever happens.
        let mut owned = Owned { child, program, folder };
        let addr = stdout.and_then(announced_address);
        match addr {
            Some(addr) => Ok(Server { addr, pid: Some(pid), owned: Some(owned) }),
            None => {
                owned.kill();
                let why = format!("it never said where it listens; its log ends:\n{}", owned.log_tail());
                Err(BenchError::Start { program: owned.program.clone(), why })
            }
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process to ask the kernel about, if it is known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Stops what was started here, and checks that it ends in good order.
    pub(crate) fn stop(mut self) -> Result<(), BenchError> {
        let Some(mut owned) = self.owned.take() else { return Ok(()) };
        match owned.terminate()? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(owned.bad_end(&status.to_string())),
            None => {
                owned.kill();
                Err(owned.bad_end("killed: it did not end after SIGTERM"))
            }
        }
    }
}

impl Owned {
    /// Asks the child to end; `None` if it does not.
    fn terminate(&mut self) -> Result<Option<ExitStatus>, BenchError> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| BenchError::io("SIGTERM")(error.into()))?;
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().map_err(BenchError::io("wait"))? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(None)
    }

    /// Both calls fail only if the child has ended already.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn bad_end(&self, why: &str) -> BenchError {
        let why = format!("{why}; its log ends:\n{}", self.log_tail());
        BenchError::Stop { program: self.program.clone(), why }
    }

    fn log_tail(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.kill();
    }
}

fn own_program() -> Result<PathBuf, BenchError> {
    std::env::current_exe().map_err(BenchError::io("own path"))
}

/// Waits for the line that names an address. The output is read on in a thread: a full pipe would block the child.
fn announced_address(stdout: ChildStdout) -> Option<SocketAddr> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if let Some(addr) = address_in(&line) {
                // Nobody listens after the first one, or after the timeout.
                let _ = found.send(addr);
            }
        }
    });
    address.recv_timeout(READY_TIMEOUT).ok()
}

/// The first `HOST:PORT` in a line, however it is wrapped.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || "\"'(),;".contains(c))
        .map(|word| word.rsplit_once("//").map_or(word, |(_, rest)| rest).trim_end_matches(['.', '/']))
        .filter_map(|word| word.parse::<SocketAddr>().ok())
        .find(|addr| addr.port() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_however_it_is_wrapped() {
        let expected = "127.0.0.1:7000".parse().ok();
        for line in [
            "listening on 127.0.0.1:7000",
            "server 0.1.0 listens on 127.0.0.1:7000, stores in ./data",
            "ready: tcp://127.0.0.1:7000/.",
            "\"127.0.0.1:7000\"",
        ] {
            assert_eq!(address_in(line), expected, "{line}");
        }
        assert_eq!(address_in("on [::1]:7000;"), "[::1]:7000".parse().ok());
        assert_eq!(address_in("loaded 12:30 settings from 10.0.0.1:0"), None);
    }

    #[test]
    fn a_program_that_says_nothing_has_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = Server::spawn(Command::new("true"), Path::new("true"), folder);
        assert!(matches!(outcome, Err(BenchError::Start { .. })));
    }
}
