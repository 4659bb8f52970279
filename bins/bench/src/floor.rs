//! The floor: what relaying the same frames costs on the same reactor, without reading or storing them.
//!
//! A connection first joins a group (HELLO with four bytes of group number). Each chat frame then goes to all others of
//! its group as a push, and the sender gets an answer of the usual size. Nothing is parsed beyond the headers. A
//! RESUME gets an answer and nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use clap::ValueEnum;
use protocol::{Code, Flags, Frame, Header, MsgId, limits};
use reactor::{CloseReason, Command, Config, ConnId, Handler, Link, LoopInfo, Reactor, Remote};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::{error::BenchError, load::FLOOR_ACK_BODY};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// Bytes of the answer to RESUME: about those of a small login bundle.
const RESUME_ANSWER: [u8; 160] = [b' '; 160];

/// Frames that pass before a fault shows, in the next read that has two.
const FAULT_AFTER_FRAMES: u64 = 50;

/// A deliberate error, to prove that the bench would find it in a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// A message vanishes.
    Lose,
    /// A message is delivered twice.
    Double,
    /// A message overtakes another.
    Swap,
    /// A byte of a text changes.
    Corrupt,
    /// An answer never comes.
    Unanswered,
}

/// Serves until SIGTERM, or until the parent dies.
pub(crate) fn serve(io_threads: Option<usize>, fault: Option<Fault>) -> Result<(), BenchError> {
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| BenchError::io("death signal")(error.into()))?;
    let listener = reactor::listen(([127, 0, 0, 1], 0).into(), BACKLOG).map_err(BenchError::io("listen"))?;
    let addr = listener.local_addr().map_err(BenchError::io("listen"))?;
    let mut config = Config { connections_max: 20_000, ..Config::default() };
    // As many as the server takes by default: half of the cores, the other half being for its workers.
    let half = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    config.io_threads = io_threads.unwrap_or(half);
    let groups = Arc::new(Groups::default());
    let failed = |why: String| BenchError::Start { program: "floor".into(), why };
    let running = Reactor::start(vec![listener], config, |info| Floor::new(info, Arc::clone(&groups), fault))
        .map_err(|error| failed(error.to_string()))?;
    running.stop_on_signals(Duration::from_secs(1).into()).map_err(BenchError::io("signals"))?;
    println!("floor listening on {addr}");
    running.join().map_err(|error| failed(error.to_string()))
}

/// Who is in which group, shared by all loops; locked when somebody joins or leaves, and once by each sender.
#[derive(Default)]
struct Groups {
    members: Mutex<HashMap<u32, Vec<ConnId>>>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Vec<ConnId>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, group: u32, id: ConnId) {
        if let Some(members) = self.lock().get_mut(&group) {
            members.retain(|member| *member != id);
        }
    }
}

/// The handler of one loop.
struct Floor {
    index: usize,
    groups: Arc<Groups>,
    remote: Remote<std::convert::Infallible>,
    /// Fan-outs of this turn for the other loops.
    onward: Vec<Vec<Command<std::convert::Infallible>>>,
    answer: Bytes,
    fault: Option<Fault>,
    frames: u64,
}

/// One connection.
#[derive(Default)]
struct Member {
    group: Option<u32>,
    /// The others of its group by loop, once it has sent something: by then all have joined.
    others: Option<Vec<Arc<[ConnId]>>>,
}

impl Floor {
    fn new(info: LoopInfo<std::convert::Infallible>, groups: Arc<Groups>, fault: Option<Fault>) -> Floor {
        let mut answer = BytesMut::new();
        write_answer(MsgId::OneChat, 0, FLOOR_ACK_BODY, &mut answer);
        Floor {
            index: info.index,
            groups,
            remote: info.remote,
            onward: std::iter::repeat_with(Vec::new).take(info.loops).collect(),
            answer: answer.freeze(),
            fault,
            frames: 0,
        }
    }

    fn join(&self, id: ConnId, member: &mut Member, frame: &Frame<'_>) {
        if let Some(bytes) = frame.body.first_chunk::<4>() {
            let group = u32::from_be_bytes(*bytes);
            member.group = Some(group);
            self.groups.lock().entry(group).or_default().push(id);
        }
    }

    /// Passes a chunk of whole pushes on to all others of the group.
    fn forward(&mut self, conn: &mut Link<'_>, member: &mut Member, chunk: Bytes) {
        let others = member.others.get_or_insert_with(|| {
            let groups = self.groups.lock();
            let all = member.group.and_then(|group| groups.get(&group)).map_or(&[][..], Vec::as_slice);
            let in_loop = |index| {
                let others = all.iter().filter(|other| **other != conn.id() && other.loop_index() == index);
                others.copied().collect()
            };
            (0..self.onward.len()).map(in_loop).collect()
        });
        for (index, there) in others.iter().enumerate() {
            if index == self.index || there.len() == 1 {
                there.iter().for_each(|other| conn.send_to(*other, chunk.clone()));
            } else if !there.is_empty() {
                self.onward[index].push(Command::SendMany { to: Arc::clone(there), chunk: chunk.clone() });
            }
        }
    }
}

impl Handler for Floor {
    type Conn = Member;
    type Mail = std::convert::Infallible;

    fn open(&mut self, _: &mut Link<'_>) -> Member {
        Member::default()
    }

    fn data(&mut self, conn: &mut Link<'_>, member: &mut Member, input: &[u8]) -> usize {
        let mut answers = BytesMut::new();
        let mut pushes = BytesMut::new();
        let mut consumed = 0;
        loop {
            let (frame, used) = match protocol::decode(&input[consumed..], limits::FRAME_BYTES_MAX) {
                Ok(Some(cut)) => cut,
                Ok(None) => break,
                Err(_) => {
                    conn.abort(CloseReason::Handler("not a frame"));
                    return input.len();
                }
            };
            consumed += used;
            let rid = frame.header.rid;
            match MsgId::from_number(frame.header.msgid) {
                Some(MsgId::Hello) => {
                    self.join(conn.id(), member, &frame);
                    write_answer(MsgId::Hello, rid, &[], &mut answers);
                }
                Some(MsgId::Resume) => write_answer(MsgId::Resume, rid, &RESUME_ANSWER, &mut answers),
                _ => {
                    self.frames += 1;
                    let due = self.frames > FAULT_AFTER_FRAMES && !pushes.is_empty();
                    let fault = self.fault.take_if(|_| due);
                    if fault != Some(Fault::Unanswered) {
                        answers.extend_from_slice(&self.answer);
                        let at = answers.len() - self.answer.len() + 8;
                        answers[at..at + 4].copy_from_slice(&rid.to_be_bytes());
                    }
                    write_push(&input[consumed - used..consumed], fault, &mut pushes);
                }
            }
        }
        if !answers.is_empty() {
            conn.send(answers.freeze());
        }
        if !pushes.is_empty() {
            self.forward(conn, member, pushes.freeze());
        }
        consumed
    }

    fn mail(&mut self, _: &mut Link<'_>, _: &mut Member, mail: std::convert::Infallible) {
        match mail {}
    }

    fn closed(&mut self, id: ConnId, member: Member, _: CloseReason) {
        if let Some(group) = member.group {
            self.groups.leave(group, id);
        }
    }

    fn turn_end(&mut self, _: Instant) {
        for (index, batch) in self.onward.iter_mut().enumerate() {
            if !batch.is_empty() {
                // What finds a full mailbox goes with the next turn.
                let _ = self.remote.try_post(index, batch);
            }
        }
    }
}

/// Appends a request's frame as the push that it becomes.
fn write_push(frame: &[u8], fault: Option<Fault>, pushes: &mut BytesMut) {
    let push = |out: &mut BytesMut| {
        let at = out.len();
        out.extend_from_slice(frame);
        out[at + 3] = Flags::PUSH.bits();
        out[at + 4..at + 6].copy_from_slice(&(MsgId::Message as u16).to_be_bytes());
        out[at + 8..at + 12].fill(0);
    };
    match fault {
        None | Some(Fault::Unanswered) => push(pushes),
        Some(Fault::Lose) => {}
        Some(Fault::Double) => {
            push(pushes);
            push(pushes);
        }
        Some(Fault::Swap) => {
            // In front of those that came before it in the same read.
            let earlier = pushes.split_off(0);
            push(pushes);
            pushes.unsplit(earlier);
        }
        Some(Fault::Corrupt) => {
            push(pushes);
            // The last letter of the text, in front of `"}`.
            let at = pushes.len() - 3;
            pushes[at] ^= 1;
        }
    }
}

fn write_answer(msgid: MsgId, rid: u32, body: &[u8], out: &mut BytesMut) {
    let len = body.len() as u32;
    Header { flags: Flags::REPLY, msgid: msgid.into(), code: Code::DONE, rid, len }.encode(out);
    out.put_slice(body);
}

/// The frame that joins a group.
pub(crate) fn join_frame(group: u32) -> BytesMut {
    let mut out = BytesMut::new();
    let msgid = MsgId::Hello.into();
    Header { flags: Flags::REQUEST, msgid, code: Code::DONE, rid: 1, len: 4 }.encode(&mut out);
    out.put_u32(group);
    out
}
