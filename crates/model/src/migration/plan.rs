//! What is left to run, or why nothing may be run.

use super::{Migration, MigrationError};

/// What a database remembers of one migration: a row of `schema_migrations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number.
    pub(crate) number: u32,
    /// Its name.
    pub(crate) name: String,
    /// SHA-256 of its text, in lower-case hex.
    pub(crate) checksum: String,
    /// Whether it has a mark that it finished.
    pub(crate) finished: bool,
}

/// The migrations that the database has not run: a tail of `migrations`. `records` are in rising order of number.
pub(crate) fn plan<'a>(
    migrations: &'a [Migration],
    records: &[Record],
) -> Result<&'a [Migration], MigrationError> {
    debug_assert!(migrations.iter().map(|migration| migration.number).eq(1..=migrations.len() as u32));
    for (place, record) in records.iter().enumerate() {
        let expected = place as u32 + 1;
        if record.number != expected {
            return Err(MigrationError::Gap { number: expected });
        }
        let Some(migration) = migrations.get(place) else {
            let known = migrations.len() as u32;
            return Err(MigrationError::Newer { number: record.number, name: record.name.clone(), known });
        };
        if !record.finished {
            return Err(MigrationError::HalfRun { number: record.number, name: record.name.clone() });
        }
        if record.checksum != migration.checksum() {
            return Err(MigrationError::Changed { number: record.number, name: record.name.clone() });
        }
    }
    Ok(&migrations[records.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { number: 1, name: "first", script: "CREATE TABLE a (x INTEGER)" };
    const SECOND: Migration = Migration { number: 2, name: "second", script: "CREATE TABLE b (x INTEGER)" };
    const BOTH: [Migration; 2] = [FIRST, SECOND];

    fn ran(migration: &Migration) -> Record {
        Record {
            number: migration.number,
            name: migration.name.to_owned(),
            checksum: migration.checksum(),
            finished: true,
        }
    }

    fn numbers(planned: &[Migration]) -> Vec<u32> {
        planned.iter().map(|migration| migration.number).collect()
    }

    #[test]
    fn runs_what_is_new_in_order() {
        assert_eq!(numbers(plan(&BOTH, &[]).unwrap()), [1, 2]);
        assert_eq!(numbers(plan(&BOTH, &[ran(&FIRST)]).unwrap()), [2]);
        assert!(plan(&BOTH, &[ran(&FIRST), ran(&SECOND)]).unwrap().is_empty());
    }

    #[test]
    fn refuses_a_changed_script() {
        let changed = Record { checksum: SECOND.checksum(), ..ran(&FIRST) };
        let error = plan(&BOTH, &[changed]).unwrap_err();
        assert_eq!(error, MigrationError::Changed { number: 1, name: "first".to_owned() });
        assert!(error.to_string().contains("0001 (first) differs"), "{error}");
    }

    #[test]
    fn refuses_a_gap() {
        let error = plan(&BOTH, &[ran(&SECOND)]).unwrap_err();
        assert_eq!(error, MigrationError::Gap { number: 1 });
        assert!(error.to_string().contains("restore the database"), "{error}");
    }

    #[test]
    fn refuses_a_newer_database() {
        let error = plan(&[FIRST], &[ran(&FIRST), ran(&SECOND)]).unwrap_err();
        assert_eq!(error, MigrationError::Newer { number: 2, name: "second".to_owned(), known: 1 });
        assert!(error.to_string().contains("start the newer version"), "{error}");
    }

    #[test]
    fn refuses_after_a_half_run() {
        let half = Record { finished: false, ..ran(&SECOND) };
        let error = plan(&BOTH, &[ran(&FIRST), half]).unwrap_err();
        assert_eq!(error, MigrationError::HalfRun { number: 2, name: "second".to_owned() });
        assert!(error.to_string().contains("finished_at"), "{error}");
    }

    #[test]
    fn checksums_are_sha256_in_hex() {
        let empty = Migration { number: 1, name: "empty", script: "" };
        assert_eq!(empty.checksum(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
