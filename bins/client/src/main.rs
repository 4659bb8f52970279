//! The chat client for terminals and scripts.
//!
//! Three threads beside the client library's own: the main thread reads and runs commands ([`terminal`] or [`script`]),
//! the thread of events shows what comes unasked ([`watcher`]), and on a terminal a printer writes that above the line
//! being typed; a fourth there waits for signals. What they share is in [`shared`].

#![allow(clippy::disallowed_methods, reason = "waits of a user interface are measured on the real clock")]

mod args;
mod called;
mod catching_up;
mod change_run;
mod chat;
mod command;
mod conversations;
mod door;
mod exit;
mod keeper;
mod manual;
mod mention;
mod moment;
mod notice;
mod notify;
mod outbox;
mod outcome;
mod output;
mod printable;
mod refusal;
mod roster;
mod script;
mod shared;
mod style;
mod terminal;
mod typists;
mod watcher;
mod wrap;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::Parser;
use client::store::{StoreError, StoredEvents};
use client::{Client, Config, ListVersions, SyncState};

use crate::args::Args;
use crate::change_run::ChangeRun;
use crate::chat::{Chat, Manner};
use crate::command::Command;
use crate::exit::{Exit, Stopped};
use crate::keeper::{Found, Keeper, Place};
use crate::output::{Form, Output};
use crate::roster::Me;
use crate::shared::Shared;
use crate::style::Style;
use crate::terminal::Terminal;
use crate::watcher::{Unsaved, Watcher};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // --help and --version are no mistakes.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    match run(&args) {
        Ok(exit) => exit.into(),
        Err(Stopped { exit, why }) => {
            eprintln!("client: {why}");
            exit.into()
        }
    }
}

fn run(args: &Args) -> Result<Exit, Stopped> {
    if args.manual {
        print!("{}", manual::page());
        return Ok(Exit::Done);
    }
    env_logger::Builder::new().parse_filters(&args.log).init();
    let commands = understood(&args.commands)?;
    let password = args.password()?;
    let place = place(args);
    let mut keeper = Keeper::new(place.clone());
    let found = found(args, &mut keeper)?;
    let session_expected = found.as_ref().is_some_and(|found| found.state.token.is_some());
    let typed = commands.is_empty()
        && !args.json
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal();

    let shared = Arc::new(Shared::new());
    let (mut terminal, form, printer) = if typed {
        let history = history_file(&place);
        let (terminal, printer) = Terminal::new(Arc::clone(&shared), history)
            .map_err(|error| format!("the terminal does not serve: {error}"))?;
        let (sender, thread) =
            printer.start().map_err(|error| format!("no thread for the terminal: {error}"))?;
        (Some(terminal), Form::Terminal { printer: sender, style: Style::for_terminal() }, Some(thread))
    } else {
        (None, if args.json { Form::Json } else { Form::Text }, None)
    };

    let mut config = Config::new(&args.server).device(args.device_name());
    config.program = concat!("chat-terminal/", env!("CARGO_PKG_VERSION")).to_owned();
    config.call_timeout = args.patience();
    if session_expected {
        shared.await_session();
    }
    if let Some(found) = found {
        config.lists = Some(remember(&shared, &found)?);
        config.state = Some(found.state);
    }
    let (client, events) =
        Client::connect(config).map_err(|error| format!("the client cannot start: {error}"))?;

    let output = Arc::new(Output::new(form, &args.server, args.notify()));
    if let Some(account) = args.account.as_ref().filter(|_| !session_expected) {
        output.remark(&place.has_no_session_of(account));
    }
    let keeper = Arc::new(Mutex::new(keeper));
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = Watcher {
        client: client.clone(),
        events: StoredEvents::new(events),
        shared: Arc::clone(&shared),
        output: Arc::clone(&output),
        keeper: Arc::clone(&keeper),
        keep: args.keep(),
        stop: Arc::clone(&stop),
        saved_at: Instant::now(),
        unsaved: Unsaved::default(),
        since_prune: 0,
        changes: ChangeRun::default(),
        typing_shown: None,
    };
    let watching = std::thread::Builder::new().name("events".to_owned()).spawn(move || watcher.run());
    let watching = watching.map_err(|error| format!("no thread for events: {error}"))?;

    let mut chat = Chat {
        client: client.clone(),
        shared,
        keeper: Arc::clone(&keeper),
        server: args.server.clone(),
        password,
        manner: if typed { Manner::Terminal } else { Manner::Script },
        patience: args.patience(),
        history_before: HashMap::new(),
        search: None,
        search_all: None,
        offline: false,
    };
    if let Some(terminal) = &mut terminal
        && !args.no_typing
    {
        terminal.tell_typing(client.clone());
    }
    let exit = match &mut terminal {
        Some(terminal) => terminal.run(&mut chat, &output, session_expected),
        None if commands.is_empty() => script::run_stdin(&mut chat, &output),
        None => script::run_all(&mut chat, &output, commands),
    };

    stop.store(true, Ordering::SeqCst);
    if let Some(terminal) = &terminal {
        chat.tell_what_was_not_sent(&output);
        terminal.let_the_rest_through();
    }
    finish(watching);
    // From here on nothing is taken: what is saved is what was shown.
    output.return_title();
    drop(output);
    if let Some(printer) = printer {
        finish_soon(printer);
    }
    if let Ok(last) = client.close()
        && last.user != 0
        && let Some(store) = keeper.lock().unwrap_or_else(PoisonError::into_inner).store()
        && let Err(error) = store.save_sync(&last)
    {
        eprintln!("client: {error}");
    }
    Ok(exit)
}

/// Reads all commands before the first one runs.
fn understood(lines: &[String]) -> Result<Vec<(String, Command)>, String> {
    let mut commands = Vec::new();
    for line in lines {
        match command::parse(line) {
            Ok(Some(command)) => commands.push((line.clone(), command)),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    if commands.is_empty() && !lines.is_empty() {
        return Err("--command needs a command".to_owned());
    }
    Ok(commands)
}

fn place(args: &Args) -> Place {
    match (&args.state, Place::folder()) {
        _ if args.no_state => Place::Nowhere,
        (Some(file), _) => Place::File(file.clone()),
        (None, Some(folder)) => Place::Folder { folder, server: args.server.clone() },
        (None, None) => Place::Nowhere,
    }
}

/// The account to go on with.
fn found(args: &Args, keeper: &mut Keeper) -> Result<Option<Found>, Stopped> {
    let found = match &args.account {
        Some(account) => keeper.find(account),
        None => keeper.find_named(),
    };
    found.map_err(|error| {
        let exit = if matches!(error, StoreError::InUse(_)) { Exit::InUse } else { Exit::Usage };
        Stopped { exit, why: keeper::trouble(&error) }
    })
}

/// What is known before there is a connection: enough to read what was kept.
fn remember(shared: &Shared, Found { store, state }: &Found) -> Result<ListVersions, String> {
    let lists = store.lists().map_err(|error| error.to_string())?;
    let newest = store.newest().map_err(|error| error.to_string())?;
    let SyncState { user, name, token, .. } = state;
    let me = token.is_some().then(|| Me { id: *user, name: name.clone(), session: 0 });
    let held = ListVersions {
        user: *user,
        friends: lists.friends_version.clone(),
        groups: lists.groups_version.clone(),
    };
    let readings = store.readings().map_err(|error| error.to_string())?;
    let roster = &mut shared.lock().roster;
    roster.remember(me, lists, &newest);
    roster.read_to(&readings);
    shared.outbox().use_store(Arc::clone(store));
    Ok(held)
}

fn history_file(place: &Place) -> Option<PathBuf> {
    match place {
        Place::Folder { folder, .. } => Some(folder.join("history")),
        Place::File(_) | Place::Nowhere => None,
    }
}

/// How long the end waits for the last lines on the terminal.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Waits for a thread's end that may hang: the editor's printer does, if it has passed a line to an editor that ended then.
fn finish_soon(thread: JoinHandle<()>) {
    let begun = Instant::now();
    while !thread.is_finished() {
        if begun.elapsed() > LAST_LINES {
            log::warn!("a line was not printed");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    finish(thread);
}

/// Waits for a thread's end.
fn finish(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        log::error!("a thread did not end well");
    }
}
