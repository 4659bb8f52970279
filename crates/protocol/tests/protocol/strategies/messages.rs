//! Messages, and what else users are told.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::groups::*;

pub(super) fn conversation() -> impl Strategy<Value = Conversation> {
    let kind = word(ConversationKind::TABLE);
    fields!(Conversation {
        conv: n(),
        kind: kind,
        with: n(),
        first: n(),
        last: n(),
        acked: n(),
        read: n(),
        restored: n(),
        last_change: n()
    })
}

pub(super) fn message() -> impl Strategy<Value = ChatMessage> {
    let place = (n(), n(), n(), text(), text(), n());
    let said = (word(MessageKind::TABLE), text(), option::of(system_event()));
    let recalled = fields!(Recalled { by: n(), name: text(), at: n() });
    let quote = fields!(Quote { from: n(), name: text(), msg: text() });
    let changes = (n(), option::of(recalled), any::<bool>(), n(), option::of(quote), vec(n(), 0..3));
    (place, said, changes).prop_map(|(place, said, changes)| {
        let (conv, seq, from, name, client_msg_id, time) = place;
        let (kind, msg, event) = said;
        let (edited, recalled, hidden, reply_to, quote, mentions) = changes;
        ChatMessage {
            conv,
            seq,
            from,
            name,
            client_msg_id,
            time,
            kind,
            msg,
            event,
            edited,
            recalled,
            hidden,
            reply_to,
            quote,
            mentions,
        }
    })
}

pub(super) fn changed() -> impl Strategy<Value = Changed> {
    fields!(Changed { conv: n(), position: n(), message: message() })
}

pub(super) fn changes_page() -> impl Strategy<Value = ChangesPage> {
    let change = fields!(Change { position: n(), message: message() });
    fields!(ChangesPage { conv: n(), changes: vec(change, 0..3), next: n(), last: n() })
}

pub(super) fn hidden() -> impl Strategy<Value = Hidden> {
    fields!(Hidden { position: n(), conv: n(), seq: n() })
}

pub(super) fn hidden_messages() -> impl Strategy<Value = HiddenMessages> {
    fields!(HiddenMessages { hidden: vec(hidden(), 0..4) })
}

pub(super) fn quiet() -> impl Strategy<Value = Quiet> {
    let minute = || option::of(any::<u32>());
    fields!(Quiet {
        conv: n(),
        until: n(),
        from: minute(),
        to: minute(),
        zone: option::of(text()),
        mentions: any::<bool>(),
    })
}

pub(super) fn quiet_changed() -> impl Strategy<Value = QuietChanged> {
    fields!(QuietChanged { version: n(), quiet: quiet() })
}

pub(super) fn sent() -> impl Strategy<Value = Sent> {
    fields!(Sent { conv: n(), seq: n(), time: n() })
}

pub(super) fn broadcast() -> impl Strategy<Value = Broadcast> {
    fields!(Broadcast { id: n(), time: n(), msg: text() })
}

pub(super) fn notice() -> impl Strategy<Value = Notice> {
    fields!(Notice {
        seq: n(),
        time: n(),
        kind: word(NoticeKind::TABLE),
        by: n(),
        name: text(),
        groupid: option::of(n()),
        groupname: option::of(text()),
        role: option::of(word(Role::TABLE)),
        until: option::of(n()),
    })
}
