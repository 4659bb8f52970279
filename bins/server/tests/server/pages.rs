//! What the pages say of who may do what, and of which test shows what, is so.

use std::fmt::Write;
use std::path::Path;

use domain::policy::{GROUP, PAIR, Rule, Why};
use protocol::Code;

use crate::capabilities::policy::stated;

const ARCHITECTURE: &str = include_str!("../../../../docs/architecture.md");
const README: &str = include_str!("../../../../README.md");

/// The text of a section, up to the next heading of its level.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let mut sections = page.split("\n## ");
    sections
        .find_map(|section| section.strip_prefix(title)?.strip_prefix('\n'))
        .unwrap_or_else(|| panic!("no section {title:?}"))
}

/// A cell as the page shows it.
fn cell(rule: &Rule) -> String {
    match rule {
        Rule::Yes => "yes".to_owned(),
        Rule::Below => "towards who stands lower".to_owned(),
        Rule::Members => "towards members".to_owned(),
        Rule::BelowOrGone => "towards who stands lower, or is gone".to_owned(),
        Rule::No(why) => format!("{why:?}"),
    }
}

fn row<const N: usize>(name: &dyn std::fmt::Debug, rules: &[Rule; N]) -> String {
    let cells: Vec<_> = rules.iter().map(cell).collect();
    format!("| `{name:?}` | {} |\n", cells.join(" | "))
}

#[test]
fn the_page_shows_who_may_do_what() {
    const REASONS: [Why; 8] = [
        Why::NotMember,
        Why::AlreadyMember,
        Why::NotAllowed,
        Why::OwnerStays,
        Why::NotFriends,
        Why::AlreadyFriends,
        Why::NotFound,
        Why::Oneself,
    ];
    let mut groups = "| in a group | outsider | member | admin | owner |\n|---|---|---|---|---|\n".to_owned();
    groups.extend(GROUP.iter().map(|(act, rules)| row(act, rules)));
    let mut pairs =
        "| with somebody | myself | nobody | blocked by them | blocked by me | friend | stranger |\n\
                     |---|---|---|---|---|---|---|\n"
            .to_owned();
    pairs.extend(PAIR.iter().map(|(act, rules)| row(act, rules)));
    let mut reasons = "| reason | | code |\n|---|---|---|\n".to_owned();
    for why in REASONS {
        let code = stated(why);
        let name = Code::TABLE.iter().find(|(known, _, _)| *known == code).map_or("", |(_, name, _)| name);
        writeln!(reasons, "| {why:?} | {why} | {} `{name}` |", code.0).expect("a string takes all");
    }
    let shown = section(ARCHITECTURE, "Who may do what");
    for table in [groups, pairs, reasons] {
        assert!(shown.contains(&format!("\n{table}\n")), "docs/architecture.md should show:\n\n{table}");
    }
}

/// A row of README's table: id, capability, how far it is, and the tests that show it.
struct Capability {
    id: &'static str,
    state: &'static str,
    tests: Vec<&'static str>,
}

fn capabilities() -> Vec<Capability> {
    let rows = section(README, "What it does").lines().filter(|line| line.starts_with("| "));
    rows.skip(1)
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [id, _, state, tests] = cells[..] else { panic!("not four cells: {row}") };
            Capability { id, state, tests: tests.split('`').skip(1).step_by(2).collect() }
        })
        .collect()
}

#[test]
fn the_test_of_each_capability_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let capabilities = capabilities();
    assert!(!capabilities.is_empty(), "README shows no capabilities");
    for Capability { id, state, tests: shown } in &capabilities {
        let same = capabilities.iter().filter(|other| other.id == *id).count();
        assert_eq!(same, 1, "{id} has {same} rows");
        match *state {
            "done" | "partly" => assert!(!shown.is_empty(), "{id} is {state}, and no test shows it"),
            "not yet" => assert!(shown.is_empty(), "{id} is not there yet, and a test shows it"),
            other => panic!("{id} is {other:?}"),
        }
        for test in shown {
            let (file, function) = test.split_once("::").unwrap_or_else(|| panic!("{id}: {test}"));
            let path = if file.contains("/tests/") { root.join(file) } else { tests.join(file) };
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            let is_there = text.lines().any(|line| line.starts_with(&format!("fn {function}(")));
            assert!(is_there, "{id}: {file} has no fn {function}");
        }
    }
}
