//! Makes, tries and discards the pool's connections.

use std::sync::Arc;
use std::time::Duration;

use ::mysql::OptsBuilder;
use r2d2::ManageConnection;
use r2d2_mysql::MySqlConnectionManager;

use super::Config;
use super::connection::{Connection, Losses};
use super::fault::sentence;
use super::pool::Tally;

/// The pool's side of [`Connection`]: wraps the driver's own manager, which would ping at every check-out and every
/// check-in, and would take a connection for good that is a whole answer behind. Called by the pool's own threads
/// (connect) and by its users' (the rest).
pub(super) struct Manager {
    driver: MySqlConnectionManager,
    /// For the log: the URL without the password.
    name: String,
    statement_timeout: Duration,
    ping_after_idle: Duration,
    losses: Losses,
    tally: Arc<Tally>,
}

impl Manager {
    pub(super) fn new(config: &Config) -> Manager {
        Manager {
            driver: MySqlConnectionManager::new(OptsBuilder::from_opts(config.pooled())),
            name: config.to_string(),
            statement_timeout: config.statement_timeout,
            ping_after_idle: config.ping_after_idle,
            losses: Losses::default(),
            tally: Arc::default(),
        }
    }

    /// Where it counts.
    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = ::mysql::Error;

    fn connect(&self) -> Result<Connection, ::mysql::Error> {
        let result = self
            .driver
            .connect()
            .and_then(|conn| Connection::new(conn, self.statement_timeout, self.losses.clone()));
        // The log tells of a change, not of every attempt.
        if self.tally.reached(result.is_ok()) {
            match &result {
                Ok(_) => log::info!("{} can be reached again", self.name),
                Err(error) => log::warn!("{} cannot be reached: {}", self.name, sentence(error)),
            }
        }
        result
    }

    /// At each check-out.
    fn is_valid(&self, connection: &mut Connection) -> Result<(), ::mysql::Error> {
        connection
            .prove(self.ping_after_idle, |conn| self.driver.is_valid(conn))
            .inspect_err(|_| self.tally.broke())
    }

    /// At each check-in.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        let broken = !connection.comes_back_clean();
        if broken {
            self.tally.broke();
        }
        broken
    }
}
