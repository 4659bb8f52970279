//! Pages of history, in a table with few messages and in one with many: the same conversation, read alike in both.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use cluster::local::LocalHistory;
use domain::{
    ConversationId, FriendLimits, HistoryCache, MessageKind, NewMessage, NewUser, NoHistoryCache, Store,
    StoreError, Timestamp, UserId,
    testing::{FakeClock, FakeEntropy, FakeHasher, FakePresence},
};
use hdrhistogram::Histogram;
use model::{
    mysql::{Config, MySqlStore},
    sqlite::{Options as SqliteOptions, SqliteStore},
};
use protocol::{History, Login, Reply, Request, Secret};
use rand::{Rng, SeedableRng, rngs::StdRng};
use service::{Caller, ConnKey, Handled, Ports, Principal, Rates, Service, ServiceConfig, testing::NullHub};
use testkit::{Flush, MariaDb};

use crate::{
    error::BenchError,
    load::Verdict,
    report::{Report, latency_histogram, quantile_us},
};

/// How much more a page may cost in the large table.
const RATIO_MAX: f64 = 1.5;

/// Messages of a page.
const PAGE: u32 = 50;

/// Messages stored in one transaction while tables are filled.
const BATCH: u64 = 1_000;

/// Conversations that the rest of a large table is spread over, unless that leaves them without two pages each.
const OTHERS_MAX: u64 = 100;

/// Turns between the two tables: what else happens on the machine meets both.
const TURNS: u32 = 10;

const NO_LIMIT: FriendLimits = FriendLimits { friends: 5_000, requests: 500 };

/// What to measure, and how large.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages in the small table, all of the conversation that is read.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub(crate) few: u64,
    /// Messages in the large table: the same, and as many others before and after it.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub(crate) many: u64,
    /// Pages of each kind read from each table.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) pages: u32,
    /// Bytes of each message.
    #[arg(long, default_value_t = 60)]
    pub(crate) size: usize,
    /// Only this store.
    #[arg(long, value_enum)]
    pub(crate) only: Option<Kind>,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The embedded store.
    Sqlite,
    /// A private MariaDB server.
    Mariadb,
}

/// Measures both stores, each in tables of its own.
pub(crate) fn run(options: &Options) -> Result<Report, BenchError> {
    let mut report = Report::new("history");
    report.set("few", options.few);
    report.set("many", options.many);
    if options.only != Some(Kind::Mariadb) {
        let folder = || tempfile::tempdir().map_err(|error| odd(error.to_string()));
        let folders = [folder()?, folder()?];
        let open = |n: usize| -> Result<Arc<dyn Store>, BenchError> {
            let opened = SqliteStore::open(folders[n].path(), &SqliteOptions::default());
            Ok(Arc::new(opened.map_err(|error| odd(error.to_string()))?))
        };
        measure(options, ["sqlite_page_ratio", "sqlite_far_page_ratio"], "sqlite", &open, &mut report)?;
    }
    if options.only != Some(Kind::Sqlite) {
        let server = MariaDb::start_with(Flush::ToKernel, &[]);
        let databases = [server.create_database("few"), server.create_database("many")];
        let open = |n: usize| -> Result<Arc<dyn Store>, BenchError> {
            let config =
                Config::from_url(&server.url(&databases[n])).map_err(|error| odd(error.to_string()))?;
            Ok(Arc::new(MySqlStore::open(&config).map_err(|error| odd(error.to_string()))?))
        };
        measure(options, ["mariadb_page_ratio", "mariadb_far_page_ratio"], "mariadb", &open, &mut report)?;
    }
    report.verdict(Verdict::default());
    Ok(report)
}

/// One table, and a user who reads there.
struct Table {
    store: Arc<dyn Store>,
    conversation: ConversationId,
    /// Conversations of the rest, with so many messages each.
    others: Vec<ConversationId>,
    messages_of_others: u64,
}

/// Times of one kind of page.
struct Times([Histogram<u64>; 2]);

fn measure(
    options: &Options,
    targets: [&'static str; 2],
    name: &str,
    open: &dyn Fn(usize) -> Result<Arc<dyn Store>, BenchError>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let few = fill(open(0)?, options.few, 0, options.size)?;
    let began = Instant::now();
    let many = fill(open(1)?, options.few, options.many.saturating_sub(options.few), options.size)?;
    report.measure(&format!("{name}_fill_seconds"), began.elapsed().as_secs_f64());
    let tables = [few, many];
    let mut random = StdRng::seed_from_u64(7);
    let mut times = [Kinds::Newest, Kinds::Far, Kinds::Scattered, Kinds::Cached]
        .map(|kind| (kind, Times([latency_histogram(), latency_histogram()])));
    let readers =
        [reader(&tables[0], Arc::new(NoHistoryCache))?, reader(&tables[1], Arc::new(NoHistoryCache))?];
    let cached = [
        reader(&tables[0], Arc::new(LocalHistory::new(64 << 20)))?,
        reader(&tables[1], Arc::new(LocalHistory::new(64 << 20)))?,
    ];
    for turn in 0..=TURNS {
        for (kind, times) in &mut times {
            let from = if *kind == Kinds::Cached { &cached } else { &readers };
            for (n, reader) in from.iter().enumerate() {
                for _ in 0..options.pages.div_ceil(TURNS) {
                    let request = kind.page(&tables[n], options.few, &mut random);
                    let began = Instant::now();
                    reader.read(request)?;
                    // The first turn warms everything up.
                    if turn > 0 {
                        times.0[n].saturating_record(began.elapsed().as_nanos() as u64);
                    }
                }
            }
        }
    }
    for (kind, Times([few, many])) in &times {
        let (few, many) = (quantile_us(few, 0.5), quantile_us(many, 0.5));
        report.measure(&format!("{name}_{}_few_p50_us", kind.name()), few);
        report.measure(&format!("{name}_{}_many_p50_us", kind.name()), many);
        let ratio = many / few.max(f64::MIN_POSITIVE);
        match kind {
            Kinds::Newest => report.target(targets[0], ratio, RATIO_MAX),
            Kinds::Far => report.target(targets[1], ratio, RATIO_MAX),
            Kinds::Scattered | Kinds::Cached => {}
        }
    }
    Ok(())
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    /// The newest page of the conversation.
    Newest,
    /// A page anywhere in the conversation.
    Far,
    /// A page anywhere in the table: what the machine's memory does not hold comes from the disk.
    Scattered,
    /// The newest page, from the cache.
    Cached,
}

impl Kinds {
    fn name(self) -> &'static str {
        match self {
            Kinds::Newest => "newest",
            Kinds::Far => "far",
            Kinds::Scattered => "scattered",
            Kinds::Cached => "cached",
        }
    }

    fn page(self, table: &Table, messages: u64, random: &mut StdRng) -> History {
        let (conv, messages) = match (self, table.others.len() as u64) {
            (Kinds::Scattered, others) if others > 0 => {
                let place = random.next_u64() % others;
                (table.others[place as usize], table.messages_of_others)
            }
            _ => (table.conversation, messages),
        };
        let before = match self {
            Kinds::Newest | Kinds::Cached => None,
            Kinds::Far | Kinds::Scattered => {
                let room = messages.saturating_sub(u64::from(PAGE)).max(1);
                Some(u64::from(PAGE) + 1 + random.next_u64() % room)
            }
        };
        History { conv: conv.0, before, limit: PAGE, ..History::default() }
    }
}

/// Fills a store: half of the others, the conversation that is read, the other half.
fn fill(store: Arc<dyn Store>, messages: u64, others: u64, size: usize) -> Result<Table, BenchError> {
    let reader = create(&*store, "reader")?;
    let body = "x".repeat(size);
    let mut conversations = Vec::new();
    let others_count = (others / (2 * u64::from(PAGE))).min(OTHERS_MAX);
    let friends = others_count + 1;
    for n in 0..friends {
        let friend = create(&*store, &format!("friend{n}"))?;
        store.request_friend(friend, reader, "", Timestamp(1), NO_LIMIT).map_err(store_failed)?;
        store.accept_friend(reader, friend, Timestamp(1), NO_LIMIT).map_err(store_failed)?;
        let conversation = store.friendship(reader, friend).map_err(store_failed)?;
        conversations.push((friend, conversation.ok_or_else(|| odd("no conversation".to_owned()))?));
    }
    let each = others.checked_div(others_count).unwrap_or(0);
    let middle = conversations.len() / 2;
    let read = conversations[middle];
    for (friend, conversation) in &conversations {
        let count = if *conversation == read.1 { messages } else { each };
        for begin in (0..count).step_by(BATCH as usize) {
            let batch: Vec<NewMessage> = (begin..count.min(begin + BATCH))
                .map(|n| NewMessage {
                    conversation: *conversation,
                    sender: *friend,
                    client_msg_id: format!("{conversation}-{n}"),
                    time: Timestamp(1_000 + n),
                    kind: MessageKind::Text,
                    body: body.clone(),
                    reply_to: None,
                    mentions: domain::Mentions::default(),
                })
                .collect();
            let places = store.append(&batch).map_err(store_failed)?;
            if places.iter().any(Result::is_err) {
                return Err(odd("a message was refused".to_owned()));
            }
        }
    }
    let others = conversations.iter().map(|(_, id)| *id).filter(|id| *id != read.1).collect();
    Ok(Table { store, conversation: read.1, others, messages_of_others: each })
}

fn create(store: &dyn Store, name: &str) -> Result<UserId, BenchError> {
    // As the fake hasher writes it.
    let hash = FakeHasher::new();
    let password_hash =
        domain::PasswordHasher::hash(&hash, PASSWORD).map_err(|error| odd(error.to_string()))?;
    let user = NewUser {
        name,
        name_key: name,
        password_hash: &password_hash,
        recovery_codes: &[],
        at: Timestamp(1),
    };
    store.create_user(&user).map_err(store_failed)?.ok_or_else(|| odd("a name was taken".to_owned()))
}

const PASSWORD: &str = "correct horse";

/// Somebody who asks a service of this process: what is measured is the service and the store, and no socket.
struct Reader {
    service: Service,
    principal: Principal,
}

fn reader(table: &Table, history: Arc<dyn HistoryCache>) -> Result<Reader, BenchError> {
    let ports = Ports {
        store: table.store.clone(),
        history,
        presence: Arc::new(FakePresence::new()),
        hub: Arc::new(NullHub),
        clock: Arc::new(FakeClock::new(Timestamp(1))),
        entropy: Arc::new(entropy()),
        hasher: Arc::new(FakeHasher::new()),
    };
    let service = Service::new(ports, ServiceConfig { rates: Rates::OFF, ..ServiceConfig::default() });
    let password = Secret::new(PASSWORD);
    let login = Request::Login(Login { name: Some("reader".into()), password, ..Login::default() });
    let caller =
        Caller { conn: ConnKey(1), device: "", address: IpAddr::V4(Ipv4Addr::LOCALHOST), principal: None };
    let refused = |refusal| BenchError::Refused { request: "LOGIN", refusal };
    match service.handle(caller, 1, login).map_err(refused)? {
        Handled::SignedIn(principal, _) => Ok(Reader { service, principal }),
        other => Err(odd(format!("{other:?}"))),
    }
}

/// Tokens of several services in one store must differ.
fn entropy() -> FakeEntropy {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SEED: AtomicU64 = AtomicU64::new(1);
    FakeEntropy::new(SEED.fetch_add(1, Ordering::Relaxed))
}

impl Reader {
    fn read(&self, history: History) -> Result<(), BenchError> {
        let principal = Some(&self.principal);
        let caller =
            Caller { conn: ConnKey(1), device: "", address: IpAddr::V4(Ipv4Addr::LOCALHOST), principal };
        let refused = |refusal| BenchError::Refused { request: "HISTORY", refusal };
        match self.service.handle(caller, 1, Request::History(history)).map_err(refused)? {
            Handled::Reply(Reply::History(page)) if page.messages.len() == PAGE as usize => {
                black_box(page);
                Ok(())
            }
            other => Err(odd(format!("{other:?}"))),
        }
    }
}

fn store_failed(error: StoreError) -> BenchError {
    odd(error.to_string())
}

fn odd(got: String) -> BenchError {
    BenchError::Unexpected { request: "HISTORY", got }
}
