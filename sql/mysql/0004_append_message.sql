-- One message in one round trip: the same as the transaction that appends a batch, with the same locks in the same order.
-- Says the message's seq and the roster's version as of the commit; says nothing, and has done nothing, if there is no
-- such conversation, or it is closed. Leaves its transaction open where a statement fails: the caller rolls back, and has to in any case,
-- since no handler is run when a statement is killed or out of time.
--
-- A procedure, since only those that may do anything can make a function where there is a binary log. Runs with the
-- rights of whoever calls it, so it outlives the user who made it.
DELIMITER //
CREATE PROCEDURE append_message (
    IN in_conversation_id BIGINT UNSIGNED,
    IN in_sender_id       BIGINT UNSIGNED,
    IN in_client_msg_id   VARBINARY(64),
    IN in_time            BIGINT UNSIGNED,
    IN in_kind            TINYINT UNSIGNED,
    IN in_body            MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
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
        INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body)
            VALUES (in_conversation_id, its_seq, in_sender_id, in_client_msg_id, in_time, in_kind, in_body);
        UPDATE conversations SET last_seq = its_seq, last_time = GREATEST(last_time, in_time)
            WHERE id = in_conversation_id;
        COMMIT;
        SELECT its_seq, its_roster;
    END IF;
END//
DELIMITER ;
