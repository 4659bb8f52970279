//! All actors, seen from outside: started, watched, told what to do, and asked for their records.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use testkit::Proxy;

use super::{
    actor::{Actor, Desk, Order, Temper},
    cast::Cast,
    checker::{Reach, reaches},
    evidence::{Evidence, Log, Record, Who},
    town::Town,
};

/// The mean time between two comings or goings of one device.
const LIFE: Duration = Duration::from_secs(12);
/// The mean time between two changes of groups and friends of one person.
const CLUB: Duration = Duration::from_secs(5);

/// Everybody, on threads of their own.
pub(crate) struct Ensemble {
    pub(crate) town: Arc<Town>,
    pub(crate) members: Vec<Member>,
    threads: Vec<(Who, JoinHandle<()>)>,
}

/// A device, seen from outside.
pub(crate) struct Member {
    pub(crate) who: Who,
    pub(crate) user: u64,
    pub(crate) desk: Arc<Desk>,
}

impl Ensemble {
    /// Starts everybody; `cables` are the devices' own connections, in order.
    pub(crate) fn start(cast: &Cast, town: Town, cables: &[Arc<Proxy>], seed: u64, rate: u32) -> Ensemble {
        let town = Arc::new(town);
        let devices = u32::try_from(cast.devices()).unwrap_or(u32::MAX);
        let temper = Temper { say: Duration::from_secs(1) * devices / rate.max(1), life: LIFE, club: CLUB };
        let mut members = Vec::new();
        let mut threads = Vec::new();
        for (person, devices) in cast.people.iter().map(|person| &person.devices).enumerate() {
            for (device, &tongue) in devices.iter().enumerate() {
                let who = Who { person, device };
                let user = town.residents[person].id;
                let desk = Arc::new(Desk::new(Record { who, tongue, user, ..Record::default() }));
                let cable = Arc::clone(&cables[members.len()]);
                let actor =
                    Actor::new(who, tongue, Arc::clone(&town), Arc::clone(&desk), cable, seed, temper);
                let thread = thread::Builder::new().name(who.to_string()).spawn(move || actor.run());
                threads.push((who, thread.unwrap_or_else(|error| panic!("a thread for {who}: {error}"))));
                members.push(Member { who, user, desk });
            }
        }
        Ensemble { town, members, threads }
    }

    /// Everybody who should be signed in and is not.
    pub(crate) fn missing(&self) -> Vec<Who> {
        let missing = |member: &&Member| {
            let glance = member.desk.glance();
            !glance.signed_in && member.desk.order() == Order::Play
        };
        self.members.iter().filter(missing).map(|member| member.who).collect()
    }

    /// Messages and deeds without answer, all devices together.
    pub(crate) fn open(&self) -> usize {
        self.members.iter().map(|member| member.desk.glance().open_sends).sum()
    }

    /// Messages shown so far, all devices together.
    pub(crate) fn shown(&self) -> usize {
        self.members.iter().map(|member| member.desk.shown_count()).sum()
    }

    /// Devices that were not shown everything that the log holds for them, with what they lack: (conversation, last seq
    /// shown, last seq).
    pub(crate) fn behind(&self, log: Log) -> Vec<(Who, u64, u64, u64)> {
        let evidence = Evidence { log, spells: self.town.spells(), ..Evidence::default() };
        let haves: Vec<_> = self.members.iter().map(|member| member.desk.have()).collect();
        let mut behind = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            for (&conv, conversation) in &evidence.log.conversations {
                let last = conversation.last_seq;
                let to_the_end = |reach: &Reach| reach.end.is_none();
                let Some(reach) = reaches(&evidence, member.user, conv).into_iter().find(to_the_end) else {
                    continue;
                };
                let have = haves[at].get(&conv).copied().unwrap_or(0);
                // What another device of the same person has acknowledged need not be fetched by one that never knew of
                // the conversation; the checker looks closer.
                let elsewhere = self.members.iter().zip(&haves).any(|(other, theirs)| {
                    other.user == member.user && theirs.get(&conv).is_some_and(|have| *have >= last)
                });
                if last >= reach.first && have < last && !(have == 0 && elsewhere) {
                    behind.push((member.who, conv, have, last));
                }
            }
        }
        behind
    }

    /// Devices that were not told this broadcast, with the last that each was told.
    pub(crate) fn untold(&self, newest: u64) -> Vec<(Who, u64)> {
        let told = self.members.iter().map(|member| (member.who, member.desk.told()));
        told.filter(|(_, told)| *told < newest).collect()
    }

    /// Waits for the end of everybody; who ended badly.
    pub(crate) fn join(&mut self) -> Vec<String> {
        let ended = self.threads.drain(..).filter_map(|(who, thread)| {
            let payload = thread.join().err()?;
            let why = payload.downcast_ref::<String>().cloned();
            Some(format!("{who} ended: {}", why.unwrap_or_else(|| "it panicked".into())))
        });
        ended.collect()
    }

    /// What everybody wrote down.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.members.iter().map(|member| member.desk.record()).collect()
    }
}
