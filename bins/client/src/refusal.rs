//! Why the server said no, in words for people.

use client::ClientError;
use client::protocol::{Blame, Code, Refusal};

/// Seconds from which on a wait is told in minutes.
const IN_MINUTES_FROM_S: u64 = 120;

/// What servers say where they do not know who reads it: the wait is beside it. The latter is of the first versions.
const LATER: [&str; 2] = ["; try again later", "; repeat after retry_after_ms"];

/// The sentence of a refusal, with the time that it says to wait.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    let said = without_field(refusal).unwrap_or_else(|| refusal.to_string());
    if refusal.code.blame() != Blame::Busy {
        return said;
    }
    match (without_later(&said), refusal.body.retry_after_ms) {
        (what, Some(ms)) => format!("{what}; try again in {}", wait(ms)),
        (what, None) if what.len() < said.len() => format!("{what}; try again later"),
        (_, None) => said,
    }
}

/// What people call the fields of requests whose names are none of their words.
const FIELDS: &[(&str, &str)] = &[
    ("groupname", "a group's name"),
    ("groupdesc", "a group's description"),
    ("msg", "a message"),
    ("query", "what to search for"),
];

/// A sentence that begins with a field's name, with people's word for it.
fn without_field(refusal: &Refusal) -> Option<String> {
    let field = refusal.body.field.as_deref()?;
    let rest = refusal.body.errmsg.strip_prefix(field)?.strip_prefix(' ')?;
    let (_, word) = FIELDS.iter().find(|(name, _)| *name == field)?;
    Some(format!("{word} {rest}"))
}

/// The same of whatever kept a request from being done.
pub(crate) fn why(error: &ClientError) -> String {
    match error {
        ClientError::Refused(refusal) => sentence(refusal),
        error => error.to_string(),
    }
}

/// A sentence of the server without the advice to wait, where somebody says what the client does.
pub(crate) fn without_later(said: &str) -> &str {
    LATER.iter().find_map(|later| said.strip_suffix(later)).unwrap_or(said)
}

/// Whether the server said no more than the code does.
pub(crate) fn is_bare(refusal: &Refusal) -> bool {
    refusal.body.errmsg.is_empty() || refusal.body.errmsg == Code::text(refusal.code)
}

/// `1 second`, `12 seconds`, `3 minutes`: never less than it is.
fn wait(ms: u64) -> String {
    match ms.div_ceil(1_000) {
        0 | 1 => "1 second".to_owned(),
        seconds if seconds < IN_MINUTES_FROM_S => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_as_people_count() {
        let told = |refusal: Refusal| sentence(&refusal);
        let too_many = |ms| told(Refusal::new(Code::TOO_MANY).retry_after_ms(ms));
        assert_eq!(too_many(11_001), "too many attempts; try again in 12 seconds");
        assert_eq!(too_many(0), "too many attempts; try again in 1 second");
        assert_eq!(too_many(119_500), "too many attempts; try again in 2 minutes");
        assert_eq!(too_many(3_600_000), "too many attempts; try again in 60 minutes");
        let busy = Refusal::new(Code::BUSY);
        assert_eq!(told(busy.clone()), "the server is busy; try again later");
        assert_eq!(told(busy.retry_after_ms(1_000)), "the server is busy; try again in 1 second");
        let old = Refusal::saying(Code::BUSY, "the server is busy; repeat after retry_after_ms");
        assert_eq!(told(old), "the server is busy; try again later");
        let own = Refusal::saying(Code::TOO_MANY, "too many broadcasts").retry_after_ms(2_000);
        assert_eq!(told(own), "too many broadcasts; try again in 2 seconds");
    }

    #[test]
    fn fields_have_names_of_people() {
        let told = |field: &str, said: &str| sentence(&Refusal::saying(Code::BAD_FIELD, said).field(field));
        let long = "groupname is longer than 32 characters";
        assert_eq!(told("groupname", long), "a group's name is longer than 32 characters");
        assert_eq!(told("label", "label is longer than 32 characters"), "label is longer than 32 characters");
        assert_eq!(told("msg", "a message cannot be empty"), "a message cannot be empty");
    }

    #[test]
    fn no_code_is_told_in_words_of_the_wire() {
        for (code, name, _) in Code::TABLE {
            let told = sentence(&Refusal::new(*code).retry_after_ms(2_000));
            assert!(!told.contains('_'), "{name}: {told}");
        }
    }
}
