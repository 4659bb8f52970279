//! What is quoted of messages.

use super::cast::{NOW, change, count_to, group, say, two_friends, users};
use crate::{
    ChangeWindows, ConversationId, GroupChange, GroupDeed, Mentions, MessageChange, MessageDeed, MessageKind,
    NUMBER_MAX, QUOTED_CHARS_MAX, Quoted, Seq, Store, Timestamp,
};

/// What is quoted of these places, by place.
fn quoted(store: &dyn Store, places: &[(ConversationId, u64)]) -> Vec<Quoted> {
    let places: Vec<_> = places.iter().map(|(conversation, seq)| (*conversation, Seq(*seq))).collect();
    let mut quoted = store.quoted(&places).unwrap();
    quoted.sort_by_key(|quoted| (quoted.conversation, quoted.seq));
    quoted
}

fn begins(store: &dyn Store, conversation: ConversationId, seqs: &[u64]) -> Vec<(u64, String)> {
    let places: Vec<_> = seqs.iter().map(|seq| (conversation, *seq)).collect();
    quoted(store, &places).into_iter().map(|quoted| (quoted.seq.0, quoted.begin)).collect()
}

pub(super) fn a_quote_says_who_said_what(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let [owner] = users(store);
    let club = group(store, owner).conversation();
    let texts = [
        "short".to_owned(),
        "国".repeat(QUOTED_CHARS_MAX),
        "🦀".repeat(QUOTED_CHARS_MAX + 1),
        format!("\0'\"\\%_{}", "é\n".repeat(40_000)),
    ];
    for (text, sender) in texts.iter().zip([ann, bob, ann, bob]) {
        say(store, conversation, sender, text);
    }
    say(store, club, owner, "elsewhere");
    let found = quoted(store, &[(conversation, 4), (club, 1), (conversation, 1), (conversation, 4)]);
    let text = |conversation, seq, sender, begin: &str| Quoted {
        conversation,
        seq: Seq(seq),
        sender,
        kind: MessageKind::Text,
        begin: begin.to_owned(),
    };
    let begin: String = texts[3].chars().take(QUOTED_CHARS_MAX).collect();
    let mut expected = [
        text(conversation, 1, ann, "short"),
        text(conversation, 4, bob, &begin),
        text(club, 1, owner, "elsewhere"),
    ];
    expected.sort_by_key(|quoted| (quoted.conversation, quoted.seq));
    assert_eq!(found, expected);
    let cut = "🦀".repeat(QUOTED_CHARS_MAX);
    assert_eq!(begins(store, conversation, &[2, 3]), [(2, texts[1].clone()), (3, cut)]);

    // What became of a group is read as a whole.
    let event = "x".repeat(3 * QUOTED_CHARS_MAX);
    let deed = GroupDeed::MuteAll(Timestamp(NOW.0 + 1_000));
    let deed = GroupChange { event: event.clone(), ..change(club.group(), owner, deed) };
    let seq = store.change_group(&deed).unwrap().unwrap().place.unwrap().seq;
    let (kind, sender) = (MessageKind::System, owner);
    let system = Quoted { conversation: club, seq, sender, kind, begin: event };
    assert_eq!(quoted(store, &[(club, seq.0)]), [system]);
}

pub(super) fn a_quote_follows_changes(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 2);
    let make = |deed| {
        let windows = ChangeWindows { recall_ms: 1_000, edit_ms: 1_000 };
        let change = MessageChange { conversation, seq: Seq(1), actor: ann, deed, at: NOW, windows };
        store.change_message(&change).unwrap().unwrap();
    };
    let before = begins(store, conversation, &[1, 2]);
    make(MessageDeed::Edit { body: "better".into(), mentions: Mentions::default() });
    let after = begins(store, conversation, &[1, 2]);
    assert_eq!((after.len(), &after[0]), (2, &(1, "better".to_owned())));
    assert_eq!(after[1], before[1]);
    make(MessageDeed::Recall);
    assert_eq!(begins(store, conversation, &[1, 2]), before[1..], "recalled text is nowhere");
}

pub(super) fn what_is_not_there_is_not_quoted(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, "alone");
    assert_eq!(quoted(store, &[]), []);
    let nowhere = ConversationId(NUMBER_MAX);
    for place in [(conversation, 0), (conversation, 2), (conversation, NUMBER_MAX), (nowhere, 1)] {
        assert_eq!(quoted(store, &[place]), [], "{place:?}");
    }
    let all = [(nowhere, 1), (conversation, 2), (conversation, 1), (ConversationId(0), 1), (conversation, 0)];
    assert_eq!(quoted(store, &all).len(), 1);
    for place in [(ConversationId(u64::MAX), 1), (conversation, u64::MAX)] {
        assert_eq!(quoted(store, &[place]), [], "numbers too large name nothing: {place:?}");
    }
}

pub(super) fn a_thousand_places_at_once(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 990);
    let places: Vec<_> = (1..=1_000).map(|seq| (conversation, seq)).collect();
    let found = quoted(store, &places);
    assert!(found.iter().map(|quoted| quoted.seq.0).eq(1..=990));
    assert!(found.iter().all(|quoted| quoted.sender == ann));
}
