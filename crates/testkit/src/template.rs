//! A fresh data directory, made once and copied ever after: installing takes a second, copying a tenth of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use rustix::fs::{FlockOperation, flock};

/// Where Debian puts servers, which is not in everybody's PATH.
const SERVER_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec"];

/// The path of a program.
///
/// # Panics
/// When it is not installed.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SERVER_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed; scripts/test.sh installs it"))
}

/// What `mariadb-install-db` and `mariadbd` must agree on. A small redo log: most of a data directory would be it.
pub(crate) const SHARED_OPTIONS: [&str; 2] = ["--no-defaults", "--innodb-log-file-size=8M"];

/// Copies a fresh data directory to `target`, which does not exist yet.
pub(crate) fn copy_to(target: &Path) {
    copy_folder(&template(), target).expect("the template data directory can be copied");
}

/// The template, made if need be. It lives beside the test executable, so that all test binaries of one target folder
/// share it and `cargo clean` removes it.
fn template() -> PathBuf {
    let executable = env::current_exe().expect("the test knows its own path");
    let folder = executable.parent().expect("an executable is in a folder");
    let template = folder.join(format!("mariadb-template-{}", version()));

    // Test binaries may run side by side: one makes it, the others wait. The lock goes with the file handle.
    let lock = File::create(folder.join("mariadb-template.lock")).expect("the target folder can be written");
    flock(&lock, FlockOperation::LockExclusive).expect("the target folder supports flock");
    if !template.is_dir() {
        let draft = tempfile::tempdir_in(folder).expect("the target folder can be written");
        let data = draft.path().join("data");
        install(&data);
        fs::rename(&data, &template).expect("a rename within one folder");
    }
    template
}

fn install(data: &Path) {
    let mut command = Command::new(program("mariadb-install-db"));
    command
        .args(SHARED_OPTIONS)
        .args(user_option())
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg(option("--datadir=", data.as_os_str()))
        .stdin(Stdio::null());
    let output = command.output().expect("mariadb-install-db can be started");
    assert!(
        output.status.success(),
        "mariadb-install-db failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// `mariadbd` refuses to run as root unless told to.
pub(crate) fn user_option() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

/// `name` and `value` as one argument, whatever bytes the value has.
pub(crate) fn option(name: &str, value: &OsStr) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(value);
    option
}

/// The server's version, made fit for a file name: another version gets another template.
fn version() -> String {
    let output =
        Command::new(program("mariadbd")).arg("--version").output().expect("mariadbd can be started");
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .skip_while(|word| *word != "Ver")
        .nth(1)
        .unwrap_or("unknown")
        .replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "-")
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
