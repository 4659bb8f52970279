//! What came of commands about accounts.

use client::protocol::{Secret, Session};
use serde_json::{Value, json};

use super::Outcome;
use super::layout::{count, presence, table};
use crate::moment;
use crate::printable::{self, one_line};
use crate::roster::Me;

/// Of accounts, sessions and passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccountsOutcome {
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
    AccountDeleted,
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
    /// Nothing was to be done.
    LoggedInAlready(Me),
    LoggedOut,
    Whoami {
        me: Option<Me>,
        server: String,
    },
    Sessions(Vec<Session>),
    SessionEnded(u64),
}

impl AccountsOutcome {
    /// The lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let one = |line: String| vec![line];
        match self {
            Self::Registered { id, name, codes } => {
                let name = printable::name(name);
                let mut lines = one(format!("{name} is registered with id {id}; now /login {name}"));
                lines.extend(codes_to_keep(codes));
                lines
            }
            Self::PasswordChanged => one("the password is changed; your other sessions are ended".to_owned()),
            Self::Recovered { name, codes_left, .. } => {
                let name = printable::name(name);
                let mut lines = one(format!(
                    "the new password is set and all sessions are ended; now /login {name} ({} left)",
                    count(*codes_left as usize, "recovery code")
                ));
                if *codes_left < FEW_CODES {
                    lines.push("make new recovery codes soon: /recovery-codes".to_owned());
                }
                lines
            }
            Self::RecoveryCodes(codes) => codes_to_keep(codes),
            Self::AccountDeleted => one("the account is deleted; its name is free".to_owned()),
            Self::LoggedIn { me, friends, online, groups, requests, applications, invitations } => {
                let friends = match friends {
                    0 => "no friends yet".to_owned(),
                    _ => format!("{}, {online} there", count(*friends, "friend")),
                };
                let groups = if *groups == 0 { "no groups".to_owned() } else { count(*groups, "group") };
                let name = printable::name(&me.name);
                let mut lines = one(format!("logged in as {name} (id {}); {friends}; {groups}", me.id));
                if !requests.is_empty() {
                    let names: Vec<_> = requests.iter().map(|name| printable::name(name)).collect();
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
            Self::LoggedInAlready(me) => {
                one(format!("you are logged in as {} (id {}) already", printable::name(&me.name), me.id))
            }
            Self::LoggedOut => one("logged out".to_owned()),
            Self::Whoami { me: None, server } => one(format!("nobody is logged in at {server}")),
            Self::Whoami { me: Some(me), server } => one(format!(
                "{} (id {}) at {server}, session {}",
                printable::name(&me.name),
                me.id,
                me.session
            )),
            Self::Sessions(sessions) => table(sessions.iter().map(|session| {
                let here = if session.current { ", this one" } else { "" };
                let about = format!(
                    "since {}, last seen {}, {}{here}",
                    moment::full(session.since),
                    moment::full(session.seen),
                    presence(session.state)
                );
                [session.session.to_string(), one_line(&session.device).into_owned(), about]
            })),
            Self::SessionEnded(session) => one(format!("session {session} is ended")),
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::LoggedOut | Self::PasswordChanged | Self::AccountDeleted => json!({}),
            Self::Registered { id, name, codes } => {
                json!({ "id": id, "name": name, "recovery_codes": codes })
            }
            Self::Recovered { id, name, codes_left } => {
                json!({ "id": id, "name": name, "codes_left": codes_left })
            }
            Self::RecoveryCodes(codes) => json!({ "recovery_codes": codes }),
            Self::LoggedIn { me, .. } | Self::LoggedInAlready(me) => {
                json!({ "id": me.id, "name": me.name, "session": me.session })
            }
            Self::Whoami { me: Some(me), server } => {
                json!({ "server": server, "id": me.id, "name": me.name, "session": me.session })
            }
            Self::Whoami { me: None, server } => json!({ "server": server }),
            Self::Sessions(sessions) => json!({ "sessions": sessions }),
            Self::SessionEnded(session) => json!({ "session": session }),
        }
    }
}

impl From<AccountsOutcome> for Outcome {
    fn from(outcome: AccountsOutcome) -> Outcome {
        Outcome::Accounts(outcome)
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
