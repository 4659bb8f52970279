//! What came of commands about people.

use client::protocol::{Direction, FoundUser, Friend, FriendOutcome, FriendRequest, Profile, State};
use serde_json::{Value, json};

use super::Outcome;
use super::layout::{count, presence, table, unread, with_words};
use crate::called::{called, friend_called};
use crate::moment;
use crate::printable::{self, one_line};
use crate::roster::{Roster, Talk};
use crate::style::Style;

/// Of what people tell of themselves, of friends, and of blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeopleOutcome {
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
}

impl PeopleOutcome {
    /// The lines for people.
    pub(super) fn lines(&self, roster: &Roster, style: Style) -> Vec<String> {
        let one = |line: String| vec![line];
        match self {
            Self::Profile(profile) | Self::Edited(profile) => about(profile),
            Self::Found { users, .. } if users.is_empty() => one("nobody is found by that".to_owned()),
            Self::Found { users, more } => {
                let row = |user: &FoundUser| {
                    [user.id.to_string(), called(&user.name, &user.nickname), String::new()]
                };
                let mut lines = table(users.iter().map(row));
                if *more {
                    lines.push(style.faint("* and more; type more of the name"));
                }
                lines
            }
            Self::Friends(friends) if friends.is_empty() => {
                one("no friends yet; /add ID asks somebody".to_owned())
            }
            Self::Friends(friends) => by_label(friends, roster),
            Self::Requests(requests) if requests.is_empty() => one("no friend requests wait".to_owned()),
            Self::Requests(requests) => table(requests.iter().map(|request| {
                let way = match request.direction {
                    Direction::In => "asks you",
                    Direction::Out => "was asked by you",
                };
                let name = called(&request.name, &request.nickname);
                [request.id.to_string(), name, with_words(way.to_owned(), &request.greeting)]
            })),
            Self::Asked { id, outcome: FriendOutcome::Requested, .. } => {
                one(format!("user {id} was asked and can accept now"))
            }
            Self::Asked { friend: Some(friend), .. } | Self::Befriended(friend) => {
                one(format!("you and {} are friends now", printable::name(&friend.name)))
            }
            Self::Asked { id, .. } => one(format!("you and user {id} are friends now")),
            Self::Refused { name, .. } => one(format!("{name}'s request is refused")),
            Self::Withdrawn { name, .. } => one(format!("the request to {name} is taken back")),
            Self::Blocked { name, .. } => {
                one(format!("{name} is blocked, and neither reaches nor finds you"))
            }
            Self::Unblocked { name, .. } => one(format!("{name} is not blocked any more")),
            Self::BlockedUsers(users) if users.is_empty() => one("you blocked nobody".to_owned()),
            Self::BlockedUsers(users) => table(
                users
                    .iter()
                    .map(|user| [user.id.to_string(), called(&user.name, &user.nickname), String::new()]),
            ),
            Self::Unfriended { name, .. } => one(format!("you and {name} are not friends any more")),
            Self::Noted(friend) => {
                let label = match one_line(&friend.label) {
                    label if label.is_empty() => "under no label".to_owned(),
                    label => format!("under {label}"),
                };
                one(format!("{}, {label}", friend_called(friend)))
            }
            Self::Relabelled { label, changed: 0, .. } => one(format!("nobody is under {}", one_line(label))),
            Self::Relabelled { label, to, changed } => {
                let friends = count(*changed as usize, "friend");
                one(match one_line(to) {
                    to if to.is_empty() => format!("{friends} taken out of {}", one_line(label)),
                    to => format!("{friends} moved from {} to {to}", one_line(label)),
                })
            }
        }
    }

    /// What an object for programs says of it.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::Profile(profile) | Self::Edited(profile) => json!({ "profile": profile }),
            Self::Found { users, more } => json!({ "found": users, "more": more }),
            Self::Friends(friends) => json!({ "friends": friends }),
            Self::Requests(requests) => json!({ "requests": requests }),
            Self::Asked { id, outcome, friend } => {
                let mut object = json!({ "id": id, "outcome": outcome });
                if let Some(friend) = friend {
                    object["friend"] = json!(friend);
                }
                object
            }
            Self::Befriended(friend) => json!({ "friend": friend }),
            Self::BlockedUsers(users) => json!({ "blocked": users }),
            Self::Refused { id, .. }
            | Self::Withdrawn { id, .. }
            | Self::Unfriended { id, .. }
            | Self::Blocked { id, .. }
            | Self::Unblocked { id, .. } => {
                json!({ "id": id })
            }
            Self::Noted(friend) => json!({ "friend": friend }),
            Self::Relabelled { changed, .. } => json!({ "changed": changed }),
        }
    }
}

impl From<PeopleOutcome> for Outcome {
    fn from(outcome: PeopleOutcome) -> Outcome {
        Outcome::People(outcome)
    }
}

/// Friends by label, those without one at the end; only a table if nobody has one.
fn by_label(friends: &[Friend], roster: &Roster) -> Vec<String> {
    let row = |friend: &Friend| [friend.id.to_string(), friend_called(friend), about_friend(friend, roster)];
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

/// Where a friend is, and what of theirs is unread.
fn about_friend(friend: &Friend, roster: &Roster) -> String {
    whereabouts(friend) + &unread(roster.conversations.unread(Talk::Friend(friend.id)))
}

/// `there`, or `away, last seen 3 h ago`.
fn whereabouts(friend: &Friend) -> String {
    match (friend.state, friend.last_seen) {
        (State::Offline, at) if at != 0 => format!("away, last seen {}", moment::ago(at)),
        (state, _) => presence(state).to_owned(),
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
        let outcome = PeopleOutcome::Friends(vec![friend(2, "bob"), friend(12, "小明")]);
        assert_eq!(
            outcome.lines(&Roster::default(), Style::Plain),
            ["   2  bob   there", "  12  小明  there"]
        );
    }

    #[test]
    fn a_greeting_stands_behind_a_colon() {
        let request = |id, name: &str, direction, greeting: &str| FriendRequest {
            id,
            name: name.into(),
            nickname: String::new(),
            direction,
            greeting: greeting.into(),
            time: 0,
        };
        let listed = PeopleOutcome::Requests(vec![
            request(2, "bob", Direction::In, "it is me"),
            request(3, "eve", Direction::Out, ""),
        ]);
        assert_eq!(
            listed.lines(&Roster::default(), Style::Plain),
            ["  2  bob  asks you: it is me", "  3  eve  was asked by you"]
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
            PeopleOutcome::Friends(friends).lines(&Roster::default(), Style::Plain),
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
        let noted = PeopleOutcome::Noted(friend(2, "bob", "Climber", "work"));
        assert_eq!(noted.lines(&Roster::default(), Style::Plain), ["Climber (bob), under work"]);
    }
}
