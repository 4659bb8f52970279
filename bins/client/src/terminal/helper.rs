//! What the line editor asks of us: completion, a coloured prompt, and word that the prompt stands.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use client::protocol::Direction;
use rustyline::Context;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use unicode_width::UnicodeWidthStr;

use super::gate::Gate;
use crate::command::{Completes, commands, find};
use crate::printable::one_line;
use crate::roster::Roster;
use crate::shared::Shared;

/// The editor's helper. The main thread's.
pub(crate) struct Helper {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    pub(crate) hiding: Hiding,
}

/// Whether what is typed is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hiding {
    /// As stars: it is a password.
    On,
    Off,
}

impl Helper {
    pub(crate) fn new(shared: Arc<Shared>, gate: Arc<Gate>) -> Helper {
        Helper { shared, gate, hiding: Hiding::Off }
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.hiding == Hiding::On {
            return Ok((pos, Vec::new()));
        }
        let (start, words) = complete(line.get(..pos).unwrap_or(line), &self.shared.lock().roster);
        let pair = |word: String| Pair { display: word.trim_end().to_owned(), replacement: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Hinter for Helper {
    type Hint = String;

    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        // The editor asks whenever it draws the line: from the first time on, arrivals may be printed above it.
        self.gate.drawn();
        None
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.hiding {
            Hiding::On => Cow::Owned("*".repeat(line.width())),
            Hiding::Off => Cow::Borrowed(line),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.hiding == Hiding::On && kind != CmdKind::MoveCursor
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        match self.hiding {
            Hiding::On => Cow::Borrowed(prompt),
            Hiding::Off => Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")),
        }
    }
}

impl Validator for Helper {
    /// Every line is right; but it is accepted now, while the editor still owns the terminal.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.shut();
        Ok(ValidationResult::Valid(None))
    }
}

impl rustyline::Helper for Helper {}

/// Where the word under the cursor begins, and what it can become.
fn complete(line: &str, roster: &Roster) -> (usize, Vec<String>) {
    if !line.starts_with('/') {
        return (0, Vec::new());
    }
    let Some((name, rest)) = line.split_once(' ') else {
        let commands = commands().filter(|spec| spec.name.starts_with(line));
        let word = |name: &str, arguments: &str| {
            if arguments.is_empty() { name.to_owned() } else { format!("{name} ") }
        };
        return (0, commands.map(|spec| word(spec.name, spec.arguments)).collect());
    };
    let Some(spec) = find(name) else { return (0, Vec::new()) };
    let start = line.len() - rest.len();
    let typed = rest.trim_start_matches('"').to_lowercase();
    let mut words = candidates(spec.completes, roster);
    words.retain(|word| word.trim_start_matches('"').to_lowercase().starts_with(&typed));
    words.sort();
    (start, words.into_iter().map(|word| format!("{word} ")).collect())
}

fn candidates(completes: Completes, roster: &Roster) -> Vec<String> {
    let requests = |direction: Direction| {
        let requests = roster.requests.values().filter(|request| request.direction == direction);
        requests.map(|request| quoted(&request.name)).collect()
    };
    let remarks = || roster.friends.values().filter(|friend| !friend.remark.is_empty());
    let friends = || {
        let names = roster.friends.values().map(|friend| quoted(&friend.name));
        names.chain(remarks().map(|friend| quoted(&friend.remark)))
    };
    let labels = || {
        let labels: BTreeSet<&str> = roster.friends.values().map(|friend| friend.label.as_str()).collect();
        labels.into_iter().filter(|label| !label.is_empty()).map(quoted)
    };
    let groups = || roster.groups.values().map(|group| quoted(&format!("#{}", group.groupname)));
    match completes {
        Completes::Nothing => Vec::new(),
        Completes::Commands => commands().map(|spec| spec.name.trim_start_matches('/').to_owned()).collect(),
        Completes::Friends => friends().collect(),
        Completes::People => {
            let mut askers: Vec<String> = requests(Direction::In);
            askers.extend(friends());
            askers
        }
        Completes::Blocked => roster.blocked.values().map(|name| quoted(name)).collect(),
        Completes::Askers => requests(Direction::In),
        Completes::Asked => requests(Direction::Out),
        Completes::Groups => groups().collect(),
        Completes::Labels => labels().collect(),
        Completes::Talks => friends().chain(groups()).collect(),
        Completes::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// A name as it must be typed.
fn quoted(name: &str) -> String {
    let name = one_line(name);
    if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::protocol::{Friend, Group, GroupState, Role, State};

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for (id, name) in [(2, "bob"), (3, "Bodo"), (4, "carol the 2nd")] {
            roster.add_friend(Friend {
                id,
                name: name.into(),
                state: State::Online,
                conv: id,
                ..Friend::default()
            });
        }
        roster.blocked.insert(6, "mallory".into());
        let (groupname, groupdesc) = ("readers".to_owned(), String::new());
        roster.add_group(Group {
            id: 9,
            groupname,
            groupdesc,
            role: Role::Owner,
            members: 1,
            state: GroupState::Open,
        });
        roster
    }

    #[test]
    fn commands_names_and_groups_are_completed() {
        let roster = roster();
        assert_eq!(complete("/hi", &roster), (0, vec!["/history ".to_owned()]));
        assert_eq!(complete("/qu", &roster), (0, vec!["/quit".to_owned()]));
        assert_eq!(complete("/chat bo", &roster), (6, vec!["Bodo ".to_owned(), "bob ".to_owned()]));
        assert_eq!(complete("/chat ca", &roster), (6, vec!["\"carol the 2nd\" ".to_owned()]));
        assert_eq!(complete("/chat #", &roster), (6, vec!["#readers ".to_owned()]));
        assert_eq!(complete("/block bod", &roster), (7, vec!["Bodo ".to_owned()]));
        assert_eq!(complete("/unblock ", &roster), (9, vec!["mallory ".to_owned()]));
        assert_eq!(complete("/help his", &roster), (6, vec!["history ".to_owned()]));
        assert_eq!(complete("plain text", &roster), (0, vec![]));
        assert_eq!(complete("/msg bob hello the", &roster).1, [] as [String; 0]);
    }

    #[test]
    fn remarks_and_labels_are_completed() {
        let mut roster = roster();
        for (id, remark, label) in
            [(2, "Climber", "old friends"), (3, "", "old friends"), (4, "Car pool", "work")]
        {
            let friend = roster.friends.get_mut(&id).expect("a friend");
            (friend.remark, friend.label) = (remark.into(), label.into());
        }
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(complete("/chat c", &roster).1, own(&["\"Car pool\" ", "\"carol the 2nd\" ", "Climber "]));
        assert_eq!(complete("/relabel ", &roster).1, own(&["\"old friends\" ", "work "]));
        assert_eq!(complete("/relabel o", &roster).1, own(&["\"old friends\" "]));
    }
}
