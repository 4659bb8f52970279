//! Prometheus' text format, version 0.0.4.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use std::fmt::{Display, Write as _};

use gateway::HistogramSnapshot;

/// A page of metrics in the making. A family's samples follow its head.
#[derive(Default)]
pub(crate) struct Page(String);

/// What a family's numbers mean to whoever computes with them.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Page {
    /// The page as text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// One number.
    pub(crate) fn number(&mut self, name: &str, help: &str, kind: Kind, value: impl Display) {
        self.head(name, help, kind);
        self.line(name, format_args!(""), value);
    }

    /// A 1 whose labels, in braces, are what is told.
    pub(crate) fn info(&mut self, name: &str, help: &str, labels: &str) {
        self.head(name, help, Kind::Gauge);
        self.line(name, format_args!("{labels}"), 1);
    }

    /// One number for each value of a label. Label values are ours: they need no quoting.
    pub(crate) fn labelled(
        &mut self,
        (name, help, kind): (&str, &str, Kind),
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) {
        self.head(name, help, kind);
        for (value, number) in values {
            self.line(name, format_args!("{{{label}=\"{value}\"}}"), number);
        }
    }

    /// Everything that a part counts, as it tells it, under a prefix. By convention counters end in `_total`, and times are told
    /// in seconds whatever they are counted in.
    pub(crate) fn part(
        &mut self,
        prefix: &str,
        kind: Kind,
        numbers: impl Iterator<Item = (&'static str, &'static str, u64)>,
    ) {
        for (name, help, value) in numbers {
            let total = if matches!(kind, Kind::Counter) { "_total" } else { "" };
            match in_seconds(name) {
                Some(name) => {
                    let help = help.replace("microseconds", "seconds");
                    self.number(&format!("{prefix}_{name}{total}"), &help, kind, value as f64 / 1e6);
                }
                None => self.number(&format!("{prefix}_{name}{total}"), help, kind, value),
            }
        }
    }

    /// A histogram; what was counted is divided by `unit`.
    pub(crate) fn histogram(&mut self, name: &str, help: &str, unit: f64, histogram: &HistogramSnapshot) {
        self.head(name, help, Kind::Histogram);
        let bucket = format!("{name}_bucket");
        for &(bound, count) in &histogram.buckets {
            self.line(&bucket, format_args!("{{le=\"{}\"}}", bound as f64 / unit), count);
        }
        self.line(&bucket, format_args!("{{le=\"+Inf\"}}"), histogram.count);
        self.line(&format!("{name}_sum"), format_args!(""), histogram.sum as f64 / unit);
        self.line(&format!("{name}_count"), format_args!(""), histogram.count);
    }

    fn head(&mut self, name: &str, help: &str, kind: Kind) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {}\n# TYPE {name} {kind}", plain(help));
    }

    fn line(&mut self, name: &str, labels: std::fmt::Arguments<'_>, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// A name in seconds for one in microseconds: `lag_us_max` is `lag_seconds_max`.
fn in_seconds(name: &str) -> Option<String> {
    let parts: Vec<_> = name.split('_').map(|part| if part == "us" { "seconds" } else { part }).collect();
    let renamed = parts.join("_");
    (renamed != name).then_some(renamed)
}

/// A doc comment as a line of help: its links are for rustdoc only.
fn plain(help: &str) -> String {
    help.trim().replace("[`", "`").replace("`]", "`").replace('\\', "\\\\").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_the_format_says() {
        let mut page = Page::default();
        page.part(
            "chat_x",
            Kind::Counter,
            [("wait_us", " In microseconds, see [`X`].", 1_500_000)].into_iter(),
        );
        page.part("chat_x", Kind::Gauge, [("lag_us_max", " A \\ and\nmore.", 7)].into_iter());
        page.labelled(("chat_r", "R.", Kind::Counter), "code", [("BUSY", 2), ("FULL", 0)]);
        let histogram = HistogramSnapshot { buckets: vec![(1, 1), (1_000_000, 3)], count: 4, sum: 5_000_000 };
        page.histogram("chat_h_seconds", "H.", 1e6, &histogram);
        let expected = "\
# HELP chat_x_wait_seconds_total In seconds, see `X`.
# TYPE chat_x_wait_seconds_total counter
chat_x_wait_seconds_total 1.5
# HELP chat_x_lag_seconds_max A \\\\ and\\nmore.
# TYPE chat_x_lag_seconds_max gauge
chat_x_lag_seconds_max 0.000007
# HELP chat_r R.
# TYPE chat_r counter
chat_r{code=\"BUSY\"} 2
chat_r{code=\"FULL\"} 0
# HELP chat_h_seconds H.
# TYPE chat_h_seconds histogram
chat_h_seconds_bucket{le=\"0.000001\"} 1
chat_h_seconds_bucket{le=\"1\"} 3
chat_h_seconds_bucket{le=\"+Inf\"} 4
chat_h_seconds_sum 5
chat_h_seconds_count 4
";
        assert_eq!(page.into_text(), expected);
    }
}
