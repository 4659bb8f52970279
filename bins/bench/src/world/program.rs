//! A child process that writes a log and cannot outlive the bench.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::BenchError;

/// How long a program may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a log is shown when something fails.
const LOG_TAIL_BYTES: usize = 3000;

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Program {
    /// Starts `program` in `folder`; `configure` adds its arguments. What it prints goes to `folder/NAME.log`, after what
    /// an earlier one of the same name has written.
    pub(crate) fn start(
        program: &Path,
        name: &str,
        folder: &Path,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Program, BenchError> {
        let log = folder.join(format!("{name}.log"));
        let file =
            File::options().create(true).append(true).open(&log).map_err(BenchError::io("log file"))?;
        let other = file.try_clone().map_err(BenchError::io("log file"))?;
        // setpriv becomes the program, so the child's pid is the program's.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).current_dir(folder);
        configure(&mut command);
        command.stdin(Stdio::null()).stdout(file).stderr(other);
        let name = name.to_owned();
        match command.spawn() {
            Ok(child) => Ok(Program { child, name, log }),
            Err(error) => Err(BenchError::Start { program: name, why: format!("setpriv: {error}") }),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal; one that has ended does not mind.
    pub(crate) fn signal(&self, signal: Signal) {
        // Not waited for yet, so that the pid still names this child.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; an error unless it then ends in good order.
    pub(crate) fn stop(mut self) -> Result<(), BenchError> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().map_err(BenchError::io("wait"))? {
                return self.judge(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let why = format!("killed: it did not end after SIGTERM; its log ends:\n{}", self.log_tail());
        Err(BenchError::Stop { program: self.name.clone(), why })
    }

    fn judge(&self, status: ExitStatus) -> Result<(), BenchError> {
        if status.success() {
            return Ok(());
        }
        let why = format!("{status}; its log ends:\n{}", self.log_tail());
        Err(BenchError::Stop { program: self.name.clone(), why })
    }

    pub(crate) fn did_not_start(&self) -> BenchError {
        let why = format!("it does not serve; its log ends:\n{}", self.log_tail());
        BenchError::Start { program: self.name.clone(), why }
    }

    fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
