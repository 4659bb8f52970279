//! An echo server: what comes in goes out, until the peer has nothing more to say.
//!
//! ```text
//! cargo run --example echo -- 127.0.0.1:7007
//! nc 127.0.0.1 7007
//! ```
//!
//! Ctrl-C stops it: connections get what is still on its way to them, and are closed.

use std::{convert::Infallible, error::Error, time::Duration};

use bytes::Bytes;
use reactor::{CloseReason, Config, ConnId, Handler, Link, Reactor};

/// Who says nothing for this long is shown the door.
const IDLE: Duration = Duration::from_secs(300);

/// One per loop. It has no state: each connection's echo concerns nobody else.
struct Echo;

impl Handler for Echo {
    /// Bytes echoed so far.
    type Conn = u64;
    /// No other thread has anything to tell a connection.
    type Mail = Infallible;

    fn open(&mut self, conn: &mut Link<'_>) -> u64 {
        println!("{} opened from {}", conn.id(), conn.peer());
        conn.set_deadline(conn.now() + IDLE);
        0
    }

    fn data(&mut self, conn: &mut Link<'_>, echoed: &mut u64, input: &[u8]) -> usize {
        // Moving the deadline on each arrival costs nothing: the timer wheel is not touched.
        conn.set_deadline(conn.now() + IDLE);
        conn.send(Bytes::copy_from_slice(input));
        *echoed += input.len() as u64;
        input.len()
    }

    fn mail(&mut self, _: &mut Link<'_>, _: &mut u64, mail: Infallible) {
        match mail {}
    }

    fn deadline(&mut self, conn: &mut Link<'_>, _: &mut u64) {
        conn.send(Bytes::from_static(b"idle for too long, bye\n"));
        conn.close_after_flush(CloseReason::Handler("idle"));
    }

    fn closed(&mut self, id: ConnId, echoed: u64, reason: CloseReason) {
        println!("{id} {reason}, echoed {echoed} bytes");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7007".into()).parse()?;
    let listener = reactor::listen(addr, 1024)?;
    println!("echo on {}", listener.local_addr()?);

    let running = Reactor::start(vec![listener], Config::default(), |_| Echo)?;
    running.stop_on_signals(Duration::from_secs(2).into())?;
    running.join()?;
    println!("stopped");
    Ok(())
}
