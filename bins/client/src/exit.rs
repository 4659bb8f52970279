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
    /// Another client that is running uses the saved session.
    InUse = 5,
}

/// Why nothing runs at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) exit: Exit,
    /// One sentence.
    pub(crate) why: String,
}

impl From<String> for Stopped {
    fn from(why: String) -> Stopped {
        Stopped { exit: Exit::Usage, why }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
