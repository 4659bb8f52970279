//! A private Redis.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use testkit::Port;

use super::{Launch, Program, Restartable, installed};
use crate::error::BenchError;

/// How long the bench's own questions wait.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// A Redis without persistence: one that is killed comes back empty.
pub(crate) type Redis = Restartable<RedisAt>;

/// Where it runs.
pub(crate) struct RedisAt {
    port: Port,
    folder: PathBuf,
}

impl Redis {
    pub(super) fn start_in(folder: &Path) -> Result<Redis, BenchError> {
        Restartable::start(RedisAt { port: Port::reserve(), folder: folder.to_owned() })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.launch.port.address()
    }
}

impl Launch for RedisAt {
    fn launch(&self) -> Result<Program, BenchError> {
        Program::start(&installed("redis-server")?, "redis", &self.folder, |command| {
            command
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(self.port.number().to_string());
        })
    }

    fn answers(&self, pid: u32) -> bool {
        answers(self.port.address(), pid)
    }
}

/// Whether the Redis there answers and is the process we started.
fn answers(addr: SocketAddr, pid: u32) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&addr, ASK_TIMEOUT)?;
        stream.set_read_timeout(Some(ASK_TIMEOUT))?;
        stream.write_all(b"INFO server\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.contains(&format!("process_id:{pid}\r\n")))
    };
    ask().unwrap_or(false)
}
