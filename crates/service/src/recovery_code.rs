//! Recovery codes: 80 random bits each, given to their user once, kept by the server as hashes only.
//!
//! They are written in the base 32 of Crockford: letters in any case, `O` read as 0, `I` and `L` as 1, and whatever
//! separates groups passed over. Nobody types them gladly; nobody should fail at them for that.

use domain::{CodeHash, Entropy};
use protocol::limits::{RECOVERY_CODE_BYTES_MAX, RECOVERY_CODE_CHARS, RECOVERY_CODES};
use protocol::{Refusal, Secret};
use sha2::{Digest, Sha256};

use crate::refuse::bad_field;

/// Five bits each, from 0.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters between two separators.
const GROUP: usize = 4;

/// New codes, for their user and for the store.
pub(crate) fn new(entropy: &dyn Entropy) -> (Vec<Secret>, Vec<CodeHash>) {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    let mut hashes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut random = [0; RECOVERY_CODE_CHARS];
        entropy.fill(&mut random);
        let digits = random.map(|byte| DIGITS[usize::from(byte % 32)]);
        hashes.push(hash_of(&digits));
        let mut shown = String::new();
        for (at, digit) in digits.into_iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                shown.push('-');
            }
            shown.push(char::from(digit));
        }
        codes.push(Secret::new(shown));
    }
    (codes, hashes)
}

/// What finds a code that somebody typed.
pub(crate) fn hash(code: &Secret) -> Result<CodeHash, Refusal> {
    let typed = code.expose();
    let mut digits = Vec::with_capacity(RECOVERY_CODE_CHARS);
    if typed.len() <= RECOVERY_CODE_BYTES_MAX {
        for c in typed.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
            let digit = match c.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                c if c.is_ascii() && DIGITS.contains(&(c as u8)) => c as u8,
                _ => return Err(malformed()),
            };
            digits.push(digit);
        }
    }
    if digits.len() != RECOVERY_CODE_CHARS {
        return Err(malformed());
    }
    Ok(hash_of(&digits))
}

/// So many random bits need neither salt nor slow hash.
fn hash_of(digits: &[u8]) -> CodeHash {
    CodeHash(Sha256::digest(digits).into())
}

fn malformed() -> Refusal {
    bad_field("code", format!("a recovery code has {RECOVERY_CODE_CHARS} letters and digits"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::testing::FakeEntropy;

    use super::*;

    #[test]
    fn each_code_is_found_by_what_is_shown_of_it() {
        let (codes, hashes) = new(&FakeEntropy::new(7));
        assert_eq!((codes.len(), hashes.len()), (RECOVERY_CODES, RECOVERY_CODES));
        for (code, expected) in codes.iter().zip(&hashes) {
            let shown = code.expose();
            assert_eq!(shown.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4], "{shown}");
            assert_eq!(hash(code).unwrap(), *expected);
            for typed in
                [shown.to_lowercase(), shown.replace('-', ""), format!(" {} ", shown.replace('-', " "))]
            {
                assert_eq!(hash(&Secret::new(typed)).unwrap(), *expected);
            }
        }
        assert_eq!(codes.iter().map(Secret::expose).collect::<HashSet<_>>().len(), RECOVERY_CODES);
    }

    #[test]
    fn letters_that_look_like_digits_are_those() {
        let same =
            |one: &str, other: &str| hash(&Secret::new(one)).unwrap() == hash(&Secret::new(other)).unwrap();
        assert!(same("0000-1111-2222-ABCD", "oOo0-iIlL-2222-abcd"));
        assert!(!same("0000-1111-2222-ABCD", "0000-1111-2222-ABCE"));
    }

    #[test]
    fn what_cannot_be_a_code_is_said_to_be_none() {
        for typed in [
            "",
            "0000-1111-2222-ABC",
            "0000-1111-2222-ABCDE",
            "0000-1111-2222-ABCU",
            "0000-1111-2222-ABC\u{e9}",
            "0000-1111-2222-ABC\0",
            "\u{ff10}000-1111-2222-ABCD",
            "' OR 1=1; DROP TABLE users; --",
            &"0".repeat(65),
            &format!("{}0000-1111-2222-ABCD", "-".repeat(46)),
        ] {
            let refusal = hash(&Secret::new(typed)).expect_err(typed);
            assert_eq!(refusal.body.field.as_deref(), Some("code"), "{typed}");
        }
        assert!(hash(&Secret::new(format!("{}0000-1111-2222-ABCD", "-".repeat(45)))).is_ok());
    }
}
