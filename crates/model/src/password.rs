//! Password hashes: argon2id (RFC 9106) in PHC strings.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as PhcError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Entropy, HashError, PasswordHasher};
use zeroize::Zeroizing;

/// Memory of one hash, in KiB, and the passes over it: the first choice of the OWASP password storage cheat sheet.
/// About 30 ms of one core, and 19 MiB while it lasts.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// RFC 9106 section 3.1 recommends 16 bytes of salt for password hashing.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What a stored hash may at most cost: four times our own parameters, room for an operator who raised them. A row that
/// asks for more was not written by us and would stop the lane.
const MEMORY_KIB_MAX: u32 = 4 * MEMORY_KIB;
const PASSES_MAX: u32 = 4 * PASSES;
const LANES_MAX: u32 = 4;

/// A salt and a result that nobody computed: to find a password for it is to find a preimage of 32 zero bytes.
const DECOY_SALT_AND_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Argon2id hashes with a salt each. Any thread, one core for some 30 ms and 19 MiB per call: whoever calls bounds how
/// many run at once. The library wipes what it derived; the large working memory goes back to the kernel.
pub struct Argon2Hasher {
    argon2: Argon2<'static>,
    entropy: Arc<dyn Entropy>,
    decoy: String,
}

impl Argon2Hasher {
    /// A hasher of the recommended cost, that takes its salts from `entropy`.
    pub fn new(entropy: Arc<dyn Entropy>) -> Argon2Hasher {
        #[expect(clippy::expect_used, reason = "constants within both limits, used by every test here")]
        Argon2Hasher::with_cost(entropy, MEMORY_KIB, PASSES).expect("the recommended cost is valid")
    }

    /// A hasher of another cost: `memory_kib` from 8 to 77,824 (argon2id m), `passes` from 1 to 8 (t). Hashes that were
    /// made at any cost within these limits are still verified.
    pub fn with_cost(
        entropy: Arc<dyn Entropy>,
        memory_kib: u32,
        passes: u32,
    ) -> Result<Argon2Hasher, HashError> {
        if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX {
            let cause = format!(
                "a cost of m={memory_kib},t={passes} is over the limit of m={MEMORY_KIB_MAX},t={PASSES_MAX}"
            );
            return Err(HashError { cause });
        }
        let params = Params::new(memory_kib, passes, LANES, Some(HASH_BYTES)).map_err(hash_error)?;
        let decoy = format!("$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${DECOY_SALT_AND_HASH}");
        Ok(Argon2Hasher { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), entropy, decoy })
    }
}

impl PasswordHasher for Argon2Hasher {
    fn hash(&self, password: &str) -> Result<String, HashError> {
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        self.entropy.fill(&mut *salt);
        let hash = self.argon2.hash_password_with_salt(password.as_bytes(), &*salt).map_err(hash_error)?;
        Ok(hash.to_string())
    }

    fn verify(&self, password: &str, hash: &str) -> Result<bool, HashError> {
        let hash = PasswordHash::new(hash).map_err(hash_error)?;
        check_cost(&hash)?;
        match self.argon2.verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(PhcError::PasswordInvalid) => Ok(false),
            Err(error) => Err(hash_error(error)),
        }
    }

    fn decoy(&self) -> &str {
        &self.decoy
    }
}

/// Refuses a stored hash that is not argon2id or costs more than the limits above, before anything is computed.
fn check_cost(hash: &PasswordHash) -> Result<(), HashError> {
    if hash.algorithm != argon2::ARGON2ID_IDENT {
        return Err(HashError { cause: "the stored hash is not argon2id".to_owned() });
    }
    let params = Params::try_from(hash).map_err(hash_error)?;
    if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX {
        let cause = format!(
            "the stored hash asks for m={},t={},p={}, the limit is m={MEMORY_KIB_MAX},t={PASSES_MAX},p={LANES_MAX}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost()
        );
        return Err(HashError { cause });
    }
    Ok(())
}

fn hash_error(error: impl std::fmt::Display) -> HashError {
    HashError { cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    fn hasher() -> Argon2Hasher {
        Argon2Hasher::new(Arc::new(SystemEntropy))
    }

    #[test]
    fn knows_its_own_hashes() {
        let hasher = hasher();
        for password in ["correct horse", "", "пароль 🔑", "a\0b", "%s' OR 1=1 --", &"x".repeat(1024)]
        {
            let hash = hasher.hash(password).unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert!(hasher.verify(password, &hash).unwrap(), "{password:?}");
            assert!(!hasher.verify(&format!("{password} "), &hash).unwrap(), "{password:?}");
        }
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        let hasher = hasher();
        assert_ne!(hasher.hash("same").unwrap(), hasher.hash("same").unwrap());
    }

    #[test]
    fn agrees_with_the_reference_implementation() {
        // From the reference implementation's test suite (phc-winner-argon2, src/test.c, version 0x13, argon2id).
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(hasher().verify("password", hash).unwrap());
        assert!(!hasher().verify("Password", hash).unwrap());
    }

    #[test]
    fn the_decoy_costs_what_a_hash_costs() {
        the_decoy_of(&hasher());
        the_decoy_of(&Argon2Hasher::with_cost(Arc::new(SystemEntropy), 8, 1).unwrap());
    }

    fn the_decoy_of(hasher: &Argon2Hasher) {
        let decoy = PasswordHash::new(hasher.decoy()).unwrap();
        let real = hasher.hash("anything").unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(decoy.algorithm, real.algorithm);
        assert_eq!(decoy.version, real.version);
        assert_eq!(decoy.params, real.params);
        assert_eq!(decoy.salt.unwrap().len(), real.salt.unwrap().len());
        assert_eq!(decoy.hash.unwrap().len(), real.hash.unwrap().len());
        assert!(!hasher.verify("anything", hasher.decoy()).unwrap());
        assert!(!hasher.verify("", hasher.decoy()).unwrap());
    }

    #[test]
    fn refuses_hashes_that_cost_too_much() {
        for params in ["m=4194304,t=2,p=1", "m=19456,t=4000000,p=1", "m=19456,t=2,p=255"] {
            let hash = hasher().decoy().replace("m=19456,t=2,p=1", params);
            let error = hasher().verify("x", &hash).unwrap_err();
            assert!(error.cause.contains("the limit is"), "{error}");
        }
    }

    #[test]
    fn refuses_a_cost_that_it_could_not_verify() {
        for (memory_kib, passes) in [(4 * 19_456 + 1, 2), (19_456, 9), (7, 1), (8, 0)] {
            assert!(Argon2Hasher::with_cost(Arc::new(SystemEntropy), memory_kib, passes).is_err());
        }
        assert!(Argon2Hasher::with_cost(Arc::new(SystemEntropy), 4 * 19_456, 8).is_ok());
    }

    #[test]
    fn refuses_what_is_not_a_hash() {
        let other = hasher().decoy().replace("argon2id", "argon2i");
        for hash in
            ["", "plain text", "$argon2id$", "$2b$10$abcdefghijklmnopqrstuv", &other, &"$".repeat(9000)]
        {
            assert!(hasher().verify("x", hash).is_err(), "{hash:.40}");
        }
    }
}
