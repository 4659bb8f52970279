//! Results: a table for people, one JSON object for programs.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::{load::Verdict, proc_stat::CpuUsed};

/// The longest latency that is told from longer ones.
const LATENCY_MAX_NS: u64 = 300_000_000_000;

/// A histogram of nanoseconds, true to a part in a thousand.
pub(crate) fn latency_histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("constant bounds: {error}"),
    }
}

/// What one measurement found.
pub(crate) struct Report {
    name: &'static str,
    facts: Vec<(String, Value)>,
    /// CPU by thread, for the table.
    threads: Vec<(String, f64)>,
    targets: Vec<Target>,
    verdict: Option<Verdict>,
    /// Why it is bad, if the books are not all there is to it.
    condemned: Option<&'static str>,
}

/// A figure that must not be above its limit.
struct Target {
    key: &'static str,
    value: f64,
    at_most: f64,
}

impl Target {
    fn is_met(&self) -> bool {
        self.value <= self.at_most
    }
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Report {
        Report {
            name,
            facts: Vec::new(),
            threads: Vec::new(),
            targets: Vec::new(),
            verdict: None,
            condemned: None,
        }
    }

    /// Adds a whole number, a text or a list.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.facts.push((key.to_owned(), value.into()));
    }

    /// Adds a measured number, with three decimals.
    pub(crate) fn measure(&mut self, key: &str, value: f64) {
        self.set(key, json!((value * 1000.0).round() / 1000.0));
    }

    /// Adds the percentiles of a histogram of nanoseconds, in microseconds: `<prefix>p50_us` and so on.
    pub(crate) fn latency(&mut self, prefix: &str, histogram: &Histogram<u64>) {
        for (key, quantile) in [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999), ("max_us", 1.0)] {
            self.measure(&format!("{prefix}{key}"), quantile_us(histogram, quantile));
        }
    }

    /// Adds the CPU time per thing, and its parts by thread.
    pub(crate) fn cpu(&mut self, key: &str, used: &CpuUsed, things: u64) -> f64 {
        let each = |ns: u64| ns as f64 / 1000.0 / things.max(1) as f64;
        self.measure(key, each(used.total_ns));
        self.threads = used.by_name.iter().map(|(name, ns)| (name.clone(), each(*ns))).collect();
        each(used.total_ns)
    }

    /// Adds a figure that must be at most this.
    pub(crate) fn target(&mut self, key: &'static str, value: f64, at_most: f64) {
        self.measure(key, value);
        self.targets.push(Target { key, value, at_most });
    }

    /// Says that the result is bad, and why.
    pub(crate) fn condemn(&mut self, why: &'static str) {
        self.condemned = Some(why);
    }

    /// Only what the books say counts, and no target: for runs too small to measure anything.
    pub(crate) fn without_targets(mut self) -> Report {
        self.targets.clear();
        self
    }

    /// Adds what the books say.
    pub(crate) fn verdict(&mut self, verdict: Verdict) {
        self.set("lost", verdict.lost);
        self.set("duplicated", verdict.duplicated);
        self.set("out_of_order", verdict.out_of_order);
        self.set("corrupted", verdict.corrupted);
        self.set("refused", verdict.refused);
        self.verdict = Some(verdict);
    }

    /// Whether nothing was found wrong and every target met.
    pub(crate) fn is_clean(&self) -> bool {
        let books = self.verdict.is_none_or(|verdict| verdict.is_clean());
        books && self.condemned.is_none() && self.targets.iter().all(Target::is_met)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// One flat object.
    pub(crate) fn json(&self) -> Value {
        let mut object: Map<String, Value> = self.facts.iter().cloned().collect();
        object.insert("bench".into(), self.name.into());
        if !self.threads.is_empty() {
            let round = |us: f64| json!((us * 1000.0).round() / 1000.0);
            let threads: Map<String, Value> =
                self.threads.iter().map(|(name, us)| (name.clone(), round(*us))).collect();
            object.insert("server_cpu_us_by_thread".into(), threads.into());
        }
        if !self.targets.is_empty() {
            let targets = self.targets.iter().map(|target| {
                let Target { key, value, at_most } = target;
                json!({ "key": key, "value": value, "at_most": at_most, "met": target.is_met() })
            });
            object.insert("targets".into(), targets.collect());
        }
        object.into()
    }

    /// One line a fact.
    pub(crate) fn table(&self) -> String {
        let width = self.facts.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let mut table = format!("{}\n", self.name);
        for (key, value) in &self.facts {
            table += &format!("  {key:width$}  {value}\n");
        }
        for (name, us) in &self.threads {
            table += &format!("  {:width$}  {us:.3}\n", format!("· thread {name}"));
        }
        for target in &self.targets {
            let Target { key, value, at_most } = target;
            let verdict = if target.is_met() { "met" } else { "MISSED" };
            table +=
                &format!("  {:width$}  {value:.3}, at most {at_most}: {verdict}\n", format!("target {key}"));
        }
        if let Some(verdict) = self.verdict {
            table += if verdict.is_clean() { "  good\n" } else { "  BAD: messages went wrong\n" };
        }
        if let Some(why) = self.condemned {
            table += &format!("  BAD: {why}\n");
        }
        table
    }
}

/// A quantile in microseconds.
pub(crate) fn quantile_us(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_verdict_shows_in_table_and_json() {
        let mut report = Report::new("relay");
        report.measure("delivered_per_s", 12.34567);
        assert!(report.is_clean());
        report.verdict(Verdict { lost: 2, ..Verdict::default() });
        assert!(!report.is_clean());
        assert!(report.table().contains("BAD"));
        let json = report.json();
        assert_eq!((&json["lost"], &json["delivered_per_s"]), (&json!(2), &json!(12.346)));
    }

    #[test]
    fn a_missed_target_is_not_clean() {
        let mut report = Report::new("cluster relay");
        report.target("p50_us", 2_000.0, 3_000.0);
        assert!(report.is_clean());
        report.target("p99_us", 25_001.0, 25_000.0);
        assert!(!report.is_clean());
        assert!(report.table().contains("MISSED"));
        let met: Vec<_> =
            report.json()["targets"].as_array().unwrap().iter().map(|target| target["met"].clone()).collect();
        assert_eq!(met, [json!(true), json!(false)]);
    }

    #[test]
    fn percentiles_are_in_microseconds() {
        let mut histogram = latency_histogram();
        (1..=1000).for_each(|us| histogram.record(us * 1000).unwrap());
        let mut report = Report::new("relay");
        report.latency("", &histogram);
        let p99 = report.json()["p99_us"].as_f64().unwrap();
        assert!((989.0..992.0).contains(&p99), "{p99}");
    }
}
