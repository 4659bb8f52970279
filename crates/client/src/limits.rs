//! Every limit of the client, and what happens there.

/// Calls that are submitted and not answered. One more is refused with [`QueueFull`](crate::ClientError::QueueFull).
pub const CALLS_MAX: usize = 1024;

/// Requests on the wire at once, whatever the server's `pipeline_max` allows beyond it. More wait in the queue.
pub const IN_FLIGHT_MAX: usize = 256;

/// Places on the wire that calls leave to what the client itself asks (history, acknowledgements).
pub const IN_FLIGHT_RESERVED: usize = 8;

/// Bytes that wait for the socket. With more than this nothing else is encoded.
pub const OUTPUT_BYTES_HIGH: usize = 1024 * 1024;

/// How often one call is put on a new connection after a lost one; then it fails with
/// [`ConnectionLost`](crate::ClientError::ConnectionLost).
pub const RESENDS_MAX: u32 = 8;

/// How often one chat message is repeated that the server was too busy for; then its refusal is the answer.
pub const BUSY_RETRIES_MAX: u32 = 10;

/// The wait before such a repeat if the server names none.
pub const BUSY_WAIT_MS: u64 = 500;

/// The longest wait before a repeat that a server can demand.
pub const BUSY_WAIT_MS_MAX: u64 = 30_000;

/// How long a call may take unless its caller says otherwise; then it fails with
/// [`TimedOut`](crate::ClientError::TimedOut).
pub const CALL_TIMEOUT_MS: u64 = 30_000;

/// Events that wait for the application. While it is full, messages stay on the server and are fetched later.
pub const EVENTS_MAX: usize = 1024;

/// Messages and changes of messages in the session's own queue, on their way into [`EVENTS_MAX`]. Pages under way may exceed it once.
pub const SESSION_MESSAGES_MAX: usize = 256;

/// Other events in the session's own queue. More are dropped, counted, and told as
/// [`Event::Dropped`](crate::Event::Dropped).
pub const SESSION_NOTICES_MAX: usize = 512;

/// Notices of the user that are asked for at once, and broadcasts. Pages under way may exceed [`SESSION_NOTICES_MAX`] once.
pub const NOTICES_PAGE_MAX: u32 = 50;

/// The server is told at most so often that somebody is typing in a conversation: half as long as it holds.
pub const TYPING_EVERY_MS: u64 = 3_000;

/// Entries asked for in one HIDDEN page. Pages under way may exceed [`SESSION_NOTICES_MAX`] once.
pub const HIDDEN_PAGE_MAX: u32 = 100;

/// Messages that were hidden before this device had them, whose texts are not shown when they come.
pub const HIDDEN_AHEAD_MAX: usize = 1_000;

/// Conversations whose cursor is kept. What is said in others is not shown.
pub const CONVERSATIONS_MAX: usize = 65_536;

/// Messages of one conversation that are kept aside until those before them are there. More are fetched again.
pub const HELD_MAX: usize = 256;

/// Bytes of all messages that are kept aside. More are fetched again.
pub const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Conversations that wait for their entry to be asked for, one at a time. More are asked for when something is said in them again.
pub const ENTRIES_WANTED_MAX: usize = 256;

/// HISTORY pages under way at once.
pub const FETCHES_MAX: usize = 4;

/// Messages asked for in one HISTORY page.
pub const FETCH_PAGE_MAX: u32 = 200;

/// CHANGES pages under way at once.
pub const CHANGES_FETCHES_MAX: usize = 2;

/// Changes asked for in one CHANGES page.
pub const CHANGES_PAGE_MAX: u32 = 100;

/// How long a hole in a conversation may stay before it is fetched: pushes and replies may overtake each other a little.
pub const GAP_PATIENCE_MS: u64 = 50;

/// The wait before a page is asked for again that was refused or brought nothing; doubled each time.
pub const FETCH_RETRY_MS: u64 = 1_000;

/// The longest such wait.
pub const FETCH_RETRY_MS_MAX: u64 = 30_000;

/// Pages in a row that bring nothing although there should be something; then the hole is told as
/// [`Event::Gap`](crate::Event::Gap) and passed over.
pub const EMPTY_PAGES_MAX: u32 = 5;

/// How long a message that the application took may wait for its acknowledgement.
pub const ACK_DELAY_MS: u64 = 1_000;

/// How long a message that was read may wait until the server is told.
pub const READ_DELAY_MS: u64 = 200;

/// Messages of one conversation that are acknowledged at once, without that wait.
pub const ACK_BATCH: u64 = 100;

/// How long connecting may take.
pub const CONNECT_TIMEOUT_MS: u64 = 10_000;

/// How long the answer to HELLO and to RESUME may take.
pub const GREETING_TIMEOUT_MS: u64 = 15_000;

/// The bound of the first wait before connecting again; it doubles with each failure.
pub const BACKOFF_FIRST_MS: u64 = 500;

/// The bound at which it stops.
pub const BACKOFF_MAX_MS: u64 = 30_000;

/// The most time that a server can spread REFRESH over with RESYNC.
pub const RESYNC_WITHIN_MS_MAX: u64 = 60_000;

/// The least wait before a REFRESH that was refused is asked again.
pub const REFRESH_RETRY_MS: u64 = 1_000;

/// The longest wait before connecting again that a server can demand with BYE.
pub const RETRY_AFTER_MS_MAX: u64 = 300_000;

/// A connection without a session that lived this long was a success: the wait before the next one begins anew.
pub const GUEST_SETTLED_MS: u64 = 30_000;

/// The shortest heartbeat interval that a server can demand.
pub const HEARTBEAT_MS_MIN: u64 = 50;

/// The longest.
pub const HEARTBEAT_MS_MAX: u64 = 600_000;

/// The interval until the server has named one.
pub const HEARTBEAT_MS_DEFAULT: u64 = 12_000;

/// Body bytes of a frame from the server, unless its HELLO announces larger ones. A larger one ends the connection.
pub const FRAME_BYTES_MAX: u32 = protocol::limits::FRAME_BYTES_MAX + 64 * 1024;

/// The largest body that a HELLO can announce.
pub const FRAME_BYTES_ANNOUNCED_MAX: u32 = 16 * 1024 * 1024;

/// How long answers that are owed may come after the server's BYE.
pub const BYE_TIMEOUT_MS: u64 = 5_000;

/// Bytes read from the socket before something else gets its turn.
pub const READ_BYTES_PER_TURN: usize = 256 * 1024;

/// How long closing waits for the server to take what was sent before.
pub const CLOSE_TIMEOUT_MS: u64 = 1_000;

/// Events that a store writes at once, in one transaction.
pub const STORE_BATCH_MAX: usize = 256;

/// Messages of one's own that wait in a store to be sent. One more is refused.
pub const OUTBOX_MAX: usize = 1_000;

/// Messages that were kept but not shown when a client ended, and that the next one shows first. Of more, the newest.
pub const UNSHOWN_MAX: usize = 10_000;

/// Messages that one search gives at once.
pub const FOUND_MAX: usize = 200;

/// Messages that are taken out of a store at once, in one transaction, where it keeps only so many.
pub const PRUNE_BATCH: usize = 500;

const _: () = {
    assert!(IN_FLIGHT_RESERVED < IN_FLIGHT_MAX);
    assert!(FETCHES_MAX + CHANGES_FETCHES_MAX < IN_FLIGHT_RESERVED);
    assert!(FETCH_PAGE_MAX <= protocol::limits::PAGE_MAX);
    assert!(CHANGES_PAGE_MAX <= protocol::limits::PAGE_MAX);
    assert!(NOTICES_PAGE_MAX <= protocol::limits::PAGE_MAX);
    assert!(TYPING_EVERY_MS * 2 <= protocol::limits::TYPING_MS);
    assert!(HIDDEN_PAGE_MAX <= protocol::limits::PAGE_MAX);
    assert!(FRAME_BYTES_MAX <= FRAME_BYTES_ANNOUNCED_MAX);
};
