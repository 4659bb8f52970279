//! The connections that read.

use std::ops::Deref;
use std::path::PathBuf;

use domain::{StoreError, StoreResult};
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::{Options, connection};

/// A bounded pool of connections that read. Any thread takes one, waits a while if all are taken, and is refused after
/// that. The one used last is taken first: its pages are warm.
pub(super) struct Readers {
    file: PathBuf,
    options: Options,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    free: Vec<Connection>,
    /// Connections that exist, taken or free; at most `options.readers`.
    open: usize,
}

impl Readers {
    pub(super) fn new(file: PathBuf, options: Options) -> Readers {
        let pool = Mutex::new(Pool { free: Vec::new(), open: 0 });
        Readers { file, options, pool, returned: Condvar::new() }
    }

    /// Takes a connection, and gives it back when the value is dropped.
    pub(super) fn take(&self, operation: &'static str) -> StoreResult<Reader<'_>> {
        let mut pool = self.pool.lock();
        let none_left = |pool: &mut Pool| pool.free.is_empty() && pool.open >= self.options.readers.max(1);
        if none_left(&mut pool)
            && self.returned.wait_while_for(&mut pool, none_left, self.options.wait).timed_out()
        {
            return Err(StoreError::unavailable(operation, "all reading connections are in use"));
        }
        if let Some(connection) = pool.free.pop() {
            return Ok(Reader { pool: self, connection: Some(connection) });
        }
        // Opened without the lock, so that others can give back and take meanwhile.
        pool.open += 1;
        drop(pool);
        let mut reader = Reader { pool: self, connection: None };
        let opened = connection::reader(&self.file, &self.options);
        reader.connection = Some(opened.map_err(|error| StoreError::unavailable(operation, error))?);
        Ok(reader)
    }
}

/// A connection on loan. Without a connection: the place of one that could not be opened.
pub(super) struct Reader<'a> {
    pool: &'a Readers,
    connection: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        #[expect(
            clippy::expect_used,
            reason = "`take` hands out readers with a connection only, `drop` takes it"
        )]
        self.connection.as_ref().expect("a reader on loan has its connection")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut pool = self.pool.pool.lock();
        match self.connection.take() {
            Some(connection) => pool.free.push(connection),
            None => pool.open -= 1,
        }
        drop(pool);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn readers(readers: usize, wait: Duration) -> (tempfile::TempDir, Readers) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let options = Options { readers, wait, ..Options::default() };
        connection::writer(&file, &options).unwrap();
        (folder, Readers::new(file, options))
    }

    #[test]
    fn lends_as_many_as_it_may_and_refuses_after_a_while() {
        let (_folder, readers) = readers(2, Duration::from_millis(10));
        let one = readers.take("test").unwrap();
        let _other = readers.take("test").unwrap();
        assert!(matches!(readers.take("test"), Err(StoreError::Unavailable { operation: "test", .. })));
        drop(one);
        readers.take("test").unwrap();
        assert_eq!(readers.pool.lock().open, 2, "the same connection again");
    }

    #[test]
    fn one_given_back_ends_the_wait() {
        let (_folder, readers) = readers(1, Duration::from_secs(60));
        let one = readers.take("test").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| readers.take("test").map(|_| ()));
            drop(one);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn one_that_cannot_be_opened_takes_no_place() {
        let (folder, readers) = readers(1, Duration::from_millis(10));
        let file = folder.path().join("chat.db");
        let away = folder.path().join("away.db");
        std::fs::rename(&file, &away).unwrap();
        for _ in 0..2 {
            assert!(matches!(readers.take("test"), Err(StoreError::Unavailable { .. })));
        }
        std::fs::rename(&away, &file).unwrap();
        readers.take("test").unwrap();
    }
}
