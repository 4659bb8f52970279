-- Whose copy this is; one row, once somebody has logged in.
CREATE TABLE account (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    user_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- The sync state as JSON, but for the cursors: they stand with their conversations.
    state TEXT NOT NULL
) STRICT;

CREATE TABLE conversations (
    conversation_id INTEGER PRIMARY KEY,
    -- Everything up to here was taken; what was written with it stands in the same transaction.
    cursor INTEGER NOT NULL,
    -- From here to the cursor every message is kept that may be read.
    held_from INTEGER NOT NULL,
    -- Everything up to here was shown to the user.
    shown INTEGER NOT NULL,
    -- The first message that may be read at all, as far as it is known.
    first INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL DEFAULT '',
    -- The other user of a direct conversation.
    peer INTEGER NOT NULL DEFAULT 0,
    -- Up to which position its changes are applied.
    changes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE messages (
    -- Rises with the server's time, so that a search finds the newest first.
    id INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    -- The position of the last change that it had.
    change INTEGER NOT NULL DEFAULT 0,
    -- As it came, in JSON.
    message TEXT NOT NULL,
    UNIQUE (conversation_id, seq)
) STRICT;

-- Words of the messages by id, without the texts themselves; words.rs cuts them.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = full, 
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co M*'"
);

CREATE TABLE friends (user_id INTEGER PRIMARY KEY, friend TEXT NOT NULL) STRICT;
CREATE TABLE groups (group_id INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
-- Which version of them these lists are, if they are whole.
CREATE TABLE lists (name TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT;

-- Messages of one's own that have no answer yet, in the order in which they are to be sent.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_msg_id TEXT NOT NULL UNIQUE,
    -- The request that sends it, in JSON.
    request TEXT NOT NULL
) STRICT;
