//! A private Redis server.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use tempfile::TempDir;

use crate::Signal;
use crate::port::Port;
use crate::process::Process;

/// How long a server may take to answer. Far above the usual 20 ms: machines are shared.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How often a starting server is asked whether it is there.
const KNOCK_INTERVAL: Duration = Duration::from_millis(10);
/// How long the harness's own connections wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A Redis server in a temporary folder, on a free port of 127.0.0.1, that keeps nothing on disk and belongs to its test.
/// Dropping it kills it; should the test die first, the kernel does.
///
/// The kernel takes the *thread* that started it for its parent: start it, and start it again, in the thread of the test.
pub struct Redis {
    folder: TempDir,
    port: Port,
    options: Vec<String>,
    password: Option<String>,
    server: Mutex<Option<Process>>,
}

impl Redis {
    /// A server without a password.
    ///
    /// # Panics
    /// When there is no server program, or it does not start.
    pub fn start() -> Redis {
        Redis::start_with(None, &[])
    }

    /// A server with a password for everybody, or none, and with more options (`--name value …`).
    ///
    /// # Panics
    /// As [`Redis::start`].
    pub fn start_with(password: Option<&str>, options: &[&str]) -> Redis {
        let folder = tempfile::Builder::new().prefix("redis-").tempdir().expect("a temporary folder");
        let redis = Redis {
            folder,
            port: Port::reserve(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            password: password.map(str::to_owned),
            server: Mutex::new(None),
        };
        assert!(redis.launch(), "redis-server did not start; its log:\n{}", redis.log());
        redis
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its URL, without the password.
    pub fn url(&self) -> String {
        self.url_through(self.address())
    }

    /// Its URL through a proxy or other detour, without the password.
    pub fn url_through(&self, detour: SocketAddr) -> String {
        format!("redis://{detour}/0")
    }

    /// Its pid.
    ///
    /// # Panics
    /// When it was killed.
    pub fn pid(&self) -> u32 {
        self.server().as_ref().expect("the server runs").pid()
    }

    /// Stops it in its tracks (SIGSTOP): it is there, and answers nothing.
    pub fn pause(&self) {
        self.server().as_ref().expect("the server runs").pause();
    }

    /// Lets a paused one go on.
    pub fn resume(&self) {
        self.server().as_ref().expect("the server runs").signal(Signal::CONT);
    }

    /// Kills it (SIGKILL), as a crash would: with its memory goes all it knew.
    pub fn kill(&self) {
        if let Some(mut server) = self.server().take() {
            server.signal(Signal::KILL);
            server.wait(STOP_LIMIT);
        }
    }

    /// Starts it again after [`Redis::kill`], on the same port and with an empty memory.
    ///
    /// # Panics
    /// When it runs still, or does not start.
    pub fn restart(&self) {
        assert!(self.server().is_none(), "restart() is for a server that was killed");
        assert!(self.launch(), "redis-server did not start again; its log:\n{}", self.log());
    }

    /// Asks it one thing over a connection of its own, in words without spaces; the raw answer, as Redis writes it.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn ask(&self, words: &[&str]) -> String {
        self.ask_once(words).expect("the private Redis answers")
    }

    /// What the server logged: for a test's failure message.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    /// Starts the server and waits until it answers; false if it ended instead, or if another answers at the port.
    fn launch(&self) -> bool {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut server = Process::spawn(program(), |command| {
            command
                .args(["--bind", "127.0.0.1", "--port", &self.port.number().to_string()])
                .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
                .arg("--dir")
                .arg(self.folder.path())
                .args(self.password.iter().flat_map(|password| ["--requirepass", password]))
                .args(&self.options)
                .stdout(Stdio::from(log.try_clone().expect("a log file")))
                .stderr(Stdio::from(log));
        });
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if server.child().try_wait().expect("a child can be waited for").is_some() {
                return false;
            }
            match self.ask_once(&["INFO", "server"]) {
                Ok(answer) if answer.contains("process_id:") => {
                    let line = format!("process_id:{}\r\n", server.pid());
                    let is_ours = answer.contains(&line);
                    if is_ours {
                        *self.server() = Some(server);
                    }
                    return is_ours;
                }
                other => assert!(Instant::now() < deadline, "no answer: {other:?}; the log:\n{}", self.log()),
            }
            thread::sleep(KNOCK_INTERVAL);
        }
    }

    fn ask_once(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut answers = BufReader::new(stream.try_clone()?);
        if let Some(password) = &self.password {
            stream.write_all(format!("AUTH {password}\r\n").as_bytes())?;
            read_answer(&mut answers)?;
        }
        stream.write_all(format!("{}\r\n", words.join(" ")).as_bytes())?;
        read_answer(&mut answers)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("redis.log")
    }

    fn server(&self) -> MutexGuard<'_, Option<Process>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer, as it is written, nested ones included.
fn read_answer(answers: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    answers.read_line(&mut text)?;
    let count: i64 = text.get(1..).and_then(|rest| rest.trim().parse().ok()).unwrap_or(-1);
    match (text.as_bytes().first(), usize::try_from(count)) {
        (None, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
        (Some(b'$'), Ok(length)) => {
            let mut bytes = vec![0; length + 2];
            answers.read_exact(&mut bytes)?;
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        (Some(b'*'), Ok(length)) => {
            for _ in 0..length {
                text.push_str(&read_answer(answers)?);
            }
        }
        _ => {}
    }
    Ok(text)
}

/// Where `redis-server` is.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/usr/local/bin")])
        .map(|folder| folder.join("redis-server"))
        .find(|program| Path::new(program).is_file())
        .expect("redis-server is installed (Debian package redis-server; scripts/test.sh installs it)")
}
