//! A program that can be killed and started again at the same place.

use super::{Program, wait_until_ready};
use crate::error::BenchError;

/// How it is started, and how to find out that it serves.
pub(super) trait Launch {
    fn launch(&self) -> Result<Program, BenchError>;

    /// Whether this very process answers, and not another at its port.
    fn answers(&self, pid: u32) -> bool;
}

/// Such a program while it runs.
pub(crate) struct Restartable<L> {
    program: Program,
    pub(super) launch: L,
}

#[expect(
    private_bounds,
    reason = "who starts programs is within `world`; others only kill them and start them again"
)]
impl<L: Launch> Restartable<L> {
    /// Starts it and waits until it serves.
    pub(super) fn start(launch: L) -> Result<Restartable<L>, BenchError> {
        let mut program = launch.launch()?;
        let pid = program.pid();
        wait_until_ready(&mut program, || launch.answers(pid))?;
        Ok(Restartable { program, launch })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again after [`Restartable::kill`]. Returns at once: ask [`Restartable::is_ready`].
    pub(crate) fn start_again(&mut self) -> Result<(), BenchError> {
        self.program = self.launch.launch()?;
        Ok(())
    }

    /// Whether it serves; an error if it has ended.
    pub(crate) fn is_ready(&mut self) -> Result<bool, BenchError> {
        if self.program.has_ended() {
            return Err(self.program.did_not_start());
        }
        Ok(self.launch.answers(self.program.pid()))
    }
}
