//! What the node listens to, and how far Redis has confirmed it. No I/O: the subscriber's thread sends what
//! [`Subscriptions::next_command`] says and reports each answer.
//!
//! Every wish to listen or to leave is a *change* with a number, sent in order. Redis answers in the same order, so one
//! number says what is confirmed, and however often a topic flaps, the last wish is the one that stands.

use std::collections::{HashMap, VecDeque};

use domain::{Timestamp, Topic};
use redis::Cmd;

use super::channel;

/// Channels in one command: Redis serves nobody else meanwhile.
pub(super) const CHANNELS_PER_COMMAND: usize = 1_000;
/// Changes that may wait or be unanswered besides one for each topic listened to. With more of them it is cheaper to
/// forget the connection and to subscribe on a new one.
const CHANGES_MAX: usize = 100_000;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// None.
    Away,
    /// There is a connection; not everything is subscribed yet.
    Joining,
    /// All is heard.
    Full,
}

/// See the module.
pub(super) struct Subscriptions {
    /// What to listen to, with the number of the change that makes it so on this connection.
    wanted: HashMap<Topic, u64>,
    /// Not sent yet. Empty while away: the next connection begins with all that is wanted.
    waiting: VecDeque<Change>,
    /// Sent and not answered.
    unanswered: VecDeque<Change>,
    /// The number of the last change.
    last: u64,
    /// The number of the last answered change.
    confirmed: u64,
    hearing: Hearing,
    /// The change with which a new connection has everything again.
    whole_at: u64,
    /// Counts connections, so that who waits on one does not mistake the next for it.
    connection: u64,
    late: Option<Late>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    topic: Topic,
    want: Want,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Listen,
    Leave,
}

/// Somebody did not wait for these changes to the end.
#[derive(Clone, Copy)]
struct Late {
    change: u64,
    since: Timestamp,
}

/// What somebody who wants to listen waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    connection: u64,
    change: u64,
}

/// What an answer brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered {
    /// Everything is heard now, for the first time on this connection.
    pub(super) whole: bool,
    /// Now is heard what somebody wanted since this moment and did not wait for.
    pub(super) late: Option<Timestamp>,
}

/// Redis answered something else than what was asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfStep;

impl Subscriptions {
    pub(super) fn new() -> Subscriptions {
        Subscriptions {
            wanted: HashMap::from([(Topic::Nodes, 0)]),
            waiting: VecDeque::new(),
            unanswered: VecDeque::new(),
            last: 0,
            confirmed: 0,
            hearing: Hearing::Away,
            whole_at: 0,
            connection: 0,
            late: None,
        }
    }

    /// Listens to these too.
    pub(super) fn listen(&mut self, topics: &[Topic]) -> Ticket {
        let mut change = 0;
        for &topic in topics {
            let number = match self.wanted.get(&topic) {
                Some(&number) => number,
                None => {
                    let number = self.want(topic, Want::Listen);
                    self.wanted.insert(topic, number);
                    number
                }
            };
            change = change.max(number);
        }
        Ticket { connection: self.connection, change }
    }

    /// Leaves these. [`Topic::Nodes`] is never left.
    pub(super) fn leave(&mut self, topics: &[Topic]) {
        for &topic in topics {
            if topic != Topic::Nodes && self.wanted.remove(&topic).is_some() {
                self.want(topic, Want::Leave);
            }
        }
    }

    fn want(&mut self, topic: Topic, want: Want) -> u64 {
        if self.hearing == Hearing::Away {
            return self.last;
        }
        self.last += 1;
        self.waiting.push_back(Change { topic, want });
        self.last
    }

    /// Whether there is nothing to wait for: it is heard, or that connection is gone.
    pub(super) fn is_settled(&self, ticket: Ticket) -> bool {
        self.hearing == Hearing::Away
            || self.connection != ticket.connection
            || self.confirmed >= ticket.change
    }

    /// Who held this ticket waits no longer, though what was said since then is not surely heard.
    pub(super) fn give_up(&mut self, ticket: Ticket, since: Timestamp) {
        if !self.is_settled(ticket) {
            let earlier = self.late.unwrap_or(Late { change: 0, since });
            self.late =
                Some(Late { change: earlier.change.max(ticket.change), since: earlier.since.min(since) });
        }
    }

    /// A new connection, on which nothing is subscribed yet.
    pub(super) fn connected(&mut self) {
        self.disconnected();
        self.connection += 1;
        self.hearing = Hearing::Joining;
        let topics: Vec<Topic> = self.wanted.keys().copied().collect();
        for topic in topics {
            let number = self.want(topic, Want::Listen);
            self.wanted.insert(topic, number);
        }
        self.whole_at = self.last;
        if let Some(late) = &mut self.late {
            late.change = self.whole_at;
        }
    }

    /// The connection is gone, and what was confirmed on it.
    pub(super) fn disconnected(&mut self) {
        self.waiting.clear();
        self.unanswered.clear();
        self.confirmed = self.last;
        self.hearing = Hearing::Away;
    }

    /// The next command to send, in chunks; `None` if all is sent.
    pub(super) fn next_command(&mut self, prefix: &str) -> Option<Cmd> {
        let want = self.waiting.front()?.want;
        let mut command = redis::cmd(match want {
            Want::Listen => "SUBSCRIBE",
            Want::Leave => "UNSUBSCRIBE",
        });
        let mut name = Vec::new();
        for _ in 0..CHANNELS_PER_COMMAND {
            match self.waiting.pop_front_if(|change| change.want == want) {
                Some(change) => {
                    name.clear();
                    channel::write(prefix, change.topic, &mut name);
                    command.arg(name.as_slice());
                    self.unanswered.push_back(change);
                }
                None => break,
            }
        }
        Some(command)
    }

    /// Redis confirmed that we listen to a topic, or that we do not any more.
    pub(super) fn answered(&mut self, topic: Topic, listening: bool) -> Result<Answered, OutOfStep> {
        let change = self.unanswered.pop_front().ok_or(OutOfStep)?;
        if change.topic != topic || listening != (change.want == Want::Listen) {
            return Err(OutOfStep);
        }
        self.confirmed += 1;
        let mut answered = Answered::default();
        if self.hearing == Hearing::Joining && self.confirmed >= self.whole_at {
            self.hearing = Hearing::Full;
            answered.whole = true;
        }
        if let Some(late) = self.late.take_if(|late| late.change <= self.confirmed) {
            answered.late = Some(late.since);
        }
        Ok(answered)
    }

    pub(super) fn hearing(&self) -> Hearing {
        self.hearing
    }

    /// Whether something waits to be sent.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether so many changes wait that a new connection is the shorter way.
    pub(super) fn is_overgrown(&self) -> bool {
        self.waiting.len() + self.unanswered.len() > self.wanted.len() + CHANGES_MAX
    }

    /// Topics listened to, [`Topic::Nodes`] included.
    pub(super) fn topics(&self) -> usize {
        self.wanted.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UserId;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::collections::HashSet;

    const PREFIX: &str = "t:";

    fn user(id: u64) -> Topic {
        Topic::User(UserId(id))
    }

    /// A Redis that does what it is told, in order.
    #[derive(Default)]
    struct Server {
        listening: HashSet<Topic>,
        answers: VecDeque<(Topic, bool)>,
    }

    impl Server {
        fn take(&mut self, command: &Cmd) {
            let mut words = command.args_iter().map(|arg| match arg {
                redis::Arg::Simple(bytes) => bytes.to_vec(),
                _ => panic!("an argument of another kind"),
            });
            let listen = words.next().unwrap() == b"SUBSCRIBE";
            for word in words {
                let topic = channel::topic(PREFIX, &word).unwrap();
                match listen {
                    true => self.listening.insert(topic),
                    false => self.listening.remove(&topic),
                };
                self.answers.push_back((topic, listen));
            }
        }
    }

    fn join(subscriptions: &mut Subscriptions) -> Server {
        let mut server = Server::default();
        subscriptions.connected();
        pump(subscriptions, &mut server);
        server
    }

    fn pump(subscriptions: &mut Subscriptions, server: &mut Server) {
        while let Some(command) = subscriptions.next_command(PREFIX) {
            server.take(&command);
        }
        while let Some((topic, listening)) = server.answers.pop_front() {
            subscriptions.answered(topic, listening).unwrap();
        }
    }

    #[test]
    fn while_away_nobody_waits_and_a_connection_brings_all_of_it() {
        let mut subscriptions = Subscriptions::new();
        let ticket = subscriptions.listen(&[user(1), user(2)]);
        assert!(subscriptions.is_settled(ticket));
        subscriptions.leave(&[user(2)]);
        let server = join(&mut subscriptions);
        assert_eq!(server.listening, HashSet::from([Topic::Nodes, user(1)]));
        assert_eq!(subscriptions.hearing(), Hearing::Full);
    }

    #[test]
    fn a_ticket_is_settled_by_its_own_answer_and_not_before() {
        let mut subscriptions = Subscriptions::new();
        let mut server = join(&mut subscriptions);
        let ticket = subscriptions.listen(&[user(1)]);
        let again = subscriptions.listen(&[user(1)]);
        assert!(!subscriptions.is_settled(ticket) && !subscriptions.is_settled(again));
        pump(&mut subscriptions, &mut server);
        assert!(subscriptions.is_settled(ticket) && subscriptions.is_settled(again));
        let known = subscriptions.listen(&[user(1), Topic::Nodes]);
        assert!(subscriptions.is_settled(known));
        assert!(!subscriptions.has_waiting());
    }

    #[test]
    fn a_lost_connection_settles_its_tickets() {
        let mut subscriptions = Subscriptions::new();
        let _ = join(&mut subscriptions);
        let ticket = subscriptions.listen(&[user(1)]);
        subscriptions.disconnected();
        assert!(subscriptions.is_settled(ticket));
        let server = join(&mut subscriptions);
        assert!(subscriptions.is_settled(ticket));
        assert!(server.listening.contains(&user(1)));
    }

    #[test]
    fn who_did_not_wait_is_told_when_it_is_heard() {
        let mut subscriptions = Subscriptions::new();
        let _ = join(&mut subscriptions);
        let first = subscriptions.listen(&[user(1)]);
        let second = subscriptions.listen(&[user(2)]);
        subscriptions.give_up(second, Timestamp(20));
        subscriptions.give_up(first, Timestamp(10));
        let _ = subscriptions.next_command(PREFIX).unwrap();
        assert_eq!(subscriptions.answered(user(1), true).unwrap().late, None);
        assert_eq!(subscriptions.answered(user(2), true).unwrap().late, Some(Timestamp(10)));
    }

    #[test]
    fn who_did_not_wait_is_told_even_after_a_reconnect() {
        let mut subscriptions = Subscriptions::new();
        let _ = join(&mut subscriptions);
        let ticket = subscriptions.listen(&[user(1)]);
        subscriptions.give_up(ticket, Timestamp(10));
        subscriptions.disconnected();
        subscriptions.connected();
        let mut server = Server::default();
        while let Some(command) = subscriptions.next_command(PREFIX) {
            server.take(&command);
        }
        let told: Vec<_> = server
            .answers
            .into_iter()
            .filter_map(|(topic, listening)| subscriptions.answered(topic, listening).unwrap().late)
            .collect();
        assert_eq!(told, [Timestamp(10)]);
    }

    #[test]
    fn an_answer_to_something_else_is_noticed() {
        let mut subscriptions = Subscriptions::new();
        let _ = join(&mut subscriptions);
        assert_eq!(subscriptions.answered(user(1), true), Err(OutOfStep));
        subscriptions.listen(&[user(1)]);
        let _ = subscriptions.next_command(PREFIX).unwrap();
        assert_eq!(subscriptions.answered(user(1), false), Err(OutOfStep));
    }

    #[test]
    fn large_sets_go_in_chunks() {
        let mut subscriptions = Subscriptions::new();
        let topics: Vec<Topic> = (0..2_500).map(user).collect();
        subscriptions.listen(&topics);
        subscriptions.connected();
        let mut sizes = Vec::new();
        while let Some(command) = subscriptions.next_command(PREFIX) {
            sizes.push(command.args_iter().len() - 1);
        }
        assert_eq!(sizes, [1_000, 1_000, 501]);
    }

    #[test]
    fn however_topics_flap_and_connections_break_the_last_wish_stands() {
        let seed: u64 = rand::random();
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let mut subscriptions = Subscriptions::new();
        let mut server = Server::default();
        let mut wanted = HashSet::from([Topic::Nodes]);
        for _ in 0..20_000 {
            let topic = user(rng.random_range(0..8));
            match rng.random_range(0..20) {
                0 => {
                    subscriptions.connected();
                    server = Server::default();
                }
                1 => subscriptions.disconnected(),
                2..8 => {
                    subscriptions.listen(&[topic]);
                    wanted.insert(topic);
                }
                8..14 => {
                    subscriptions.leave(&[topic]);
                    wanted.remove(&topic);
                }
                14..17 => {
                    if let Some(command) = subscriptions.next_command(PREFIX) {
                        server.take(&command);
                    }
                }
                _ => {
                    if subscriptions.hearing() != Hearing::Away
                        && let Some((topic, listening)) = server.answers.pop_front()
                    {
                        subscriptions.answered(topic, listening).unwrap();
                    }
                }
            }
        }
        if subscriptions.hearing() == Hearing::Away {
            server = join(&mut subscriptions);
        }
        pump(&mut subscriptions, &mut server);
        assert_eq!(server.listening, wanted);
    }
}
