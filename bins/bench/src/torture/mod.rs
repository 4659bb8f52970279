//! The fault test: people chat while a nemesis breaks every part in turn, and afterwards a checker proves that nothing was
//! lost, doubled, swapped or shown to the wrong person, and that presence is true.
//!
//! [`cast`] decides who there is, [`world`] starts the parts, [`assembly`] makes users, friends and groups, [`actor`] plays
//! one device, [`crier`] an operator, [`nemesis`] breaks things, [`archive`] reads what there is in the end, [`finale`] looks at presence, [`checker`] judges the [`evidence`]. This file is
//! the director: the order of all that, on the program's main thread. `docs/testing.md` says how to use it.

mod actor;
mod archive;
mod assembly;
mod cast;
mod checker;
mod clock;
mod crier;
mod ensemble;
mod evidence;
mod finale;
mod line;
mod log;
mod nemesis;
mod options;
pub(crate) mod sabotage;
mod seed;
mod town;
mod verdict;
mod world;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::options::Options;
use self::{
    cast::Cast,
    checker::{Findings, Kind, compare, examine},
    crier::Criers,
    ensemble::Ensemble,
    evidence::{Evidence, Log},
    finale::Finale,
    nemesis::{Nemesis, Schedule},
    town::Stage,
    verdict::Verdict,
    world::World,
};
use crate::{error::BenchError, report::Report, server_process::Target};

/// How often the director looks around.
const TICK: Duration = Duration::from_millis(20);
/// How often it compares everybody with the log while waiting.
const LOOK: Duration = Duration::from_millis(500);
/// How often it says how far things are.
const PROGRESS: Duration = Duration::from_secs(10);
/// Lines of a device's own notes that are printed if it does not come back.
const NOTES_SHOWN: usize = 20;
/// How long everybody may take to sign in for the first time.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(60);

/// Runs the test. What it finds is in the report; an error means that there was no test.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Option<Report>, BenchError> {
    if !target.is_started_here() {
        return Err(BenchError::Usage(
            "the fault test starts servers of its own: it cannot kill one that runs already",
        ));
    }
    let seed = options.seed.unwrap_or_else(seed::fresh);
    let cast = Cast::new(seed, options.people);
    let schedule = Schedule::new(seed, &options.stakes(cast.devices())?);
    say(&format!("seed {seed}: {} people on {} devices", cast.people.len(), cast.devices()));
    say(&format!("{} faults:\n{schedule}", schedule.entries.len()));
    if options.plan {
        return Ok(None);
    }
    let folder = log_folder(options, seed)?;
    let mut director = Director::prepare(options, target, seed, &cast, folder)?;
    director.play(schedule)?;
    director.settle()?;
    director.finish();
    let verdict = director.judge();
    Ok(Some(verdict.report()))
}

/// Holds everything together. The main thread: the parts' processes die with it.
struct Director<'a> {
    options: &'a Options,
    seed: u64,
    begun: Instant,
    world: World,
    ensemble: Ensemble,
    criers: Criers,
    histories: archive::Histories,
    cables: Vec<std::sync::Arc<testkit::Proxy>>,
    findings: Findings,
    faults: usize,
    settled_in: Option<Duration>,
    presence_true_in: Option<Duration>,
    /// When everybody was told to come back.
    healed: Instant,
}

impl<'a> Director<'a> {
    /// Starts the parts and everybody, and waits until all are signed in.
    fn prepare(
        options: &'a Options,
        target: &Target,
        seed: u64,
        cast: &Cast,
        folder: PathBuf,
    ) -> Result<Director<'a>, BenchError> {
        let begun = Instant::now();
        let mut world = World::start(target, options.nodes, folder)?;
        let town = assembly::assemble(cast, world.address())?;
        let entrance = match options.sabotage {
            Some(sabotage) => {
                say(&format!("a saboteur is at work: {sabotage:?}"));
                sabotage::start(sabotage, world.address()).map_err(BenchError::io("the saboteur"))?
            }
            None => world.address(),
        };
        let cables: Vec<_> = (0..cast.devices()).map(|_| world::cable(entrance)).collect();
        let ensemble = Ensemble::start(cast, town, &cables, seed, options.rate);
        let deadline = Instant::now() + SIGN_IN_LIMIT;
        while !ensemble.missing().is_empty() {
            world.tend();
            if Instant::now() > deadline {
                let seconds = SIGN_IN_LIMIT.as_secs();
                return Err(BenchError::Stalled { what: "everybody's sign-in", seconds });
            }
            thread::sleep(TICK);
        }
        let criers = Criers::start(&ensemble.town, seed);
        say(&format!("everybody is there after {:.1} s; logs: {}", seconds(begun), world.folder.display()));
        Ok(Director {
            options,
            seed,
            begun: Instant::now(),
            world,
            ensemble,
            criers,
            histories: archive::Histories::new(),
            cables,
            findings: Findings::default(),
            faults: 0,
            settled_in: None,
            presence_true_in: None,
            healed: Instant::now(),
        })
    }

    /// The faults.
    fn play(&mut self, schedule: Schedule) -> Result<(), BenchError> {
        let mut nemesis = Nemesis::new(schedule, self.cables.clone());
        self.begun = Instant::now();
        say(&format!("{:7.2} s  begun at {} (Unix ms)", 0.0, clock::now_ms()));
        let length = Duration::from_secs(self.options.seconds);
        let mut told_at = self.begun;
        while self.begun.elapsed() < length || !nemesis.is_done() {
            for line in nemesis.act(&mut self.world) {
                say(&format!("{:7.2} s  {line}", seconds(self.begun)));
            }
            self.tend();
            if told_at.elapsed() >= PROGRESS {
                told_at = Instant::now();
                self.tell();
            }
            thread::sleep(TICK);
        }
        self.faults = nemesis.struck();
        self.world.heal()
    }

    /// Everything is whole again: everybody comes back, everything is answered, everybody sees everything and knows the same.
    fn settle(&mut self) -> Result<(), BenchError> {
        self.healed = Instant::now();
        let limit = Duration::from_secs(self.options.settle_seconds);
        self.ensemble.town.enter(Stage::Settle);
        say(&format!("{:7.2} s  the last fault is over: settling", seconds(self.begun)));
        let mut conn = self.world.database_conn();
        let mut told_at = Instant::now();
        loop {
            self.tend();
            let (missing, open) = (self.ensemble.missing(), self.ensemble.open() + self.criers.open());
            let heads = log::read_heads(&mut conn).map_err(database)?;
            let behind = self.ensemble.behind(heads);
            let untold = self.ensemble.untold(self.criers.newest());
            let is_quiet = missing.is_empty() && open == 0 && behind.is_empty() && untold.is_empty();
            let late = self.healed.elapsed() > limit;
            // Looking closer costs more.
            let step = match is_quiet || late {
                true => compare(&self.evidence(log::read(&mut conn).map_err(database)?)),
                false => Findings::default(),
            };
            if is_quiet && step.violations.is_empty() {
                self.settled_in = Some(self.healed.elapsed());
                say(&format!("{:7.2} s  settled after {:.1} s", seconds(self.begun), seconds(self.healed)));
                let evidence = self.evidence(log::read(&mut conn).map_err(database)?);
                match archive::read(&self.ensemble.town, self.world.address(), &evidence) {
                    Ok(histories) => self.histories = histories,
                    Err(error) => {
                        let what = format!("what users hid cannot be looked for in HISTORY: {error}");
                        self.findings.add(Kind::Unsettled, what, Vec::new());
                    }
                }
                return Ok(());
            }
            if late || told_at.elapsed() >= PROGRESS {
                told_at = Instant::now();
                let first = behind.first();
                say(&format!("not signed in: {missing:?}; open: {open}; behind: {} {first:?}", behind.len()));
                if let Some((who, told)) = untold.first() {
                    say(&format!("not told all broadcasts: {}, the first: {who} up to {told}", untold.len()));
                }
                if let Some(first) = step.violations.first() {
                    say(&format!("out of step: {}, the first: {}", step.violations.len(), first.what));
                }
            }
            if late {
                for member in self.ensemble.members.iter().filter(|member| missing.contains(&member.who)) {
                    let what = format!("{} is not signed in again", member.who);
                    self.findings.add(Kind::Unsettled, what, member.desk.last_notes(0, NOTES_SHOWN));
                }
                if open > 0 || !behind.is_empty() {
                    let what = format!(
                        "after {limit:?}: {open} requests open, {} conversations behind",
                        behind.len()
                    );
                    let lines = behind.iter().take(10).map(|(who, conv, have, last)| {
                        format!("{who} has {have} of {last} in conversation {conv}")
                    });
                    self.findings.add(Kind::Unsettled, what, lines.collect());
                }
                self.findings.violations.extend(step.violations);
                return Ok(());
            }
            thread::sleep(LOOK);
        }
    }

    /// Some people leave, and everybody else must notice; then the play is over.
    fn finish(&mut self) {
        let log = log::read(&mut self.world.database_conn()).unwrap_or_default();
        let mut finale = Finale::begin(&self.ensemble);
        // With whoever was there and does not come back. A node that is alone comes back, or nobody could look.
        let last = &mut self.world.nodes[0];
        last.kill();
        if self.options.nodes == 1 {
            last.start();
        }
        self.faults += 1;
        say(&format!("{:7.2} s  some go, and node-1 is killed: presence", seconds(self.begun)));
        let limit = Duration::from_secs(self.options.presence_seconds);
        while self.presence_true_in.is_none() && finale.elapsed() < limit {
            self.tend();
            if finale::all_gone(&self.ensemble) {
                self.presence_true_in = finale.look(&self.ensemble, &log);
            }
            thread::sleep(TICK);
        }
        match self.presence_true_in {
            Some(time) => {
                say(&format!(
                    "{:7.2} s  presence was true after {:.1} s",
                    seconds(self.begun),
                    time.as_secs_f64()
                ));
            }
            None => {
                for wrong in finale.wrong(&self.ensemble, &log) {
                    let desk = &self.ensemble.members[wrong.member].desk;
                    let mut notes = desk.last_notes(wrong.friend, NOTES_SHOWN);
                    notes.extend(self.world.presence_in_redis(wrong.friend));
                    self.findings.add(Kind::PresenceWrong, wrong.what, notes);
                }
            }
        }
        self.ensemble.town.enter(Stage::Over);
        self.criers.join();
        for ended in self.ensemble.join() {
            self.findings.add(Kind::Broken, ended, Vec::new());
        }
    }

    fn judge(mut self) -> Verdict {
        say(&format!("{:7.2} s  looking at everything", seconds(self.begun)));
        self.world.stop();
        for incident in std::mem::take(&mut self.world.incidents) {
            self.findings.add(Kind::Broken, incident, Vec::new());
        }
        let log = log::read(&mut self.world.database_conn());
        let log = log.unwrap_or_else(|error| panic!("the log cannot be read: {error}"));
        let evidence = self.evidence(log);
        let mut findings = examine(&evidence);
        findings.violations.splice(0..0, self.findings.violations);
        let verdict = Verdict {
            seed: self.seed,
            seconds: self.options.seconds,
            nodes: self.options.nodes,
            faults: self.faults,
            settled_in: self.settled_in,
            presence_true_in: self.presence_true_in,
            folder: self.world.folder.clone(),
            findings,
            evidence,
        };
        if verdict.is_good() && self.options.keep.is_none() {
            let _ = std::fs::remove_dir_all(&self.world.folder);
        } else {
            verdict.keep_evidence();
        }
        verdict
    }

    fn evidence(&self, log: Log) -> Evidence {
        Evidence {
            log,
            records: self.ensemble.records(),
            spells: self.ensemble.town.spells(),
            friendships: self.ensemble.town.friendships(),
            cries: self.criers.cries(),
            histories: self.histories.clone(),
            surprises: self.ensemble.town.surprises(),
        }
    }

    fn tend(&mut self) {
        let before = self.world.incidents.len();
        self.world.tend();
        self.criers.hear_of(self.world.admin_addresses());
        for incident in &self.world.incidents[before..] {
            say(&format!("{:7.2} s  INCIDENT: {incident}", seconds(self.begun)));
        }
    }

    fn tell(&self) {
        say(&format!(
            "{:7.2} s  … {} messages shown, {} open, {} of {} devices signed in",
            seconds(self.begun),
            self.ensemble.shown(),
            self.ensemble.open(),
            self.ensemble.members.len() - self.ensemble.missing().len(),
            self.ensemble.members.len(),
        ));
    }
}

/// A folder for the logs of all parts.
fn log_folder(options: &Options, seed: u64) -> Result<PathBuf, BenchError> {
    match &options.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(BenchError::io("the folder for logs"))?;
            Ok(folder.clone())
        }
        None => {
            let prefix = format!("torture-{seed}-");
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir();
            Ok(folder.map_err(BenchError::io("temporary folder"))?.keep())
        }
    }
}

fn database(error: mysql::Error) -> BenchError {
    BenchError::Io { what: "the database", source: std::io::Error::other(error) }
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// Progress, for people.
fn say(line: &str) {
    eprintln!("torture: {line}");
}
