-- The first schema. The same tables and columns as the embedded store's; what MySQL 8 and MariaDB 10.11 both read.
--
-- Times are Unix milliseconds. Names, ids and keys are compared byte by byte (VARBINARY, or a binary collation), so
-- that case, accents and trailing spaces always matter: folding is the service's business. Text is utf8mb4.

-- Read at every login and for every list. AUTO_INCREMENT never gives a number twice, not even after a restart.
CREATE TABLE users (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(255)    NOT NULL,
    -- The name's unique form settles who of two gets it.
    name_key   VARBINARY(1020) NOT NULL,
    created_at BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY users_name_key (name_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Read at password logins only.
CREATE TABLE credentials (
    user_id       BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    password_hash VARCHAR(255)    NOT NULL,
    FOREIGN KEY credentials_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE sessions (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id    BIGINT UNSIGNED NOT NULL,
    token_hash BINARY(32)      NOT NULL,
    device     VARCHAR(255)    NOT NULL,
    since      BIGINT UNSIGNED NOT NULL,
    seen       BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY sessions_token_hash (token_hash),
    KEY sessions_user (user_id, seen),
    -- For expiry.
    KEY sessions_seen (seen),
    FOREIGN KEY sessions_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Requests that wait. At most one between two users, whoever asked.
CREATE TABLE friend_requests (
    from_id  BIGINT UNSIGNED NOT NULL,
    to_id    BIGINT UNSIGNED NOT NULL,
    greeting VARCHAR(1000)   NOT NULL,
    at       BIGINT UNSIGNED NOT NULL,
    -- The two users in rising order.
    pair_lo  BIGINT UNSIGNED NOT NULL,
    pair_hi  BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (from_id, to_id),
    UNIQUE KEY friend_requests_pair (pair_lo, pair_hi),
    KEY friend_requests_to (to_id, from_id),
    FOREIGN KEY friend_requests_from_user (from_id) REFERENCES users (id),
    FOREIGN KEY friend_requests_to_user (to_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every conversation; its row is locked while messages are appended, which is what gives them one order.
CREATE TABLE conversations (
    id       BIGINT UNSIGNED  NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- 1: between two users, 2: of a group.
    kind     TINYINT UNSIGNED NOT NULL,
    last_seq BIGINT UNSIGNED  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Whose conversation it is. Outlives the friendship, so that old friends who find each other again go on where they
-- stopped.
CREATE TABLE direct_conversations (
    user_lo         BIGINT UNSIGNED NOT NULL,
    user_hi         BIGINT UNSIGNED NOT NULL,
    conversation_id BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_lo, user_hi),
    UNIQUE KEY direct_conversations_conversation (conversation_id),
    KEY direct_conversations_hi (user_hi, user_lo),
    FOREIGN KEY direct_conversations_lo_user (user_lo) REFERENCES users (id),
    FOREIGN KEY direct_conversations_hi_user (user_hi) REFERENCES users (id),
    FOREIGN KEY direct_conversations_conversation (conversation_id) REFERENCES conversations (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE friendships (
    user_lo         BIGINT UNSIGNED NOT NULL,
    user_hi         BIGINT UNSIGNED NOT NULL,
    conversation_id BIGINT UNSIGNED NOT NULL,
    since           BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_lo, user_hi),
    KEY friendships_hi (user_hi, user_lo),
    FOREIGN KEY friendships_lo_user (user_lo) REFERENCES users (id),
    FOREIGN KEY friendships_hi_user (user_hi) REFERENCES users (id),
    FOREIGN KEY friendships_conversation (conversation_id) REFERENCES conversations (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE chat_groups (
    -- The conversation's id.
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    name        VARCHAR(255)    NOT NULL,
    description VARCHAR(1000)   NOT NULL,
    -- Rows of group_members with this group; changed under this row's lock. At 0 the group is closed.
    members     INT UNSIGNED    NOT NULL,
    created_at  BIGINT UNSIGNED NOT NULL,
    FOREIGN KEY chat_groups_conversation (id) REFERENCES conversations (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE group_members (
    group_id  BIGINT UNSIGNED  NOT NULL,
    user_id   BIGINT UNSIGNED  NOT NULL,
    -- 1: owner, 2: admin, 3: member.
    role      TINYINT UNSIGNED NOT NULL,
    -- The conversation's last seq when they joined.
    since_seq BIGINT UNSIGNED  NOT NULL,
    joined_at BIGINT UNSIGNED  NOT NULL,
    PRIMARY KEY (group_id, user_id),
    KEY group_members_user (user_id, group_id),
    FOREIGN KEY group_members_group (group_id) REFERENCES chat_groups (id),
    FOREIGN KEY group_members_user (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The log. Clustered by conversation and seq, so that a page of history is one short scan, however large the log is.
-- Without foreign keys: whoever appends holds the conversation's row locked, and a check per message costs.
CREATE TABLE messages (
    conversation_id BIGINT UNSIGNED  NOT NULL,
    seq             BIGINT UNSIGNED  NOT NULL,
    sender_id       BIGINT UNSIGNED  NOT NULL,
    client_msg_id   VARBINARY(64)    NOT NULL,
    time            BIGINT UNSIGNED  NOT NULL,
    kind            TINYINT UNSIGNED NOT NULL,
    body            MEDIUMTEXT       NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    -- What makes a repeated append harmless.
    UNIQUE KEY messages_client_msg_id (sender_id, client_msg_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far each user acknowledged each conversation.
CREATE TABLE cursors (
    user_id         BIGINT UNSIGNED NOT NULL,
    conversation_id BIGINT UNSIGNED NOT NULL,
    seq             BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
