//! The Lua scripts: each one step that no other node can come between.

use std::sync::LazyLock;

use redis::{Cmd, Value};

use super::wire::{Wire, WireError};

/// A script and its hash.
pub(super) struct Script {
    body: String,
    hash: String,
}

macro_rules! scripts {
    ($($name:ident: $file:literal,)*) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("scripts/prelude.lua"), include_str!($file))));)*
    };
}

scripts! {
    REGISTER: "scripts/register.lua",
    RENEW: "scripts/renew.lua",
    LEAVE: "scripts/leave.lua",
    ARRIVE: "scripts/arrive.lua",
    DEPART: "scripts/depart.lua",
    SETTLE: "scripts/settle.lua",
    STATES: "scripts/states.lua",
    SESSIONS: "scripts/sessions.lua",
    CLEAN: "scripts/clean.lua",
    HISTORY_KEEP: "scripts/history_keep.lua",
    HISTORY_SAID: "scripts/history_said.lua",
    HISTORY_FORGET: "scripts/history_forget.lua",
}

impl Script {
    fn new(body: &str) -> Script {
        Script { body: body.to_owned(), hash: redis::Script::new(body).get_hash().to_owned() }
    }

    /// Runs it. Redis may not know it, or not any more: then it is sent in full.
    pub(super) fn run(&self, wire: &mut Wire, prefix: &str, args: &Args) -> Result<Value, WireError> {
        match wire.call(&self.command("EVALSHA", &self.hash, prefix, args)) {
            Err(WireError::Refused { code, .. }) if code == "NOSCRIPT" => {
                wire.call(&self.command("EVAL", &self.body, prefix, args))
            }
            other => other,
        }
    }

    fn command(&self, name: &str, what: &str, prefix: &str, args: &Args) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(what).arg(1).arg(format!("{prefix}leases")).arg(prefix).arg(&args.0);
        command
    }
}

/// The arguments after the prefix.
#[derive(Default)]
pub(super) struct Args(Vec<Vec<u8>>);

impl Args {
    pub(super) fn text(mut self, text: impl AsRef<[u8]>) -> Args {
        self.0.push(text.as_ref().to_vec());
        self
    }

    pub(super) fn texts(mut self, texts: impl IntoIterator<Item = Vec<u8>>) -> Args {
        self.0.extend(texts);
        self
    }

    pub(super) fn number(mut self, number: impl ToString) -> Args {
        self.0.push(number.to_string().into_bytes());
        self
    }

    pub(super) fn numbers(mut self, numbers: impl IntoIterator<Item = u64>) -> Args {
        self.0.extend(numbers.into_iter().map(|number| number.to_string().into_bytes()));
        self
    }
}

/// A word that a script answered.
pub(super) fn word(value: &Value) -> Option<&str> {
    str::from_utf8(bytes(value)?).ok()
}

/// A word that may be no text.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// A list that a script answered.
pub(super) fn list(value: Value) -> Result<Vec<Value>, WireError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(WireError::Garbled),
    }
}
