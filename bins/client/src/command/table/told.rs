//! What the user was told.

use super::Spec;
use crate::command::Command;

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/notices",
        arguments: "",
        help: "list what concerned you lately: decisions, removals, new roles",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Notices),
    },
    Spec {
        name: "/broadcasts",
        arguments: "",
        help: "list what the operator of this server told everybody lately, the latest first",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Broadcasts),
    },
];

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;

    #[test]
    fn lists_take_no_arguments() {
        assert_eq!((ok("/notices"), ok("/broadcasts")), (Command::Notices, Command::Broadcasts));
        assert!(wrong("/broadcasts 5").contains("\"5\" is too much"));
    }
}
