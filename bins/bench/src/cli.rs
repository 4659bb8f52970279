//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    floor::Fault,
    measure::{cluster, fanout, history, idle, login, people, relay, resume, search, startup, storm},
    server_process::Target,
    torture,
};

/// Puts a load on the chat server, checks every message, and measures.
///
/// Each measurement starts the server on an empty temporary folder, unless --addr names one that runs. The exit code is
/// 0 if all went well, 1 if a message was lost, doubled, swapped, changed or refused, 2 if it could not be measured.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print one JSON object on the last line.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) measurement: Measurement,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Measurement {
    /// Messages between pairs of friends, and the same over a bare relay.
    Relay(relay::Options),
    /// Messages in one group, delivered to all its members.
    Fanout(fanout::Options),
    /// Memory of connections that are logged in and quiet.
    Idle(idle::Options),
    /// Logins by password.
    Login(login::Options),
    /// Sessions resumed by token.
    Resume(resume::Options),
    /// Latency of chat while many log in at once.
    Storm(storm::Options),
    /// Accounts, friends and groups: cached reads, a heavy user's sign-in, joining a large group.
    People(people::Options),
    /// Searching a user's messages among everybody's.
    Search(search::Options),
    /// Pages of history in a small and in a large table, in process, on both stores.
    History(history::Options),
    /// Time from start to ready.
    Startup(startup::Options),
    /// Three nodes over MariaDB and Redis behind nginx: across nodes, and while parts are away.
    Cluster(cluster::Options),
    /// All of them, small and short, to see that nothing goes wrong.
    Smoke,
    /// The fault test: people chat while every part is broken in turn, then everything is checked.
    Torture(torture::Options),
    /// The bare relay, as a process of its own.
    #[command(hide = true)]
    FloorServer {
        /// Loops; by default as many as the server's.
        #[arg(long)]
        io_threads: Option<usize>,
        /// A deliberate error.
        #[arg(long)]
        fault: Option<Fault>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_measurements_own_options_come_first_and_those_about_the_server_together() {
        let mut command = Cli::command();
        command.build();
        let relay = command.find_subcommand_mut("relay").expect("a measurement");
        let help = relay.render_help().to_string();
        let place = |part: &str| help.find(part).unwrap_or_else(|| panic!("no {part}: {help}"));
        let parts = [
            "Options:",
            "--pairs",
            "--no-floor",
            "The server:",
            "--addr",
            "--server-arg",
            "Output:",
            "--json",
        ];
        assert!(parts.map(place).is_sorted(), "{help}");
    }
}
