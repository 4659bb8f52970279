//! The table of commands.

use std::time::Duration;

use protocol::{EditProfile, Joining, Rank, Secret, Verdict};

use super::arguments::{Arguments, UsageError, number};
use super::{Awaited, Command, GroupName, Who};

/// One command.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Its arguments, as help shows them.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    /// What its first argument is completed with.
    pub(crate) completes: Completes,
    parse: fn(Arguments<'_>) -> Result<Command, UsageError>,
}

/// What a first argument can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    Nothing,
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
    /// Friends and groups.
    Talks,
    /// What friends are put under.
    Labels,
    /// These words.
    Words(&'static [&'static str]),
}

/// Every command, in the order of help.
pub(crate) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/help",
        arguments: "[COMMAND]",
        help: "list all commands, or explain one",
        completes: Completes::Commands,
        parse: |mut line| {
            let about = line.word().map(|word| format!("/{}", word.trim_start_matches('/')));
            line.end()?;
            Ok(Command::Help(about))
        },
    },
    Spec {
        name: "/register",
        arguments: "NAME [PASSWORD]",
        help: "make an account; the password is asked for if it is not given",
        completes: Completes::Nothing,
        parse: |mut line| {
            let name = line.need("a name")?.to_owned();
            Ok(Command::Register { name, password: password(line) })
        },
    },
    Spec {
        name: "/login",
        arguments: "NAME|ID [PASSWORD]",
        help: "log in; without a password the last session of this device goes on, or it is asked for",
        completes: Completes::Nothing,
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Login { who, password: password(line) })
        },
    },
    Spec {
        name: "/logout",
        arguments: "",
        help: "end this session",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Logout),
    },
    Spec {
        name: "/password",
        arguments: "[NEW PASSWORD]",
        help: "set a new password, and end your sessions on all other devices; the old one is asked for",
        completes: Completes::Nothing,
        parse: |line| Ok(Command::Password { new: password(line) }),
    },
    Spec {
        name: "/recover",
        arguments: "NAME|ID [CODE [NEW PASSWORD]]",
        help: "set a new password by a recovery code when the old one is lost; ends all your sessions",
        completes: Completes::Nothing,
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
        completes: Completes::Nothing,
        parse: |line| Ok(Command::RecoveryCodes { password: password(line) }),
    },
    Spec {
        name: "/whoami",
        arguments: "",
        help: "show who is logged in, and where",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Whoami),
    },
    Spec {
        name: "/profile",
        arguments: "[NAME|ID]",
        help: "show what somebody tells of themselves; without an argument, what you do",
        completes: Completes::Friends,
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
        completes: Completes::Words(&["nickname", "signature", "avatar", "phone", "searchable"]),
        parse: edit,
    },
    Spec {
        name: "/search",
        arguments: "TEXT",
        help: "find users by id, or by the beginning of their name or nickname",
        completes: Completes::Nothing,
        parse: |line| match line.rest() {
            "" => Err(UsageError("what to search for is missing".to_owned())),
            query => Ok(Command::Search(query.to_owned())),
        },
    },
    Spec {
        name: "/friends",
        arguments: "",
        help: "list friends and who is there",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Friends),
    },
    Spec {
        name: "/requests",
        arguments: "",
        help: "list friend requests that wait, both ways",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Requests),
    },
    Spec {
        name: "/notices",
        arguments: "",
        help: "list what concerned you lately: decisions, removals, new roles",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Notices),
    },
    Spec {
        name: "/add",
        arguments: "ID [GREETING]",
        help: "ask somebody for friendship; their id is what /whoami tells them",
        completes: Completes::Nothing,
        parse: |mut line| {
            let id = line.need_number("the id")?;
            Ok(Command::Add { id, greeting: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/accept",
        arguments: "NAME|ID",
        help: "accept a friend request",
        completes: Completes::Askers,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Accept(who))
        },
    },
    Spec {
        name: "/refuse",
        arguments: "NAME|ID",
        help: "refuse a friend request",
        completes: Completes::Askers,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Refuse(who))
        },
    },
    Spec {
        name: "/withdraw",
        arguments: "NAME|ID",
        help: "take a friend request of your own back",
        completes: Completes::Asked,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Withdraw(who))
        },
    },
    Spec {
        name: "/unfriend",
        arguments: "NAME|ID",
        help: "end a friendship",
        completes: Completes::Friends,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Unfriend(who))
        },
    },
    Spec {
        name: "/remark",
        arguments: "NAME|ID [TEXT]",
        help: "call a friend something only you see; without a text, nothing",
        completes: Completes::Friends,
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Remark { who, text: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/label",
        arguments: "NAME|ID [LABEL]",
        help: "put a friend under a label, which /friends groups them by; without one, take them out",
        completes: Completes::Friends,
        parse: |mut line| {
            let who = line.need_who()?;
            Ok(Command::Label { who, label: unquoted(line.rest()).to_owned() })
        },
    },
    Spec {
        name: "/relabel",
        arguments: "LABEL [NEW]",
        help: "rename a label, or put its friends under another one; without a new one, take them all out",
        completes: Completes::Labels,
        parse: |mut line| {
            let label = line.need("a label")?.to_owned();
            Ok(Command::Relabel { label, to: unquoted(line.rest()).to_owned() })
        },
    },
    Spec {
        name: "/block",
        arguments: "NAME|ID",
        help: "let somebody neither reach nor find you; ends a friendship, and they are not told why",
        completes: Completes::People,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Block(who))
        },
    },
    Spec {
        name: "/unblock",
        arguments: "NAME|ID",
        help: "take a block back; a friendship does not come back by itself",
        completes: Completes::Blocked,
        parse: |mut line| {
            let who = line.need_who()?;
            line.end().map(|()| Command::Unblock(who))
        },
    },
    Spec {
        name: "/blocked",
        arguments: "",
        help: "list whom you blocked",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Blocked),
    },
    Spec {
        name: "/groups",
        arguments: "",
        help: "list groups you are in",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Groups),
    },
    Spec {
        name: "/group",
        arguments: "create NAME [: DESCRIPTION]|#NAME|ID",
        help: "open a group, or show what one says of itself",
        completes: Completes::Groups,
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
        name: "/join",
        arguments: "ID [GREETING]",
        help: "join a group by its number, or apply where its owner and admins decide",
        completes: Completes::Nothing,
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
        completes: Completes::Groups,
        parse: |mut line| {
            let group = if line.rest().is_empty() { None } else { Some(line.need_group()?) };
            line.end().map(|()| Command::Applications(group))
        },
    },
    Spec {
        name: "/admit",
        arguments: "#NAME|ID WHO",
        help: "let somebody into a group who applied (owner, admins)",
        completes: Completes::Groups,
        parse: |line| {
            let verdict = Verdict::Accept;
            member(line).map(|(group, who)| Command::Decide { group, who, verdict })
        },
    },
    Spec {
        name: "/reject",
        arguments: "#NAME|ID WHO",
        help: "do not let somebody into a group who applied (owner, admins)",
        completes: Completes::Groups,
        parse: |line| {
            let verdict = Verdict::Refuse;
            member(line).map(|(group, who)| Command::Decide { group, who, verdict })
        },
    },
    Spec {
        name: "/unapply",
        arguments: "ID",
        help: "take an application of your own back, by the group's number",
        completes: Completes::Nothing,
        parse: |mut line| {
            let group = line.need_number("the group's number")?;
            line.end().map(|()| Command::WithdrawApplication(group))
        },
    },
    Spec {
        name: "/invite",
        arguments: "#NAME|ID WHO",
        help: "ask a friend into a group",
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::Invite { group, who }),
    },
    Spec {
        name: "/uninvite",
        arguments: "#NAME|ID WHO",
        help: "take an invitation back",
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::WithdrawInvitation { group, who }),
    },
    Spec {
        name: "/invitations",
        arguments: "",
        help: "list groups that you were asked into",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Invitations),
    },
    Spec {
        name: "/come",
        arguments: "#NAME|ID",
        help: "accept an invitation into a group",
        completes: Completes::Nothing,
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Answer { group, verdict: Verdict::Accept })
        },
    },
    Spec {
        name: "/decline",
        arguments: "#NAME|ID",
        help: "refuse an invitation into a group",
        completes: Completes::Nothing,
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Answer { group, verdict: Verdict::Refuse })
        },
    },
    Spec {
        name: "/leave",
        arguments: "#NAME|ID",
        help: "leave a group",
        completes: Completes::Groups,
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Leave(group))
        },
    },
    Spec {
        name: "/members",
        arguments: "#NAME|ID",
        help: "list a group's members and who is there",
        completes: Completes::Groups,
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Members(group))
        },
    },
    Spec {
        name: "/rename",
        arguments: "#NAME|ID NEW NAME",
        help: "give a group another name (owner, admins)",
        completes: Completes::Groups,
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
        completes: Completes::Groups,
        parse: |mut line| {
            let group = line.need_group()?;
            Ok(Command::Announce { group, text: line.rest().to_owned() })
        },
    },
    Spec {
        name: "/joining",
        arguments: "#NAME|ID open|approval|invitation",
        help: "choose how one comes into a group: freely, decided by owner and admins, or asked in (owner, admins)",
        completes: Completes::Groups,
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
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::Remove { group, who }),
    },
    Spec {
        name: "/admin",
        arguments: "#NAME|ID WHO",
        help: "make a member admin of a group (owner)",
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::SetRole { group, who, role: Rank::Admin }),
    },
    Spec {
        name: "/member",
        arguments: "#NAME|ID WHO",
        help: "make an admin of a group a member again (owner)",
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::SetRole { group, who, role: Rank::Member }),
    },
    Spec {
        name: "/handover",
        arguments: "#NAME|ID WHO",
        help: "make another member the owner of a group, and stay as admin (owner)",
        completes: Completes::Groups,
        parse: |line| member(line).map(|(group, who)| Command::HandOver { group, who }),
    },
    Spec {
        name: "/dissolve",
        arguments: "#NAME|ID",
        help: "close a group for good (owner)",
        completes: Completes::Groups,
        parse: |mut line| {
            let group = line.need_group()?;
            line.end().map(|()| Command::Dissolve(group))
        },
    },
    Spec {
        name: "/mute",
        arguments: "#NAME|ID MINUTES [WHO]",
        help: "silence a member for so many minutes; without WHO, all members (owner, admins)",
        completes: Completes::Groups,
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
        completes: Completes::Groups,
        parse: |mut line| {
            let group = line.need_group()?;
            let who = if line.rest().is_empty() { None } else { Some(line.need_who()?) };
            line.end().map(|()| Command::Mute { group, who, minutes: 0 })
        },
    },
    Spec {
        name: "/chat",
        arguments: "[NAME|ID|#GROUP]",
        help: "choose whom plain text goes to; without an argument, nobody",
        completes: Completes::Talks,
        parse: |mut line| {
            if line.rest().is_empty() {
                return Ok(Command::Chat(None));
            }
            let talk = line.need_talk()?;
            line.end().map(|()| Command::Chat(Some(talk)))
        },
    },
    Spec {
        name: "/msg",
        arguments: "NAME|ID|#GROUP TEXT",
        help: "say something to a friend or in a group",
        completes: Completes::Talks,
        parse: |mut line| {
            let to = line.need_talk()?;
            match line.rest() {
                "" => Err(UsageError("the text is missing".to_owned())),
                text => Ok(Command::Msg { to, text: text.to_owned() }),
            }
        },
    },
    Spec {
        name: "/history",
        arguments: "[N]",
        help: "show the last N messages of the current conversation (20); again: those before",
        completes: Completes::Nothing,
        parse: |mut line| {
            let count = if line.rest().is_empty() { None } else { Some(line.need_number("N")?) };
            line.end()?;
            match count {
                Some(0) => Err(UsageError("N must be at least 1".to_owned())),
                // Pages are cut at the server's limit anyway.
                _ => Ok(Command::History(count.map(|count| count.min(10_000) as u32))),
            }
        },
    },
    Spec {
        name: "/sessions",
        arguments: "",
        help: "list your sessions on all devices",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Sessions),
    },
    Spec {
        name: "/end-session",
        arguments: "N",
        help: "end one of your sessions by its number",
        completes: Completes::Nothing,
        parse: |mut line| {
            let session = line.need_number("the session's number")?;
            line.end().map(|()| Command::EndSession(session))
        },
    },
    Spec {
        name: "/wait",
        arguments: "messages N|friend WHO|request WHO|online WHO|quiet [SECONDS]",
        help: "in scripts: wait for messages of others, a friendship, a request, a friend to come, or until nothing more comes",
        completes: Completes::Words(&["messages", "friend", "request", "online", "quiet"]),
        parse: wait,
    },
    Spec {
        name: "/quit",
        arguments: "",
        help: "leave; the session stays for the next time (Ctrl-D does the same)",
        completes: Completes::Nothing,
        parse: |line| line.end().map(|()| Command::Quit),
    },
];

/// A command by its name.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.name == name)
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

/// Passwords may hold spaces: all that is left is the password.
fn password(line: Arguments<'_>) -> Option<Secret> {
    match line.rest() {
        "" => None,
        rest => Some(Secret::new(rest)),
    }
}

/// What is left of a line, which may stand between double quotes as a word may.
fn unquoted(rest: &str) -> &str {
    rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest)
}

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

/// A group and one of its members.
fn member(mut line: Arguments<'_>) -> Result<(GroupName, Who), UsageError> {
    let (group, who) = (line.need_group()?, line.need_who()?);
    line.end().map(|()| (group, who))
}

fn wait(mut line: Arguments<'_>) -> Result<Command, UsageError> {
    let what = match line.need("what to wait for")? {
        "messages" => Awaited::Messages(line.need_number("how many")?),
        "friend" => Awaited::Friend(line.need_who()?),
        "request" => Awaited::Request(line.need_who()?),
        "online" => Awaited::Online(line.need_who()?),
        "quiet" => Awaited::Quiet,
        other => return Err(UsageError(format!("nobody can wait for {other:?}"))),
    };
    let limit = if line.rest().is_empty() { None } else { Some(line.need_number("SECONDS")?) };
    line.end()?;
    Ok(Command::Wait { what, limit: limit.map(|seconds| Duration::from_secs(seconds.min(86_400))) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::TalkName;

    fn ok(line: &str) -> Command {
        parse(line).expect("understood").expect("not empty")
    }

    fn wrong(line: &str) -> String {
        parse(line).expect_err("not understood").0
    }

    #[test]
    fn text_without_a_slash_is_said() {
        assert_eq!(ok("hello /there"), Command::Say("hello /there".into()));
        assert_eq!(ok("//help is a command"), Command::Say("/help is a command".into()));
        assert_eq!(parse("   "), Ok(None));
    }

    #[test]
    fn names_ids_and_groups_are_told_apart() {
        let name = |name: &str| TalkName::User(Who::Name(name.into()));
        assert_eq!(ok("/chat bob"), Command::Chat(Some(name("bob"))));
        assert_eq!(ok("/chat 12"), Command::Chat(Some(TalkName::User(Who::Id(12)))));
        assert_eq!(ok("/chat \"bob the 2nd\""), Command::Chat(Some(name("bob the 2nd"))));
        assert_eq!(ok("/chat #12"), Command::Chat(Some(TalkName::Group(GroupName::Id(12)))));
        assert_eq!(ok("/leave readers"), Command::Leave(GroupName::Name("readers".into())));
        assert_eq!(ok("/chat"), Command::Chat(None));
        assert_eq!(ok("/msg bob hi  there "), Command::Msg { to: name("bob"), text: "hi  there".into() });
    }

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
        assert_eq!(wrong("/history 0"), "/history: N must be at least 1; it goes like this: /history [N]");
        wrong("/add 18446744073709551616");
        wrong("/wait for godot");
    }

    #[test]
    fn waits_have_a_limit_of_their_own() {
        let wait = |what, limit: Option<u64>| Command::Wait { what, limit: limit.map(Duration::from_secs) };
        assert_eq!(ok("/wait messages 3"), wait(Awaited::Messages(3), None));
        assert_eq!(ok("/wait friend bob 5"), wait(Awaited::Friend(Who::Name("bob".into())), Some(5)));
        assert_eq!(ok("/wait quiet 2"), wait(Awaited::Quiet, Some(2)));
    }

    #[test]
    fn the_table_is_consistent_and_documented() {
        let docs = include_str!("../../../../docs/client.md");
        for (at, spec) in COMMANDS.iter().enumerate() {
            assert!(spec.name.starts_with('/') && !spec.help.is_empty());
            assert!(COMMANDS[..at].iter().all(|other| other.name != spec.name), "{} stands twice", spec.name);
            let usage = format!("{} {}", spec.name, spec.arguments.replace('|', "\\|"));
            let row = format!("| `{}` | {} |", usage.trim_end(), spec.help);
            assert!(docs.contains(&row), "docs/client.md lacks the row\n{row}");
        }
    }
}
