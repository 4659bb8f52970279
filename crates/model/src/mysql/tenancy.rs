//! Who runs on a database: any number of nodes, or one who must be alone there.
//!
//! Told by named locks of the database's server (`GET_LOCK`), which need no rights and no clock, are seen whatever user holds
//! them, and end with the connection that holds them, however its process ends. A node holds one of [`NODES_MAX`] numbered
//! locks, its *place*, and whoever must be alone holds the *gate*. A newcomer takes a place first and then passes the gate;
//! who wants to be alone shuts the gate first and then looks at the places. So of two that come at the same time at least one
//! sees the other.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use ::mysql::prelude::Queryable;
use ::mysql::{Conn, Opts};

use super::fault::sentence;
use super::{Config, OpenError};

/// Nodes that may run on one database; another refuses to start.
const NODES_MAX: u32 = 256;
/// How often a node looks whether it still has its place, and tries to take one again once it has not.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often whoever waits for another one looks again.
const WAIT_INTERVAL: Duration = Duration::from_millis(100);
/// Looks, [`WAIT_INTERVAL`] apart, for which who wants to be alone lets others go: the server sees a moment later that a process
/// has ended.
const LOOKS_FOR_LEAVING: u32 = 10;
/// Looks after that at all of which nobody may be there: a node whose connection was lost, as by a restart of the database's
/// server, has taken a place again by then.
const LOOKS_ALONE: u32 = 30;

/// For how long the server lets the connection with a lock be silent, in seconds: a day, so that a node that stands still is
/// seen, and a gate stays shut. The server's own `wait_timeout` may be anything.
const SILENCE_MAX_S: u32 = 86_400;

/// The gate's name. Locks belong to the server and not to a database, and their names are short.
const GATE: &str = "CONCAT('nodes:', SHA1(DATABASE()))";

/// A place among those who run on a database, until it is dropped. Kept by a thread of its own, `tenancy`, on a connection of
/// its own; should that be lost, it takes a place again as soon as the database lets it.
pub struct Tenancy {
    /// Dropping it ends the thread within [`LOOK_INTERVAL`] and an answer of the server; nobody waits for that.
    _end: Sender<()>,
}

impl Tenancy {
    /// Comes in, after waiting at most [`Config::migration_wait`] for who is alone on the database.
    pub fn begin(config: &Config) -> Result<Tenancy, OpenError> {
        let database = config.to_string();
        let options = config.tenant();
        let failed = |error: ::mysql::Error| unreachable(config, &error);
        let mut conn = connect(&options).map_err(failed)?;
        if !take_place(&mut conn).map_err(failed)? {
            return Err(OpenError::Crowded { database, nodes: NODES_MAX });
        }
        let mut waited = Duration::ZERO;
        while !take(&mut conn, GATE).map_err(failed)? {
            if waited >= config.migration_wait {
                return Err(OpenError::Shut { database, waited_s: waited.as_secs() });
            }
            thread::sleep(WAIT_INTERVAL);
            waited += WAIT_INTERVAL;
        }
        conn.query_drop(format!("DO RELEASE_LOCK({GATE})")).map_err(failed)?;
        let (end, ended) = channel();
        let keeper = Keeper { options, database, conn: Some(conn) };
        thread::Builder::new()
            .name("tenancy".to_owned())
            .spawn(move || keeper.run(&ended))
            .map_err(|error| OpenError::Thread { cause: error.to_string() })?;
        Ok(Tenancy { _end: end })
    }
}

/// A database with nobody else on it, until this is dropped.
pub struct SoleTenancy {
    /// Holds the gate.
    _conn: Conn,
}

impl SoleTenancy {
    /// Shuts the gate and makes sure that nobody is there, which takes some three seconds.
    pub fn begin(config: &Config) -> Result<SoleTenancy, OpenError> {
        let failed = |error: ::mysql::Error| unreachable(config, &error);
        let mut conn = connect(&config.tenant()).map_err(failed)?;
        let (mut looks, mut looks_alone) = (0, 0);
        while looks_alone < LOOKS_ALONE {
            if looks > 0 {
                thread::sleep(WAIT_INTERVAL);
            }
            looks += 1;
            match company(config, &mut conn).map_err(failed)? {
                None => looks_alone += 1,
                Some(refusal) if looks_alone > 0 || looks > LOOKS_FOR_LEAVING => return Err(refusal),
                Some(_) => {}
            }
        }
        Ok(SoleTenancy { _conn: conn })
    }
}

/// Sees to it that a node has a place.
struct Keeper {
    options: Opts,
    /// For the log: the URL without the password.
    database: String,
    /// Whose place it is; `None`: there is no connection, and so no place.
    conn: Option<Conn>,
}

impl Keeper {
    fn run(mut self, ended: &Receiver<()>) {
        while ended.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            match &mut self.conn {
                Some(conn) => {
                    if let Err(error) = conn.ping() {
                        log::warn!(
                            "{} has lost its connection by which others see this node there: {}",
                            self.database,
                            sentence(&error)
                        );
                        self.conn = None;
                    }
                }
                None => self.come_back(),
            }
        }
    }

    /// Without the gate: this node serves, and whoever wants to be alone is to see that.
    fn come_back(&mut self) {
        // Failures are not logged: the pool tells of a database that cannot be reached.
        let Ok(mut conn) = connect(&self.options) else { return };
        if matches!(take_place(&mut conn), Ok(true)) {
            log::info!("{}: others see this node there again", self.database);
            self.conn = Some(conn);
        }
    }
}

fn connect(options: &Opts) -> Result<Conn, ::mysql::Error> {
    let mut conn = Conn::new(options.clone())?;
    conn.query_drop(format!("SET SESSION wait_timeout = {SILENCE_MAX_S}"))?;
    Ok(conn)
}

/// Whoever else is there, as the refusal to go on; the gate is ours if there is nobody.
fn company(config: &Config, conn: &mut Conn) -> Result<Option<OpenError>, ::mysql::Error> {
    let database = config.to_string();
    if !take(conn, GATE)? {
        return Ok(Some(OpenError::Shut { database, waited_s: 0 }));
    }
    let tenants = tenants(conn)?;
    if tenants.is_empty() {
        return Ok(None);
    }
    Ok(Some(OpenError::InUse { database, nodes: tenants.len(), from: tenants.join(", ") }))
}

/// Takes the first place that is free; `false` if none is.
fn take_place(conn: &mut Conn) -> Result<bool, ::mysql::Error> {
    for number in 1..=NODES_MAX {
        if take(conn, &place(&number.to_string()))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name of a place, whose number is a piece of SQL.
fn place(number: &str) -> String {
    format!("CONCAT('node:', SHA1(DATABASE()), ':', {number})")
}

/// Takes the lock of this name if it is free, or this connection's already; whether it is ours now.
fn take(conn: &mut Conn, name: &str) -> Result<bool, ::mysql::Error> {
    // 1: ours, 0: somebody else's, NULL: an error.
    let answer: Option<Option<u8>> = conn.query_first(format!("SELECT GET_LOCK({name}, 0)"))?;
    Ok(answer.flatten() == Some(1))
}

/// Where those who have places come from, as far as the server tells this user.
fn tenants(conn: &mut Conn) -> Result<Vec<String>, ::mysql::Error> {
    let place = place("n");
    let holders: Vec<u64> = conn.query(format!(
        "WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < {NODES_MAX})
         SELECT holder FROM (SELECT IS_USED_LOCK({place}) AS holder FROM places) held WHERE holder IS NOT NULL"
    ))?;
    holders
        .into_iter()
        .map(|holder| {
            let sql = "SELECT host FROM information_schema.processlist WHERE id = ?";
            let host: Option<String> = conn.exec_first(sql, (holder,))?;
            Ok(host.map_or_else(String::new, |host| format!("{host} as ")) + &format!("connection {holder}"))
        })
        .collect()
}

fn unreachable(config: &Config, error: &::mysql::Error) -> OpenError {
    OpenError::Unreachable { database: config.to_string(), cause: sentence(error) }
}
