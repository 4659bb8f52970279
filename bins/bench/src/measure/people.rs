//! Accounts, friends and groups: what is read all the time, a heavy user's sign-in, and joining a large group.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use domain::{
    NoHistoryCache, Timestamp,
    testing::{FakeClock, FakeEntropy, FakeHasher, FakePresence, FakeStore},
};
use hdrhistogram::Histogram;
use protocol::{
    AddFriend, CreateGroup, FriendRef, GroupChat, GroupRef, Login, Nothing, OneChat, ProfileOf, Reg, Reply,
    Request, Resume, Secret, SignedIn,
};
use service::{Caller, ConnKey, Handled, Ports, Principal, Rates, Service, ServiceConfig, testing::NullHub};

use super::timed::Stopwatch;
use crate::{
    error::BenchError,
    load::{Session, Verdict, unexpected},
    proc_stat::CpuSample,
    recruit::{Account, Recruiter, in_parallel},
    report::{Report, latency_histogram, quantile_us},
    server_process::{HashCost, Server, Target},
};

/// What a read from the cache may cost.
const READ_CPU_US_MAX: f64 = 3.0;

/// What a heavy user's sign-in may take.
const SIGN_IN_MS_MAX: f64 = 15.0;

/// How much more than the tenth the last member may cost.
const JOIN_RATIO_MAX: f64 = 1.5;

/// Members of the group that a large one is compared with.
const FEW_MEMBERS: usize = 9;

/// Turns between the two groups: what else happens on the machine meets both.
const TURNS: u32 = 5;

/// What to measure, and how large.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Reads of each kind.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) reads: u64,
    /// Friends of the heavy user; each of them has said something that is not acknowledged.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) friends: u32,
    /// Groups of the heavy user.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) groups: u32,
    /// Sign-ins of each kind.
    #[arg(long, default_value_t = 200)]
    pub(crate) sign_ins: u32,
    /// Members of the large group, with the one who joins.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    pub(crate) members: u32,
    /// Times that somebody joins each group.
    #[arg(long, default_value_t = 500)]
    pub(crate) joins: u32,
}

/// Measures all three.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let mut report = Report::new("people");
    read(options, &mut report)?;
    let server = target.start(HashCost::Cheap)?;
    sign_in(options, &server, &mut report)?;
    join(options, &server, &mut report)?;
    server.stop()?;
    report.verdict(Verdict::default());
    Ok(report)
}

/// Reads that the caches answer, through the service of this process: no socket and no store takes part.
fn read(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let ports = Ports {
        store: Arc::new(FakeStore::new()),
        history: Arc::new(NoHistoryCache),
        presence: Arc::new(FakePresence::new()),
        hub: Arc::new(NullHub),
        clock: Arc::new(FakeClock::new(Timestamp(1))),
        entropy: Arc::new(FakeEntropy::new(1)),
        hasher: Arc::new(FakeHasher::new()),
    };
    let service = Service::new(ports, ServiceConfig { rates: Rates::OFF, ..ServiceConfig::default() });
    let (alice, bob) = (InProcess::new(&service, "alice")?, InProcess::new(&service, "bob")?);
    alice.ask(Request::AddFriend(AddFriend { friendid: bob.id(), greeting: String::new() }))?;
    bob.ask(Request::AcceptFriend(FriendRef { friendid: alice.id() }))?;
    let create = CreateGroup { groupname: "readers".into(), groupdesc: String::new() };
    let groupid = match alice.ask(Request::CreateGroup(create))? {
        Handled::Reply(Reply::CreateGroup(joined)) => joined.group.id,
        other => return Err(odd("CREATE_GROUP", &other)),
    };
    bob.ask(Request::JoinGroup(protocol::JoinGroup::of(groupid)))?;

    let msg = "x".repeat(100);
    let profile = || Request::Profile(ProfileOf { id: Some(bob.id()) });
    let to_friend = || {
        Request::OneChat(OneChat {
            to: bob.id(),
            msg: msg.clone(),
            client_msg_id: "a message".into(),
            ..OneChat::default()
        })
    };
    let in_group = || {
        Request::GroupChat(GroupChat {
            groupid,
            msg: msg.clone(),
            client_msg_id: "a message".into(),
            ..GroupChat::default()
        })
    };
    let mut each = |key, request: &dyn Fn() -> Request| -> Result<(), BenchError> {
        black_box(alice.ask(request())?);
        let before = CpuSample::of(std::process::id())?;
        for _ in 0..options.reads {
            black_box(alice.ask(request())?);
        }
        let used = CpuSample::of(std::process::id())?.since(&before);
        report.target(key, used.total_ns as f64 / 1000.0 / options.reads.max(1) as f64, READ_CPU_US_MAX);
        Ok(())
    };
    each("profile_cpu_us", &profile)?;
    each("may_say_to_friend_cpu_us", &to_friend)?;
    each("may_say_in_group_cpu_us", &in_group)
}

/// A user of the service in this process.
struct InProcess<'s> {
    service: &'s Service,
    principal: Principal,
}

impl InProcess<'_> {
    fn new<'s>(service: &'s Service, name: &str) -> Result<InProcess<'s>, BenchError> {
        let password = Secret::new("correct horse");
        let reg = Request::Reg(Reg { name: name.into(), password: password.clone() });
        handle(service, None, reg)?;
        let login = Login { name: Some(name.into()), password, ..Login::default() };
        match handle(service, None, Request::Login(login))? {
            Handled::SignedIn(principal, _) => Ok(InProcess { service, principal }),
            other => Err(odd("LOGIN", &other)),
        }
    }

    fn id(&self) -> u64 {
        self.principal.user.0
    }

    fn ask(&self, request: Request) -> Result<Handled, BenchError> {
        handle(self.service, Some(&self.principal), request)
    }
}

fn handle(service: &Service, principal: Option<&Principal>, request: Request) -> Result<Handled, BenchError> {
    let name = request.msgid().name();
    let conn = ConnKey(principal.map_or(0, |principal| principal.user.0));
    let caller = Caller { conn, device: "", address: IpAddr::V4(Ipv4Addr::LOCALHOST), principal };
    service.handle(caller, 1, request).map_err(|refusal| BenchError::Refused { request: name, refusal })
}

fn odd(request: &'static str, handled: &Handled) -> BenchError {
    BenchError::Unexpected { request, got: format!("{handled:?}") }
}

/// RESUME of somebody who has a lot, and of the same one who holds the lists.
fn sign_in(options: &Options, server: &Server, report: &mut Report) -> Result<(), BenchError> {
    let recruiter = Recruiter::new(server.addr());
    let heavy = heavy_user(options, &recruiter)?;
    let again = |held: Option<&SignedIn>| {
        let version = |version: fn(&SignedIn) -> &String| held.map(|held| version(held).clone());
        Request::Resume(Resume {
            token: Secret::new(heavy.token.as_str()),
            friends_version: version(|held| &held.friends_version),
            groups_version: version(|held| &held.groups_version),
            ..Resume::default()
        })
    };
    let (held, _) = come(server, &again(None))?;
    report.set("friends", options.friends);
    report.set("groups", options.groups);
    for (kind, request) in [("sign_in", again(None)), ("unchanged_sign_in", again(Some(&held)))] {
        come(server, &request)?;
        let mut latency = latency_histogram();
        let watch = Stopwatch::start(server)?;
        for _ in 0..options.sign_ins {
            let (bundle, ns) = come(server, &request)?;
            if bundle.friends_unchanged != (kind != "sign_in") {
                return Err(BenchError::Unexpected {
                    request: "RESUME",
                    got: "the other kind of list".into(),
                });
            }
            latency.saturating_record(ns);
        }
        let spent = watch.stop()?;
        if let Some(used) = &spent.server {
            let us = used.total_ns as f64 / 1000.0 / f64::from(options.sign_ins.max(1));
            report.measure(&format!("{kind}_server_cpu_us"), us);
        }
        report.measure(&format!("{kind}_p99_ms"), quantile_us(&latency, 0.99) / 1000.0);
        report.measure(&format!("{kind}_others_cores"), spent.others_cores);
        let p50_ms = quantile_us(&latency, 0.5) / 1000.0;
        match kind {
            "sign_in" => report.target("sign_in_p50_ms", p50_ms, SIGN_IN_MS_MAX),
            _ => report.target("unchanged_sign_in_p50_ms", p50_ms, SIGN_IN_MS_MAX),
        }
    }
    Ok(())
}

/// Signs in by a new connection; how many nanoseconds the answer took after HELLO.
fn come(server: &Server, request: &Request) -> Result<(SignedIn, u64), BenchError> {
    let mut session = Session::connect(server.addr())?;
    let began = Instant::now();
    match session.ask("RESUME", request)? {
        Reply::Resume(bundle) => Ok((bundle, began.elapsed().as_nanos() as u64)),
        other => Err(unexpected("RESUME", &other)),
    }
}

fn heavy_user(options: &Options, recruiter: &Recruiter) -> Result<Account, BenchError> {
    let (session, heavy) = recruiter.user()?;
    let session = Mutex::new(session);
    in_parallel(options.friends as usize, || {
        let (mut friend, account) = recruiter.user()?;
        friend.ask(
            "ADD_FRIEND",
            &Request::AddFriend(AddFriend { friendid: heavy.id, greeting: String::new() }),
        )?;
        let accept = Request::AcceptFriend(FriendRef { friendid: account.id });
        session.lock().unwrap_or_else(PoisonError::into_inner).ask("ACCEPT_FRIEND", &accept)?;
        let (msg, client_msg_id) = ("hello".into(), format!("{}-{}", recruiter.tag(), account.id));
        friend.ask(
            "ONE_CHAT",
            &Request::OneChat(OneChat { to: heavy.id, msg, client_msg_id, ..OneChat::default() }),
        )?;
        Ok(())
    })?;
    let mut session = session.into_inner().unwrap_or_else(PoisonError::into_inner);
    for n in 0..options.groups {
        let create = CreateGroup { groupname: format!("group {n}"), groupdesc: "what it is about".into() };
        session.ask("CREATE_GROUP", &Request::CreateGroup(create))?;
    }
    Ok(heavy)
}

/// One user joins a small and a large group, again and again; nobody else is connected.
fn join(options: &Options, server: &Server, report: &mut Report) -> Result<(), BenchError> {
    let recruiter = Recruiter::new(server.addr());
    let few = recruiter.group(FEW_MEMBERS)?.id;
    let many = recruiter.group(options.members as usize - 1)?.id;
    let (mut session, _) = recruiter.user()?;
    let mut measured = [(few, latency_histogram(), 0), (many, latency_histogram(), 0)];
    for turn in 0..=TURNS {
        for (group, latency, cpu_ns) in &mut measured {
            let watch = Stopwatch::start(server)?;
            let mut turns_own = latency_histogram();
            for _ in 0..options.joins.div_ceil(TURNS) {
                join_and_leave(&mut session, *group, &mut turns_own)?;
            }
            let spent = watch.stop()?;
            if turn > 0 {
                // The first turn warms everything up.
                *cpu_ns += spent.server.map_or(0, |used| used.total_ns);
                latency.add(&turns_own).map_err(|error| BenchError::Unexpected {
                    request: "a histogram",
                    got: error.to_string(),
                })?;
            }
        }
    }
    report.set("members", options.members);
    let [few, many] = measured.map(|(_, latency, cpu_ns)| {
        let joins = latency.len().max(1);
        (quantile_us(&latency, 0.5), cpu_ns as f64 / 1000.0 / joins as f64)
    });
    report.measure("tenth_join_p50_us", few.0);
    report.measure("last_join_p50_us", many.0);
    report.measure("tenth_join_and_leave_server_cpu_us", few.1);
    report.measure("last_join_and_leave_server_cpu_us", many.1);
    if few.1 > 0.0 {
        report.measure("join_and_leave_cpu_ratio", many.1 / few.1);
    }
    report.target("join_ratio", many.0 / few.0.max(f64::MIN_POSITIVE), JOIN_RATIO_MAX);
    session.ask("LOGINOUT", &Request::LogOut(Nothing {})).map(drop)
}

fn join_and_leave(
    session: &mut Session,
    groupid: u64,
    latency: &mut Histogram<u64>,
) -> Result<(), BenchError> {
    let began = Instant::now();
    session.ask("ADD_GROUP", &Request::JoinGroup(protocol::JoinGroup::of(groupid)))?;
    latency.saturating_record(began.elapsed().as_nanos() as u64);
    session.ask("LEAVE_GROUP", &Request::LeaveGroup(GroupRef { groupid })).map(drop)
}
