//! The table of commands, a file for each capability.

mod accounts;
mod friends;
mod general;
mod groups;
mod joining;
mod leading;
mod profiles;
mod quiet;
mod talking;
mod told;

use super::Command;
use super::arguments::{Arguments, UsageError};

/// One command.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Its arguments, as help shows them.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    /// What its arguments are completed with, one after the other.
    pub(crate) completes: &'static [Completes],
    parse: fn(Arguments<'_>) -> Result<Command, UsageError>,
}

/// What an argument can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    Commands,
    Friends,
    /// Friends, and those who ask for friendship.
    People,
    /// Those who are blocked, as far as they were listed.
    Blocked,
    /// Those who ask for friendship.
    Askers,
    /// Those who were asked.
    Asked,
    Groups,
    /// Members of the group named before, as far as they were listed or spoke.
    Members,
    /// Those who ask to come into the group named before.
    Applicants,
    /// Those who were asked into the group named before.
    Invited,
    /// Groups that one was asked into.
    Inviting,
    /// Groups that one asks to come into.
    AppliedTo,
    /// Friends and groups.
    Talks,
    /// What friends are put under.
    Labels,
    /// These words.
    Words(&'static [&'static str]),
}

/// Commands that belong together.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) commands: &'static [Spec],
}

/// Every command, in the order of help.
pub(crate) const SECTIONS: &[Section] = &[
    Section { title: "General", commands: general::COMMANDS },
    Section { title: "Accounts and sessions", commands: accounts::COMMANDS },
    Section { title: "People", commands: profiles::COMMANDS },
    Section { title: "Friends", commands: friends::COMMANDS },
    Section { title: "Groups", commands: groups::COMMANDS },
    Section { title: "Coming into groups", commands: joining::COMMANDS },
    Section { title: "Leading groups", commands: leading::COMMANDS },
    Section { title: "Talking", commands: talking::COMMANDS },
    Section { title: "What you were told", commands: told::COMMANDS },
    Section { title: "Do not disturb", commands: quiet::COMMANDS },
];

/// All of them.
pub(crate) fn commands() -> impl Iterator<Item = &'static Spec> {
    SECTIONS.iter().flat_map(|section| section.commands)
}

/// A command by its name.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    commands().find(|spec| spec.name == name)
}

/// Reads a line. Without a slash at its beginning it is a text to be said; with two, a text that begins with one. An empty
/// line is no command.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, UsageError> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    if let Some(text) = line.strip_prefix("//") {
        return Ok(Some(Command::Say(format!("/{text}"))));
    }
    if !line.starts_with('/') {
        return Ok(Some(Command::Say(line.to_owned())));
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let Some(spec) = find(name) else {
        return Err(UsageError(format!("there is no command {name}; /help lists them all")));
    };
    match (spec.parse)(Arguments::new(rest)) {
        Ok(command) => Ok(Some(command)),
        Err(UsageError(why)) => {
            let usage = format!("{} {}", spec.name, spec.arguments);
            Err(UsageError(format!("{name}: {why}; it goes like this: {}", usage.trim_end())))
        }
    }
}

/// Commands whose last arguments are secret, and the words before those, their name included.
const SECRETIVE: &[(&str, usize)] = &[
    ("/login", 2),
    ("/register", 2),
    ("/password", 1),
    ("/recover", 2),
    ("/recovery-codes", 1),
    ("/edit phone", 2),
];

/// A line as it may be kept and shown: without passwords and codes.
pub(crate) fn shown(line: &str) -> &str {
    let line = line.trim();
    let begins =
        |name: &str| line.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let Some((_, words)) = SECRETIVE.iter().find(|(secretive, _)| begins(secretive)) else {
        return line;
    };
    let mut rest = Arguments::new(line);
    for _ in 0..*words {
        rest.word();
    }
    line.strip_suffix(rest.rest()).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn ok(line: &str) -> Command {
        parse(line).expect("understood").expect("not empty")
    }

    pub(super) fn wrong(line: &str) -> String {
        parse(line).expect_err("not understood").0
    }

    #[test]
    fn text_without_a_slash_is_said() {
        assert_eq!(ok("hello /there"), Command::Say("hello /there".into()));
        assert_eq!(ok("//help is a command"), Command::Say("/help is a command".into()));
        assert_eq!(parse("   "), Ok(None));
    }

    #[test]
    fn what_is_kept_has_no_password() {
        assert_eq!(shown("/login alice correct horse"), "/login alice");
        assert_eq!(shown(" /register \"a b\"  secret word "), "/register \"a b\"");
        assert_eq!(shown("/login alice"), "/login alice");
        assert_eq!(shown("/edit phone +1 555 0100"), "/edit phone");
        assert_eq!(shown("/edit nickname Al"), "/edit nickname Al");
        assert_eq!(shown("/msg bob the horse"), "/msg bob the horse");
        assert_eq!(shown("/password correct horse"), "/password");
        assert_eq!(shown("/recover \"a b\" ABCD-EFGH correct horse"), "/recover \"a b\"");
        assert_eq!(shown("/recover 7"), "/recover 7");
        assert_eq!(shown("/recovery-codes horse"), "/recovery-codes");
    }

    #[test]
    fn mistakes_are_explained() {
        assert_eq!(wrong("/nonsense"), "there is no command /nonsense; /help lists them all");
        assert_eq!(
            wrong("/join x"),
            "/join: the group's number must be a number, not \"x\"; it goes like this: /join ID [GREETING]"
        );
        assert_eq!(
            wrong("/msg bob"),
            "/msg: the text is missing; it goes like this: /msg NAME|ID|#GROUP TEXT"
        );
        assert_eq!(wrong("/quit now"), "/quit: \"now\" is too much; it goes like this: /quit");
        assert_eq!(
            wrong("/history 0"),
            "/history: N must be at least 1; it goes like this: /history [YYYY-MM-DD] [HH:MM[:SS]] [N]"
        );
        wrong("/add 18446744073709551616");
        wrong("/wait for godot");
    }

    #[test]
    fn the_table_is_consistent_and_documented() {
        let docs = include_str!("../../../../../docs/client.md");
        for (at, spec) in commands().enumerate() {
            assert!(spec.name.starts_with('/') && !spec.help.is_empty());
            assert!(commands().take(at).all(|other| other.name != spec.name), "{} stands twice", spec.name);
            let usage = format!("{} {}", spec.name, spec.arguments.replace('|', "\\|"));
            let row = format!("| `{}` | {} |", usage.trim_end(), spec.help);
            assert!(docs.contains(&row), "docs/client.md lacks the row\n{row}");
        }
    }
}
