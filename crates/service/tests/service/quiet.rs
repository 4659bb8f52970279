//! Do not disturb: kept for all devices, told to the others, checked field by field.

use protocol::limits::{NUMBER_MAX, QUIET_MAX};
use protocol::{Code, GroupRef, Nothing, Push, Quiet, QuietChanged, QuietList, Refusal, Request, SetQuiet};
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

fn set(device: &Device<'_>, set: SetQuiet) -> Result<QuietChanged, Refusal> {
    Ok(body!(Reply::SetQuiet, device.ask(Request::SetQuiet(set))?))
}

fn list(device: &Device<'_>) -> QuietList {
    let list = body!(Reply::Quiet, device.ask(Request::Quiet(Nothing {})).unwrap());
    assert_eq!(device.resume().unwrap().bundle.quiet_version, list.version, "the sign-in says the same");
    list
}

fn told(device: &Device<'_>) -> Vec<QuietChanged> {
    let change = |push| if let Push::QuietChanged(change) = push { Some(change) } else { None };
    device.pushes().into_iter().filter_map(change).collect()
}

fn hours(from: u32, to: u32, zone: &str) -> SetQuiet {
    SetQuiet { from: Some(from), to: Some(to), zone: Some(zone.into()), ..SetQuiet::default() }
}

fn until(conv: u64, until: u64) -> SetQuiet {
    SetQuiet { conv, until: Some(until), ..SetQuiet::default() }
}

#[test]
fn what_is_set_is_kept_and_told_to_the_other_devices() {
    let harness = Harness::new();
    let (alice, phone, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.pushes();
    phone.pushes();
    let night = set(&alice, hours(1_320, 420, "europe/berlin")).unwrap();
    let expected = Quiet {
        conv: 0,
        until: 0,
        from: Some(1_320),
        to: Some(420),
        zone: Some("Europe/Berlin".into()),
        mentions: true,
    };
    assert_eq!(night, QuietChanged { version: 1, quiet: expected });
    let mute = SetQuiet { mentions: Some(false), ..until(conv, NUMBER_MAX) };
    let mute = set(&phone, mute).unwrap();
    assert_eq!((mute.version, mute.quiet.mentions), (2, false));
    assert_eq!(told(&phone), std::slice::from_ref(&night));
    assert_eq!(told(&alice), std::slice::from_ref(&mute), "who asked has the answer");
    let both = QuietList { version: 2, quiet: vec![night.quiet, mute.quiet] };
    assert_eq!(list(&alice), both);
    assert_eq!(list(&bob), QuietList::default());
    assert_eq!(told(&bob), []);
}

#[test]
fn what_is_set_again_changes_nothing_and_what_is_taken_away_is_gone() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let phone = harness.login("alice");
    let conv = harness.befriend(&alice, &bob);
    set(&alice, until(conv, 5)).unwrap();
    phone.pushes();
    assert_eq!(set(&alice, until(conv, 5)).unwrap().version, 1);
    assert_eq!(told(&phone), []);
    let gone = set(&alice, SetQuiet { conv, ..SetQuiet::default() }).unwrap();
    assert_eq!(gone, QuietChanged { version: 2, quiet: Quiet { conv, mentions: true, ..Quiet::default() } });
    assert_eq!(told(&phone), [gone]);
    assert_eq!(list(&alice), QuietList { version: 2, quiet: vec![] });
}

#[test]
fn only_ones_own_conversations_are_kept_quiet() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    for foreign in [conv, group, 9_999, NUMBER_MAX, u64::MAX] {
        refused(set(&carol, until(foreign, 5)), Code::NOT_FOUND);
    }
    assert_eq!(list(&carol), QuietList::default());
    set(&bob, until(group, 5)).unwrap();
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    refused(set(&bob, until(group, 6)), Code::NOT_FOUND);
    set(&bob, SetQuiet { conv: group, ..SetQuiet::default() }).unwrap();
    assert_eq!(list(&bob).quiet, []);
}

#[test]
fn every_field_is_checked_and_named() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for (request, field) in [
        (until(0, NUMBER_MAX + 1), "until"),
        (until(0, u64::MAX), "until"),
        (hours(1_440, 60, "UTC"), "from"),
        (hours(u32::MAX, 60, "UTC"), "from"),
        (hours(60, 1_440, "UTC"), "to"),
        (hours(60, 60, "UTC"), "to"),
        (SetQuiet { from: None, ..hours(1, 2, "UTC") }, "from"),
        (SetQuiet { to: None, ..hours(1, 2, "UTC") }, "to"),
        (SetQuiet { zone: None, ..hours(1, 2, "UTC") }, "zone"),
        (hours(1, 2, ""), "zone"),
        (hours(1, 2, "Middle/Earth"), "zone"),
        (hours(1, 2, "+01:00"), "zone"),
        (hours(1, 2, "Europe/Berlin "), "zone"),
        (hours(1, 2, "../../etc/passwd"), "zone"),
        (hours(1, 2, "/usr/share/zoneinfo/UTC"), "zone"),
        (hours(1, 2, "Europe/Berlin\0"), "zone"),
        (hours(1, 2, "Εuropе/Bеrlin"), "zone"),
        (hours(1, 2, "'; DROP TABLE quiet; --"), "zone"),
        (hours(1, 2, &"A".repeat(64)), "zone"),
        (hours(1, 2, &"A".repeat(65)), "zone"),
    ] {
        bad_field(set(&alice, request), field);
    }
    assert_eq!(list(&alice), QuietList::default(), "nothing changed");
    for (request, version) in [
        (until(0, NUMBER_MAX), 1),
        (hours(0, 1_439, "UTC"), 2),
        (hours(1_439, 0, "America/Argentina/Buenos_Aires"), 3),
    ] {
        assert_eq!(set(&alice, request).unwrap().version, version);
    }
}

#[test]
fn a_user_keeps_so_many_quiet() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let groups: Vec<u64> = (0..=QUIET_MAX).map(|_| harness.group(&[&alice])).collect();
    let (last, kept) = groups.split_last().unwrap();
    for group in kept {
        set(&alice, until(*group, 5)).unwrap();
    }
    refused(set(&alice, until(*last, 5)), Code::FULL);
    set(&alice, until(kept[0], 6)).unwrap();
    set(&alice, SetQuiet { conv: kept[1], ..SetQuiet::default() }).unwrap();
    set(&alice, until(*last, 5)).unwrap();
    assert_eq!(list(&alice).quiet.len(), QUIET_MAX as usize);
}
