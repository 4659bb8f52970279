//! A user who has a lot: written into the database, as making it over the wire would take minutes.

/// Friends, with whom there are conversations.
pub(crate) const FRIENDS: u64 = 2_000;
/// Groups.
pub(crate) const GROUPS: u64 = 300;
/// Messages in each conversation, none of them acknowledged.
pub(crate) const MESSAGES: u64 = 10;

/// Rows of one statement.
const ROWS: usize = 500;

/// Ids of friends are after this.
const FRIENDS_AFTER: u64 = 100_000;
/// Ids of conversations are after this.
const CONVERSATIONS_AFTER: u64 = 500_000;

/// Statements, of either store, that give all this to a user who is there and has nothing yet.
pub(crate) fn statements(user: u64) -> Vec<String> {
    let friends = || (1..=FRIENDS).map(|n| (FRIENDS_AFTER + n, CONVERSATIONS_AFTER + n));
    let groups = || (1..=GROUPS).map(|n| CONVERSATIONS_AFTER + FRIENDS + n);
    assert!(user <= FRIENDS_AFTER, "the user's id is the lower one of every pair");
    let conversations = || {
        let direct = friends().map(|(friend, conversation)| (conversation, 1, friend));
        direct.chain(groups().map(|group| (group, 2, FRIENDS_AFTER + 1)))
    };
    let mut all = Vec::new();
    let mut insert = |into: &str, rows: Vec<String>| {
        all.extend(rows.chunks(ROWS).map(|rows| format!("INSERT INTO {into} VALUES {}", rows.join(", "))));
    };
    insert(
        "users (id, name, name_key, created_at, nickname, avatar, last_seen)",
        friends()
            .map(|(id, _)| {
                format!(
                    "({id}, 'friend number {id}', 'friend number {id}', 1, 'my friend {id}', \
                     'https://pictures.example/{id}.png', 1700000000000)"
                )
            })
            .collect(),
    );
    insert(
        "conversations (id, kind, last_seq, roster, last_time)",
        conversations()
            .map(|(id, kind, _)| format!("({id}, {kind}, {MESSAGES}, {}, 1700000000000)", kind - 1))
            .collect(),
    );
    let pairs: Vec<String> = friends().map(|(friend, conv)| format!("({user}, {friend}, {conv})")).collect();
    insert("direct_conversations (user_lo, user_hi, conversation_id)", pairs);
    insert(
        "friendships (user_lo, user_hi, conversation_id, since)",
        friends().map(|(friend, conv)| format!("({user}, {friend}, {conv}, 1)")).collect(),
    );
    insert(
        "chat_groups (id, name, description, members, created_at, version)",
        groups()
            .map(|id| format!("({id}, 'group number {id}', 'what we talk about in {id}', 2, 1, 7)"))
            .collect(),
    );
    insert(
        "group_members (group_id, user_id, role, since_seq, joined_at)",
        groups()
            .flat_map(|id| {
                [format!("({id}, {user}, 3, 0, 1)"), format!("({id}, {}, 1, 0, 1)", FRIENDS_AFTER + 1)]
            })
            .collect(),
    );
    insert(
        "messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body)",
        conversations()
            .flat_map(|(id, _, sender)| {
                (1..=MESSAGES).map(move |seq| {
                    format!("({id}, {seq}, {sender}, 'm-{id}-{seq}', 1700000000000, 1, 'said before: {seq}')")
                })
            })
            .collect(),
    );
    all.push(format!(
        "UPDATE users SET friends_version = {FRIENDS}, groups_version = {GROUPS} WHERE id = {user}"
    ));
    all
}
