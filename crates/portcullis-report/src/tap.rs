//! `perf_results.tap`: the Test Anything Protocol, version 14
//! (<https://testanything.org/tap-version-14-specification.html>): a test point for each
//! rule, and one for each other finding that decides.

use portcullis_core::judge::{FindingKind, ThresholdResult};

use crate::annotations;
use crate::escape::line;
use crate::format::{Flag, Format};
use crate::record::RunRecord;
use crate::wording::{self, ThresholdStatus};

/// The thresholds as test points.
pub const FILE: &str = "perf_results.tap";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag { name: "tap", help: "Write the thresholds as TAP 14 test points", place: 7 }),
    files: &[FILE],
    write: |run| vec![write(run)],
};

/// A test point without its number.
struct Point {
    is_ok: bool,
    /// The name of the test, equal in each run.
    description: String,
    /// `SKIP` or `TODO` with its reason.
    directive: Option<String>,
    /// The message for the diagnostics.
    message: String,
}

/// Writes the file.
pub fn write(run: &RunRecord) -> String {
    let judged = run.verdict.iter().flat_map(|verdict| &verdict.judged);
    let mut points = of_run(run);
    points.extend(judged.map(|judged| of_rule(judged, run.strict)));
    let lines: String = (1..).zip(&points).map(|(number, point)| text(number, point)).collect();
    format!("TAP version 14\n1..{}\n{lines}", points.len())
}

/// Failures without a rule: each finding that is not a violation, the comparison with the
/// base, a missing baseline. One passed point if there are none.
fn of_run(run: &RunRecord) -> Vec<Point> {
    let failed = |description: String, message: &str| Point {
        is_ok: false,
        description,
        directive: None,
        message: message.to_owned(),
    };
    let others = run.findings.iter().filter(|finding| finding.kind != FindingKind::Violated);
    let mut points: Vec<Point> =
        others.map(|one| failed(one.kind.name().to_owned(), &one.message)).collect();
    let annotations = annotations::of(run);
    let apart = annotations.iter().filter(|one| one.is_apart());
    points
        .extend(apart.map(|one| failed(format!("{}: {}", one.check.name(), one.about), &one.said)));
    if points.is_empty() {
        let description = "the run came to a verdict".to_owned();
        points.push(Point { is_ok: true, directive: None, message: String::new(), description });
    }
    points
}

fn of_rule(judged: &ThresholdResult, is_strict: bool) -> Point {
    let message = wording::line(judged);
    let (is_ok, directive) = match ThresholdStatus::of(judged, is_strict) {
        ThresholdStatus::Holds | ThresholdStatus::InDoubt => (true, None),
        ThresholdStatus::NotJudged => (true, Some(format!("SKIP {message}"))),
        // A TODO point may fail without failing the whole file.
        ThresholdStatus::Warns => (false, Some("TODO warning".to_owned())),
        ThresholdStatus::Violated | ThresholdStatus::NoData => (false, None),
    };
    let severity = judged.rule.severity.name();
    let description = format!("{severity}: {}", judged.rule.in_words());
    Point { is_ok, description, directive, message }
}

/// A point with its diagnostics, a YAML block of one JSON string.
fn text(number: usize, point: &Point) -> String {
    let result = if point.is_ok { "ok" } else { "not ok" };
    let directive = point.directive.as_ref().map(|one| format!(" # {}", line(one)));
    let description = escaped(&line(&point.description));
    let mut text = format!("{result} {number} - {description}{}\n", directive.unwrap_or_default());
    if !point.is_ok {
        let message = serde_json::Value::from(line(&point.message));
        text.push_str(&format!("  ---\n  message: {message}\n  ...\n"));
    }
    text
}

/// A description in which no text begins a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}
