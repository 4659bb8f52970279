//! The store of a cluster: MySQL or MariaDB.
