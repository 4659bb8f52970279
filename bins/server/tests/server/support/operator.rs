//! An operator at the command line: orders to a running node.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::NamedTempFile;

use super::server::{Options, Server};

/// What the nodes of all tests take for an operator's word.
pub(crate) const TOKEN: &str = "the-operators-of-all-tests";

/// The file with it.
pub(crate) fn token_file() -> &'static Path {
    static FILE: OnceLock<NamedTempFile> = OnceLock::new();
    FILE.get_or_init(|| {
        let mut file = NamedTempFile::new().expect("a file");
        writeln!(file, "{TOKEN}").expect("written");
        file
    })
    .path()
}

/// Writes a file that its owner alone may read.
pub(crate) fn secret_file(path: &Path, secret: &str) {
    fs::write(path, secret).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
}

impl Options {
    /// With an admin address that takes orders.
    pub(crate) fn taking_orders(self) -> Options {
        self.with("admin", "127.0.0.1:0").with("admin-token-file", token_file().display())
    }
}

impl Server {
    /// Gives `server broadcast` with these further arguments, as an operator would; what came of it.
    pub(crate) fn order_broadcast(&self, more: &[&str]) -> Output {
        order(more, self.admin_address().to_string(), token_file())
    }

    /// Tells everybody something, which must succeed; what the command said.
    pub(crate) fn broadcast(&self, text: &str) -> String {
        let done = self.order_broadcast(&["--operator=olga", "--text", text]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("a sentence")
    }
}

/// The command, to this address, with this file's token. Nothing is on its standard input.
pub(crate) fn order(more: &[&str], admin: String, token_file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_server"))
        .arg("broadcast")
        .arg(format!("--admin={admin}"))
        .arg(format!("--admin-token-file={}", token_file.display()))
        .args(more)
        .env_remove("SUDO_USER")
        .env_remove("USER")
        .env_remove("LOGNAME")
        .stdin(Stdio::null())
        .output()
        .expect("the server's binary runs")
}
