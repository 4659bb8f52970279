//! How lists look.

use client::protocol::State;
use unicode_width::UnicodeWidthStr;

/// Three columns, the first two as wide as needed.
pub(super) fn table(rows: impl Iterator<Item = [String; 3]>) -> Vec<String> {
    let rows: Vec<[String; 3]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[a, b, c]: &[String; 3]| {
        let (left, right) = (first - a.width(), second - b.width());
        format!("  {:left$}{a}  {b}{:right$}  {c}", "", "").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

pub(super) fn presence(state: State) -> &'static str {
    match state {
        State::Online => "there",
        State::Offline => "away",
        State::Unknown => "perhaps there",
    }
}

/// `1 friend`, `2 friends`.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
