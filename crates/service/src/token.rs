//! Session tokens: given to the client once, kept by the server as a hash only.

use std::fmt::Write;

use domain::{Entropy, TokenHash};
use protocol::Secret;
use protocol::limits::TOKEN_CHARS;
use sha2::{Digest, Sha256};

const TOKEN_BYTES: usize = TOKEN_CHARS / 2;

/// A new token, in lower-case hexadecimal.
pub(crate) fn new(entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0; TOKEN_BYTES];
    entropy.fill(&mut bytes);
    let text = bytes.iter().fold(String::with_capacity(TOKEN_CHARS), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Secret::new(text)
}

/// What finds a token's session; `None` for what cannot be a token. 256 random bits need neither salt nor slow hash.
pub(crate) fn hash(token: &Secret) -> Option<TokenHash> {
    let text = token.expose();
    (text.len() == TOKEN_CHARS).then(|| TokenHash(Sha256::digest(text.as_bytes()).into()))
}
