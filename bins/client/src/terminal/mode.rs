//! How the terminal is while no line is being typed.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Between two lines every key is kept as it is for the next one (otherwise the terminal would take a Ctrl-D for itself and
/// drop it) and nothing is echoed into what a command prints; only Ctrl-C and its like are signals. The editor has modes of its
/// own while it reads, and comes back to these. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub(super) struct BetweenLines {
    before: Termios,
}

impl BetweenLines {
    pub(super) fn begin() -> io::Result<BetweenLines> {
        let before = tcgetattr(io::stdin())?;
        let mut between = before.clone();
        between.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        between.local_modes.insert(LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Now, &between)?;
        Ok(BetweenLines { before })
    }

    /// As it was before.
    pub(super) fn before(&self) -> Termios {
        self.before.clone()
    }
}

impl Drop for BetweenLines {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
