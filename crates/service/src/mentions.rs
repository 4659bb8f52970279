//! Whom a message mentions.

use domain::policy::{self, GroupAct, Standing};
use domain::{GroupId, Mentions, UserId};
use protocol::Refusal;
use protocol::limits::MENTIONS_MAX;

use crate::groups;
use crate::refuse::{self, Stop, bad_field};
use crate::service::Service;

/// Those of a message to a group, which its sender is a member of. Who is no member is not mentioned: nobody learns who is
/// one by mentioning them, since members may read the list.
pub(crate) fn in_group(
    service: &Service,
    group: GroupId,
    sender: UserId,
    asked: &[u64],
) -> Result<Mentions, Stop> {
    let mentions = each_once(asked)?;
    for user in &mentions.0 {
        if *user == Mentions::EVERYBODY {
            let standing = Standing::from(groups::role(service, group, sender)?);
            policy::in_group(GroupAct::MentionEverybody, standing, Standing::Outsider)
                .map_err(|why| Refusal::new(refuse::code(why)).field("mentions"))?;
        } else if groups::role(service, group, *user)?.is_none() {
            return Err(bad_field("mentions", "who is mentioned must be a member of the group").into());
        }
    }
    Ok(mentions)
}

/// Those of a message between two friends.
pub(crate) fn in_pair(one: UserId, other: UserId, asked: &[u64]) -> Result<Mentions, Stop> {
    let mentions = each_once(asked)?;
    match mentions.0.iter().all(|user| [one, other].contains(user)) {
        true => Ok(mentions),
        false => Err(bad_field("mentions", "only the two of you can be mentioned here").into()),
    }
}

fn each_once(asked: &[u64]) -> Result<Mentions, Stop> {
    if asked.len() > MENTIONS_MAX {
        return Err(bad_field("mentions", format!("a message mentions at most {MENTIONS_MAX} users")).into());
    }
    let mut users: Vec<UserId> = Vec::with_capacity(asked.len());
    for user in asked.iter().map(|user| UserId(*user)) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    Ok(Mentions(users))
}
