//! A database that an older version left, with what was said in it, brought to this version's schema.

use domain::{
    Attempt, ChangePosition, ConversationId, GroupChange, GroupDeed, GroupId, GroupLimits, GroupRoster,
    Membership, Mentions, MessageKind, NewMessage, Novelty, Parties, Role, RosterEntry, RosterVersion, Seq,
    Store, Timestamp, Touched, UserId,
};
use sha2::{Digest, Sha256};

/// What [`DATA`] holds.
const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);
const TALKED: ConversationId = ConversationId(1);
const SILENT: ConversationId = ConversationId(2);
const GROUP: GroupId = GroupId(3);

/// Two friends who talked and two who did not, and a group with its history, as the first version stored them.
const DATA: &[&str] = &[
    "INSERT INTO users (id, name, name_key, created_at) VALUES \
     (1, 'ann', 'ann', 1), (2, 'bob', 'bob', 1), (3, 'cho', 'cho', 1)",
    "INSERT INTO conversations (id, kind, last_seq) VALUES (1, 1, 2), (2, 1, 0), (3, 2, 3)",
    "INSERT INTO direct_conversations (user_lo, user_hi, conversation_id) VALUES (1, 2, 1), (1, 3, 2)",
    "INSERT INTO friendships (user_lo, user_hi, conversation_id, since) VALUES (1, 2, 1, 1), (1, 3, 2, 1)",
    "INSERT INTO chat_groups (id, name, description, members, created_at) VALUES (3, 'group', '', 2, 1)",
    "INSERT INTO group_members (group_id, user_id, role, since_seq, joined_at) VALUES (3, 1, 1, 0, 1), (3, 2, 3, 2, 1)",
    "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body) VALUES \
     (1, 1, 1, 'a', 1000, 1, 'hello'), (1, 2, 2, 'b', 1010, 1, 'hello'), \
     (3, 1, 1, 'c', 1001, 1, 'one'), (3, 2, 1, 'd', 1002, 1, 'two'), (3, 3, 2, 'e', 1020, 1, 'three')",
];

/// The statements that make a database which ran these migrations (name and script) and no others, with data in it that
/// was stored after the first. `list` makes its list of migrations.
pub(super) fn old_database(migrations: &[(&str, &str)], list: &str) -> Vec<String> {
    let mut statements = vec![list.to_owned()];
    for (place, (name, script)) in migrations.iter().enumerate() {
        // None of their texts and comments has a semicolon at the end of a line.
        statements.extend(script.split_inclusive(";\n").map(str::to_owned));
        let checksum: String = Sha256::digest(script).iter().map(|byte| format!("{byte:02x}")).collect();
        statements.push(format!(
            "INSERT INTO schema_migrations (number, name, checksum, started_at, finished_at) \
             VALUES ({}, '{name}', '{checksum}', 1, 1)",
            place + 1
        ));
        if place == 0 {
            statements.extend(DATA.iter().map(|statement| (*statement).to_owned()));
        }
    }
    statements
}

/// What the store must make of an [`old_database`].
pub(super) fn check(store: &dyn Store) {
    let touched = |since| store.touched(&[ANN], Timestamp(since), ConversationId(0), 10).unwrap();
    let unchanged = Touched {
        conversation: TALKED,
        parties: Parties::Pair(ANN, BOB),
        last: Seq(2),
        last_change: ChangePosition(0),
        last_change_at: Timestamp(0),
    };
    let talked = unchanged;
    let group =
        Touched { conversation: GROUP.conversation(), parties: Parties::Group, last: Seq(3), ..unchanged };
    assert_eq!(touched(0), [talked, group], "nothing was said in {SILENT}");
    assert_eq!(touched(1010), [talked, group]);
    assert_eq!(touched(1011), [group]);
    assert_eq!(touched(1020), [group]);
    assert_eq!(touched(1021), []);

    let entry = |user, role, since| RosterEntry {
        user,
        place: Membership { role, since: Seq(since), muted_until: Timestamp(0) },
    };
    let members = vec![entry(ANN, Role::Owner, 0), entry(BOB, Role::Member, 2)];
    let roster = GroupRoster { version: RosterVersion(1), members, ..GroupRoster::default() };
    assert_eq!(store.roster(GROUP).unwrap(), roster, "any version but that of what is no group");
    assert_eq!(store.roster(TALKED.group()).unwrap(), GroupRoster::default());

    // And it goes on from there.
    let say = |conversation, id: &str, time| NewMessage {
        conversation,
        sender: ANN,
        client_msg_id: id.to_owned(),
        time: Timestamp(time),
        kind: MessageKind::Text,
        body: "new".to_owned(),
        reply_to: None,
        mentions: Mentions::default(),
    };
    let batch = [say(TALKED, "a", 2000), say(SILENT, "f", 2000), say(GROUP.conversation(), "g", 5)];
    let places: Vec<_> = store.append(&batch).unwrap().into_iter().map(Result::unwrap).collect();
    let found: Vec<_> = places.iter().map(|place| (place.seq.0, place.novelty, place.roster.0)).collect();
    assert_eq!(found, [(1, Novelty::Repeat, 0), (1, Novelty::New, 0), (4, Novelty::New, 1)]);
    let silent =
        Touched { conversation: SILENT, parties: Parties::Pair(ANN, UserId(3)), last: Seq(1), ..unchanged };
    assert_eq!(touched(1020), [silent, Touched { last: Seq(4), ..group }], "a time never moves back");
    let limits = GroupLimits { members: 10, groups: 10, requests: 1_000, requests_per_user: 1_000 };
    let joining = GroupChange {
        group: GROUP,
        actor: UserId(3),
        deed: GroupDeed::Join { greeting: String::new(), limits },
        at: Timestamp(3000),
        change_id: "h".to_owned(),
        event: "came".to_owned(),
        attempt: Attempt::First,
    };
    let joined = store.change_group(&joining).unwrap().unwrap();
    assert_eq!((joined.place.map(|place| place.seq), joined.members), (Some(Seq(5)), 3));
    assert_eq!(store.roster(GROUP).unwrap().version, RosterVersion(2));
}
