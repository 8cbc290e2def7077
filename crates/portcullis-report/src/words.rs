//! A judged threshold in words, and quantities as people read them: the same in
//! every report.

use portcullis_core::compare::ErrorRise;
use portcullis_core::evidence::{Evidence, State};
use portcullis_core::judge::{Judged, Judgement};
use portcullis_core::threshold::{Metric, Severity, Threshold};
use portcullis_core::units::show_ms;

/// How a judged threshold stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It fails the run.
    Violated,
    /// Nothing could be said of it.
    NoData,
    /// It is violated, and only warns.
    Warns,
    /// It holds by the estimate, and the evidence is weak.
    InDoubt,
    /// What its limit refers to is not there.
    NotJudged,
    /// It holds.
    Holds,
}

impl Standing {
    /// How a threshold stands; in a strict run a warning fails too.
    pub fn of(judged: &Judged, is_strict: bool) -> Self {
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

    /// In one or two words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Violated => Judgement::Violated.name(),
            Self::NoData => Judgement::NoData.name(),
            Self::Warns => "warning",
            Self::InDoubt => State::InDoubt.name(),
            Self::NotJudged => Judgement::NotJudged.name(),
            Self::Holds => Judgement::Holds.name(),
        }
    }

    /// A sign beside the word, so that colour is not needed.
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

/// A rule's comparison and limit: `<= 500 ms`.
pub fn limit(rule: &Threshold) -> String {
    format!("{} {}", rule.comparison.sign(), rule.limit_in_words())
}

/// One judged threshold in a line: metric and scope, value, limit, the values that
/// are possible, samples, and how sure that is. Console, Markdown, JUnit and
/// annotations all have this line.
pub fn line(judged: &Judged) -> String {
    let (what, limit) = (judged.rule.subject(), limit(&judged.rule));
    if judged.judgement == Judgement::NotJudged {
        let reason = judged.reason.as_deref().unwrap_or(judged.judgement.name());
        return format!("{what} {limit}: {reason}");
    }
    let Some(value) = value(judged) else {
        return format!("{what}: no data to hold against {limit}");
    };
    let interval = interval(judged).map(|interval| format!(", 95 % interval {interval}"));
    let interval = interval.unwrap_or_default();
    let samples =
        format!("{} sample{}", judged.samples, if judged.samples == 1 { "" } else { "s" });
    let beyond = judged.beyond.filter(|beyond| *beyond > 0);
    let beyond = beyond.map_or(String::new(), |beyond| format!(", {beyond} beyond the limit"));
    let evidence = judged.evidence.as_ref().map(|evidence| format!("; {}", evidence.in_words()));
    let not_proven = judged.reason.as_ref().map(|reason| format!("; {reason}"));
    let known = not_proven.or(evidence).unwrap_or_default();
    let derived = judged.rule.derived_in_words();
    format!("{what} = {value}, limit {limit}{interval}, {samples}{beyond}{known}{derived}")
}

/// What is said where no rule could have failed the run.
pub const TOOTHLESS: &str = "no threshold was judged";

/// What is said of a task that gave nothing to judge.
pub fn silent_task(task: &str) -> String {
    format!("{task} was never called, or never answered with a 2xx: no data")
}

/// What is said where the candidate surely fails more often than the base.
pub fn rise(rise: ErrorRise) -> String {
    format!(
        "the candidate fails more often: {} pairs failed only there, {} only at the base",
        rise.candidate, rise.base
    )
}

/// The values of the metric that are possible, with an error of 5 % however often
/// one looks, in its unit: `540–701 ms`, `540 ms or more`. `None` where no exact
/// statement can be made: a mean, a rate, a maximum, too few samples.
pub fn interval(judged: &Judged) -> Option<String> {
    let (evidence, rule) = (judged.evidence.as_ref()?, &judged.rule);
    let (low, high) = match rule.metric {
        Metric::Percentile(_) => {
            evidence.latency.map(|latency| (latency.low_ms, latency.high_ms))?
        }
        Metric::ErrorRate | Metric::Status(_) => {
            (Some(evidence.clustered.low), Some(evidence.clustered.high))
        }
        _ => return None,
    };
    match (low.map(|low| rule.show(low)), high.map(|high| rule.show(high))) {
        (Some(low), Some(high)) => {
            // A unit that both ends have is said once.
            let unit = |text: &str| text.find(' ').map_or(0, |at| text.len() - at);
            let (of_low, of_high) = (unit(&low), unit(&high));
            let is_same =
                of_low > 0 && low.get(low.len() - of_low..) == high.get(high.len() - of_high..);
            let low = if is_same { low.get(..low.len() - of_low)? } else { &low };
            Some(format!("{low}–{high}"))
        }
        (Some(low), None) => Some(format!("{low} or more")),
        (None, Some(high)) => Some(format!("up to {high}")),
        (None, None) => None,
    }
}

/// The metric's value with its unit; one that rounds to its limit is shown with
/// the digits that differ. `None` without data.
pub fn value(judged: &Judged) -> Option<String> {
    let value = judged.value?;
    let rule = &judged.rule;
    let text = rule.show(value);
    let hides = judged.judgement == Judgement::Violated && text == rule.limit_in_words();
    Some(if hides && value != rule.limit.value() { rule.unit().show_closely(value) } else { text })
}

/// How sure a judgement is, in words.
pub fn certainty(judged: &Judged) -> String {
    if let Some(reason) = &judged.reason {
        return reason.clone();
    }
    let state = judged.evidence.as_ref().map(|evidence| evidence.state);
    let is_likely = judged.evidence.as_ref().is_some_and(Evidence::is_likely);
    let words = match (judged.judgement, state) {
        (Judgement::NoData, _) => "there is nothing to judge it by",
        (Judgement::NotJudged, _) => Judgement::NotJudged.name(),
        (_, None) => {
            return format!("by its value; for {} nothing more is known", judged.rule.metric);
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
            "no request beyond the limit; too few to prove that it holds"
        }
        (Judgement::Holds, Some(_)) if is_likely => "holds by the estimate; likely, short of sure",
        (Judgement::Holds, Some(_)) => "holds by the estimate; in doubt: weak evidence",
    };
    words.to_owned()
}

/// What supports a judgement, a sentence each.
pub fn support(judged: &Judged) -> Vec<String> {
    let Some(evidence) = &judged.evidence else { return Vec::new() };
    let mut said = vec![beyond(judged, evidence), possible(judged, evidence)];
    if evidence.block_factor > CLUSTERED {
        said.push(format!(
            "Requests share bad seconds: they say as much as {:.1} times fewer independent ones \
             (block factor {:.2}).",
            evidence.block_factor, evidence.block_factor
        ));
    }
    said.push(unseen(judged, evidence));
    said
}

/// The block factor from which it is worth a sentence.
const CLUSTERED: f64 = 1.05;

/// What a rule counts as beyond its limit.
fn kind(judged: &Judged) -> &'static str {
    match judged.rule.metric {
        Metric::ErrorRate => "failed",
        Metric::Status(_) => "had this status",
        _ => "were beyond the limit",
    }
}

fn beyond(judged: &Judged, evidence: &Evidence) -> String {
    let counts = evidence.counts;
    format!(
        "{} of {} requests {} ({}); {} may.",
        counts.hits,
        counts.all,
        kind(judged),
        percent(counts.share()),
        if evidence.allowed > 0.0 { percent(evidence.allowed) } else { "none".to_owned() }
    )
}

fn possible(judged: &Judged, evidence: &Evidence) -> String {
    let Some(latency) = evidence.latency else {
        let (low, high) = (evidence.clustered.low, evidence.clustered.high);
        return format!("Possible: {} to {}.", percent(low), percent(high));
    };
    let metric = judged.rule.metric;
    match (latency.low_ms, latency.high_ms) {
        (Some(low), Some(high)) => {
            format!("Possible {metric}: {} to {}.", show_ms(low), show_ms(high))
        }
        (Some(low), None) => {
            format!("Possible {metric}: {} or more; too few requests for an end.", show_ms(low))
        }
        (None, Some(high)) => format!("Possible {metric}: up to {}.", show_ms(high)),
        (None, None) => format!("Too few requests to say which {metric} is possible."),
    }
}

fn unseen(judged: &Judged, evidence: &Evidence) -> String {
    let what = match judged.rule.metric {
        Metric::ErrorRate => "failing",
        Metric::Status(_) => "with this status",
        _ => "beyond the limit",
    };
    match evidence.detectable {
        Some(share) => format!(
            "Caught 19 times in 20: {} of the requests {what}. Less could have gone unseen.",
            percent(share)
        ),
        None => "Too few requests: no violation would have been caught.".to_owned(),
    }
}

/// A share in percent, with digits enough for a small one.
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

/// A number of bytes in the binary unit that fits.
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

/// The beginning of a text, of so many characters at most.
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

#[cfg(test)]
mod tests {
    use portcullis_core::evidence::{Case, Counts, LatencyInterval, evidence};
    use portcullis_core::threshold::{Names, parse};

    use super::*;

    fn judged(rule: &str, value: f64, ends: [Option<f64>; 2], state: State) -> Judged {
        let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
        let rule = parse(rule, Severity::Fail, names).unwrap();
        let counts = Counts { all: 48, hits: 41 };
        let case = Case { counts, allowed: 0.05, block_factor: 1.0 };
        let latency = LatencyInterval { low_ms: ends[0], high_ms: ends[1] };
        let is_latency = matches!(rule.metric, Metric::Percentile(_));
        Judged {
            judgement: Judgement::Violated,
            value: Some(value),
            samples: 48,
            beyond: is_latency.then_some(41),
            evidence: Some(evidence(&case, state, is_latency.then_some(latency))),
            reason: None,
            rule,
        }
    }

    #[test]
    fn a_line_has_its_interval_in_the_unit_of_the_metric() {
        let ends = [Some(540.0), Some(701.0)];
        assert_eq!(
            line(&judged("p95 <= 500ms", 612.0, ends, State::Violated)),
            "p95 = 612 ms, limit <= 500 ms, 95 % interval 540–701 ms, 48 samples, 41 beyond the \
             limit; surely"
        );
        assert_eq!(
            line(&judged("error_rate <= 5%", 41.0 / 48.0, ends, State::InDoubt)),
            "error_rate = 85.42 %, limit <= 5.00 %, 95 % interval 65.02–96.55 %, 48 samples; \
             likely, short of sure"
        );
        let shown = |ends| interval(&judged("p95 <= 500ms", 612.0, ends, State::InDoubt));
        assert_eq!(shown([Some(540.0), None]).as_deref(), Some("540 ms or more"));
        assert_eq!(shown([None, Some(701.0)]).as_deref(), Some("up to 701 ms"));
        assert_eq!(shown([Some(9.5), Some(20.25)]).as_deref(), Some("9.50–20.2 ms"));
        assert_eq!(shown([None, None]), None);
        // Of a maximum and a mean no exact statement can be made.
        assert_eq!(interval(&judged("max <= 500ms", 612.0, ends, State::Violated)), None);
        assert_eq!(interval(&judged("mean <= 500ms", 612.0, ends, State::Violated)), None);
    }
}
