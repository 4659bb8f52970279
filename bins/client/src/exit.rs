//! How a run ends.

use std::process::ExitCode;

/// The exit codes, as scripts see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// A command was refused, by the server or because it made no sense here.
    Refused = 1,
    /// A command or setting that nobody can understand.
    Usage = 2,
    /// No connection, or it was lost in the middle of a command.
    NoConnection = 3,
    /// What was waited for did not come.
    WaitedInVain = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
