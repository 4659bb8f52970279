//! What there is to say.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::command::{SECTIONS, Spec, commands, find};

/// Columns for usages; a longer one stands on a line of its own.
const USAGE_COLUMNS_MAX: usize = 32;

/// One command, or all.
pub(super) fn lines(about: Option<&str>) -> Vec<String> {
    match about {
        Some(name) => find(name).map_or_else(Vec::new, explained),
        None => all(),
    }
}

/// The same for programs.
pub(super) fn object(about: Option<&str>) -> Value {
    let described =
        |spec: &Spec| json!({ "command": spec.name, "arguments": spec.arguments, "help": spec.help });
    let found: Vec<Value> = match about {
        Some(name) => find(name).map(described).into_iter().collect(),
        None => commands().map(described).collect(),
    };
    json!({ "commands": found })
}

fn explained(spec: &Spec) -> Vec<String> {
    vec![usage(spec), format!("  {}", spec.help)]
}

fn all() -> Vec<String> {
    let widths = commands().map(|spec| usage(spec).width());
    let width = widths.filter(|width| *width <= USAGE_COLUMNS_MAX).max().unwrap_or(0);
    let mut lines = vec!["Plain text goes to whom /chat chose. Commands:".to_owned()];
    for section in SECTIONS {
        lines.push(section.title.to_owned());
        for spec in section.commands {
            let usage = usage(spec);
            if usage.width() > width {
                lines.push(format!("  {usage}"));
                lines.push(format!("  {:width$}  {}", "", spec.help));
            } else {
                lines.push(format!("  {usage:width$}  {}", spec.help));
            }
        }
    }
    lines.push(
        "Names with spaces stand between double quotes; a text that begins with / needs another / before it."
            .to_owned(),
    );
    lines
}

fn usage(spec: &Spec) -> String {
    format!("{} {}", spec.name, spec.arguments).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_explains_every_command() {
        let lines = lines(None);
        for spec in commands() {
            assert!(lines.iter().any(|line| line.trim_start().starts_with(spec.name)), "{}", spec.name);
        }
    }
}
