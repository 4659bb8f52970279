//! Numbered migrations: the part that no database cares about.
//!
//! A migration is a file `sql/<database>/NNNN_name.sql`, embedded in the binary. A database remembers in its table
//! `schema_migrations` which it has seen, each with the SHA-256 of its text and marks for when it started and finished.
//! [`plan`] compares the two and says what is left to run, or why nothing may be run. The store runs the plan, one
//! statement at a time, under a lock of its own.

mod error;
mod plan;
mod statements;

pub use error::MigrationError;
pub(crate) use plan::{Record, plan};

use sha2::{Digest, Sha256};

/// One embedded script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// 1, 2, 3 … without holes.
    pub(crate) number: u32,
    /// The file's name without number and ending.
    pub(crate) name: &'static str,
    /// The file's text.
    pub(crate) script: &'static str,
}

/// A [`Migration`] from `sql/<folder>/<number>_<name>.sql`: `embedded!("sqlite", 1, "0001", "schema")`.
macro_rules! embedded {
    ($folder:literal, $number:literal, $digits:literal, $name:literal) => {
        $crate::migration::Migration {
            number: $number,
            name: $name,
            script: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../sql/",
                $folder,
                "/",
                $digits,
                "_",
                $name,
                ".sql"
            )),
        }
    };
}
pub(crate) use embedded;

/// The newest one's number, which is the version of the schema that all of them lead to.
pub(crate) const fn newest(migrations: &[Migration]) -> u32 {
    migrations[migrations.len() - 1].number
}

impl Migration {
    /// SHA-256 of the text, in lower-case hex (64 characters).
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.script.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The statements of the text, in order, without their semicolons.
    pub(crate) fn statements(&self) -> Vec<&'static str> {
        statements::split(self.script)
    }
}
