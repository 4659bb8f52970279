//! A program in a pseudo-terminal, and what its user sees.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::Process;
use crate::wait::poll;

/// Rows that are kept after they scrolled off the screen; a test that needs more has lost the beginning.
const SCROLLED_ROWS_MAX: usize = 10_000;

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Rows, at least 1.
    pub rows: u16,
    /// Columns, at least 1.
    pub columns: u16,
}

/// A program with a terminal of its own: keys go in, and a rendered screen is looked at. Dropping it kills the program.
///
/// The rules for threads are those of [`Process`].
pub struct Terminal {
    process: Process,
    keyboard: File,
    display: Arc<Mutex<Display>>,
    /// Ends when nobody has the terminal open any more.
    reader: Option<JoinHandle<()>>,
}

struct Display {
    parser: vt100::Parser,
    columns: u16,
    /// Every byte that the program ever wrote.
    output: Vec<u8>,
}

impl Terminal {
    /// Starts `program` in a new terminal; `configure` sets its arguments and environment. Its controlling terminal,
    /// input, output and errors are that terminal.
    ///
    /// # Panics
    /// When there is no pseudo-terminal, or the program cannot be started.
    pub fn start(
        program: impl AsRef<OsStr>,
        size: TerminalSize,
        configure: impl FnOnce(&mut Command),
    ) -> Terminal {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("a pseudo-terminal");
        unlockpt(&ours).expect("a new pseudo-terminal can be unlocked");
        let theirs = ioctl_tiocgptpeer(&ours, flags).expect("the other side of a pseudo-terminal");
        // Before the program starts: it may ask at once.
        let window = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, window).expect("a terminal has a size");
        // setsid makes it the controlling terminal, env gives the keys their signals back, which a shell takes from what it
        // starts in the background, tests too; each becomes the next one (exec): the pid stays the same.
        let process = Process::spawn("setsid", |command| {
            let another = || theirs.try_clone().expect("a descriptor can be duplicated");
            command.args(["--ctty", "--", "env", "--default-signal=INT,QUIT,TSTP"]).arg(program.as_ref());
            command.stdin(another()).stdout(another()).stderr(another());
            command.env("TERM", "xterm-256color");
            configure(command);
        });
        // From here on only the program holds it open: its end is the end of the output.
        drop(theirs);

        let rows = NonZeroU16::new(size.rows).expect("a terminal has a row");
        let columns = NonZeroU16::new(size.columns).expect("a terminal has a column");
        let parser = vt100::Parser::new(rows, columns, SCROLLED_ROWS_MAX);
        let display = Arc::new(Mutex::new(Display { parser, columns: size.columns, output: Vec::new() }));
        let keyboard = File::from(ours);
        let output = keyboard.try_clone().expect("a descriptor can be duplicated");
        let reader = {
            let display = Arc::clone(&display);
            thread::spawn(move || read(output, &display))
        };
        Terminal { process, keyboard, display, reader: Some(reader) }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the terminal takes none.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line, and the return key.
    ///
    /// # Panics
    /// As [`Terminal::press`].
    pub fn enter(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }

    /// The rows on the screen, without spaces at their ends and without empty rows at the bottom.
    pub fn screen(&self) -> Vec<String> {
        self.display().screen()
    }

    /// The rows that scrolled off the screen, then those on it.
    pub fn transcript(&self) -> Vec<String> {
        let mut display = self.display();
        let mut rows = display.scrolled_off();
        rows.append(&mut display.screen());
        rows
    }

    /// The cursor's row and column, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.display().parser.screen().cursor_position()
    }

    /// Every byte that the program ever wrote to the terminal.
    pub fn output(&self) -> Vec<u8> {
        self.display().output.clone()
    }

    /// Asks `probe` again and again until it gives something, which is returned.
    ///
    /// # Panics
    /// When nothing came within `limit`; the message names `what` and shows all that was on the screen.
    pub fn wait<T>(&self, limit: Duration, what: &str, mut probe: impl FnMut(&Terminal) -> Option<T>) -> T {
        poll(limit, || probe(self)).unwrap_or_else(|| {
            panic!("not within {limit:?}: {what}; the terminal shows:\n{}", self.transcript().join("\n"))
        })
    }

    /// Waits for the program's end and for the rest of its output.
    ///
    /// # Panics
    /// When it has not ended within `limit`.
    pub fn end(&mut self, limit: Duration) -> ExitStatus {
        let ended = poll(limit, || self.process.child().try_wait().expect("a child can be waited for"));
        let Some(status) = ended else {
            panic!("no end within {limit:?}; the terminal shows:\n{}", self.transcript().join("\n"))
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        status
    }

    /// The program.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn display(&self) -> MutexGuard<'_, Display> {
        self.display.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Display {
    fn screen(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.rows().collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// Winds the screen back to each row that scrolled off in turn, and forward again.
    fn scrolled_off(&mut self) -> Vec<String> {
        let count = self.parser.screen().scrollback_len();
        let mut rows = Vec::with_capacity(count);
        for back in (1..=count).rev() {
            self.parser.screen_mut().set_scrollback(back);
            rows.extend(self.rows().next());
        }
        self.parser.screen_mut().set_scrollback(0);
        rows
    }

    fn rows(&self) -> impl Iterator<Item = String> {
        self.parser.screen().rows(0, self.columns).map(|row| row.trim_end().to_owned())
    }
}

/// The reader's thread. The kernel answers with an error (EIO) once the program has closed the terminal.
fn read(mut output: File, display: &Mutex<Display>) {
    let mut chunk = [0; 4096];
    while let Ok(len @ 1..) = output.read(&mut chunk) {
        let mut display = display.lock().unwrap_or_else(PoisonError::into_inner);
        display.output.extend_from_slice(&chunk[..len]);
        display.parser.process(&chunk[..len]);
    }
}
