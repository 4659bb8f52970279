//! Searching a user's messages among those of everybody: how long a page takes, and when what was said is found.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use protocol::{FoundMessages, OneChat, Reply, Request, SearchMessages};

use super::timed::Stopwatch;
use crate::{
    error::BenchError,
    load::{Session, Verdict, unexpected},
    recruit::{Account, Pair, Recruiter, in_parallel},
    report::{Report, latency_histogram, quantile_us},
    server_process::{HashCost, Server, Target},
    world::PrivateMariaDb,
};

/// What the first page of a common word of two characters may take, of a hundred the slowest.
const P99_MS_MAX: f64 = 50.0;

/// Messages of one round trip of the set-up.
const SAID_AT_ONCE: usize = 32;

/// Searches before the measured ones.
const WARM_UPS: u32 = 20;

/// How long the index may take to have everything that the set-up said.
const INDEXED_TIMEOUT: Duration = Duration::from_secs(3_600);

/// What everybody says last.
const LAST_WORD: &str = "完毕";

/// What people say, of words that are as common as each other: each stands in about one of eleven messages.
const WORDS: [&str; 60] = [
    "我们", "你们", "他们", "今天", "明天", "昨天", "早上", "晚上", "中午", "下午", "时间", "地方", "公司",
    "学校", "老师", "学生", "朋友", "孩子", "电话", "手机", "电脑", "问题", "工作", "会议", "项目", "计划",
    "报告", "客户", "产品", "市场", "价格", "质量", "北京", "上海", "广州", "深圳", "吃饭", "喝茶", "咖啡",
    "火锅", "米饭", "水果", "天气", "下雨", "太阳", "飞机", "火车", "地铁", "公交", "开车", "回家", "出门",
    "睡觉", "起床", "运动", "音乐", "电影", "新闻", "消息", "照片",
];

/// What stands between them.
const BETWEEN: [&str; 12] = ["的", "了", "在", "和", "，", "都", "很", "不", "要", "也", "就", " ok "];

/// What to search, and how large.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages in all.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) messages: u64,
    /// Conversations in all, with as many messages each.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=5_000))]
    pub(crate) conversations: u32,
    /// Conversations of the user who searches.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(crate) own: u32,
    /// Searches of each kind.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) searches: u32,
    /// Entries of a page.
    #[arg(long, default_value_t = 20)]
    pub(crate) page: u32,
    /// On a MariaDB that is started for it, instead of the embedded store.
    #[arg(long)]
    pub(crate) mariadb: bool,
}

/// Says everything, waits until it is indexed, and searches.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let mut report = Report::new("search");
    let mariadb = options.mariadb.then(PrivateMariaDb::start).transpose()?;
    let target = match &mariadb {
        Some(mariadb) => target.with_args(&["--store", &mariadb.url()]),
        None => target.clone(),
    };
    let server = target.start(HashCost::Cheap)?;
    let own = options.own.min(options.conversations - 1);
    report.set("store", if options.mariadb { "mariadb" } else { "as started" });
    report.set("messages", options.messages);
    report.set("conversations", options.conversations);
    report.set("own_conversations", own);
    let recruiter = Recruiter::new(server.addr());
    let (searcher, friends) = recruiter.popular(own as usize)?;
    let others = recruiter.pairs((options.conversations - own) as usize)?;
    let speakers: Vec<(&Account, u64)> = friends
        .iter()
        .map(|friend| (friend, searcher.id))
        .chain(others.iter().map(|Pair { a, b, .. }| (a, b.id)))
        .collect();
    said(options, &server, &recruiter, &speakers, &mut report)?;
    let pids: Vec<u32> = server.pid().into_iter().chain(mariadb.as_ref().map(PrivateMariaDb::pid)).collect();
    search(options, &server, &pids, &searcher, &mut report)?;
    found_within(&server, &searcher, &friends[0], &recruiter, &mut report)?;
    server.stop()?;
    report.verdict(Verdict::default());
    Ok(report)
}

/// Has everything said, and waits until everybody finds the last word.
fn said(
    options: &Options,
    server: &Server,
    recruiter: &Recruiter,
    speakers: &[(&Account, u64)],
    report: &mut Report,
) -> Result<(), BenchError> {
    let each = options.messages.div_ceil(speakers.len() as u64);
    let next = AtomicU64::new(0);
    let began = Instant::now();
    let watch = Stopwatch::start(server)?;
    in_parallel(speakers.len(), || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (account, to) = speakers[number as usize];
        let mut session = Session::connect(server.addr())?;
        session.resume(&account.token)?;
        let mut random = Random(number);
        let mut left = each;
        while left > 0 {
            let some = left.min(SAID_AT_ONCE as u64);
            let requests: Vec<Request> = (0..some)
                .map(|n| {
                    let last = left - n == 1;
                    let msg = if last { LAST_WORD.to_owned() } else { random.text() };
                    let client_msg_id = format!("{}-{number}-{}", recruiter.tag(), left - n);
                    Request::OneChat(OneChat { to, msg, client_msg_id, ..OneChat::default() })
                })
                .collect();
            session.ask_all("ONE_CHAT", &requests)?;
            left -= some;
        }
        Ok(())
    })?;
    report.measure("said_s", began.elapsed().as_secs_f64());
    let next = AtomicU64::new(0);
    let deadline = Instant::now() + INDEXED_TIMEOUT;
    in_parallel(speakers.len(), || {
        let (account, _) = speakers[next.fetch_add(1, Ordering::Relaxed) as usize];
        let mut session = Session::connect(server.addr())?;
        session.resume(&account.token)?;
        while page(&mut session, LAST_WORD, None, 1)?.messages.is_empty() {
            if Instant::now() > deadline {
                return Err(BenchError::Unexpected { request: "SEARCH_MESSAGES", got: "nothing".into() });
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    })?;
    report.measure("said_and_indexed_s", began.elapsed().as_secs_f64());
    if let Some(used) = watch.stop()?.server {
        report.cpu("server_cpu_us_per_message", &used, options.messages);
    }
    Ok(())
}

/// A kind of search by its name, and what is searched for.
type Kind<'a> = (&'a str, &'a dyn Fn(&mut Random) -> String);

/// Searches of each kind.
fn search(
    options: &Options,
    server: &Server,
    pids: &[u32],
    searcher: &Account,
    report: &mut Report,
) -> Result<(), BenchError> {
    let mut session = Session::connect(server.addr())?;
    session.resume(&searcher.token)?;
    let word = |random: &mut Random| random.one_of(&WORDS).to_owned();
    let kinds: [Kind<'_>; 5] = [
        ("word", &word),
        ("character", &|random| word(random).chars().take(1).collect()),
        ("phrase", &|random| format!("{}{}{}", word(random), random.one_of(&BETWEEN[..4]), word(random))),
        ("two_words", &|random| format!("{} {}", word(random), word(random))),
        ("nothing", &|random| format!("{}乌有", word(random))),
    ];
    for (kind, query) in kinds {
        let mut random = Random(4_711);
        for _ in 0..WARM_UPS {
            page(&mut session, &query(&mut random), None, options.page)?;
        }
        let (mut latency, mut cpu, mut found) = (latency_histogram(), latency_histogram(), 0);
        let watch = Stopwatch::start(server)?;
        for _ in 0..options.searches {
            let query = query(&mut random);
            let alone = Stopwatch::of(pids)?;
            let began = Instant::now();
            let page = page(&mut session, &query, None, options.page)?;
            latency.saturating_record(began.elapsed().as_nanos() as u64);
            if let Some(used) = alone.stop()?.server {
                cpu.saturating_record(used.total_ns);
            }
            found += page.messages.len();
        }
        let spent = watch.stop()?;
        let searches = f64::from(options.searches.max(1));
        if let Some(used) = &spent.server {
            report.measure(&format!("{kind}_server_cpu_us"), used.total_ns as f64 / 1000.0 / searches);
        }
        report.measure(&format!("{kind}_found"), found as f64 / searches);
        report.measure(&format!("{kind}_p50_ms"), quantile_us(&latency, 0.5) / 1000.0);
        let p99_ms = quantile_us(&latency, 0.99) / 1000.0;
        match kind {
            "word" => report.target("word_p99_ms", p99_ms, P99_MS_MAX),
            _ => report.measure(&format!("{kind}_p99_ms"), p99_ms),
        }
        report.measure(&format!("{kind}_cpu_p50_ms"), quantile_us(&cpu, 0.5) / 1000.0);
        report.measure(&format!("{kind}_cpu_p99_ms"), quantile_us(&cpu, 0.99) / 1000.0);
        report.measure(&format!("{kind}_others_cores"), spent.others_cores);
    }
    // Far back: one search, page after page.
    let (mut latency, mut before) = (latency_histogram(), None);
    for _ in 0..options.searches.min(200) {
        let began = Instant::now();
        let page = page(&mut session, WORDS[0], before, options.page)?;
        latency.saturating_record(began.elapsed().as_nanos() as u64);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    report.measure("further_page_p99_ms", quantile_us(&latency, 0.99) / 1000.0);
    Ok(())
}

/// How long it takes until what is said is found.
fn found_within(
    server: &Server,
    searcher: &Account,
    friend: &Account,
    recruiter: &Recruiter,
    report: &mut Report,
) -> Result<(), BenchError> {
    let (mut searching, mut saying) = (Session::connect(server.addr())?, Session::connect(server.addr())?);
    searching.resume(&searcher.token)?;
    saying.resume(&friend.token)?;
    let mut latency = latency_histogram();
    for n in 0..10 {
        let word = format!("now{n}");
        let client_msg_id = format!("{}-{word}", recruiter.tag());
        let say = Request::OneChat(OneChat {
            to: searcher.id,
            msg: word.clone(),
            client_msg_id,
            ..OneChat::default()
        });
        saying.ask("ONE_CHAT", &say)?;
        let began = Instant::now();
        while page(&mut searching, &word, None, 1)?.messages.is_empty() {
            if began.elapsed() > INDEXED_TIMEOUT {
                return Err(BenchError::Unexpected { request: "SEARCH_MESSAGES", got: "nothing".into() });
            }
            thread::sleep(Duration::from_millis(5));
        }
        latency.saturating_record(began.elapsed().as_nanos() as u64);
    }
    report.measure("found_after_max_ms", quantile_us(&latency, 1.0) / 1000.0);
    Ok(())
}

fn page(
    session: &mut Session,
    query: &str,
    before: Option<String>,
    limit: u32,
) -> Result<FoundMessages, BenchError> {
    let search = SearchMessages { query: query.into(), before, limit, ..SearchMessages::default() };
    match session.ask("SEARCH_MESSAGES", &Request::SearchMessages(search))? {
        Reply::SearchMessages(page) => Ok(page),
        other => Err(unexpected("SEARCH_MESSAGES", &other)),
    }
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// What somebody says: three to eight words.
    fn text(&mut self) -> String {
        let count = 3 + self.below(6);
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(self.one_of(&WORDS));
            text.push_str(self.one_of(&BETWEEN));
        }
        text
    }
}
