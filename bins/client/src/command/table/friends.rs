//! Friends, requests, notes about friends, and blocks.

use super::{Completes, Spec};
use crate::command::Command;

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/friends",
        arguments: "",
        help: "list friends and who is there",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Friends),
    },
    Spec {
        name: "/requests",
        arguments: "",
        help: "list friend requests that wait, both ways",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Requests),
    },
    Spec {
        name: "/add",
        arguments: "ID [GREETING]",
        help: "ask somebody for friendship; their id is what /whoami tells them",
        completes: &[],
        parse: |mut line| {
            let id = line.need_number("the id")?;
            Ok(Command::Add { id, greeting: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/accept",
        arguments: "NAME|ID",
        help: "accept a friend request",
        completes: &[Completes::Askers],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Accept(who))
        },
    },
    Spec {
        name: "/refuse",
        arguments: "NAME|ID",
        help: "refuse a friend request",
        completes: &[Completes::Askers],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Refuse(who))
        },
    },
    Spec {
        name: "/withdraw",
        arguments: "NAME|ID",
        help: "take a friend request of your own back",
        completes: &[Completes::Asked],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Withdraw(who))
        },
    },
    Spec {
        name: "/unfriend",
        arguments: "NAME|ID",
        help: "end a friendship",
        completes: &[Completes::Friends],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Unfriend(who))
        },
    },
    Spec {
        name: "/remark",
        arguments: "NAME|ID [TEXT]",
        help: "call a friend something only you see; without a text, nothing",
        completes: &[Completes::Friends],
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Remark { who, text: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/label",
        arguments: "NAME|ID [LABEL]",
        help: "put a friend under a label, which /friends groups them by; without one, take them out",
        completes: &[Completes::Friends, Completes::Labels],
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Label { who, label: unquoted(line.rest()).to_owned() })
        },
    },
    Spec {
        name: "/relabel",
        arguments: "LABEL [NEW]",
        help: "rename a label, or put its friends under another one; without a new one, take them all out",
        completes: &[Completes::Labels, Completes::Labels],
        parse: |mut line| {
            let label = line.need("a label")?.to_owned();
            Ok(Command::Relabel { label, to: unquoted(line.rest()).to_owned() })
        },
    },
    Spec {
        name: "/block",
        arguments: "NAME|ID",
        help: "let somebody neither reach nor find you; ends a friendship, and they are not told why",
        completes: &[Completes::People],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Block(who))
        },
    },
    Spec {
        name: "/unblock",
        arguments: "NAME|ID",
        help: "take a block back; a friendship does not come back by itself",
        completes: &[Completes::Blocked],
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Unblock(who))
        },
    },
    Spec {
        name: "/blocked",
        arguments: "",
        help: "list whom you blocked",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Blocked),
    },
];

/// What is left of a line, which may stand between double quotes as a word may.
fn unquoted(rest: &str) -> &str {
    rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ok, wrong};
    use super::*;
    use crate::command::Who;

    #[test]
    fn friends_are_noted() {
        let bob = || Who::Name("bob".into());
        let remark = |text: &str| Command::Remark { who: bob(), text: text.into() };
        let label = |label: &str| Command::Label { who: bob(), label: label.into() };
        let relabel = |label: &str, to: &str| Command::Relabel { label: label.into(), to: to.into() };
        assert_eq!(ok("/remark bob  the one from  work "), remark("the one from  work"));
        assert_eq!(ok("/remark bob"), remark(""));
        assert_eq!(ok("/label bob old friends"), label("old friends"));
        assert_eq!(ok("/label bob \"old friends\""), label("old friends"));
        assert_eq!(ok("/label bob \""), label("\""));
        assert_eq!(ok("/label bob"), label(""));
        assert_eq!(ok("/relabel \"old friends\" \"best friends\""), relabel("old friends", "best friends"));
        assert_eq!(ok("/relabel work"), relabel("work", ""));
        for line in ["/remark", "/label", "/relabel"] {
            wrong(line);
        }
    }

    #[test]
    fn users_are_blocked_by_name_or_id() {
        assert_eq!(ok("/block bob"), Command::Block(Who::Name("bob".into())));
        assert_eq!(ok("/block 7"), Command::Block(Who::Id(7)));
        assert_eq!(ok("/unblock \"bob the 2nd\""), Command::Unblock(Who::Name("bob the 2nd".into())));
        assert_eq!(ok("/blocked"), Command::Blocked);
        assert_eq!(wrong("/block"), wrong("/unblock").replace("unblock", "block"));
        assert!(wrong("/block bob please").contains("\"please\" is too much"));
        assert!(wrong("/blocked bob").contains("\"bob\" is too much"));
    }
}
