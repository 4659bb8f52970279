//! What storing a message costs: CPU per message of the embedded store, by batch size.
//!
//! `cargo run --release -p model --example append_cost [folder]` appends to a fresh store in a temporary folder (made in
//! `folder`, which decides which disk is used): 100 senders, 50 conversations, texts of 100 bytes. Twice: with client
//! message ids that begin with a time, as a good client's do, and with ids that count up for each sender. CPU is that of
//! the whole process, checkpoints and closing among them; latencies are those of one append.

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::path::Path;
use std::time::{Duration, Instant};

use domain::{
    Account, ConversationId, FriendLimits, FriendStore, Mentions, MessageKind, MessageLog, NewMessage,
    NewSession, NewUser, PageSize, Seq, SessionStore, Timestamp, TokenHash, UserId, UserStore, Window,
};
use model::sqlite::{Options, SqliteStore};
use rustix::time::{ClockId, clock_gettime};

const PAIRS: usize = 50;
const TEXT_BYTES: usize = 100;
const LOOKUPS: usize = 20_000;
/// Appends per batch size, and the messages they hold at most.
const BATCHES: &[(usize, usize)] =
    &[(1, 2_000), (50, 50_000), (200, 200_000), (500, 400_000), (1000, 400_000)];

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| std::env::temp_dir().display().to_string());
    println!("start on an empty folder: {:.1} ms", start_ms(Path::new(&folder)));
    for ids in [Ids::ByTime, Ids::BySender] {
        println!(
            "\n{ids:?}\n batch   CPU µs/message  messages/s  append ms: p50    p99    max  bytes/message"
        );
        for &(batch, messages) in BATCHES {
            measure(Path::new(&folder), ids, batch, messages);
        }
    }
    println!();
    lookups(Path::new(&folder));
}

/// How client message ids look.
#[derive(Clone, Copy, Debug)]
enum Ids {
    /// As UUIDv7: first a time, then chance.
    ByTime,
    /// First something of the sender's, then a counter.
    BySender,
}

fn start_ms(folder: &Path) -> f64 {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let start = Instant::now();
    let store = SqliteStore::open(folder.path(), &Options::default()).unwrap();
    let took = start.elapsed();
    drop(store);
    took.as_secs_f64() * 1e3
}

struct Pair {
    users: [UserId; 2],
    conversation: ConversationId,
}

fn pairs(store: &SqliteStore) -> Vec<Pair> {
    let limits = FriendLimits { friends: 10, requests: 10 };
    let at = Timestamp(0);
    (0..PAIRS)
        .map(|n| {
            let users = [format!("a{n}"), format!("b{n}")].map(|name| {
                let new =
                    NewUser { name: &name, name_key: &name, password_hash: "", recovery_codes: &[], at };
                store.create_user(&new).unwrap().unwrap()
            });
            store.request_friend(users[0], users[1], "", at, limits).unwrap();
            store.accept_friend(users[1], users[0], at, limits).unwrap();
            let conversation = store.friendship(users[0], users[1]).unwrap().unwrap();
            Pair { users, conversation }
        })
        .collect()
}

fn measure(folder: &Path, ids: Ids, batch: usize, messages: usize) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = SqliteStore::open(folder.path(), &Options::default()).unwrap();
    let pairs = pairs(&store);
    let mut said = 0;
    let mut chance = 1_u64;
    let mut latencies = Vec::new();
    let mut generating = Duration::ZERO;
    let before = cpu();
    let start = Instant::now();
    while said < messages {
        let begin = cpu();
        let messages: Vec<NewMessage> =
            (0..batch).map(|n| message(&pairs, ids, said + n, &mut chance)).collect();
        generating += cpu() - begin;
        let begin = Instant::now();
        let appended = store.append(&messages).unwrap();
        latencies.push(begin.elapsed());
        assert!(appended.iter().all(Result::is_ok));
        said += batch;
    }
    drop(store);
    let took = start.elapsed();
    let spent = cpu() - before - generating;
    let stored = std::fs::metadata(folder.path().join("chat.db")).unwrap().len();
    latencies.sort();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{batch:6} {:14.2} {:11.0} {:15.2} {:6.2} {:6.2} {:12}",
        spent.as_secs_f64() * 1e6 / said as f64,
        said as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
        stored / said as u64,
    );
}

fn message(pairs: &[Pair], ids: Ids, n: usize, chance: &mut u64) -> NewMessage {
    // A small linear congruential generator: messages come from everywhere in no order.
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let who = (*chance >> 33) as usize % (2 * PAIRS);
    let pair = &pairs[who / 2];
    let client_msg_id = match ids {
        // 20 messages in a millisecond.
        Ids::ByTime => {
            format!(
                "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
                0x0199_aa00 + n / 1_300_000,
                n / 20 % 65_536,
                *chance >> 20 & 0xfff,
                *chance >> 32 & 0xfff,
                *chance >> 16
            )
        }
        Ids::BySender => format!("0199aa00-{who:04x}-{n:016x}"),
    };
    NewMessage {
        conversation: pair.conversation,
        sender: pair.users[who % 2],
        client_msg_id,
        time: Timestamp(1_700_000_000_000 + n as u64 / 20),
        kind: MessageKind::Text,
        body: format!("{n:0TEXT_BYTES$}"),
        reply_to: None,
        mentions: Mentions::default(),
    }
}

/// The lookups that requests are made of, warm, while nobody writes and after each of a writer's commits.
fn lookups(folder: &Path) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = SqliteStore::open(folder.path(), &Options::default()).unwrap();
    let pairs = pairs(&store);
    let mut chance = 7;
    let token = TokenHash([7; 32]);
    let user = pairs[0].users[0];
    store
        .create_session(
            &NewSession {
                user,
                password_hash: "",
                token,
                device: "x",
                at: Timestamp(0),
                notices: None,
                broadcasts: None,
            },
            10,
        )
        .unwrap()
        .unwrap();
    let batch: Vec<NewMessage> = (0..20_000).map(|n| message(&pairs, Ids::ByTime, n, &mut chance)).collect();
    store.append(&batch).unwrap();
    let pair = |n: usize| &pairs[n % PAIRS];
    let size = PageSize { messages: 50, bytes: 100_000 };
    time("session_by_token", |_| assert!(store.session_by_token(token).unwrap().is_some()));
    time("friendship", |n| {
        assert!(store.friendship(pair(n).users[1], pair(n).users[0]).unwrap().is_some());
    });
    time("conversation", |n| {
        assert!(store.conversation(pair(n).users[1], pair(n).conversation).unwrap().is_some());
    });
    time("credentials by name", |_| assert!(store.credentials(Account::NameKey("a0")).unwrap().is_some()));
    time("page of 50", |n| {
        assert_eq!(store.page(pair(n).conversation, Seq(0), Window::Newest, size).unwrap().len(), 50);
    });
}

fn time(name: &str, work: impl Fn(usize)) {
    (0..LOOKUPS / 10).for_each(&work);
    let before = cpu();
    (0..LOOKUPS).for_each(work);
    println!("{name:20} {:6.2} µs CPU", (cpu() - before).as_secs_f64() * 1e6 / LOOKUPS as f64);
}

/// CPU time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
