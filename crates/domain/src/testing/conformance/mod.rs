//! What every store must do, in tests: one function per behaviour, over the ports alone.
//!
//! A store runs all of them with [`run_all`], on a fresh store per case or on one shared by all: every case uses names
//! and users of its own. A case panics when the store does not behave, and says how.
//!
//! ```
//! use std::sync::Arc;
//!
//! use domain::testing::{FakeStore, conformance};
//!
//! conformance::run_all(&|| Arc::new(FakeStore::new()));
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test suite fails by panicking")]

mod append;
mod block_races;
mod blocks;
mod broadcasts;
mod cast;
mod change_races;
mod changes;
mod conversations;
mod deletions;
mod friend_notes;
mod friends;
mod group_changes;
mod group_races;
mod group_request_races;
mod group_requests;
mod groups;
mod hidden;
mod hostile;
mod log_identity;
mod message_search;
mod notices;
mod pages;
mod profiles;
mod quiet;
mod quotes;
mod races;
mod receipts;
mod rosters;
mod search;
mod secret_races;
mod secrets;
mod sessions;
mod standings;
mod touched;
mod users;

use std::sync::Arc;

use crate::Store;

/// One behaviour.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it says, as `subject::behaviour`.
    pub name: &'static str,
    /// Panics if the store does not behave so.
    pub run: fn(&dyn Store),
}

macro_rules! cases {
    ($($subject:ident :: $behaviour:ident,)*) => {
        &[$(Case { name: concat!(stringify!($subject), "::", stringify!($behaviour)), run: $subject::$behaviour },)*]
    };
}

/// Every behaviour.
pub const CASES: &[Case] = cases![
    users::a_name_key_is_taken_once,
    users::name_keys_are_compared_byte_by_byte,
    users::users_are_found_by_id,
    users::a_thousand_ids_at_once,
    users::last_seen_never_moves_back,
    users::a_thousand_are_seen_at_once,
    users::credentials_by_id_and_by_name_key,
    users::unknown_accounts_have_no_credentials,
    secrets::a_new_password_ends_the_other_sessions,
    secrets::only_the_one_who_knew_the_password_changes_it,
    secrets::an_old_password_begins_no_session,
    secrets::a_code_works_once,
    secrets::a_recovery_ends_all_sessions,
    secrets::wrong_codes_make_wait,
    secrets::nobody_recovers_nothing,
    secrets::new_codes_replace_all_old_ones,
    secrets::codes_of_others_are_wrong,
    secret_races::passwords_changed_at_once,
    secret_races::one_code_used_at_once,
    secret_races::wrong_codes_tried_at_once,
    secret_races::logins_while_the_password_changes,
    deletions::a_deleted_account_is_not_there,
    deletions::a_deleted_accounts_name_is_free,
    deletions::only_the_one_who_knows_the_password_deletes,
    deletions::a_deleted_accounts_requests_are_gone,
    deletions::nothing_waits_before_groups_for_a_deleted_account,
    deletions::friends_of_a_deleted_account_are_told_once,
    deletions::a_departure_ends_when_all_groups_are_left,
    deletions::the_longest_standing_admin_succeeds_or_else_member,
    deletions::who_is_deleted_while_others_ask_is_left_by_all,
    profiles::a_new_users_profile_is_empty,
    profiles::what_is_given_changes_and_the_rest_stays,
    profiles::every_list_shows_the_nickname_and_avatar,
    profiles::friends_lists_count_changes_of_what_they_show,
    profiles::nobody_has_no_profile,
    profiles::hostile_and_longest_texts_come_back_as_they_were,
    profiles::profiles_of_many_friends_change_at_once,
    search::users_are_found_by_the_beginning_of_name_and_nickname,
    search::who_does_not_want_to_be_found_is_not,
    search::pages_go_on_after_the_last_user,
    search::a_page_goes_on_after_who_is_not_found_any_more,
    search::prefixes_are_compared_byte_by_byte_and_mean_themselves,
    sessions::a_token_finds_its_session,
    sessions::the_ones_seen_longest_ago_make_room,
    sessions::sessions_of_the_same_moment_make_room_oldest_first,
    sessions::seen_never_moves_back,
    sessions::a_session_ends_once_and_for_its_user_only,
    sessions::session_ids_are_never_given_twice,
    sessions::what_was_not_seen_expires_up_to_a_limit,
    sessions::living_are_those_that_have_not_ended,
    sessions::a_thousand_sessions_at_once,
    standings::nobody_stands_anywhere,
    standings::a_standing_says_how_far_friends_and_notices_go,
    standings::every_change_of_a_list_of_groups_changes_its_version,
    standings::what_a_list_of_groups_does_not_show_leaves_its_version,
    friends::a_request_waits_with_its_greeting,
    friends::asking_twice_changes_nothing,
    friends::asking_each_other_makes_friends,
    friends::accepting_makes_friends,
    friends::only_a_waiting_request_can_be_accepted,
    friends::a_request_can_be_refused_or_withdrawn,
    friends::friends_cannot_ask_again,
    friends::unknown_users_cannot_be_asked,
    friends::ended_friendships_keep_their_conversation,
    friends::requests_are_limited_each_way,
    friends::friends_are_limited_for_both,
    friends::friends_are_paged_by_id,
    friends::a_relation_is_seen_from_both_sides,
    friends::changes_of_the_list_of_friends_are_counted,
    friends::requests_are_paged_by_the_others_id,
    friend_notes::what_is_given_changes_and_the_rest_stays,
    friend_notes::only_friends_are_noted,
    friend_notes::notes_outlive_the_friendship,
    friend_notes::labels_are_limited,
    friend_notes::a_renamed_label_takes_its_friends_along,
    friend_notes::hostile_and_longest_notes_come_back_as_they_were,
    friend_notes::two_devices_note_at_once,
    friend_notes::a_friendship_ends_while_it_is_noted,
    friend_notes::friends_note_each_other_at_once,
    blocks::a_block_is_seen_from_both_sides,
    blocks::a_block_ends_a_friendship_and_tells_as_a_deletion,
    blocks::a_block_ends_requests_both_ways,
    blocks::who_is_blocked_finds_nobody,
    blocks::what_is_refused_changes_nothing,
    blocks::unblocking_brings_nothing_back,
    blocks::nothing_is_said_where_one_blocked_the_other,
    blocks::blocked_users_are_limited_and_paged_by_id,
    blocks::blocks_are_found_among_many,
    blocks::ids_of_nobody_are_not_blocked,
    notices::decisions_are_told_to_who_asked,
    notices::what_is_not_done_is_not_told,
    notices::who_is_put_elsewhere_in_a_group_is_told,
    notices::what_is_refused_in_a_group_is_not_told,
    notices::each_user_has_seqs_of_their_own,
    notices::notices_are_paged_by_seq,
    notices::old_notices_make_room,
    notices::notices_expire_up_to_a_limit,
    notices::a_session_begins_where_any_device_got_to,
    notices::acknowledging_moves_forward_only,
    notices::acknowledging_concerns_ones_own_sessions,
    notices::nobody_has_no_notices,
    broadcasts::ids_are_counted_and_pages_rise,
    broadcasts::a_key_is_stored_once,
    broadcasts::who_comes_later_gets_nothing_from_before,
    broadcasts::a_session_begins_where_any_device_got_to,
    broadcasts::many_acknowledge_at_once,
    broadcasts::acknowledging_concerns_ones_own_sessions,
    broadcasts::old_broadcasts_make_room_and_expire,
    broadcasts::broadcasts_added_at_once_have_ids_of_their_own,
    groups::a_group_opens_with_its_owner,
    groups::joining_makes_a_member,
    groups::joining_twice_changes_nothing,
    groups::a_group_has_a_limit_of_members,
    groups::a_user_has_a_limit_of_groups,
    groups::members_leave_and_the_owner_stays,
    groups::the_last_to_leave_closes_the_group,
    groups::group_ids_are_never_given_twice,
    groups::groups_are_paged_by_id,
    groups::members_are_paged_by_id,
    groups::a_roster_says_since_when_members_read,
    groups::the_ids_of_a_users_groups,
    groups::unknown_groups_have_nothing,
    group_changes::a_change_stands_in_the_conversation,
    group_changes::a_repeated_change_is_made_once,
    group_changes::what_is_refused_leaves_no_trace,
    group_changes::every_cell_of_the_table,
    group_changes::roles_and_mutings_stand_in_the_roster,
    group_changes::a_removed_member_is_none,
    group_changes::an_owner_hands_over,
    group_changes::a_dissolved_group_is_silent_and_readable,
    group_changes::a_profile_is_edited_field_by_field,
    group_changes::profiles_hold_any_text,
    group_changes::what_changes_nothing_is_not_told,
    group_races::the_owner_leaves_while_handing_over,
    group_races::two_admins_remove_each_other,
    group_races::a_dismissed_admin_acts_at_once,
    group_races::a_group_is_dissolved_while_others_talk,
    group_races::seqs_have_no_holes_while_groups_change,
    group_races::one_change_made_many_times_at_once,
    group_requests::an_application_waits_with_its_greeting,
    group_requests::an_application_waits_once,
    group_requests::who_is_accepted_is_a_member,
    group_requests::who_is_refused_or_withdraws_may_ask_again,
    group_requests::an_invitation_leads_in,
    group_requests::an_invitation_can_be_refused_or_withdrawn,
    group_requests::friends_only_are_asked_in,
    group_requests::blocking_ends_invitations_between_the_two,
    group_requests::who_decides_no_more_opens_no_door,
    group_requests::an_application_and_an_invitation_meet,
    group_requests::who_had_asked_is_told_in_person,
    group_requests::waiting_is_limited,
    group_requests::a_full_group_lets_nobody_in_and_they_wait_on,
    group_requests::nobody_waits_before_a_dissolved_group,
    group_requests::applications_are_paged_by_group_and_user,
    group_requests::what_waits_for_a_user_is_counted,
    group_requests::greetings_come_back_as_they_were,
    group_requests::nobody_waits_before_nothing,
    group_request_races::two_decide_one_application_at_once,
    group_request_races::one_withdraws_while_being_accepted,
    group_request_races::the_last_seat_while_two_are_accepted,
    group_request_races::a_group_is_dissolved_while_others_apply,
    group_request_races::one_applies_while_being_asked_in,
    group_request_races::the_last_place_of_a_queue_at_once,
    rosters::a_version_counts_changes_of_members,
    rosters::what_is_refused_does_not_count,
    rosters::nothing_else_counts,
    rosters::a_closed_group_keeps_its_version,
    rosters::a_version_says_who_reads_what,
    rosters::version_and_members_are_of_one_moment,
    append::seqs_are_consecutive_in_the_order_of_the_batch,
    append::an_empty_batch_is_nothing,
    append::a_repeat_gets_the_first_place,
    append::a_repeat_within_the_batch_gets_the_first_place,
    append::a_repeat_elsewhere_gets_the_first_place,
    append::a_message_is_found_by_its_senders_id_for_it,
    append::another_sender_may_use_the_same_id,
    append::client_msg_ids_are_compared_byte_by_byte,
    append::an_unknown_conversation_is_refused_alone,
    append::a_large_batch_is_one,
    append::an_append_says_the_version_of_the_roster,
    append::a_repeat_says_the_version_of_the_roster_now,
    pages::windows_of_a_log,
    pages::a_page_begins_after_since,
    pages::a_page_is_limited_by_messages,
    pages::a_page_is_limited_by_bytes,
    pages::a_page_holds_one_message_at_least,
    pages::a_message_comes_back_as_it_was,
    pages::an_unknown_conversation_is_empty,
    pages::a_time_is_found,
    pages::a_time_is_found_in_a_long_conversation,
    log_identity::an_epoch_stays_until_it_is_renewed,
    log_identity::a_probe_changes_nothing,
    log_identity::a_renewal_notes_where_conversations_end,
    conversations::friends_see_their_conversation,
    conversations::nobody_else_sees_it,
    conversations::a_member_sees_what_came_after_joining,
    conversations::a_conversation_without_messages_is_not_listed,
    conversations::news_end_when_acknowledged,
    conversations::conversations_are_paged_by_id,
    conversations::cursors_move_forward_only,
    conversations::cursors_stop_at_the_last_message,
    conversations::cursors_of_nobody_are_passed_over,
    hidden::each_user_has_a_list_of_their_own,
    hidden::hiding_again_changes_nothing,
    hidden::the_list_is_paged_by_position,
    hidden::what_is_too_much_changes_nothing,
    hidden::nobody_hides_anything,
    hidden::positions_are_given_once,
    hidden::what_is_hidden_is_in_the_log_and_for_others,
    hidden::the_list_goes_with_the_account,
    quiet::what_is_set_stands_in_the_list,
    quiet::setting_replaces_and_takes_away,
    quiet::what_changes_nothing_is_no_change,
    quiet::conversations_are_limited,
    quiet::nobody_keeps_anything,
    quiet::the_last_place_is_taken_at_once,
    quotes::a_quote_says_who_said_what,
    quotes::a_quote_follows_changes,
    quotes::what_is_not_there_is_not_quoted,
    quotes::a_thousand_places_at_once,
    receipts::what_was_read_was_delivered,
    receipts::reading_and_delivery_move_apart_and_forward,
    receipts::nothing_is_read_past_the_last_message,
    receipts::each_user_of_a_conversation_has_a_cursor,
    receipts::cursors_of_strangers_and_nobody_are_none,
    receipts::a_thousand_readers_at_once,
    touched::pairs_and_groups,
    touched::from_a_moment_on,
    touched::the_latest_time_counts_not_the_last_one,
    touched::repeats_touch_nothing,
    touched::members_of_now_whenever_they_joined,
    touched::old_friends_too,
    touched::of_several_users_each_once,
    touched::paged_by_id,
    touched::of_nobody,
    touched::a_thousand_users_at_once,
    message_search::a_search_follows_changes,
    message_search::what_is_hidden_is_found_by_others_only,
    message_search::messages_are_found_by_words_and_by_parts_of_cjk_text,
    message_search::only_what_one_may_read_is_found,
    message_search::a_search_is_filtered,
    message_search::pages_are_newest_first_over_all_conversations,
    message_search::what_was_said_at_one_moment_is_found_once,
    message_search::a_place_that_one_may_not_read_is_a_time,
    message_search::what_was_said_before_one_came_hides_nothing,
    message_search::what_one_part_compares_is_limited,
    message_search::words_that_seldom_meet_are_found,
    message_search::the_index_follows_the_log,
    message_search::many_conversations_are_taken_in_by_portions,
    message_search::two_nodes_index_at_once,
    message_search::queries_mean_themselves,
    hostile::texts_come_back_as_they_were,
    hostile::names_come_back_as_they_were,
    hostile::short_texts_come_back_as_they_were,
    hostile::long_texts_come_back_as_they_were,
    hostile::numbers_too_large_name_nothing,
    races::one_name_registered_at_once,
    races::sessions_created_at_once,
    races::two_ask_each_other_at_once,
    races::one_request_accepted_and_withdrawn_at_once,
    races::the_last_friend_accepted_at_once,
    races::the_last_seat_taken_at_once,
    races::one_user_joins_many_times_at_once,
    races::the_owner_leaves_while_somebody_joins,
    races::one_request_accepted_and_refused_at_once,
    races::a_friendship_ended_while_it_begins,
    races::notices_of_one_user_added_at_once,
    block_races::a_request_is_accepted_while_the_other_blocks,
    block_races::both_ask_while_one_blocks,
    block_races::both_block_each_other,
    block_races::the_last_place_is_taken_at_once,
    block_races::nothing_is_appended_after_a_block,
    changes::a_recalled_text_is_gone,
    changes::an_edited_text_says_when,
    changes::the_feed_holds_each_message_once,
    changes::a_page_begins_after_since,
    changes::a_page_of_changes_is_limited,
    changes::what_is_so_already_is_not_changed_again,
    changes::only_ones_own_and_not_for_long,
    changes::nothing_is_changed_where_nothing_is_said,
    changes::admins_recall_what_lower_ones_said,
    changes::every_cell_of_recalling,
    changes::what_the_server_said_stays,
    changes::a_change_touches_its_conversation,
    changes::changed_texts_come_back_as_they_were,
    changes::numbers_of_nothing,
    change_races::an_edit_and_a_recall_at_once,
    change_races::two_admins_recall_one_message_at_once,
    change_races::a_recall_while_its_actor_leaves,
    change_races::positions_have_one_order,
    races::appends_to_the_same_conversations_at_once,
    races::the_same_message_appended_at_once,
    races::cursors_advanced_at_once,
    races::a_roster_read_after_an_append_misses_nobody,
    races::joining_while_others_talk,
];

/// Runs every case, each on the store that `make` gives it, and prints its name before it starts.
///
/// # Panics
///
/// If the store does not behave.
pub fn run_all(make: &dyn Fn() -> Arc<dyn Store>) {
    for case in CASES {
        println!("conformance: {}", case.name);
        let store = make();
        (case.run)(&*store);
    }
    println!("conformance: {} cases passed", CASES.len());
}
