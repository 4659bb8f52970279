//! SIGINT and SIGTERM as readable bytes.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream as StdUnixStream,
};

use mio::net::UnixStream;
use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
    low_level,
};

/// A socket that receives one byte per signal. The signal handler itself does nothing but that one write.
pub(crate) struct Signals {
    pub(crate) socket: UnixStream,
    registered: Vec<SigId>,
}

impl Signals {
    pub(crate) fn register() -> io::Result<Self> {
        let (receiver, sender) = StdUnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        let mut signals = Self { socket: UnixStream::from_std(receiver), registered: Vec::new() };
        for signal in [SIGINT, SIGTERM] {
            signals.registered.push(low_level::pipe::register(signal, sender.try_clone()?)?);
        }
        Ok(signals)
    }

    /// How many signals came since the last call. Main reactor only.
    pub(crate) fn count(&mut self) -> usize {
        let mut total = 0;
        let mut bytes = [0; 64];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return total,
                Ok(n) => total += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return total,
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}
