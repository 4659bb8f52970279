//! Why a database does not get the schema that this program needs.

/// Why a database does not get the schema that this program needs. Each sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// A migration's script differs from the one that was run on the database.
    #[error(
        "this program's script of migration {number:04} ({name}) differs from the one that was run on this database: \
         start the version of the program that ran it"
    )]
    Changed {
        /// Its number.
        number: u32,
        /// Its name as the database remembers it.
        name: String,
    },
    /// The database ran a later migration, but not this one.
    #[error(
        "migration {number:04} is missing from the database's list although a later one was run: restore the \
         database from a backup"
    )]
    Gap {
        /// The number that is missing.
        number: u32,
    },
    /// The database was migrated by a newer version.
    #[error(
        "the database has migration {number:04} ({name}), this version knows only {known:04}: start the newer \
         version that ran it"
    )]
    Newer {
        /// The number that is not known.
        number: u32,
        /// Its name as the database remembers it.
        name: String,
        /// The last number that is known.
        known: u32,
    },
    /// A migration started and did not finish, in a database that cannot undo half of it.
    #[error(
        "migration {number:04} ({name}) was started and never finished: restore the database from the backup \
         taken before it, or complete the script by hand and set its finished_at in schema_migrations"
    )]
    HalfRun {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
    },
    /// A statement failed.
    #[error("migration {number:04} ({name}) failed at statement {statement}: {cause}")]
    Statement {
        /// The migration's number.
        number: u32,
        /// The migration's name.
        name: String,
        /// Which of its statements, from 1.
        statement: usize,
        /// What the database said.
        cause: String,
    },
    /// Somebody else held the lock for longer than this server was willing to wait.
    #[error(
        "another server has been migrating this database for {waited_s} s: wait until it is done, start again"
    )]
    Locked {
        /// How long it waited.
        waited_s: u64,
    },
    /// A procedure of the schema is not there, or may not be called.
    #[error(
        "the database's procedure {name} cannot be called: {cause}: grant EXECUTE to this user; if it is missing, \
         restore the database with its routines"
    )]
    Procedure {
        /// Its name.
        name: String,
        /// What the database said.
        cause: String,
    },
    /// The list of migrations could not be read or written.
    #[error("the database's list of migrations cannot be used: {cause}")]
    List {
        /// What the database said.
        cause: String,
    },
}
