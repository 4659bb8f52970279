-- Messages that change, receipts, what each user keeps quiet or hides, and what the operator tells all. The same tables and
-- columns as the cluster's database.

-- The newest position in the feed of changes; 0 while nothing was changed.
ALTER TABLE conversations ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;
-- When that was: whoever was away asks for conversations that changed since.
ALTER TABLE conversations ADD COLUMN last_change_at INTEGER NOT NULL DEFAULT 0;
-- Up to here no restored backup took anything back; 0 where there never was one, or the conversation is younger.
ALTER TABLE conversations ADD COLUMN restored_seq INTEGER NOT NULL DEFAULT 0;

-- When the text was last changed; 0 while it is the first.
ALTER TABLE messages ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0;
-- When it was recalled; 0 while it stands. The body of a recalled message is empty.
ALTER TABLE messages ADD COLUMN recalled_at INTEGER NOT NULL DEFAULT 0;
-- Who recalled it.
ALTER TABLE messages ADD COLUMN recalled_by INTEGER NOT NULL DEFAULT 0;
-- The message of the same conversation that it answers; 0 for none.
ALTER TABLE messages ADD COLUMN reply_to INTEGER NOT NULL DEFAULT 0;
-- The users who are mentioned, as numbers with commas between; 0 stands for everybody.
ALTER TABLE messages ADD COLUMN mentions TEXT NOT NULL DEFAULT '';

-- The feed of changes of each conversation. A message that is changed again moves to the end: the feed is never longer
-- than the conversation, and who reads it learns the message's present state, once.
CREATE TABLE message_changes (
    conversation_id INTEGER NOT NULL,
    -- 1, 2, 3 … by the conversation's last_change; with holes where a message was changed again.
    position        INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX message_changes_seq ON message_changes (conversation_id, seq);

-- What users deleted for themselves, by a position of the user's own.
CREATE TABLE hidden_messages (
    user_id         INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (user_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX hidden_messages_seq ON hidden_messages (user_id, conversation_id, seq);

-- The newest position in hidden_messages.
ALTER TABLE users ADD COLUMN hidden_last INTEGER NOT NULL DEFAULT 0;
-- Counts the changes of what the user keeps quiet.
ALTER TABLE users ADD COLUMN quiet_version INTEGER NOT NULL DEFAULT 0;
-- The last broadcast before the user, who gets none up to it.
ALTER TABLE users ADD COLUMN broadcasts_from INTEGER NOT NULL DEFAULT 0;
-- The highest broadcast that any session acknowledged, or that was there before the user: where a new session begins.
ALTER TABLE users ADD COLUMN broadcasts_acked INTEGER NOT NULL DEFAULT 0;

-- The broadcasts that this session's device acknowledged.
ALTER TABLE sessions ADD COLUMN broadcasts_acked INTEGER NOT NULL DEFAULT 0;

-- How far the user read; `seq` is how far it was delivered. Never past it.
ALTER TABLE cursors ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
-- Who read how far.
CREATE INDEX cursors_conversation ON cursors (conversation_id, user_id, seq, read_seq);

-- When a user is not to be notified: of one conversation, or with the number 0 of any. Delivery does not depend on it.
CREATE TABLE quiet (
    user_id         INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    -- Quiet until then; 0 for not, the greatest number for ever.
    until_time      INTEGER NOT NULL,
    -- Every day from this minute to that one, in this time zone of the IANA's database; an empty zone for not.
    from_minute     INTEGER NOT NULL,
    to_minute       INTEGER NOT NULL,
    zone            TEXT    NOT NULL,
    -- 1: a mention is notified all the same.
    mentions        INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) STRICT, WITHOUT ROWID;

-- What the operator told every user: one row, however many users.
CREATE TABLE broadcasts (
    id            INTEGER NOT NULL PRIMARY KEY,
    -- What makes a repeated command harmless.
    broadcast_key TEXT    NOT NULL UNIQUE,
    at            INTEGER NOT NULL,
    -- Who gave the command, as the operator's machine knows them.
    operator      TEXT    NOT NULL,
    body          TEXT    NOT NULL
) STRICT;

-- One row: the newest broadcast there ever was. Ids are given under the writer's lock, so that they rise in the order of
-- the commits.
CREATE TABLE broadcast_head (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_id INTEGER NOT NULL
) STRICT;
INSERT INTO broadcast_head (id, last_id) VALUES (1, 0);

-- One row: which log this is. Another one after a restore, which may have taken messages back that clients hold.
CREATE TABLE log_identity (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch    BLOB    NOT NULL,
    -- How often it was given another one.
    renewals INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO log_identity (id, epoch) VALUES (1, randomblob(16));

-- The search's index. A word of a message stands there as the conversation's number, a colon and the word; who said it as an
-- @ and their number: so what is read of the index for a search is what was said in the searcher's conversations. It holds
-- no text and no places of words in it, and the row's number is that of indexed_messages. Built by the database's full
-- text search, and so the one table that the cluster's database has in another form.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars ':@'"
);
-- A word that is taken out is gone from the file, and not only marked.
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
-- Which message an entry of the index means.
CREATE TABLE indexed_messages (
    -- The message's time, times 2^20, and a number that makes it unique: so they stand in the order of time.
    id              INTEGER NOT NULL PRIMARY KEY,
    conversation_id INTEGER NOT NULL,
    seq             INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX indexed_messages_seq ON indexed_messages (conversation_id, seq);

-- How far the index has each conversation.
CREATE TABLE indexed_conversations (
    conversation_id INTEGER NOT NULL PRIMARY KEY,
    seq             INTEGER NOT NULL
) STRICT;
