//! The newest messages in Redis: what every cache must do, and what is peculiar to one that may go away or forget everything.

use std::sync::Arc;
use std::time::Instant;

use cluster::redis::{Config, RedisHistory};
use domain::testing::history_cache::{message, recent, run_all};
use domain::{ChangePosition, ConversationId, Epoch, HistoryCache, Seq};
use testkit::{Redis, eventually};

use crate::node::LIMIT;

const FIRST: Epoch = Epoch([1; 16]);

fn config(redis: &Redis) -> Config {
    Config { url: redis.url(), prefix: "t:".to_owned(), node: "a".to_owned(), ..Config::default() }
}

/// One that waits as long as a busy machine may take: what is tested is what it keeps.
fn cache(redis: &Redis, epoch: Epoch) -> RedisHistory {
    let mut config = config(redis);
    config.limits.history_call_limit = LIMIT;
    RedisHistory::start(&config, epoch).expect("a right configuration")
}

/// The key of a conversation, of which there is one, in whatever form.
fn key(redis: &Redis, conversation: ConversationId) -> String {
    let answer = redis.ask(&["KEYS", &format!("t:history:*:{FIRST}:{conversation}")]);
    let keys: Vec<&str> = answer.lines().filter(|line| line.starts_with("t:history:")).collect();
    assert_eq!(keys.len(), 1, "{answer}");
    keys[0].to_owned()
}

#[test]
fn passes_the_conformance_suite() {
    let redis = Redis::start();
    run_all(&|| Arc::new(cache(&redis, FIRST)));
}

#[test]
fn nodes_share_what_is_kept_and_what_is_forgotten() {
    let redis = Redis::start();
    let (a, b) = (cache(&redis, FIRST), cache(&redis, FIRST));
    let id = ConversationId(1);
    let kept = recent(1, 3, 1..=9, 10);
    a.keep(id, kept.clone());
    assert_eq!(b.recent(id), Some(kept.clone()));
    // A change at b: a had read its page before, and keeps it too late.
    b.forget(id, ChangePosition(4));
    a.keep(id, kept);
    assert_eq!(a.recent(id), None);
    assert!(!redis.ask(&["HGETALL", &key(&redis, id)]).contains("3: 9"), "the text is gone");
    assert_eq!(a.snapshot().calls_failed + b.snapshot().calls_failed, 0);
}

#[test]
fn another_epoch_finds_nothing_of_before() {
    let redis = Redis::start();
    cache(&redis, FIRST).keep(ConversationId(1), recent(1, 0, 1..=3, 10));
    assert_eq!(cache(&redis, Epoch([2; 16])).recent(ConversationId(1)), None);
    assert!(cache(&redis, FIRST).recent(ConversationId(1)).is_some());
}

#[test]
fn an_emptied_redis_is_empty_and_no_more() {
    let redis = Redis::start();
    let cache = cache(&redis, FIRST);
    let id = ConversationId(1);
    cache.keep(id, recent(1, 0, 1..=3, 10));
    redis.ask(&["FLUSHALL"]);
    assert_eq!(cache.recent(id), None);
    cache.said(id, Seq(4), &|| message(1, 4, 0, 10));
    cache.keep(id, recent(1, 0, 1..=5, 10));
    assert_eq!(cache.recent(id), Some(recent(1, 0, 1..=5, 10)));
    assert_eq!(cache.snapshot().calls_failed, 0);
}

#[test]
fn what_nobody_asks_for_is_gone_in_time() {
    let redis = Redis::start();
    let cache = cache(&redis, FIRST);
    cache.keep(ConversationId(1), recent(1, 0, 1..=3, 10));
    cache.forget(ConversationId(2), ChangePosition(1));
    for conversation in [1, 2] {
        let left = redis.ask(&["PTTL", &key(&redis, ConversationId(conversation))]);
        let left: i64 = left.trim().trim_start_matches(':').parse().expect("milliseconds");
        assert!((1..=600_000).contains(&left), "{left}");
    }
}

#[test]
fn a_redis_that_is_away_or_stands_still_costs_no_time() {
    let redis = Redis::start();
    let cache = RedisHistory::start(&config(&redis), FIRST).expect("a right configuration");
    let id = ConversationId(1);
    redis.pause();
    let began = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(cache.recent(id), None);
        cache.said(id, Seq(4), &|| message(1, 4, 0, 10));
    }
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let numbers = cache.snapshot();
    assert!(numbers.calls_failed >= 1 && numbers.calls_skipped > 500, "{numbers:?}");
    redis.resume();
    eventually(LIMIT, "it is asked again", || {
        cache.keep(id, recent(1, 0, 1..=3, 10));
        cache.recent(id)
    });
    redis.kill();
    assert_eq!(cache.recent(id), None);
    redis.restart();
    eventually(LIMIT, "what is kept is kept again", || {
        cache.keep(id, recent(1, 0, 1..=7, 10));
        cache.recent(id)
    });
}
