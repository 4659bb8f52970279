//! One node of the cluster.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use testkit::Port;

use super::{MariaDb, NGINX_SOURCE, Program, Redis, wait_until_ready};
use crate::{error::BenchError, load::Session};

/// How long a node may take to show its metrics.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(2);

/// A running node.
pub(crate) struct Node {
    program: Program,
    port: Port,
    admin: Port,
}

impl Node {
    /// Starts node `number` with cheap password hashes, on ports that were free.
    pub(super) fn start(
        program: &Path,
        number: usize,
        folder: &Path,
        mariadb: &MariaDb,
        redis: &Redis,
        args: &[String],
    ) -> Result<Node, BenchError> {
        let (port, admin) = (Port::reserve(), Port::reserve());
        let (listen, admin_listens) = (port.address().to_string(), admin.address().to_string());
        let name = format!("node-{number}");
        let data = folder.join(&name);
        fs::create_dir_all(&data).map_err(BenchError::io("node's folder"))?;
        let mut program = Program::start(program, &name, folder, |command| {
            command.args(["--node", &name, "--listen", &listen, "--admin", &admin_listens]);
            command.args(["--store", &mariadb.url(), "--redis", &format!("redis://{}", redis.addr())]);
            command.args(["--proxy-trusted", &NGINX_SOURCE.to_string(), "--data"]).arg(&data);
            command.args(["--password-memory-kib", "8", "--password-iterations", "1"]);
            command.args(testkit::no_rates(args)).args(args);
            // Settings in the environment of whoever measures are not those of the measurement.
            let settings = std::env::vars_os().map(|(name, _)| name);
            for name in settings.filter(|name| name.to_string_lossy().starts_with("CHAT_")) {
                command.env_remove(name);
            }
        })?;
        wait_until_ready(&mut program, || {
            Session::connect(port.address()).is_ok_and(|node| node.hello().node == name)
        })?;
        Ok(Node { program, port, admin })
    }

    /// Where clients connect, without nginx.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.address()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    pub(crate) fn stop(self) -> Result<(), BenchError> {
        self.program.stop()
    }

    /// Looks at the node from another thread.
    pub(crate) fn probe(&self) -> Probe {
        Probe { pid: self.pid(), admin: self.admin.address() }
    }
}

/// Looks at a node from outside.
pub(crate) struct Probe {
    pid: u32,
    admin: SocketAddr,
}

impl Probe {
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The gauges of `/metrics`, with their labels.
    pub(crate) fn gauges(&self) -> Result<Vec<(String, f64)>, BenchError> {
        let text = self.scrape().map_err(BenchError::io("/metrics"))?;
        let mut is_gauge = false;
        let mut gauges = Vec::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(kind) = comment.trim_start().strip_prefix("TYPE ") {
                    is_gauge = kind.ends_with(" gauge");
                }
            } else if is_gauge
                && let Some((name, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse()
            {
                gauges.push((name.to_owned(), value));
            }
        }
        Ok(gauges)
    }

    fn scrape(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.admin, SCRAPE_TIMEOUT)?;
        stream.set_read_timeout(Some(SCRAPE_TIMEOUT))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
            _ => Err(std::io::Error::other(format!("no metrics: {answer:.60}"))),
        }
    }
}
