//! Every limit of the reactor: names, units, defaults and how they relate.

use std::time::Duration;

use bytes::Bytes;

use crate::conn_id::{LOOPS_MAX, SLOTS_MAX};

/// A turn of a loop must stay short, and each loop's read buffer is this large.
const READ_BUDGET_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The limits of one reactor. Start from [`Config::default`] and change what you must;
/// [`Reactor::start`](crate::Reactor::start) refuses contradictions (see [`Config::validate`]).
#[derive(Clone, Debug)]
pub struct Config {
    /// What the threads' names begin with: `NAME-main`, `NAME-0` … Default `reactor`; a process with several reactors tells
    /// them apart by it.
    pub name: &'static str,
    /// Sub reactors, each a thread with its own loop. Default: one per core, at most 4.
    pub io_threads: usize,
    /// Connections of the whole reactor. At the limit a newcomer gets `refusal` and is closed. Default 16,384.
    pub connections_max: usize,
    /// What a refused newcomer is told, best effort: one write that may fail. Default: nothing.
    pub refusal: Option<Bytes>,
    /// Bytes read from one connection per turn of its loop, and the size of the loop's one read buffer.
    /// A connection with more to read takes its next turn after all others had theirs. [`Link::set_read_budget`](crate::Link::set_read_budget)
    /// lowers it for one connection. Default 64 KiB.
    pub read_budget_bytes: usize,
    /// Bytes read from all connections of a loop in one turn, a small read counting as 256. Ready connections beyond it
    /// wait, in order, for the next turn, so that mail, deadlines and outboxes get theirs however many peers flood. At
    /// least `read_budget_bytes`. Default 256 KiB.
    pub turn_budget_bytes: usize,
    /// Input a handler may leave unconsumed; beyond it the connection is closed. At least the largest frame of the
    /// protocol spoken, else such a frame could never be completed. Default 2 MiB.
    pub input_bytes_max: usize,
    /// Outbox mark below which reading from a throttled connection starts again. Default 256 KiB.
    pub outbox_low_bytes: usize,
    /// Outbox mark above which nothing more is read from that connection: who does not take its answers may not
    /// ask more. Default 1 MiB.
    pub outbox_high_bytes: usize,
    /// Outbox mark above which the connection is cut, with a farewell. Default 8 MiB.
    pub outbox_hard_bytes: usize,
    /// What all outboxes together may hold, shared out evenly to the loops; each waiting chunk is charged its length and
    /// 128 bytes. While a loop is above its share after writing, connections that were just sent something and have
    /// more than `outbox_low_bytes` waiting are cut like slow readers, the largest first, until the loop is within its
    /// share. Outboxes below the low mark are never cut for it: keep `connections_max` times that mark in mind.
    /// Default 512 MiB.
    pub outbox_total_bytes_max: usize,
    /// What all connections together may keep of unconsumed input, shared out evenly to the loops. While a loop is above
    /// its share, a connection that sends on and has more than 64 KiB unconsumed is closed. A share is at least
    /// `input_bytes_max`, else a lone connection could not complete its largest frame. Default 256 MiB.
    pub input_total_bytes_max: usize,
    /// Longest time without any write progress while bytes wait; then the connection is cut, with a farewell.
    /// Also the longest time a closing connection may take to flush. Default 15 s.
    pub write_stall: Duration,
    /// How long a farewell may take, and how long a closed connection waits for the peer's own close. Default 1 s.
    pub linger: Duration,
    /// Commands waiting in one loop's mailbox; at the limit posters wait (see [`Remote::post`](crate::Remote::post)).
    /// Default 65,536.
    pub mailbox_commands_max: usize,
    /// Resolution of deadlines: each fires at its time or up to two ticks later. When a turn comes more than three
    /// ticks late, as after a pause of the process, what waits in the sockets is read first. Default 50 ms.
    pub tick: Duration,
    /// Poll events taken per turn; more stay in the kernel for the next turn. Default 1,024.
    pub events_per_turn: usize,
    /// Pause before accepting again when the process or the machine is out of descriptors or memory. Default 100 ms.
    pub accept_retry: Duration,
    /// `SO_SNDBUF` of accepted sockets. `None` leaves it to the kernel, which grows it to some MB for a fast
    /// connection: memory that no outbox mark sees. Default: `None`.
    pub socket_send_buffer_bytes: Option<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "reactor",
            io_threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(4)),
            connections_max: 16_384,
            refusal: None,
            read_budget_bytes: 64 * 1024,
            turn_budget_bytes: 256 * 1024,
            input_bytes_max: 2 * 1024 * 1024,
            outbox_low_bytes: 256 * 1024,
            outbox_high_bytes: 1024 * 1024,
            outbox_hard_bytes: 8 * 1024 * 1024,
            outbox_total_bytes_max: 512 * 1024 * 1024,
            input_total_bytes_max: 256 * 1024 * 1024,
            write_stall: Duration::from_secs(15),
            linger: Duration::from_secs(1),
            mailbox_commands_max: 65_536,
            tick: Duration::from_millis(50),
            events_per_turn: 1024,
            accept_retry: Duration::from_millis(100),
            socket_send_buffer_bytes: None,
        }
    }
}

impl Config {
    /// Checks each limit and the relations between them.
    ///
    /// # Errors
    /// Names the field at fault and the rule it breaks.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let rule = |holds: bool, field, rule| if holds { Ok(()) } else { Err(ConfigError { field, rule }) };
        let ms = Duration::from_millis;

        rule((1..=LOOPS_MAX).contains(&self.io_threads), "io_threads", "must be 1 to 255")?;
        rule((1..=SLOTS_MAX).contains(&self.connections_max), "connections_max", "must be 1 to 16,777,216")?;
        let budgets = 1024..=READ_BUDGET_BYTES_MAX;
        rule(budgets.contains(&self.read_budget_bytes), "read_budget_bytes", "must be 1 KiB to 16 MiB")?;
        rule(
            self.turn_budget_bytes >= self.read_budget_bytes,
            "turn_budget_bytes",
            "must be at least read_budget_bytes",
        )?;
        rule(self.input_bytes_max >= 1, "input_bytes_max", "must not be 0")?;
        rule(self.outbox_low_bytes >= 1, "outbox_low_bytes", "must not be 0")?;
        rule(
            self.outbox_low_bytes < self.outbox_high_bytes,
            "outbox_high_bytes",
            "must be above outbox_low_bytes",
        )?;
        rule(
            self.outbox_high_bytes < self.outbox_hard_bytes,
            "outbox_hard_bytes",
            "must be above outbox_high_bytes",
        )?;
        rule(
            self.outbox_total_bytes_max / self.io_threads >= self.outbox_low_bytes,
            "outbox_total_bytes_max",
            "must be at least outbox_low_bytes for each of the io_threads",
        )?;
        rule(
            self.input_total_bytes_max / self.io_threads >= self.input_bytes_max,
            "input_total_bytes_max",
            "must be at least input_bytes_max for each of the io_threads",
        )?;
        rule(self.tick >= ms(1) && self.tick <= ms(1000), "tick", "must be 1 ms to 1 s")?;
        rule(self.write_stall >= self.tick, "write_stall", "must be at least one tick")?;
        rule(self.linger >= self.tick, "linger", "must be at least one tick")?;
        rule(self.mailbox_commands_max >= 1, "mailbox_commands_max", "must not be 0")?;
        rule(self.events_per_turn >= 1, "events_per_turn", "must not be 0")?;
        rule(self.accept_retry >= ms(1), "accept_retry", "must be at least 1 ms")?;
        rule(self.socket_send_buffer_bytes != Some(0), "socket_send_buffer_bytes", "must not be 0")
    }
}

/// A limit that cannot be, or that contradicts another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct ConfigError {
    /// The field of [`Config`] at fault.
    pub field: &'static str,
    /// The rule it breaks, worded to follow the field's name.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
    }

    #[test]
    fn a_contradiction_names_its_field() {
        type Spoil = fn(&mut Config);
        let cases: [(Spoil, &str); 8] = [
            (|c| c.io_threads = 0, "io_threads"),
            (|c| c.io_threads = 256, "io_threads"),
            (|c| c.turn_budget_bytes = c.read_budget_bytes - 1, "turn_budget_bytes"),
            (|c| c.outbox_high_bytes = c.outbox_low_bytes, "outbox_high_bytes"),
            (|c| c.outbox_hard_bytes = c.outbox_high_bytes, "outbox_hard_bytes"),
            (|c| c.outbox_total_bytes_max = c.io_threads * c.outbox_low_bytes - 1, "outbox_total_bytes_max"),
            (|c| c.input_total_bytes_max = c.io_threads * c.input_bytes_max - 1, "input_total_bytes_max"),
            (|c| c.linger = Duration::ZERO, "linger"),
        ];
        for (spoil, field) in cases {
            let mut config = Config::default();
            spoil(&mut config);
            assert_eq!(config.validate().unwrap_err().field, field);
        }
    }
}
