//! The wording of thresholds and quantities, the same in every report.

use portcullis_core::evidence::{Evidence, State};
use portcullis_core::judge::{Judgement, ThresholdResult};
use portcullis_core::threshold::{Metric, Severity};
use portcullis_core::units::show_ms;

pub use portcullis_core::compare::rise;
pub use portcullis_core::judge::wording::{TOOTHLESS, interval, limit, line, silent_task, value};

/// The status of a threshold, the most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThresholdStatus {
    /// Violated, and fails the run.
    Violated,
    /// Without data.
    NoData,
    /// Violated, but only a warning.
    Warns,
    /// Passed by the estimate, with weak evidence.
    InDoubt,
    /// Not judged, because the baseline or base of its limit is missing.
    NotJudged,
    /// Passed.
    Holds,
}

impl ThresholdStatus {
    /// The status of a threshold; in a strict run a warning fails too.
    pub fn of(judged: &ThresholdResult, is_strict: bool) -> Self {
        let is_in_doubt = judged.evidence.as_ref().is_some_and(|e| e.state.is_in_doubt());
        match (judged.judgement, judged.rule.severity) {
            (Judgement::NoData, _) => Self::NoData,
            (Judgement::NotJudged, _) => Self::NotJudged,
            (Judgement::Violated, Severity::Warn) if !is_strict => Self::Warns,
            (Judgement::Violated, _) => Self::Violated,
            (Judgement::Holds, _) if is_in_doubt => Self::InDoubt,
            (Judgement::Holds, _) => Self::Holds,
        }
    }

    /// The status in one or two words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Violated => Judgement::Violated.name(),
            Self::NoData => Judgement::NoData.name(),
            Self::Warns => "warning",
            Self::InDoubt => State::InDoubt.name(),
            Self::NotJudged => Judgement::NotJudged.name(),
            Self::Holds => "passed",
        }
    }

    /// A sign for the status, so that it does not depend on colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Violated => "✗",
            Self::NoData => "∅",
            Self::Warns => "!",
            Self::InDoubt => "?",
            Self::NotJudged => "–",
            Self::Holds => "✓",
        }
    }
}

/// The certainty of a judgement, in words.
pub fn certainty(judged: &ThresholdResult) -> String {
    if let Some(reason) = &judged.reason {
        return reason.clone();
    }
    let state = judged.evidence.as_ref().map(|evidence| evidence.state);
    let is_likely = judged.evidence.as_ref().is_some_and(Evidence::is_likely);
    let words = match (judged.judgement, state) {
        (Judgement::NoData, _) => "no samples to judge it by",
        (Judgement::NotJudged, _) => Judgement::NotJudged.name(),
        (_, None) => {
            return format!("judged by its value: {} has no 95 % interval", judged.rule.metric);
        }
        (Judgement::Violated, Some(State::Violated)) => "surely violated",
        (Judgement::Violated, Some(State::InDoubt)) if is_likely => {
            "violated by the estimate; likely, short of sure"
        }
        (Judgement::Violated, Some(State::InDoubt)) => {
            "violated by the estimate; in doubt: weak evidence"
        }
        (Judgement::Violated, Some(_)) => "violated by the estimate",
        (Judgement::Holds, Some(State::Proven)) => "proven to hold",
        (Judgement::Holds, Some(State::Unbroken)) => {
            "no request beyond the limit; too few requests to prove that it holds"
        }
        (Judgement::Holds, Some(_)) if is_likely => "passed by the estimate; likely, short of sure",
        (Judgement::Holds, Some(_)) => "passed by the estimate; in doubt: weak evidence",
    };
    words.to_owned()
}

/// The evidence of a judgement, a sentence each.
pub fn support(judged: &ThresholdResult) -> Vec<String> {
    let Some(evidence) = &judged.evidence else { return Vec::new() };
    let mut said = vec![beyond(judged, evidence), possible(judged, evidence)];
    if evidence.design_effect > CLUSTERED {
        said.push(format!(
            "Slow or failed requests fall into the same seconds: they count as {:.1} times fewer \
             independent requests (design effect {:.2}).",
            evidence.design_effect, evidence.design_effect
        ));
    }
    said.push(unseen(judged, evidence));
    said
}

/// From this design effect on, it is mentioned.
const CLUSTERED: f64 = 1.05;

/// What a rule counts as beyond its limit.
fn kind(judged: &ThresholdResult) -> &'static str {
    match judged.rule.metric {
        Metric::ErrorRate => "failed",
        Metric::Status(_) => "had this status",
        _ => "were beyond the limit",
    }
}

fn beyond(judged: &ThresholdResult, evidence: &Evidence) -> String {
    let counts = evidence.counts;
    format!(
        "{} of {} requests {} ({}); {} allowed.",
        counts.hits,
        counts.all,
        kind(judged),
        percent(counts.share()),
        if evidence.allowed > 0.0 { percent(evidence.allowed) } else { "none".to_owned() }
    )
}

fn possible(judged: &ThresholdResult, evidence: &Evidence) -> String {
    let Some(latency) = evidence.latency else {
        let (low, high) = (evidence.clustered.low, evidence.clustered.high);
        return format!("95 % interval: {} to {}.", percent(low), percent(high));
    };
    let metric = judged.rule.metric;
    match (latency.low_ms, latency.high_ms) {
        (Some(low), Some(high)) => {
            format!("95 % interval of {metric}: {} to {}.", show_ms(low), show_ms(high))
        }
        (Some(low), None) => {
            let low = show_ms(low);
            format!("95 % interval of {metric}: {low} or more; too few requests for an upper end.")
        }
        (None, Some(high)) => format!("95 % interval of {metric}: up to {}.", show_ms(high)),
        (None, None) => format!("Too few requests for a 95 % interval of {metric}."),
    }
}

fn unseen(judged: &ThresholdResult, evidence: &Evidence) -> String {
    let what = match judged.rule.metric {
        Metric::ErrorRate => "fail",
        Metric::Status(_) => "have this status",
        _ => "are beyond the limit",
    };
    match evidence.detectable {
        Some(share) => format!(
            "If {} of the requests {what}, a run like this detects it 19 times in 20. A smaller \
             share could be undetected.",
            percent(share)
        ),
        None => "Too few requests to detect a violation.".to_owned(),
    }
}

/// A share in percent, with enough digits for a small one.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.01 {
        format!("{percent:.4} %")
    } else if percent < 10.0 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A number of bytes in a suitable binary unit.
pub fn bytes(bytes: f64) -> String {
    let units = [(1024.0 * 1024.0 * 1024.0, "GiB"), (1024.0 * 1024.0, "MiB"), (1024.0, "KiB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => format!("{bytes:.0} B"),
    }
}

/// The verdict of an exit code in one word.
pub fn verdict(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "PASSED",
        1 => "FAILED",
        2 => "REFUSED",
        3 | 4 => "ERROR",
        5 => "INVALID",
        130 | 143 => "INTERRUPTED",
        _ => "DEFECT",
    }
}

/// The beginning of a text, with at most this many characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The status of a request in words.
pub fn status(status: u16) -> String {
    match status {
        0 => "no answer".to_owned(),
        status => format!("status {status}"),
    }
}
