//! Between the reactor's bytes and the service's requests.
//!
//! Three nouns: the *door* runs on the sub reactors, turns bytes into requests and knows when a peer has gone silent;
//! a *lane* keeps one connection's requests in order while workers, slow workers and appenders share the work; the
//! *hub* ([`GatewayHub`]) knows which connections speak for which user, and encodes what they are told, once for all.
//!
//! Among other nodes there are more: the *courier* brings what the bus has, the *relay* passes the messages of all nodes
//! on in the order of their conversations, and the *mender* reads from the log what the bus lost. A node that is alone
//! runs none of them.
//!
//! [`Gateway::new`] makes the hub, the hub goes into the service's ports, and [`Gateway::start`] takes the service and
//! the listeners and runs.

mod append_queue;
mod appender;
mod budget;
mod clock;
mod comeback;
mod config;
mod courier;
mod desk;
mod door;
mod expulsion;
mod gateway;
mod greeting;
mod group_topics;
mod histogram;
mod households;
mod hub;
mod in_hand;
mod inbox;
mod lane;
mod lanes;
mod listener;
mod mender;
mod metrics;
mod monitor;
mod node_message;
mod post;
mod presence_watch;
mod proxy_header;
mod relay;
mod repairs;
mod run_queue;
mod seats;
mod sequencer;
mod shared;
mod stop_on_panic;
mod worker;

pub use config::{GatewayConfig, GatewayConfigError};
pub use gateway::{Gateway, GatewayDied, GatewayError, RunningGateway};
pub use histogram::HistogramSnapshot;
pub use hub::GatewayHub;
pub use metrics::GatewaySnapshot;
pub use monitor::GatewayMonitor;
pub use node_message::FORMAT as NODE_MESSAGE_FORMAT;
