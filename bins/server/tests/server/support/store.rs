//! Where a server under test stores.

use testkit::MariaDb;

/// A store to run a test on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// The embedded one.
    Sqlite,
    /// The private MariaDB server that the tests of this process share; each test has a database of its own.
    MariaDb,
}

impl Store {
    /// What `--store` says, and the database's name, on this store.
    pub(crate) fn place(self) -> Place {
        match self {
            Store::Sqlite => Place::Folder,
            Store::MariaDb => {
                let database = MariaDb::shared().create_database("server");
                Place::Database { url: MariaDb::shared().url(&database), name: database }
            }
        }
    }
}

/// A store of one server.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the data folder.
    Folder,
    /// In a database of the shared MariaDB.
    Database { url: String, name: String },
    /// In a database that the test itself looks after.
    Url(String),
}

/// Makes a test of each function for each store.
macro_rules! on_each_store {
    ($($name:ident,)*) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name($crate::support::Store::Sqlite) })*
        }
        mod on_mariadb {
            $(#[test] fn $name() { super::$name($crate::support::Store::MariaDb) })*
        }
    };
}

pub(crate) use on_each_store;
