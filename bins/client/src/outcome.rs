//! What came of a command, for people and for programs.

use client::ClientError;
use client::protocol::{
    Application, ChatMessage, Direction, FoundUser, Friend, FriendOutcome, FriendRequest, Group,
    GroupProfile, GroupState, Invitation, JoinOutcome, Member, Notice, Profile, Role, Secret, Sent, Session,
    State, Verdict,
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::command::{COMMANDS, Spec, UsageError, find};
use crate::exit::Exit;
use crate::moment;
use crate::notice::{message_line, message_object, notice_line};
use crate::printable::one_line;
use crate::roster::{Me, Roster, Talk, called, friend_called};
use crate::style::Style;

/// A command was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Of one command by its name, or of all.
    Help(Option<&'static str>),
    Registered {
        id: u64,
        name: String,
        codes: Vec<Secret>,
    },
    PasswordChanged,
    Recovered {
        id: u64,
        name: String,
        codes_left: u32,
    },
    /// New ones.
    RecoveryCodes(Vec<Secret>),
    LoggedIn {
        me: Me,
        friends: usize,
        online: usize,
        groups: usize,
        requests: Vec<String>,
        /// Who asks to come into groups where one decides.
        applications: u32,
        /// Groups that one was asked into.
        invitations: u32,
    },
    LoggedOut,
    Whoami {
        me: Option<Me>,
        server: String,
    },
    /// Somebody's, or one's own.
    Profile(Profile),
    /// As it is now.
    Edited(Profile),
    Found {
        users: Vec<FoundUser>,
        more: bool,
    },
    Friends(Vec<Friend>),
    Requests(Vec<FriendRequest>),
    Notices(Vec<Notice>),
    Asked {
        id: u64,
        outcome: FriendOutcome,
        friend: Option<Friend>,
    },
    Befriended(Friend),
    Refused {
        id: u64,
        name: String,
    },
    Withdrawn {
        id: u64,
        name: String,
    },
    Blocked {
        id: u64,
        name: String,
    },
    Unblocked {
        id: u64,
        name: String,
    },
    BlockedUsers(Vec<FoundUser>),
    Unfriended {
        id: u64,
        name: String,
    },
    /// What only the user sees of a friend, as it is now.
    Noted(Friend),
    /// So many friends stand elsewhere now.
    Relabelled {
        label: String,
        to: String,
        changed: u32,
    },
    Groups(Vec<Group>),
    Created(Group),
    Joined(Group),
    /// Owner or admins of this group decide.
    Applied(u64),
    /// The application to this group is taken back.
    Unapplied(u64),
    Applications(Vec<Application>),
    Decided {
        group: u64,
        id: u64,
        verdict: Verdict,
    },
    Invited {
        group: u64,
        id: u64,
        name: String,
        outcome: JoinOutcome,
    },
    Uninvited {
        group: u64,
        id: u64,
        name: String,
    },
    Invitations(Vec<Invitation>),
    /// The invitation into this group is refused.
    Declined(u64),
    Group(GroupProfile),
    /// What came of it stands in the conversation.
    GroupChanged {
        id: u64,
    },
    Left {
        id: u64,
        name: String,
    },
    Members {
        name: String,
        members: Vec<Member>,
    },
    Talking(Option<Talk>),
    Sent(Sent),
    /// Typed on the terminal, and no answer yet.
    Waiting {
        text: String,
    },
    History {
        messages: Vec<ChatMessage>,
        begins: bool,
    },
    Sessions(Vec<Session>),
    SessionEnded(u64),
    Waited,
    Quit,
}

/// A command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(#[from] UsageError),
    #[error("{0}")]
    Call(#[from] ClientError),
    /// It makes no sense here and now; nothing was asked of the server.
    #[error("{0}")]
    Senseless(String),
    #[error("{0} did not come within {1} s")]
    WaitedInVain(String, u64),
    #[error("no connection to {0}")]
    NoConnection(String),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Senseless(_) => Exit::Refused,
            Failure::WaitedInVain(..) => Exit::WaitedInVain,
            Failure::NoConnection(_) => Exit::NoConnection,
            Failure::Call(error) => match error {
                ClientError::ConnectionLost { .. } | ClientError::TimedOut { .. } | ClientError::Closed => {
                    Exit::NoConnection
                }
                ClientError::Refused(_)
                | ClientError::SessionEnded
                | ClientError::QueueFull
                | ClientError::TooLarge { .. }
                | ClientError::NotForCallers(_)
                | ClientError::BadAnswer { .. } => Exit::Refused,
            },
        }
    }

    /// The object for a failure.
    pub(crate) fn object(&self, command: &str) -> Value {
        match self {
            Failure::Call(ClientError::Refused(refusal)) => {
                let mut object = json!({
                    "type": "refused",
                    "command": command,
                    "code": refusal.code.0,
                    "name": refusal.code.name(),
                    "message": refusal.to_string(),
                });
                if let Some(ms) = refusal.body.retry_after_ms {
                    object["retry_after_ms"] = ms.into();
                }
                if let Some(field) = &refusal.body.field {
                    object["field"] = field.as_str().into();
                }
                object
            }
            _ => {
                json!({ "type": "failed", "command": command, "message": self.to_string(), "exit": self.exit() as u8 })
            }
        }
    }
}

impl Outcome {
    /// The lines for people.
    pub(crate) fn lines(&self, roster: &Roster, style: Style) -> Vec<String> {
        let one = |line: String| vec![line];
        match self {
            Outcome::Help(None) => help(),
            Outcome::Help(Some(name)) => find(name).map_or_else(Vec::new, explained),
            Outcome::Registered { id, name, codes } => {
                let name = one_line(name);
                let mut lines = one(format!("{name} is registered with id {id}; now /login {name}"));
                lines.extend(codes_to_keep(codes));
                lines
            }
            Outcome::PasswordChanged => {
                one("the password is changed; your other sessions are ended".to_owned())
            }
            Outcome::Recovered { name, codes_left, .. } => {
                let name = one_line(name);
                let mut lines = one(format!(
                    "the new password is set and all sessions are ended; now /login {name} ({} left)",
                    count(*codes_left as usize, "recovery code")
                ));
                if *codes_left < FEW_CODES {
                    lines.push("make new recovery codes soon: /recovery-codes".to_owned());
                }
                lines
            }
            Outcome::RecoveryCodes(codes) => codes_to_keep(codes),
            Outcome::LoggedIn { me, friends, online, groups, requests, applications, invitations } => {
                let friends = match friends {
                    0 => "no friends yet".to_owned(),
                    _ => format!("{}, {online} there", count(*friends, "friend")),
                };
                let groups = if *groups == 0 { "no groups".to_owned() } else { count(*groups, "group") };
                let name = one_line(&me.name);
                let mut lines = one(format!("logged in as {name} (id {}); {friends}; {groups}", me.id));
                if !requests.is_empty() {
                    let names: Vec<_> = requests.iter().map(|name| one_line(name)).collect();
                    lines.push(format!(
                        "asking to be your friends: {}; /accept or /refuse them",
                        names.join(", ")
                    ));
                }
                if *applications > 0 {
                    let waiting = count(*applications as usize, "application");
                    lines.push(format!("to your groups: {waiting}; /applications shows them"));
                }
                if *invitations > 0 {
                    let waiting = count(*invitations as usize, "invitation");
                    lines.push(format!("into groups: {waiting}; /invitations shows them"));
                }
                lines
            }
            Outcome::LoggedOut => one("logged out".to_owned()),
            Outcome::Whoami { me: None, server } => one(format!("nobody is logged in at {server}")),
            Outcome::Whoami { me: Some(me), server } => {
                one(format!("{} (id {}) at {server}, session {}", one_line(&me.name), me.id, me.session))
            }
            Outcome::Profile(profile) | Outcome::Edited(profile) => about(profile),
            Outcome::Found { users, .. } if users.is_empty() => one("nobody is found by that".to_owned()),
            Outcome::Found { users, more } => {
                let row = |user: &FoundUser| {
                    [user.id.to_string(), called(&user.name, &user.nickname), String::new()]
                };
                let mut lines = table(users.iter().map(row));
                if *more {
                    lines.push(style.faint("* and more; type more of the name"));
                }
                lines
            }
            Outcome::Friends(friends) if friends.is_empty() => {
                one("no friends yet; /add ID asks somebody".to_owned())
            }
            Outcome::Friends(friends) => by_label(friends),
            Outcome::Requests(requests) if requests.is_empty() => one("no friend requests wait".to_owned()),
            Outcome::Requests(requests) => table(requests.iter().map(|request| {
                let way = match request.direction {
                    Direction::In => "asks you",
                    Direction::Out => "was asked by you",
                };
                let name = called(&request.name, &request.nickname);
                [
                    request.id.to_string(),
                    name,
                    format!("{way} {}", one_line(&request.greeting)).trim_end().to_owned(),
                ]
            })),
            Outcome::Notices(notices) if notices.is_empty() => one("nothing concerned you lately".to_owned()),
            Outcome::Notices(notices) => {
                let line = |notice: &Notice| {
                    Some(format!("{}  {}", moment::full(notice.time), notice_line(notice)?))
                };
                notices.iter().filter_map(line).collect()
            }
            Outcome::Asked { id, outcome: FriendOutcome::Requested, .. } => {
                one(format!("user {id} was asked and can accept now"))
            }
            Outcome::Asked { friend: Some(friend), .. } | Outcome::Befriended(friend) => {
                one(format!("you and {} are friends now", one_line(&friend.name)))
            }
            Outcome::Asked { id, .. } => one(format!("you and user {id} are friends now")),
            Outcome::Refused { name, .. } => one(format!("{name}'s request is refused")),
            Outcome::Withdrawn { name, .. } => one(format!("the request to {name} is taken back")),
            Outcome::Blocked { name, .. } => {
                one(format!("{name} is blocked, and neither reaches nor finds you"))
            }
            Outcome::Unblocked { name, .. } => one(format!("{name} is not blocked any more")),
            Outcome::BlockedUsers(users) if users.is_empty() => one("you blocked nobody".to_owned()),
            Outcome::BlockedUsers(users) => table(
                users
                    .iter()
                    .map(|user| [user.id.to_string(), called(&user.name, &user.nickname), String::new()]),
            ),
            Outcome::Unfriended { name, .. } => one(format!("you and {name} are not friends any more")),
            Outcome::Noted(friend) => {
                let label = match one_line(&friend.label) {
                    label if label.is_empty() => "under no label".to_owned(),
                    label => format!("under {label}"),
                };
                one(format!("{}, {label}", friend_called(friend)))
            }
            Outcome::Relabelled { label, changed: 0, .. } => {
                one(format!("nobody is under {}", one_line(label)))
            }
            Outcome::Relabelled { label, to, changed } => {
                let friends = count(*changed as usize, "friend");
                one(match one_line(to) {
                    to if to.is_empty() => format!("{friends} taken out of {}", one_line(label)),
                    to => format!("{friends} moved from {} to {to}", one_line(label)),
                })
            }
            Outcome::Groups(groups) if groups.is_empty() => {
                one("no groups yet; /group create NAME opens one, /join ID joins one".to_owned())
            }
            Outcome::Groups(groups) => table(groups.iter().map(|group| {
                let description = one_line(&group.groupdesc);
                let state = if group.state == GroupState::Dissolved { ", dissolved" } else { "" };
                let about = format!(
                    "{}, {}{state} {description}",
                    role(group.role),
                    count(group.members as usize, "member")
                );
                [
                    group.id.to_string(),
                    format!("#{}", one_line(&group.groupname)),
                    about.trim_end().to_owned(),
                ]
            })),
            Outcome::Created(group) => one(format!(
                "#{} is open with number {}; others come in with /join {}",
                one_line(&group.groupname),
                group.id,
                group.id
            )),
            Outcome::Joined(group) => one(format!(
                "you are in #{}, {}",
                one_line(&group.groupname),
                count(group.members as usize, "member")
            )),
            Outcome::Applied(group) => {
                one(format!("you asked to come into group {group}; its owner and admins decide"))
            }
            Outcome::Unapplied(group) => one(format!("you do not ask to come into group {group} any more")),
            Outcome::Applications(applications) if applications.is_empty() => {
                one("no applications wait".to_owned())
            }
            Outcome::Applications(applications) => table(applications.iter().map(|application| {
                let own = roster.me.as_ref().is_some_and(|me| me.id == application.id);
                let who = match own {
                    true => "asked by you".to_owned(),
                    false => format!("{} (id {})", one_line(&application.name), application.id),
                };
                let about = format!("{who} {}", one_line(&application.greeting));
                [
                    application.groupid.to_string(),
                    format!("#{}", one_line(&application.groupname)),
                    about.trim_end().to_owned(),
                ]
            })),
            Outcome::Decided { id, verdict: Verdict::Accept, .. } => one(format!("user {id} is in")),
            Outcome::Decided { id, verdict: Verdict::Refuse, .. } => {
                one(format!("user {id}'s application is refused"))
            }
            Outcome::Invited { name, outcome: JoinOutcome::Joined, .. } => {
                one(format!("{name} had applied and is in now"))
            }
            Outcome::Invited { name, .. } => one(format!("{name} was asked in and can answer")),
            Outcome::Uninvited { name, .. } => one(format!("{name} is not asked in any more")),
            Outcome::Invitations(invitations) if invitations.is_empty() => {
                one("no invitations wait".to_owned())
            }
            Outcome::Invitations(invitations) => table(invitations.iter().map(|invitation| {
                [
                    invitation.groupid.to_string(),
                    format!("#{}", one_line(&invitation.groupname)),
                    format!("{} asks you in", one_line(&invitation.by_name)),
                ]
            })),
            Outcome::Declined(group) => one(format!("the invitation into group {group} is refused")),
            Outcome::Group(profile) => profile_lines(profile),
            Outcome::Left { name, .. } => one(format!("you left {name}")),
            Outcome::Members { name, members } => {
                let mut lines = one(format!("{name} has {}", count(members.len(), "member")));
                lines.extend(table(members.iter().map(|member| {
                    let about = format!("{}, {}", role(member.role), presence(member.state));
                    [member.id.to_string(), called(&member.name, &member.nickname), about]
                })));
                lines
            }
            // The prompt or the conversation shows it.
            Outcome::Talking(_)
            | Outcome::Sent(_)
            | Outcome::GroupChanged { .. }
            | Outcome::Waited
            | Outcome::Quit => vec![],
            Outcome::Waiting { text } => {
                one(style.faint(&format!("… {} (waits for the server)", crate::printable::message(text))))
            }
            Outcome::History { messages, begins } => {
                let mut lines: Vec<String> = vec![];
                if *begins {
                    lines.push(style.faint("* this is the beginning"));
                }
                lines.extend(messages.iter().map(|message| message_line(message, roster, style)));
                if !begins {
                    lines.push(style.faint("* /history shows what was before"));
                }
                lines
            }
            Outcome::Sessions(sessions) => table(sessions.iter().map(|session| {
                let here = if session.current { ", this one" } else { "" };
                let about = format!(
                    "since {}, last seen {}, {}{here}",
                    moment::full(session.since),
                    moment::full(session.seen),
                    presence(session.state)
                );
                [session.session.to_string(), one_line(&session.device).into_owned(), about]
            })),
            Outcome::SessionEnded(session) => one(format!("session {session} is ended")),
        }
    }

    /// The object for programs. The shapes are documented in docs/client.md.
    pub(crate) fn object(&self, command: &str, roster: &Roster) -> Value {
        let mut object = match self {
            Outcome::Help(Some(name)) => {
                json!({ "commands": find(name).map(described).into_iter().collect::<Vec<_>>() })
            }
            Outcome::Help(None) => json!({ "commands": COMMANDS.iter().map(described).collect::<Vec<_>>() }),
            Outcome::Registered { id, name, codes } => {
                json!({ "id": id, "name": name, "recovery_codes": codes })
            }
            Outcome::Recovered { id, name, codes_left } => {
                json!({ "id": id, "name": name, "codes_left": codes_left })
            }
            Outcome::RecoveryCodes(codes) => json!({ "recovery_codes": codes }),
            Outcome::LoggedIn { me, .. } => json!({ "id": me.id, "name": me.name, "session": me.session }),
            Outcome::Whoami { me: Some(me), server } => {
                json!({ "server": server, "id": me.id, "name": me.name, "session": me.session })
            }
            Outcome::Whoami { me: None, server } => json!({ "server": server }),
            Outcome::Profile(profile) | Outcome::Edited(profile) => json!({ "profile": profile }),
            Outcome::Found { users, more } => json!({ "found": users, "more": more }),
            Outcome::Friends(friends) => json!({ "friends": friends }),
            Outcome::Requests(requests) => json!({ "requests": requests }),
            Outcome::Notices(notices) => json!({ "notices": notices }),
            Outcome::Asked { id, outcome, friend } => {
                let mut object = json!({ "id": id, "outcome": outcome });
                if let Some(friend) = friend {
                    object["friend"] = json!(friend);
                }
                object
            }
            Outcome::Befriended(friend) => json!({ "friend": friend }),
            Outcome::BlockedUsers(users) => json!({ "blocked": users }),
            Outcome::Refused { id, .. }
            | Outcome::Withdrawn { id, .. }
            | Outcome::Unfriended { id, .. }
            | Outcome::Blocked { id, .. }
            | Outcome::Unblocked { id, .. } => {
                json!({ "id": id })
            }
            Outcome::Noted(friend) => json!({ "friend": friend }),
            Outcome::Relabelled { changed, .. } => json!({ "changed": changed }),
            Outcome::Groups(groups) => json!({ "groups": groups }),
            Outcome::Created(group) | Outcome::Joined(group) => json!({ "group": group }),
            Outcome::Group(profile) => json!({ "profile": profile }),
            Outcome::Applied(group) => json!({ "outcome": "applied", "group_id": group }),
            Outcome::Unapplied(group) | Outcome::Declined(group) => json!({ "group_id": group }),
            Outcome::Applications(applications) => json!({ "applications": applications }),
            Outcome::Decided { group, id, .. } | Outcome::Uninvited { group, id, .. } => {
                json!({ "group_id": group, "id": id })
            }
            Outcome::Invited { group, id, outcome, .. } => {
                json!({ "group_id": group, "id": id, "outcome": outcome })
            }
            Outcome::Invitations(invitations) => json!({ "invitations": invitations }),
            Outcome::Left { id, .. } | Outcome::GroupChanged { id } => json!({ "group": id }),
            Outcome::Members { members, .. } => json!({ "members": members }),
            Outcome::Talking(Some(Talk::Friend(id))) => json!({ "friend": id }),
            Outcome::Talking(Some(Talk::Group(id))) => json!({ "group": id }),
            Outcome::Sent(sent) => json!({ "conv": sent.conv, "seq": sent.seq, "time": sent.time }),
            Outcome::History { messages, begins } => {
                let messages: Vec<Value> =
                    messages.iter().map(|message| message_object(message, roster)).collect();
                json!({ "messages": messages, "begins": begins })
            }
            Outcome::Sessions(sessions) => json!({ "sessions": sessions }),
            Outcome::SessionEnded(session) => json!({ "session": session }),
            Outcome::LoggedOut
            | Outcome::PasswordChanged
            | Outcome::Talking(None)
            | Outcome::Waiting { .. }
            | Outcome::Waited
            | Outcome::Quit => json!({}),
        };
        object["type"] = "done".into();
        object["command"] = command.into();
        object
    }
}

/// Recovery codes of which a user should have more.
const FEW_CODES: u32 = 3;

/// Recovery codes with what to do with them. A server without any shows nothing.
fn codes_to_keep(codes: &[Secret]) -> Vec<String> {
    if codes.is_empty() {
        return vec![];
    }
    let mut lines =
        vec!["Recovery codes. Each sets a new password once, by /recover, if you lose yours:".to_owned()];
    lines.extend(codes.chunks(2).map(|pair| {
        let pair: Vec<_> = pair.iter().map(|code| one_line(code.expose()).into_owned()).collect();
        format!("  {}", pair.join("    "))
    }));
    lines.push("Write them down and keep them apart from this device: they are not shown again.".to_owned());
    lines
}

fn described(spec: &Spec) -> Value {
    json!({ "command": spec.name, "arguments": spec.arguments, "help": spec.help })
}

fn explained(spec: &Spec) -> Vec<String> {
    let usage = format!("{} {}", spec.name, spec.arguments);
    vec![usage.trim_end().to_owned(), format!("  {}", spec.help)]
}

fn help() -> Vec<String> {
    let usages: Vec<String> =
        COMMANDS.iter().map(|spec| format!("{} {}", spec.name, spec.arguments)).collect();
    let mut lines = vec!["Plain text goes to whom /chat chose. Commands:".to_owned()];
    // A long usage stands on a line of its own.
    let width = usages.iter().map(|usage| usage.width()).filter(|width| *width <= 32).max().unwrap_or(0);
    for (usage, spec) in usages.iter().zip(COMMANDS) {
        if usage.width() > width {
            lines.push(format!("  {usage}"));
            lines.push(format!("  {:width$}  {}", "", spec.help));
        } else {
            lines.push(format!("  {usage:width$}  {}", spec.help));
        }
    }
    lines.push(
        "Names with spaces stand between double quotes; a text that begins with / needs another / before it."
            .to_owned(),
    );
    lines
}

/// Three columns, the first two as wide as needed.
fn table(rows: impl Iterator<Item = [String; 3]>) -> Vec<String> {
    let rows: Vec<[String; 3]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[a, b, c]: &[String; 3]| {
        let (left, right) = (first - a.width(), second - b.width());
        format!("  {:left$}{a}  {b}{:right$}  {c}", "", "").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Friends by label, those without one at the end; only a table if nobody has one.
fn by_label(friends: &[Friend]) -> Vec<String> {
    let row = |friend: &Friend| [friend.id.to_string(), friend_called(friend), whereabouts(friend)];
    if friends.iter().all(|friend| friend.label.is_empty()) {
        return table(friends.iter().map(row));
    }
    let mut sorted: Vec<&Friend> = friends.iter().collect();
    sorted.sort_by_key(|friend| (friend.label.is_empty(), friend.label.as_str()));
    let rows = table(sorted.iter().map(|friend| row(friend)));
    let mut lines = Vec::new();
    let mut above = None;
    for (friend, row) in sorted.iter().zip(rows) {
        if above != Some(friend.label.as_str()) {
            above = Some(friend.label.as_str());
            let here = friends.iter().filter(|other| other.label == friend.label).count();
            let label = match one_line(&friend.label) {
                label if label.is_empty() => "without a label".into(),
                label => label,
            };
            lines.push(format!("{label} ({here})"));
        }
        lines.push(row);
    }
    lines
}

/// A profile, a line for each thing that there is.
fn about(profile: &Profile) -> Vec<String> {
    let mut lines = vec![format!("{}, id {}", called(&profile.name, &profile.nickname), profile.id)];
    let mut say = |what: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("  {what:<10} {}", one_line(value)));
        }
    };
    say("signature", &profile.signature);
    say("avatar", &profile.avatar);
    say("phone", profile.phone.as_ref().map_or("", |phone| phone.expose()));
    match profile.searchable {
        Some(true) => say("searchable", "yes: /search finds you"),
        Some(false) => say("searchable", "no: /search does not find you"),
        None => {}
    }
    lines
}

/// `there`, or `away, last seen 3 h ago`.
fn whereabouts(friend: &Friend) -> String {
    match (friend.state, friend.last_seen) {
        (State::Offline, at) if at != 0 => format!("away, last seen {}", moment::ago(at)),
        (state, _) => presence(state).to_owned(),
    }
}

fn profile_lines(profile: &GroupProfile) -> Vec<String> {
    let group = &profile.group;
    let state = if group.state == GroupState::Dissolved { ", dissolved" } else { "" };
    let members = count(group.members as usize, "member");
    let mut lines = vec![format!(
        "#{} ({}), {members}, you are {}{state}",
        one_line(&group.groupname),
        group.id,
        role(group.role)
    )];
    let mut say = |what: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {what}: {}", one_line(text)));
        }
    };
    say("about", &group.groupdesc);
    say("announcement", &profile.announcement);
    say("picture", &profile.avatar);
    say("coming in", profile.joining.word());
    let until = |ms: u64| if ms == 0 { String::new() } else { moment::full(ms) };
    say("members are muted until", &until(profile.muted_until));
    say("you are muted until", &until(profile.own_muted_until));
    lines
}

fn presence(state: State) -> &'static str {
    match state {
        State::Online => "there",
        State::Offline => "away",
        State::Unknown => "perhaps there",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

/// `1 friend`, `2 friends`.
fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_under_wide_names() {
        let friend = |id, name: &str| Friend {
            id,
            name: name.into(),
            state: State::Online,
            conv: 1,
            ..Friend::default()
        };
        let outcome = Outcome::Friends(vec![friend(2, "bob"), friend(12, "小明")]);
        assert_eq!(
            outcome.lines(&Roster::default(), Style::Plain),
            ["   2  bob   there", "  12  小明  there"]
        );
    }

    #[test]
    fn friends_stand_under_their_labels() {
        let friend = |id, name: &str, remark: &str, label: &str| Friend {
            id,
            name: name.into(),
            remark: remark.into(),
            label: label.into(),
            state: State::Online,
            conv: id,
            ..Friend::default()
        };
        let friends = vec![
            friend(2, "bob", "Climber", "work"),
            friend(3, "cho", "", ""),
            friend(4, "dan", "", "work"),
            friend(5, "eve", "", "home"),
        ];
        assert_eq!(
            Outcome::Friends(friends).lines(&Roster::default(), Style::Plain),
            [
                "home (1)",
                "  5  eve            there",
                "work (2)",
                "  2  Climber (bob)  there",
                "  4  dan            there",
                "without a label (1)",
                "  3  cho            there",
            ]
        );
        let noted = Outcome::Noted(friend(2, "bob", "Climber", "work"));
        assert_eq!(noted.lines(&Roster::default(), Style::Plain), ["Climber (bob), under work"]);
    }

    #[test]
    fn help_explains_every_command_in_a_screens_width() {
        let lines = Outcome::Help(None).lines(&Roster::default(), Style::Plain);
        for spec in COMMANDS {
            assert!(lines.iter().any(|line| line.trim_start().starts_with(spec.name)), "{}", spec.name);
        }
    }

    #[test]
    fn failures_choose_the_exit_code() {
        let refused = client::protocol::Refusal::new(client::protocol::Code::NOT_FRIENDS);
        let failure = Failure::Call(ClientError::Refused(refused));
        assert_eq!(failure.exit(), Exit::Refused);
        let object = failure.object("/msg bob hi");
        assert_eq!(
            (&object["type"], &object["code"], &object["name"]),
            (&json!("refused"), &json!(303), &json!("NOT_FRIENDS"))
        );
        assert_eq!(Failure::NoConnection("h:1".into()).exit(), Exit::NoConnection);
    }
}
