//! Limits of the fields that are not names. Each violated limit names its field.

use domain::{NUMBER_MAX, Timestamp};
use protocol::limits::{
    AVATAR_BYTES_MAX, CLIENT_MSG_ID_BYTES_MAX, GREETING_CHARS_MAX, GROUP_ANNOUNCEMENT_CHARS_MAX,
    GROUP_DESC_CHARS_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PHONE_CHARS_MAX, SIGNATURE_CHARS_MAX,
};
use protocol::{Refusal, Secret};
use unicode_normalization::UnicodeNormalization;

use crate::names;
use crate::refuse::bad_field;

/// A password that somebody wants to have.
pub(crate) fn new_password(field: &str, password: &str) -> Result<(), Refusal> {
    if password.len() < PASSWORD_BYTES_MIN {
        return Err(bad_field(field, format!("a password has at least {PASSWORD_BYTES_MIN} bytes")));
    }
    password_length(field, password)
}

/// A password that somebody claims to know: only what makes hashing dear is refused, the rest is just wrong.
pub(crate) fn known_password(password: &str) -> Result<(), Refusal> {
    password_length("password", password)
}

fn password_length(field: &str, password: &str) -> Result<(), Refusal> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(bad_field(field, format!("a password has at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The line that comes with a friend request.
pub(crate) fn greeting(greeting: &str) -> Result<(), Refusal> {
    line("greeting", greeting, GREETING_CHARS_MAX)
}

/// What a group is about.
pub(crate) fn group_description(description: &str) -> Result<(), Refusal> {
    line("groupdesc", description, GROUP_DESC_CHARS_MAX)
}

/// The line that users write about themselves, as it is kept.
pub(crate) fn signature(signature: &str) -> Result<String, Refusal> {
    if signature.chars().nth(4 * SIGNATURE_CHARS_MAX).is_some() {
        return Err(bad_field(
            "signature",
            format!("signature is longer than {SIGNATURE_CHARS_MAX} characters"),
        ));
    }
    let normal: String = signature.nfkc().collect();
    let trimmed = normal.trim();
    line("signature", trimmed, SIGNATURE_CHARS_MAX)?;
    Ok(trimmed.to_owned())
}

/// Where a picture is: the characters of a URI (RFC 3986, 2), so that no client needs to escape it.
pub(crate) fn avatar(avatar: &str) -> Result<(), Refusal> {
    if avatar.len() > AVATAR_BYTES_MAX {
        return Err(bad_field("avatar", format!("avatar is longer than {AVATAR_BYTES_MAX} bytes")));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if !avatar.bytes().all(fits) {
        return Err(bad_field("avatar", "avatar holds characters that no URI has"));
    }
    Ok(())
}

/// A phone number, as it is kept. Whether it is anybody's is not looked at.
pub(crate) fn phone(phone: &Secret) -> Result<Secret, Refusal> {
    let raw = phone.expose();
    if raw.chars().nth(PHONE_CHARS_MAX).is_some() {
        return Err(bad_field("phone", format!("phone is longer than {PHONE_CHARS_MAX} characters")));
    }
    let normal: String = raw.nfkc().collect();
    if !normal.chars().all(|c| c.is_ascii_digit() || "+-.() ".contains(c)) {
        return Err(bad_field("phone", "a phone number has digits, spaces and + - . ( ) only"));
    }
    line("phone", normal.trim(), PHONE_CHARS_MAX)?;
    Ok(Secret::new(normal.trim()))
}

/// What a group's members should know now.
pub(crate) fn announcement(announcement: &str) -> Result<(), Refusal> {
    line("announcement", announcement, GROUP_ANNOUNCEMENT_CHARS_MAX)
}

/// The end of something.
pub(crate) fn until(until: u64) -> Result<Timestamp, Refusal> {
    time("until", until)
}

/// A time that stores can hold.
pub(crate) fn time(field: &str, time: u64) -> Result<Timestamp, Refusal> {
    match time {
        0..=NUMBER_MAX => Ok(Timestamp(time)),
        _ => Err(bad_field(field, format!("{field} is at most {NUMBER_MAX}"))),
    }
}

/// A message's text: anything, NUL and controls included, as long as there is something.
pub(crate) fn text(text: &str, bytes_max: usize) -> Result<(), Refusal> {
    said("a message", text, bytes_max)
}

/// The same of what the operator tells everybody.
pub(crate) fn broadcast(text: &str, bytes_max: usize) -> Result<(), Refusal> {
    said("a broadcast", text, bytes_max)
}

fn said(what: &str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(bad_field("msg", format!("{what} cannot be empty")));
    }
    if text.len() > bytes_max {
        return Err(bad_field("msg", format!("{what} has at most {bytes_max} bytes")));
    }
    Ok(())
}

/// A client message id: printable ASCII, so that every store compares it byte by byte.
pub(crate) fn client_msg_id(id: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if id.is_empty() || id.len() > CLIENT_MSG_ID_BYTES_MAX || !printable {
        return Err(bad_field(
            "client_msg_id",
            format!("client_msg_id is 1 to {CLIENT_MSG_ID_BYTES_MAX} printable ASCII characters"),
        ));
    }
    Ok(())
}

/// A line that is shown among others, possibly none: within its limit, and unable to change how they are shown.
fn line(field: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().nth(chars_max).is_some() {
        return Err(bad_field(field, format!("{field} is longer than {chars_max} characters")));
    }
    if text.chars().any(names::is_unsafe) {
        return Err(bad_field(field, format!("{field} cannot hold control or text-direction characters")));
    }
    Ok(())
}
