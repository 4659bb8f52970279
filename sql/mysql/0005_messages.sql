-- Messages that change, receipts, what each user keeps quiet or hides, and what the operator tells all. The same tables and
-- columns as the embedded store's.

ALTER TABLE conversations
    -- The newest position in the feed of changes; 0 while nothing was changed.
    ADD COLUMN last_change    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- When that was: whoever was away asks for conversations that changed since.
    ADD COLUMN last_change_at BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- Up to here no restored backup took anything back; 0 where there never was one, or the conversation is younger.
    ADD COLUMN restored_seq   BIGINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE messages
    -- When the text was last changed; 0 while it is the first.
    ADD COLUMN edited_at   BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- When it was recalled; 0 while it stands. The body of a recalled message is empty.
    ADD COLUMN recalled_at BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- Who recalled it.
    ADD COLUMN recalled_by BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- The message of the same conversation that it answers; 0 for none.
    ADD COLUMN reply_to    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- The users who are mentioned, as numbers with commas between; 0 stands for everybody.
    ADD COLUMN mentions    VARBINARY(1000) NOT NULL DEFAULT '';

-- The feed of changes of each conversation. A message that is changed again moves to the end: the feed is never longer
-- than the conversation, and who reads it learns the message's present state, once.
CREATE TABLE message_changes (
    conversation_id BIGINT UNSIGNED NOT NULL,
    -- 1, 2, 3 … by the conversation's last_change; with holes where a message was changed again.
    position        BIGINT UNSIGNED NOT NULL,
    seq             BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation_id, position),
    UNIQUE KEY message_changes_seq (conversation_id, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What users deleted for themselves, by a position of the user's own.
CREATE TABLE hidden_messages (
    user_id         BIGINT UNSIGNED NOT NULL,
    position        BIGINT UNSIGNED NOT NULL,
    conversation_id BIGINT UNSIGNED NOT NULL,
    seq             BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, position),
    UNIQUE KEY hidden_messages_seq (user_id, conversation_id, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE users
    -- The newest position in hidden_messages. Changed under this row's lock, which gives them one order.
    ADD COLUMN hidden_last      BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- Counts the changes of what the user keeps quiet.
    ADD COLUMN quiet_version    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- The last broadcast before the user, who gets none up to it.
    ADD COLUMN broadcasts_from  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- The highest broadcast that any session acknowledged, or that was there before the user: where a new session begins.
    ADD COLUMN broadcasts_acked BIGINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE sessions
    -- The broadcasts that this session's device acknowledged.
    ADD COLUMN broadcasts_acked BIGINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE cursors
    -- How far the user read; `seq` is how far it was delivered. Never past it.
    ADD COLUMN read_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- Who read how far.
    ADD KEY cursors_conversation (conversation_id, user_id, seq, read_seq);

-- When a user is not to be notified: of one conversation, or with the number 0 of any. Delivery does not depend on it.
CREATE TABLE quiet (
    user_id         BIGINT UNSIGNED   NOT NULL,
    conversation_id BIGINT UNSIGNED   NOT NULL,
    -- Quiet until then; 0 for not, the greatest number for ever.
    until_time      BIGINT UNSIGNED   NOT NULL,
    -- Every day from this minute to that one, in this time zone of the IANA's database; an empty zone for not.
    from_minute     SMALLINT UNSIGNED NOT NULL,
    to_minute       SMALLINT UNSIGNED NOT NULL,
    zone            VARBINARY(64)     NOT NULL,
    -- 1: a mention is notified all the same.
    mentions        TINYINT UNSIGNED  NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the operator told every user: one row, however many users.
CREATE TABLE broadcasts (
    id            BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    -- What makes a repeated command harmless.
    broadcast_key VARBINARY(64)   NOT NULL,
    at            BIGINT UNSIGNED NOT NULL,
    -- Who gave the command, as the operator's machine knows them.
    operator      VARCHAR(255)    NOT NULL,
    body          MEDIUMTEXT      NOT NULL,
    UNIQUE KEY broadcasts_key (broadcast_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: the newest broadcast there ever was. Ids are given under its lock, so that they rise in the order of the commits.
CREATE TABLE broadcast_head (
    id      TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    last_id BIGINT UNSIGNED  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO broadcast_head (id, last_id) VALUES (1, 0);

-- One row: which log this is. Another one after a restore, which may have taken messages back that clients hold.
CREATE TABLE log_identity (
    id       TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    epoch    BINARY(16)       NOT NULL,
    -- How often it was given another one.
    renewals BIGINT UNSIGNED  NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO log_identity (id, epoch) VALUES (1, UNHEX(REPLACE(UUID(), '-', '')));

-- The search's index: where each word was said, in the order of time; who said it as an @ and their number. Clustered by
-- conversation, so that a search reads what was said in the searcher's. The database's own full text search is not used: it has
-- no words of one character, knows no Chinese, and would read what everybody said.
CREATE TABLE message_words (
    conversation_id BIGINT UNSIGNED NOT NULL,
    word            VARBINARY(128)  NOT NULL,
    time            BIGINT UNSIGNED NOT NULL,
    seq             BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation_id, word, time, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far the index has each conversation. Whoever writes words of a conversation holds its row.
CREATE TABLE indexed_conversations (
    conversation_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    seq             BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- As before, with what the message answers and whom it mentions.
DROP PROCEDURE append_message;
DELIMITER //
CREATE PROCEDURE append_message (
    IN in_conversation_id BIGINT UNSIGNED,
    IN in_sender_id       BIGINT UNSIGNED,
    IN in_client_msg_id   VARBINARY(64),
    IN in_time            BIGINT UNSIGNED,
    IN in_kind            TINYINT UNSIGNED,
    IN in_body            MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN in_reply_to        BIGINT UNSIGNED,
    IN in_mentions        VARBINARY(1000)
)
MODIFIES SQL DATA
SQL SECURITY INVOKER
BEGIN
    DECLARE its_seq    BIGINT UNSIGNED;
    DECLARE its_roster BIGINT UNSIGNED;
    START TRANSACTION;
    SELECT last_seq + 1, roster INTO its_seq, its_roster
        FROM conversations WHERE id = in_conversation_id AND closed_at = 0 FOR UPDATE;
    IF its_seq IS NULL THEN
        ROLLBACK;
    ELSE
        INSERT INTO messages
                (conversation_id, seq, sender_id, client_msg_id, time, kind, body, reply_to, mentions)
            VALUES (in_conversation_id, its_seq, in_sender_id, in_client_msg_id, in_time, in_kind, in_body,
                in_reply_to, in_mentions);
        UPDATE conversations SET last_seq = its_seq, last_time = GREATEST(last_time, in_time)
            WHERE id = in_conversation_id;
        COMMIT;
        SELECT its_seq, its_roster;
    END IF;
END//
DELIMITER ;
