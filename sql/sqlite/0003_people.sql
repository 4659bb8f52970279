-- People: profiles, recovery, notices, friends' remarks and blocks, and groups that are led. The same tables and columns
-- as the cluster's database.

-- Hot: shown in every list. An empty nickname shows the name.
ALTER TABLE users ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
-- The nickname's folded form, for the search.
ALTER TABLE users ADD COLUMN nickname_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
-- 1: found by searches.
ALTER TABLE users ADD COLUMN searchable INTEGER NOT NULL DEFAULT 1;
-- When the last connection ended; 0 before the first.
ALTER TABLE users ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 0;
-- 0 while the account is there. A deleted one's name_key is a character 0 and its number, which is nobody's name.
ALTER TABLE users ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;
-- Counts the changes of the user's list of friends: who is in it, and how they are shown.
ALTER TABLE users ADD COLUMN friends_version INTEGER NOT NULL DEFAULT 0;
-- Counts the changes of the user's memberships.
ALTER TABLE users ADD COLUMN groups_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_nickname_key ON users (nickname_key);

-- Cold: read by whoever looks at one profile.
CREATE TABLE user_details (
    user_id   INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    signature TEXT    NOT NULL,
    -- For the user alone.
    phone     TEXT    NOT NULL
) STRICT;

-- Wrong recovery codes in a row, and when the next is looked at.
ALTER TABLE credentials ADD COLUMN recovery_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN recovery_after INTEGER NOT NULL DEFAULT 0;

-- Codes that were not used yet. A code is used by deleting its row: once.
CREATE TABLE recovery_codes (
    user_id   INTEGER NOT NULL REFERENCES users (id),
    code_hash BLOB    NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

-- One row: counts the tries to recover an account that is not there, or that has to wait. They cost a write as the others
-- do, so that the time of an answer tells nothing.
CREATE TABLE recoveries_in_vain (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    tries INTEGER NOT NULL
) STRICT;
INSERT INTO recoveries_in_vain (id, tries) VALUES (1, 0);

-- What concerned one user and can be seen nowhere else: decisions, removals, new roles. By a seq of the user's own.
CREATE TABLE notices (
    user_id  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    -- Who did it.
    by_id    INTEGER NOT NULL,
    -- The group concerned; 0 for none.
    group_id INTEGER NOT NULL,
    -- A new role, the end of a muting; 0 where the kind has none.
    detail   INTEGER NOT NULL,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID;
-- For expiry.
CREATE INDEX notices_at ON notices (at);

-- How far each user's notices go.
CREATE TABLE notice_heads (
    user_id  INTEGER NOT NULL PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    -- The highest that any session acknowledged: where a new session without a memory begins.
    acked    INTEGER NOT NULL
) STRICT;

-- The notices that this session's device acknowledged.
ALTER TABLE sessions ADD COLUMN notices_acked INTEGER NOT NULL DEFAULT 0;

-- What a user calls a friend, and the group of friends they put them into. Outlives the friendship.
CREATE TABLE friend_notes (
    user_id   INTEGER NOT NULL REFERENCES users (id),
    friend_id INTEGER NOT NULL REFERENCES users (id),
    remark    TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    PRIMARY KEY (user_id, friend_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocks (
    user_id    INTEGER NOT NULL REFERENCES users (id),
    blocked_id INTEGER NOT NULL REFERENCES users (id),
    at         INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;

-- When it was closed: nothing more is said there. 0 while it is open.
ALTER TABLE conversations ADD COLUMN closed_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE chat_groups ADD COLUMN announcement TEXT NOT NULL DEFAULT '';
ALTER TABLE chat_groups ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
-- 1: everybody may, 2: with approval, 3: by invitation.
ALTER TABLE chat_groups ADD COLUMN joining INTEGER NOT NULL DEFAULT 1;
-- All but owner and admins are silent until then.
ALTER TABLE chat_groups ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
-- Counts the changes of what a list of groups shows of it.
ALTER TABLE chat_groups ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

ALTER TABLE group_members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;

-- Who asked to come into a group that decides. At most one of a user for a group; it is decided by deleting it: once.
CREATE TABLE group_applications (
    group_id INTEGER NOT NULL REFERENCES chat_groups (id),
    user_id  INTEGER NOT NULL REFERENCES users (id),
    greeting TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_applications_user ON group_applications (user_id, group_id);

-- Who was asked to come into a group. Answered by deleting it: once.
CREATE TABLE group_invitations (
    group_id INTEGER NOT NULL REFERENCES chat_groups (id),
    user_id  INTEGER NOT NULL REFERENCES users (id),
    -- Who asked.
    by_id    INTEGER NOT NULL REFERENCES users (id),
    at       INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_invitations_user ON group_invitations (user_id, group_id);

-- Deleted accounts whose friendships and memberships are not worked off yet: mostly empty.
CREATE TABLE departures (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    -- What becomes of groups that they own. 1: handed over, 2: dissolved.
    owned   INTEGER NOT NULL
) STRICT;
