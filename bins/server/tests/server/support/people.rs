//! Users of a test: registered, logged in, befriended, in a few lines.

use std::net::SocketAddr;

use protocol::{GroupChat, Hello, Login, OneChat, Push, Request, Secret};

use super::peer::Peer;
use super::server::Server;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// An ordinary HELLO.
pub(crate) fn hello(device: &str) -> Hello {
    Hello { versions: vec![1], client: "test/1".into(), device: device.into() }
}

/// A guest whose balancer, which this machine is, says that they come from this address of a small network.
pub(crate) fn guest_from(server: SocketAddr, host: u8) -> Peer {
    let mut peer = Peer::connect(server);
    peer.send_bytes(format!("PROXY TCP4 203.0.113.{host} 192.0.2.1 54321 7000\r\n").as_bytes());
    peer.hello(hello("")).expect("HELLO");
    peer
}

/// Registers a name; its id.
pub(crate) fn register(server: &Server, name: &str) -> u64 {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    peer.reg(name, PASSWORD).expect("a free name").id
}

/// Logs a name in from a device.
pub(crate) fn log_in(server: &Server, name: &str, device: &str) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello(device)).expect("HELLO");
    let signed_in = peer
        .login(Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() })
        .expect("the right password");
    peer.id = signed_in.id;
    peer.session = signed_in.session;
    peer.token = signed_in.token;
    peer
}

/// Registers and logs in.
pub(crate) fn user(server: &Server, name: &str) -> Peer {
    register(server, name);
    log_in(server, name, "first")
}

/// Makes friends of two; their conversation. All pushes about it are taken.
pub(crate) fn befriend(a: &mut Peer, b: &mut Peer) -> u64 {
    a.add_friend(b.id, "").expect("asked");
    b.friend_event();
    let answer = b.accept_friend(a.id).expect("accepted");
    a.friend_event();
    a.notice();
    answer.friend.expect("a new friend").conv
}

/// Two friends, both connected, and their conversation.
pub(crate) fn friends(server: &Server, a: &str, b: &str) -> (Peer, Peer, u64) {
    let (mut a, mut b) = (user(server, a), user(server, b));
    let conv = befriend(&mut a, &mut b);
    (a, b, conv)
}

/// ONE_CHAT as a request.
pub(crate) fn chat(to: u64, msg: &str, client_msg_id: &str) -> Request {
    Request::OneChat(OneChat {
        to,
        msg: msg.into(),
        client_msg_id: client_msg_id.into(),
        ..OneChat::default()
    })
}

/// GROUP_CHAT as a request.
pub(crate) fn group_chat(groupid: u64, msg: &str, client_msg_id: &str) -> Request {
    Request::GroupChat(GroupChat {
        groupid,
        msg: msg.into(),
        client_msg_id: client_msg_id.into(),
        ..GroupChat::default()
    })
}

/// Two well-behaved friends who were there before anything bad happened. Whatever others do, they chat, and hear of
/// nothing else.
pub(crate) struct Witnesses {
    one: Peer,
    other: Peer,
    conv: u64,
    seq: u64,
}

impl Witnesses {
    pub(crate) fn of(server: &Server) -> Witnesses {
        let (one, other, conv) = friends(server, "witness one", "witness other");
        let mut witnesses = Witnesses { one, other, conv, seq: 0 };
        witnesses.chat();
        witnesses
    }

    /// Each says something, and the other hears exactly that.
    pub(crate) fn chat(&mut self) {
        for swapped in [false, true] {
            let (from, to) = match swapped {
                false => (&mut self.one, &mut self.other),
                true => (&mut self.other, &mut self.one),
            };
            let text = format!("still here after {}", self.seq);
            let sent = from.say(to.id, &text);
            self.seq += 1;
            assert_eq!((sent.conv, sent.seq), (self.conv, self.seq));
            let heard = to.message();
            assert_eq!((heard.conv, heard.seq, heard.from, heard.msg), (self.conv, self.seq, from.id, text));
        }
        for peer in [&mut self.one, &mut self.other] {
            // A quiet connection is asked whether it is there: that concerns nobody else.
            let others = peer.pushes_so_far().into_iter().filter(|push| !matches!(push, Push::Ping(_)));
            assert_eq!(others.collect::<Vec<_>>(), [], "what a stranger did was told to others");
        }
    }

    /// They still chat, and the server that they chat through is the one they began with.
    pub(crate) fn testify(mut self, server: &mut Server) {
        self.chat();
        assert!(server.is_alive(), "the server ended");
    }
}
