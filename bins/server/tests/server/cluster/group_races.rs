//! G1 to G4: the races of groups across nodes.

use super::nodes::{Cluster, Plan};
use crate::capabilities::group_races::{
    SEATS, decided_by_two, dissolved_during_sends, handed_over_to_two, heir_leaves_while_handed_over,
    last_seat_taken_by_two, leaves_while_removed, owner_leaves_while_handing_over,
};

#[test]
fn one_application_is_decided_once() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, mut carol) =
        (cluster.user(0, "alice"), cluster.user(1, "bob"), cluster.user(0, "carol"));
    decided_by_two(&mut alice, &mut bob, &mut carol);
}

#[test]
fn the_last_seat_is_taken_once() {
    let cluster = Plan::of(2).with(SEATS.0, SEATS.1).start();
    let (mut alice, mut bob, mut carol) =
        (cluster.user(0, "alice"), cluster.user(0, "bob"), cluster.user(1, "carol"));
    last_seat_taken_by_two(&mut alice, &mut bob, &mut carol);
}

#[test]
fn who_leaves_while_being_removed_goes_once() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    leaves_while_removed(&mut alice, &mut bob);
}

#[test]
fn a_group_has_one_owner_whoever_leaves_while_it_is_handed_over() {
    let cluster = Cluster::of(2);
    let (mut alice, mut phone) = (cluster.user(0, "alice"), cluster.log_in(1, "alice", "phone"));
    let (mut bob, mut carol) = (cluster.user(1, "bob"), cluster.user(0, "carol"));
    owner_leaves_while_handing_over(&mut alice, &mut phone, &mut bob);
    heir_leaves_while_handed_over(&mut alice, &mut bob);
    handed_over_to_two((&mut alice, &mut phone), &mut bob, &mut carol);
}

#[test]
fn nothing_is_said_on_any_node_after_a_group_was_dissolved() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    dissolved_during_sends(&mut alice, &mut bob);
}
