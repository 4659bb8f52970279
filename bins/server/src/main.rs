//! One node of the chat system: reads its settings, wires ports to the service, and runs until it is told to stop.

mod broadcast;
mod config;
mod descriptors;
mod exposition;
mod node;
mod orders;
mod process;
mod setting;
mod sources;
mod status;

use std::io::Write;
use std::process::ExitCode;

use config::{AdminAccess, Config};
use node::Node;
use sources::{Mode, Sources};

fn main() -> ExitCode {
    let flags = sources::command().get_matches();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Everything; an error is a sentence for the operator.
fn run(flags: &clap::ArgMatches) -> Result<(), String> {
    let (sources, mode) =
        Sources::gather(flags, |name| std::env::var(name).ok()).map_err(|error| error.to_string())?;
    if let Some(typed) = flags.subcommand_matches("broadcast") {
        // Nothing else of the node's settings counts, nor need it be readable for who gives the command.
        let access = AdminAccess::resolve(&sources).map_err(|error| error.to_string())?;
        println!("{}", broadcast::run(typed, &access, |name| std::env::var(name).ok())?);
        return Ok(());
    }
    let config = Config::resolve(&sources).map_err(|error| error.to_string())?;
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let warnings = sources::unknown_variables(variables);
    if mode != Mode::Run {
        // Nothing is logged for who waits for an answer.
        warnings.iter().for_each(|sentence| eprintln!("warning: {sentence}"));
    }
    match mode {
        Mode::CheckConfig => {
            println!("all settings are right");
            return Ok(());
        }
        Mode::NewEpoch => {
            println!("{}", node::renew_epoch(&config.store)?);
            return Ok(());
        }
        Mode::Run => {}
    }
    // What this process makes is for its user alone, in whatever folder: messages, hashes, keys.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    start_log(&config.log, &config.gateway.node);
    warnings.iter().for_each(|sentence| log::warn!("{sentence}"));
    let limit = descriptors::raise();
    if let Some(sentence) = descriptors::shortage(config.reactor.connections_max, limit) {
        log::warn!("{sentence}");
    }
    let node = Node::start(config)?;
    println!("{}", node.announcement());
    node.wait()
}

/// RUST_LOG, where it is set, says more than the setting. Each line names the node: lines of many nodes end in one place.
fn start_log(filter: &str, node: &str) {
    let environment = env_logger::Env::default().filter_or("RUST_LOG", filter);
    let node = node.to_owned();
    env_logger::Builder::from_env(environment)
        .format(move |out, record| {
            let (time, level) = (out.timestamp_millis(), record.level());
            let style = out.default_level_style(level);
            let (target, text) = (record.target(), record.args());
            writeln!(out, "[{time} {style}{level:<5}{style:#} {node} {target}] {text}")
        })
        .init();
}
