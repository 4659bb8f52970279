//! What a node counts, read at its admin address.

use std::collections::HashMap;

use crate::support::{Server, ask};

/// The numbers of a node at one moment.
pub(super) struct Numbers(HashMap<String, f64>);

/// Reads them.
pub(super) fn scrape(server: &Server) -> Numbers {
    let (status, body) = ask(server.admin_address(), "/metrics");
    assert_eq!(status, 200, "{body}");
    let lines = body.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let number = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|error| panic!("{error}: {line}")))
    };
    Numbers(lines.map(number).collect())
}

impl Numbers {
    /// A number by its name without the prefix that all have.
    pub(super) fn value(&self, name: &str) -> f64 {
        *self.0.get(&format!("chat_{name}")).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// Messages of the bus that were dropped, for whatever reason.
    pub(super) fn dropped(&self) -> f64 {
        let reasons = [
            "bus_dropped_malformed_total",
            "bus_dropped_unknown_format_total",
            "bus_dropped_outdated_total",
            "gateway_bus_malformed_total",
        ];
        reasons.iter().map(|reason| self.value(reason)).sum()
    }
}
