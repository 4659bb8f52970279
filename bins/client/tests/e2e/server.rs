//! The real server, built from the same sources.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use testkit::{MariaDb, Port, Process, Signal};

use crate::LIMIT;

/// What operators prove themselves with.
const TOKEN_FILE: &str = "admin-token";

/// Lines of its log that a failed test shows.
const LOG_LINES: usize = 40;

/// Where a server stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// In one file.
    Sqlite,
    /// In a new database of the MariaDB server that the tests of this process share.
    MariaDb,
}

/// Makes of a function that takes a [`Store`] one test for each store.
macro_rules! on_each_store {
    ($($function:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $function() { super::$function($crate::server::Store::Sqlite) })+
        }
        mod mariadb {
            $(#[test] fn $function() { super::$function($crate::server::Store::MariaDb) })+
        }
    };
}
pub(crate) use on_each_store;

/// A server in a folder of its own, which its clients may use too. Dropping it kills it and removes the folder.
pub(crate) struct Server {
    process: Option<Process>,
    /// Where it listens, from the first start on.
    address: String,
    /// Where it takes orders.
    admin: String,
    store: Option<String>,
    folder: TempDir,
    /// Its own also while it does not run.
    _ports: [Port; 2],
}

impl Server {
    /// Starts a server on a new store and a free port.
    pub(crate) fn start(store: Store) -> Server {
        let store = match store {
            Store::Sqlite => None,
            Store::MariaDb => Some(MariaDb::shared().url(&MariaDb::shared().create_database("e2e"))),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = folder.path().join(TOKEN_FILE);
        fs::write(&token, "a-token-for-orders-of-operators").expect("a token file");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("for its owner alone");
        let ports = [Port::reserve(), Port::reserve()];
        let [address, admin] = ports.each_ref().map(|port| port.address().to_string());
        let mut server = Server { process: None, address, admin, store, folder, _ports: ports };
        server.launch();
        server
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it (SIGKILL), as a crash would.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("the server runs");
        process.signal(Signal::KILL);
        process.wait(LIMIT);
    }

    /// Stops it in its tracks (SIGSTOP): it is there, and answers nothing.
    pub(crate) fn pause(&self) {
        self.process.as_ref().expect("the server runs").pause();
    }

    /// Lets a paused one go on.
    pub(crate) fn resume(&self) {
        self.process.as_ref().expect("the server runs").signal(Signal::CONT);
    }

    /// Starts it again after [`Server::kill`]: same store, same port.
    pub(crate) fn restart(&mut self) {
        assert!(self.process.is_none(), "restart() is for a server that was killed");
        self.launch();
    }

    fn launch(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut process = Process::spawn(program(), |command| {
            command
                .arg(format!("--listen={}", self.address))
                .arg(format!("--admin={}", self.admin))
                .arg(format!("--admin-token-file={}", self.folder.path().join(TOKEN_FILE).display()))
                .arg(format!("--data={}", self.folder.path().join("data").display()))
                .args(self.store.iter().map(|url| format!("--store={url}")))
                // Hashing is not what is tested here.
                .args(["--password-memory-kib=8", "--password-iterations=1"])
                .current_dir(self.folder.path())
                .env("RUST_LOG", "debug")
                .stdout(Stdio::piped())
                .stderr(log);
        });
        let Ok(announcement) = process.lines().recv_timeout(LIMIT) else {
            panic!("the server did not say that it listens; its log:\n{}", self.log());
        };
        let address = announcement.strip_prefix("listening on ").and_then(|rest| rest.split(',').next());
        address.unwrap_or_else(|| panic!("no announcement: {announcement}")).clone_into(&mut self.address);
        let admin = announcement.split(", admin on ").nth(1);
        admin
            .unwrap_or_else(|| panic!("no address for orders: {announcement}"))
            .trim()
            .clone_into(&mut self.admin);
        self.process = Some(process);
    }

    /// Gives the operator's order to tell everybody something.
    pub(crate) fn broadcast(&self, text: &str) {
        let output = Command::new(program())
            .args(["broadcast", "--operator", "e2e", "--text", text, "--admin", &self.admin])
            .arg("--admin-token-file")
            .arg(self.folder.path().join(TOKEN_FILE))
            .output()
            .expect("the server's program can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!(
                "--- the server's log ends:\n{}\n---",
                lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
            );
        }
    }
}

/// The server's program. It belongs to another package, so that cargo does not build it for this test: built once in
/// each run of the tests, in this test's own profile and target folder, where most of it lies ready.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // TARGET/PROFILE/deps/e2e-…
        let test = std::env::current_exe().expect("a test knows its own file");
        let folder = test.ancestors().nth(2).expect("cargo puts tests two folders deep");
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "dev",
            Some(name) => name,
            None => panic!("{} is no profile's folder", folder.display()),
        };
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "server", "--bin", "server", "--profile", profile])
            .arg("--target-dir")
            .arg(folder.parent().expect("a profile's folder stands in the target folder"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the server cannot be built:\n{said}");
        folder.join("server")
    })
}
