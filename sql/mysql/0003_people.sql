-- People: profiles, recovery, notices, friends' remarks and blocks, and groups that are led. The same tables and columns
-- as the embedded store's.

ALTER TABLE users
    -- Hot: shown in every list. An empty nickname shows the name.
    ADD COLUMN nickname       VARCHAR(255)     NOT NULL DEFAULT '',
    -- The nickname's folded form, for the search.
    ADD COLUMN nickname_key   VARBINARY(1020)  NOT NULL DEFAULT '',
    ADD COLUMN avatar         VARCHAR(1000)    NOT NULL DEFAULT '',
    -- 1: found by searches.
    ADD COLUMN searchable     TINYINT UNSIGNED NOT NULL DEFAULT 1,
    -- When the last connection ended; 0 before the first.
    ADD COLUMN last_seen      BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    -- 0 while the account is there. A deleted one's name_key is a byte 0 and its number, which is nobody's name.
    ADD COLUMN deleted_at     BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    -- Counts the changes of the user's list of friends: who is in it, and how they are shown.
    ADD COLUMN friends_version BIGINT UNSIGNED NOT NULL DEFAULT 0,
    -- Counts the changes of the user's memberships.
    ADD COLUMN groups_version BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    ADD KEY users_nickname_key (nickname_key);

-- Cold: read by whoever looks at one profile.
CREATE TABLE user_details (
    user_id   BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    signature VARCHAR(1000)   NOT NULL,
    -- For the user alone.
    phone     VARCHAR(255)    NOT NULL,
    FOREIGN KEY user_details_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE credentials
    -- Wrong recovery codes in a row, and when the next is looked at.
    ADD COLUMN recovery_failures INT UNSIGNED    NOT NULL DEFAULT 0,
    ADD COLUMN recovery_after    BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Codes that were not used yet. A code is used by deleting its row: once.
CREATE TABLE recovery_codes (
    user_id   BIGINT UNSIGNED NOT NULL,
    code_hash BINARY(32)      NOT NULL,
    PRIMARY KEY (user_id, code_hash),
    FOREIGN KEY recovery_codes_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: counts the tries to recover an account that is not there, or that has to wait. They cost a write as the others
-- do, so that the time of an answer tells nothing.
CREATE TABLE recoveries_in_vain (
    id    TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    tries BIGINT UNSIGNED  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO recoveries_in_vain (id, tries) VALUES (1, 0);

-- What concerned one user and can be seen nowhere else: decisions, removals, new roles. By a seq of the user's own.
CREATE TABLE notices (
    user_id BIGINT UNSIGNED  NOT NULL,
    seq     BIGINT UNSIGNED  NOT NULL,
    at      BIGINT UNSIGNED  NOT NULL,
    kind    TINYINT UNSIGNED NOT NULL,
    -- Who did it.
    by_id   BIGINT UNSIGNED  NOT NULL,
    -- The group concerned; 0 for none.
    group_id BIGINT UNSIGNED NOT NULL,
    -- A new role, the end of a muting; 0 where the kind has none.
    detail  BIGINT UNSIGNED  NOT NULL,
    PRIMARY KEY (user_id, seq),
    -- For expiry.
    KEY notices_at (at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far each user's notices go. Locked while one is added, which gives them one order.
CREATE TABLE notice_heads (
    user_id  BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    last_seq BIGINT UNSIGNED NOT NULL,
    -- The highest that any session acknowledged: where a new session without a memory begins.
    acked    BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE sessions
    -- The notices that this session's device acknowledged.
    ADD COLUMN notices_acked BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- What a user calls a friend, and the group of friends they put them into. Outlives the friendship.
CREATE TABLE friend_notes (
    user_id   BIGINT UNSIGNED NOT NULL,
    friend_id BIGINT UNSIGNED NOT NULL,
    remark    VARCHAR(255)    NOT NULL,
    label     VARCHAR(255)    NOT NULL,
    PRIMARY KEY (user_id, friend_id),
    FOREIGN KEY friend_notes_user (user_id) REFERENCES users (id),
    FOREIGN KEY friend_notes_friend (friend_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE blocks (
    user_id    BIGINT UNSIGNED NOT NULL,
    blocked_id BIGINT UNSIGNED NOT NULL,
    at         BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, blocked_id),
    FOREIGN KEY blocks_user (user_id) REFERENCES users (id),
    FOREIGN KEY blocks_blocked (blocked_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE conversations
    -- When it was closed: nothing more is said there. 0 while it is open.
    ADD COLUMN closed_at BIGINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE chat_groups
    ADD COLUMN announcement VARCHAR(2000)    NOT NULL DEFAULT '',
    ADD COLUMN avatar       VARCHAR(1000)    NOT NULL DEFAULT '',
    -- 1: everybody may, 2: with approval, 3: by invitation.
    ADD COLUMN joining      TINYINT UNSIGNED NOT NULL DEFAULT 1,
    -- All but owner and admins are silent until then.
    ADD COLUMN muted_until  BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    -- Counts the changes of what a list of groups shows of it.
    ADD COLUMN version      BIGINT UNSIGNED  NOT NULL DEFAULT 0;

ALTER TABLE group_members
    ADD COLUMN muted_until BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Who asked to come into a group that decides. At most one of a user for a group; it is decided by deleting it: once.
CREATE TABLE group_applications (
    group_id BIGINT UNSIGNED NOT NULL,
    user_id  BIGINT UNSIGNED NOT NULL,
    greeting VARCHAR(1000)   NOT NULL,
    at       BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (group_id, user_id),
    KEY group_applications_user (user_id, group_id),
    FOREIGN KEY group_applications_group (group_id) REFERENCES chat_groups (id),
    FOREIGN KEY group_applications_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who was asked to come into a group. Answered by deleting it: once.
CREATE TABLE group_invitations (
    group_id BIGINT UNSIGNED NOT NULL,
    user_id  BIGINT UNSIGNED NOT NULL,
    -- Who asked.
    by_id    BIGINT UNSIGNED NOT NULL,
    at       BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (group_id, user_id),
    KEY group_invitations_user (user_id, group_id),
    FOREIGN KEY group_invitations_group (group_id) REFERENCES chat_groups (id),
    FOREIGN KEY group_invitations_user (user_id) REFERENCES users (id),
    FOREIGN KEY group_invitations_by (by_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Deleted accounts whose friendships and memberships are not worked off yet: mostly empty.
CREATE TABLE departures (
    user_id BIGINT UNSIGNED  NOT NULL PRIMARY KEY,
    -- What becomes of groups that they own. 1: handed over, 2: dissolved.
    owned   TINYINT UNSIGNED NOT NULL,
    FOREIGN KEY departures_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
