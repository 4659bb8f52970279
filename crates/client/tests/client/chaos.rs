//! A wire that loses, repeats and reorders, a server that is busy at random, connections that break at random: whatever
//! happens, every message is shown exactly once and in order, and every own one is stored exactly once and in order.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{ChatOrder, Config, Event};
use protocol::{ChatMessage, Code, Push, Refusal, Reply, Request};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::model::{ME, Model};
use crate::world::World;

const SEEDS: u64 = 60;
const STEPS: usize = 600;
const CONVERSATIONS: u64 = 4;

/// On its way to the client.
enum Parcel {
    Answer(u32, Box<Result<Reply, Refusal>>),
    Push(Box<ChatMessage>),
}

struct Chaos {
    world: World,
    random: StdRng,
    parcels: Vec<Parcel>,
    /// Own texts by conversation, in the order of submission.
    said: BTreeMap<u64, Vec<String>>,
}

#[test]
fn no_message_is_lost_doubled_or_moved() {
    let base = match std::env::var("CHAT_TEST_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => rand::random::<u64>() >> 16,
    };
    for seed in base..base + SEEDS {
        println!("seed {seed} (set CHAT_TEST_SEED to repeat)");
        Chaos::new(seed).run();
    }
}

impl Chaos {
    fn new(seed: u64) -> Chaos {
        let mut random = StdRng::seed_from_u64(seed);
        let mut model = Model::new();
        model.page_max = random.random_range(1..20);
        model.pipeline_max = random.random_range(0..12);
        let config = Config { chat_order: ChatOrder::Strict, ..Config::new("model:1") };
        let world = World::signed_in_with(config, model);
        Chaos { world, random, parcels: vec![], said: BTreeMap::new() }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        // Calm: what is under way arrives, and the clock runs.
        for _ in 0..2_000 {
            self.collect(0.0);
            self.deliver_all();
            self.world.pass(Duration::from_millis(20));
        }
        self.check();
    }

    fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..30 => {
                let conv = self.random.random_range(10..10 + CONVERSATIONS);
                let message = self.world.model.say(conv, conv, "theirs");
                if self.random.random_bool(0.85) {
                    self.parcels.push(Parcel::Push(Box::new(message.clone())));
                }
                if self.random.random_bool(0.1) {
                    self.parcels.push(Parcel::Push(Box::new(message)));
                }
            }
            30..50 => {
                let to = self.random.random_range(10..10 + CONVERSATIONS);
                let said = self.said.entry(to).or_default();
                let text = format!("mine {}", said.len());
                said.push(text.clone());
                self.world.say(to, &text);
            }
            50..65 => self.collect(0.1),
            65..90 => self.deliver_one(),
            90..97 => {
                let ms = self.random.random_range(0..200);
                self.world.pass(Duration::from_millis(ms));
            }
            _ => {
                self.parcels.clear();
                self.world.cut();
            }
        }
        self.world.turn();
    }

    /// The server does what was asked; the answers are under way.
    fn collect(&mut self, busy: f64) {
        self.world.turn();
        while let Some((rid, request)) = self.world.asked.pop_front() {
            let answer = match &request {
                Request::Hello(_) | Request::Resume(_) | Request::Ping(_) => {
                    self.world.model.answer(&request)
                }
                _ if self.random.random_bool(busy) => Err(Refusal::new(Code::BUSY).retry_after_ms(50)),
                _ => self.world.model.answer(&request),
            };
            self.parcels.push(Parcel::Answer(rid, Box::new(answer)));
        }
    }

    fn deliver_one(&mut self) {
        if self.parcels.is_empty() {
            return;
        }
        // Any of the next few: parcels overtake each other.
        let at = self.random.random_range(0..self.parcels.len().min(4));
        match self.parcels.remove(at) {
            Parcel::Answer(rid, answer) => self.world.answer(rid, *answer),
            Parcel::Push(message) => self.world.push(Push::Message(*message)),
        }
        if !self.world.open {
            self.parcels.clear();
        }
    }

    fn deliver_all(&mut self) {
        while !self.parcels.is_empty() {
            self.deliver_one();
        }
    }

    fn check(&self) {
        let world = &self.world;
        let failed: Vec<_> = world.answers.iter().filter(|answer| answer.result.is_err()).collect();
        assert!(failed.is_empty(), "{failed:?}");
        for (conv, log) in &world.model.logs {
            let shown: Vec<&ChatMessage> = world.messages().filter(|message| message.conv == *conv).collect();
            let seqs: Vec<u64> = shown.iter().map(|message| message.seq).collect();
            assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>(), "conversation {conv}");
            for (shown, stored) in shown.iter().zip(log) {
                assert_eq!((shown.from, &shown.msg), (stored.from, &stored.msg), "conversation {conv}");
            }
            let mine: Vec<&String> =
                log.iter().filter(|message| message.from == ME).map(|message| &message.msg).collect();
            let said: Vec<&String> = self.said.get(conv).into_iter().flatten().collect();
            assert_eq!(mine, said, "own messages of conversation {conv}");
            assert_eq!(world.model.acked.get(conv), Some(&(log.len() as u64)), "acknowledged {conv}");
        }
        assert!(
            !world.events.iter().any(|event| matches!(event, Event::Gap { .. } | Event::SessionEnded(_)))
        );
    }
}
