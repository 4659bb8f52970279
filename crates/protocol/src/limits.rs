//! Limits that both sides know. The server may set lower ones by configuration and says so in its HELLO.

/// Body bytes of a frame unless the server's HELLO says otherwise.
pub const FRAME_BYTES_MAX: u32 = 1024 * 1024;

/// Body bytes of a frame before login: nobody unknown makes the server buffer more than this.
pub const FRAME_BYTES_BEFORE_LOGIN_MAX: u32 = 16 * 1024;

/// Bytes of a message text in UTF-8.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a client message id.
pub const CLIENT_MSG_ID_BYTES_MAX: usize = 64;

/// Characters of a user's name.
pub const NAME_CHARS_MAX: usize = 32;

/// Bytes of a password, at least.
pub const PASSWORD_BYTES_MIN: usize = 8;

/// Bytes of a password, at most: hashing cost must not depend on the attacker.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Characters of the greeting that comes with a friend request.
pub const GREETING_CHARS_MAX: usize = 200;

/// Characters of a group's name.
pub const GROUP_NAME_CHARS_MAX: usize = 50;

/// Characters of a group's description.
pub const GROUP_DESC_CHARS_MAX: usize = 200;

/// Characters of a device's name and of a client's name in HELLO.
pub const DEVICE_CHARS_MAX: usize = 64;

/// Characters of a session token (hexadecimal).
pub const TOKEN_CHARS: usize = 64;

/// Entries of any page, whatever a request asks for.
pub const PAGE_MAX: u32 = 200;

/// JSON bytes of messages in one HISTORY page: a page ends early rather than grow over this.
pub const HISTORY_PAGE_BYTES_MAX: usize = 512 * 1024;

const _: () = {
    // A page, and the largest text with every character escaped, must fit a frame.
    assert!(HISTORY_PAGE_BYTES_MAX < FRAME_BYTES_MAX as usize);
    assert!(TEXT_BYTES_MAX * 6 + 4096 < HISTORY_PAGE_BYTES_MAX);
    assert!(FRAME_BYTES_BEFORE_LOGIN_MAX < FRAME_BYTES_MAX);
};
