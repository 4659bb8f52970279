//! What the words of a message cost: CPU per message taken into the index, edited and recalled, for texts that are long in
//! different ways.
//!
//! `cargo run --release -p model --example words_cost` says, indexes, edits and recalls each text some times in a fresh embedded
//! store in a temporary folder. CPU is that of the whole process; `cut` is that of the text alone, without any store.

#![allow(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::time::Duration;

use domain::{
    ChangeStore, ChangeWindows, ConversationId, FriendLimits, FriendStore, Mentions, MessageChange,
    MessageDeed, MessageKind, MessageLog, NewMessage, NewUser, SearchStore, Seq, Timestamp, UserId,
    UserStore, words,
};
use model::sqlite::{Options, SqliteStore};
use rustix::time::{ClockId, clock_gettime};

/// Messages of each text.
const SAID: u64 = 40;
const TEXT_BYTES: usize = 64 * 1024;

fn main() {
    println!("{:42} {:>6} {:>9} {:>9} {:>9} {:>9}  ms", "text", "words", "cut", "index", "edit", "recall");
    measure("17 characters of Chinese", &|n| filled(&mut numbers(n).map(han), 17 * 3));
    measure("100 words of Latin", &|n| filled(&mut numbers(n).map(|n| format!("w{} ", n % 500)), 600));
    measure("1,000 different characters of Chinese", &|n| filled(&mut numbers(n).map(han), 3_000));
    measure("2,500 different words of Latin", &|n| {
        filled(&mut (0..2_500).map(|word| format!("{word}x{n} ")), TEXT_BYTES)
    });
    measure("64 KiB of a few words", &|n| {
        filled(&mut numbers(n).map(|n| format!("w{} ", n % 500)), TEXT_BYTES)
    });
    measure("64 KiB of one word", &|_| "x".repeat(TEXT_BYTES));
    measure("64 KiB of Chinese, one character", &|_| "长".repeat(TEXT_BYTES / 3));
    measure("64 KiB of marks", &|_| format!("x{}", "\u{301}\u{327}".repeat(TEXT_BYTES / 4 - 1)));
    measure("64 KiB of ligatures of 18 characters", &|n| format!("{}{n}", "\u{fdfa} ".repeat(16_380)));
}

fn measure(name: &str, text: &dyn Fn(u64) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), &Options::default()).unwrap();
    let users = ["ann", "bob"].map(|name| {
        let new = NewUser { name, name_key: name, password_hash: "", recovery_codes: &[], at: Timestamp(0) };
        store.create_user(&new).unwrap().unwrap()
    });
    let limits = FriendLimits { friends: 10, requests: 10 };
    store.request_friend(users[0], users[1], "", Timestamp(0), limits).unwrap();
    store.accept_friend(users[1], users[0], Timestamp(0), limits).unwrap();
    let conversation = store.friendship(users[0], users[1]).unwrap().unwrap();
    let said: Vec<NewMessage> = (0..SAID).map(|n| message(conversation, users[0], n, text(n))).collect();
    let edits: Vec<String> = (SAID..2 * SAID).map(text).collect();
    store.append(&said).unwrap();
    let each = |work: &dyn Fn(u64)| {
        let before = cpu();
        (0..SAID).for_each(work);
        (cpu() - before).as_secs_f64() * 1e3 / SAID as f64
    };
    let cut = each(&|n| _ = words(&said[n as usize].body));
    let before = cpu();
    while !store.index_messages(&[conversation], 400).unwrap().unfinished.is_empty() {}
    let index = (cpu() - before).as_secs_f64() * 1e3 / SAID as f64;
    let change = |n: u64, deed| {
        let windows = ChangeWindows { recall_ms: 1_000, edit_ms: 1_000 };
        let (actor, seq, at) = (users[0], Seq(n + 1), Timestamp(1));
        store
            .change_message(&MessageChange { conversation, seq, actor, deed, at, windows })
            .unwrap()
            .unwrap();
    };
    let edit = each(&|n| {
        let body = edits[n as usize].clone();
        change(n, MessageDeed::Edit { body, mentions: Mentions::default() });
    });
    let recall = each(&|n| change(n, MessageDeed::Recall));
    let count = words(&said[0].body).len();
    println!("{name:42} {count:6} {cut:9.3} {index:9.3} {edit:9.3} {recall:9.3}");
}

fn message(conversation: ConversationId, sender: UserId, n: u64, body: String) -> NewMessage {
    NewMessage {
        conversation,
        sender,
        client_msg_id: n.to_string(),
        time: Timestamp(0),
        kind: MessageKind::Text,
        body,
        reply_to: None,
        mentions: Mentions::default(),
    }
}

/// Numbers in no order: a small linear congruential generator.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed + 1), |n| {
        Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|n| n >> 33)
}

fn han(n: u64) -> String {
    char::from_u32(0x4E00 + (n % 5_000) as u32).unwrap().to_string()
}

/// As many parts as fit.
fn filled(parts: &mut dyn Iterator<Item = String>, bytes: usize) -> String {
    let mut text = String::new();
    for part in parts {
        if text.len() + part.len() > bytes {
            break;
        }
        text.push_str(&part);
    }
    text
}

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}
