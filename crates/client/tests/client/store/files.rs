//! Which files are stores, and which are left alone.

use std::fs;
use std::path::{Path, PathBuf};

use client::store::{Store, StoreError};
use client::{Reading, SyncState};

use super::{in_memory, message, state, talk, whole};

#[test]
fn one_process_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let first = Store::open(&path).expect("made");
    let second = Store::open(&path).expect_err("in use");
    assert_eq!(second.to_string(), format!("another client uses {}", path.display()));
    drop(first);
    Store::open(&path).expect("free again");
}

#[test]
fn a_state_of_somebody_else_is_refused() {
    let store = in_memory();
    store.save_sync(&state(&[(7, 1)])).expect("written");
    let other = SyncState { user: 2, name: "bob".into(), ..state(&[(7, 9)]) };
    assert!(matches!(store.save_sync(&other), Err(StoreError::OfAnother { name, .. }) if name == "alice"));
    assert_eq!(store.sync_state().expect("readable"), Some(state(&[(7, 1)])));
}

/// Opens a file, which must fail, and asserts that not a byte of it is another.
fn left_alone(path: &Path) -> StoreError {
    let before = fs::read(path).expect("readable");
    let error = Store::open(path).expect_err("not a store of ours");
    assert!(fs::read(path).expect("readable") == before, "it was changed: {error}");
    error
}

/// A store with messages, closed.
fn filled(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("alice.db");
    let store = Store::open(&path).expect("made");
    store.save_sync(&state(&[])).expect("written");
    store.take(&talk(7, 1..=2_000)).expect("written");
    path
}

#[test]
fn foreign_files_are_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("diary");
    for diary in ["my diary".repeat(1_000), "x".into(), format!("SQLite format 3\0{}", "x".repeat(9_000))] {
        fs::write(&path, diary).expect("written");
        let error = left_alone(&path);
        assert!(matches!(error, StoreError::Foreign(_) | StoreError::Damaged(_)), "{error}");
    }
    fs::remove_file(&path).expect("removed");
    let other = rusqlite::Connection::open(&path).expect("another program's database");
    other.execute_batch("CREATE TABLE recipes (name TEXT)").expect("made");
    drop(other);
    assert!(matches!(left_alone(&path), StoreError::Foreign(_)));
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Foreign(_))), "a folder");
}

#[test]
fn a_newer_store_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = filled(&dir);
    let newer = rusqlite::Connection::open(&path).expect("opened");
    newer.execute_batch("PRAGMA user_version = 99; PRAGMA journal_mode = DELETE").expect("changed");
    drop(newer);
    assert!(matches!(left_alone(&path), StoreError::Newer { version: 99, .. }));
}

#[test]
fn a_damaged_store_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = filled(&dir);
    let whole = fs::read(&path).expect("readable");
    // Cut short, and with pages of nothing.
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert!(matches!(left_alone(&path), StoreError::Damaged(_)));
    let mut holed = whole.clone();
    holed[4_096..].chunks_mut(4_096).for_each(|page| page[..64].fill(0xa5));
    fs::write(&path, holed).expect("written");
    assert!(matches!(left_alone(&path), StoreError::Damaged(_)));
    fs::write(&path, whole).expect("written");
    assert_eq!(whole_of(&path), 1_000);
}

fn whole_of(path: &Path) -> usize {
    whole(&Store::open(path).expect("there"), 7).len()
}

#[test]
fn an_older_store_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let first = rusqlite::Connection::open(&path).expect("opened");
    first.pragma_update(None, "application_id", 0x6368_6174).expect("marked");
    first.execute_batch(include_str!("../../../src/store/schema/1.sql")).expect("made");
    let row = "INSERT INTO conversations (conversation_id, cursor, held_from, shown) VALUES (7, 1, 1, 0);
        INSERT INTO messages (id, conversation_id, seq, sender_id, time, message) VALUES (1, 7, 1, 2, 5,";
    let json = serde_json::to_string(&message(7, 1, "from before")).expect("JSON");
    first.execute_batch(&format!("{row} '{json}'); PRAGMA user_version = 1;")).expect("filled");
    drop(first);
    let store = Store::open(&path).expect("brought up to date");
    assert_eq!((whole(&store, 7), store.unshown().expect("readable").len()), (vec![1], 1));
    let reading = Reading { first: 1, last: 4, read: 2, their_delivered: 3, their_read: 1 };
    store.save_readings(&[(7, reading), (8, reading)].into()).expect("written");
    drop(store);
    let store = Store::open(&path).expect("there");
    assert_eq!(store.readings().expect("readable"), [(7, reading)].into(), "of what is kept");
}

#[test]
fn an_empty_file_and_one_that_was_only_begun_become_stores() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    fs::write(&path, "").expect("written");
    Store::open(&path).expect("made");
    // Killed between the mark and the tables.
    fs::remove_file(&path).expect("removed");
    let begun = rusqlite::Connection::open(&path).expect("opened");
    begun.pragma_update(None, "application_id", 0x6368_6174).expect("marked");
    drop(begun);
    Store::open(&path).expect("made").take(&talk(7, 1..=1)).expect("written");
}
