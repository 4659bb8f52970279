//! A server node, kept running as an operator's supervisor would.

use std::{
    fs::OpenOptions,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use testkit::{Process, Signal};

use super::link::{Behind, Link};

/// The wait before a node is started again that ended by itself.
const RESTART_WAIT: Duration = Duration::from_millis(300);
/// How long a drain may take before the node is killed, and that is an incident.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// One node and its links. Its process is spawned, and waited for, by the director's thread.
pub(crate) struct Node {
    pub(crate) name: String,
    program: PathBuf,
    args: Vec<String>,
    pub(crate) log: PathBuf,
    /// From nginx, or from the devices.
    pub(crate) door: Link,
    /// To the database.
    pub(crate) database: Link,
    /// To Redis, if there is one.
    pub(crate) redis: Option<Link>,
    /// Where it takes orders; none until it said so.
    admin: Option<SocketAddr>,
    state: State,
    /// Times that it was started.
    pub(crate) starts: u32,
}

enum State {
    Down { start_at: Option<Instant> },
    Starting { process: Process, lines: Receiver<String> },
    Serving { process: Process, paused: bool },
    Draining { process: Process, since: Instant, start_again: bool },
}

impl Node {
    /// A node that is not started yet.
    pub(crate) fn new(
        name: String,
        program: &Path,
        args: Vec<String>,
        log: PathBuf,
        database: Link,
        redis: Option<Link>,
    ) -> Node {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Node {
            name,
            program: program.to_owned(),
            args,
            log,
            door: Link::to(nowhere, Behind::Down),
            database,
            redis,
            admin: None,
            state: State::Down { start_at: None },
            starts: 0,
        }
    }

    pub(crate) fn start(&mut self) {
        if !matches!(self.state, State::Down { .. }) {
            return;
        }
        self.starts += 1;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let mut log = log.unwrap_or_else(|error| panic!("{}: {error}", self.log.display()));
        let _ = writeln!(log, "=== start {} of {}", self.starts, self.name);
        let mut process = Process::spawn(&self.program, |command| {
            command.args(&self.args).stdout(Stdio::piped()).stderr(log);
            // Settings in the environment of whoever tests are not those of the test.
            for (name, _) in std::env::vars_os() {
                if name.to_string_lossy().starts_with("CHAT_") {
                    command.env_remove(name);
                }
            }
        });
        let lines = process.lines();
        self.state = State::Starting { process, lines };
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.door.set_behind(Behind::Down);
        // Dropping a process kills it and waits for its end.
        self.state = State::Down { start_at: None };
    }

    pub(crate) fn pause(&mut self) {
        if let State::Serving { process, paused } = &mut self.state {
            process.pause();
            *paused = true;
        }
    }

    pub(crate) fn go_on(&mut self) {
        if let State::Serving { process, paused } = &mut self.state {
            process.signal(Signal::CONT);
            *paused = false;
        }
    }

    /// Asks it to end. Whoever is connected is told; nobody else comes in.
    pub(crate) fn drain(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Down { start_at: None }) {
            State::Serving { process, paused: false } => {
                process.signal(Signal::TERM);
                self.door.set_behind(Behind::Draining);
                State::Draining { process, since: Instant::now(), start_again: false }
            }
            other => other,
        };
    }

    /// Starts it, once a drain that is under way has come to its end.
    pub(crate) fn start_when_down(&mut self) {
        match &mut self.state {
            State::Draining { start_again, .. } => *start_again = true,
            State::Down { .. } => self.start(),
            State::Starting { .. } | State::Serving { .. } => {}
        }
    }

    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.state, State::Serving { paused: false, .. })
    }

    /// Follows its life. A sentence if something happened that nobody ordered.
    pub(crate) fn tend(&mut self, now: Instant) -> Option<String> {
        match &mut self.state {
            State::Down { start_at: Some(at) } if *at <= now => self.start(),
            State::Down { .. } => {}
            State::Starting { process, lines } => match lines.try_recv() {
                Ok(line) => {
                    if let Some(address) = announced(&line) {
                        self.door.aim(address);
                        self.admin = admin_of(&line);
                        self.door.set_behind(Behind::Up);
                        self.serve();
                    }
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    // It ended before it served: the database is away, for example. An operator's supervisor tries again.
                    let _ = process.wait(DRAIN_LIMIT);
                    self.state = State::Down { start_at: Some(now + RESTART_WAIT) };
                }
            },
            State::Serving { process, .. } => {
                if let Ok(Some(status)) = process.child().try_wait() {
                    self.door.set_behind(Behind::Down);
                    self.state = State::Down { start_at: Some(now + RESTART_WAIT) };
                    return Some(format!("{} ended by itself: {status}", self.name));
                }
            }
            State::Draining { process, since, start_again } => {
                let start_at = start_again.then_some(now);
                let (ended, late) = (process.child().try_wait(), now > *since + DRAIN_LIMIT);
                let incident = match ended {
                    Ok(Some(status)) if status.success() => None,
                    Ok(Some(status)) => Some(format!("{} drained and ended badly: {status}", self.name)),
                    _ if late => Some(format!("{} did not end within {DRAIN_LIMIT:?}", self.name)),
                    _ => return None,
                };
                self.kill();
                self.state = State::Down { start_at };
                return incident;
            }
        }
        None
    }

    /// Where it takes orders, if it runs: one that stands still is not told from others.
    pub(crate) fn admin(&self) -> Option<SocketAddr> {
        self.admin.filter(|_| matches!(self.state, State::Serving { .. } | State::Draining { .. }))
    }

    fn serve(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Down { start_at: None }) {
            State::Starting { process, .. } => State::Serving { process, paused: false },
            other => other,
        };
    }

    /// Whether it is neither up nor on its way there.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }
}

/// The address in "listening on 127.0.0.1:7000, storing in …".
fn announced(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on ")?.split([',', ' ']).next()?.parse().ok()
}

/// The address in "…, admin on 127.0.0.1:7100".
fn admin_of(line: &str) -> Option<SocketAddr> {
    line.rsplit_once(", admin on ")?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_is_understood() {
        let line = "listening on 127.0.0.1:7000, storing in mysql://root@127.0.0.1:3306/chat";
        assert_eq!(announced(line), Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7000))));
        assert_eq!(announced("hello"), None);
        assert_eq!(admin_of(line), None);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 7100));
        assert_eq!(admin_of(&format!("{line}, admin on 127.0.0.1:7100")), Some(address));
    }
}
