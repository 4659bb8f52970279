//! The thread of events: has them kept, shows them, learns from them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::protocol::{Applications, Broadcast, ChatMessage, MessageKind, Page, Reply, Request, SignedIn};
use client::store::{Keep, Store, StoreError, StoredEvents};
use client::{Arrival, Client, Event, Mentioned};

use crate::catching_up::{CatchingUp, Treatment};
use crate::change_run::ChangeRun;
use crate::conversations::Concern;
use crate::keeper::{self, Keeper};
use crate::moment;
use crate::outbox;
use crate::output::{Output, Ring};
use crate::printable::one_line;
use crate::refusal;
use crate::roster::Roster;
use crate::shared::{Shared, Teller};

/// How often the thread looks after other things than events.
const TICK: Duration = Duration::from_millis(40);

/// How long the end may take to show what came before it. What is left comes again in the next client.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// What was shown is noted at most this often; after a crash so much may be shown again, and nothing is missed.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Pages of a list that are read after a login.
const PAGES_MAX: usize = 100;

/// Messages after which it is looked whether too many are kept.
const PRUNE_EVERY: u64 = 1_000;

/// Whether somebody is to be told who does not look at the terminal: of what others say as it is said, elsewhere than in
/// the open conversation, and not while that is kept quiet. Before the server has told what is quiet, nothing rings.
fn should_notify(message: &ChatMessage, arrival: Arrival, roster: &Roster) -> bool {
    let mentioned = match message.mentions.iter().any(|id| *id == 0 || *id == roster.my_id()) {
        true => Mentioned::Yes,
        false => Mentioned::No,
    };
    let rings = |quiet| client::should_notify(quiet, message.conv, mentioned, moment::now());
    arrival == Arrival::Live
        && !message.hidden
        && message.kind != MessageKind::System
        && roster.concern(message) == Concern::Waiting
        && roster.quiet.as_ref().is_some_and(rings)
}

/// A broadcast that is older was not missed by a moment: it is shown, and rings for nobody.
const BROADCAST_RINGS_FOR_MS: u64 = 60_000;

/// Whether what the operator says rings: unless it is old news, or everything is quiet.
fn broadcast_rings(broadcast: &Broadcast, roster: &Roster) -> bool {
    let now = moment::now();
    let rings = |quiet| client::should_notify(quiet, 0, Mentioned::No, now);
    now.saturating_sub(broadcast.time) < BROADCAST_RINGS_FOR_MS && roster.quiet.as_ref().is_some_and(rings)
}

/// Takes the events, one at a time.
pub(crate) struct Watcher {
    pub(crate) client: Client,
    pub(crate) events: StoredEvents,
    pub(crate) shared: Arc<Shared>,
    pub(crate) output: Arc<Output>,
    pub(crate) keeper: Arc<Mutex<Keeper>>,
    pub(crate) keep: Keep,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) saved_at: Instant,
    pub(crate) unsaved: Unsaved,
    /// Messages since it was looked whether too many are kept.
    pub(crate) since_prune: u64,
    pub(crate) changes: ChangeRun,
    /// Who is writing, as the title says it.
    pub(crate) typing_shown: Option<String>,
}

/// What the store does not know yet. The messages it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsaved {
    /// How far messages and notices were shown.
    pub(crate) shown: bool,
    /// Friends and groups.
    pub(crate) lists: bool,
    /// How far everybody read.
    pub(crate) readings: bool,
}

impl Watcher {
    pub(crate) fn run(mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            let mut quiet = false;
            match self.events.next_within(TICK) {
                Ok(Some(event)) => self.take(&event),
                Ok(None) => quiet = true,
                Err(client::NoMoreEvents) => break,
            }
            if let Some(news) = self.changes.news(Instant::now()) {
                self.output.event(self.output.style().faint(&format!("* {news}")));
            }
            self.show_who_is_typing();
            self.look_after_the_outbox();
            // Friends and groups change seldom, and without them nobody can be named while there is no connection.
            let due = self.saved_at.elapsed() >= SAVE_INTERVAL || (quiet && self.unsaved.lists);
            if self.unsaved != Unsaved::default() && due {
                self.save();
            }
        }
        self.take_what_came();
        self.unsaved.lists = true;
        self.save();
    }

    /// What was there before the end is shown: an own message that was answered, for example.
    fn take_what_came(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < LAST_EVENTS
            && let Ok(Some(event)) = self.events.next_within(Duration::ZERO)
        {
            self.take(&event);
        }
    }

    fn take(&mut self, event: &Event) {
        if let Event::Message { message, .. } = event {
            self.shared.wait_for_group_of(message.conv);
        }
        let line = self.told(event);
        let mut line = line.filter(|_| self.treatment(event) == Treatment::Show);
        // A script hears of what it waits for before it goes on; who sees a line at a terminal may answer it at once.
        if !self.output.is_terminal() {
            self.show(line.take());
        }
        if let Event::SignedIn { bundle, .. } = event {
            self.keep_for(bundle);
        }
        self.shared.learn(event);
        self.show(line);
        if let Some(error) = self.events.trouble() {
            self.output
                .remark(&format!("{error}; what comes now is not kept, and shown again the next time"));
        }
        match event {
            Event::SignedIn { bundle, .. } => {
                self.complete_lists(bundle);
                self.unsaved.lists = true;
                self.save();
                self.shared.outbox().submit(&self.client, None);
            }
            Event::SessionEnded(_) => self.save(),
            Event::Synced { .. } => {
                self.prune();
                self.recount();
                self.unsaved.readings = true;
            }
            // Read on another device, or by somebody else.
            Event::Receipt(receipt) => {
                self.unsaved.readings = true;
                if receipt.user == self.shared.lock().roster.my_id() {
                    self.recount();
                }
            }
            Event::Message { message, .. } => {
                (self.unsaved.shown, self.unsaved.readings) = (true, true);
                self.unsaved.lists |= message.event.is_some();
                self.since_prune += 1;
                if self.since_prune >= PRUNE_EVERY {
                    self.prune();
                }
                self.look_at(message);
            }
            Event::Notice(_) | Event::Broadcast(_) | Event::Hidden(_) => self.unsaved.shown = true,
            Event::Friend(_) | Event::FriendChanged(_) | Event::Group(_) => self.unsaved.lists = true,
            _ => {}
        }
    }

    fn show(&self, line: Option<String>) {
        if let Some(line) = line {
            self.output.event(line);
        }
    }

    /// Of very many changes at once somebody at a terminal is told the number. Programs get them all.
    fn treatment(&mut self, event: &Event) -> Treatment {
        match event {
            Event::Changed(_) if self.output.is_terminal() => self.changes.take(Instant::now()),
            _ => Treatment::Show,
        }
    }

    /// The line for an event, and with it what draws attention to it.
    fn told(&self, event: &Event) -> Option<String> {
        let mut known = self.shared.lock();
        let known = &mut *known;
        let mut line = self.output.render(event, &known.roster);
        match event {
            Event::SignedIn { bundle, .. } => known.catching_up = CatchingUp::begin(bundle),
            Event::Message { arrival: Arrival::Missed, .. }
                if self.output.is_terminal()
                    && !known.synced
                    && known.catching_up.take() == Treatment::Hold =>
            {
                let news = known.catching_up.news().filter(|_| known.teller == Teller::Lines);
                line = news.map(|news| self.output.style().faint(&format!("* {news}")));
            }
            Event::Synced { .. } if known.catching_up.held > 0 => {
                let where_they_are = "* too many to show: /conversations lists where they are";
                line = line.map(|line| format!("{line}\n{}", self.output.style().faint(where_they_are)));
            }
            _ => {}
        }
        let roster = &mut known.roster;
        let mut ring = Ring::Silent;
        if let Event::Broadcast(broadcast) = event
            && broadcast_rings(broadcast, roster)
        {
            ring = Ring::Bell;
        }
        if let Event::Message { message, arrival } = event {
            roster.typists.said(message.conv, message.from);
            if should_notify(message, *arrival, roster) {
                ring = Ring::Bell;
            }
            roster.learn_message(message);
        }
        line.map(|line| self.output.attention(ring, roster) + &line)
    }

    /// The title says who is writing in the open conversation, and no more when they are not.
    fn show_who_is_typing(&mut self) {
        let mut known = self.shared.lock();
        known.roster.typists.pass(Instant::now());
        let typing = known.roster.typing_here();
        if typing == self.typing_shown {
            return;
        }
        self.typing_shown = typing;
        let title = self.output.attention(Ring::Silent, &known.roster);
        drop(known);
        self.output.set_title(&title);
    }

    /// Sets right what is unread. The title says it with the next line that is printed.
    fn recount(&self) {
        if let Ok(readings) = self.client.readings() {
            self.shared.lock().roster.read_to(&readings);
        }
    }

    /// What is shown of the chosen conversation is read, and so is what is before one's own words.
    fn look_at(&self, message: &ChatMessage) {
        let concern = self.shared.lock().roster.concern(message);
        // A client that was closed meanwhile tells nobody.
        if matches!(concern, Concern::Looked | Concern::Own)
            && self.client.read(message.conv, message.seq).is_err()
        {
            log::debug!("message {} of conversation {} was not marked as read", message.seq, message.conv);
        }
    }

    /// From now on everything is kept for this user.
    fn keep_for(&mut self, me: &SignedIn) {
        let kept = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).keep(me.id, &me.name);
        let (store, trouble) = match kept {
            Ok(kept) => kept,
            Err(error) => return self.output.remark(&format!("nothing is kept: {error}")),
        };
        if let Some(error) = trouble {
            let why = keeper::trouble(&error);
            self.output.remark(&format!("this session will not be remembered: {why}"));
        }
        self.shared.outbox().use_store(Arc::clone(&store));
        let begun = self.events.keep_in(store);
        self.complain(begun);
    }

    fn store(&self) -> Option<Arc<Store>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).store()
    }

    fn save(&mut self) {
        let Ok(state) = self.client.sync_state() else { return };
        if state.user == 0 {
            return;
        }
        let unsaved = std::mem::take(&mut self.unsaved);
        self.saved_at = Instant::now();
        let shown = self.events.note_shown();
        self.complain(shown);
        let Some(store) = self.store() else { return };
        self.complain(store.save_sync(&state));
        if unsaved.readings
            && let Ok(readings) = self.client.readings()
        {
            self.complain(store.save_readings(&readings));
        }
        if unsaved.lists && self.shared.lock().roster.signed_in().is_some() {
            let lists = self.shared.lock().roster.lists();
            self.complain(store.save_lists(&lists));
        }
    }

    /// Takes out of the store what it is not to keep.
    fn prune(&mut self) {
        self.since_prune = 0;
        let Some(store) = self.store() else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        while !self.stop.load(Ordering::SeqCst) {
            match store.prune(self.keep, now_ms) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.complain(Err(error)),
            }
        }
    }

    fn complain(&self, done: Result<(), StoreError>) {
        if let Err(error) = done {
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

    /// Messages that were typed while the server was slow or away: those that it refused are told, and others take their
    /// place on the way.
    fn look_after_the_outbox(&self) {
        let expected = self.shared.lock().roster.me.is_some();
        let not_sent = {
            let mut outbox = self.shared.outbox();
            let not_sent = outbox.sweep();
            if expected {
                outbox.submit(&self.client, None);
            }
            not_sent
        };
        for message in not_sent {
            let to = self.shared.lock().roster.talk_name(outbox::talk(&message.outgoing));
            let (text, why) = (message.outgoing.text(), refusal::why(&message.why));
            self.output.remark(&format!("not sent to {to}: {} ({})", one_line(text), one_line(&why)));
        }
    }
}
