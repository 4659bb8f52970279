//! The wiring: implementations to ports, ports to service, service to gateway.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use admin::{Admin, Orders, RunningAdmin};
use cluster::local::{LocalBus, LocalHistory, LocalPresence};
use cluster::redis::{self, Membership, RedisHistory};
use domain::{Bus, Clock, Entropy, Epoch, Presence, SharedReceiver, SharedWatcher, Store};
use gateway::{Gateway, NODE_MESSAGE_FORMAT, RunningGateway};
use model::mysql::{self, MySqlStore, SoleTenancy, Tenancy};
use model::sqlite::{Options, SqliteStore};
use model::{Argon2Hasher, QuietHasher, SystemClock, SystemEntropy};
use reactor::Departure;
use service::{Ports, Service};

use crate::config::{Config, DatabaseAccount, StoreConfig};
use crate::orders::NodeOrders;
use crate::status::{NodeStatus, RecentMessages};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// The same, on the admin address.
const ADMIN_BACKLOG: i32 = 64;

/// How long answers to operators may take once the node has stopped.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// How long a request waits for a database connection before it is answered BUSY. With the attempts of an appender, a
/// sender waits about five seconds to be told that the database is away.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(1);

/// A node that serves.
pub(crate) struct Node {
    gateway: RunningGateway,
    /// Shows others on the database that this node runs there, until everything is stored. `None`: an embedded store, whose
    /// folder nobody else can open.
    tenancy: Option<Tenancy>,
    /// `None`: the node is alone.
    membership: Option<Membership>,
    /// Answers operators until everything else has ended.
    admin: Option<(RunningAdmin, SocketAddr)>,
    addresses: Vec<SocketAddr>,
    /// Where it stores, without any password.
    place: String,
    departure: Departure,
}

impl Node {
    /// Binds, joins the cluster, opens the store, and serves. An error is a sentence for the operator.
    pub(crate) fn start(config: Config) -> Result<Node, String> {
        let started_ms = SystemClock.now().0;
        // Whoever asks before the node serves waits for an answer.
        let admin = config.admin.map(|address| bind(address, ADMIN_BACKLOG)).transpose()?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in &config.listen {
            let listener = bind(*address, BACKLOG)?;
            addresses.push(listener.local_addr().map_err(|error| error.to_string())?);
            listeners.push(listener);
        }
        let entropy = Arc::new(SystemEntropy);
        let hasher =
            Argon2Hasher::with_cost(entropy.clone(), config.password.memory_kib, config.password.iterations)
                .map_err(|error| error.to_string())?;
        let hasher = QuietHasher::new(Arc::new(hasher), config.gateway.slow_threads)
            .map_err(|error| format!("cannot start a thread for hashing passwords: {error}"))?;
        // Before the store is opened, which may bring its schema forward: not under nodes of another version.
        let cluster = config.cluster.map(in_this_version);
        let membership = cluster.as_ref().map(join_cluster).transpose()?;
        let opened =
            begin_tenancy(&config.store).and_then(|tenancy| Ok((tenancy, open_store(&config.store)?)));
        let (tenancy, Opened { store, database, place }) = match opened {
            Ok(opened) => opened,
            Err(sentence) => {
                if let Some(membership) = membership {
                    membership.stop();
                }
                return Err(sentence);
            }
        };
        let (bus, presence): (Arc<dyn Bus>, Arc<dyn Presence>) = match &membership {
            None => (Arc::new(LocalBus::alone()), Arc::new(LocalPresence::new())),
            Some(membership) => (membership.bus(), membership.presence()),
        };
        let name = config.gateway.node.clone();
        let gateway = Gateway::new(config.gateway, bus).map_err(|error| error.to_string())?;
        if let Some(membership) = &membership {
            // Kept weakly: the hub owns the bus.
            let (receiver, watcher): (SharedReceiver, SharedWatcher) = (gateway.hub(), gateway.hub());
            membership.bus().receive_with(&receiver);
            membership.presence().watch_with(&watcher);
        }
        let history = history(cluster.as_ref(), &*store, config.history_cache_bytes_max)?;
        let ports = Ports {
            store,
            history: history.port(),
            presence,
            hub: gateway.hub(),
            clock: Arc::new(SystemClock),
            entropy,
            hasher: Arc::new(hasher),
        };
        let service = Service::new(ports, config.service);
        let gateway = gateway.start(listeners, config.reactor, service).map_err(|error| error.to_string())?;
        gateway
            .stop_on_signals(config.departure)
            .map_err(|error| format!("cannot watch signals: {error}"))?;
        let orders = config.admin_token.map(|token| {
            Arc::new(NodeOrders { gateway: gateway.monitor(), token, wrong_tokens: AtomicU64::new(0) })
        });
        let status = NodeStatus {
            name,
            started_ms,
            gateway: gateway.monitor(),
            orders: orders.clone(),
            database,
            history,
            cluster: membership.as_ref().map(|membership| (membership.bus(), membership.presence())),
        };
        let admin = admin.map(|listener| start_admin(listener, status, orders)).transpose()?;
        Ok(Node { gateway, tenancy, membership, admin, addresses, place, departure: config.departure })
    }

    /// The one line that says that it serves, where, and where it stores.
    pub(crate) fn announcement(&self) -> String {
        let addresses: Vec<_> = self.addresses.iter().map(SocketAddr::to_string).collect();
        let admin = self.admin.as_ref().map_or(String::new(), |(_, address)| format!(", admin on {address}"));
        format!("listening on {}, storing in {}{admin}", addresses.join(" and "), self.place)
    }

    /// Serves until a signal; then everything that was answered is stored.
    pub(crate) fn wait(self) -> Result<(), String> {
        let ended = self.gateway.join().map_err(|error| error.to_string());
        drop(self.tenancy);
        // After the last of its users left: nobody has to wait for a lease to end.
        if let Some(membership) = self.membership {
            membership.stop();
        }
        if let Some((admin, _)) = self.admin {
            admin.stop(ADMIN_DRAIN);
        }
        log::info!("stopped; everything is stored (drained within {:?})", self.departure.drain);
        ended
    }
}

/// Gives the log another epoch: what an operator does after a restore. Refused while a node runs on the store. A sentence that says what was
/// done; an error is one too.
pub(crate) fn renew_epoch(config: &StoreConfig) -> Result<String, String> {
    // Before the store is opened, which may bring its schema forward: not under nodes.
    let _alone = begin_alone(config)?;
    let Opened { store, place, .. } = open_store(config)?;
    let before = store.epoch().map_err(|error| error.to_string())?;
    let mut epoch = Epoch::default();
    SystemEntropy.fill(&mut epoch.0);
    store
        .renew_epoch(epoch)
        .map_err(|error| format!("{error}; whatever was done of it, it may be done again"))?;
    Ok(format!("the log in {place} has the epoch {epoch} from now on, before it was {before}"))
}

/// Meets the other nodes. Those that run other versions are refused, and refuse.
fn join_cluster(config: &redis::Config) -> Result<Membership, String> {
    redis::connect(config, Arc::new(SystemClock)).map_err(|error| error.to_string())
}

fn in_this_version(mut config: redis::Config) -> redis::Config {
    config.schema_version = MySqlStore::SCHEMA;
    config.payload_version = u32::from(NODE_MESSAGE_FORMAT);
    config
}

/// Where recent messages are kept: in Redis among several nodes, so that what one changes no other holds; in memory otherwise.
fn history(
    cluster: Option<&redis::Config>,
    store: &dyn Store,
    bytes_max: u64,
) -> Result<RecentMessages, String> {
    match cluster {
        None => Ok(RecentMessages::Here(Arc::new(LocalHistory::new(bytes_max)))),
        Some(config) => {
            let epoch = store.epoch().map_err(|error| error.to_string())?;
            let history = RedisHistory::start(config, epoch).map_err(|error| error.to_string())?;
            Ok(RecentMessages::InRedis(Arc::new(history)))
        }
    }
}

/// Lets operators ask.
fn start_admin(
    listener: TcpListener,
    status: NodeStatus,
    orders: Option<Arc<NodeOrders>>,
) -> Result<(RunningAdmin, SocketAddr), String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let orders = orders.map(|orders| orders as Arc<dyn Orders>);
    let running = Admin::start(listener, Arc::new(status), orders).map_err(|error| error.to_string())?;
    Ok((running, address))
}

/// An open store.
struct Opened {
    store: Arc<dyn Store>,
    /// The same, if it is one that can be away.
    database: Option<Arc<MySqlStore>>,
    /// Where it stores, without any password.
    place: String,
}

fn open_store(config: &StoreConfig) -> Result<Opened, String> {
    match config {
        StoreConfig::Sqlite { folder } => {
            let store = SqliteStore::open(folder, &Options::default()).map_err(|error| error.to_string())?;
            let place = folder.join("chat.db").display().to_string();
            Ok(Opened { store: Arc::new(store), database: None, place })
        }
        StoreConfig::MySql(account) => {
            let database = database(account)?;
            let store = Arc::new(MySqlStore::open(&database).map_err(|error| error.to_string())?);
            Ok(Opened { store: store.clone(), database: Some(store), place: database.to_string() })
        }
    }
}

fn database(account: &DatabaseAccount) -> Result<mysql::Config, String> {
    let mut database = mysql::Config::from_url(&account.url.0).map_err(|error| error.to_string())?;
    if let Some(password) = &account.password {
        database = database.with_password(&password.0);
    }
    database.pool_size = account.connections_max;
    database.checkout_timeout = CHECKOUT_TIMEOUT;
    Ok(database)
}

/// Has others on a database see that a node runs there. The embedded store does so by itself.
fn begin_tenancy(config: &StoreConfig) -> Result<Option<Tenancy>, String> {
    match config {
        StoreConfig::Sqlite { .. } => Ok(None),
        StoreConfig::MySql(account) => {
            Tenancy::begin(&database(account)?).map(Some).map_err(|error| error.to_string())
        }
    }
}

/// Makes sure that no node runs on a database, and keeps them out. The embedded store does so by itself.
fn begin_alone(config: &StoreConfig) -> Result<Option<SoleTenancy>, String> {
    match config {
        StoreConfig::Sqlite { .. } => Ok(None),
        StoreConfig::MySql(account) => {
            SoleTenancy::begin(&database(account)?).map(Some).map_err(|error| error.to_string())
        }
    }
}

fn bind(address: SocketAddr, backlog: i32) -> Result<TcpListener, String> {
    reactor::listen(address, backlog).map_err(|error| {
        format!("cannot listen on {address}: {error}; is another server running, or is the address not this machine's?")
    })
}
