//! The thread that prints above the line being typed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rustyline::ExternalPrinter;

use super::gate::Gate;

/// Lines that wait for the terminal. The thread of events waits when there are more, and then the server keeps the rest.
const LINES_MAX: usize = 256;

/// Lines printed at once: each time the line being typed is drawn anew.
const BATCH_MAX: usize = 64;

/// The only one that uses the editor's external printer.
pub(crate) struct Printer<P> {
    printer: P,
    gate: Arc<Gate>,
}

impl<P: ExternalPrinter + Send + 'static> Printer<P> {
    pub(crate) fn new(printer: P, gate: Arc<Gate>) -> Printer<P> {
        Printer { printer, gate }
    }

    /// Starts the thread. It ends when the sender is dropped and everything is printed.
    pub(crate) fn start(self) -> std::io::Result<(SyncSender<String>, JoinHandle<()>)> {
        let (sender, lines) = sync_channel(LINES_MAX);
        let thread = thread::Builder::new().name("printer".to_owned()).spawn(move || self.run(&lines))?;
        Ok((sender, thread))
    }

    fn run(mut self, lines: &Receiver<String>) {
        while let Ok(mut batch) = lines.recv() {
            batch.push('\n');
            let printer = &mut self.printer;
            self.gate.pass(|| {
                for line in lines.try_iter().take(BATCH_MAX - 1) {
                    batch.push_str(&line);
                    batch.push('\n');
                }
                if let Err(error) = printer.print(batch) {
                    log::warn!("a line cannot be printed: {error}");
                }
            });
        }
    }
}
