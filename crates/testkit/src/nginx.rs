//! A private nginx, with the configuration that the project ships.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::mariadb::has_ended;
use crate::port::Port;
use crate::template;
use crate::wait::eventually;

/// What operators run, and what is tested here.
const CONFIGURATION: &str = include_str!("../../../scripts/nginx.conf.template");
/// Where distributions put modules: Debian, Fedora, nginx's own packages.
const MODULE_FOLDERS: [&str; 3] =
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules"];
/// How long nginx may take to listen, or to take a new configuration. Far above the usual moment: machines are shared.
const START_LIMIT: Duration = Duration::from_secs(30);
/// What nginx logs once it has the port and its workers.
const STARTED: &str = "start worker processes";

/// Starts nginx in a process group of its own and prints the pid. At the end of its input, which comes when the test
/// lets go of nginx or dies, however it dies, it kills the whole group and removes the folder: workers would outlive
/// their master. Only this shell waits for nginx, and only then: until then the pid cannot come to name another process.
const SUPERVISOR: &str = r#"
    folder=$1; shift
    setsid "$@" </dev/null >>"$folder/error.log" 2>&1 &
    echo "$!"
    while read -r line; do :; done
    kill -s KILL -- "-$!" || kill -s KILL "$!"
    wait
    rm -rf -- "$folder"
"#;

/// An nginx on a free port of 127.0.0.1 that balances connections over nodes, as `scripts/nginx.conf.template` says:
/// least connections, PROXY protocol version 1 to the nodes. Any thread. Dropping it kills it and its connections.
pub struct Nginx {
    folder: PathBuf,
    port: Port,
    master: Pid,
    supervisor: Child,
    /// Closed to end the supervisor.
    orders: Option<ChildStdin>,
}

/// A node behind nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Gets its share of new connections.
    Up(SocketAddr),
    /// Keeps the connections it has and gets no more, as a node that is taken out.
    Down(SocketAddr),
}

impl Nginx {
    /// An nginx before these nodes, which need not be there yet.
    ///
    /// # Panics
    /// When nginx or its stream module is not installed, or it does not start.
    pub fn start(nodes: &[SocketAddr]) -> Nginx {
        let nodes: Vec<_> = nodes.iter().copied().map(Upstream::Up).collect();
        Nginx::start_before(&nodes)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The pid of its master process.
    pub fn pid(&self) -> u32 {
        self.master.as_raw_nonzero().get().cast_unsigned()
    }

    /// Balances over these nodes from now on (SIGHUP). Connections that exist stay where they are.
    ///
    /// # Panics
    /// When nginx does not take it.
    pub fn reload(&self, nodes: &[Upstream]) {
        let before = self.workers_that_listen();
        write_configuration(&self.folder, self.address(), nodes);
        kill_process(self.master, Signal::HUP)
            .expect("nginx runs, or its supervisor has not waited for it yet");
        // The old workers stop listening when the new ones do; until then either may accept.
        eventually(START_LIMIT, "nginx takes the new configuration", || {
            let now = self.workers_that_listen();
            (!now.is_empty() && now.iter().all(|pid| !before.contains(pid))).then_some(())
        });
    }

    /// What it logged, connections first: for a test's failure message.
    pub fn log(&self) -> String {
        log(&self.folder)
    }

    fn start_before(nodes: &[Upstream]) -> Nginx {
        let folder = tempfile::Builder::new().prefix("nginx-").tempdir().expect("a temporary folder").keep();
        let port = Port::reserve();
        write_configuration(&folder, port.address(), nodes);

        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(&folder)
            .arg(template::program("nginx"))
            .args(["-g", "daemon off;", "-p"])
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-e")
            .arg(folder.join("error.log"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of Ctrl-C, which ends the test: the end of the test is what it waits for.
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        let mut pid = String::new();
        let mut output = BufReader::new(supervisor.stdout.take().expect("stdout is piped"));
        output.read_line(&mut pid).expect("the supervisor answers with a pid");
        let master = pid.trim().parse().ok().and_then(Pid::from_raw);
        let master = master.unwrap_or_else(|| panic!("the supervisor answered {pid:?} and not a pid"));
        let orders = supervisor.stdin.take();
        let nginx = Nginx { folder, port, master, supervisor, orders };

        // Whoever writes to this log is the child, and it says so only when the port is its own.
        let has_started = eventually(START_LIMIT, "nginx listens", || {
            let started = nginx.log().contains(STARTED);
            (started || has_ended(master)).then_some(started)
        });
        assert!(has_started, "nginx did not start; its log:\n{}", nginx.log());
        drop(TcpStream::connect(nginx.address()).expect("nginx listens"));
        nginx
    }

    /// The pids of the workers that accept. One that takes no more but has connections is titled "… is shutting down".
    fn workers_that_listen(&self) -> Vec<u32> {
        let master = self.pid();
        let children =
            fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        let listens = |pid: &u32| {
            let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&title).trim_end_matches(['\0', ' ']).ends_with("worker process")
        };
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter(listens).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The end of its input tells the supervisor to kill nginx and to clean up.
        drop(self.orders.take());
        let _ = self.supervisor.wait();
    }
}

fn write_configuration(folder: &Path, listen: SocketAddr, nodes: &[Upstream]) {
    let servers: Vec<_> = nodes.iter().map(|node| node.server_line()).collect();
    let text = CONFIGURATION
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("@MODULES@", &module_folder().to_string_lossy())
        .replace("@FOLDER@", &folder.to_string_lossy())
        .replace("@LISTEN@", &listen.to_string())
        .replace("@WORKERS@", "1")
        .replace("@NODES@", &servers.join("\n"));
    fs::write(folder.join("nginx.conf"), text).expect("the folder can be written");
}

impl Upstream {
    fn server_line(self) -> String {
        let (address, down) = match self {
            Upstream::Up(address) => (address, ""),
            Upstream::Down(address) => (address, " down"),
        };
        format!("server {address} max_fails=2 fail_timeout=5s{down};")
    }
}

fn module_folder() -> PathBuf {
    MODULE_FOLDERS
        .map(PathBuf::from)
        .into_iter()
        .find(|folder| folder.join("ngx_stream_module.so").is_file())
        .expect("nginx's stream module is not installed; scripts/test.sh installs it")
}

fn log(folder: &Path) -> String {
    let read = |name| fs::read_to_string(folder.join(name)).unwrap_or_default();
    read("access.log") + &read("error.log")
}
