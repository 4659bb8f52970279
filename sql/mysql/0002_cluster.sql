-- What nodes that share a database must know of a conversation: the same columns as the embedded store's.

ALTER TABLE conversations
    -- Of a group: counts the changes of its members, in each change's own transaction. 0 for what is no group.
    ADD COLUMN roster    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- The latest time of its messages; 0 while there are none.
    ADD COLUMN last_time BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- How often a group's members changed so far is not known, only that they did.
UPDATE conversations SET roster = 1 WHERE kind = 2;

-- The newest message stands for all: who asks for a time asks for what came after a node started, which is later.
UPDATE conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq SET c.last_time = m.time;

-- The conversations of a user by rising id, from this index alone, whichever of the two they are.
ALTER TABLE direct_conversations
    ADD KEY direct_conversations_lo_page (user_lo, conversation_id, user_hi),
    ADD KEY direct_conversations_hi_page (user_hi, conversation_id, user_lo),
    DROP KEY direct_conversations_hi;
