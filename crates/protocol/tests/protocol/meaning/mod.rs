//! What the frames of `vectors.json` mean, as typed values.

mod accounts;
mod cast;
mod changes;
mod connections;
mod friends;
mod groups;
mod messages;
mod notices;
mod receipts;

use protocol::*;

/// What a frame says.
#[expect(clippy::large_enum_variant, reason = "a few dozen of them, one after the other")]
pub(crate) enum Meaning {
    /// A client says it, with this rid.
    Request(u32, Request),
    /// A server says it.
    Incoming(Incoming),
}

/// Every frame's name and meaning.
pub(crate) fn meanings() -> Vec<(&'static str, Meaning)> {
    [
        connections::connections(),
        accounts::accounts(),
        friends::profiles(),
        friends::friends(),
        friends::friend_notes(),
        groups::groups(),
        messages::messages(),
        changes::changes(),
        messages::message_search(),
        receipts::receipts(),
        changes::hidden(),
        receipts::quiet(),
        notices::notices(),
        notices::broadcasts(),
        refusals(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn request(rid: u32, request: Request) -> Meaning {
    Meaning::Request(rid, request)
}

fn reply(rid: u32, reply: Reply) -> Meaning {
    Meaning::Incoming(Incoming::Reply { rid, result: Ok(reply) })
}

fn refused(rid: u32, refusal: Refusal) -> Meaning {
    Meaning::Incoming(Incoming::Reply { rid, result: Err(refusal) })
}

fn push(push: Push) -> Meaning {
    Meaning::Incoming(Incoming::Push(push))
}

fn refusals() -> Vec<(&'static str, Meaning)> {
    vec![
        ("group_chat/refused-muted", refused(31, Refusal::new(Code::MUTED))),
        ("group_chat/refused-not-found", refused(33, Refusal::new(Code::NOT_FOUND).field("reply_to"))),
        ("hello/refused-bad-version", refused(1, Refusal::new(Code::BAD_VERSION))),
        ("reg_ack/refused-name-taken", refused(2, Refusal::new(Code::NAME_TAKEN).field("name"))),
        (
            "reg_ack/refused-bad-field",
            refused(2, Refusal::saying(Code::BAD_FIELD, "a password has 8 to 256 bytes").field("password")),
        ),
        ("login_ack/refused-bad-credentials", refused(3, Refusal::new(Code::BAD_CREDENTIALS))),
        ("resume/refused-session-ended", refused(3, Refusal::new(Code::SESSION_ENDED))),
        ("add_friend/refused-already-friends", refused(10, Refusal::new(Code::ALREADY_FRIENDS))),
        ("add_group/refused-not-found", refused(21, Refusal::new(Code::NOT_FOUND))),
        ("leave_group/refused-owner-stays", refused(22, Refusal::new(Code::OWNER_STAYS))),
        ("one_chat/refused-not-friends", refused(5, Refusal::new(Code::NOT_FRIENDS))),
        ("one_chat/refused-busy", refused(5, Refusal::new(Code::BUSY).retry_after_ms(1_000))),
        ("friends/refused-not-logged-in", refused(15, Refusal::new(Code::NOT_LOGGED_IN))),
        ("unknown/refused-unknown-type", refused(50, MessageError::UnknownType { msgid: 999 }.refusal())),
    ]
}
