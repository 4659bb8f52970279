//! What the thread of events tells the thread of commands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::Event;

use crate::catching_up::CatchingUp;
use crate::outbox::Outbox;
use crate::roster::Roster;

/// How often a wait looks again that depends on time passing.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a message waits for the name of the group that it stands in; then it is shown without.
const ENTERING_MAX: Duration = Duration::from_secs(2);

/// Shared by both threads. Nobody keeps it locked while waiting for the server or the terminal.
#[derive(Debug)]
pub(crate) struct Shared {
    known: Mutex<Known>,
    outbox: Mutex<Outbox>,
    changed: Condvar,
    /// Ctrl-C was pressed while a command ran.
    interrupted: Arc<AtomicBool>,
}

/// Everything known at a moment.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) roster: Roster,
    pub(crate) line: Line,
    /// There was a connection at some time.
    pub(crate) was_up: bool,
    /// What became of the session that was saved.
    pub(crate) saved_session: SavedSession,
    /// Everything missed has been shown since the sign-in.
    pub(crate) synced: bool,
    /// What comes until then.
    pub(crate) catching_up: CatchingUp,
    /// Who tells how far that is.
    pub(crate) teller: Teller,
    /// A command asks to come into a group: its answer says what the group is called.
    pub(crate) entering: Entering,
    /// Messages of others that no wait has counted.
    pub(crate) uncounted: u64,
    /// When the last event came.
    pub(crate) event_at: Instant,
}

/// How somebody at a terminal is told how far the missed messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Teller {
    /// By a bar, on the row where the prompt will be.
    Bar,
    /// By a line now and then, above the line being typed.
    Lines,
}

/// Whether the user comes into a group right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entering {
    Nothing,
    /// What is said there may come before the answer that tells of the group.
    AGroup,
}

/// What became of the session that an earlier run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SavedSession {
    /// It is on its way to being gone on with.
    Awaited,
    /// It goes on, or it is over, or there was none.
    Settled,
}

/// How the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing was heard yet.
    Untried,
    Up,
    Down,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        let known = Known {
            roster: Roster::default(),
            line: Line::Untried,
            was_up: false,
            saved_session: SavedSession::Settled,
            synced: false,
            catching_up: CatchingUp::default(),
            teller: Teller::Lines,
            entering: Entering::Nothing,
            uncounted: 0,
            event_at: Instant::now(),
        };
        Shared {
            known: Mutex::new(known),
            outbox: Mutex::default(),
            changed: Condvar::new(),
            interrupted: Arc::default(),
        }
    }

    /// There is a session to go on with. Before anything was heard.
    pub(crate) fn await_session(&self) {
        self.lock().saved_session = SavedSession::Awaited;
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits to be sent. Nobody who has it locked asks for [`Shared::lock`].
    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what an event says. The thread of events.
    pub(crate) fn learn(&self, event: &Event) {
        let mut known = self.lock();
        known.event_at = Instant::now();
        match event {
            Event::Connected(_) => {
                known.line = Line::Up;
                known.was_up = true;
            }
            Event::Disconnected { .. } => {
                known.line = Line::Down;
                known.synced = false;
            }
            Event::SignedIn { bundle, .. } => {
                known.synced = false;
                known.roster.sign_in(bundle);
            }
            Event::Synced { .. } => {
                known.synced = true;
                known.saved_session = SavedSession::Settled;
            }
            Event::SessionEnded(_) => {
                known.synced = false;
                known.saved_session = SavedSession::Settled;
                known.roster.sign_out();
            }
            Event::Message { message, arrival } => {
                if let Some(event) = &message.event {
                    known.roster.system_event(message.conv, event, *arrival);
                }
                let own = known.roster.my_id() == message.from;
                // Who waits for messages waits for what people say.
                known.uncounted += u64::from(!own && message.event.is_none());
            }
            Event::Friend(event) => known.roster.friend_event(event),
            Event::Presence(presence) => known.roster.presence(presence),
            Event::FriendChanged(change) => known.roster.friend_changed(change),
            Event::Group(event) => known.roster.group_event(event),
            Event::GroupRequest(event) => {
                let me = known.roster.my_id();
                known.roster.door.learn(event, me);
            }
            Event::Typing(typing) => known.roster.typists.learn(typing, Instant::now()),
            Event::Quiet(quiet) => known.roster.quiet = Some(quiet.clone()),
            Event::Changed(changed) => {
                if let Some(talk) = known.roster.talk_of(changed.conv) {
                    known.roster.conversations.change(talk, &changed.message);
                }
            }
            Event::Hidden(hidden) => {
                if let Some(talk) = known.roster.talk_of(hidden.conv) {
                    known.roster.conversations.hide(talk, hidden.seq);
                }
            }
            Event::Notice(_)
            | Event::Broadcast(_)
            | Event::Receipt(_)
            | Event::Gap { .. }
            | Event::Restored
            | Event::Rewound { .. }
            | Event::Dropped { .. } => {}
        }
        drop(known);
        self.changed.notify_all();
    }

    /// Waits for the name of the group that the user comes into right now, if this may be a message there: it is not to be
    /// shown without. The thread of events, which the answer does not need.
    pub(crate) fn wait_for_group_of(&self, conv: u64) {
        self.wait_until(ENTERING_MAX, |known| {
            let is_known = known.roster.talk_of(conv).is_some();
            (is_known || known.entering == Entering::Nothing).then_some(())
        });
    }

    /// What a signal sets that ends the command under way.
    pub(crate) fn interrupted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Whether the command under way is to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// No command is under way.
    pub(crate) fn clear_interrupt(&self) {
        self.interrupted.store(false, Ordering::SeqCst);
    }

    /// Waits until `probe` gives something, or until the time is over.
    pub(crate) fn wait_until<T>(
        &self,
        limit: Duration,
        mut probe: impl FnMut(&mut Known) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut known = self.lock();
        loop {
            if let Some(found) = probe(&mut known) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(known, left.min(LOOK_AGAIN));
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
