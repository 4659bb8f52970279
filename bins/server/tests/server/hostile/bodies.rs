//! Frames whose bodies are not what their type needs: refused, and the connection stays.

use protocol::{Code, MsgId, Request};

use crate::support::{Options, PASSWORD, Peer, Server, Store, Witnesses, hello, log_in};

/// A guest and a user: both read bodies.
fn speakers(server: &Server) -> [Peer; 2] {
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    [guest, log_in(server, "witness one", "hostile")]
}

fn refused(peer: &mut Peer, msgid: u16, body: &[u8]) -> protocol::Refusal {
    let rid = peer.send_body(msgid, body);
    let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
    peer.reply(rid).expect_err(&format!("{msgid} took {shown}"))
}

#[test]
fn what_is_no_json_object_is_refused_by_every_type() {
    // Guests ask far more here than they usually may.
    let mut server = Server::start(Options::on(Store::Sqlite).with("guest-frames-max", 100_000));
    let witnesses = Witnesses::of(&server);
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(33), "]".repeat(33));
    let deeper = format!("{{\"x\":{}", "[{\"y\":".repeat(2_500));
    let bodies: &[&[u8]] = &[
        b"\xff\xfe",
        b"{\"msg\":\"\xc3\x28\"}",
        b"{\"x\":\"\xed\xa0\x80\"}",
        b"{\"unknown\":\"\xf5\"}",
        b"[]",
        b"[1,\"x\",\"y\"]",
        b"null",
        b"7",
        b"\"text\"",
        b"true",
        b"{",
        b"}",
        b"{\"x\"",
        b"{\"x\":1,}",
        b"{} {}",
        b"{}\0",
        b"\0",
        b"{'x':1}",
        b"{\"x\":01}",
        b"{\"x\":NaN}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        deeper.as_bytes(),
    ];
    for peer in &mut speakers(&server) {
        for msgid in Request::MSGIDS {
            for body in bodies {
                let refusal = refused(peer, (*msgid).into(), body);
                assert_eq!(
                    refusal.code,
                    Code::BAD_BODY,
                    "{} with {}",
                    msgid.name(),
                    String::from_utf8_lossy(body)
                );
                assert!(!refusal.body.errmsg.is_empty());
            }
        }
        peer.ping().expect("the connection stayed");
    }
    // A large one: a megabyte of brackets.
    let mut user = log_in(&server, "witness other", "hostile");
    let brackets = vec![b'['; 1024 * 1024];
    assert_eq!(refused(&mut user, MsgId::OneChat.into(), &brackets).code, Code::BAD_BODY);
    let nested = [b"{\"x\":".as_slice(), &vec![b'['; 1024 * 1024 - 5]].concat();
    assert_eq!(refused(&mut user, MsgId::OneChat.into(), &nested).code, Code::BAD_BODY);
    witnesses.testify(&mut server);
}

#[test]
fn wrong_types_are_refused_with_the_field() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    let cases: &[(MsgId, &str, &str)] = &[
        (MsgId::OneChat, r#"{"to":"1","msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":1.5,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":-1,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":1e3,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":18446744073709551616,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":null,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":1,"msg":7,"client_msg_id":"y"}"#, "msg"),
        (MsgId::OneChat, r#"{"to":1,"msg":["x"],"client_msg_id":"y"}"#, "msg"),
        (MsgId::OneChat, r#"{"to":1,"msg":"x","client_msg_id":{"a":1}}"#, "client_msg_id"),
        (MsgId::OneChat, r#"{"to":1,"client_msg_id":"y"}"#, "msg"),
        (MsgId::OneChat, r#"{"to":1,"msg":"x"}"#, "client_msg_id"),
        (MsgId::OneChat, r#"{"to":1,"to":2,"msg":"x","client_msg_id":"y"}"#, "to"),
        (MsgId::OneChat, r#"{"to":1,"msg":"\ud800","client_msg_id":"y"}"#, ""),
        (MsgId::OneChat, r#"{"to":1,"msg":"\udc00\ud800","client_msg_id":"y"}"#, ""),
        (MsgId::GroupChat, r#"{"groupid":true,"msg":"x","client_msg_id":"y"}"#, "groupid"),
        (MsgId::AddFriend, r#"{"friendid":[1]}"#, "friendid"),
        (MsgId::AddFriend, r#"{"friendid":1,"greeting":1}"#, "greeting"),
        (MsgId::Block, r#"{"userid":"1"}"#, "userid"),
        (MsgId::Block, r#"{"userid":-1}"#, "userid"),
        (MsgId::Block, r#"{"userid":1.5}"#, "userid"),
        (MsgId::Block, r#"{"userid":18446744073709551616}"#, "userid"),
        (MsgId::Block, r#"{"userid":null}"#, "userid"),
        (MsgId::Block, r#"{"friendid":1}"#, "userid"),
        (MsgId::Unblock, r#"{"userid":[1]}"#, "userid"),
        (MsgId::Unblock, r#"{}"#, "userid"),
        (MsgId::Blocked, r#"{"after":"x"}"#, "after"),
        (MsgId::Blocked, r#"{"limit":-1}"#, "limit"),
        (MsgId::CreateGroup, r#"{"groupname":1}"#, "groupname"),
        (MsgId::CreateGroup, r#"{}"#, "groupname"),
        (MsgId::AddGroup, r#"{"groupid":{}}"#, "groupid"),
        (MsgId::GroupMembers, r#"{"groupid":1,"limit":-1}"#, "limit"),
        (MsgId::GroupMembers, r#"{"groupid":1,"limit":4294967296}"#, "limit"),
        (MsgId::History, r#"{"conv":1,"after":"0"}"#, "after"),
        (MsgId::Ack, r#"{"conv":1,"seq":"1"}"#, "seq"),
        (MsgId::Friends, r#"{"after":"x"}"#, "after"),
        (MsgId::EndSession, r#"{"session":"x"}"#, "session"),
        (MsgId::Resume, r#"{"token":1}"#, "token"),
        (MsgId::Reg, r#"{"name":"x"}"#, "password"),
        (MsgId::Reg, r#"{"name":["x"],"password":"y"}"#, "name"),
        (MsgId::Login, r#"{"id":"1","password":"y"}"#, "id"),
        (MsgId::ChangePassword, r#"{"password":"x"}"#, "new_password"),
        (MsgId::ChangePassword, r#"{"new_password":"x"}"#, "password"),
        (MsgId::ChangePassword, r#"{"password":["x"],"new_password":"y"}"#, "password"),
        (MsgId::ChangePassword, r#"{"password":"x","new_password":7}"#, "new_password"),
        (MsgId::Recover, r#"{"id":1,"new_password":"x"}"#, "code"),
        (MsgId::Recover, r#"{"id":1,"code":"x"}"#, "new_password"),
        (MsgId::Recover, r#"{"id":"1","code":"x","new_password":"y"}"#, "id"),
        (MsgId::Recover, r#"{"name":1,"code":"x","new_password":"y"}"#, "name"),
        (MsgId::Recover, r#"{"name":"x","code":1,"new_password":"y"}"#, "code"),
        (MsgId::NewRecoveryCodes, r#"{}"#, "password"),
        (MsgId::NewRecoveryCodes, r#"{"password":null}"#, "password"),
        (MsgId::DeleteAccount, r#"{"owned":"dissolve"}"#, "password"),
        (MsgId::DeleteAccount, r#"{"password":"x"}"#, "owned"),
        (MsgId::DeleteAccount, r#"{"password":"x","owned":"burn"}"#, "owned"),
        (MsgId::DeleteAccount, r#"{"password":"x","owned":1}"#, "owned"),
        (MsgId::DeleteAccount, r#"{"password":7,"owned":"dissolve"}"#, "password"),
        (MsgId::Hello, r#"{"versions":1}"#, "versions"),
        (MsgId::Hello, r#"{"versions":[1],"device":1}"#, "device"),
    ];
    for peer in &mut speakers(&server) {
        for (msgid, body, field) in cases {
            let refusal = refused(peer, (*msgid).into(), body.as_bytes());
            assert_eq!(refusal.code, Code::BAD_BODY, "{body}");
            // What is not even JSON is no one field's fault.
            let field = Some(*field).filter(|field| !field.is_empty());
            assert_eq!(refusal.body.field.as_deref(), field, "{body}: {}", refusal.body.errmsg);
        }
        peer.ping().expect("the connection stayed");
    }
    witnesses.testify(&mut server);
}

#[test]
fn unknown_types_are_refused() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    for peer in &mut speakers(&server) {
        // Also those that are known, but only in the other direction.
        for msgid in [0, 2, 4, 16, 17, 26, 27, 33, 43, 48, 999, 0x7fff, 0x8001, u16::MAX] {
            for body in [b"{}".as_slice(), b"", b"\xff", &[b'x'; 5_000]] {
                let refusal = refused(peer, msgid, body);
                assert_eq!(refusal.code, Code::UNKNOWN_TYPE, "{msgid}");
            }
        }
        peer.ping().expect("the connection stayed");
    }
    witnesses.testify(&mut server);
}

#[test]
fn what_is_unknown_but_harmless_is_passed_over() {
    let server = Server::on(Store::Sqlite);
    let mut peer = Peer::connect(server.address());
    let body =
        r#" { "versions" : [ 7, 1, 65535 ], "device":"a", "later":{"x":[[1],{"y":null}]}, "z":1e400 } "#;
    let rid = peer.send_body(MsgId::Hello.into(), body.as_bytes());
    peer.reply(rid).expect("HELLO");
    let body = format!(r#"{{"name":"\u0061lice","password":"{PASSWORD}","from":1,"admin":true,"id":7}}"#);
    let rid = peer.send_body(MsgId::Reg.into(), body.as_bytes());
    peer.reply(rid).expect("registered");
    let mut alice = log_in(&server, "alice", "");
    // No request names its sender: what looks like one is passed over.
    let group = alice.create_group("g", "").expect("opened").group.id;
    let body = format!(
        r#"{{"groupid":{group},"msg":"x","client_msg_id":"y","from":999,"id":999,"name":"mallory"}}"#
    );
    let rid = alice.send_body(MsgId::GroupChat.into(), body.as_bytes());
    alice.reply(rid).expect("stored");
    let message = &alice.read_all(group, 0)[0];
    assert_eq!((message.from, message.name.as_str()), (alice.id, "alice"));
    // An empty body is an empty object.
    let rid = alice.send_body(MsgId::Friends.into(), b"");
    alice.reply(rid).expect("a page");
}

#[test]
fn a_version_that_nobody_shares_is_said_and_closed() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    for versions in [vec![], vec![0], vec![2, 3], vec![65_535]] {
        let mut peer = Peer::connect(server.address());
        let hello = protocol::Hello { versions, ..hello("") };
        assert_eq!(peer.hello(hello).unwrap_err().code, Code::BAD_VERSION);
        peer.end();
    }
    let mut peer = Peer::connect(server.address());
    for field in ["client", "device"] {
        let long = "😀".repeat(65);
        let (client, device) = if field == "client" { (long, String::new()) } else { (String::new(), long) };
        let refusal = peer.hello(protocol::Hello { versions: vec![1], client, device }).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some(field)));
    }
    let just = "😀".repeat(64);
    peer.hello(protocol::Hello { versions: vec![1], client: just.clone(), device: just }).expect("HELLO");
    witnesses.testify(&mut server);
}
