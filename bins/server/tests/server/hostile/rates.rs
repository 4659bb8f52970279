//! Every request has a limit on its rate, at which it is refused and counted.

use std::fmt::Write;
use std::io::{ErrorKind::TimedOut, ErrorKind::WouldBlock, Read};
use std::net::TcpStream;
use std::time::Duration;

use protocol::{
    Code, EditGroup, EditProfile, GroupRef, Login, MemberRef, MuteGroup, MuteMember, Nothing, Push, Rank,
    Request, Resume, SearchUsers, Secret, SetRole,
};
use service::{Access, Pace, pace, route};

use testkit::eventually;

use super::samples::every_request;
use crate::support::{DEADLINE, Options, Peer, Server, Store, ask, chat, friends, hello, user};

/// Tokens of the buckets under test. What comes back, one a minute, is taken again before each request.
const BURST: u32 = 3;

fn limited(pace: Pace) -> Server {
    let name = pace.name().replace('_', "-");
    let options = Options::on(Store::Sqlite)
        .with("admin", "127.0.0.1:0")
        .with(&format!("{name}-burst"), BURST)
        .with(&format!("{name}-per-minute"), 1);
    Server::start(options)
}

fn counted(server: &Server, pace: Pace) -> u64 {
    let page = ask(server.admin_address(), "/metrics").1;
    let sample = format!("chat_limits_refused_total{{kind=\"{}\"}} ", pace.name());
    let value = page.lines().find_map(|line| line.strip_prefix(&sample)).expect("the sample");
    value.parse().expect("a number")
}

/// Asks this until its bucket is empty, which is no later than after all tokens that there may be. RECOVER tells guessers to
/// wait before that, and counts them elsewhere.
fn drain(server: &Server, peer: &mut Peer, pace: Pace, request: &Request) {
    let before = counted(server, pace);
    let asked = (0..=BURST * 2).find(|_| {
        let refusal = peer.ask(request).err();
        refusal.is_some_and(|refusal| refusal.code == Code::TOO_MANY) && counted(server, pace) > before
    });
    assert!(asked.is_some_and(|asked| asked <= BURST + 1), "{asked:?} for {request:?}");
}

/// Refused with the time to wait, and counted once, as everything else is not.
fn assert_limited(server: &Server, peer: &mut Peer, pace: Pace, first: &Request, request: &Request) {
    drain(server, peer, pace, first);
    let before = counted(server, pace);
    let refusal = peer.ask(request).expect_err("one too many");
    assert_eq!(refusal.code, Code::TOO_MANY, "{request:?}");
    let wait = refusal.body.retry_after_ms.expect("when to come again");
    assert!((1..=60_000).contains(&wait), "{wait} ms for {request:?}");
    assert_eq!(counted(server, pace), before + 1, "{request:?}");
}

/// Floods with each request of this limit, which all share a bucket.
fn flood(server: &Server, peer: &mut Peer, pace: Pace, first: &Request, requests: &[Request]) {
    assert!(!requests.is_empty());
    for request in requests {
        assert_limited(server, peer, pace, first, request);
    }
}

fn samples(wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
    every_request().into_iter().filter(wanted).collect()
}

#[test]
fn everything_that_users_ask_shares_a_bucket() {
    let server = limited(Pace::Requests);
    let mut alice = user(&server, "alice");
    let all = samples(|request| route(request).access == Access::User);
    flood(&server, &mut alice, Pace::Requests, &Request::Sessions(Nothing {}), &all);
    alice.ping().expect("the connection stays");
    user(&server, "bob").friends(0, 0).expect("everybody has their own");
}

#[test]
fn everything_that_guests_ask_shares_a_bucket() {
    let server = limited(Pace::GuestRequests);
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    let all = samples(|request| route(request).access == Access::Guest);
    let stale = Request::Resume(Resume { token: Secret::new("0".repeat(64)), ..Resume::default() });
    flood(&server, &mut guest, Pace::GuestRequests, &stale, &all);
    guest.ping().expect("the connection stays");
}

#[test]
fn what_is_answered_on_the_spot_shares_a_bucket() {
    let server = limited(Pace::Pings);
    let mut alice = user(&server, "alice");
    let ping = Request::Ping(Nothing {});
    let all = samples(|request| pace(request) == Pace::Pings);
    flood(&server, &mut alice, Pace::Pings, &ping, &all);
    let before = counted(&server, Pace::Pings);
    alice.send_body(999, b"{}");
    alice.friends(0, 0).expect("the connection stays, and asks what it likes");
    assert_eq!(counted(&server, Pace::Pings), before + 1, "an unknown type is answered there, too");
    user(&server, "bob").ping().expect("every connection has its own");
}

/// The limits of what costs more than others, or reaches others, each for all of its requests.
#[test]
fn what_costs_more_has_a_bucket_of_its_own() {
    let of = |wanted: Pace| samples(|request| pace(request) == wanted);
    let (nobody, word) = (999_999, SearchUsers { query: "sample".into(), after: 0, limit: 0 });
    let add = of(Pace::FriendRequests).remove(0);
    let join = Request::JoinGroup(protocol::JoinGroup::of(nobody));
    for (pace, first) in [
        (Pace::FriendRequests, add),
        (Pace::Searches, Request::SearchUsers(word)),
        (Pace::Joins, join),
        (Pace::Sends, chat(nobody, "text", "sample")),
    ] {
        let server = limited(pace);
        let mut alice = user(&server, "alice");
        flood(&server, &mut alice, pace, &first, &of(pace));
        alice.friends(0, 0).expect("what is not of this kind is done");
    }
    for pace in [Pace::Registrations, Pace::Recoveries, Pace::Logins] {
        let server = limited(pace);
        let mut guest = Peer::connect(server.address());
        guest.hello(hello("")).expect("HELLO");
        let all = of(pace);
        flood(&server, &mut guest, pace, &all[0], &all);
    }
}

/// Guesses have a bucket of their own beside that of all logins.
#[test]
fn wrong_passwords_are_counted_apart() {
    let server = limited(Pace::FailedLogins);
    user(&server, "alice");
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    let guess =
        Login { name: Some("alice".into()), password: Secret::new("not the password"), ..Login::default() };
    drain(&server, &mut guest, Pace::FailedLogins, &Request::Login(guess));
}

/// What is kept for ever costs its size: short texts nothing but a message's token, long ones their KiB.
#[test]
fn long_texts_cost_their_size() {
    let server = limited(Pace::TextKib);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let long = "x".repeat(2 * 1_024 + 5);
    alice.ask(&chat(bob.id, &long, "1")).expect("two of three");
    let refusal = alice.ask(&chat(bob.id, &long, "2")).expect_err("two of one");
    assert_eq!(refusal.code, Code::TOO_MANY);
    assert!(refusal.body.retry_after_ms.is_some_and(|wait| (1..=60_000).contains(&wait)));
    assert_eq!(counted(&server, Pace::TextKib), 1);
    for n in 0..20 {
        alice.ask(&chat(bob.id, "short", &format!("short {n}"))).expect("short ones cost none");
    }
}

/// The password once more is as much work as a login.
#[test]
fn passwords_once_more_have_a_bucket_of_their_own() {
    let server = limited(Pace::PasswordProofs);
    let mut alice = user(&server, "alice");
    let all: Vec<_> = samples(|request| pace(request) == Pace::PasswordProofs);
    assert_eq!(all.len(), 3);
    flood(&server, &mut alice, Pace::PasswordProofs, &all[0], &all);
    alice.friends(0, 0).expect("what is not of this kind is done");
}

/// One address may not take all places of a node.
#[test]
fn an_address_has_so_many_connections() {
    let options =
        Options::on(Store::Sqlite).with("admin", "127.0.0.1:0").with("connections-per-address-max", 3);
    let server = Server::start(options);
    let mut places: Vec<Peer> = (0..3).map(|_| Peer::connect(server.address())).collect();
    places.iter_mut().for_each(|peer| drop(peer.hello(hello("")).expect("HELLO")));
    let mut fourth = Peer::connect(server.address());
    let bye = fourth.take("BYE", |push| match push {
        Push::Bye(bye) => Some(bye.clone()),
        _ => None,
    });
    assert_eq!(Code(bye.errcode), Code::BUSY);
    assert!(bye.retry_after_ms > 0);
    let page = ask(server.admin_address(), "/metrics").1;
    assert!(page.contains("chat_gateway_crowded_out_total 1\n"), "{page}");
    drop(places);
    // Who is turned away hears so at once; everybody else is waited for.
    eventually(DEADLINE, "their places are free", || {
        let mut stream = TcpStream::connect(server.address()).ok()?;
        stream.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
        let heard = stream.read(&mut [0]);
        heard.is_err_and(|error| matches!(error.kind(), WouldBlock | TimedOut)).then_some(())
    });
}

/// Whom the table lets change nothing spends nothing, so these are about what the asker may.
#[test]
fn changes_that_many_are_told_of_have_a_bucket_of_their_own() {
    let server = limited(Pace::Changes);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let groupid = alice.create_group("ours", "").expect("opened").group.id;
    bob.join_group(groupid).expect("joined");
    let id = bob.id;
    let all = [
        every_request().into_iter().find(|request| matches!(request, Request::CreateGroup(_))).expect("one"),
        Request::RemoveMember(MemberRef { groupid, id }),
        Request::SetRole(SetRole { groupid, id, role: Rank::Admin }),
        Request::HandOver(MemberRef { groupid, id }),
        Request::DissolveGroup(GroupRef { groupid }),
        Request::EditGroup(EditGroup { groupid, groupdesc: Some("x".into()), ..EditGroup::default() }),
        Request::MuteMember(MuteMember { groupid, id, until: 1 }),
        Request::MuteGroup(MuteGroup { groupid, until: 1 }),
        Request::EditProfile(EditProfile::default()),
    ];
    let ids = |requests: &[Request]| -> Vec<_> {
        let mut ids: Vec<_> = requests.iter().map(|request| request.msgid().name()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&all), ids(&samples(|request| pace(request) == Pace::Changes)), "all of this kind");
    let rename = Request::EditProfile(EditProfile { nickname: Some("al".into()), ..EditProfile::default() });
    flood(&server, &mut alice, Pace::Changes, &rename, &all);
    let members = alice.group_members(groupid, 0, 0).expect("a page").users;
    assert_eq!(members.len(), 2, "nothing was done");
}

/// The table of the operators' page, which says of each request whose bucket it takes from.
#[test]
fn the_operators_page_names_the_limit_of_every_request() {
    let page = include_str!("../../../../../docs/operations.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Pace\n")).expect("a section");
    let shown: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let rows = Pace::ALL.map(|limit| {
        let mut row = format!("| `{}` |", limit.name());
        let beside = match limit {
            Pace::Requests => Some("everything after login but PING"),
            Pace::FailedLogins => Some("LOGIN, where the password is wrong"),
            Pace::TextKib => Some("EDIT_MESSAGE, GROUP_CHAT, ONE_CHAT, for each whole KiB"),
            _ => None,
        };
        if let Some(beside) = beside {
            return format!("{row} {beside} |");
        }
        let is_of = |request: &Request| {
            let is_guests = limit == Pace::GuestRequests && route(request).access == Access::Guest;
            pace(request) == limit || is_guests
        };
        let mut names: Vec<_> = samples(is_of).iter().map(|request| request.msgid().name()).collect();
        names.sort_unstable();
        names.dedup();
        for (at, name) in names.iter().enumerate() {
            let _ = write!(row, "{} {name}", if at == 0 { "" } else { "," });
        }
        row + " |"
    });
    assert!(shown == rows, "the table must be:\n{}", rows.join("\n"));
}
