//! Rules in print: as written, and in words.

use super::{Comparison, Limit, Metric, Policy, Reference, Relative, Scope};
use super::{Derived, Threshold, Uncertainty, Unit};
use crate::measure::KIND_PREFIX;
use crate::units::{show_bytes, show_duration, show_ms};

impl Unit {
    /// A value with its unit, for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => show_ms(value),
            Self::Fraction => format!("{:.2} %", value * 100.0),
            Self::Number if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Number => format!("{value:.2}"),
            Self::Bytes => show_bytes(value),
        }
    }

    /// The value with more digits, to distinguish it from another one with the same display.
    pub fn show_closely(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{value:.3} ms"),
            Self::Fraction => format!("{:.5} %", value * 100.0),
            Self::Number => format!("{value:.5}"),
            Self::Bytes => format!("{value:.2} B"),
        }
    }
}

impl Threshold {
    /// Metric and scope as in a rule: `p95(list)`, `login.p95`.
    pub fn subject(&self) -> String {
        let metric = self.metric;
        match &self.scope {
            Scope::Aggregate => metric.to_string(),
            Scope::Login => format!("login.{metric}"),
            Scope::Task(name) | Scope::Group(name) => format!("{metric}({name})"),
            Scope::Label(label) => format!("{metric}(\"{label}\")"),
        }
    }

    /// A value of the rule's metric, with its unit.
    pub fn show(&self, value: f64) -> String {
        self.unit().show(value)
    }

    /// The limit for people: `500 ms`, `1.2 times the baseline`, `120 ms (baseline 100 ms + 20
    /// %)`.
    pub fn limit_in_words(&self) -> String {
        match (self.limit, &self.derived) {
            (Limit::Relative(relative), _) => relative_in_words(relative, self.unit()),
            (limit, None) => self.show(limit.value()),
            (limit, Some(derived)) => {
                let from = derived.in_words(self.unit());
                format!("{} ({from})", self.show(limit.value()))
            }
        }
    }

    /// The caveats of a relative limit: its uncertainty, and why a violation is a warning; empty
    /// if there are none.
    pub fn derived_in_words(&self) -> String {
        let Some(derived) = &self.derived else { return String::new() };
        let unit = self.unit();
        let shown = unit.show(derived.reference);
        let uncertainty = derived.uncertainty.as_ref();
        let uncertainty =
            uncertainty.map(|known| format!("; baseline {shown}, {}", known.in_words(unit)));
        let lowered = derived.lowered.as_ref().map(|why| format!("; warning only: {why}"));
        format!("{}{}", uncertainty.unwrap_or_default(), lowered.unwrap_or_default())
    }

    /// The rule in words: "the p95 of each task of list is below 500 ms".
    pub fn in_words(&self) -> String {
        let comparison = match self.comparison {
            Comparison::Below => "is below",
            Comparison::AtMost => "is at most",
            Comparison::Above => "is above",
            Comparison::AtLeast => "is at least",
        };
        let (metric, scope) = (self.metric.in_words(self.unit()), self.scope_in_words());
        let mut words = format!("{metric} {scope} {comparison} {}", self.limit_in_words());
        if self.abort {
            words.push_str("; ends the run early once it is surely violated");
        }
        if let Some(after) = self.after {
            words.push_str(&format!(", not in the first {}", show_duration(after)));
        }
        if self.policy == Policy::Prove {
            words.push_str("; must be proven");
        }
        words
    }

    fn scope_in_words(&self) -> String {
        match (&self.scope, self.per_task) {
            _ if self.metric.is_of_load() => "in the window".to_owned(),
            (Scope::Label(name), _) if self.metric == Metric::Checks => {
                format!("of the check \"{name}\"")
            }
            (Scope::Aggregate, false) => "of all requests".to_owned(),
            (Scope::Aggregate, true) => "of each task".to_owned(),
            (Scope::Task(name), _) => format!("of {name}"),
            (Scope::Group(name), false) if name.starts_with(KIND_PREFIX) => {
                format!("of all requests of the users {}", name.trim_start_matches(KIND_PREFIX))
            }
            (Scope::Group(name), true) if name.starts_with(KIND_PREFIX) => {
                format!("of each task of the users {}", name.trim_start_matches(KIND_PREFIX))
            }
            (Scope::Group(name), false) => format!("of all requests of the group {name}"),
            (Scope::Group(name), true) => format!("of each task of the group {name}"),
            (Scope::Label(label), _) => format!("of all requests to {label}"),
            (Scope::Login, _) => "of the login".to_owned(),
        }
    }
}

impl Derived {
    /// `baseline 100 ms + 20 %`.
    fn in_words(&self, unit: Unit) -> String {
        let Relative { to, factor, plus } = self.relative;
        let word = match to {
            Reference::Baseline => "baseline",
            Reference::Base => "base",
        };
        let mut words = format!("{word} {}", unit.show(self.reference));
        if factor != 1.0 {
            let sign = if factor < 1.0 { '-' } else { '+' };
            // Rounded to a millionth, so that 1.2 is "20 %".
            let percent = ((factor - 1.0).abs() * 1e8).round() / 1e6;
            words.push_str(&format!(" {sign} {percent} %"));
        }
        if plus != 0.0 {
            let sign = if plus < 0.0 { '-' } else { '+' };
            words.push_str(&format!(" {sign} {}", addition_in_words(plus, unit)));
        }
        words
    }
}

impl Uncertainty {
    /// `95 %: 84.0 ms to 131 ms, 70 samples`.
    fn in_words(&self, unit: Unit) -> String {
        let interval = match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{} to {}", unit.show(low), unit.show(high)),
            (Some(low), None) => format!("{} or more", unit.show(low)),
            (None, Some(high)) => format!("{} or less", unit.show(high)),
            (None, None) => "unknown".to_owned(),
        };
        let plural = if self.samples == 1 { "" } else { "s" };
        format!("95 %: {interval}, {} sample{plural}", self.samples)
    }
}

/// `2.00 points`, `50.0 ms`.
fn addition_in_words(plus: f64, unit: Unit) -> String {
    match unit {
        Unit::Fraction => format!("{:.2} points", plus.abs() * 100.0),
        _ => unit.show(plus.abs()),
    }
}

/// `the base`, `1.2 times the baseline`, `the baseline plus 50.0 ms`.
fn relative_in_words(relative: Relative, unit: Unit) -> String {
    let Relative { to, factor, plus } = relative;
    let mut words = match to {
        Reference::Baseline => "the baseline".to_owned(),
        Reference::Base => "the base".to_owned(),
    };
    if factor != 1.0 {
        words = format!("{factor} times {words}");
    }
    if plus != 0.0 {
        let sign = if plus < 0.0 { "minus" } else { "plus" };
        words.push_str(&format!(" {sign} {}", addition_in_words(plus, unit)));
    }
    words
}
