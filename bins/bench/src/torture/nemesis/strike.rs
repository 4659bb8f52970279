//! Carries a schedule out. Runs on the director's thread, which the world belongs to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use testkit::{Proxy, Redis};

use super::{
    fault::Fault,
    schedule::{Entry, Schedule},
};
use crate::torture::world::{
    World,
    link::{Link, Trouble},
};

/// What is to happen, and when.
pub(crate) struct Nemesis {
    begun: Instant,
    /// Faults to come, the next one last.
    coming: Vec<Entry>,
    lasting: Vec<Entry>,
    cables: Vec<Arc<Proxy>>,
    struck: usize,
}

impl Nemesis {
    pub(crate) fn new(schedule: Schedule, cables: Vec<Arc<Proxy>>) -> Nemesis {
        let mut coming = schedule.entries;
        coming.reverse();
        Nemesis { begun: Instant::now(), coming, lasting: Vec::new(), cables, struck: 0 }
    }

    /// Faults that have begun.
    pub(crate) fn struck(&self) -> usize {
        self.struck
    }

    /// Whether everything has happened and is over.
    pub(crate) fn is_done(&self) -> bool {
        self.coming.is_empty() && self.lasting.is_empty()
    }

    /// Does what is due; what it did, in a line each.
    pub(crate) fn act(&mut self, world: &mut World) -> Vec<String> {
        let mut told = Vec::new();
        let now = self.begun.elapsed();
        let (over, lasting) =
            std::mem::take(&mut self.lasting).into_iter().partition(|it: &Entry| it.ends <= now);
        self.lasting = lasting;
        for entry in over {
            self.end(&entry.fault, world);
            told.push(format!("over: {}", entry.fault));
        }
        while self.coming.last().is_some_and(|entry| entry.begins <= now)
            && let Some(entry) = self.coming.pop()
        {
            told.push(format!("{} (for {})", entry.fault, seconds(entry.ends - entry.begins)));
            self.begin(&entry.fault, world);
            self.struck += 1;
            self.lasting.push(entry);
        }
        told
    }

    fn begin(&self, fault: &Fault, world: &mut World) {
        match fault {
            Fault::KillNodes(nodes) => nodes.iter().for_each(|at| world.nodes[*at].kill()),
            Fault::PauseNode(at) => world.nodes[*at].pause(),
            Fault::DrainNode(at) => world.nodes[*at].drain(),
            Fault::KillDatabase => world.kill_database(),
            Fault::PauseDatabase => world.database.pause(),
            Fault::CutClients(devices) => devices.iter().for_each(|at| self.cables[*at].cut()),
            Fault::TroubleClients(devices, trouble) => {
                for at in devices {
                    match trouble {
                        Trouble::Hold => self.cables[*at].hold(),
                        Trouble::Silence(way) => self.cables[*at].silence(*way),
                        Trouble::Refuse => self.cables[*at].refuse(),
                    }
                }
            }
            Fault::CutNode(at) => world.nodes[*at].door.cut(),
            Fault::TroubleNode(at, trouble) => world.nodes[*at].door.set_trouble(Some(*trouble)),
            Fault::CutDatabaseLink(at) => world.nodes[*at].database.cut(),
            Fault::TroubleDatabaseLink(at, trouble) => world.nodes[*at].database.set_trouble(Some(*trouble)),
            Fault::KillRedis => world.kill_redis(),
            Fault::PauseRedis => world.redis.iter().for_each(Redis::pause),
            Fault::CutRedisLink(at) => world.nodes[*at].redis.iter().for_each(Link::cut),
            Fault::TroubleRedisLink(at, trouble) => {
                world.nodes[*at].redis.iter_mut().for_each(|link| link.set_trouble(Some(*trouble)));
            }
        }
    }

    fn end(&self, fault: &Fault, world: &mut World) {
        match fault {
            Fault::KillNodes(nodes) => nodes.iter().for_each(|at| world.nodes[*at].start()),
            Fault::PauseNode(at) => world.nodes[*at].go_on(),
            // A drain that takes longer than planned is waited for by whoever tends the node.
            Fault::DrainNode(at) => world.nodes[*at].start_when_down(),
            Fault::KillDatabase => world.restart_database(),
            Fault::PauseDatabase => world.database.resume(),
            Fault::TroubleClients(devices, _) => devices.iter().for_each(|at| self.cables[*at].resume()),
            Fault::TroubleNode(at, _) => world.nodes[*at].door.set_trouble(None),
            Fault::TroubleDatabaseLink(at, _) => world.nodes[*at].database.set_trouble(None),
            Fault::KillRedis => world.restart_redis(),
            Fault::PauseRedis => world.redis.iter().for_each(Redis::resume),
            Fault::TroubleRedisLink(at, _) => {
                world.nodes[*at].redis.iter_mut().for_each(|link| link.set_trouble(None));
            }
            Fault::CutClients(_) | Fault::CutNode(_) | Fault::CutDatabaseLink(_) | Fault::CutRedisLink(_) => {
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    if time.is_zero() { "a moment".into() } else { format!("{:.1} s", time.as_secs_f64()) }
}
