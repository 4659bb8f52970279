//! The command line: as typed, then as meant.

use std::fs;
use std::net::Ipv6Addr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use client::store::Keep;
use protocol::Secret;

use crate::notify::Notify;

/// Chat on a terminal, or from a script.
///
/// Without --command, commands are read from the terminal, or line by line from standard input if that is no terminal.
/// /help lists them.
#[derive(Debug, Parser)]
#[command(name = "client", version, max_term_width = 100, after_help = PASSWORDS)]
pub(crate) struct Args {
    /// Where the server listens
    #[arg(long, value_name = "HOST:PORT", env = "CHAT_SERVER", default_value = "127.0.0.1:7000", value_parser = address)]
    pub(crate) server: String,

    /// Go on as this account, if it was logged in on this device before
    #[arg(long, value_name = "NAME", env = "CHAT_ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Keep session and messages in this file instead of one per account under $XDG_STATE_HOME/chat
    #[arg(long, value_name = "FILE", conflicts_with = "no_state")]
    pub(crate) state: Option<PathBuf>,

    /// Remember nothing
    #[arg(long)]
    pub(crate) no_state: bool,

    /// Keep only the newest messages of each conversation here; the server has the others. Default: all
    #[arg(long, value_name = "N", env = "CHAT_KEEP_MESSAGES", value_parser = at_least_one)]
    pub(crate) keep_messages: Option<u64>,

    /// Keep only messages of the last days here. Default: all
    #[arg(long, value_name = "DAYS", env = "CHAT_KEEP_DAYS", value_parser = at_least_one)]
    pub(crate) keep_days: Option<u64>,

    /// This device's name, as /sessions shows it; default: the host's name
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,

    /// Take the passwords that commands ask for from the first line of this file; CHAT_PASSWORD does the same
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Run this command; repeat it for more, they run in order
    #[arg(long = "command", short = 'c', value_name = "COMMAND")]
    pub(crate) commands: Vec<String>,

    /// Print one JSON object a line: each command's outcome and each event
    #[arg(long)]
    pub(crate) json: bool,

    /// Neither ring the terminal's bell nor set its title
    #[arg(long)]
    pub(crate) no_notify: bool,

    /// Do not tell others that something is being typed to them
    #[arg(long)]
    pub(crate) no_typing: bool,

    /// In scripts: how long to wait for the connection, for an answer, and in /wait
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) wait: u64,

    /// Print the manual page, for man(1)
    #[arg(long)]
    pub(crate) manual: bool,

    /// What to log on standard error: a level or a filter as in RUST_LOG
    #[arg(long, value_name = "FILTER", default_value = "off")]
    pub(crate) log: String,
}

/// What --help says in the end.
const PASSWORDS: &str = "Scripts give the password in the variable CHAT_PASSWORD or by --password-file: arguments, and those of commands, can be read by other users of the machine.";

/// The environment variable with the password for scripts. A flag could be read by everybody in the list of processes.
const PASSWORD_VARIABLE: &str = "CHAT_PASSWORD";

/// The longest wait: a day.
const WAIT_SECONDS_MAX: u64 = 86_400;

/// `HOST:PORT`. What is none would be tried for ever: names are looked up anew at each attempt.
fn address(text: &str) -> Result<String, String> {
    let is_host = |host: &str| match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(|c: char| c == ':' || c == '/' || c.is_whitespace()),
    };
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<NonZeroU16>().is_ok() => Ok(text.to_owned()),
        _ => Err("HOST:PORT is expected, such as chat.example.org:7000 or [::1]:7000".to_owned()),
    }
}

/// A number that is not 0: to keep nothing is said otherwise.
fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1; --no-state keeps nothing".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("a number is expected, 1 or more".to_owned()),
    }
}

impl Args {
    /// The device's name.
    pub(crate) fn device_name(&self) -> String {
        let host = || fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = self.device.clone().unwrap_or_else(host);
        match name.trim() {
            "" => "terminal".to_owned(),
            name => name.to_owned(),
        }
    }

    /// How much is kept of what was said.
    pub(crate) fn keep(&self) -> Keep {
        Keep { messages: self.keep_messages, days: self.keep_days }
    }

    /// Whether a terminal is drawn attention to. One that calls itself dumb would print the title.
    pub(crate) fn notify(&self) -> Notify {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if self.no_notify || dumb { Notify::Off } else { Notify::On }
    }

    /// How long scripts wait.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.wait.min(WAIT_SECONDS_MAX))
    }

    /// The password that was given for all commands, from the file or the environment.
    pub(crate) fn password(&self) -> Result<Option<Secret>, String> {
        if let Some(file) = &self.password_file {
            let text = fs::read_to_string(file)
                .map_err(|error| format!("--password-file {}: {error}", file.display()))?;
            return Ok(Some(Secret::new(text.lines().next().unwrap_or_default())));
        }
        match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) if !password.is_empty() => Ok(Some(Secret::new(password))),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_host_and_a_port() {
        for good in ["localhost:7000", "127.0.0.1:1", "[::1]:7000", "chat.example.org:65535"] {
            assert_eq!(address(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "foo",
            "foo:",
            ":7000",
            "foo:x",
            "foo:0",
            "foo:65536",
            "::1",
            "::1:7000",
            "[::1]",
            "http://foo:80",
            "a b:1",
        ] {
            assert!(address(bad).is_err_and(|why| why.contains("HOST:PORT is expected")), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_counted_from_one() {
        let refused = |days: &str| {
            let parsed = Args::try_parse_from(["client", "--keep-days", days]);
            parsed.expect_err("no number of days").to_string()
        };
        assert!(refused("0").contains("it must be at least 1; --no-state keeps nothing"), "{}", refused("0"));
        assert!(refused("many").contains("a number is expected, 1 or more"));
        let parsed = Args::try_parse_from(["client", "--keep-days", "7"]).expect("a number");
        assert_eq!(parsed.keep_days, Some(7));
    }

    #[test]
    fn help_says_how_scripts_give_the_password() {
        use clap::CommandFactory;
        let help = Args::command().render_help().to_string();
        assert!(
            help.contains(&format!("in the variable {PASSWORD_VARIABLE} or by --password-file")),
            "{help}"
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
