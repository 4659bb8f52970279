//! The handle that the application holds.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::{Poll, Waker};
use protocol::{
    ChangePassword, DeleteAccount, GroupChat, Login, OneChat, OwnedGroups, PasswordProof, Recover, Recovered,
    Reg, Registered, Reply, Request, Secret, Sent, SignedIn,
};
use rand::random;

use crate::config::Config;
use crate::error::{ClientError, Happened};
use crate::events::{Events, Taken};
use crate::io_thread::{self, Command, IoThread};
use crate::limits::{CALLS_MAX, CLOSE_TIMEOUT_MS, EVENTS_MAX};
use crate::list_versions::ListVersions;
use crate::msg_id::MsgIds;
use crate::reading::Reading;
use crate::session::CallId;
use crate::sync_state::SyncState;

/// A chat client: clones are cheap, and any thread may use them. Its one connection, and the thread that owns it, end
/// with [`Client::close`] or with the last clone.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

/// A call that was submitted. Dropping it does not take the request back.
#[derive(Debug)]
#[must_use = "the answer says whether it was done"]
pub struct Pending {
    answer: Receiver<Result<Reply, ClientError>>,
    timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    /// Calls that wait for their answer; bounded by [`CALLS_MAX`].
    waiting: Arc<AtomicUsize>,
    next_call: AtomicU64,
    msg_ids: Mutex<MsgIds>,
    call_timeout: Duration,
}

/// How much longer than the session a caller waits: by then its own deadline has passed there.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

impl Client {
    /// Starts a client. It connects at once and for as long as it lives: a server that is not there is told as
    /// [`Event::Disconnected`](crate::Event::Disconnected), not as an error.
    ///
    /// # Errors
    /// When the system gives no thread or no poll descriptor.
    pub fn connect(config: Config) -> io::Result<(Client, Events)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), io_thread::WAKER)?);
        let taken = Arc::new(Taken::new(Arc::clone(&waker)));
        let (commands, commands_in) = channel();
        let (events_out, receiver) = sync_channel(EVENTS_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            commands,
            waker,
            waiting: Arc::clone(&waiting),
            next_call: AtomicU64::new(0),
            msg_ids: Mutex::new(MsgIds::new()),
            call_timeout: config.call_timeout,
        };
        let io = IoThread::new(poll, config, random(), commands_in, events_out, Arc::clone(&taken), waiting);
        thread::Builder::new().name("chat-client".to_owned()).spawn(move || io.run())?;
        Ok((Client { shared: Arc::new(shared) }, Events { receiver, taken }))
    }

    /// Makes a request and waits for its answer, as long as [`Config::call_timeout`](Config) says. Do not call it from
    /// the thread that takes the events and expect events meanwhile.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub fn call(&self, request: Request) -> Result<Reply, ClientError> {
        self.submit(request)?.wait()
    }

    /// Makes a request without waiting: several may be under way.
    ///
    /// # Errors
    /// [`ClientError::QueueFull`] or [`ClientError::Closed`]; nothing was sent then.
    pub fn submit(&self, request: Request) -> Result<Pending, ClientError> {
        self.submit_within(request, self.shared.call_timeout)
    }

    /// Like [`Client::submit`], with a time of its own. A message for a friend may well wait for minutes until there is a
    /// connection again.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub fn submit_within(&self, request: Request, timeout: Duration) -> Result<Pending, ClientError> {
        let shared = &self.shared;
        if shared.waiting.fetch_add(1, Ordering::SeqCst) >= CALLS_MAX {
            shared.waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(ClientError::QueueFull);
        }
        let (sender, answer) = sync_channel(1);
        let call = CallId(shared.next_call.fetch_add(1, Ordering::SeqCst));
        self.command(Command::Call { call, request, timeout, answer: sender })?;
        Ok(Pending { answer, timeout })
    }

    /// Registers a name. What is returned holds the recovery codes: nobody gives them out again.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn register(&self, name: &str, password: Secret) -> Result<Registered, ClientError> {
        match self.call(Request::Reg(Reg { name: name.to_owned(), password }))? {
            Reply::Reg(registered) => Ok(registered),
            other => Err(other_answer("REG", &other)),
        }
    }

    /// Sets a new password. The user's other sessions end.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn change_password(&self, password: Secret, new_password: Secret) -> Result<(), ClientError> {
        match self.call(Request::ChangePassword(ChangePassword { password, new_password }))? {
            Reply::ChangePassword(_) => Ok(()),
            other => Err(other_answer("CHANGE_PASSWORD", &other)),
        }
    }

    /// Sets a new password by a recovery code, while nobody is logged in. All sessions of the user end.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn recover(&self, recover: Recover) -> Result<Recovered, ClientError> {
        match self.call(Request::Recover(recover))? {
            Reply::Recover(recovered) => Ok(recovered),
            other => Err(other_answer("RECOVER", &other)),
        }
    }

    /// Replaces all recovery codes by new ones.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn new_recovery_codes(&self, password: Secret) -> Result<Vec<Secret>, ClientError> {
        match self.call(Request::NewRecoveryCodes(PasswordProof { password }))? {
            Reply::NewRecoveryCodes(new) => Ok(new.recovery_codes),
            other => Err(other_answer("NEW_RECOVERY_CODES", &other)),
        }
    }

    /// Ends the account for good. This session is over then, as all others of the user.
    pub fn delete_account(&self, password: Secret, owned: OwnedGroups) -> Result<(), ClientError> {
        match self.call(Request::DeleteAccount(DeleteAccount { password, owned }))? {
            Reply::DeleteAccount(_) => Ok(()),
            other => Err(other_answer("DELETE_ACCOUNT", &other)),
        }
    }

    /// Logs in. What was said meanwhile then comes as events.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn log_in(&self, login: Login) -> Result<SignedIn, ClientError> {
        match self.call(Request::Login(login))? {
            Reply::Login(bundle) => Ok(bundle),
            other => Err(other_answer("LOGIN", &other)),
        }
    }

    /// Says something to a friend, and waits until it is stored.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn say_to_friend(&self, to: u64, msg: &str) -> Result<Sent, ClientError> {
        let client_msg_id = self.next_msg_id();
        match self.call(Request::OneChat(OneChat {
            to,
            msg: msg.to_owned(),
            client_msg_id,
            ..OneChat::default()
        }))? {
            Reply::OneChat(sent) => Ok(sent),
            other => Err(other_answer("ONE_CHAT", &other)),
        }
    }

    /// Says something in a group, and waits until it is stored.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn say_in_group(&self, groupid: u64, msg: &str) -> Result<Sent, ClientError> {
        let client_msg_id = self.next_msg_id();
        match self.call(Request::GroupChat(GroupChat {
            groupid,
            msg: msg.to_owned(),
            client_msg_id,
            ..GroupChat::default()
        }))? {
            Reply::GroupChat(sent) => Ok(sent),
            other => Err(other_answer("GROUP_CHAT", &other)),
        }
    }

    /// A new `client_msg_id`.
    pub fn next_msg_id(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.shared.msg_ids.lock().unwrap_or_else(PoisonError::into_inner).next(now_ms, random())
    }

    /// What to remember for the next client: everything that was taken from [`Events`] so far.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn sync_state(&self) -> Result<SyncState, ClientError> {
        let (sender, state) = sync_channel(1);
        self.command(Command::Snapshot(sender))?;
        state.recv().map_err(|_| ClientError::Closed)
    }

    /// Says that somebody looked at everything of a conversation up to `seq`. The server is told a moment later, and the other
    /// user and the own other devices by it. That goes for own messages too, once they came as events: to say something
    /// tells the server nothing of what was read.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn read(&self, conv: u64, seq: u64) -> Result<(), ClientError> {
        self.command(Command::Read { conv, seq })
    }

    /// Says that somebody is writing something in a conversation. The server is told at most once in
    /// [`TYPING_EVERY_MS`](crate::limits::TYPING_EVERY_MS) for it, and only while there is a session: call it with each key.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn typing(&self, conv: u64) -> Result<(), ClientError> {
        self.command(Command::Typing { conv })
    }

    /// How far everybody got, by conversation: what is unread, and what became of own messages. Complete when the sync is.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn readings(&self) -> Result<BTreeMap<u64, Reading>, ClientError> {
        let (sender, readings) = sync_channel(1);
        self.command(Command::Readings(sender))?;
        readings.recv().map_err(|_| ClientError::Closed)
    }

    /// Takes what an earlier client left behind; with a token the session goes on with it. Does nothing but keep the
    /// cursors while somebody is logged in.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn restore(&self, state: SyncState) -> Result<(), ClientError> {
        self.command(Command::Restore(Box::new(state)))
    }

    /// Says which lists the application holds whole. When the session goes on after a lost connection, one that did not
    /// change meanwhile is not sent again: the event's bundle says so, and who of the friends is online. What the bundle
    /// brings anew is held when the application says so again.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn hold_lists(&self, lists: ListVersions) -> Result<(), ClientError> {
        self.command(Command::Hold(lists))
    }

    /// Acknowledges what was taken, waits until the server has it ([`CLOSE_TIMEOUT_MS`] at most) and closes the
    /// connection. The session stays, for RESUME. What to remember for the next client is returned. Calls that wait
    /// have failed.
    ///
    /// # Errors
    /// [`ClientError::Closed`] if another clone did it before.
    pub fn close(self) -> Result<SyncState, ClientError> {
        let (sender, state) = sync_channel(1);
        self.command(Command::Close(sender))?;
        let limit = Duration::from_millis(CLOSE_TIMEOUT_MS) + ANSWER_GRACE;
        state.recv_timeout(limit).map_err(|_| ClientError::Closed)
    }

    fn command(&self, command: Command) -> Result<(), ClientError> {
        self.shared.commands.send(command).map_err(|_| ClientError::Closed)?;
        if let Err(error) = self.shared.waker.wake() {
            log::warn!("the I/O thread cannot be woken: {error}");
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The I/O thread finds the end of its commands.
        let _ = self.commands.send(Command::Abandoned);
        let _ = self.waker.wake();
    }
}

impl Pending {
    /// Waits for the answer. It comes in any case, at the latest when the call's time is over.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub fn wait(self) -> Result<Reply, ClientError> {
        match self.answer.recv_timeout(self.timeout + ANSWER_GRACE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(ClientError::Closed),
            Err(RecvTimeoutError::Timeout) => {
                // The I/O thread is stuck in resolving a name.
                let may_have_happened = Happened::Perhaps;
                Err(ClientError::TimedOut { after: self.timeout, may_have_happened })
            }
        }
    }

    /// Waits for the answer for so long only; it may be waited for again. Whoever looks at something else as well, such as a key
    /// that gives the call up, waits so in a loop.
    pub fn wait_within(&self, limit: Duration) -> Option<Result<Reply, ClientError>> {
        match self.answer.recv_timeout(limit) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(ClientError::Closed)),
        }
    }

    /// The answer, if it is there.
    pub fn poll(&self) -> Option<Result<Reply, ClientError>> {
        self.answer.try_recv().ok()
    }
}

/// Cannot come: the session compares the types of requests and replies.
fn other_answer(request: &'static str, other: &Reply) -> ClientError {
    ClientError::BadAnswer { request, why: format!("the answer is a {}", other.msgid().name()) }
}

/// Where the answer to a call goes.
pub(crate) type AnswerTo = SyncSender<Result<Reply, ClientError>>;
