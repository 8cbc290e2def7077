//! The baseline, as `perf_results.json` has it: the run's own part, and that of
//! each threshold whose limit comes from it.

use portcullis_core::threshold::Threshold;
use serde::Serialize;

use crate::results_json::reference;
use crate::run::BaselineReport;

/// The field `baseline` of the results.
#[derive(Debug, Serialize)]
pub struct WireBaseline<'a> {
    file: &'a str,
    state: &'static str,
    timestamp: Option<&'a str>,
    commit: Option<&'a str>,
    /// How its origin differs from this run's.
    foreign: Option<&'a str>,
    /// Whether its rules only warn for that.
    lowered: bool,
    /// Whether this run wrote it.
    written: bool,
}

impl<'a> WireBaseline<'a> {
    /// The report in the file's own words.
    pub fn new(report: &'a BaselineReport) -> Self {
        let stored = report.plan.stored.as_ref();
        Self {
            file: &report.shown,
            state: if stored.is_some() { "compared" } else { "missing" },
            timestamp: stored.and_then(|stored| stored.timestamp.as_deref()),
            commit: stored.and_then(|stored| stored.commit.as_deref()),
            foreign: report.plan.foreign.as_deref(),
            lowered: report.plan.is_lowered,
            written: report.written,
        }
    }
}

/// The field `baseline` of a threshold; `low` and `high` in its unit.
#[derive(Debug, Serialize)]
pub struct WireDerived {
    to: &'static str,
    value: f64,
    factor: f64,
    plus: f64,
    low: Option<f64>,
    high: Option<f64>,
    samples: Option<u64>,
    /// Why a violation only warns although the rule says "fail".
    lowered: Option<String>,
}

impl WireDerived {
    /// What a rule's limit was taken from, if it was.
    pub fn new(rule: &Threshold) -> Option<Self> {
        let derived = rule.derived.as_ref()?;
        let known = derived.uncertainty;
        Some(Self {
            to: reference(derived.relative.to),
            value: derived.reference,
            factor: derived.relative.factor,
            plus: derived.relative.plus,
            low: known.and_then(|known| known.low),
            high: known.and_then(|known| known.high),
            samples: known.map(|known| known.samples),
            lowered: derived.lowered.clone(),
        })
    }
}
