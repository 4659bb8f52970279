//! In-memory fakes of the ports, and the conformance suite of the stores.
//!
//! The fakes are honest: [`FakeStore`] passes the same [`conformance`] suite as the real stores, so that a test of the
//! business on it means something. What a real part does at its own pace, a fake does when told: [`FakeClock`] stands
//! still, [`FakeEntropy`] repeats itself from its seed, [`FakeStore::fail_next`] makes a database go away.
//!
//! ```
//! use domain::testing::FakeStore;
//! use domain::{NewUser, StoreError, Timestamp, UserStore};
//!
//! let store = FakeStore::new();
//! let ann = NewUser { name: "Ann", name_key: "ann", password_hash: "$fake$1$pw", recovery_codes: &[], at: Timestamp(0) };
//! store.fail_next(StoreError::unavailable("create a user", "gone"), 1);
//! assert!(store.create_user(&ann).is_err());
//! assert!(store.create_user(&ann)?.is_some(), "it is back, and nothing had changed");
//! # Ok::<(), StoreError>(())
//! ```

mod bus;
mod clock;
pub mod conformance;
mod entropy;
mod fake_store;
mod hasher;
pub mod history_cache;
mod presence;

pub use bus::FakeBus;
pub use clock::FakeClock;
pub use entropy::FakeEntropy;
pub use fake_store::FakeStore;
pub use hasher::FakeHasher;
pub use history_cache::FakeHistoryCache;
pub use presence::FakePresence;
