//! What appending costs on MariaDB: messages a second, and CPU of this side and of the database for each message.
//!
//! ```text
//! cargo run --release -p model --example append_cost_mysql [seconds per line]
//! ```
//!
//! Starts a private server whose commits reach the disk (`innodb_flush_log_at_trx_commit=1`). The first table is of batches
//! as fast as they go; the second of single messages at a steady pace, where each round trip puts the thread to sleep, by
//! either way, and of the pace alone.

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::unwrap_used, reason = "a measurement ends at the first error")]

use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use domain::{
    ConversationId, Created, GroupLimits, GroupStore, Mentions, MessageKind, MessageLog, NewGroup,
    NewMessage, NewUser, Timestamp, UserId, UserStore,
};
use model::mysql::{Config, MySqlStore, SingleAppend};
use rustix::time::{ClockId, clock_gettime};
use testkit::{Flush, MariaDb};

const CONVERSATIONS: usize = 50;
const BODY_BYTES: usize = 100;
/// A message each, in the second table.
const PACE: Duration = Duration::from_millis(1);
/// Rounds of the second table: ways take turns, so that what else the machine does meets all of them.
const ROUNDS: usize = 3;

fn main() {
    let seconds = env::args().nth(1).map_or(3, |seconds| seconds.parse().unwrap());
    let server = MariaDb::start_with(
        Flush::EveryCommit,
        &["--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M"],
    );
    let url = server.url(&server.create_database("cost"));
    let store = MySqlStore::open(&Config::from_url(&url).unwrap()).unwrap();
    let (sender, conversations) = cast(&store);

    println!(
        "{:>6} {:>12} {:>14} {:>18} {:>16}",
        "batch", "messages/s", "batch, median", "client us/message", "server us/message"
    );
    let mut said = 0;
    for batch in [1, 10, 50, 200, 1000] {
        let run =
            run(&store, sender, &conversations, batch, Duration::from_secs(seconds), &server, &mut said);
        println!("{batch:>6} {run}");
    }

    println!(
        "\n{:>12} {:>10} {:>10} {:>8} {:>18} {:>18}",
        "one by one", "median", "p99", "sleeps", "client us/message", "server us/message"
    );
    let with = |way| {
        let mut config = Config::from_url(&url).unwrap();
        config.single_append = way;
        MySqlStore::open(&config).unwrap()
    };
    let ways = [
        ("pace alone", None),
        ("transaction", Some(with(SingleAppend::Transaction))),
        ("procedure", Some(with(SingleAppend::Procedure))),
    ];
    for _ in 0..ROUNDS {
        for (name, store) in &ways {
            let time = Duration::from_secs(seconds);
            let run = paced(store.as_ref(), sender, &conversations, time, &server, &mut said);
            println!("{name:>12} {run}");
        }
    }
}

/// Appends one message at each tick of [`PACE`]; without a store only ticks.
fn paced(
    store: Option<&MySqlStore>,
    sender: UserId,
    conversations: &[ConversationId],
    time: Duration,
    server: &MariaDb,
    said: &mut usize,
) -> String {
    let ticks = (time.as_micros() / PACE.as_micros()) as u32;
    let server_before = cpu_us(server.pid());
    let client_before = own_cpu();
    let sleeps_before = own_sleeps();
    let begun = Instant::now();
    let mut times = Vec::with_capacity(ticks as usize);
    for tick in 0..ticks {
        thread::sleep((begun + PACE * tick).saturating_duration_since(Instant::now()));
        let message = NewMessage {
            conversation: conversations[*said % conversations.len()],
            sender,
            client_msg_id: format!("{:016x}", *said),
            time: Timestamp(0),
            kind: MessageKind::Text,
            body: "x".repeat(BODY_BYTES),
            reply_to: None,
            mentions: Mentions::default(),
        };
        *said += 1;
        let asked = Instant::now();
        if let Some(store) = store {
            assert!(store.append(&[message]).unwrap()[0].is_ok());
        }
        times.push(asked.elapsed());
    }
    let client = own_cpu() - client_before;
    let sleeps = own_sleeps() - sleeps_before;
    let server = cpu_us(server.pid()) - server_before;
    times.sort_unstable();
    format!(
        "{:>10} {:>10} {:>8.2} {:>18.1} {:>18.1}",
        format!("{:.0?}", times[times.len() / 2]),
        format!("{:.0?}", times[times.len() * 99 / 100]),
        sleeps / f64::from(ticks),
        client.as_secs_f64() * 1e6 / f64::from(ticks),
        server / f64::from(ticks),
    )
}

/// CPU time of this process so far, of all its threads, of user and kernel.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn cast(store: &MySqlStore) -> (UserId, Vec<ConversationId>) {
    let user =
        NewUser { name: "a", name_key: "a", password_hash: "h", recovery_codes: &[], at: Timestamp(0) };
    let sender = store.create_user(&user).unwrap().unwrap();
    let limits = GroupLimits { members: 10, groups: 1000, requests: 1_000, requests_per_user: 1_000 };
    let conversation = |_| {
        let group = NewGroup { owner: sender, name: "g", description: "", at: Timestamp(0) };
        match store.create_group(&group, limits).unwrap() {
            Created::Group(group) => group.conversation(),
            Created::Full => panic!("more groups than allowed"),
        }
    };
    (sender, (0..CONVERSATIONS).map(conversation).collect())
}

fn run(
    store: &MySqlStore,
    sender: UserId,
    conversations: &[ConversationId],
    batch: usize,
    time: Duration,
    server: &MariaDb,
    said: &mut usize,
) -> String {
    let body = "x".repeat(BODY_BYTES);
    let client_before = cpu_us(process::id());
    let server_before = cpu_us(server.pid());
    let begun = Instant::now();
    let mut appended = 0;
    let mut times = Vec::new();
    while begun.elapsed() < time {
        let messages: Vec<NewMessage> = (0..batch)
            .map(|place| NewMessage {
                conversation: conversations[place % conversations.len()],
                sender,
                client_msg_id: format!("{:016x}", *said + place),
                time: Timestamp(0),
                kind: MessageKind::Text,
                body: body.clone(),
                reply_to: None,
                mentions: Mentions::default(),
            })
            .collect();
        let asked = Instant::now();
        let answers = store.append(&messages).unwrap();
        times.push(asked.elapsed());
        assert!(answers.iter().all(Result::is_ok));
        *said += batch;
        appended += batch;
    }
    let elapsed = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    format!(
        "{:>12.0} {:>14?} {:>18.2} {:>16.2}",
        appended as f64 / elapsed,
        times[times.len() / 2],
        (cpu_us(process::id()) - client_before) / appended as f64,
        (cpu_us(server.pid()) - server_before) / appended as f64,
    )
}

/// How often this thread waited so far, for an answer or for the next tick.
fn own_sleeps() -> f64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    count.trim().parse().unwrap()
}

/// CPU time of a process so far, of user and kernel, in microseconds.
fn cpu_us(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After "pid (name)": state is the first field, utime the 12th and stime the 13th, in ticks of 10 ms (proc(5)).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
}
