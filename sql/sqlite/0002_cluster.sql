-- What nodes that share a database must know of a conversation: the same columns as the cluster's database.

-- Of a group: counts the changes of its members, in each change's own transaction. 0 for what is no group.
ALTER TABLE conversations ADD COLUMN roster INTEGER NOT NULL DEFAULT 0;
-- The latest time of its messages; 0 while there are none.
ALTER TABLE conversations ADD COLUMN last_time INTEGER NOT NULL DEFAULT 0;

-- How often a group's members changed so far is not known, only that they did.
UPDATE conversations SET roster = 1 WHERE kind = 2;

-- The newest message stands for all: who asks for a time asks for what came after a node started, which is later.
UPDATE conversations SET last_time = m.time
FROM messages m
WHERE m.conversation_id = conversations.id AND m.seq = conversations.last_seq;
