//! What the word under the cursor can become.

use std::collections::BTreeSet;

use client::protocol::Direction;

use crate::command::{Completes, GroupName, TalkName, commands, find};
use crate::mention::begun;
use crate::printable::one_line;
use crate::roster::Roster;

/// Where the word under the cursor begins, and what it can become.
pub(super) fn complete(line: &str, roster: &Roster) -> (usize, Vec<String>) {
    if let Some((start, words)) = complete_mention(line, roster) {
        return (start, words);
    }
    if !line.starts_with('/') {
        return (0, Vec::new());
    }
    let Some((name, rest)) = line.split_once(' ') else {
        let commands = commands().filter(|spec| spec.name.starts_with(line));
        let word = |name: &str, arguments: &str| {
            if arguments.is_empty() { name.to_owned() } else { format!("{name} ") }
        };
        return (0, commands.map(|spec| word(spec.name, spec.arguments)).collect());
    };
    let Some(spec) = find(name) else { return (0, Vec::new()) };
    let (before, typed) = last_word(rest);
    let Some(completes) = spec.completes.get(before.len()) else { return (0, Vec::new()) };
    let start = line.len() - typed.len();
    let typed = typed.trim_start_matches('"').to_lowercase();
    let mut words = candidates(*completes, before.first().copied(), roster);
    words.retain(|word| word.trim_start_matches('"').to_lowercase().starts_with(&typed));
    words.sort();
    words.dedup();
    (start, words.into_iter().map(|word| format!("{word} ")).collect())
}

/// Where the `@` of a mention stands that is being typed in a text, and whom it can mean.
fn complete_mention(line: &str, roster: &Roster) -> Option<(usize, Vec<String>)> {
    let start = begun(line)?;
    // In a text only: what is said, or the last argument of a command that says something.
    let talk = match line[..start].split_once(' ') {
        _ if !line.starts_with('/') || line.starts_with("//") => roster.current?,
        Some(("/reply" | "/correct", before)) if !last_word(before).0.is_empty() => roster.current?,
        Some(("/msg", before)) => {
            let to = last_word(before).0.first().copied()?;
            roster.talk(&TalkName::typed(to)).ok()?
        }
        _ => return None,
    };
    let typed = line[start + 1..].trim_start_matches('"').to_lowercase();
    let mut names: Vec<String> = roster.called(talk).into_iter().map(quoted).collect();
    names.retain(|name| name.trim_start_matches('"').to_lowercase().starts_with(&typed));
    names.sort();
    names.dedup();
    Some((start, names.into_iter().map(|name| format!("@{name} ")).collect()))
}

/// The whole words, and the one that is being typed, with its quote if it has one.
fn last_word(rest: &str) -> (Vec<&str>, &str) {
    let mut words = Vec::new();
    let mut rest = rest.trim_start();
    loop {
        let quoted = rest.strip_prefix('"').map(|inner| (inner, inner.split_once('"')));
        let (word, after) = match quoted {
            Some((_, Some((word, after)))) if !after.is_empty() => (word, after),
            // It is not closed, or the cursor stands behind its end.
            Some(_) => return (words, rest),
            None => match rest.split_once(' ') {
                Some(split) => split,
                None => return (words, rest),
            },
        };
        words.push(word);
        rest = after.trim_start();
    }
}

/// All that an argument can be; `first` is the command's first argument.
fn candidates(completes: Completes, first: Option<&str>, roster: &Roster) -> Vec<String> {
    let requests = |direction: Direction| -> Vec<String> {
        let requests = roster.requests.values().filter(|request| request.direction == direction);
        requests.map(|request| quoted(&request.name)).collect()
    };
    let friends = || {
        let remarks = roster.friends.values().filter(|friend| !friend.remark.is_empty());
        let names = roster.friends.values().map(|friend| quoted(&friend.name));
        names.chain(remarks.map(|friend| quoted(&friend.remark)))
    };
    let groups = || roster.groups.values().map(|group| quoted(&format!("#{}", group.groupname)));
    let group = || roster.group(&GroupName::typed(first?)).ok();
    let names = |names: Option<Vec<&str>>| names.into_iter().flatten().map(quoted).collect();
    match completes {
        Completes::Commands => commands().map(|spec| spec.name.trim_start_matches('/').to_owned()).collect(),
        Completes::Friends => friends().collect(),
        Completes::People => friends().chain(requests(Direction::In)).collect(),
        Completes::Blocked => roster.blocked.values().map(|name| quoted(name)).collect(),
        Completes::Askers => requests(Direction::In),
        Completes::Asked => requests(Direction::Out),
        Completes::Groups => groups().collect(),
        Completes::Members => names(group().map(|group| roster.door.members(group))),
        Completes::Applicants => names(group().map(|group| roster.door.applicants(group))),
        Completes::Invited => names(group().map(|group| roster.door.invited(group))),
        Completes::Inviting => {
            roster.door.inviting().into_iter().map(|group| quoted(&format!("#{group}"))).collect()
        }
        Completes::AppliedTo => roster.door.applied_to().iter().map(u64::to_string).collect(),
        Completes::Labels => {
            let labels: BTreeSet<&str> =
                roster.friends.values().map(|friend| friend.label.as_str()).collect();
            labels.into_iter().filter(|label| !label.is_empty()).map(quoted).collect()
        }
        Completes::Talks => friends().chain(groups()).collect(),
        Completes::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// A name as it must be typed.
fn quoted(name: &str) -> String {
    let name = one_line(name);
    if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Talk;
    use client::protocol::{Application, Friend, Group, GroupState, Invitation, Role, State};

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for (id, name) in [(2, "bob"), (3, "Bodo"), (4, "carol the 2nd")] {
            roster.add_friend(Friend {
                id,
                name: name.into(),
                state: State::Online,
                conv: id,
                ..Friend::default()
            });
        }
        roster.blocked.insert(6, "mallory".into());
        let (groupname, groupdesc) = ("readers".to_owned(), String::new());
        roster.add_group(Group {
            id: 9,
            groupname,
            groupdesc,
            role: Role::Owner,
            members: 1,
            state: GroupState::Open,
        });
        roster
    }

    #[test]
    fn commands_names_and_groups_are_completed() {
        let roster = roster();
        assert_eq!(complete("/hi", &roster), (0, vec!["/hide ".to_owned(), "/history ".to_owned()]));
        assert_eq!(complete("/qu", &roster), (0, vec!["/quit".to_owned(), "/quiet ".to_owned()]));
        assert_eq!(complete("/chat bo", &roster), (6, vec!["Bodo ".to_owned(), "bob ".to_owned()]));
        assert_eq!(complete("/chat ca", &roster), (6, vec!["\"carol the 2nd\" ".to_owned()]));
        assert_eq!(complete("/chat #", &roster), (6, vec!["#readers ".to_owned()]));
        assert_eq!(complete("/block bod", &roster), (7, vec!["Bodo ".to_owned()]));
        assert_eq!(complete("/unblock ", &roster), (9, vec!["mallory ".to_owned()]));
        assert_eq!(complete("/help his", &roster), (6, vec!["history ".to_owned()]));
        assert_eq!(complete("plain text", &roster), (0, vec![]));
        assert_eq!(complete("/msg bob hello the", &roster).1, [] as [String; 0]);
    }

    #[test]
    fn each_argument_is_completed_with_what_it_can_be() {
        let mut roster = roster();
        let applied = |id, name: &str| Application {
            groupid: 9,
            groupname: "readers".into(),
            id,
            name: name.into(),
            greeting: String::new(),
            time: 0,
        };
        roster.door.hold_applications(&[applied(7, "Zoë"), applied(8, "zed the 3rd")], 1);
        roster.door.hold_members(9, [(3, "Bodo"), (12, "quentin")].into_iter());
        let invitation =
            Invitation { groupid: 30, groupname: "night owls".into(), by: 2, by_name: "bob".into(), time: 0 };
        roster.door.hold_invitations(&[invitation]);
        let all = |line: &str| complete(line, &roster);
        assert_eq!(all("/admit #readers z"), (16, vec!["\"zed the 3rd\" ".to_owned(), "Zoë ".to_owned()]));
        assert_eq!(all("/admit 9 zo").1, ["Zoë "]);
        assert_eq!(all("/admit #nowhere z").1, [] as [String; 0]);
        assert_eq!(all("/remove #readers q"), (17, vec!["quentin ".to_owned()]));
        assert_eq!(all("/invite #readers \"carol the").1, ["\"carol the 2nd\" "]);
        assert_eq!(all("/come ").1, ["\"#night owls\" "]);
        assert_eq!(all("/mute #readers ").1, [] as [String; 0]);
        assert_eq!(all("/mute #readers 5 bo").1, ["Bodo "]);
        assert_eq!(all("/joining #readers a").1, ["approval "]);
        assert_eq!(all("/wait friend ca").1, ["\"carol the 2nd\" "]);
        assert_eq!(all("/leave #readers #re").1, [] as [String; 0]);
    }

    #[test]
    fn members_are_completed_after_an_at() {
        let mut roster = roster();
        roster.door.hold_members(9, [(3, "Bodo"), (4, "carol the 2nd"), (12, "bea")].into_iter());
        roster.door.hold_speaker(9, 12, "Queen B");
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(complete("hi @b", &roster), (0, vec![]), "nobody is talked to");
        roster.current = Some(Talk::Group(9));
        assert_eq!(complete("hi @b", &roster), (3, own(&["@Bodo ", "@bea "])));
        assert_eq!(complete("@\"car", &roster), (0, own(&["@\"carol the 2nd\" "])));
        assert_eq!(complete("@que", &roster), (0, own(&["@\"Queen B\" "])));
        assert_eq!(complete("你好@al", &roster), (6, own(&["@all "])), "she leads it");
        assert_eq!(complete("// @ev", &roster), (3, own(&["@everyone "])));
        for text in ["me@b", "@b ", "//@ev", "/friends @b", "/reply @b", "hi"] {
            assert_eq!(complete(text, &roster).1, own(&[]), "{text}");
        }
        assert_eq!(complete("/reply 12 @be", &roster), (10, own(&["@bea "])));
        assert_eq!(complete("/correct last so @be", &roster), (17, own(&["@bea "])));
        assert_eq!(complete("/msg #readers @be", &roster), (14, own(&["@bea "])));
        assert_eq!(complete("/msg bob @b", &roster), (9, own(&["@bob "])));
        assert_eq!(complete("/msg nobody @b", &roster), (0, vec![]));
        roster.groups.get_mut(&9).expect("a group").role = Role::Member;
        assert_eq!(complete("@al", &roster), (0, vec![]), "a member mentions nobody but by name");
        roster.current = Some(Talk::Friend(2));
        assert_eq!(complete("@", &roster), (0, own(&["@bob "])));
    }

    #[test]
    fn remarks_and_labels_are_completed() {
        let mut roster = roster();
        for (id, remark, label) in
            [(2, "Climber", "old friends"), (3, "", "old friends"), (4, "Car pool", "work")]
        {
            let friend = roster.friends.get_mut(&id).expect("a friend");
            (friend.remark, friend.label) = (remark.into(), label.into());
        }
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(complete("/chat c", &roster).1, own(&["\"Car pool\" ", "\"carol the 2nd\" ", "Climber "]));
        assert_eq!(complete("/relabel ", &roster).1, own(&["\"old friends\" ", "work "]));
        assert_eq!(complete("/relabel o", &roster).1, own(&["\"old friends\" "]));
    }
}
