//! Where settings come from: flags before environment before file before defaults. Everything is still text here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use crate::setting::{SETTINGS, Setting, VARIABLE_PREFIX, find};

/// Names the settings file.
const CONFIG_VARIABLE: &str = "CHAT_CONFIG";

/// What to do with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Serve.
    Run,
    /// Say whether they are right, and leave.
    CheckConfig,
    /// Give the log another epoch, and leave.
    NewEpoch,
}

/// A wrong setting: one line that names the key and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the file {}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    #[error("the file {} is not TOML: {cause}", path.display())]
    Toml { path: PathBuf, cause: String },
    #[error("{key} in the file {} is not a setting; server --help lists them", path.display())]
    Unknown { key: String, path: PathBuf },
    #[error("{key} in the file {} must be a text, a whole number or a list of texts", path.display())]
    Form { key: String, path: PathBuf },
    #[error("{key} ({origin}): {cause}")]
    Value { key: &'static str, origin: Origin, cause: String },
}

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag --{flag}"),
            Origin::Variable(name) => write!(f, "environment variable {name}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// The raw values of one start.
pub(crate) struct Sources {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// Settings that were asked for: a test finds out those that nobody uses.
    used: RefCell<BTreeSet<&'static str>>,
}

/// The command line, made from the table.
pub(crate) fn command() -> Command {
    let mut command = Command::new("server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A chat server. Without any setting it listens on 127.0.0.1:7000 and stores in ./data.")
        .after_help("Flags come before environment variables, those before the file, that before defaults.")
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .global(true)
                .help("Settings file in TOML, see server.example.toml [env: CHAT_CONFIG]"),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Check all settings, say what is wrong, and leave"),
        )
        .arg(
            Arg::new("new-epoch")
                .long("new-epoch")
                .action(ArgAction::SetTrue)
                .conflicts_with("check-config")
                .help(
                    "After a restore, while no node runs: give the log another epoch, so that clients drop what the \
                     backup does not have, and leave",
                ),
        );
    command = command.subcommand(crate::broadcast::command());
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "none" } else { setting.default };
        let help = format!("{} [env: {}] [default: {default}]", setting.help, setting.variable());
        command = command.arg(
            Arg::new(setting.key)
                .long(setting.flag())
                .value_name("VALUE")
                .allow_hyphen_values(true)
                // A command to a running node needs these, and may name them behind its own name.
                .global(matches!(setting.key, "admin" | "admin_token_file"))
                .help(help),
        );
    }
    command
}

/// A sentence for each environment variable that looks like a setting and is none. It is a warning and no error, since others
/// may have put the variable there: Kubernetes does so for a service that is called `chat`.
pub(crate) fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    let is_known =
        |name: &str| name == CONFIG_VARIABLE || SETTINGS.iter().any(|setting| setting.variable() == name);
    let mut names: Vec<_> =
        names.filter(|name| name.starts_with(VARIABLE_PREFIX) && !is_known(name)).collect();
    names.sort();
    let sentence = |name| {
        format!("the environment variable {name} is no setting of the server; server --help lists them")
    };
    names.into_iter().map(sentence).collect()
}

impl Sources {
    /// Gathers values from parsed flags, `variable` (the environment) and the file that they name.
    pub(crate) fn gather(
        flags: &clap::ArgMatches,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Sources, Mode), ConfigError> {
        let file = flags.get_one::<String>("config").cloned().or_else(|| variable(CONFIG_VARIABLE));
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            values.insert(setting.key, (setting.default.to_owned(), Origin::Default));
        }
        if let Some(path) = file.map(PathBuf::from) {
            for (setting, value) in read_file(&path)? {
                values.insert(setting.key, (value, Origin::File(path.clone())));
            }
        }
        for setting in SETTINGS {
            if let Some(value) = variable(&setting.variable()) {
                values.insert(setting.key, (value, Origin::Variable(setting.variable())));
            }
            if let Some(value) = flags.get_one::<String>(setting.key) {
                values.insert(setting.key, (value.clone(), Origin::Flag(setting.flag())));
            }
        }
        let mode = if flags.get_flag("check-config") {
            Mode::CheckConfig
        } else if flags.get_flag("new-epoch") {
            Mode::NewEpoch
        } else {
            Mode::Run
        };
        Ok((Sources { values, used: RefCell::default() }, mode))
    }

    /// The text of a setting, as typed.
    pub(crate) fn text(&self, key: &'static str) -> &str {
        self.used.borrow_mut().insert(key);
        self.values.get(key).map_or("", |(value, _)| value.as_str())
    }

    /// A whole number within a range.
    pub(crate) fn number(
        &self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let text = self.text(key);
        let number =
            text.parse::<u64>().map_err(|_| self.wrong(key, format!("\"{text}\" is not a whole number")))?;
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self.wrong(key, format!("{number} is not within {} to {}", range.start(), range.end())))
    }

    /// An error about a setting's value.
    pub(crate) fn wrong(&self, key: &'static str, cause: impl Into<String>) -> ConfigError {
        let origin = self.values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone());
        ConfigError::Value { key, origin, cause: cause.into() }
    }

    #[cfg(test)]
    pub(crate) fn unused(&self) -> Vec<&'static str> {
        SETTINGS.iter().map(|setting| setting.key).filter(|key| !self.used.borrow().contains(key)).collect()
    }
}

fn read_file(path: &Path) -> Result<Vec<(&'static Setting, String)>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::File { path: path.to_owned(), cause: error.to_string() })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Toml {
        path: path.to_owned(),
        // One line: the message without the picture of the place.
        cause: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
    let mut values = Vec::new();
    for (key, value) in table {
        let setting =
            find(&key).ok_or_else(|| ConfigError::Unknown { key: key.clone(), path: path.to_owned() })?;
        let text = plain(&value).ok_or_else(|| ConfigError::Form { key, path: path.to_owned() })?;
        values.push((setting, text));
    }
    Ok(values)
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| part.as_str()).collect();
            parts.map(|parts| parts.join(","))
        }
        _ => None,
    }
}
