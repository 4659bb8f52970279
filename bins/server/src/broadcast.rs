//! `server broadcast`: an operator's command to a running node, over its admin address.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use domain::Entropy;
use model::SystemEntropy;
use protocol::limits::BROADCAST_BYTES_MAX;

use crate::config::AdminAccess;
use crate::orders::Order;

/// How long the node may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to answer. It is not known to be done after that, nor not to be.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(70);

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Who gives the command, where the machine knows it: the one before sudo, then the one logged in.
const OPERATOR_VARIABLES: [&str; 3] = ["SUDO_USER", "USER", "LOGNAME"];

/// How the command is typed.
pub(crate) fn command() -> Command {
    let arg = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).allow_hyphen_values(true).help(help)
    };
    Command::new("broadcast")
        .about(
            "Tell every user something, through a running node: who is online gets it now, everybody else at their next \
             sign-in. Asks the node at the setting `admin`, with the token of `admin_token_file`.",
        )
        .arg(arg("text", "TEXT", "What to tell them. Without it, it is read from the standard input"))
        .arg(arg("operator", "NAME", "Who says so, for the node's log [default: SUDO_USER, USER or LOGNAME]"))
        .arg(arg("key", "KEY", "What makes a repeat of this command harmless [default: a new one]"))
}

/// Gives the command; a sentence that says what was done, or an error that says what was not.
pub(crate) fn run(
    typed: &ArgMatches,
    access: &AdminAccess,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let own = |name| typed.get_one::<String>(name).cloned();
    let text = match own("text") {
        Some(text) => text,
        None => read_text(io::stdin().lock())?,
    };
    let operator = own("operator")
        .or_else(|| OPERATOR_VARIABLES.into_iter().find_map(&variable))
        .ok_or("say who you are: --operator NAME")?;
    let key = own("key").unwrap_or_else(new_key);
    let order = serde_json::to_vec(&Order { key: key.clone(), operator, text })
        .map_err(|error| format!("the order cannot be written: {error}"))?;
    let mut stream = TcpStream::connect_timeout(&access.address, CONNECT_TIMEOUT)
        .map_err(|error| format!("no node answers at {}, nothing was done: {error}", access.address))?;
    match ask(&mut stream, access, &order) {
        Ok((200, sentence)) => {
            Ok(format!("{sentence}: who is online gets it now, everybody else at their next sign-in"))
        }
        Ok((503, sentence)) => Err(format!("{sentence} (repeat it with --key {key}, which does it once)")),
        Ok((_, sentence)) => Err(sentence),
        Err(error) => Err(format!(
            "the node at {} did not answer: {error}; it may have been done: repeat it with --key {key}, which does it once",
            access.address
        )),
    }
}

/// All of it, without the line break at its end.
fn read_text(input: impl Read) -> Result<String, String> {
    let mut text = Vec::new();
    // A text that fits, its line break, and one byte that says that it does not.
    let max = BROADCAST_BYTES_MAX + "\r\n".len();
    input
        .take(max as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("the standard input cannot be read: {error}"))?;
    if text.len() > max {
        return Err(format!("a broadcast has at most {BROADCAST_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(text).map_err(|_| "what the standard input says is not UTF-8".to_owned())?;
    let trimmed = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(trimmed.unwrap_or(&text).to_owned())
}

fn new_key() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Posts the order; status and body of the answer.
fn ask(stream: &mut TcpStream, access: &AdminAccess, order: &[u8]) -> io::Result<(u16, String)> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
    let head = format!(
        "POST /broadcasts HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        access.address,
        access.token.0,
        order.len()
    );
    stream.write_all(&[head.as_bytes(), order].concat())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let parsed = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
        Some((status, body.trim_end().to_owned()))
    });
    parsed
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what answers is no node's admin address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_the_standard_input_loses_its_last_line_break() {
        for (typed, text) in
            [("hi", "hi"), ("hi\n", "hi"), ("hi\r\n", "hi"), ("a\nb\n\n", "a\nb\n"), ("", "")]
        {
            assert_eq!(read_text(typed.as_bytes()).as_deref(), Ok(text));
        }
        let long = "x".repeat(BROADCAST_BYTES_MAX);
        assert_eq!(read_text(format!("{long}\r\n").as_bytes()), Ok(long.clone()));
        assert!(read_text(format!("{long}{long}").as_bytes()).is_err());
        assert!(read_text(&b"\xff\xfe"[..]).is_err());
    }

    #[test]
    fn keys_are_new() {
        assert_ne!(new_key(), new_key());
        assert_eq!(new_key().len(), 32);
    }
}
