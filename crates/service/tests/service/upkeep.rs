//! What is done about once a second.

use service::testing::Harness;

#[test]
fn the_store_wipes_every_few_seconds() {
    let harness = Harness::new();
    let wipes = |ticks: u32, apart_ms: u64| {
        let before = harness.store.wipes();
        for _ in 0..ticks {
            harness.clock.advance_ms(apart_ms);
            harness.service.tick();
        }
        harness.store.wipes() - before
    };
    assert_eq!(wipes(1, 1_000), 1, "at the start: whatever a process left that died");
    assert_eq!(wipes(9, 1_000), 0);
    assert_eq!(wipes(1, 1_000), 1);
    assert_eq!(wipes(3, 10_000), 3);
}
