//! A child process that cannot outlive its test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// A running child. Dropping it kills it; should the test die first, the kernel kills it (parent-death signal).
///
/// The kernel's "parent" is the *thread* that spawned: spawn from the thread of the test that uses the process, never
/// from a helper thread that ends earlier.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `program`; `configure` sets its arguments, environment and pipes. Standard input is empty unless set.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(program: impl AsRef<OsStr>, configure: impl FnOnce(&mut Command)) -> Process {
        // setpriv becomes the program (exec), so the pid of the child is the pid of the program.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&program).stdin(Stdio::null());
        configure(&mut command);
        let name = program.as_ref().to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {name} through setpriv (package util-linux; scripts/test.sh installs it): {error}")
        });
        Process { child, name }
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child as the standard library knows it: its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The lines of its standard output, as they come; the channel ends with the output. Needs `stdout` piped.
    pub fn lines(&mut self) -> Receiver<String> {
        let output = self.child.stdout.take().expect("stdout is piped and not taken before");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        receiver
    }

    /// Sends a signal. One that has ended already does not mind.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a child's pid is not 0");
        // Not yet waited for, so the pid still names this child, if only as a zombie.
        let _ = kill_process(pid, signal);
    }

    /// Stops it in its tracks (SIGSTOP), and returns once all its threads stand still.
    ///
    /// # Panics
    /// When they do not within ten seconds.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        stands_still(self.pid());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it has not ended within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        eventually(limit, &what, || self.child.try_wait().expect("a child can be waited for"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a stopped process stands still: the signal is sent at once, but a thread that runs on another processor
/// goes on until it is noticed there.
pub(crate) fn stands_still(pid: u32) {
    eventually(Duration::from_secs(10), "a stopped process stands still", || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let still =
            |stat: String| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'));
        tasks
            .map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .all(|stat| stat.is_some_and(still))
            .then_some(())
    });
}
