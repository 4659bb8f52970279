//! `docs/protocol.md` says what the code does: its examples are the vectors, its tables are the code's tables.

use std::collections::BTreeSet;

use protocol::{
    Code, ConversationKind, Direction, FriendEventKind, FriendOutcome, GroupEventKind, GroupRequestKind,
    GroupState, JoinOutcome, Joining, MessageKind, MsgId, NoticeKind, OwnedGroups, Rank, Role, State,
    SystemEventKind, Verdict, limits,
};
use serde_json::Value;

use crate::vectors::{Vectors, all_messages, stem};

const DOCS: &str = include_str!("../../../../docs/protocol.md");

/// The text under a heading, up to the next one of the same or a higher level.
fn section(heading: &str) -> &'static str {
    let level = heading.split(' ').next().unwrap_or_default();
    let mut inside = false;
    let mut start = 0;
    let mut at = 0;
    for line in DOCS.split_inclusive('\n') {
        let marks = line.split(' ').next().unwrap_or_default();
        let is_heading = !marks.is_empty() && marks.bytes().all(|byte| byte == b'#');
        if inside && is_heading && marks.len() <= level.len() {
            return &DOCS[start..at];
        }
        at += line.len();
        if line.trim_end() == heading {
            inside = true;
            start = at;
        }
    }
    assert!(inside, "docs/protocol.md has no heading {heading:?}");
    &DOCS[start..]
}

/// The heading of a message type: it names the type and its number, perhaps beside another.
fn heading(id: MsgId) -> &'static str {
    let title = format!("{} ({})", id.name(), u16::from(id));
    DOCS.lines()
        .find(|line| {
            line.strip_prefix("### ").is_some_and(|names| names.split(" and ").any(|name| name == title))
        })
        .unwrap_or_else(|| panic!("docs/protocol.md has no heading for {title}"))
}

/// Each example's name and text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("```frame ")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once('\n').expect("a name on a line of its own");
            let (block, _) = rest.split_once("\n```").expect("a closing fence");
            (name, block)
        })
        .collect()
}

/// The rows of all tables in a text, as trimmed cells.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'))
        .map(|line| line.split('|').map(str::trim).collect())
}

/// A cell that is code, without its marks.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

#[test]
fn each_example_is_the_vector_of_its_name() {
    let vectors = Vectors::load();
    let blocks = blocks(DOCS);
    for (name, block) in &blocks {
        let vector = vectors.find(name).unwrap_or_else(|| panic!("vectors.json has no {name}"));
        assert_eq!(*block, vector.block(), "the example {name} should read:\n\n{}\n", vector.block());
    }
    for vector in &vectors.frames {
        let name = &vector.name;
        assert!(blocks.iter().any(|(shown, _)| shown == name), "docs/protocol.md does not show {name}");
    }
}

#[test]
fn every_message_has_a_section_with_its_example() {
    for (id, direction) in all_messages() {
        let heading = heading(id);
        let stem = stem(id, direction);
        let shown = blocks(section(heading)).iter().any(|(name, _)| *name == stem);
        assert!(shown, "the section {heading:?} has no example {stem}");
    }
    for heading in section("## Catalogue").lines().filter_map(|line| line.strip_prefix("### ")) {
        for title in heading.split(" and ") {
            let known = MsgId::TABLE.iter().any(|(id, name)| title == format!("{name} ({})", u16::from(*id)));
            assert!(known, "docs/protocol.md has a section for {title:?}, which is no message type");
        }
    }
}

#[test]
fn the_table_of_types_is_the_types() {
    let documented: Vec<(u16, &str, &str)> = rows(section("## Catalogue"))
        .filter_map(|row| Some((row[0].parse().ok()?, row[1], row[2])))
        .collect();
    let known: Vec<(u16, &str, String)> = MsgId::TABLE
        .iter()
        .map(|(id, name)| {
            let directions = all_messages().into_iter().filter(|(other, _)| other == id);
            let directions: Vec<_> = directions.map(|(_, direction)| direction).collect();
            (u16::from(*id), *name, directions.join(", "))
        })
        .collect();
    for (documented, known) in documented.iter().zip(&known) {
        assert_eq!(*documented, (known.0, known.1, known.2.as_str()), "left: docs; right: MsgId::TABLE");
    }
    assert_eq!(documented.len(), known.len(), "left: docs/protocol.md; right: MsgId::TABLE");
}

#[test]
fn every_field_is_explained_and_every_explained_field_exists() {
    let vectors = Vectors::load();
    let mut nested = BTreeSet::new();
    for (id, _) in MsgId::TABLE {
        let heading = heading(*id);
        let section = section(heading);
        let mut sent = BTreeSet::new();
        for (name, _) in blocks(section).into_iter().filter(|(name, _)| !name.contains("/refused")) {
            let vector = vectors.find(name).unwrap_or_else(|| panic!("vectors.json has no {name}"));
            let body: Value = serde_json::from_str(vector.body()).expect("JSON");
            for (key, value) in body.as_object().expect("an object") {
                assert!(
                    section.contains(&format!("`{key}`")),
                    "{heading:?} does not explain {key} of {name}"
                );
                sent.insert(key.clone());
                keys_within(value, &mut nested);
            }
        }
        for row in rows(section) {
            if let Some(field) = code(row[0]) {
                assert!(sent.contains(field), "{heading:?} explains {field}, which no example has");
            }
        }
    }
    let objects = section("## Objects");
    let explained: BTreeSet<String> =
        rows(objects).filter_map(|row| code(row[0]).map(str::to_owned)).collect();
    assert_eq!(explained, nested, "left: explained under Objects; right: in examples");
}

/// The keys of objects in a list, or of an object.
fn keys_within(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| keys_within(value, keys)),
        Value::Object(object) => keys.extend(object.keys().cloned()),
        _ => {}
    }
}

#[test]
fn the_table_of_codes_is_the_codes() {
    let documented: Vec<(u16, &str, &str)> = rows(section("## Error codes"))
        .filter_map(|row| Some((row[0].parse().ok()?, code(row[1])?, row[2])))
        .collect();
    let known: Vec<(u16, &str, &str)> =
        Code::TABLE.iter().map(|(code, name, text)| (code.0, *name, *text)).collect();
    for (documented, known) in documented.iter().zip(&known) {
        assert_eq!(documented, known, "left: docs/protocol.md; right: Code::TABLE");
    }
    assert_eq!(documented.len(), known.len(), "left: docs/protocol.md; right: Code::TABLE");
    for row in rows(section("## Error codes")).filter(|row| row[0].parse::<u16>().is_ok()) {
        assert!(!row[3].is_empty(), "nobody acts on {}", row[1]);
    }
}

#[test]
fn the_table_of_limits_is_the_limits() {
    let documented: Vec<(&str, u64)> =
        rows(section("## Limits")).filter_map(|row| Some((code(row[0])?, row[1].parse().ok()?))).collect();
    assert_eq!(documented, limits::TABLE, "left: docs/protocol.md; right: limits::TABLE");
}

/// "at most 64 characters (`DEVICE_CHARS_MAX`)": the number before a limit's name is its value.
#[test]
fn each_number_that_names_its_limit_is_right() {
    let mut named = 0;
    for (name, value) in limits::TABLE {
        for (at, _) in DOCS.match_indices(&format!("(`{name}`)")) {
            let before = &DOCS[..at];
            let end = before.rfind(|c: char| c.is_ascii_digit()).expect("a number before its limit") + 1;
            let start = before[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
            let unit = if before[end..].trim_start().starts_with("KiB") { 1024 } else { 1 };
            let number: u64 = before[start..end].parse().expect("a number");
            assert_eq!(number * unit, *value, "{name} in: {}", &before[before.rfind('\n').unwrap_or(0)..]);
            named += 1;
        }
    }
    assert!(named >= 10, "only {named} numbers name their limit");
}

/// What stands in capitals and code marks is the name of a code or of a limit.
#[test]
fn every_code_that_is_named_exists() {
    for name in DOCS.split('`').skip(1).step_by(2) {
        let is_name = name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        if is_name {
            let known = Code::TABLE.iter().any(|(_, code, _)| *code == name)
                || limits::TABLE.iter().any(|(limit, _)| *limit == name);
            assert!(known, "docs/protocol.md names {name}, which is neither a code nor a limit");
        }
    }
}

#[test]
fn every_word_is_explained() {
    let words = [
        State::TABLE.iter().map(|(_, word)| *word).collect::<Vec<_>>(),
        Direction::TABLE.iter().map(|(_, word)| *word).collect(),
        Role::TABLE.iter().map(|(_, word)| *word).collect(),
        ConversationKind::TABLE.iter().map(|(_, word)| *word).collect(),
        MessageKind::TABLE.iter().map(|(_, word)| *word).collect(),
        FriendOutcome::TABLE.iter().map(|(_, word)| *word).collect(),
        FriendEventKind::TABLE.iter().map(|(_, word)| *word).collect(),
        GroupEventKind::TABLE.iter().map(|(_, word)| *word).collect(),
        NoticeKind::TABLE.iter().map(|(_, word)| *word).collect(),
        GroupState::TABLE.iter().map(|(_, word)| *word).collect(),
        Joining::TABLE.iter().map(|(_, word)| *word).collect(),
        JoinOutcome::TABLE.iter().map(|(_, word)| *word).collect(),
        GroupRequestKind::TABLE.iter().map(|(_, word)| *word).collect(),
        Verdict::TABLE.iter().map(|(_, word)| *word).collect(),
        Rank::TABLE.iter().map(|(_, word)| *word).collect(),
        OwnedGroups::TABLE.iter().map(|(_, word)| *word).collect(),
        SystemEventKind::TABLE.iter().map(|(_, word)| *word).collect(),
    ];
    for words in words {
        let explained = rows(DOCS).any(|row| {
            row.len() > 2
                && row[1] == "word"
                && words.iter().all(|word| row[2].contains(&format!("`{word}`")))
        });
        assert!(explained, "no row of docs/protocol.md explains the words {words:?}");
    }
}

#[test]
fn links_within_the_page_lead_somewhere() {
    let anchors: BTreeSet<String> = DOCS
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            // Punctuation has no place in an anchor.
            let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
            heading.chars().filter(kept).collect::<String>().replace(' ', "-")
        })
        .collect();
    let mut links = 0;
    for link in DOCS.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap_or_default();
        assert!(anchors.contains(anchor), "no heading for the link #{anchor}");
        links += 1;
    }
    assert!(links > 10);
}
