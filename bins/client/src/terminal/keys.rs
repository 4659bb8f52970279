//! Keys that do more than edit the line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, RepeatCount};

use super::gate::Gate;
use super::helper::Hiding;

/// The key that shows what was said before (PageUp). It ends the reading of the line, which is read on afterwards: what was
/// typed and the cursor's place in it stay. All of it happens on the main thread.
#[derive(Debug, Default)]
pub(super) struct ScrollBack {
    pressed: AtomicBool,
    /// Where the cursor was then.
    cursor: AtomicUsize,
    /// A secret is being typed, which the key must not end.
    secret: AtomicBool,
}

impl ScrollBack {
    /// Whether it was pressed since the last question; then, where the cursor was.
    pub(super) fn take(&self) -> Option<usize> {
        self.pressed.swap(false, Ordering::SeqCst).then(|| self.cursor.load(Ordering::SeqCst))
    }

    /// Whether what is typed now is hidden.
    pub(super) fn heed(&self, hiding: Hiding) {
        self.secret.store(hiding == Hiding::On, Ordering::SeqCst);
    }
}

/// Hands the key to a [`ScrollBack`].
pub(super) struct OnScrollBack(pub(super) Arc<ScrollBack>);

impl ConditionalEventHandler for OnScrollBack {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, ctx: &EventContext<'_>) -> Option<Cmd> {
        if self.0.secret.load(Ordering::SeqCst) {
            return Some(Cmd::Noop);
        }
        self.0.cursor.store(ctx.pos(), Ordering::SeqCst);
        self.0.pressed.store(true, Ordering::SeqCst);
        Some(Cmd::AcceptLine)
    }
}

/// The key that leaves (Ctrl-D). It shuts the gate first: once the editor has ended, nobody takes what passes to it any more, and
/// the printer would wait for it for ever.
pub(super) struct OnLeaving(pub(super) Arc<Gate>);

impl ConditionalEventHandler for OnLeaving {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, ctx: &EventContext<'_>) -> Option<Cmd> {
        // On a line that holds something the key takes a character away.
        ctx.line().is_empty().then(|| {
            self.0.shut();
            Cmd::EndOfFile
        })
    }
}
