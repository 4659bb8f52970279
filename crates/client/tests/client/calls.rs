//! Calls: each answered once, in the right order, over lost connections and busy servers.

use std::time::Duration;

use client::{ChatOrder, ClientError, Config, Happened};
use protocol::{
    AddFriend, Code, GroupChat, HistoryPage, Nothing, OneChat, Page, Reg, Reply, Request, Secret,
};

use crate::model::Model;
use crate::world::{Reach, TIMEOUT, World, refused};

fn chats(world: &World) -> Vec<String> {
    let texts = world.asked.iter().filter_map(|(_, request)| match request {
        Request::OneChat(chat) => Some(chat.msg.clone()),
        Request::GroupChat(chat) => Some(chat.msg.clone()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn messages_to_one_friend_wait_for_each_other_and_for_nobody_else() {
    let mut world = World::signed_in();
    for (to, text) in [(1, "a1"), (1, "a2"), (2, "b1"), (1, "a3"), (2, "b2")] {
        world.say(to, text);
    }
    world.turn();
    assert_eq!(chats(&world), ["a1", "b1"]);
    world.serve();
    let texts = |conv: u64| world.model.logs[&conv].iter().map(|m| m.msg.clone()).collect::<Vec<_>>();
    assert_eq!(texts(1), ["a1", "a2", "a3"]);
    assert_eq!(texts(2), ["b1", "b2"]);
}

#[test]
fn pipelined_messages_do_not_wait() {
    let mut config = Config::new("model:1");
    config.chat_order = ChatOrder::Pipelined;
    let mut world = World::signed_in_with(config, Model::new());
    for n in 0..5 {
        world.say(1, &n.to_string());
    }
    world.turn();
    assert_eq!(chats(&world), ["0", "1", "2", "3", "4"]);
}

#[test]
fn the_window_is_the_servers() {
    let mut model = Model::new();
    model.pipeline_max = 10;
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    for to in 0..50 {
        world.say(100 + to, "x");
    }
    world.turn();
    assert!(world.asked.len() <= 10, "{}", world.asked.len());
    assert!(!world.asked.is_empty());
    world.serve();
    assert_eq!(world.model.logs.len(), 50);
}

#[test]
fn a_window_of_one_is_enough() {
    let mut model = Model::new();
    model.pipeline_max = 0;
    (1..=500).for_each(|n| drop(model.say(9, 9, &n.to_string())));
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    let call = world.say(9, "x");
    world.serve();
    assert!(world.answer_to(call).is_ok());
    assert_eq!(world.shown(9).len(), 501);
}

#[test]
fn messages_are_sent_again_in_their_order_after_a_lost_connection() {
    let mut config = Config::new("model:1");
    config.chat_order = ChatOrder::Pipelined;
    let mut world = World::signed_in_with(config, Model::new());
    let calls: Vec<_> = (0..5).map(|n| world.say(1, &n.to_string())).collect();
    world.turn();
    // The server has done two of them, and the client has heard of none.
    for _ in 0..2 {
        let (_, request) = world.asked.pop_front().expect("sent");
        world.model.answer(&request).expect("stored");
    }
    world.cut();
    world.pass_served(Duration::from_secs(1));
    for call in calls {
        assert!(world.answer_to(call).is_ok());
    }
    let texts: Vec<_> = world.model.logs[&1].iter().map(|m| m.msg.clone()).collect();
    assert_eq!(texts, ["0", "1", "2", "3", "4"], "each once, in order");
    assert_eq!(world.shown(1), [1, 2, 3, 4, 5]);
}

#[test]
fn what_may_not_be_repeated_says_that_nobody_knows() {
    let mut world = World::signed_in();
    let call = world.submit(Request::AddFriend(AddFriend { friendid: 3, greeting: String::new() }));
    let read = world.submit(Request::Friends(Page::default()));
    world.turn();
    world.cut();
    let lost = ClientError::ConnectionLost { may_have_happened: Happened::Perhaps };
    assert_eq!(world.answer_to(call), &Err(lost));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.answer_of(read), None, "a question is simply asked again");
}

#[test]
fn what_was_not_sent_yet_waits_for_the_next_connection() {
    let mut world = World::signed_in();
    world.reach = Reach::Down;
    world.cut();
    let call = world.submit(Request::AddFriend(AddFriend { friendid: 3, greeting: String::new() }));
    world.pass(Duration::from_secs(5));
    assert_eq!(world.answer_of(call), None);
    world.reach = Reach::Up;
    world.pass_served(Duration::from_secs(20));
    assert_eq!(world.answer_to(call), &Err(ClientError::Refused(refused(Code::NOT_ALLOWED))));
}

#[test]
fn a_call_without_a_connection_fails_when_its_time_is_over() {
    let mut world = World::new();
    world.reach = Reach::Down;
    let call = world.submit(Request::Reg(Reg { name: "n".into(), password: Secret::new("12345678") }));
    world.pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(world.answer_of(call), None);
    world.pass(Duration::from_millis(1));
    let error = ClientError::TimedOut { after: TIMEOUT, may_have_happened: Happened::No };
    assert_eq!(world.answer_to(call), &Err(error.clone()));
    assert_eq!(error.to_string(), "no answer within 30 s; nothing was sent");
}

#[test]
fn a_message_whose_caller_gave_up_still_has_its_place() {
    let mut model = Model::new();
    model.heartbeat_ms = 60_000;
    let mut world = World::signed_in_with(Config::new("model:1"), model);
    let call = world.say(9, "slow");
    world.pass(TIMEOUT);
    let may_have_happened = Happened::Perhaps;
    assert_eq!(world.answer_to(call), &Err(ClientError::TimedOut { after: TIMEOUT, may_have_happened }));
    world.serve();
    assert_eq!(world.shown(9), [1]);
    assert_eq!(world.answers.iter().filter(|answer| answer.call == call).count(), 1);
}

#[test]
fn a_busy_server_gets_messages_again_in_order() {
    let mut world = World::signed_in();
    let calls: Vec<_> = (0..3).map(|n| world.say(1, &n.to_string())).collect();
    let other = world.say(2, "not held back");
    world.turn();
    let (rid, _) = world.asked.pop_front().expect("the first message");
    world.answer(rid, Err(refused(Code::BUSY).retry_after_ms(700)));
    world.serve();
    assert!(world.answer_to(other).is_ok());
    assert_eq!(world.answer_of(calls[1]), None, "it waits behind the first");
    world.pass_served(Duration::from_millis(700));
    let texts: Vec<_> = world.model.logs[&1].iter().map(|m| m.msg.clone()).collect();
    assert_eq!(texts, ["0", "1", "2"]);
}

#[test]
fn a_server_that_stays_busy_is_not_asked_for_ever() {
    let mut world = World::signed_in();
    world.submit(Request::GroupChat(GroupChat {
        groupid: 4,
        msg: "x".into(),
        client_msg_id: "x".into(),
        ..GroupChat::default()
    }));
    let mut asked = 0;
    for _ in 0..100 {
        world.pass(Duration::from_millis(200));
        while let Some((rid, request)) = world.asked.pop_front() {
            asked += u32::from(matches!(request, Request::GroupChat(_)));
            world.answer(rid, Err(refused(Code::BUSY).retry_after_ms(100)));
        }
    }
    assert_eq!(asked, 1 + client::limits::BUSY_RETRIES_MAX);
    let answer = world.answers.last().expect("answered");
    assert_eq!(answer.result, Err(ClientError::Refused(refused(Code::BUSY).retry_after_ms(100))));
}

#[test]
fn other_refusals_go_to_the_caller_at_once() {
    let mut world = World::signed_in();
    let read = world.submit(Request::Friends(Page::default()));
    let chat = world.say(9, "");
    world.turn();
    while let Some((rid, request)) = world.asked.pop_front() {
        let code = if matches!(request, Request::Friends(_)) { Code::BUSY } else { Code::BAD_FIELD };
        world.answer(rid, Err(refused(code)));
    }
    assert_eq!(world.answer_to(read), &Err(ClientError::Refused(refused(Code::BUSY))));
    assert_eq!(world.answer_to(chat), &Err(ClientError::Refused(refused(Code::BAD_FIELD))));
}

#[test]
fn nothing_overtakes_a_login_or_a_logout() {
    let mut world = World::new();
    world.serve();
    world.log_in();
    let chat = world.say(9, "after the login");
    world.turn();
    assert_eq!(world.asked_types(), ["LOGIN"]);
    world.serve();
    assert!(world.answer_to(chat).is_ok());
    let last = world.say(9, "before the logout");
    let logout = world.submit(Request::LogOut(Nothing {}));
    world.turn();
    assert_eq!(world.asked_types(), ["ONE_CHAT"]);
    world.serve();
    assert!(world.answer_to(last).is_ok() && world.answer_to(logout).is_ok());
}

#[test]
fn an_answer_of_another_type_is_not_believed() {
    let mut world = World::signed_in();
    let call = world.submit(Request::Friends(Page::default()));
    world.turn();
    let (rid, _) = world.asked.pop_front().expect("FRIENDS");
    let page = HistoryPage { conv: 1, messages: vec![], first: 1, last: 0 };
    world.answer(rid, Ok(Reply::History(page)));
    assert!(matches!(world.answer_to(call), Err(ClientError::BadAnswer { request: "FRIENDS", .. })));
    assert!(world.open);
}

#[test]
fn a_request_over_the_servers_limit_is_not_sent() {
    let mut world = World::signed_in();
    let msg = "x".repeat(2 << 20);
    let call = world.submit(Request::OneChat(OneChat {
        to: 1,
        msg,
        client_msg_id: "big".into(),
        ..OneChat::default()
    }));
    let next = world.say(1, "small");
    world.serve();
    assert!(matches!(world.answer_to(call), Err(ClientError::TooLarge { max: 1_048_576, .. })));
    assert!(world.answer_to(next).is_ok());
    assert!(world.open);
}

#[test]
fn closing_fails_what_waits() {
    let mut world = World::signed_in();
    world.reach = Reach::Down;
    world.cut();
    let call = world.say(9, "x");
    world.session.close(world.now);
    world.turn();
    assert_eq!(world.answer_to(call), &Err(ClientError::Closed));
    let late = world.say(9, "x");
    world.turn();
    assert_eq!(world.answer_to(late), &Err(ClientError::Closed));
}
