//! `perf_results.junit.xml`: a suite for each scope, a case for each judged
//! threshold, and a suite for the run itself.

use portcullis_core::judge::{Finding, FindingKind, ThresholdResult};
use portcullis_core::threshold::Severity;

use crate::annotations::{self, Annotation};
use crate::escape::markup;
use crate::format::{Flag, Format};
use crate::instant::rfc3339;
use crate::record::RunRecord;
use crate::wording::{self, ThresholdStatus};

/// The thresholds as test cases.
pub const FILE: &str = "perf_results.junit.xml";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag { name: "junit", help: "Write the thresholds as JUnit test cases", place: 3 }),
    files: &[FILE],
    write: |run| vec![write(run)],
};

/// One case as markup, and its result.
struct Case {
    markup: String,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Broken,
    Skipped,
}

/// Writes the file, in the form that readers of Ant and of Surefire accept.
pub fn write(run: &RunRecord) -> String {
    let mut suites = vec![("run".to_owned(), run_cases(run))];
    for judged in run.verdict.iter().flat_map(|verdict| &verdict.judged) {
        let scope = judged.rule.scope.to_string();
        // The run's own suite comes first, and a task may have the same name.
        match suites.iter_mut().skip(1).find(|(name, _)| *name == scope) {
            Some((_, cases)) => cases.push(case(judged, &scope, run.strict)),
            None => suites.push((scope.clone(), vec![case(judged, &scope, run.strict)])),
        }
    }
    let all: Vec<&Case> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let counts = counts(all.iter().map(|case| case.end));
    let bodies = suites.iter().map(|(name, cases)| suite(run, name, cases)).collect::<String>();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"portcullis\" \
         time=\"{}\" {counts}>\n{bodies}</testsuites>\n",
        seconds(run)
    )
}

/// The measured length of the load.
fn seconds(run: &RunRecord) -> String {
    let measured = run.summary.as_ref().map(|summary| summary.measured.as_secs_f64());
    format!("{:.3}", measured.unwrap_or(0.0))
}

/// The counts of both elements; only a suite has `skipped`.
fn counts(ends: impl Iterator<Item = End>) -> String {
    let ends: Vec<End> = ends.collect();
    let count = |end: End| ends.iter().filter(|one| **one == end).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        ends.len(),
        count(End::Failed),
        count(End::Broken)
    )
}

fn suite(run: &RunRecord, name: &str, cases: &[Case]) -> String {
    let skipped = cases.iter().filter(|case| case.end == End::Skipped).count();
    // xs:dateTime without a zone, as Ant writes it.
    let started = rfc3339(run.started_unix_ms);
    let started = started.split('.').next().unwrap_or_default();
    let cases_markup = cases.iter().map(|case| case.markup.as_str()).collect::<String>();
    format!(
        "<testsuite name=\"{}\" {} skipped=\"{skipped}\" time=\"{}\" \
         timestamp=\"{started}\">\n{cases_markup}</testsuite>\n",
        markup(name),
        counts(cases.iter().map(|case| case.end)),
        seconds(run)
    )
}

/// Findings other than violations, or one passed case without any. Then the failures
/// without a rule: the comparison with the base, a missing baseline.
fn run_cases(run: &RunRecord) -> Vec<Case> {
    let others = run.findings.iter().filter(|finding| finding.kind != FindingKind::Violated);
    let mut cases: Vec<Case> = others.enumerate().map(|(i, finding)| broken(i, finding)).collect();
    if cases.is_empty() {
        let markup = "<testcase classname=\"portcullis.run\" name=\"the run came to a \
                      verdict\"/>\n";
        cases.push(Case { markup: markup.to_owned(), end: End::Passed });
    }
    let annotations = annotations::of(run);
    cases.extend(annotations.iter().filter(|one| one.is_apart()).map(apart));
    cases
}

fn apart(annotation: &Annotation) -> Case {
    let (check, about) = (annotation.check.name(), markup(&annotation.about));
    let (title, said) = (markup(&annotation.title), markup(&annotation.said));
    let text = format!(
        "<testcase classname=\"portcullis.run\" name=\"{check}: {about}\">\n<failure \
         type=\"violated\" message=\"{title}\">{said}</failure>\n</testcase>\n"
    );
    Case { markup: text, end: End::Failed }
}

fn broken(index: usize, finding: &Finding) -> Case {
    let (kind, message) = (finding.kind.name(), markup(&finding.message));
    let number = if index == 0 { String::new() } else { format!(" ({})", index + 1) };
    let text = format!(
        "<testcase classname=\"portcullis.run\" name=\"{kind}{number}\">\n<error type=\"{kind}\" \
         message=\"{message}\">{message}</error>\n</testcase>\n"
    );
    Case { markup: text, end: End::Broken }
}

fn case(judged: &ThresholdResult, scope: &str, is_strict: bool) -> Case {
    let line = markup(&wording::line(judged));
    let said = markup(&said(judged));
    let (end, inside) = match ThresholdStatus::of(judged, is_strict) {
        ThresholdStatus::NoData | ThresholdStatus::NotJudged => {
            (End::Skipped, format!("<skipped message=\"{line}\"/>\n"))
        }
        ThresholdStatus::Violated => {
            let kind = judged.judgement.name();
            (End::Failed, format!("<failure type=\"{kind}\" message=\"{line}\">{said}</failure>\n"))
        }
        ThresholdStatus::Warns => {
            (End::Passed, format!("<system-out>warning: {said}</system-out>\n"))
        }
        ThresholdStatus::Holds | ThresholdStatus::InDoubt => {
            (End::Passed, format!("<system-out>{said}</system-out>\n"))
        }
    };
    let text = format!(
        "<testcase classname=\"portcullis.{}\" name=\"{}\">\n{inside}</testcase>\n",
        markup(scope),
        markup(&name(judged, is_strict))
    );
    Case { markup: text, end }
}

/// The rule in words. Its list is part of the name, because the same rule can be in both
/// lists.
fn name(judged: &ThresholdResult, is_strict: bool) -> String {
    let words = judged.rule.in_words();
    match (judged.rule.severity, is_strict) {
        (Severity::Fail, _) => words,
        (Severity::Warn, false) => format!("{words} (warning)"),
        (Severity::Warn, true) => format!("{words} (warning, strict)"),
    }
}

/// The line of a threshold, with its evidence.
fn said(judged: &ThresholdResult) -> String {
    let mut said = vec![wording::line(judged), wording::certainty(judged)];
    said.extend(wording::support(judged));
    said.join("\n")
}
