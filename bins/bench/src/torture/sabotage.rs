//! A cluster that breaks its promise on purpose, so that it is seen that the fault test can fail.
//!
//! The server keeps its promises; the saboteur stands before it and speaks the protocol.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use bytes::BytesMut;
use protocol::{Frame, Incoming, OneChat, Push, Reply, Request, Sent, encode, limits};

use super::clock;

/// One in so many messages between friends is betrayed.
const BETRAYED_EVERY: u64 = 10;
/// What a server may send.
const FRAME_BYTES_MAX: u32 = 2 * limits::FRAME_BYTES_MAX;

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sabotage {
    /// Acknowledges a message before it is stored, and dies before it stores it.
    AcknowledgeEarly,
    /// Does not tell some devices what was changed.
    ForgetChanges,
    /// Does not tell a user's other devices what one of them hid.
    ForgetHides,
    /// Tells nobody who is connected what the operator says.
    ForgetBroadcasts,
}

/// One in so many changes is told to nobody.
const FORGOTTEN_EVERY: u64 = 3;

/// Starts the saboteur before `server`; where it listens. It lives as long as the process.
pub(crate) fn start(sabotage: Sabotage, server: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (messages, changes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let Ok(server) = TcpStream::connect(server) else { continue };
            let (messages, changes) = (messages.clone(), changes.clone());
            let link = Link { sabotage, client, server, spoken: Mutex::default(), messages, changes };
            let link = Arc::new(link);
            let same = Arc::clone(&link);
            thread::spawn(move || link.requests());
            thread::spawn(move || same.answers());
        }
    });
    Ok(address)
}

struct Link {
    sabotage: Sabotage,
    client: TcpStream,
    server: TcpStream,
    /// Also orders what is written to the client: whole frames, from two threads.
    spoken: Mutex<Spoken>,
    /// Messages between friends over all links.
    messages: Arc<AtomicU64>,
    /// Changes that were told, over all links.
    changes: Arc<AtomicU64>,
}

/// What a lie must sound like.
#[derive(Default)]
struct Spoken {
    /// Request id → friend.
    asked: HashMap<u32, u64>,
    /// Friend → conversation and last seq.
    last: HashMap<u64, (u64, u64)>,
}

impl Link {
    fn requests(&self) {
        let mut input = BytesMut::new();
        while let Some(bytes) = next_frame(&self.client, &mut input) {
            if self.sabotage == Sabotage::AcknowledgeEarly
                && let Some(frame) = parsed(&bytes)
                && let Ok(Request::OneChat(chat)) = Request::from_frame(&frame)
                && self.betray(&chat, frame.header.rid)
            {
                break;
            }
            if (&self.server).write_all(&bytes).is_err() {
                break;
            }
        }
        self.cut();
    }

    /// Acknowledges the message itself, if it is that one's turn. Then the connection has to go.
    fn betray(&self, chat: &OneChat, rid: u32) -> bool {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        spoken.asked.insert(rid, chat.to);
        let Some(&(conv, seq)) = spoken.last.get(&chat.to) else { return false };
        if !self.messages.fetch_add(1, Ordering::SeqCst).is_multiple_of(BETRAYED_EVERY) {
            return false;
        }
        let lie = Reply::OneChat(Sent { conv, seq: seq + 1, time: clock::now_ms() });
        let mut bytes = BytesMut::new();
        encode::reply(rid, &lie, &mut bytes);
        let _ = (&self.client).write_all(&bytes);
        true
    }

    fn answers(&self) {
        let mut input = BytesMut::new();
        while let Some(bytes) = next_frame(&self.server, &mut input) {
            let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(frame) = parsed(&bytes)
                && let Ok(Incoming::Reply { rid, result: Ok(Reply::OneChat(sent)) }) =
                    Incoming::from_frame(&frame)
                && let Some(friend) = spoken.asked.remove(&rid)
            {
                spoken.last.insert(friend, (sent.conv, sent.seq));
            }
            if self.forgets(&bytes) {
                continue;
            }
            if (&self.client).write_all(&bytes).is_err() {
                break;
            }
        }
        self.cut();
    }

    /// Whether this is something that is not told.
    fn forgets(&self, bytes: &[u8]) -> bool {
        let push = || match parsed(bytes).and_then(|frame| Incoming::from_frame(&frame).ok()) {
            Some(Incoming::Push(push)) => Some(push),
            _ => None,
        };
        match self.sabotage {
            Sabotage::AcknowledgeEarly => false,
            Sabotage::ForgetChanges => {
                matches!(push(), Some(Push::Changed(_)))
                    && self.changes.fetch_add(1, Ordering::SeqCst).is_multiple_of(FORGOTTEN_EVERY)
            }
            Sabotage::ForgetHides => matches!(push(), Some(Push::HiddenMessages(_))),
            Sabotage::ForgetBroadcasts => matches!(push(), Some(Push::Broadcast(_))),
        }
    }

    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Write);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

/// The bytes of the next frame from a socket; none at the end.
fn next_frame(mut from: &TcpStream, input: &mut BytesMut) -> Option<BytesMut> {
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some((_, length)) = protocol::decode(input, FRAME_BYTES_MAX).ok()? {
            return Some(input.split_to(length));
        }
        match from.read(&mut chunk) {
            Ok(length @ 1..) => input.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    }
}

fn parsed(bytes: &[u8]) -> Option<Frame<'_>> {
    protocol::decode(bytes, FRAME_BYTES_MAX).ok()?.map(|(frame, _)| frame)
}
