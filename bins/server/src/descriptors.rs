//! How many files and sockets this process may open: as many as it is allowed, and a word if that is too few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a node opens besides its clients: the log, loops, the admin address and its 64 connections, pools and Redis.
const BESIDES: u64 = 200;

/// Raises the soft limit, often 1,024 in a shell, to the hard one. Nothing here uses select(2), which is why there is a
/// lower one. Returns the limit that holds then; `None`: there is none.
pub(crate) fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if raised.is_ok() { limit.maximum } else { limit.current }
}

/// A sentence for the operator if so many connections will not fit under the limit.
pub(crate) fn shortage(connections_max: usize, limit: Option<u64>) -> Option<String> {
    let limit = limit?;
    let needed = connections_max as u64 + BESIDES;
    (limit < needed).then(|| {
        format!(
            "connections_max is {connections_max}, but this process may open only {limit} descriptors: let it open \
             {needed} (LimitNOFILE in systemd, ulimit -n), or lower connections_max"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_suffices_or_is_told() {
        assert_eq!(shortage(16_384, None), None);
        assert_eq!(shortage(16_384, Some(16_584)), None);
        let sentence = shortage(16_384, Some(16_583)).unwrap();
        assert!(sentence.contains("16583 descriptors: let it open 16584"), "{sentence}");
    }
}
