//! From the domain's types to the protocol's, by hand: what is stored and what is said may change apart.

use domain::PresenceState;
use protocol::{Secret, State};

pub(crate) fn state(state: PresenceState) -> State {
    match state {
        PresenceState::Online => State::Online,
        PresenceState::Offline => State::Offline,
        PresenceState::Unknown => State::Unknown,
    }
}

/// A profile as everybody may see it: nothing private goes in.
pub(crate) fn public_profile(profile: domain::Profile) -> protocol::Profile {
    let domain::Profile { user, signature, phone: _, searchable: _ } = profile;
    protocol::Profile {
        id: user.id.0,
        name: user.name,
        nickname: user.nickname,
        signature,
        avatar: user.avatar,
        phone: None,
        searchable: None,
    }
}

/// A profile for the one whose it is.
pub(crate) fn own_profile(mut profile: domain::Profile) -> protocol::Profile {
    let phone = Some(Secret::new(std::mem::take(&mut profile.phone)));
    let searchable = Some(profile.searchable);
    protocol::Profile { phone, searchable, ..public_profile(profile) }
}

pub(crate) fn found_user(user: domain::User) -> protocol::FoundUser {
    let domain::User { id, name, nickname, avatar } = user;
    protocol::FoundUser { id: id.0, name, nickname, avatar }
}

/// A friend as a list shows them. `last_seen` is shown of who is not there.
pub(crate) fn friend(friend: domain::Friend, presence: PresenceState) -> protocol::Friend {
    protocol::Friend {
        id: friend.user.id.0,
        name: friend.user.named().to_owned(),
        nickname: friend.user.nickname,
        avatar: friend.user.avatar,
        remark: friend.note.remark,
        label: friend.note.label,
        state: state(presence),
        conv: friend.conversation.0,
        last_seen: if presence == PresenceState::Offline { friend.last_seen.0 } else { 0 },
    }
}

pub(crate) fn friend_request(request: domain::FriendRequest) -> protocol::FriendRequest {
    protocol::FriendRequest {
        id: request.other.id.0,
        name: request.other.name,
        nickname: request.other.nickname,
        direction: match request.direction {
            domain::Direction::In => protocol::Direction::In,
            domain::Direction::Out => protocol::Direction::Out,
        },
        greeting: request.greeting,
        time: request.at.0,
    }
}

pub(crate) fn role(role: domain::Role) -> protocol::Role {
    match role {
        domain::Role::Owner => protocol::Role::Owner,
        domain::Role::Admin => protocol::Role::Admin,
        domain::Role::Member => protocol::Role::Member,
    }
}

pub(crate) fn group(group: domain::Group, own: domain::Role) -> protocol::Group {
    protocol::Group {
        id: group.id.0,
        groupname: group.name,
        groupdesc: group.description,
        role: role(own),
        members: group.members,
        state: match group.state {
            domain::GroupState::Open => protocol::GroupState::Open,
            domain::GroupState::Dissolved => protocol::GroupState::Dissolved,
        },
    }
}

pub(crate) fn member(member: domain::Member, presence: PresenceState) -> protocol::Member {
    protocol::Member {
        id: member.user.id.0,
        name: member.user.named().to_owned(),
        nickname: member.user.nickname,
        avatar: member.user.avatar,
        state: state(presence),
        role: role(member.role),
    }
}

/// A conversation, with how far the user got as far as it is known here: the store may hear of it later.
pub(crate) fn conversation(
    conversation: domain::Conversation,
    progress: domain::Progress,
) -> protocol::Conversation {
    let (kind, with) = match conversation.kind {
        domain::ConversationKind::Direct { with } => (protocol::ConversationKind::Direct, with.0),
        domain::ConversationKind::Group => (protocol::ConversationKind::Group, conversation.id.group().0),
    };
    protocol::Conversation {
        conv: conversation.id.0,
        kind,
        with,
        first: conversation.since.next().0,
        last: conversation.last.0,
        restored: conversation.restored.0,
        acked: progress.delivered.0,
        read: progress.read.0,
        last_change: conversation.last_change.0,
    }
}

pub(crate) fn message_kind(kind: domain::MessageKind) -> protocol::MessageKind {
    match kind {
        domain::MessageKind::Text => protocol::MessageKind::Text,
        domain::MessageKind::System => protocol::MessageKind::System,
    }
}

pub(crate) fn joining(joining: domain::Joining) -> protocol::Joining {
    match joining {
        domain::Joining::Open => protocol::Joining::Open,
        domain::Joining::Approval => protocol::Joining::Approval,
        domain::Joining::Invitation => protocol::Joining::Invitation,
    }
}

pub(crate) fn application(application: domain::Application) -> protocol::Application {
    protocol::Application {
        groupid: application.group.0,
        groupname: application.group_name,
        id: application.user.id.0,
        name: application.user.shown().to_owned(),
        greeting: application.greeting,
        time: application.at.0,
    }
}

pub(crate) fn invitation(invitation: domain::Invitation) -> protocol::Invitation {
    protocol::Invitation {
        groupid: invitation.group.0,
        groupname: invitation.group_name,
        by: invitation.by.id.0,
        by_name: invitation.by.shown().to_owned(),
        time: invitation.at.0,
    }
}

/// A stored message, with the names of its sender, and of whoever recalled it, as they are now.
pub(crate) fn chat_message(
    message: domain::StoredMessage,
    name: String,
    recalled_by: String,
) -> protocol::ChatMessage {
    let recalled = message.recalled.map(|domain::Recall { by, at }| protocol::Recalled {
        by: by.0,
        name: recalled_by,
        at: at.0,
    });
    let (client_msg_id, msg, event) = match message.kind {
        domain::MessageKind::Text => (message.client_msg_id, message.body, None),
        domain::MessageKind::System => {
            let event = protocol::SystemEvent::from_json(&message.body);
            // What another version stored so that this one cannot read it, keeps its place.
            let sentence = event.as_ref().map_or_else(
                || "something changed in this group".to_owned(),
                protocol::SystemEvent::sentence,
            );
            (String::new(), sentence, event)
        }
    };
    protocol::ChatMessage {
        conv: message.conversation.0,
        seq: message.seq.0,
        from: message.sender.0,
        name,
        client_msg_id,
        time: message.time.0,
        kind: message_kind(message.kind),
        msg,
        event,
        edited: message.edited.0,
        recalled,
        hidden: false,
        reply_to: message.reply_to.unwrap_or_default().0,
        quote: None,
        mentions: message.mentions.0.iter().map(|user| user.0).collect(),
    }
}
