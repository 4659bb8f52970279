//! Hashing passwords without getting in anybody's way.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use domain::{HashError, PasswordHasher};
use parking_lot::Mutex;
use zeroize::Zeroizing;

/// How much lower than everybody's the priority of hashing is: it gets what others leave, and a little more.
const NICENESS: i32 = 19;

/// A hasher whose work is done by threads of its own, at the lowest priority.
///
/// The caller waits at its own priority: it may then take a lock of the store without anybody having to wait until a
/// thread that yields to all others gets the processor to give the lock back. As many hashes are computed at a time as
/// there are threads; callers beyond that wait, and are bounded by whoever calls.
pub struct QuietHasher {
    inner: Arc<dyn PasswordHasher>,
    /// `None` only while this is dropped.
    work: Option<SyncSender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

type Work = Box<dyn FnOnce(&dyn PasswordHasher) + Send>;

impl QuietHasher {
    /// Starts the threads; fails if the system refuses one.
    pub fn new(inner: Arc<dyn PasswordHasher>, threads: usize) -> std::io::Result<QuietHasher> {
        // A rendezvous: nothing waits here that no thread has taken.
        let (work, waiting) = sync_channel::<Work>(0);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut hasher = QuietHasher { inner, work: Some(work), threads: Vec::new() };
        for index in 0..threads.max(1) {
            let (inner, waiting) = (Arc::clone(&hasher.inner), Arc::clone(&waiting));
            let run = move || {
                lower_priority();
                while let Some(work) = next(&waiting) {
                    work(&*inner);
                }
            };
            hasher.threads.push(thread::Builder::new().name(format!("hasher-{index}")).spawn(run)?);
        }
        Ok(hasher)
    }

    /// Has `work` done, and waits for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn PasswordHasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, answered) = sync_channel(1);
        let work: Work = Box::new(move |hasher| {
            // The caller waits; should it have died of a panic, nobody misses the answer.
            let _ = answer.send(work(hasher));
        });
        let gone = || HashError { cause: "the hashing threads are gone".to_owned() };
        self.work.as_ref().ok_or_else(gone)?.send(work).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl PasswordHasher for QuietHasher {
    fn hash(&self, password: &str) -> Result<String, HashError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |hasher| hasher.hash(&password))
    }

    fn verify(&self, password: &str, hash: &str) -> Result<bool, HashError> {
        let (password, hash) = (Zeroizing::new(password.to_owned()), hash.to_owned());
        self.run(move |hasher| hasher.verify(&password, &hash))
    }

    fn decoy(&self) -> &str {
        self.inner.decoy()
    }
}

impl Drop for QuietHasher {
    fn drop(&mut self) {
        self.work = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a hashing thread panicked");
            }
        }
    }
}

/// The next work; `None` once nobody can bring any.
fn next(waiting: &Mutex<Receiver<Work>>) -> Option<Work> {
    waiting.lock().recv().ok()
}

/// On Linux a priority is a thread's own.
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        log::warn!("passwords are hashed at normal priority: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Argon2Hasher, SystemEntropy};

    fn quiet(threads: usize) -> QuietHasher {
        let argon2 = Argon2Hasher::with_cost(Arc::new(SystemEntropy), 8, 1).unwrap();
        QuietHasher::new(Arc::new(argon2), threads).unwrap()
    }

    #[test]
    fn answers_as_the_hasher_within_does() {
        let hasher = quiet(1);
        let hash = hasher.hash("correct horse").unwrap();
        assert!(hasher.verify("correct horse", &hash).unwrap());
        assert!(!hasher.verify("battery staple", &hash).unwrap());
        assert!(hasher.verify("x", "no hash").is_err());
        assert!(!hasher.verify("x", hasher.decoy()).unwrap());
    }

    #[test]
    fn each_caller_gets_its_own_answer() {
        let hasher = quiet(2);
        thread::scope(|scope| {
            for n in 0..8 {
                let hasher = &hasher;
                scope.spawn(move || {
                    let password = format!("password {n}");
                    let hash = hasher.hash(&password).unwrap();
                    assert!(hasher.verify(&password, &hash).unwrap());
                    assert!(!hasher.verify("another", &hash).unwrap());
                });
            }
        });
    }
}
