//! Which log a store is.

use super::cast::{count_to, say, two_friends};
use crate::{ConversationId, Epoch, Seq, Store, UserId};

fn restored(store: &dyn Store, user: UserId, conversation: ConversationId) -> Seq {
    store.conversation(user, conversation).unwrap().expect("the user is in the conversation").restored
}

pub(super) fn an_epoch_stays_until_it_is_renewed(store: &dyn Store) {
    let (ann, _, old) = two_friends(store);
    count_to(store, old, ann, 3);
    assert_eq!(restored(store, ann, old), Seq(0));
    let before = store.epoch().unwrap();
    assert_eq!(store.epoch().unwrap(), before);
    for byte in [1, 2] {
        let next = Epoch([byte; 16]);
        assert_ne!(before, next);
        store.renew_epoch(next).unwrap();
        assert_eq!(store.epoch().unwrap(), next);
    }
}

pub(super) fn a_probe_changes_nothing(store: &dyn Store) {
    let before = store.epoch().unwrap();
    store.probe_change().unwrap();
    assert_eq!(store.epoch().unwrap(), before);
}

pub(super) fn a_renewal_notes_where_conversations_end(store: &dyn Store) {
    let (ann, bob, old) = two_friends(store);
    count_to(store, old, ann, 3);
    store.renew_epoch(Epoch([3; 16])).unwrap();
    let first = restored(store, ann, old);
    assert!([Seq(0), Seq(3)].contains(&first), "{first}: 0 if the log was renewed before");
    assert_eq!(restored(store, bob, old), first);
    say(store, old, bob, "four");
    let (cho, _, new) = two_friends(store);
    assert_eq!(restored(store, ann, old), first, "what is said later changes nothing");
    store.renew_epoch(Epoch([4; 16])).unwrap();
    assert_eq!(restored(store, ann, old), first, "the lesser of the two");
    assert_eq!(restored(store, cho, new), Seq(0), "younger than the renewal before");
}
