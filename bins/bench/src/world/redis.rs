//! A private Redis.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Launch, Program, Restartable, free_port, installed};
use crate::error::BenchError;

/// How long the bench's own questions wait.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// A Redis without persistence: one that is killed comes back empty.
pub(crate) type Redis = Restartable<RedisAt>;

/// Where it runs.
pub(crate) struct RedisAt {
    port: u16,
    folder: PathBuf,
}

impl Redis {
    pub(super) fn start_in(folder: &Path) -> Result<Redis, BenchError> {
        Restartable::start(RedisAt { port: free_port()?, folder: folder.to_owned() })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.launch.port))
    }
}

impl Launch for RedisAt {
    fn launch(&self) -> Result<Program, BenchError> {
        Program::start(&installed("redis-server")?, "redis", &self.folder, |command| {
            command
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(self.port.to_string());
        })
    }

    fn answers(&self, pid: u32) -> bool {
        answers(self.port, pid)
    }
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
