//! Which Redis.

use std::fmt;

use redis::{ConnectionAddr, IntoConnectionInfo};

use super::ConfigError;

/// Where Redis is and who we are to it. Shown without the password, always.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// For keys. Channels are the same in all databases of a Redis: the prefix alone keeps clusters apart there.
    pub(super) database: i64,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

impl Target {
    /// Reads `redis://[user[:password]@]host[:port][/database]`; a password given apart goes before the one in the URL.
    pub(super) fn parse(url: &str, password: Option<&str>) -> Result<Target, ConfigError> {
        // The URL may hold a password: no error may quote it.
        if !url.starts_with("redis://") {
            return Err(ConfigError::Url(
                "it must begin with redis:// (TLS and Unix sockets are not built in)",
            ));
        }
        let info = url.into_connection_info().map_err(|_| ConfigError::Url("it does not parse"))?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(ConfigError::Url("it names no TCP address"));
        };
        let settings = info.redis_settings();
        Ok(Target {
            host: host.clone(),
            port: *port,
            database: settings.db(),
            user: settings.username().map(str::to_owned),
            password: password.or(settings.password()).map(str::to_owned),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "redis://[{}]:{}/{}", self.host, self.port, self.database),
            false => write!(f, "redis://{}:{}/{}", self.host, self.port, self.database),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_shown_without_its_password() {
        let target = Target::parse("redis://ann:hush@cache.example:7000/3", None).unwrap();
        assert_eq!((target.port, target.database), (7000, 3));
        assert_eq!((target.user.as_deref(), target.password.as_deref()), (Some("ann"), Some("hush")));
        assert_eq!(
            format!("{target} {target:?}"),
            "redis://cache.example:7000/3 redis://cache.example:7000/3"
        );
        let apart = Target::parse("redis://[::1]", Some("other")).unwrap();
        assert_eq!(
            (apart.to_string().as_str(), apart.password.as_deref()),
            ("redis://[::1]:6379/0", Some("other"))
        );
    }

    #[test]
    fn a_bad_url_is_refused_without_quoting_it() {
        for url in [
            "rediss://x:hush@h",
            "unix:///hush",
            "redis://h:hush",
            "redis://:hush@",
            "redis://a:hush@h/x",
            "",
        ] {
            let error = Target::parse(url, None).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
