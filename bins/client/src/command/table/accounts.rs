//! Accounts, sessions and passwords.

use protocol::{OwnedGroups, Secret};

use super::{Completes, Spec};
use crate::command::Command;
use crate::command::arguments::{Arguments, UsageError};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/register",
        arguments: "NAME [PASSWORD]",
        help: "make an account; the password is asked for if it is not given",
        completes: &[],
        parse: |mut line| {
            let name = line.need("a name")?.to_owned();
            Ok(Command::Register { name, password: password(line) })
        },
    },
    Spec {
        name: "/login",
        arguments: "NAME|ID [PASSWORD]",
        help: "log in; without a password the last session of this device goes on, or it is asked for",
        completes: &[],
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Login { who, password: password(line) })
        },
    },
    Spec {
        name: "/logout",
        arguments: "",
        help: "end this session",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Logout),
    },
    Spec {
        name: "/password",
        arguments: "[NEW PASSWORD]",
        help: "set a new password, and end your sessions on all other devices; the old one is asked for",
        completes: &[],
        parse: |line| Ok(Command::Password { new: password(line) }),
    },
    Spec {
        name: "/recover",
        arguments: "NAME|ID [CODE [NEW PASSWORD]]",
        help: "set a new password by a recovery code when the old one is lost; ends all your sessions",
        completes: &[],
        parse: |mut line| {
            let who = line.need_who()?;
            let code = line.word().map(Secret::new);
            Ok(Command::Recover { who, code, new: password(line) })
        },
    },
    Spec {
        name: "/recovery-codes",
        arguments: "[PASSWORD]",
        help: "make new recovery codes and show them, once; the old ones are void",
        completes: &[],
        parse: |line| Ok(Command::RecoveryCodes { password: password(line) }),
    },
    Spec {
        name: "/delete-account",
        arguments: "[hand_over|dissolve [NAME]]",
        help: "delete your account for good; your groups get a new owner or are dissolved; your name confirms it",
        completes: &[Completes::Words(&["hand_over", "dissolve"])],
        parse: |mut line| {
            let owned = match line.word() {
                None => OwnedGroups::HandOver,
                Some(word) => match OwnedGroups::TABLE.iter().find(|(_, name)| *name == word) {
                    Some((owned, _)) => *owned,
                    None => return Err(UsageError(format!("hand_over or dissolve, not {word}"))),
                },
            };
            let rest = line.rest();
            let confirmed = (!rest.is_empty()).then(|| rest.to_owned());
            Ok(Command::DeleteAccount { owned, confirmed })
        },
    },
    Spec {
        name: "/whoami",
        arguments: "",
        help: "show who is logged in, and where",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Whoami),
    },
    Spec {
        name: "/sessions",
        arguments: "",
        help: "list your sessions on all devices",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Sessions),
    },
    Spec {
        name: "/end-session",
        arguments: "N",
        help: "end one of your sessions by its number",
        completes: &[],
        parse: |mut line| {
            let session = line.need_number("the session's number")?;
            line.end().map(|()| Command::EndSession(session))
        },
    },
];

/// Passwords may hold spaces: all that is left is the password.
fn password(line: Arguments<'_>) -> Option<Secret> {
    match line.rest() {
        "" => None,
        rest => Some(Secret::new(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::Who;

    #[test]
    fn passwords_may_hold_spaces_and_are_not_shown() {
        let command = ok("/login alice correct horse");
        assert!(
            matches!(&command, Command::Login { password: Some(p), .. } if p.expose() == "correct horse")
        );
        assert!(!format!("{command:?}").contains("horse"));
    }

    #[test]
    fn recovery_takes_a_code_and_a_password() {
        let recover = |who, code: Option<&str>, new: Option<&str>| Command::Recover {
            who,
            code: code.map(Secret::new),
            new: new.map(Secret::new),
        };
        assert_eq!(ok("/recover 7"), recover(Who::Id(7), None, None));
        let alice = || Who::Name("alice".into());
        assert_eq!(ok("/recover alice A-B"), recover(alice(), Some("A-B"), None));
        assert_eq!(ok("/recover alice A-B new words"), recover(alice(), Some("A-B"), Some("new words")));
        assert!(!format!("{:?}", ok("/recover alice A-B new words")).contains("A-B"));
        wrong("/recover");
    }

    #[test]
    fn deleting_says_what_becomes_of_groups_and_is_confirmed_by_name() {
        let delete = |owned, confirmed: Option<&str>| Command::DeleteAccount {
            owned,
            confirmed: confirmed.map(str::to_owned),
        };
        assert_eq!(ok("/delete-account"), delete(OwnedGroups::HandOver, None));
        assert_eq!(ok("/delete-account dissolve"), delete(OwnedGroups::Dissolve, None));
        assert_eq!(ok("/delete-account hand_over a b"), delete(OwnedGroups::HandOver, Some("a b")));
        wrong("/delete-account alice");
    }
}
