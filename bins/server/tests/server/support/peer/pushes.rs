//! Typed pushes: what a test hears of the server.

use protocol::{
    Broadcast, Changed, ChatMessage, FriendChanged, FriendEvent, GroupEvent, GroupRequestEvent,
    HiddenMessages, IsTyping, Notice, PresencePush, Push, QuietChanged, Receipt, SystemEvent,
};

use super::Peer;

impl Peer {
    /// Waits for a push that `select` takes; others are kept.
    pub(crate) fn take<T>(&mut self, what: &str, select: impl Fn(&Push) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            while let Some(push) = self.pushes.get(looked_at) {
                if let Some(taken) = select(push) {
                    self.pushes.remove(looked_at);
                    return taken;
                }
                looked_at += 1;
            }
            assert!(self.read_one(), "the server closed instead of {what}; pushes: {:?}", self.pushes);
        }
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> ChatMessage {
        self.take("a message", |push| match push {
            Push::Message(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// What became of a group: the next such message, with its event.
    pub(crate) fn told(&mut self) -> (ChatMessage, SystemEvent) {
        loop {
            if let Some(told) = self.told.pop_front() {
                let event = told.event.clone().expect("an event that this version knows");
                return (told, event);
            }
            assert!(self.read_one(), "the server closed instead of telling; pushes: {:?}", self.pushes);
        }
    }

    /// What became of groups, as far as it has come before the reply to a PING that is sent now.
    pub(crate) fn told_so_far(&mut self) -> Vec<SystemEvent> {
        self.ping().expect("a PING is always answered");
        self.told.drain(..).filter_map(|told| told.event).collect()
    }

    /// From now on messages that tell of changes of groups are among the others.
    pub(crate) fn hear_all(&mut self) {
        self.hears_all = true;
    }

    /// The next news of a friend request or friendship.
    pub(crate) fn friend_event(&mut self) -> FriendEvent {
        self.take("a friend event", |push| match push {
            Push::FriendEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// The next notice.
    pub(crate) fn notice(&mut self) -> Notice {
        self.take("a notice", |push| match push {
            Push::Notice(notice) => Some(notice.clone()),
            _ => None,
        })
    }

    /// The next broadcast.
    pub(crate) fn broadcast(&mut self) -> Broadcast {
        self.take("a broadcast", |push| match push {
            Push::Broadcast(broadcast) => Some(broadcast.clone()),
            _ => None,
        })
    }

    /// The next change of what is kept quiet.
    pub(crate) fn quiet_changed(&mut self) -> QuietChanged {
        self.take("a change of what is quiet", |push| match push {
            Push::QuietChanged(change) => Some(change.clone()),
            _ => None,
        })
    }

    /// The next receipt.
    pub(crate) fn receipt(&mut self) -> Receipt {
        self.take("a receipt", |push| match push {
            Push::Receipt(receipt) => Some(*receipt),
            _ => None,
        })
    }

    /// The next coming or going of a friend.
    pub(crate) fn presence(&mut self) -> PresencePush {
        self.take("presence", |push| match push {
            Push::Presence(presence) => Some(presence.clone()),
            _ => None,
        })
    }

    /// The next friend, or oneself, who is shown otherwise.
    pub(crate) fn friend_changed(&mut self) -> FriendChanged {
        self.take("a changed friend", |push| match push {
            Push::FriendChanged(change) => Some(change.clone()),
            _ => None,
        })
    }

    /// The next coming or going in a group.
    pub(crate) fn group_event(&mut self) -> GroupEvent {
        self.take("a group event", |push| match push {
            Push::GroupEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// Waits until the server asks whether this side is there.
    pub(crate) fn pinged(&mut self) {
        self.take("a ping", |push| matches!(push, Push::Ping(_)).then_some(()));
    }

    /// Throws the pushes away that have come.
    pub(crate) fn forget_pushes(&mut self) {
        self.pushes.clear();
    }

    /// All pushes that have come before the reply to a PING that is sent now; they are taken.
    pub(crate) fn pushes_so_far(&mut self) -> Vec<Push> {
        self.ping().expect("a PING is always answered");
        self.pushes.drain(..).collect()
    }

    /// The next news of an application or invitation.
    pub(crate) fn group_request_event(&mut self) -> GroupRequestEvent {
        self.take("news of who waits before a group", |push| match push {
            Push::GroupRequestEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// The next push of who is typing.
    pub(crate) fn is_typing(&mut self) -> IsTyping {
        self.take("who is typing", |push| match push {
            Push::Typing(typing) => Some(typing.clone()),
            _ => None,
        })
    }

    /// The next push of what was hidden by another device.
    pub(crate) fn hidden_messages(&mut self) -> HiddenMessages {
        self.take("what is hidden", |push| match push {
            Push::HiddenMessages(hidden) => Some(hidden.clone()),
            _ => None,
        })
    }

    /// The next change of a message that is pushed.
    pub(crate) fn changed(&mut self) -> Changed {
        self.take("a change", |push| match push {
            Push::Changed(changed) => Some(changed.clone()),
            _ => None,
        })
    }
}
