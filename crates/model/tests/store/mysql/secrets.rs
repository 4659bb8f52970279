//! What a failed recovery costs.

use domain::{Account, CodeHash, RECOVERY_DELAY_MAX_MS, Recovery, SecretStore, UserStore};
use testkit::Proxy;

use super::*;

#[test]
fn every_failed_recovery_takes_the_same_round_trips() {
    let server = MariaDb::shared();
    let database = server.create_database("recovery");
    let proxy = Proxy::start(server.address());
    let mut config = Config::from_url(&server.url_through(proxy.address(), &database)).unwrap();
    config.pool_size = 1;
    config.ping_after_idle = LIMIT;
    let store = MySqlStore::open(&config).unwrap();
    let right = CodeHash([1; 32]);
    let new = NewUser {
        name: "ann",
        name_key: "ann",
        password_hash: "$argon2id$",
        recovery_codes: &[right],
        at: Timestamp(1),
    };
    let ann = store.create_user(&new).unwrap().unwrap();
    let attempt = |account, code, at| {
        let before = proxy.requests();
        let recovery = Recovery { account, code, new_hash: "$new$", at };
        assert_eq!(store.recover(&recovery).unwrap(), None);
        proxy.requests() - before
    };
    let (wrong, nobody) = (CodeHash([2; 32]), UserId(ann.0 + 1_000));
    // The first round prepares the statements; by the next one the wait of the one before is over.
    let rounds = [1, 2, 3].map(|round| {
        let at = Timestamp(round * RECOVERY_DELAY_MAX_MS);
        [
            attempt(Account::Id(ann), wrong, at),
            // Too early now.
            attempt(Account::Id(ann), right, at),
            attempt(Account::NameKey("ann"), right, at),
            attempt(Account::Id(nobody), right, at),
            attempt(Account::NameKey("nobody"), right, at),
        ]
    });
    println!("round trips: {rounds:?}");
    assert_eq!(rounds[2], [rounds[2][0]; 5]);
}
