-- How far everybody got, as the server last told: unread counts and receipts without a connection.
ALTER TABLE conversations ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN their_delivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN their_read INTEGER NOT NULL DEFAULT 0;
