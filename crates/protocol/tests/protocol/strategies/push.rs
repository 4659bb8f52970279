//! Any push of a type.

use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::messages::*;
use super::people::*;

/// Any push of this type.
pub(super) fn push_of(id: MsgId) -> BoxedStrategy<Push> {
    match id {
        MsgId::Ping => nothing().prop_map(Push::Ping).boxed(),
        MsgId::Resync => fields!(Resync { within_ms: any::<u32>() }).prop_map(Push::Resync).boxed(),
        MsgId::Bye => fields!(Bye { errcode: any::<u16>(), errmsg: text(), retry_after_ms: any::<u32>() })
            .prop_map(Push::Bye)
            .boxed(),
        MsgId::FriendEvent => fields!(FriendEvent {
            event: word(FriendEventKind::TABLE),
            id: n(),
            name: text(),
            by: n(),
            greeting: text(),
            friend: option::of(friend()),
            notice: n(),
        })
        .prop_map(Push::FriendEvent)
        .boxed(),
        MsgId::Presence => fields!(PresencePush { id: n(), state: word(State::TABLE), last_seen: n() })
            .prop_map(Push::Presence)
            .boxed(),
        MsgId::GroupEvent => fields!(GroupEvent {
            event: word(GroupEventKind::TABLE),
            groupid: n(),
            groupname: text(),
            id: n(),
            name: text(),
            members: any::<u32>(),
            notice: n(),
        })
        .prop_map(Push::GroupEvent)
        .boxed(),
        MsgId::GroupRequestEvent => fields!(GroupRequestEvent {
            event: word(GroupRequestKind::TABLE),
            groupid: n(),
            groupname: text(),
            id: n(),
            name: text(),
            by: n(),
            by_name: text(),
            greeting: text(),
        })
        .prop_map(Push::GroupRequestEvent)
        .boxed(),
        MsgId::Changed => changed().prop_map(Push::Changed).boxed(),
        MsgId::Typing => {
            fields!(IsTyping { conv: n(), from: n(), name: text() }).prop_map(Push::Typing).boxed()
        }
        MsgId::HiddenMessages => hidden_messages().prop_map(Push::HiddenMessages).boxed(),
        MsgId::Message => message().prop_map(Push::Message).boxed(),
        MsgId::QuietChanged => quiet_changed().prop_map(Push::QuietChanged).boxed(),
        MsgId::Receipt => fields!(Receipt { conv: n(), user: n(), delivered: n(), read: n() })
            .prop_map(Push::Receipt)
            .boxed(),
        MsgId::FriendChanged => {
            let given = || option::of(text());
            fields!(FriendChanged {
                id: n(),
                nickname: given(),
                avatar: given(),
                remark: given(),
                label: given()
            })
            .prop_map(Push::FriendChanged)
            .boxed()
        }
        MsgId::Notice => notice().prop_map(Push::Notice).boxed(),
        MsgId::Broadcast => broadcast().prop_map(Push::Broadcast).boxed(),
        other => panic!("{other:?} is a push now: give it a strategy"),
    }
}
