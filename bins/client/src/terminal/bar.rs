//! The bar that tells how far the missed messages of a long absence are, before the prompt is there.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::outcome::columns;
use crate::shared::{Line, Shared, Teller};

/// How often it is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// When nothing comes for so long, the prompt does: lines above it tell the rest.
const STUCK: Duration = Duration::from_secs(3);

/// Columns where the terminal does not say how many it has.
const COLUMNS: usize = 80;

/// Draws it until everything missed is here, if that takes a while; Ctrl-C goes on without. What is typed meanwhile waits for
/// the prompt.
pub(super) fn watch(shared: &Shared) {
    let mut last = (0, Instant::now());
    let mut drawn = false;
    loop {
        let bar = shared.wait_until(DRAW_EVERY, |known| {
            let over = known.synced || known.line != Line::Up || known.roster.me.is_none();
            (over || !known.catching_up.is_long()).then_some(())
        });
        let mut known = shared.lock();
        let seen = known.catching_up.seen;
        if seen != last.0 {
            last = (seen, Instant::now());
        }
        if bar.is_some() || shared.is_interrupted() || last.1.elapsed() > STUCK {
            known.teller = Teller::Lines;
            break;
        }
        known.teller = Teller::Bar;
        let text = known.catching_up.bar(columns().unwrap_or(COLUMNS));
        drop(known);
        draw(&text);
        drawn = true;
    }
    shared.clear_interrupt();
    if drawn {
        draw("");
    }
}

/// On the row where the cursor is, which is nobody else's until the prompt is there.
fn draw(text: &str) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "\r\x1b[K{text}");
    let _ = out.flush();
}
