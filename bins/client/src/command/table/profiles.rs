//! What people tell of themselves, and finding them by it.

use protocol::{EditProfile, Secret};

use super::{Completes, Spec};
use crate::command::Command;
use crate::command::arguments::{Arguments, UsageError};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/profile",
        arguments: "[NAME|ID]",
        help: "show what somebody tells of themselves; without an argument, what you do",
        completes: &[Completes::Friends],
        parse: |mut line| {
            if line.rest().is_empty() {
                return Ok(Command::Profile(None));
            }
            let who = line.need_who()?;
            line.end().map(|()| Command::Profile(Some(who)))
        },
    },
    Spec {
        name: "/edit",
        arguments: "nickname|signature|avatar|phone|searchable [VALUE]",
        help: "change what you tell of yourself; without a value, take it away (searchable: yes or no)",
        completes: &[Completes::Words(&["nickname", "signature", "avatar", "phone", "searchable"])],
        parse: edit,
    },
    Spec {
        name: "/search",
        arguments: "TEXT",
        help: "find users by id, or by the beginning of their name or nickname",
        completes: &[],
        parse: |line| match line.rest() {
            "" => Err(UsageError("what to search for is missing".to_owned())),
            query => Ok(Command::Search(query.to_owned())),
        },
    },
];

fn edit(mut line: Arguments<'_>) -> Result<Command, UsageError> {
    let field = line.need("what to change")?;
    let value = line.rest().to_owned();
    let nothing = EditProfile::default();
    Ok(Command::Edit(match field {
        "nickname" => EditProfile { nickname: Some(value), ..nothing },
        "signature" => EditProfile { signature: Some(value), ..nothing },
        "avatar" => EditProfile { avatar: Some(value), ..nothing },
        "phone" => EditProfile { phone: Some(Secret::new(value)), ..nothing },
        "searchable" => match value.as_str() {
            "yes" => EditProfile { searchable: Some(true), ..nothing },
            "no" => EditProfile { searchable: Some(false), ..nothing },
            other => return Err(UsageError(format!("searchable is yes or no, not {other:?}"))),
        },
        other => return Err(UsageError(format!("a profile has no {other:?}"))),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::Who;

    #[test]
    fn a_profile_is_edited_field_by_field() {
        let edit = |line| match ok(line) {
            Command::Edit(edit) => edit,
            other => panic!("{other:?}"),
        };
        let nothing = EditProfile::default;
        let nickname = |text: &str| EditProfile { nickname: Some(text.into()), ..nothing() };
        assert_eq!(edit("/edit nickname  Al the  great "), nickname("Al the  great"));
        assert_eq!(edit("/edit nickname"), nickname(""));
        assert_eq!(edit("/edit searchable no"), EditProfile { searchable: Some(false), ..nothing() });
        let phone = edit("/edit phone +1 555 0100");
        assert_eq!(phone.phone.as_ref().map(|phone| phone.expose()), Some("+1 555 0100"));
        assert!(!format!("{phone:?}").contains("0100"));
        assert!(wrong("/edit searchable perhaps").contains("searchable is yes or no"));
        assert!(wrong("/edit shoe 44").contains("a profile has no \"shoe\""));
        assert_eq!(ok("/profile bob"), Command::Profile(Some(Who::Name("bob".into()))));
        assert_eq!(ok("/profile"), Command::Profile(None));
    }
}
