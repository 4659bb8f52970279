//! The bench as its users run it, against the floor: a good relay passes, and every kind of error is found. A bench that
//! cannot fail proves nothing of a server.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::process::{Command, Output};

/// Runs a small relay load against the floor alone.
fn relay(extra: &[&str]) -> (Output, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["relay", "--floor-only", "--pairs", "4", "--window", "16", "--seconds", "0.3", "--json"])
        .args(extra)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let last = stdout.lines().last().unwrap_or_default();
    let json = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last:?}: {output:?}"));
    (output, json)
}

/// Runs it with an error in the floor, and returns the exit code and how often `key` was counted.
fn count_of(key: &str, fault: &str) -> (Option<i32>, u64) {
    let (output, json) = relay(&["--fault", fault]);
    (output.status.code(), json[key].as_u64().unwrap())
}

#[test]
fn a_good_relay_passes_and_is_measured() {
    let (output, json) = relay(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for key in ["lost", "duplicated", "out_of_order", "corrupted", "refused"] {
        assert_eq!(json[key], 0, "{key}");
    }
    for key in ["delivered_per_s", "p50_us", "p99_us", "p999_us", "server_cpu_us_per_delivered"] {
        assert!(json[key].as_f64().unwrap() > 0.0, "{key} in {json}");
    }
    assert!(json["p50_us"].as_f64() <= json["p99_us"].as_f64());
}

#[test]
fn a_lost_message_is_found() {
    let (code, lost) = count_of("lost", "lose");
    assert_eq!((code, lost > 0), (Some(1), true));
}

#[test]
fn a_doubled_message_is_found() {
    let (code, duplicated) = count_of("duplicated", "double");
    assert_eq!((code, duplicated > 0), (Some(1), true));
}

#[test]
fn a_swapped_message_is_found() {
    let (code, out_of_order) = count_of("out_of_order", "swap");
    assert_eq!((code, out_of_order > 0), (Some(1), true));
}

#[test]
fn a_changed_message_is_found() {
    let (code, corrupted) = count_of("corrupted", "corrupt");
    assert_eq!((code, corrupted > 0), (Some(1), true));
}

#[test]
fn a_missing_answer_is_found() {
    let (code, lost) = count_of("lost", "unanswered");
    assert_eq!((code, lost > 0), (Some(1), true));
}

#[test]
fn a_server_that_cannot_start_is_an_error_of_its_own() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["relay", "--no-floor", "--server", "/nonexistent/server"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/server did not start"));
}
