//! Commands without anybody typing.

use std::io::BufRead;

use crate::chat::Chat;
use crate::command::{self, Command, UsageError};
use crate::exit::Exit;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// Bytes of one line of standard input; a longer one is no command.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Runs the commands of the command line, all of which were understood before.
pub(crate) fn run_all(chat: &mut Chat, output: &Output, commands: Vec<(String, Command)>) -> Exit {
    let mut exit = Exit::Done;
    for (line, command) in commands {
        match run_one(chat, output, &line, Ok(Some(command))) {
            Step::Goes(Exit::Refused) => exit = Exit::Refused,
            Step::Goes(_) => {}
            Step::Ends(Exit::Done) => return exit,
            Step::Ends(worse) => return worse,
        }
    }
    exit
}

/// Runs the lines of standard input.
pub(crate) fn run_stdin(chat: &mut Chat, output: &Output) -> Exit {
    let (mut exit, mut input) = (Exit::Done, std::io::stdin().lock());
    loop {
        let line = match read_line(&mut input) {
            Ok(Some(line)) => line,
            Ok(None) => return exit,
            Err(failure) => {
                output.failure("", &failure);
                return failure.exit();
            }
        };
        let unwrapped = if output.is_for_programs() { unwrapped(&line) } else { Ok(line.clone()) };
        let (line, command) = match unwrapped {
            Ok(line) => {
                let command = command::parse(&line);
                (line, command)
            }
            // It may be a password that lacks its end: it is not repeated.
            Err(error) => (String::new(), Err(error)),
        };
        match run_one(chat, output, &line, command) {
            Step::Goes(Exit::Refused) => exit = Exit::Refused,
            Step::Goes(_) => {}
            Step::Ends(Exit::Done) => return exit,
            Step::Ends(worse) => return worse,
        }
    }
}

/// A program may write a command as a JSON string, so that its text can hold line breaks.
fn unwrapped(line: &str) -> Result<String, UsageError> {
    if !line.starts_with('"') {
        return Ok(line.to_owned());
    }
    serde_json::from_str(line).map_err(|error| UsageError(format!("not a JSON string: {error}")))
}

/// Whether the next command may run.
enum Step {
    Goes(Exit),
    Ends(Exit),
}

/// What the server refuses does not end a script; what makes the rest pointless does.
fn run_one(
    chat: &mut Chat,
    output: &Output,
    line: &str,
    command: Result<Option<Command>, UsageError>,
) -> Step {
    let shown = command::shown(line);
    let result = match command {
        Ok(None) => return Step::Goes(Exit::Done),
        // The first one that needs a connection waits for it; later ones wait in the client library.
        Ok(Some(command)) => {
            chat.wait_for_connection(&command).and_then(|()| chat.run(command, &mut |_| None))
        }
        Err(error) => Err(Failure::Usage(error)),
    };
    match result {
        Ok(outcome) => {
            output.outcome(shown, &outcome, &chat.shared.lock().roster);
            if outcome == Outcome::Quit { Step::Ends(Exit::Done) } else { Step::Goes(Exit::Done) }
        }
        Err(failure) => {
            output.failure(shown, &failure);
            match failure.exit() {
                Exit::Refused => Step::Goes(Exit::Refused),
                exit => Step::Ends(exit),
            }
        }
    }
}

fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let mut bounded = std::io::Read::take(input, LINE_BYTES_MAX as u64 + 1);
    let unusable = |why: String| Failure::Usage(UsageError(why));
    match bounded.read_until(b'\n', &mut line) {
        Ok(0) => Ok(None),
        Ok(_) if line.len() > LINE_BYTES_MAX => {
            Err(unusable("a line of standard input is too long".to_owned()))
        }
        Ok(_) => String::from_utf8(line)
            .map(Some)
            .map_err(|_| unusable("a line of standard input is not UTF-8".to_owned())),
        Err(error) => Err(unusable(format!("standard input cannot be read: {error}"))),
    }
}
