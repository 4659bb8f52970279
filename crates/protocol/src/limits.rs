//! Limits that both sides know. The server may set lower ones by configuration and says so in its HELLO.

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*

        /// Every limit by name: the table in `docs/protocol.md`.
        pub const TABLE: &[(&str, u64)] = &[$((stringify!($name), $name as u64),)*];
    };
}

limits! {
    /// Body bytes of a frame unless the server's HELLO says otherwise.
    FRAME_BYTES_MAX: u32 = 1024 * 1024;

    /// Body bytes of a frame before login: nobody unknown makes the server buffer more than this.
    FRAME_BYTES_BEFORE_LOGIN_MAX: u32 = 16 * 1024;

    /// Lists and objects within each other in a body, the outermost object included.
    NESTING_MAX: usize = 32;

    /// Bytes of a message text in UTF-8.
    TEXT_BYTES_MAX: usize = 64 * 1024;

    /// Bytes of a broadcast in UTF-8.
    BROADCAST_BYTES_MAX: usize = 4 * 1024;

    /// Characters of a message that is quoted by who answers it.
    QUOTE_CHARS_MAX: usize = 100;

    /// Users that one message mentions.
    MENTIONS_MAX: usize = 50;

    /// Bytes of a client message id.
    CLIENT_MSG_ID_BYTES_MAX: usize = 64;

    /// Characters of a user's name.
    NAME_CHARS_MAX: usize = 32;

    /// Characters of a nickname.
    NICKNAME_CHARS_MAX: usize = 32;

    /// Characters of what a user calls a friend.
    REMARK_CHARS_MAX: usize = 32;

    /// Characters of a label that friends are put under.
    LABEL_CHARS_MAX: usize = 32;

    /// Labels of one user's friends.
    LABELS_MAX: u32 = 50;

    /// Characters of a search for users.
    QUERY_CHARS_MAX: usize = 32;

    /// Characters of a search for messages.
    MESSAGE_QUERY_CHARS_MAX: usize = 200;

    /// Characters of the line that users write about themselves.
    SIGNATURE_CHARS_MAX: usize = 200;

    /// Bytes of the reference to a picture, all ASCII.
    AVATAR_BYTES_MAX: usize = 200;

    /// Characters of a phone number.
    PHONE_CHARS_MAX: usize = 32;

    /// Bytes of a password, at least.
    PASSWORD_BYTES_MIN: usize = 8;

    /// Bytes of a password, at most: hashing cost must not depend on the attacker.
    PASSWORD_BYTES_MAX: usize = 256;

    /// Recovery codes that a user has at a time.
    RECOVERY_CODES: usize = 10;

    /// Letters and digits of a recovery code, without the separators.
    RECOVERY_CODE_CHARS: usize = 16;

    /// Bytes of a recovery code as somebody types it, separators included.
    RECOVERY_CODE_BYTES_MAX: usize = 64;

    /// Characters of the greeting that comes with a friend request.
    GREETING_CHARS_MAX: usize = 200;

    /// Characters of a group's name.
    GROUP_NAME_CHARS_MAX: usize = 50;

    /// Characters of a group's description.
    GROUP_DESC_CHARS_MAX: usize = 200;

    /// Characters of a group's announcement.
    GROUP_ANNOUNCEMENT_CHARS_MAX: usize = 500;

    /// Characters of a device's name and of a client's name in HELLO.
    DEVICE_CHARS_MAX: usize = 64;

    /// Characters of a session token (hexadecimal).
    TOKEN_CHARS: usize = 64;

    /// Entries of any page, whatever a request asks for.
    PAGE_MAX: u32 = 200;

    /// Messages of one RECEIPTS.
    RECEIPTS_SEQS_MAX: usize = 100;

    /// Members of a group whose receipts are counted.
    RECEIPTS_MEMBERS_MAX: usize = 200;

    /// Conversations that a user keeps quiet, all of them together counting as one.
    QUIET_MAX: u32 = 500;

    /// Members of a group in which it is told who is typing.
    TYPING_MEMBERS_MAX: usize = 50;

    /// How long it holds that somebody is typing, in milliseconds.
    TYPING_MS: u64 = 6_000;

    /// Messages of one HIDE.
    HIDE_SEQS_MAX: usize = 100;

    /// Messages that a user hides, in all conversations together.
    HIDDEN_MAX: u64 = 50_000;

    /// Bytes of a time zone's name.
    ZONE_BYTES_MAX: usize = 64;

    /// The greatest number on the wire that is exact everywhere; as a time: for ever.
    NUMBER_MAX: u64 = (1 << 53) - 1;

    /// JSON bytes of messages in one HISTORY page: a page ends early rather than grow over this.
    HISTORY_PAGE_BYTES_MAX: usize = 512 * 1024;
}

const _: () = {
    // A page, and the largest text with every character escaped, must fit a frame.
    assert!(HISTORY_PAGE_BYTES_MAX < FRAME_BYTES_MAX as usize);
    assert!(TEXT_BYTES_MAX * 6 + 4096 < HISTORY_PAGE_BYTES_MAX);
    assert!(FRAME_BYTES_BEFORE_LOGIN_MAX < FRAME_BYTES_MAX);
    // The largest REG, with every character escaped, fits before login.
    assert!((NAME_CHARS_MAX * 2 + PASSWORD_BYTES_MAX) * 6 + 64 < FRAME_BYTES_BEFORE_LOGIN_MAX as usize);
    // And so does the largest RECOVER.
    assert!(
        (NAME_CHARS_MAX * 2 + RECOVERY_CODE_BYTES_MAX + PASSWORD_BYTES_MAX) * 6 + 128
            < FRAME_BYTES_BEFORE_LOGIN_MAX as usize
    );
    // All that a user keeps quiet is one answer.
    assert!(QUIET_MAX as usize * (ZONE_BYTES_MAX + 160) < FRAME_BYTES_MAX as usize);
    // The login bundle is the deepest body: object, list, object.
    assert!(NESTING_MAX >= 3);
};
