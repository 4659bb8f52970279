//! Events for programs.

use client::protocol::ChatMessage;
use client::{Arrival, Event, Next, SessionEnd, SignInKind};
use serde_json::{Value, json};

use crate::roster::{Roster, Talk};

/// The object for an event. The shapes are documented in docs/client.md.
pub(crate) fn object(event: &Event, roster: &Roster) -> Value {
    match event {
        Event::Connected(hello) => json!({ "type": "connected", "server": hello.server, "node": hello.node }),
        Event::Disconnected { why, next } => match next {
            Next::RetryIn(wait) => {
                json!({ "type": "disconnected", "why": why, "retry_ms": wait.as_millis() as u64 })
            }
            Next::Rest => json!({ "type": "disconnected", "why": why }),
        },
        Event::SignedIn { how, bundle } => json!({
            "type": "signed_in",
            "how": match how { SignInKind::Login => "login", SignInKind::Resume => "resume", SignInKind::Refresh => "refresh" },
            "id": bundle.id,
            "name": bundle.name,
            "session": bundle.session,
        }),
        Event::Synced { missed } => json!({ "type": "synced", "missed": missed }),
        Event::SessionEnded(end) => match end {
            SessionEnd::LoggedOut => json!({ "type": "session_ended", "why": "logged out" }),
            SessionEnd::ByServer(why) => json!({ "type": "session_ended", "why": why }),
            SessionEnd::TokenRefused(refusal) => {
                json!({ "type": "session_ended", "why": refusal.to_string() })
            }
        },
        Event::Message { message, arrival } => {
            let mut object = message_object(message, roster);
            object["type"] = "message".into();
            object["arrival"] = match arrival {
                Arrival::Live => "live",
                Arrival::Missed => "missed",
            }
            .into();
            object
        }
        Event::Changed(changed) => {
            let mut object = message_object(&changed.message, roster);
            object["type"] = "changed".into();
            object["position"] = changed.position.into();
            object
        }
        Event::Hidden(hidden) => {
            let mut object = tagged("hidden", hidden);
            place(&mut object, hidden.conv, roster);
            object
        }
        Event::Typing(typing) => {
            let mut object = tagged("typing", typing);
            place(&mut object, typing.conv, roster);
            object
        }
        Event::Gap { conv, first, last } => {
            json!({ "type": "gap", "conv": conv, "first": first, "last": last })
        }
        Event::Restored => json!({ "type": "restored" }),
        Event::Rewound { conv, to } => json!({ "type": "rewound", "conv": conv, "to": to }),
        Event::Friend(event) => tagged("friend", event),
        Event::Notice(notice) => tagged("notice", notice),
        Event::Broadcast(broadcast) => tagged("broadcast", broadcast),
        Event::Receipt(receipt) => tagged("receipt", receipt),
        Event::Quiet(quiet) => {
            let entries: Vec<_> = quiet.entries.values().collect();
            json!({ "type": "quiet", "version": quiet.version, "quiet": entries })
        }
        Event::Presence(presence) => {
            let mut object = tagged("presence", presence);
            object["name"] = roster.user_name(presence.id).into();
            object
        }
        Event::FriendChanged(change) => tagged("friend_changed", change),
        Event::Group(event) => tagged("group", event),
        Event::GroupRequest(event) => tagged("group_request", event),
        Event::Dropped { count } => json!({ "type": "dropped", "count": count }),
    }
}

/// A message as the protocol has it, with where it stands.
pub(crate) fn message_object(message: &ChatMessage, roster: &Roster) -> Value {
    let mut object = serde_json::to_value(message).unwrap_or_default();
    place(&mut object, message.conv, roster);
    object
}

/// Says with whom a conversation is.
fn place(object: &mut Value, conv: u64, roster: &Roster) {
    match roster.talk_of(conv) {
        Some(Talk::Friend(id)) => object["friend"] = id.into(),
        Some(Talk::Group(id)) => object["group"] = id.into(),
        None => {}
    }
}

fn tagged(kind: &str, body: &impl serde::Serialize) -> Value {
    let mut object = serde_json::to_value(body).unwrap_or_default();
    object["type"] = kind.into();
    object
}

#[cfg(test)]
mod tests {
    use super::super::sample::{message, roster};
    use super::*;

    #[test]
    fn objects_have_a_type_and_a_place() {
        let event = Event::Message { message: message(2, "bob", "hi"), arrival: Arrival::Missed };
        let object = object(&event, &roster());
        assert_eq!((&object["type"], &object["arrival"]), (&json!("message"), &json!("missed")));
        assert_eq!((&object["friend"], &object["msg"]), (&json!(2), &json!("hi")));
    }
}
