//! A device as a person uses it: one thread that talks, listens, comes and goes.
//!
//! What it does is decided by its own generator; when the server answers is not. So a seed brings the same scripts and
//! faults back, and not the same run to the millisecond.

mod afterthoughts;
mod club;
mod desk;
mod life;
mod sends;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{FriendEventKind, Login, Nothing, Reply, Request, SignedIn, State};
use rand::{RngExt, rngs::StdRng, seq::IteratorRandom};
use testkit::Proxy;

pub(crate) use self::desk::{Desk, Order};
use self::{afterthoughts::Afterthoughts, club::Club, life::Life, sends::Sends};
use super::{
    evidence::{Target, Tongue, Who},
    line::{Heard, Line, NoAnswer, Ticket},
    seed,
    town::{Resident, Stage, Town},
};

/// How long a device listens before it does something.
const TURN: Duration = Duration::from_millis(20);
/// The wait before logging in is tried again.
const LOGIN_RETRY: Duration = Duration::from_millis(700);
/// How often a device writes down how far everybody got, once nothing new is begun.
const READINGS_EVERY: Duration = Duration::from_millis(300);
/// The mean time between two times that somebody reads a conversation on one device.
const READ: Duration = Duration::from_secs(2);
/// The mean time between two changes of own messages by one device.
const REGRET: Duration = Duration::from_secs(3);
/// The mean time between two changes by one device of what is quiet.
const HUSH: Duration = Duration::from_secs(8);
/// The mean time between two times that somebody hides something on one device.
const HIDE: Duration = Duration::from_secs(8);

/// How lively devices are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Temper {
    /// The mean time between two messages of one device.
    pub(crate) say: Duration,
    /// The mean time between two comings or goings of one device.
    pub(crate) life: Duration,
    /// The mean time between two changes of groups and friends of one person.
    pub(crate) club: Duration,
}

/// A device and the hand that uses it. Owned by its thread.
pub(crate) struct Actor {
    who: Who,
    tongue: Tongue,
    town: Arc<Town>,
    desk: Arc<Desk>,
    /// The device's own connection to the world, which can be cut.
    cable: Arc<Proxy>,
    seed: u64,
    random: StdRng,
    temper: Temper,
    line: Option<Box<dyn Line>>,
    token: Option<protocol::Secret>,
    life: Life,
    login: LoginState,
    next_ticket: u64,
    sends: Sends,
    afterthoughts: Afterthoughts,
    /// Only a person's first device changes groups and friends.
    club: Option<Club>,
    say_at: Instant,
    life_at: Instant,
    club_at: Instant,
    read_at: Instant,
    regret_at: Instant,
    hush_at: Instant,
    hide_at: Instant,
    readings_at: Instant,
}

/// How far logging in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginState {
    /// There is a session, or a token to go on with.
    Done,
    /// Log in from this time on.
    Wanted {
        from: Instant,
    },
    Asked(Ticket),
    /// Log out was asked.
    LeavingBy(Ticket),
}

impl Actor {
    pub(crate) fn new(
        who: Who,
        tongue: Tongue,
        town: Arc<Town>,
        desk: Arc<Desk>,
        cable: Arc<Proxy>,
        seed: u64,
        temper: Temper,
    ) -> Actor {
        let now = Instant::now();
        let mut random = seed::generator(seed, &who.to_string());
        let club = (who.device == 0).then(|| Club::new(town.residents[who.person].id));
        Actor {
            say_at: now + some_time(temper.say, &mut random),
            life_at: now + some_time(temper.life, &mut random),
            club_at: now + some_time(temper.club, &mut random),
            read_at: now + some_time(READ, &mut random),
            regret_at: now + some_time(REGRET, &mut random),
            hush_at: now + some_time(HUSH, &mut random),
            hide_at: now + some_time(HIDE, &mut random),
            readings_at: now,
            sends: Sends::new(who, seed),
            afterthoughts: Afterthoughts::new(who, seed),
            who,
            tongue,
            town,
            desk,
            cable,
            seed,
            random,
            temper,
            line: None,
            token: None,
            life: Life::Away { until: now },
            login: LoginState::Wanted { from: now },
            next_ticket: 0,
            club,
        }
    }

    /// Until the play is over.
    pub(crate) fn run(mut self) {
        while self.town.stage() != Stage::Over {
            let now = Instant::now();
            self.live(now);
            if self.life != Life::There {
                std::thread::sleep(TURN);
                continue;
            }
            self.listen();
            self.log_in(now);
            self.say(now);
            self.change_clubs(now);
            self.think_again(now);
            let deeds = usize::from(self.club.as_ref().is_some_and(Club::is_busy));
            let open = self.sends.open() + self.afterthoughts.open() + deeds;
            self.desk.report(self.is_signed_in(), open);
        }
        self.switch_off(super::line::Parting::Polite);
        self.desk.keep_deeds(self.sends.into_sends(), self.afterthoughts.into_deeds());
    }

    fn resident(&self) -> &Resident {
        &self.town.residents[self.who.person]
    }

    fn is_signed_in(&self) -> bool {
        self.line.is_some() && self.login == LoginState::Done
    }

    fn ask(&mut self, request: Request) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        if let Some(line) = &mut self.line {
            line.ask(ticket, request);
        }
        ticket
    }

    fn listen(&mut self) {
        let mut heard = Vec::new();
        if let Some(line) = &mut self.line {
            line.hear(TURN, &mut heard);
        }
        let mut dropped = false;
        for heard in heard {
            match heard {
                Heard::SignedIn(bundle) => {
                    self.desk.note(&format!("signed in to session {}{}", bundle.session, online(&bundle)));
                    self.desk.signed_in(&bundle.friends);
                    let mut household = self.resident().household();
                    for friend in &bundle.friends {
                        household.befriend(friend.id, friend.conv);
                    }
                    let convs: Vec<u64> = household.friends.iter().map(|friend| friend.conv).collect();
                    drop(household);
                    // Whoever was away asks how far the others got.
                    convs.into_iter().for_each(|conv| self.afterthoughts.wonder(conv));
                    if let Some(club) = &mut self.club {
                        club.hear_requests(&bundle.requests);
                    }
                }
                Heard::Disconnected(why) => {
                    self.desk.disconnected();
                    self.desk.note(&why);
                }
                Heard::SessionEnded => {
                    self.desk.note("session ended");
                    self.session_ended();
                }
                Heard::Message(message) => {
                    self.desk.show(&message);
                    if message.from == self.resident().id {
                        // Whoever says something has read what stands before it.
                        self.read(message.conv, message.seq);
                    }
                }
                Heard::Changed(changed) => self.desk.change(&changed),
                Heard::Quiet(quiet) => self.desk.quiet(quiet),
                Heard::Hidden(hidden) => self.desk.hide(hidden),
                Heard::Broadcast(broadcast) => self.desk.tell(&broadcast),
                Heard::Pushed(pushed) => self.desk.pushed(pushed),
                Heard::Gap(gap) => self.desk.gap(gap),
                Heard::Presence(push) => self.desk.view(push.id, push.state),
                Heard::Friend(event) => {
                    if let Some(friend) = &event.friend {
                        self.resident().household().befriend(friend.id, friend.conv);
                        self.desk.view(friend.id, friend.state);
                    }
                    if let (FriendEventKind::Requested, Some(club)) = (event.event, &mut self.club) {
                        club.hear_request(event.id);
                    }
                }
                Heard::Dropped => dropped = true,
                Heard::Answer(ticket, result) => self.answered(ticket, result),
            }
        }
        if dropped {
            // The lists come anew with the next sign-in, in order with everything else.
            self.switch_off(super::line::Parting::Polite);
            self.switch_on();
        }
    }

    fn answered(&mut self, ticket: Ticket, result: Result<Reply, NoAnswer>) {
        if self.login == LoginState::Asked(ticket) {
            match result {
                Ok(Reply::Login(bundle)) => {
                    self.token = bundle.token;
                    self.login = LoginState::Done;
                }
                other => {
                    self.desk.note(&format!("login: {:?}", other.map(|reply| reply.msgid())));
                    self.login = LoginState::Wanted { from: Instant::now() + LOGIN_RETRY };
                }
            }
            return;
        }
        if self.login == LoginState::LeavingBy(ticket) {
            // Unanswered, it may have been done or not: then the line finds out with its token.
            self.login = LoginState::Done;
            self.desk.note(&format!("logout: {:?}", result.as_ref().map(Reply::msgid)));
            if result.is_ok() {
                self.session_ended();
                let pause = some_time(Duration::from_secs(1), &mut self.random);
                self.login = LoginState::Wanted { from: Instant::now() + pause };
            }
            return;
        }
        if let Ok(reply) = &result {
            let friend = match reply {
                Reply::AddFriend(answer) | Reply::AcceptFriend(answer) => answer.friend.as_ref(),
                _ => None,
            };
            if let Some(friend) = friend {
                self.resident().household().befriend(friend.id, friend.conv);
                self.desk.view_unless_known(friend.id, friend.state);
            }
        }
        match &mut self.club {
            Some(club) if club.waits_for(ticket) => {
                let town = Arc::clone(&self.town);
                club.answered(result, &town, &town.residents[self.who.person]);
            }
            _ if self.afterthoughts.answered(ticket, &result) => {}
            _ => {
                if let Some((to, conv, seq)) = self.sends.answered(ticket, result) {
                    self.afterthoughts.said(to, conv, seq);
                }
            }
        }
    }

    fn session_ended(&mut self) {
        self.token = None;
        if !matches!(self.login, LoginState::Asked(_)) {
            self.login = LoginState::Wanted { from: Instant::now() };
        }
    }

    fn log_in(&mut self, now: Instant) {
        if let LoginState::Wanted { from } = self.login
            && from <= now
        {
            let name = Some(self.resident().name.clone());
            let login = Login { name, password: Resident::password(), ..Login::default() };
            self.desk.note("logs in");
            let ticket = self.ask(Request::Login(login));
            self.login = LoginState::Asked(ticket);
        }
    }

    fn log_out(&mut self) {
        self.desk.note("logs out");
        let ticket = self.ask(Request::LogOut(Nothing {}));
        self.login = LoginState::LeavingBy(ticket);
    }

    /// Begins a new message when it is time, and tries again what has no answer.
    fn say(&mut self, now: Instant) {
        if !self.is_signed_in() {
            return;
        }
        if self.town.stage() == Stage::Play && self.say_at <= now {
            self.say_at = now + some_time(self.temper.say, &mut self.random);
            let household = self.resident().household().clone();
            self.sends.begin(&household, &mut self.random);
        }
        while let Some((at, request)) = self.sends.next_due(now) {
            let ticket = self.ask(request);
            self.sends.asked(at, ticket);
        }
    }

    fn read(&mut self, conv: u64, seq: u64) {
        self.desk.read(conv, seq);
        if let Some(line) = &mut self.line {
            line.read(conv, seq);
        }
    }

    /// Reads, edits, recalls and keeps quiet when it is time, and tries again what has no answer.
    fn think_again(&mut self, now: Instant) {
        if !self.is_signed_in() {
            return;
        }
        if self.town.stage() == Stage::Play {
            self.have_second_thoughts(now);
        } else if self.readings_at <= now
            && let Some(line) = &mut self.line
        {
            self.readings_at = now + READINGS_EVERY;
            self.desk.readings(line.readings());
        }
        while let Some((at, request)) = self.afterthoughts.next_due(now) {
            let ticket = self.ask(request);
            self.afterthoughts.asked(at, ticket);
        }
    }

    fn have_second_thoughts(&mut self, now: Instant) {
        if self.read_at <= now {
            self.read_at = now + some_time(READ, &mut self.random);
            if let Some((conv, have)) = self.desk.have().into_iter().choose(&mut self.random) {
                // Mostly everything that is there.
                let unseen = self.random.random_range(0..4_u64).saturating_sub(2);
                self.read(conv, have.saturating_sub(unseen).max(1));
            }
        }
        if self.regret_at <= now {
            self.regret_at = now + some_time(REGRET, &mut self.random);
            self.afterthoughts.regret(now, &mut self.random);
        }
        if self.hush_at <= now {
            self.hush_at = now + some_time(HUSH, &mut self.random);
            let household = self.resident().household().clone();
            self.afterthoughts.hush(&household, now, &mut self.random);
        }
        if self.hide_at <= now {
            self.hide_at = now + some_time(HIDE, &mut self.random);
            self.hide(now);
        }
    }

    /// Hides something of a conversation that the user is in.
    fn hide(&mut self, now: Instant) {
        let household = self.resident().household().clone();
        let friends = household.friends.iter().map(|friend| (friend.conv, Target::Friend(friend.id)));
        let groups = household.groups().into_iter().map(|group| (group, Target::Group(group)));
        if let Some((conv, to)) = friends.chain(groups).choose(&mut self.random) {
            let shown = self.desk.in_sight(conv);
            self.afterthoughts.hide(conv, to, &shown, now, &mut self.random);
        }
    }

    fn change_clubs(&mut self, now: Instant) {
        if !self.is_signed_in() {
            return;
        }
        let Some(club) = &mut self.club else { return };
        if self.town.stage() == Stage::Play && self.club_at <= now {
            self.club_at = now + some_time(self.temper.club, &mut self.random);
            club.think(&self.town, &self.town.residents[self.who.person], &mut self.random);
        }
        if let Some(request) = club.next_due(now, &self.town.residents[self.who.person]) {
            let ticket = self.ask(request);
            if let Some(club) = &mut self.club {
                club.asked(ticket);
            }
        }
    }
}

/// Which friends a bundle says to be there.
fn online(bundle: &SignedIn) -> String {
    let online = bundle.friends.iter().filter(|friend| friend.state == State::Online);
    let online: Vec<String> = online.map(|friend| friend.id.to_string()).collect();
    format!(", with {} online", online.join(", "))
}

/// A random time with this mean.
fn some_time(mean: Duration, random: &mut StdRng) -> Duration {
    mean.mul_f64(random.random_range(0.1..1.9))
}
