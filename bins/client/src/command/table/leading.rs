//! Groups that are led.

use protocol::{Joining, Rank};

use super::{Completes, Spec};
use crate::command::Command;
use crate::command::arguments::{UsageError, member};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/rename",
        arguments: "#NAME|ID NEW NAME",
        help: "give a group another name (owner, admins)",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = line.need_group()?;
            match line.rest() {
                "" => Err(UsageError("the new name is missing".to_owned())),
                name => Ok(Command::Rename { group, name: name.to_owned() }),
            }
        },
    },
    Spec {
        name: "/announce",
        arguments: "#NAME|ID [TEXT]",
        help: "say what a group's members should know now; without a text, nothing (owner, admins)",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = line.need_group()?;
            Ok(Command::Announce { group, text: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/joining",
        arguments: "#NAME|ID open|approval|invitation",
        help: "choose how one comes into a group: freely, decided by owner and admins, or asked in (owner, admins)",
        completes: &[Completes::Groups, Completes::Words(&["open", "approval", "invitation"])],
        parse: |mut line| {
            let group = line.need_group()?;
            let word = line.need("open, approval or invitation")?;
            let joining = match word {
                "open" => Joining::Open,
                "approval" => Joining::Approval,
                "invitation" => Joining::Invitation,
                other => return Err(UsageError(format!("{other:?} is not open, approval or invitation"))),
            };
            line.end().map(|()| Command::Joining { group, joining })
        },
    },
    Spec {
        name: "/remove",
        arguments: "#NAME|ID WHO",
        help: "put a member out of a group (owner, admins)",
        completes: &[Completes::Groups, Completes::Members],
        parse: |line| member(line).map(|(group, who)| Command::Remove { group, who }),
    },
    Spec {
        name: "/admin",
        arguments: "#NAME|ID WHO",
        help: "make a member admin of a group (owner)",
        completes: &[Completes::Groups, Completes::Members],
        parse: |line| member(line).map(|(group, who)| Command::SetRole { group, who, role: Rank::Admin }),
    },
    Spec {
        name: "/member",
        arguments: "#NAME|ID WHO",
        help: "make an admin of a group a member again (owner)",
        completes: &[Completes::Groups, Completes::Members],
        parse: |line| member(line).map(|(group, who)| Command::SetRole { group, who, role: Rank::Member }),
    },
    Spec {
        name: "/handover",
        arguments: "#NAME|ID WHO",
        help: "make another member the owner of a group, and stay as admin (owner)",
        completes: &[Completes::Groups, Completes::Members],
        parse: |line| member(line).map(|(group, who)| Command::HandOver { group, who }),
    },
    Spec {
        name: "/dissolve",
        arguments: "#NAME|ID",
        help: "close a group for good (owner)",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Dissolve(group))
        },
    },
    Spec {
        name: "/mute",
        arguments: "#NAME|ID MINUTES [WHO]",
        help: "silence a member for so many minutes; without WHO, all members (owner, admins)",
        completes: &[Completes::Groups, Completes::Words(&[]), Completes::Members],
        parse: |mut line| {
            let group = line.need_group()?;
            let minutes = line.need_number("MINUTES")?;
            if minutes == 0 {
                return Err(UsageError("MINUTES must be at least 1".to_owned()));
            }
            let who = if line.rest().is_empty() { None } else { Some(line.need_who()?) };
            line.end().map(|()| Command::Mute { group, who, minutes })
        },
    },
    Spec {
        name: "/unmute",
        arguments: "#NAME|ID [WHO]",
        help: "let a member speak again; without WHO, all members (owner, admins)",
        completes: &[Completes::Groups, Completes::Members],
        parse: |mut line| {
            let group = line.need_group()?;
            let who = if line.rest().is_empty() { None } else { Some(line.need_who()?) };
            line.end().map(|()| Command::Mute { group, who, minutes: 0 })
        },
    },
];

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::{GroupName, Who};

    #[test]
    fn groups_are_led_by_their_name_and_a_members() {
        let group = || GroupName::Name("slow readers".into());
        let bob = || Who::Name("bob".into());
        assert_eq!(ok("/group \"#slow readers\""), Command::GroupShow(group()));
        assert_eq!(ok("/group #create"), Command::GroupShow(GroupName::Name("create".into())));
        assert_eq!(ok("/remove \"#slow readers\" bob"), Command::Remove { group: group(), who: bob() });
        let admin = Command::SetRole { group: GroupName::Id(7), who: Who::Id(2), role: Rank::Admin };
        assert_eq!(ok("/admin #7 2"), admin);
        let mute = |who, minutes| Command::Mute { group: GroupName::Id(7), who, minutes };
        assert_eq!(ok("/mute 7 30 bob"), mute(Some(bob()), 30));
        assert_eq!(ok("/mute 7 30"), mute(None, 30));
        assert_eq!(ok("/unmute 7 bob"), mute(Some(bob()), 0));
        assert_eq!(ok("/announce 7"), Command::Announce { group: GroupName::Id(7), text: String::new() });
        for mistake in ["/group", "/mute 7 0", "/mute 7 bob", "/rename 7", "/remove 7", "/dissolve 7 now"] {
            wrong(mistake);
        }
    }
}
