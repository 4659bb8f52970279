//! A private Redis.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Program, free_port, installed, wait_until_ready};
use crate::error::BenchError;

/// How long the bench's own questions wait.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// A Redis without persistence: one that is killed comes back empty.
pub(crate) struct Redis {
    program: Program,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    pub(super) fn start(folder: &Path) -> Result<Redis, BenchError> {
        let port = free_port()?;
        let program = launch(folder, port)?;
        let mut redis = Redis { program, port, folder: folder.to_owned() };
        let pid = redis.program.pid();
        wait_until_ready(&mut redis.program, || answers(port, pid))?;
        Ok(redis)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again on the same port, empty, after [`Redis::kill`]. Returns at once: ask [`Redis::is_ready`].
    pub(crate) fn start_again(&mut self) -> Result<(), BenchError> {
        self.program = launch(&self.folder, self.port)?;
        Ok(())
    }

    /// Whether it serves; an error if it has ended.
    pub(crate) fn is_ready(&mut self) -> Result<bool, BenchError> {
        if self.program.has_ended() {
            return Err(self.program.did_not_start());
        }
        Ok(answers(self.port, self.program.pid()))
    }
}

fn launch(folder: &Path, port: u16) -> Result<Program, BenchError> {
    Program::start(&installed("redis-server")?, "redis", folder, |command| {
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string());
    })
}

/// Whether the Redis at this port answers and is the process we started.
fn answers(port: u16, pid: u32) -> bool {
    let ask = || -> std::io::Result<bool> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&addr, ASK_TIMEOUT)?;
        stream.set_read_timeout(Some(ASK_TIMEOUT))?;
        stream.write_all(b"INFO server\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.contains(&format!("process_id:{pid}\r\n")))
    };
    ask().unwrap_or(false)
}
