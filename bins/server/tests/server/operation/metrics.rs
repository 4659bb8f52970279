//! `/metrics`: well formed, told of in full on the operators' page, and true.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Code, OwnedGroups};
use testkit::{MariaDb, Redis, eventually};

use super::{alone, clustered};
use crate::support::{DEADLINE, PASSWORD, Server, ask, befriend, chat, friends, user};

/// A family of metrics: kind and help.
type Families = BTreeMap<String, (String, String)>;

/// A page of metrics, taken apart as Prometheus does.
struct Page {
    families: Families,
    samples: BTreeMap<String, f64>,
}

impl Page {
    /// Reads a server's page; anything but the text format panics.
    fn of(server: &Server) -> Page {
        let (status, text) = ask(server.admin_address(), "/metrics");
        assert_eq!(status, 200, "{text}");
        assert!(text.ends_with('\n'), "the last line has an end too");
        let mut page = Page { families: Families::new(), samples: BTreeMap::new() };
        let mut lines = text.lines();
        let mut family = String::new();
        while let Some(line) = lines.next() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
                let kind = kind.unwrap_or_else(|| panic!("no type of {name}"));
                family = name.to_owned();
                let before = page.families.insert(family.clone(), (kind.to_owned(), help.to_owned()));
                assert_eq!(before, None, "{name} is there twice");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
                let name = sample.split('{').next().unwrap_or(sample);
                let (kind, _) = &page.families[&family];
                let suffixes: &[&str] =
                    if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                let is_of_family = suffixes.iter().any(|suffix| name == format!("{family}{suffix}"));
                assert!(is_of_family, "{line} stands below {family}");
                assert_eq!(kind == "counter", family.ends_with("_total"), "{family} is a {kind}");
                let value = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
                assert_eq!(page.samples.insert(sample.to_owned(), value), None, "{sample} is there twice");
            }
        }
        page
    }

    fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("no {sample} among {:?}", self.samples.keys()))
    }
}

/// The rows of the table on the operators' page.
fn documented() -> Families {
    let page = include_str!("../../../../../docs/operations.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Metrics\n")).expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, help] = cells[..] else { panic!("not three cells: {row}") };
        (name.trim_matches('`').to_owned(), (kind.to_owned(), help.to_owned()))
    })
    .collect()
}

#[test]
fn the_operators_page_tells_of_every_metric_and_of_no_other() {
    let (database, redis) = (MariaDb::shared(), Redis::start());
    let node = Server::start(clustered(database, &database.create_database("metrics"), &redis));
    let shown = Page::of(&node).families;
    let rows: Vec<_> =
        shown.iter().map(|(name, (kind, help))| format!("| `{name}` | {kind} | {help} |")).collect();
    assert!(documented() == shown, "the table must be:\n{}", rows.join("\n"));
    // A node alone shows the same, but for what it does not have.
    let alone = Page::of(&Server::start(alone())).families;
    let missing: BTreeSet<_> = shown.keys().filter(|name| !alone.contains_key(*name)).collect();
    assert!(alone.iter().all(|(name, told)| shown.get(name) == Some(told)));
    let absent = ["chat_store_pool_", "chat_bus_", "chat_presence_", "chat_history_redis_"];
    assert!(missing.iter().all(|name| absent.iter().any(|part| name.starts_with(part))), "{missing:?}");
}

#[test]
fn what_happens_is_counted() {
    let server = Server::start(alone().with("node", "counting").with("friend-requests-max", 1));
    let begin = Page::of(&server);
    assert_eq!(begin.value("chat_build_info{version=\"0.1.0\",node=\"counting\"}"), 1.0);
    assert_eq!(begin.value("chat_ready"), 1.0);
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs_f64();
    assert!((now - begin.value("process_start_time_seconds")).abs() < 60.0);
    for sample in ["process_resident_memory_bytes", "process_open_fds", "process_threads"] {
        assert!(begin.value(sample) > 1.0, "{sample}");
    }

    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let requests: Vec<_> = (0..50).map(|n| chat(bob.id, "text", &n.to_string())).collect();
    for rid in alice.send_all(&requests) {
        alice.reply(rid).expect("stored");
    }
    for _ in 0..50 {
        bob.message();
    }
    // Refusals by their code.
    let (carol, mut dave) = (user(&server, "carol"), user(&server, "dave"));
    alice.add_friend(carol.id, "").expect("asked");
    assert_eq!(alice.add_friend(dave.id, "").expect_err("one too many").code, Code::FULL);
    assert_eq!(dave.refused(&chat(alice.id, "x", "1")), Code::NOT_FRIENDS);
    dave.send_body(999, b"{}");
    dave.ping().expect("the connection stays");

    let end = Page::of(&server);
    assert_eq!(end.value("chat_gateway_messages_delivered_total"), 50.0);
    assert_eq!(end.value("chat_gateway_append_messages_sum"), 50.0);
    let groups = end.value("chat_gateway_append_groups_total");
    assert!((1.0..=50.0).contains(&groups));
    for histogram in ["chat_gateway_append_messages", "chat_gateway_append_seconds"] {
        assert_eq!(end.value(&format!("{histogram}_count")), groups);
        assert_eq!(end.value(&format!("{histogram}_bucket{{le=\"+Inf\"}}")), groups);
    }
    assert!((1e-6..60.0).contains(&end.value("chat_gateway_append_seconds_sum")), "in seconds");
    for code in ["FULL", "NOT_FRIENDS", "UNKNOWN_TYPE"] {
        let sample = format!("chat_gateway_refusals_total{{code=\"{code}\"}}");
        assert_eq!((begin.value(&sample), end.value(&sample)), (0.0, 1.0), "{code}");
    }
    assert_eq!(end.value("chat_gateway_users"), 4.0);
    assert_eq!(end.value("chat_reactor_connections"), 4.0);
    assert!(end.value("process_cpu_seconds_total") >= begin.value("process_cpu_seconds_total"));
}

/// A cache of the size that was set, whose first answer is a miss and whose second is a hit; and all work with the smallest.
#[test]
fn caches_are_as_large_as_they_were_set_and_counted() {
    let sizes = [
        "user-cache-max",
        "friendship-cache-max",
        "roster-cache-members-max",
        "reader-cache-max",
        "profile-cache-max",
    ];
    let small = Server::start(sizes.iter().fold(alone(), |server, size| server.with(size, 1)));
    let usual = Server::start(alone());
    for server in [&small, &usual] {
        let (mut alice, mut bob, conversation) = friends(server, "alice", "bob");
        let group = alice.create_group("climbers", "").expect("opened").group.id;
        bob.join_group(group).expect("joined");
        for _ in 0..3 {
            let said = alice.say(bob.id, "text");
            bob.ack(conversation, said.seq).expect("acknowledged");
            alice.say_in(group, "text");
            bob.profile(Some(alice.id)).expect("a friend's");
        }
    }
    let caches = ["users", "profiles", "friendships", "relations", "rosters", "readers", "ends"];
    let value = |page: &Page, number: &str, cache: &str| {
        page.value(&format!("chat_cache_{number}{{cache=\"{cache}\"}}"))
    };
    // What receipts were told is known once they are, a few times a second.
    let page = eventually(DEADLINE, "receipts are told", || {
        let page = Page::of(&usual);
        (value(&page, "entries", "receipts") > 0.0).then_some(page)
    });
    for cache in caches {
        for number in ["entries", "weight", "hits_total", "misses_total"] {
            assert!(value(&page, number, cache) > 0.0, "{number} of {cache}");
        }
        assert!(value(&page, "weight", cache) <= value(&page, "capacity", cache), "{cache}");
    }
    assert_eq!(value(&page, "capacity", "rosters"), 1_000_000.0);
    let page = Page::of(&small);
    for cache in caches.into_iter().chain(["receipts"]) {
        let (weight, capacity) = (value(&page, "weight", cache), value(&page, "capacity", cache));
        assert!(weight <= capacity && capacity <= 64.0, "{weight} of {capacity} in {cache}");
    }
    assert_eq!(value(&page, "entries", "rosters"), 0.0, "no roster is that light");
}

#[test]
fn deleted_accounts_are_counted_until_nothing_is_left_of_them() {
    let server = Server::start(alone());
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    alice.create_group("climbers", "").expect("opened");
    let wrong = alice.delete_account("wrong password", OwnedGroups::Dissolve).expect_err("not hers");
    assert_eq!(wrong.code, Code::BAD_CREDENTIALS);
    assert_eq!(Page::of(&server).value("chat_deletions_total"), 0.0);
    alice.delete_account(PASSWORD, OwnedGroups::Dissolve).expect("deleted");
    assert_eq!(Page::of(&server).value("chat_deletions_total"), 1.0);
    eventually(DEADLINE, "nothing is left", || {
        let page = Page::of(&server);
        let left = page.value("chat_deletions_waiting");
        (page.value("chat_deletions_finished_total") == 1.0 && left == 0.0).then_some(())
    });
    drop(bob);
}

/// A message from node to node moves the bus' numbers on both.
#[test]
fn the_bus_is_counted() {
    let (database, redis) = (MariaDb::shared(), Redis::start());
    let name = database.create_database("metrics");
    let start = |node: &str| Server::start(clustered(database, &name, &redis).with("node", node));
    let (one, other) = (start("a"), start("b"));
    let (mut alice, mut bob) = (user(&one, "alice"), user(&other, "bob"));
    befriend(&mut alice, &mut bob);
    let before = (Page::of(&one), Page::of(&other));
    alice.say(bob.id, "text");
    bob.message();
    let rose = |sample: &str, before: &Page, after: &Page| after.value(sample) > before.value(sample);
    // Counted once Redis has confirmed it, and the message may be faster.
    let after = eventually(DEADLINE, "everything is counted", || {
        let after = (Page::of(&one), Page::of(&other));
        let all = rose("chat_bus_published_total", &before.0, &after.0)
            && rose("chat_bus_received_total", &before.1, &after.1)
            && rose("chat_gateway_bus_messages_total", &before.1, &after.1)
            && after.0.value("chat_bus_nodes_living") == 1.0;
        all.then_some(after)
    });
    assert_eq!(after.0.value("chat_bus_hearing"), 1.0);
    assert_eq!(after.1.value("chat_presence_known"), 1.0);
    assert!(after.0.value("chat_store_pool_checkouts_total") > 0.0);
    assert!(after.0.value("chat_bus_lag_seconds") < 30.0);
}
