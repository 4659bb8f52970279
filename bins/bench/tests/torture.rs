//! The fault test as its users run it, short: a server that keeps its promises passes; one that acknowledges before it
//! stores is found out, and so is one that does not tell everybody what was changed, hidden or broadcast. Long runs, over a cluster, are commands of their own: docs/testing.md.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Runs the fault test on one node and a small cast.
fn torture(extra: &[&str]) -> (Output, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["torture", "--nodes", "1", "--people", "8", "--rate", "40", "--json", "--server"])
        .arg(server())
        .args(extra)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let last = stdout.lines().last().unwrap_or_default();
    let json = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last:?}: {output:?}"));
    (output, json)
}

#[test]
fn a_server_that_keeps_its_promises_passes() {
    let (output, json) = torture(&["--seconds", "8"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for key in [
        "lost",
        "duplicated",
        "out_of_order",
        "misdelivered",
        "presence_wrong",
        "out_of_step",
        "unknown",
        "broken",
    ] {
        assert_eq!(json[key], 0, "{key}: {said}");
    }
    for key in
        ["acknowledged", "shown", "faults", "edits", "recalls", "reads", "quiets", "hides", "broadcasts"]
    {
        assert!(json[key].as_u64().unwrap() > 0, "{key}: {said}");
    }
}

#[test]
fn a_server_that_acknowledges_before_it_stores_is_found_out() {
    let (output, json) = torture(&[
        "--sabotage",
        "acknowledge-early",
        "--seconds",
        "3",
        "--faults",
        "cut-clients",
        "--settle-seconds",
        "2",
        "--presence-seconds",
        "2",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(json["lost"].as_u64().unwrap() > 0, "{said}");
    assert!(said.contains("was acknowledged as") && said.contains("is not in the log"), "{said}");
    let folder = json["logs"].as_str().unwrap();
    assert!(Path::new(folder).join("node-1.log").exists(), "{folder} has no log of the node");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_server_that_does_not_tell_of_changes_is_found_out() {
    let (output, json) = torture(&[
        "--sabotage",
        "forget-changes",
        "--seconds",
        "5",
        "--faults",
        "cut-clients",
        "--settle-seconds",
        "4",
        "--presence-seconds",
        "2",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(json["out_of_step"].as_u64().unwrap() > 0, "{said}");
    assert!(said.contains("OutOfStep") && said.contains("; stored is"), "{said}");
    std::fs::remove_dir_all(json["logs"].as_str().unwrap()).unwrap();
}

#[test]
fn a_server_that_does_not_tell_what_was_hidden_is_found_out() {
    let (output, json) = torture(&[
        "--sabotage",
        "forget-hides",
        "--seconds",
        "8",
        "--faults",
        "cut-database-link",
        "--settle-seconds",
        "4",
        "--presence-seconds",
        "2",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(json["out_of_step"].as_u64().unwrap() > 0, "{said}");
    assert!(said.contains("OutOfStep") && said.contains("hidden messages, and"), "{said}");
    std::fs::remove_dir_all(json["logs"].as_str().unwrap()).unwrap();
}

#[test]
fn a_server_that_keeps_a_broadcast_to_itself_is_found_out() {
    let (output, json) = torture(&[
        "--sabotage",
        "forget-broadcasts",
        "--seconds",
        "5",
        "--faults",
        "cut-database-link",
        "--settle-seconds",
        "4",
        "--presence-seconds",
        "2",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(json["lost"].as_u64().unwrap() > 0, "{said}");
    assert!(said.contains("was never told broadcast"), "{said}");
    std::fs::remove_dir_all(json["logs"].as_str().unwrap()).unwrap();
}

#[test]
fn a_plan_is_the_same_for_the_same_seed() {
    let plan = |seed: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(["torture", "--plan", "--seconds", "60", "--seed", seed])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(plan("7"), plan("7"));
    assert_ne!(plan("7"), plan("8"));
    assert!(plan("7").contains("kill"));
}

/// The server's program. It belongs to another package, so that cargo does not build it for this test: built once in
/// each run of the tests, in this test's own profile and target folder, where most of it lies ready.
fn server() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_bench")).parent().unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "dev",
            Some(name) => name,
            None => panic!("{} is no profile's folder", folder.display()),
        };
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "server", "--bin", "server", "--profile", profile])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the server cannot be built:\n{said}");
        folder.join("server")
    })
}
