//! Commands for the sub reactors, gathered so that each loop is posted to once.

use bytes::Bytes;
use reactor::{CloseReason, Command, ConnId, Remote};

/// What a lane's worker tells the connection's sub reactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoorMail {
    /// Logged in: larger frames are taken, and the login deadline is off.
    SignedIn,
    /// Logged out: as after HELLO.
    SignedOut,
    /// Half of the waiting requests are answered: read on.
    Room,
    /// All requests are answered, and nothing more will come.
    Done,
    /// A large answer was sent just before: the lane goes on once the peer takes it.
    LargeReply,
}

/// Gathers commands of one thread. Commands to one connection keep their order.
pub(crate) struct Post {
    remote: Remote<DoorMail>,
    loops: Vec<Vec<Command<DoorMail>>>,
}

impl Post {
    pub(crate) fn new(remote: Remote<DoorMail>) -> Post {
        let loops = (0..remote.loops()).map(|_| Vec::new()).collect();
        Post { remote, loops }
    }

    pub(crate) fn loops(&self) -> usize {
        self.loops.len()
    }

    fn add(&mut self, to: ConnId, command: Command<DoorMail>) {
        if let Some(commands) = self.loops.get_mut(to.loop_index()) {
            commands.push(command);
        }
    }

    pub(crate) fn send(&mut self, to: ConnId, chunk: Bytes) {
        self.add(to, Command::Send { to, chunk });
    }

    pub(crate) fn mail(&mut self, to: ConnId, mail: DoorMail) {
        self.add(to, Command::Mail { to, mail });
    }

    pub(crate) fn close(&mut self, to: ConnId, last: Bytes, why: &'static str) {
        self.add(to, Command::Close { to, last: Some(last), reason: CloseReason::Handler(why) });
    }

    pub(crate) fn send_many(&mut self, crowd: &Crowd, chunk: &Bytes) {
        for (commands, conns) in self.loops.iter_mut().zip(&crowd.loops) {
            match &**conns {
                [] => {}
                [to] => commands.push(Command::Send { to: *to, chunk: chunk.clone() }),
                _ => commands.push(Command::SendMany { to: conns.clone(), chunk: chunk.clone() }),
            }
        }
    }

    /// Hands everything over; waits while a mailbox is full. Never in a sub reactor's thread.
    pub(crate) fn flush(&mut self) {
        for (index, commands) in self.loops.iter_mut().enumerate() {
            if !commands.is_empty() {
                self.remote.post(index, commands);
            }
        }
    }
}

/// Connections by loop, ready to be sent the same bytes again and again.
pub(crate) struct Crowd {
    loops: Vec<std::sync::Arc<[ConnId]>>,
}

impl Crowd {
    pub(crate) fn new(loops: usize, conns: impl Iterator<Item = ConnId>) -> Crowd {
        let mut gathered: Vec<Vec<ConnId>> = vec![Vec::new(); loops];
        for conn in conns {
            if let Some(list) = gathered.get_mut(conn.loop_index()) {
                list.push(conn);
            }
        }
        Crowd { loops: gathered.into_iter().map(Into::into).collect() }
    }

    /// The others of this crowd.
    pub(crate) fn without(&self, conn: ConnId) -> Crowd {
        let mut loops = self.loops.clone();
        if let Some(list) = loops.get_mut(conn.loop_index())
            && list.contains(&conn)
        {
            *list = list.iter().copied().filter(|other| *other != conn).collect();
        }
        Crowd { loops }
    }
}
