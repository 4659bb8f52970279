//! What belongs to no capability.

use std::time::Duration;

use super::{Completes, Spec};
use crate::command::arguments::{Arguments, UsageError};
use crate::command::{Awaited, Command};

/// The commands.
pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "/help",
        arguments: "[COMMAND]",
        help: "list all commands, or explain one",
        completes: &[Completes::Commands],
        parse: |mut line| {
            let about = line.word().map(|word| format!("/{}", word.trim_start_matches('/')));
            line.end()?;
            Ok(Command::Help(about))
        },
    },
    Spec {
        name: "/wait",
        arguments: "messages N|friend WHO|request WHO|online WHO|quiet [SECONDS]",
        help: "in scripts: wait for messages of others, a friendship, a request, a friend to come, or until nothing more comes",
        completes: &[
            Completes::Words(&["messages", "friend", "request", "online", "quiet"]),
            Completes::People,
        ],
        parse: wait,
    },
    Spec {
        name: "/quit",
        arguments: "",
        help: "leave; the session stays for the next time (Ctrl-D does the same)",
        completes: &[],
        parse: |line| line.end().map(|()| Command::Quit),
    },
];

fn wait(mut line: Arguments<'_>) -> Result<Command, UsageError> {
    let what = match line.need("what to wait for")? {
        "messages" => Awaited::Messages(line.need_number("how many")?),
        "friend" => Awaited::Friend(line.need_who()?),
        "request" => Awaited::Request(line.need_who()?),
        "online" => Awaited::Online(line.need_who()?),
        "quiet" => Awaited::Quiet,
        other => return Err(UsageError(format!("nobody can wait for {other:?}"))),
    };
    let limit = if line.rest().is_empty() { None } else { Some(line.need_number("SECONDS")?) };
    line.end()?;
    Ok(Command::Wait { what, limit: limit.map(|seconds| Duration::from_secs(seconds.min(86_400))) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::ok;
    use super::*;
    use crate::command::Who;

    #[test]
    fn waits_have_a_limit_of_their_own() {
        let wait = |what, limit: Option<u64>| Command::Wait { what, limit: limit.map(Duration::from_secs) };
        assert_eq!(ok("/wait messages 3"), wait(Awaited::Messages(3), None));
        assert_eq!(ok("/wait friend bob 5"), wait(Awaited::Friend(Who::Name("bob".into())), Some(5)));
        assert_eq!(ok("/wait quiet 2"), wait(Awaited::Quiet, Some(2)));
    }
}
