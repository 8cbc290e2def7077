//! Every threshold with its evidence, as a chart and in words; the most serious first.

use portcullis_core::judge::ThresholdResult;
use portcullis_core::threshold::Severity;

use super::Section;
use super::charts::evidence::evidence;
use super::markup::{esc, whole};
use crate::record::RunRecord;
use crate::wording::{self, ThresholdStatus};

/// The section; empty if nothing was judged.
pub fn section(run: &RunRecord) -> Section {
    let judged = run.verdict.iter().flat_map(|verdict| &verdict.judged);
    let mut judged: Vec<&ThresholdResult> = judged.collect();
    // Violated thresholds that locate the problem best come first; the others in their order.
    judged.sort_by_key(|one| match ThresholdStatus::of(one, run.strict) {
        violated @ ThresholdStatus::Violated => (violated, one.breadth()),
        other => (other, (false, 0)),
    });
    let silent = run.verdict.iter().flat_map(|verdict| &verdict.silent_tasks).map(|task| {
        format!("<p class=\"note\"><b>no data</b> {} was never called.</p>\n", esc(task))
    });
    let silent: String = silent.collect();
    let body = if judged.is_empty() {
        silent
    } else {
        let items = judged.iter().map(|one| item(one, run.strict)).collect::<String>();
        let counts = counts(&judged, run.strict);
        format!("{counts}{silent}<ol class=\"thresholds\">\n{items}</ol>\n{KEY}")
    };
    Section { id: "thresholds", title: "Thresholds", body }
}

/// The legend of the charts.
const KEY: &str = "<p class=\"key\">In each chart the vertical line is the limit, the shaded \
                   side is where the rule passes, the dot is the estimate, and the bar is the \
                   95 % interval, valid at any stopping time. A dashed bar has an unknown end. \
                   \u{201c}Proven\u{201d} and \u{201c}surely violated\u{201d} are about all \
                   thresholds together, with errors of at most 5 % and 1 %.</p>\n";

fn counts(judged: &[&ThresholdResult], is_strict: bool) -> String {
    let all = [
        ThresholdStatus::Violated,
        ThresholdStatus::NoData,
        ThresholdStatus::Warns,
        ThresholdStatus::InDoubt,
        ThresholdStatus::Holds,
    ];
    let count = |standing: ThresholdStatus| {
        let stands = |one: &&&ThresholdResult| ThresholdStatus::of(one, is_strict) == standing;
        let count = judged.iter().filter(stands).count();
        (count > 0).then(|| format!("{}{count}\u{a0}{}", chip_open(standing), standing.word()))
    };
    let counts: Vec<String> = all.into_iter().filter_map(count).collect();
    let chips = counts.iter().map(|count| format!("{count}</span>\n")).collect::<String>();
    format!("<p class=\"counts\">\n{chips}</p>\n")
}

fn chip_open(standing: ThresholdStatus) -> String {
    format!(
        "<span class=\"chip {}\"><span aria-hidden=\"true\">{}</span> ",
        class(standing),
        standing.sign()
    )
}

/// The CSS class of a status.
pub fn class(standing: ThresholdStatus) -> &'static str {
    match standing {
        ThresholdStatus::Violated => "is-violated",
        ThresholdStatus::NoData => "is-void",
        ThresholdStatus::Warns => "is-warning",
        ThresholdStatus::InDoubt => "is-doubtful",
        ThresholdStatus::NotJudged => "is-open",
        ThresholdStatus::Holds => "is-holding",
    }
}

fn item(judged: &ThresholdResult, is_strict: bool) -> String {
    let standing = ThresholdStatus::of(judged, is_strict);
    let warns = match judged.rule.severity {
        Severity::Warn if !is_strict => " <span class=\"quiet\">warning</span>",
        Severity::Warn | Severity::Fail => "",
    };
    let support = wording::support(judged);
    let support = support.iter().map(|said| format!("<li>{}</li>", esc(said)));
    let support = support.collect::<String>();
    let support = if support.is_empty() { support } else { format!("<ul>{support}</ul>") };
    format!(
        "<li class=\"{class}\">\n<div class=\"rule\">{chip}{word}</span> \
         <b>{what}</b>{warns}<br><span class=\"quiet\">{in_words}</span></div>\n<div \
         class=\"figures\"><b>{value}</b> <span class=\"quiet\">limit {limit}</span><br><span \
         class=\"quiet\">{samples}</span></div>\n<div class=\"drawn\">{drawn}</div>\n<details \
         class=\"support\"><summary>{certainty}</summary>{support}</details>\n</li>\n",
        class = class(standing),
        chip = chip_open(standing),
        word = standing.word(),
        what = esc(&judged.rule.subject()),
        in_words = esc(&judged.rule.in_words()),
        value = esc(&wording::value(judged).unwrap_or_else(|| standing.word().to_owned())),
        limit = esc(&wording::limit(&judged.rule)),
        samples = samples(judged),
        drawn = evidence(judged),
        certainty = esc(&wording::certainty(judged)),
    )
}

fn samples(judged: &ThresholdResult) -> String {
    let beyond = judged.beyond.map(|beyond| format!(", {} beyond the limit", whole(beyond)));
    let plural = if judged.samples == 1 { "" } else { "s" };
    format!("{} sample{plural}{}", whole(judged.samples), beyond.unwrap_or_default())
}
