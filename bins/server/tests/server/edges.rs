//! Which crate may know which: the edges that docs/architecture.md draws, and no other.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crate → the crates of this workspace that it may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("reactor", &[]),
    ("domain", &[]),
    ("service", &["protocol", "domain"]),
    ("model", &["domain"]),
    ("cluster", &["domain"]),
    ("gateway", &["reactor", "protocol", "service"]),
    ("admin", &["reactor"]),
    ("client", &["protocol"]),
    ("testkit", &[]),
];

/// Binaries wire everything together.
const BINARIES: &[&str] = &["server", "client-cli", "bench"];

/// Who may depend on the test harness outright: the bench's fault test is a test too, one that is run by hand.
const TEST_BINARIES: &[&str] = &["bench"];

/// What tests may use beside: fakes, and an implementation of the ports that needs nothing.
const TESTS_MAY: &[&str] = &["testkit", "domain", "cluster"];

/// What others embed has these dependencies and no more.
const PROTOCOL_NEEDS: &[&str] = &["bytes", "serde", "serde_json", "thiserror"];

#[test]
fn no_crate_knows_another_that_it_must_not() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let edges: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        if BINARIES.contains(&name) {
            let harness = |dependency: &&cargo_metadata::Dependency| {
                dependency.name == "testkit" && dependency.kind != DependencyKind::Development
            };
            if package.dependencies.iter().any(|it| harness(&it)) && !TEST_BINARIES.contains(&name) {
                wrong.push(format!("{name} depends on testkit outside of its tests"));
            }
            continue;
        }
        let Some(allowed) = edges.get(name) else {
            wrong.push(format!("{name} is not drawn in docs/architecture.md"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name)) {
            let to = dependency.name.as_str();
            if to == name {
                // A crate's own tests ask for its feature `testing`.
                continue;
            }
            let for_tests = dependency.kind == DependencyKind::Development;
            if !(allowed.contains(&to) || for_tests && TESTS_MAY.contains(&to)) {
                wrong.push(format!("{name} depends on {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_protocol_crate_is_light_to_embed() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let protocol =
        metadata.packages.iter().find(|package| package.name.as_str() == "protocol").expect("protocol");
    let needs: BTreeSet<_> = protocol
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect();
    assert_eq!(needs, PROTOCOL_NEEDS.iter().copied().collect());
}
