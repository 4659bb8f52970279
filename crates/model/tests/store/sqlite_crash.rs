//! The embedded store dies by SIGKILL in the middle of appends, and is opened again.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use domain::{ConversationId, FriendStore, MessageLog, NewMessage, Novelty, UserId};
use model::sqlite::{Options, SqliteStore};

use crate::sqlite::{friends, log, message, open};

const ROUNDS: u64 = 5;
const THREADS: u64 = 3;
const BATCH_MAX: u64 = 40;
/// Answered batches after which the process is killed, at most.
const BATCHES_MAX: u64 = 150;

/// In the environment of the process to be killed: the folder, and which round it is.
const FOLDER: &str = "STORE_TEST_FOLDER";
const ROUND: &str = "STORE_TEST_ROUND";
/// Replays a run: the seed that it printed.
const SEED: &str = "STORE_TEST_SEED";

#[test]
fn every_answered_append_survives_a_kill() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        append_until_killed(Path::new(&folder), &round);
    }
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let mut seed: u64 = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("{SEED}={seed}");

    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, _, conversation) = friends(&store);
    drop(store);
    let mut answered = HashMap::new();
    for round in 0..ROUNDS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let batches = 1 + (seed >> 33) % BATCHES_MAX;
        let before = answered.len();
        answered.extend(run_and_kill(folder.path(), round, batches));
        println!("round {round}: killed after {} answers", answered.len() - before);
        assert!(answered.len() > before, "something was answered in every round");

        let store = open(folder.path());
        check(&store, conversation, &answered);
        repeat(&store, ann, conversation, &answered);
    }
}

/// The client message ids that were answered, and the seqs that they were answered with.
type Answered = HashMap<String, u64>;

/// The process to be killed: appends batches from several threads, and says what was answered, as `said ID SEQ`, after
/// the answer.
fn append_until_killed(folder: &Path, round: &str) -> ! {
    // A small log, so that it is often being copied into the database when the end comes.
    let options = Options { wal_kib: 256, ..Options::default() };
    let store = Arc::new(SqliteStore::open(folder, &options).unwrap());
    // The first two users, and the first conversation.
    let (ann, bob) = (UserId(1), UserId(2));
    let conversation = store.friendship(ann, bob).unwrap().unwrap();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (store, round) = (store.clone(), round.to_owned());
            thread::spawn(move || {
                for batch in 0_u64.. {
                    let size = 1 + (batch * 7 + thread * 13) % BATCH_MAX;
                    let messages: Vec<NewMessage> = (0..size)
                        .map(|n| {
                            let id = format!("{round}-{thread}-{batch}-{n}-{size}");
                            message(conversation, if n % 2 == 0 { ann } else { bob }, &id)
                        })
                        .collect();
                    let answers = store.append(&messages).unwrap();
                    let mut said = String::new();
                    for (message, answer) in messages.iter().zip(answers) {
                        said += &format!("said {} {}\n", message.client_msg_id, answer.unwrap().seq);
                    }
                    // One write, so that lines of different threads do not mix; its end may be lost with the process.
                    std::io::stdout().lock().write_all(said.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    unreachable!("appends until it is killed")
}

/// Ends with the test, whatever becomes of it.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs this test again in a process of its own, kills that after so many answered batches, and returns all that it
/// could still say was answered.
fn run_and_kill(folder: &Path, round: u64, batches: u64) -> Answered {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite_crash::every_answered_append_survives_a_kill", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    let mut answered = Answered::new();
    let mut ended = 0;
    let mut line = String::new();
    loop {
        line.clear();
        // What it wrote before it died can still be read; a last line without an end was cut by its death.
        if stdout.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        let Some((id, seq)) = line.trim_end().strip_prefix("said ").and_then(|said| said.split_once(' '))
        else {
            continue;
        };
        answered.insert(id.to_owned(), seq.parse().unwrap());
        let parts: Vec<u64> = id.split('-').map(|part| part.parse().unwrap()).collect();
        ended += u64::from(parts[3] + 1 == parts[4]);
        if ended == batches {
            child.0.kill().unwrap();
        }
    }
    let status = child.0.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "it ran until it was killed: {status}");
    answered
}

/// Every answered message stands once at its place, and what was not answered is there in whole batches or not at all.
fn check(store: &SqliteStore, conversation: ConversationId, answered: &Answered) {
    let log = log(store, conversation);
    assert!(log.iter().map(|message| message.seq.0).eq(1..=log.len() as u64), "no holes");
    let ids: HashSet<&str> = log.iter().map(|message| message.client_msg_id.as_str()).collect();
    assert_eq!(ids.len(), log.len(), "each once");
    for (id, seq) in answered {
        let stored = log.get(*seq as usize - 1).unwrap_or_else(|| panic!("{id} was answered and is lost"));
        assert_eq!(stored.client_msg_id, *id, "it stands where it was said to");
        assert_eq!(stored.body, format!("body of {id}"));
    }
    let mut at = 0;
    while at < log.len() {
        let id = &log[at].client_msg_id;
        let (batch, _) = id.rsplit_once('-').and_then(|(rest, _)| rest.rsplit_once('-')).unwrap();
        let size: usize = id.rsplit_once('-').unwrap().1.parse().unwrap();
        for n in 0..size {
            assert_eq!(log[at + n].client_msg_id, format!("{batch}-{n}-{size}"), "whole and in order");
        }
        at += size;
    }
    let seen = store.conversation(UserId(1), conversation).unwrap().unwrap();
    assert_eq!(seen.last.0, log.len() as u64, "the conversation knows its last message");
}

/// Who asks again is answered with the same.
fn repeat(store: &SqliteStore, ann: UserId, conversation: ConversationId, answered: &Answered) {
    for (id, seq) in answered.iter().filter(|(id, _)| id.split('-').nth(3) == Some("0")).take(20) {
        let appended = store.append(&[message(conversation, ann, id)]).unwrap()[0].unwrap();
        assert_eq!((appended.seq.0, appended.novelty), (*seq, Novelty::Repeat), "{id}");
    }
}
