//! Whether the fake takes changes.

use super::FakeStore;
use crate::{ChangeProbe, StoreResult};

impl ChangeProbe for FakeStore {
    fn probe_change(&self) -> StoreResult<()> {
        self.run("probe a change", |_| ())
    }
}
