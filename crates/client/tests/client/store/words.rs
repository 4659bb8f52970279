//! What is found again by its words.

use client::Event;

use super::{arrived, found, in_memory, message, seqs, talk};

#[test]
fn words_and_parts_of_texts_without_spaces_are_found() {
    let store = in_memory();
    let texts = [
        "Shall we meet at Noon?",
        "今天晚上我们去吃火锅吧",
        "火车几点到北京？",
        "明日、東京へ行きます",
        "내일 서울에서 만나요",
        "พรุ่งนี้เจอกันที่กรุงเทพ",
        "Grüße aus Ｗｉｅｎ",
        "100% sure; DROP TABLE messages; -- \"'",
        "我们 meet 北京",
    ];
    let events: Vec<Event> =
        texts.iter().zip(1..).map(|(text, seq)| arrived(message(7, seq, text))).collect();
    store.take(&events).expect("written");
    for (query, expected) in [
        ("noon", &[1][..]),
        ("NOO", &[1]),
        ("meet", &[9, 1]),
        ("oon", &[]),
        ("火锅", &[2]),
        ("火", &[3, 2]),
        ("锅", &[2]),
        ("吧", &[2]),
        ("我们", &[9, 2]),
        ("我们去吃", &[2]),
        ("们我", &[]),
        ("北京", &[9, 3]),
        ("京", &[9, 4, 3]),
        ("東京へ", &[4]),
        ("서울", &[5]),
        ("กรุงเทพ", &[6]),
        ("wien", &[7]),
        ("grüße", &[7]),
        ("我们 北京", &[9]),
        ("drop table", &[8]),
        ("100%", &[8]),
        ("%", &[]),
        ("\"", &[]),
        ("* OR meet", &[]),
        ("", &[]),
    ] {
        assert_eq!(found(&store, query), expected, "{query:?}");
    }
    assert_eq!(found(&store, &"火锅 ".repeat(10_000)), [2], "what is too long is cut");
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    let store = in_memory();
    store.take(&[talk(7, 1..=30), talk(8, 1..=30)].concat()).expect("written");
    let mut all = Vec::new();
    let mut from = None;
    loop {
        let page = store.search("number", Some(7), from, 7).expect("readable");
        assert!(page.messages.len() <= 7);
        all.extend(seqs(&page.messages));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(all, (1..=30).rev().collect::<Vec<u64>>());
}
