-- The first schema: the same tables and columns as the cluster's database.
--
-- Times are Unix milliseconds. Text is UTF-8 and compared byte by byte (BINARY, the default collation): case, accents
-- and trailing spaces always matter, folding is the service's business. AUTOINCREMENT never gives a number twice.

-- Read at every login and for every list.
CREATE TABLE users (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    -- The name's unique form settles who of two gets it.
    name_key   TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- Read at password logins only.
CREATE TABLE credentials (
    user_id       INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    password_hash TEXT    NOT NULL
) STRICT;

CREATE TABLE sessions (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    token_hash BLOB    NOT NULL UNIQUE,
    device     TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    seen       INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
-- For expiry.
CREATE INDEX sessions_seen ON sessions (seen);

-- Requests that wait.
CREATE TABLE friend_requests (
    from_id  INTEGER NOT NULL REFERENCES users (id),
    to_id    INTEGER NOT NULL REFERENCES users (id),
    greeting TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (from_id, to_id),
    CHECK (from_id <> to_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX friend_requests_to ON friend_requests (to_id, from_id);
-- At most one between two users, whoever asked.
CREATE UNIQUE INDEX friend_requests_pair ON friend_requests (min(from_id, to_id), max(from_id, to_id));

-- Every conversation.
CREATE TABLE conversations (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- 1: between two users, 2: of a group.
    kind     INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT;

-- Whose conversation it is. Outlives the friendship, so that old friends who find each other again go on where they
-- stopped.
CREATE TABLE direct_conversations (
    user_lo         INTEGER NOT NULL REFERENCES users (id),
    user_hi         INTEGER NOT NULL REFERENCES users (id),
    conversation_id INTEGER NOT NULL UNIQUE REFERENCES conversations (id),
    PRIMARY KEY (user_lo, user_hi),
    CHECK (user_lo < user_hi)
) STRICT, WITHOUT ROWID;
-- A user's conversations are listed by rising id.
CREATE INDEX direct_conversations_lo ON direct_conversations (user_lo, conversation_id, user_hi);
CREATE INDEX direct_conversations_hi ON direct_conversations (user_hi, conversation_id, user_lo);

CREATE TABLE friendships (
    user_lo         INTEGER NOT NULL REFERENCES users (id),
    user_hi         INTEGER NOT NULL REFERENCES users (id),
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    since           INTEGER NOT NULL,
    PRIMARY KEY (user_lo, user_hi),
    CHECK (user_lo < user_hi)
) STRICT, WITHOUT ROWID;
CREATE INDEX friendships_hi ON friendships (user_hi, user_lo, conversation_id);

-- Groups that are open.
CREATE TABLE chat_groups (
    -- The conversation's id.
    id          INTEGER NOT NULL PRIMARY KEY REFERENCES conversations (id),
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    -- Rows of group_members with this group.
    members     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_id  INTEGER NOT NULL REFERENCES chat_groups (id),
    user_id   INTEGER NOT NULL REFERENCES users (id),
    -- 1: owner, 2: admin, 3: member.
    role      INTEGER NOT NULL,
    -- The conversation's last seq when they joined.
    since_seq INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_user ON group_members (user_id, group_id);

-- The log. Clustered by conversation and seq, so that a page of history is one short scan, however large the log is.
-- Without foreign keys: whoever appends has just read the conversation's row, and a check per message costs.
CREATE TABLE messages (
    conversation_id INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    sender_id       INTEGER NOT NULL,
    client_msg_id   TEXT    NOT NULL,
    time            INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    body            TEXT    NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;
-- What makes a repeated append harmless. The id comes before the sender: ids that begin with a time, whoever made
-- them, all go to the same few pages at the index's end instead of to one page for each sender.
CREATE UNIQUE INDEX messages_client_msg_id ON messages (client_msg_id, sender_id);

-- How far each user acknowledged each conversation.
CREATE TABLE cursors (
    user_id         INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) STRICT, WITHOUT ROWID;
