//! Signals while somebody sits at the terminal.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::notify::RETURN_TITLE;

/// What the editor switches on and would switch off: here it is ended in the middle.
const PASTE_AS_KEYS: &str = "\x1b[?2004l";

/// Has Ctrl-C set a flag while a command runs (while a line is typed it is a key), and gives the terminal back as it was when
/// the program is told to end. What is kept is safe at any moment, so that nothing has to be saved then.
///
/// The thread lives as long as the process.
pub(super) fn handle(interrupted: Arc<AtomicBool>, before: Termios) -> io::Result<()> {
    signal_hook::flag::register(SIGINT, interrupted)?;
    let mut signals = Signals::new([SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            give_back(&before);
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

fn give_back(before: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
    let mut out = io::stdout();
    let _ = writeln!(out, "{PASTE_AS_KEYS}{RETURN_TITLE}");
    let _ = out.flush();
}
