//! Starting and stopping it all.

use std::{io, net::TcpListener, time::Duration};

use crate::{Config, ConfigError, Handler, LoopInfo, Metrics, Remote};

/// The whole: one main reactor and its sub reactors. Only a name to start from; what runs is a [`Running`].
pub struct Reactor;

impl Reactor {
    /// Starts the threads and returns.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start<H: Handler>(
        listeners: Vec<TcpListener>,
        config: Config,
        factory: impl FnMut(LoopInfo<H::Mail>) -> H,
    ) -> Result<Running<H::Mail>, StartError> {
        let _ = (listeners, factory);
        config.validate()?;
        unimplemented!("comes next")
    }
}

/// Why a reactor could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A limit is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// epoll, eventfd or thread could not be had.
    #[error("{what}: {source}")]
    System {
        /// What was asked of the system.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// A running reactor.
pub struct Running<M> {
    remote: Remote<M>,
    metrics: Metrics,
    stopper: Stopper,
}

/// Stops the reactor.
#[derive(Clone)]
pub struct Stopper {}

impl Stopper {
    /// Graceful stop.
    pub fn stop(&self, drain: Duration) {
        let _ = drain;
    }
}

impl<M> Running<M> {
    /// The way into the loops.
    pub fn remote(&self) -> Remote<M> {
        self.remote.clone()
    }
    /// The counters.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }
    /// A handle that stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }
    /// Graceful stop.
    pub fn stop(&self, drain: Duration) {
        self.stopper.stop(drain);
    }
    /// SIGINT and SIGTERM stop gracefully, a second one at once.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn stop_on_signals(&self, drain: Duration) -> io::Result<()> {
        let _ = drain;
        Ok(())
    }
    /// Waits until the reactor has stopped.
    ///
    /// # Errors
    /// Names the thread that died.
    pub fn join(self) -> Result<(), ReactorDied> {
        Ok(())
    }
}

/// A thread of the reactor died of a panic or a failing system call; the rest was stopped.
#[derive(Debug, thiserror::Error)]
#[error("{thread}: {cause}")]
pub struct ReactorDied {
    /// The thread's name.
    pub thread: String,
    /// The panic's message or the system's error.
    pub cause: String,
}
