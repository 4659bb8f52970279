//! Coming into groups: applications and invitations.

use protocol::Verdict;

use super::{Completes, Spec};
use crate::command::Command;
use crate::command::arguments::{UsageError, member, number};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/join",
        arguments: "ID [GREETING]",
        help: "join a group by its number, or apply where its owner and admins decide",
        completes: &[],
        parse: |mut line| {
            let word = line.need("the group's number")?;
            let id = number(word.trim_start_matches('#'))
                .ok_or_else(|| UsageError(format!("the group's number must be a number, not {word:?}")))?;
            Ok(Command::Join { group: id, greeting: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/applications",
        arguments: "[#NAME|ID]",
        help: "list who asks to come into a group of yours; without a group, into all, and your own applications",
        completes: &[Completes::Groups],
        parse: |mut line| {
            let group = if line.rest().is_empty() { None } else { Some(line.need_group()?) };
            line.end().map(|()| Command::Applications(group))
        },
    },
    Spec {
        name: "/admit",
        arguments: "#NAME|ID WHO",
        help: "let somebody into a group who applied (owner, admins)",
        completes: &[Completes::Groups, Completes::Applicants],
        parse: |line| {
            let verdict = Verdict::Accept;
            member(line).map(|(group, who)| Command::Decide { group, who, verdict })
        },
    },
    Spec {
        name: "/reject",
        arguments: "#NAME|ID WHO",
        help: "do not let somebody into a group who applied (owner, admins)",
        completes: &[Completes::Groups, Completes::Applicants],
        parse: |line| {
            let verdict = Verdict::Refuse;
            member(line).map(|(group, who)| Command::Decide { group, who, verdict })
        },
    },
    Spec {
        name: "/unapply",
        arguments: "ID",
        help: "take an application of your own back, by the group's number",
        completes: &[Completes::AppliedTo],
        parse: |mut line| {
            let group = line.need_number("the group's number")?;
            line.end().map(|()| Command::WithdrawApplication(group))
        },
    },
    Spec {
        name: "/invite",
        arguments: "#NAME|ID WHO",
        help: "ask a friend into a group",
        completes: &[Completes::Groups, Completes::Friends],
        parse: |line| member(line).map(|(group, who)| Command::Invite { group, who }),
    },
    Spec {
        name: "/uninvite",
        arguments: "#NAME|ID WHO",
        help: "take an invitation back",
        completes: &[Completes::Groups, Completes::Invited],
        parse: |line| member(line).map(|(group, who)| Command::WithdrawInvitation { group, who }),
    },
    Spec {
        name: "/invitations",
        arguments: "",
        help: "list groups that you were asked into",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Invitations),
    },
    Spec {
        name: "/come",
        arguments: "#NAME|ID",
        help: "accept an invitation into a group",
        completes: &[Completes::Inviting],
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Answer { group, verdict: Verdict::Accept })
        },
    },
    Spec {
        name: "/decline",
        arguments: "#NAME|ID",
        help: "refuse an invitation into a group",
        completes: &[Completes::Inviting],
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Answer { group, verdict: Verdict::Refuse })
        },
    },
];

#[cfg(test)]
mod tests {
    use protocol::Joining;

    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::{GroupName, Who};

    #[test]
    fn who_waits_before_a_group_is_named_after_it() {
        let group = || GroupName::Name("slow readers".into());
        let bob = || Who::Name("bob".into());
        let greeting = "I read slowly".to_owned();
        assert_eq!(ok("/join 7 I read slowly"), Command::Join { group: 7, greeting });
        assert_eq!(ok("/applications"), Command::Applications(None));
        assert_eq!(ok("/applications \"#slow readers\""), Command::Applications(Some(group())));
        let decide = |verdict| Command::Decide { group: group(), who: bob(), verdict };
        assert_eq!(ok("/admit \"#slow readers\" bob"), decide(Verdict::Accept));
        assert_eq!(ok("/reject \"#slow readers\" bob"), decide(Verdict::Refuse));
        assert_eq!(ok("/invite \"#slow readers\" bob"), Command::Invite { group: group(), who: bob() });
        let answer = |verdict| Command::Answer { group: GroupName::Id(7), verdict };
        assert_eq!(ok("/come 7"), answer(Verdict::Accept));
        assert_eq!(ok("/decline #7"), answer(Verdict::Refuse));
        let joining = Command::Joining { group: GroupName::Id(7), joining: Joining::Approval };
        assert_eq!(ok("/joining 7 approval"), joining);
        for mistake in ["/joining 7", "/joining 7 never", "/admit 7", "/come", "/unapply x", "/invitations 7"]
        {
            wrong(mistake);
        }
    }
}
