//! One connection to Redis, for one thread.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use redis::{Cmd, Parser, Value};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::clock;
use super::target::Target;

/// How long one address may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 3;
/// How long Redis may take to answer one command, or to take it.
pub const CALL_LIMIT: Duration = Duration::from_millis(500);
/// The longest answer that is read. The longest that is expected, a roll call, has some 100 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The longest text of an error that is kept.
const TEXT_BYTES_MAX: usize = 200;

/// Why Redis did not do it. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WireError {
    /// It cannot be reached, or the connection broke.
    Lost(String),
    /// It did not answer in time.
    TimedOut,
    /// It refused.
    Refused {
        /// Redis's own word for it: `NOAUTH`, `LOADING` …
        code: String,
        text: String,
    },
    /// It said what cannot be understood.
    Garbled,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Lost(cause) => f.write_str(cause),
            WireError::TimedOut => f.write_str("no answer in time"),
            WireError::Refused { code, text } => write!(f, "Redis refused: {code} {text}"),
            WireError::Garbled => f.write_str("Redis answered what was not expected"),
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => WireError::TimedOut,
            _ => WireError::Lost(error.to_string()),
        }
    }
}

impl From<redis::RedisError> for WireError {
    fn from(error: redis::RedisError) -> WireError {
        match error {
            slow if slow.is_timeout() => WireError::TimedOut,
            lost if lost.is_io_error() => WireError::Lost(format!("the connection to Redis broke: {lost}")),
            _ => WireError::Garbled,
        }
    }
}

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// One address to accept it.
    pub(super) connect: Duration,
    /// Redis to answer one command, or to take it.
    pub(super) call: Duration,
}

/// A connection that is greeted and ready. After any [`WireError`] it must not be used again: an answer that came too
/// late would be taken for the next one's.
pub(super) struct Wire {
    stream: TcpStream,
    limit: Duration,
    parser: Parser,
    /// Bytes that came since the last whole answer.
    unfinished: usize,
}

impl Wire {
    /// Connects, says who we are and chooses the database. Takes at most [`CONNECT_LIMIT`] an address and
    /// [`CALL_LIMIT`] for each of two commands, name resolution left out.
    pub(super) fn connect(target: &Target) -> Result<Wire, WireError> {
        Wire::connect_within(target, Limits { connect: CONNECT_LIMIT, call: CALL_LIMIT })
    }

    /// The same, within other limits.
    pub(super) fn connect_within(target: &Target, limits: Limits) -> Result<Wire, WireError> {
        let mut failed = WireError::Lost(format!("the name {} has no address", target.host));
        for address in (target.host.as_str(), target.port).to_socket_addrs()?.take(ADDRESSES_MAX) {
            match TcpStream::connect_timeout(&address, limits.connect) {
                Ok(stream) => return Wire::greet(stream, target, limits.call),
                Err(error) => failed = error.into(),
            }
        }
        Err(failed)
    }

    fn greet(stream: TcpStream, target: &Target, limit: Duration) -> Result<Wire, WireError> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let mut wire = Wire { stream, limit, parser: Parser::new(), unfinished: 0 };
        if let Some(password) = &target.password {
            let mut auth = redis::cmd("AUTH");
            target.user.iter().for_each(|user| {
                auth.arg(user);
            });
            wire.call(auth.arg(password)).map_err(|error| match error {
                // Redis quotes what it does not understand, which here may be the password.
                WireError::Refused { code, .. } => {
                    WireError::Refused { code, text: "the user or the password is not accepted".to_owned() }
                }
                other => other,
            })?;
        }
        if target.database != 0 {
            wire.call(redis::cmd("SELECT").arg(target.database))?;
        } else {
            // So that a missing or wrong password is found here and not at the first use.
            wire.call(&redis::cmd("PING"))?;
        }
        Ok(wire)
    }

    /// One command and its answer, within [`CALL_LIMIT`] (a trickling answer: twice that).
    pub(super) fn call(&mut self, command: &Cmd) -> Result<Value, WireError> {
        self.stream.write_all(&command.get_packed_command())?;
        let reader = Within { stream: &self.stream, deadline: clock::read() + self.limit };
        let value = self.parser.parse_value(Bounded { reader, unfinished: &mut self.unfinished })?;
        self.unfinished = 0;
        refusal(value)
    }

    /// Writes what the socket takes without waiting; how many bytes that was.
    pub(super) fn send_at_once(&mut self, packed: &[u8]) -> Result<usize, WireError> {
        match send(&self.stream, packed, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    /// The next answer if it is there already.
    pub(super) fn answer_at_hand(&mut self) -> Result<Option<Value>, WireError> {
        let reader = Bounded { reader: AtHand(&self.stream), unfinished: &mut self.unfinished };
        match self.parser.parse_value(reader) {
            Ok(value) => {
                self.unfinished = 0;
                refusal(value).map(Some)
            }
            Err(error) if error.is_timeout() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The connection as it is, for a loop that never waits for it.
    pub(super) fn into_parts(self) -> io::Result<(TcpStream, Parser)> {
        self.stream.set_nonblocking(true)?;
        Ok((self.stream, self.parser))
    }
}

/// Answers that are errors, as errors.
pub(super) fn refusal(value: Value) -> Result<Value, WireError> {
    let Value::ServerError(error) = value else { return Ok(value) };
    let mut text = error.details().unwrap_or_default().to_owned();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    Err(WireError::Refused { code: error.code().to_owned(), text })
}

/// Reads no more than [`ANSWER_BYTES_MAX`] of one answer: the parser would keep them all.
struct Bounded<'a, R> {
    reader: R,
    unfinished: &'a mut usize,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.unfinished > ANSWER_BYTES_MAX {
            return Err(io::Error::other("an answer is longer than the limit"));
        }
        let length = self.reader.read(buffer)?;
        *self.unfinished += length;
        Ok(length)
    }
}

/// Reads with the socket's own time-out, but not for ever in small pieces.
struct Within<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for Within<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if clock::read() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.read(buffer)
    }
}

/// Reads what is there, from a socket that otherwise waits.
struct AtHand<'a>(&'a TcpStream);

impl Read for AtHand<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match recv(self.0, buffer, RecvFlags::DONTWAIT) {
            Ok((length, _)) => Ok(length),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_answer_is_not_kept() {
        for begin in [b"$2000000000\r\n".as_slice(), b"+", b"*3\r\n$1900000000\r\n"] {
            let mut unfinished = 0;
            let reader = Bounded { reader: begin.chain(io::repeat(b'x')), unfinished: &mut unfinished };
            let error = WireError::from(Parser::new().parse_value(reader).unwrap_err());
            assert!(error.to_string().contains("longer than the limit"), "{error}");
            assert!(unfinished < ANSWER_BYTES_MAX * 2, "{unfinished}");
        }
    }
}
