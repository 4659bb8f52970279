//! The thread of events: shows them, learns from them, and saves how far they were shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::protocol::{Applications, Page, Reply, Request, SignedIn};
use client::{Client, Event, Events};

use crate::output::Output;
use crate::printable::one_line;
use crate::shared::Shared;
use crate::state_file::StateFile;

/// How often the thread looks after other things than events.
const TICK: Duration = Duration::from_millis(40);

/// What was shown is saved at most this often; after a crash so much may be shown again, and nothing is missed.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Pages of a list that are read after a login.
const PAGES_MAX: usize = 100;

/// Takes the events, one at a time.
pub(crate) struct Watcher {
    pub(crate) client: Client,
    pub(crate) events: Events,
    pub(crate) shared: Arc<Shared>,
    pub(crate) output: Arc<Output>,
    pub(crate) state: Arc<Mutex<StateFile>>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) saved_at: Instant,
    /// Something was shown that is not saved.
    pub(crate) unsaved: bool,
}

impl Watcher {
    pub(crate) fn run(mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            match self.events.next_within(TICK) {
                Ok(Some(event)) => self.take(&event),
                Ok(None) => {}
                Err(client::NoMoreEvents) => return,
            }
            self.tell_unanswered();
            if self.unsaved && self.saved_at.elapsed() >= SAVE_INTERVAL {
                self.save();
            }
        }
    }

    fn take(&mut self, event: &Event) {
        let line = self.output.render(event, &self.shared.lock().roster);
        if let Some(line) = line {
            self.output.event(line);
        }
        if let Event::SignedIn { bundle, .. } = event {
            self.remember_as(&bundle.name);
        }
        self.shared.learn(event);
        match event {
            Event::SignedIn { bundle, .. } => {
                self.complete_lists(bundle);
                self.save();
            }
            Event::SessionEnded(_) => self.save(),
            Event::Message { .. } | Event::Notice(_) => self.unsaved = true,
            _ => {}
        }
    }

    /// Whose state is saved from now on.
    fn remember_as(&self, name: &str) {
        let opened = self.state.lock().unwrap_or_else(PoisonError::into_inner).open(name);
        if let Err(error) = opened {
            self.output.remark(&format!("{error}; this session will not be remembered"));
        }
    }

    fn save(&mut self) {
        let Ok(state) = self.client.sync_state() else { return };
        if state.user == 0 {
            return;
        }
        (self.unsaved, self.saved_at) = (false, Instant::now());
        if let Err(error) = self.state.lock().unwrap_or_else(PoisonError::into_inner).save(&state) {
            self.output.remark(&error.to_string());
        }
    }

    /// Reads what the login's answer had no room for. Lists that are whole then need not be sent again after a lost
    /// connection.
    fn complete_lists(&self, bundle: &SignedIn) {
        let held = self.shared.lock().roster.held();
        // What was called unchanged and is not here whole is read from the start.
        let friends_after = if bundle.friends_unchanged { 0 } else { bundle.friends_next };
        let friends_here = held.friends.is_some() || (!bundle.friends_unchanged && friends_after == 0);
        if friends_here || self.read_friends(friends_after) {
            self.shared.lock().roster.hold_friends(&bundle.friends_version);
        }
        let groups_after = if bundle.groups_unchanged { 0 } else { bundle.groups_next };
        let groups_here = held.groups.is_some() || (!bundle.groups_unchanged && groups_after == 0);
        if groups_here || self.read_groups(groups_after) {
            self.shared.lock().roster.hold_groups(&bundle.groups_version);
        }
        self.read_door(bundle);
        let held = self.shared.lock().roster.held();
        if let Err(error) = self.client.hold_lists(held) {
            log::debug!("the client does not know of the lists: {error}");
        }
    }

    /// The first page of who asks to come in, so that their names can be completed. Nothing else depends on it.
    fn read_door(&self, bundle: &SignedIn) {
        let applications = Request::Applications(Applications::default());
        if bundle.applications > 0
            && let Ok(Reply::Applications(page)) = self.client.call(applications)
        {
            self.shared.lock().roster.door.hold_applications(&page.applications, bundle.id);
        }
        let invitations = Request::Invitations(Page { after: 0, limit: 0 });
        if bundle.invitations > 0
            && let Ok(Reply::Invitations(page)) = self.client.call(invitations)
        {
            self.shared.lock().roster.door.hold_invitations(&page.invitations);
        }
    }

    /// The rest of a list that was too long for the login's answer; whether it came to its end. If it cannot be read, names
    /// stay unknown; nothing depends on them.
    fn read_friends(&self, mut after: u64) -> bool {
        for _ in 0..PAGES_MAX {
            let Ok(Reply::Friends(page)) = self.client.call(Request::Friends(Page { after, limit: 0 }))
            else {
                return false;
            };
            let mut known = self.shared.lock();
            page.friends.into_iter().for_each(|friend| known.roster.add_friend(friend));
            match page.next {
                next if next > after => after = next,
                next => return next == 0,
            }
        }
        false
    }

    fn read_groups(&self, mut after: u64) -> bool {
        for _ in 0..PAGES_MAX {
            let Ok(Reply::Groups(page)) = self.client.call(Request::Groups(Page { after, limit: 0 })) else {
                return false;
            };
            let mut known = self.shared.lock();
            page.groups.into_iter().for_each(|group| known.roster.add_group(group));
            match page.next {
                next if next > after => after = next,
                next => return next == 0,
            }
        }
        false
    }

    /// Messages that were typed while the server was slow or away: those that were not stored are told.
    fn tell_unanswered(&self) {
        let mut told = Vec::new();
        {
            let mut known = self.shared.lock();
            let known = &mut *known;
            known.unanswered.retain(|message| match message.pending.poll() {
                None => true,
                Some(Ok(_)) => false,
                Some(Err(error)) => {
                    let (to, text) = (known.roster.talk_name(message.talk), one_line(&message.text));
                    told.push(format!("not sent to {to}: {text} ({})", one_line(&error.to_string())));
                    false
                }
            });
        }
        told.iter().for_each(|line| self.output.remark(line));
    }
}
