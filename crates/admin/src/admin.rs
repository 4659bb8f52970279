//! Starting and stopping.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use reactor::{Config, Reactor, Running, StartError};

use crate::orders::{OrderQueue, Orders};
use crate::visitor::Desk;
use crate::{Status, answer, limits};

/// The admin server. Only a name to start from; what runs is a [`RunningAdmin`].
pub struct Admin;

impl Admin {
    /// Serves `status` on a listener, in two threads of its own: `admin-main` accepts, `admin-0` answers. With `orders` a third
    /// one, `admin-orders`, carries them out.
    ///
    /// # Errors
    /// If the system refuses a descriptor or a thread; nothing runs then.
    pub fn start(
        listener: TcpListener,
        status: Arc<dyn Status>,
        orders: Option<Arc<dyn Orders>>,
    ) -> Result<RunningAdmin, StartError> {
        let config = Config {
            name: "admin",
            io_threads: 1,
            connections_max: limits::CONNECTIONS_MAX,
            refusal: Some(answer::full()),
            read_budget_bytes: limits::READ_BYTES,
            turn_budget_bytes: limits::READ_BYTES * limits::CONNECTIONS_MAX,
            input_bytes_max: limits::INPUT_BYTES_MAX,
            outbox_low_bytes: limits::UNTAKEN_BYTES_LOW,
            outbox_high_bytes: limits::UNTAKEN_BYTES_HIGH,
            outbox_hard_bytes: limits::UNTAKEN_BYTES_HARD,
            write_stall: limits::WRITE_STALL,
            ..Config::default()
        };
        let mut thread = None;
        let running = Reactor::start(vec![listener], config, |info| {
            // There is one loop, so this is called once.
            let queue = orders.as_ref().and_then(|orders| {
                let started = OrderQueue::start(Arc::clone(orders), info.remote);
                let (queue, handle) =
                    started.inspect_err(|error| log::error!("no orders are taken: {error}")).ok()?;
                thread = Some(handle);
                Some(queue)
            });
            Desk { status: Arc::clone(&status), orders: queue }
        })?;
        Ok(RunningAdmin { running, orders: thread })
    }
}

/// An admin server that runs. Dropping it stops it at once and waits for its threads.
pub struct RunningAdmin {
    running: Running<Infallible>,
    /// Ends once the loop has, which holds the queue.
    orders: Option<JoinHandle<()>>,
}

impl RunningAdmin {
    /// Stops; answers under way are written within `drain`.
    pub fn stop(self, drain: Duration) {
        self.running.stop(drain);
        if let Err(error) = self.running.join() {
            log::error!("the admin server had died: {error}");
        }
        if self.orders.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread for orders had died");
        }
    }
}
