//! Groups: being in them.

use super::{Completes, Spec};
use crate::command::Command;
use crate::command::arguments::UsageError;

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/groups",
        arguments: "",
        help: "list groups you are in",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Groups),
    },
    Spec {
        name: "/group",
        arguments: "create NAME [: DESCRIPTION]|#NAME|ID",
        help: "open a group, or show what one says of itself",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let mut ahead = line;
            if ahead.need("\"create\" or a group")? != "create" {
                let group = line.need_group()?;
                return line.end().map(|()| Command::GroupShow(group));
            }
            let (name, description) = ahead.rest().split_once(": ").unwrap_or((ahead.rest(), ""));
            let name = name.trim().trim_matches('"').to_owned();
            if name.is_empty() {
                return Err(UsageError("a name is missing".to_owned()));
            }
            Ok(Command::GroupCreate { name, description: description.trim().to_owned() })
        },
    },
    Spec {
        name: "/leave",
        arguments: "#NAME|ID",
        help: "leave a group",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Leave(group))
        },
    },
    Spec {
        name: "/members",
        arguments: "#NAME|ID",
        help: "list a group's members and who is there",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Members(group))
        },
    },
];

#[cfg(test)]
mod tests {
    use super::super::tests::ok;
    use super::*;

    #[test]
    fn a_group_has_a_name_and_perhaps_a_description() {
        let group = |name: &str, description: &str| Command::GroupCreate {
            name: name.into(),
            description: description.into(),
        };
        assert_eq!(ok("/group create readers"), group("readers", ""));
        assert_eq!(
            ok("/group create slow readers : one book a year"),
            group("slow readers", "one book a year")
        );
        assert_eq!(ok("/group create readers: of books"), group("readers", "of books"));
        assert_eq!(ok("/group create 12:30 lunch"), group("12:30 lunch", ""));
    }
}
