//! Rules that no measurement can violate: they would look like a gate without being one.
//! "No data" is different, and never a pass.

use super::{Comparison, Kind, Metric, Threshold, Unit};

/// The values that a metric can have, in the unit of its limit.
struct Possible {
    /// The smallest value, and whether it is possible.
    least: (f64, bool),
    /// The largest value, if there is one; it is possible.
    most: Option<f64>,
}

fn possible(rule: &Threshold) -> Possible {
    let from = |least, is_reached| Possible { least: (least, is_reached), most: None };
    match (rule.unit(), rule.metric.descriptor().kind) {
        (Unit::Fraction, _) => Possible { most: Some(1.0), ..from(0.0, true) },
        // Without requests there is no data to count.
        (Unit::Number, Kind::Count) if rule.metric == Metric::Count => from(1.0, true),
        (Unit::Milliseconds, _) if rule.metric == Metric::LongestGap => from(0.0, true),
        // A latency is never zero, and with any request the rate is above zero.
        (Unit::Milliseconds, _) | (Unit::Number, Kind::Rate) => from(0.0, false),
        (Unit::Number | Unit::Bytes, _) => from(0.0, true),
    }
}

impl Threshold {
    /// Whether no measurement can violate the rule, because its limit lies beyond every
    /// possible value of its metric. This does not apply to relative limits, which may become
    /// such a limit by chance.
    pub fn is_vacuous(&self) -> bool {
        let limit = self.limit.value();
        if limit.is_nan() || self.derived.is_some() {
            return false;
        }
        let Possible { least: (least, is_reached), most } = possible(self);
        match self.comparison {
            Comparison::AtLeast => limit <= least,
            Comparison::Above => limit < least || limit == least && !is_reached,
            Comparison::AtMost => most.is_some_and(|most| limit >= most),
            Comparison::Below => most.is_some_and(|most| limit > most),
        }
    }

    /// The message about such a rule.
    pub fn vacuous_in_words(&self) -> String {
        format!("\"{}\" always holds, whatever is measured: it can never fail", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Names, Severity, parse};

    #[test]
    fn a_rule_that_nothing_can_break_is_told_from_one_that_something_can() {
        let is_vacuous = |text: &str| {
            let names = Names { tasks: &[], groups: &[], labels: &[], login: true };
            parse(text, Severity::Fail, names).unwrap().is_vacuous()
        };
        for text in [
            "error_rate <= 100%",
            "error_rate >= 0%",
            "status(500) <= 100%",
            "status(500) >= 0",
            "status(500) >= 0%",
            "count >= 1",
            "count > 0",
            "count >= 0",
            "rps > 0/s",
            "rps >= 0",
            "p95 >= 0ms",
            "p95 > 0ms",
            "login.max >= 0s",
            "ttfb > 0ms",
            "longest_gap >= 0ms",
            "mean >= 0ms",
            "size >= 0B",
        ] {
            assert!(is_vacuous(text), "{text}");
        }
        for text in [
            "error_rate < 100%",
            "error_rate <= 99.9%",
            "error_rate > 0%",
            "status(500) <= 0",
            "status(500) > 0",
            "count >= 2",
            "count > 1",
            "count <= 1",
            "rps >= 0.1/s",
            "p95 <= 0ms",
            "longest_gap <= 0ms",
            "longest_gap > 0ms",
            "p95 > 1ms",
            "size > 0B",
            "error_rate <= base + 2pt",
            "p95 <= baseline * 1.2",
        ] {
            assert!(!is_vacuous(text), "{text}");
        }
    }
}
