//! Starting and stopping it all.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{self, JoinHandle},
    time::Duration,
};

use mio::{Poll, Token, Waker};

use crate::{
    Config, ConfigError, Handler, LoopInfo, Metrics, Remote,
    conn_id::WAKER_BITS,
    mailbox::{self, Mailbox},
    main_reactor::{Control, MainReactor},
    signals::Signals,
    sub_reactor::SubReactor,
};

/// The whole: one main reactor and its sub reactors. Only a name to start from; what runs is a [`Running`].
pub struct Reactor;

impl Reactor {
    /// Starts `config.io_threads` loops and the main reactor, each in a thread of its own, and returns.
    ///
    /// The caller binds (see [`listen`](crate::listen)), so that port 0 works, and errors of binding come before
    /// anything runs. The factory is called once per loop, in the calling thread.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start<H: Handler>(
        listeners: Vec<TcpListener>,
        config: Config,
        mut factory: impl FnMut(LoopInfo<H::Mail>) -> H,
    ) -> Result<Running<H::Mail>, StartError> {
        config.validate()?;
        let config = Arc::new(config);
        let metrics = Metrics::new(config.io_threads);

        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for index in 0..config.io_threads {
            let poll = Poll::new().map_err(system("epoll"))?;
            let waker = Waker::new(poll.registry(), Token(WAKER_BITS as usize)).map_err(system("eventfd"))?;
            polls.push(poll);
            mailboxes.push(Arc::new(Mailbox::new(
                waker,
                config.mailbox_commands_max,
                index,
                metrics.clone(),
            )));
        }
        let mailboxes: Arc<[_]> = mailboxes.into();
        let remote = Remote::new(Arc::clone(&mailboxes));

        let poll = Poll::new().map_err(system("epoll"))?;
        let waker = Waker::new(poll.registry(), Control::waker_token()).map_err(system("eventfd"))?;
        let control = Arc::new(Control::new(waker));
        let main = MainReactor::new(
            poll,
            Arc::clone(&control),
            listeners,
            Arc::clone(&mailboxes),
            Arc::clone(&config),
            metrics.clone(),
        )
        .map_err(system("listener"))?;

        // From here on a failure must stop what already runs: dropping `running` does that, after the ends of the
        // loops that never began were dropped.
        let stopper = Stopper { control: Arc::clone(&control) };
        let mut running =
            Running { remote: remote.clone(), metrics: metrics.clone(), stopper, threads: Vec::new() };
        let ends: Vec<_> = mailboxes
            .iter()
            .map(|mailbox| LoopEnd {
                mailbox: Arc::clone(mailbox),
                control: Arc::clone(&control),
                metrics: metrics.clone(),
            })
            .collect();
        running.spawn(&format!("{}-main", config.name), move || main.run())?;
        for ((index, poll), end) in polls.into_iter().enumerate().zip(ends) {
            let handler = factory(LoopInfo { index, loops: remote.loops(), remote: remote.clone() });
            let (config, remote, metrics) = (Arc::clone(&config), remote.clone(), metrics.clone());
            let name = format!("{}-{index}", config.name);
            running.spawn(&name, move || {
                let mailbox = Arc::clone(&end.mailbox);
                mailbox::enter_loop();
                let outcome = SubReactor::new(index, poll, handler, config, remote, mailbox, metrics).run();
                drop(end);
                outcome
            })?;
        }
        Ok(running)
    }
}

/// Dropped when a loop's thread ends, in whatever way: its posters must not wait for ever, and a reactor with a dead
/// loop must not half live on.
struct LoopEnd<M> {
    mailbox: Arc<Mailbox<M>>,
    control: Arc<Control>,
    metrics: Metrics,
}

impl<M> Drop for LoopEnd<M> {
    fn drop(&mut self) {
        let unopened = self.mailbox.close();
        self.metrics.0.accept.connections.fetch_sub(unopened.len() as u64, Relaxed);
        self.control.stop(Duration::ZERO);
        self.control.loop_ended();
    }
}

/// Why a reactor could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A limit is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system refused a descriptor or a thread.
    #[error("{what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::System { what, source }
}

/// A running reactor: owns its threads. All methods are safe from every thread, but not from a handler's, which
/// must not wait. Dropped without [`join`](Self::join), it stops at once and waits for the threads.
pub struct Running<M> {
    remote: Remote<M>,
    metrics: Metrics,
    stopper: Stopper,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl<M> Running<M> {
    /// The way to every connection, for other threads.
    pub fn remote(&self) -> Remote<M> {
        self.remote.clone()
    }

    /// The counters; they can be read after the end too.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// A handle by which others can stop the reactor while one thread waits in [`join`](Self::join).
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// See [`Stopper::stop`].
    pub fn stop(&self, drain: Duration) {
        self.stopper.stop(drain);
    }

    /// From now on SIGINT and SIGTERM stop this reactor as `departure` says; a second signal stops it at once.
    /// (SIGPIPE needs no care: Rust programs ignore it from the start, and a write to a dead peer is an error.)
    ///
    /// # Errors
    /// If the system refuses the signal handlers or their socket.
    pub fn stop_on_signals(&self, departure: Departure) -> io::Result<()> {
        self.stopper.control.watch(Signals::register()?, departure);
        Ok(())
    }

    /// Waits until the reactor has stopped, for whatever reason.
    ///
    /// # Errors
    /// Names the first thread that did not end in good order.
    pub fn join(mut self) -> Result<(), ReactorDied> {
        self.join_all()
    }

    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = thread::Builder::new().name(name.into()).spawn(body).map_err(system("thread"))?;
        self.threads.push(thread);
        Ok(())
    }

    fn join_all(&mut self) -> Result<(), ReactorDied> {
        let mut outcome = Ok(());
        for handle in self.threads.drain(..) {
            let thread = handle.thread().name().unwrap_or_default().to_owned();
            let cause = match handle.join() {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("panicked")
                    .to_owned(),
            };
            log::error!("{thread}: {cause}");
            outcome = outcome.and(Err(ReactorDied { thread, cause }));
        }
        outcome
    }
}

impl<M> Drop for Running<M> {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.stopper.stop(Duration::ZERO);
            // Told to the log by join_all; nobody else is left to tell.
            let _ = self.join_all();
        }
    }
}

/// How a reactor stops when a signal tells it to. `Duration` alone is one without notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// How long everything goes on, newcomers included, while [`Stopper::is_leaving`] says that it will end: time for those
    /// who send newcomers to send them elsewhere.
    pub notice: Duration,
    /// Then, how long the graceful stop may take; see [`Stopper::stop`].
    pub drain: Duration,
}

impl From<Duration> for Departure {
    fn from(drain: Duration) -> Self {
        Self { notice: Duration::ZERO, drain }
    }
}

/// Stops a reactor. Cheap to clone, usable from every thread, harmless after the end.
#[derive(Clone)]
pub struct Stopper {
    control: Arc<Control>,
}

impl Stopper {
    /// Begins a graceful stop and returns at once: no more accepting, [`Handler::drain`] for every connection, outboxes
    /// written; what is not closed after `drain` is closed then. [`Running::join`] waits for the end. Asked again with
    /// a shorter time, the shorter one holds.
    pub fn stop(&self, drain: Duration) {
        self.control.stop(drain);
    }

    /// Whether the reactor will stop, or has: true from the first signal or call of [`stop`](Self::stop), and when a thread
    /// of it has died.
    pub fn is_leaving(&self) -> bool {
        self.control.is_leaving()
    }
}

/// A thread of the reactor died of a panic or a failing system call; the others were stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{thread}: {cause}")]
pub struct ReactorDied {
    /// The thread's name.
    pub thread: String,
    /// The panic's message, or the system's error.
    pub cause: String,
}
