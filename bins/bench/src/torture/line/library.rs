//! A line through the client library.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use client::{Client, ClientError, Config, Event, Events, Happened, Pending, Quiet, Reading, SyncState};
use protocol::Request;

use super::{Heard, Line, Memory, NoAnswer, Parting, Ticket};
use crate::torture::evidence::{Gap, QuietHeld, quiet_digest};

/// How long one call may take. Longer than most faults, so that the library's own repeats are seen at work.
const CALL_TIME: Duration = Duration::from_secs(15);
/// The library's waits between attempts to connect: a test has less time than life.
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Events taken in one turn.
const TURN_EVENTS_MAX: usize = 500;

pub(super) struct LibraryLine {
    client: Client,
    events: Events,
    /// Bounded by the script.
    pending: Vec<(Ticket, Pending)>,
    refused_at_once: Vec<Ticket>,
    /// What was read before this line was opened: said again when there is a session, since a node may have lost it.
    reads: BTreeMap<u64, u64>,
}

impl LibraryLine {
    pub(super) fn open(server: SocketAddr, memory: Memory) -> LibraryLine {
        let mut config = Config::new(server.to_string()).device(memory.device);
        config.backoff_first = Duration::from_millis(100);
        config.backoff_max = BACKOFF_MAX;
        config.state = Some(SyncState {
            user: memory.user,
            name: memory.name,
            token: memory.token,
            cursors: memory.cursors,
            changes: memory.changes,
            broadcasts: Some(memory.broadcasts),
            hidden: Some(memory.hidden),
            ..SyncState::default()
        });
        match Client::connect(config) {
            Ok((client, events)) => {
                let (pending, refused_at_once) = (Vec::new(), Vec::new());
                LibraryLine { client, events, pending, refused_at_once, reads: memory.reads }
            }
            Err(error) => panic!("a client of the library does not start: {error}"),
        }
    }

    fn take(&mut self, event: Event, heard: &mut Vec<Heard>) {
        heard.push(match event {
            Event::SignedIn { bundle, .. } => {
                for (conv, seq) in std::mem::take(&mut self.reads) {
                    self.read(conv, seq);
                }
                Heard::SignedIn(bundle)
            }
            Event::Disconnected { why, next } => Heard::Disconnected(format!("{why}; {next:?}")),
            Event::SessionEnded(_) => Heard::SessionEnded,
            Event::Message { message, .. } => Heard::Message(message),
            Event::Gap { conv, first, last } => Heard::Gap(Gap { conv, first, last }),
            Event::Friend(event) => Heard::Friend(event),
            Event::Presence(push) => Heard::Presence(push),
            Event::Dropped { .. } => Heard::Dropped,
            Event::Changed(changed) => Heard::Changed(changed),
            Event::Hidden(hidden) => Heard::Hidden(hidden),
            Event::Broadcast(broadcast) => Heard::Broadcast(broadcast),
            Event::Quiet(quiet) => Heard::Quiet(quiet_held(&quiet)),
            Event::Typing(_)
            | Event::Connected(_)
            | Event::Synced { .. }
            | Event::Group(_)
            | Event::GroupRequest(_)
            | Event::Restored
            | Event::Rewound { .. }
            | Event::FriendChanged(_)
            | Event::Notice(_)
            | Event::Receipt(_) => return,
        });
    }
}

impl Line for LibraryLine {
    fn ask(&mut self, ticket: Ticket, request: Request) {
        match self.client.submit_within(request, CALL_TIME) {
            Ok(pending) => self.pending.push((ticket, pending)),
            Err(_) => self.refused_at_once.push(ticket),
        }
    }

    fn read(&mut self, conv: u64, seq: u64) {
        // Fails only once it is closed.
        let _ = self.client.read(conv, seq);
    }

    fn readings(&mut self) -> BTreeMap<u64, Reading> {
        self.client.readings().unwrap_or_default()
    }

    fn hear(&mut self, patience: Duration, heard: &mut Vec<Heard>) {
        if let Ok(Some(event)) = self.events.next_within(patience) {
            self.take(event, heard);
            for _ in 1..TURN_EVENTS_MAX {
                let Ok(Some(event)) = self.events.try_next() else { break };
                self.take(event, heard);
            }
        }
        heard.extend(
            self.refused_at_once.drain(..).map(|ticket| Heard::Answer(ticket, Err(NoAnswer::NotSent))),
        );
        self.pending.retain(|(ticket, pending)| match pending.poll() {
            None => true,
            Some(result) => {
                heard.push(Heard::Answer(*ticket, result.map_err(no_answer)));
                false
            }
        });
    }

    fn close(self: Box<Self>, parting: Parting) {
        match parting {
            // Fails only if it was closed before, and it is ours alone.
            Parting::Polite => drop(self.client.close()),
            // Its I/O thread finds a dead connection and ends.
            Parting::Sudden => drop(self.client),
        }
    }
}

fn quiet_held(quiet: &Quiet) -> QuietHeld {
    let entries = quiet.entries.iter().filter_map(|(conv, entry)| Some((*conv, quiet_digest(entry)?)));
    QuietHeld { version: quiet.version, entries: entries.collect() }
}

fn no_answer(error: ClientError) -> NoAnswer {
    match error {
        ClientError::Refused(refusal) => NoAnswer::Refused(refusal),
        ClientError::TimedOut { may_have_happened: Happened::No, .. }
        | ClientError::QueueFull
        | ClientError::TooLarge { .. }
        | ClientError::NotForCallers(_) => NoAnswer::NotSent,
        // A call that waited when its session ended may have been sent before, over an earlier connection.
        ClientError::SessionEnded
        | ClientError::ConnectionLost { .. }
        | ClientError::TimedOut { .. }
        | ClientError::BadAnswer { .. }
        | ClientError::Closed => NoAnswer::Uncertain,
    }
}
