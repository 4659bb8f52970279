//! The ports that store, and the secrets that guard them.
//!
//! Three nouns: a *store* ([`sqlite::SqliteStore`], [`mysql::MySqlStore`]) implements every port of
//! [`domain::Store`] over one database; a *migration* brings a database to the schema that this version was built
//! with, or refuses with a sentence that says what to do ([`MigrationError`]); and the ports for what a computation
//! cannot make itself are here too: [`Argon2Hasher`], [`SystemEntropy`] and [`SystemClock`].
//!
//! SQL stands in this crate and in `sql/` only, always with bound parameters. Both stores pass the conformance suite of
//! `domain::testing`.
//!
//! ```
//! use domain::{NewUser, Timestamp, UserStore};
//! use model::sqlite::{Options, SqliteStore};
//!
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(folder.path(), &Options::default())?;
//! let user = NewUser { name: "Ann", name_key: "ann", password_hash: "$argon2id$…", recovery_codes: &[], at: Timestamp(0) };
//! assert!(store.create_user(&user)?.is_some());
//! assert_eq!(store.create_user(&user)?, None, "the name is taken now");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod entropy;
mod migration;
pub mod mysql;
mod password;
mod quiet_hasher;
pub mod sqlite;

pub use clock::SystemClock;
pub use entropy::SystemEntropy;
pub use migration::MigrationError;
pub use password::Argon2Hasher;
pub use quiet_hasher::QuietHasher;
