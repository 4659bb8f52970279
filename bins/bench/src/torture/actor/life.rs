//! Comings and goings of a device.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::RngExt;

use super::{Actor, LoginState, Order, some_time};
use crate::torture::{
    line::{self, Memory, Parting},
    town::Stage,
};

/// The longest that a device does not read although it is connected: enough for the server to lose patience.
const STALL_MAX: Duration = Duration::from_secs(9);
/// How long a device stays away, on average.
const ABSENCE: Duration = Duration::from_secs(3);

/// Whether a device is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    There,
    /// On, but it reads nothing.
    Stalled {
        until: Instant,
    },
    Away {
        until: Instant,
    },
    /// For good.
    Gone,
}

impl Actor {
    /// What the time, the director and the script say about being there.
    pub(super) fn live(&mut self, now: Instant) {
        if self.life == Life::Gone {
            return;
        }
        if self.desk.order() != Order::Play {
            return self.obey();
        }
        let hurry = self.town.stage() > Stage::Play;
        match self.life {
            Life::Stalled { until } if until <= now || hurry => self.life = Life::There,
            Life::Away { until } if until <= now || hurry => {
                self.switch_on();
                self.life = Life::There;
            }
            Life::There if !hurry && self.life_at <= now => {
                self.life_at = now + some_time(self.temper.life, &mut self.random);
                self.change(now);
            }
            Life::There | Life::Stalled { .. } | Life::Away { .. } | Life::Gone => {}
        }
    }

    fn change(&mut self, now: Instant) {
        let before = self.life;
        self.change_somehow(now);
        if self.life != before {
            self.desk.note(&format!("{:?}", self.life));
        }
    }

    fn change_somehow(&mut self, now: Instant) {
        let away = Life::Away { until: now + some_time(ABSENCE, &mut self.random) };
        match self.random.random_range(0..100) {
            0..25 => {
                let stall = self.random.random_range(Duration::from_millis(200)..STALL_MAX);
                self.life = Life::Stalled { until: now + stall };
            }
            25..45 => self.cable.cut(),
            45..65 => {
                self.switch_off(Parting::Polite);
                self.life = away;
            }
            65..85 => {
                self.die();
                self.life = away;
            }
            _ if self.is_signed_in() => self.log_out(),
            _ => {}
        }
    }

    /// The director wants it to be gone.
    fn obey(&mut self) {
        match self.desk.order() {
            Order::LogOut => {
                if self.is_signed_in() {
                    self.log_out();
                }
                // Until that is answered, it lives on; a device without session has nothing to log out of.
                if matches!(self.login, LoginState::LeavingBy(_)) || self.life != Life::There {
                    return;
                }
                self.switch_off(Parting::Polite);
            }
            Order::Close => self.switch_off(Parting::Polite),
            Order::Die => self.die(),
            Order::Vanish => {
                // Nothing gets through any more, not even that it closes, nor that it is not there to be written to.
                self.cable.hold();
                self.switch_off(Parting::Sudden);
            }
            Order::Play => return,
        }
        self.life = Life::Gone;
        self.desk.gone();
    }

    pub(super) fn switch_on(&mut self) {
        let resident = self.resident();
        let cursors = self.cursors();
        let memory = Memory {
            user: resident.id,
            name: resident.name.clone(),
            device: self.who.to_string(),
            token: self.token.clone(),
            cursors,
            changes: self.desk.positions(),
            reads: self.desk.reads(),
            hidden: self.desk.hidden(),
            broadcasts: self.desk.told(),
        };
        self.line = Some(line::open(self.tongue, self.cable.address(), memory, self.seed));
        // Whatever was under way went with the old line.
        if self.token.is_none() {
            self.login = LoginState::Wanted { from: Instant::now() };
        } else {
            self.login = LoginState::Done;
        }
    }

    /// What was shown, and the beginning of every conversation that is known besides: this device wants all of it, even
    /// what another device of the same person has acknowledged.
    fn cursors(&self) -> BTreeMap<u64, u64> {
        let mut cursors = self.desk.have();
        let household = self.resident().household();
        for friend in &household.friends {
            cursors.entry(friend.conv).or_insert(0);
        }
        for spell in household.spells.iter().filter(|spell| spell.left.is_none()) {
            if let Some(first) = spell.first {
                cursors.entry(spell.group).or_insert(first.saturating_sub(1));
            }
        }
        cursors
    }

    pub(super) fn switch_off(&mut self, parting: Parting) {
        if let Some(line) = self.line.take() {
            line.close(parting);
        }
        self.desk.disconnected();
        self.sends.line_lost();
        self.afterthoughts.line_lost();
        if let Some(club) = &mut self.club {
            club.line_lost();
        }
    }

    /// As when its battery is taken out: the server learns of it from the network alone.
    fn die(&mut self) {
        self.cable.cut();
        self.switch_off(Parting::Sudden);
    }
}
