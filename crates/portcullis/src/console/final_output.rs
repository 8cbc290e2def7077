//! The end of a run as text: the verdict first and last, what decided it, the
//! tables, the stages, and what to do next. Everything to be searched for stands
//! on one line.

use std::path::Path;

use portcullis_core::event::{StageEnd, StageRecord};
use portcullis_core::judge::{Judgement, ThresholdResult};
use portcullis_core::threshold::Severity;
use portcullis_core::units::{show_duration, show_ms};
use portcullis_report::{RunRecord, wording};

use super::paint::Paint;
use super::wrap::{wrapped, wrapped_command};
use super::{plain, table};

/// What the end needs beside the run's report.
#[derive(Clone, Copy, Debug)]
pub struct FinalOutput<'a> {
    /// Where artifacts are.
    pub artifacts: &'a Path,
    /// The log that tells most, if there is one.
    pub log: Option<&'a str>,
    /// The page for people, if it was written.
    pub page: Option<&'a Path>,
    /// What to try.
    pub advice: &'a [String],
}

/// How the end is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Violations and the verdict only.
    pub quiet: bool,
    /// Every threshold and the first round too.
    pub verbose: bool,
    /// Columns that a line may take in the terminal: tables leave out what does not
    /// fit, other lines are wrapped.
    pub columns: Option<usize>,
    /// Colours.
    pub paint: Paint,
}

/// The whole end.
pub fn final_output(report: &RunRecord, end: &FinalOutput<'_>, style: Style) -> String {
    let verdict = verdict(report, style.paint);
    let mut lines = Vec::new();
    if style.quiet {
        lines.extend(findings(report, style.paint));
    } else {
        lines.extend([String::new(), verdict.clone()]);
        lines.extend(findings(report, style.paint));
        lines.extend(thresholds(report, style));
        lines.extend(tables(report, style));
        lines.push(format!("stages: {}", stages(&report.stages)));
        lines.extend(next(report, end));
    }
    lines.push(verdict);
    lines.iter().map(|line| format!("{}\n", fitted(line, style.columns))).collect()
}

/// A line as the terminal has room for it.
pub fn fitted(line: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if line.starts_with(REPEAT) => wrapped_command(line, columns),
        Some(columns) => wrapped(line, columns),
        None => line.to_owned(),
    }
}

/// How the line begins that has the command to repeat the run.
const REPEAT: &str = "repeat: ";

fn verdict(report: &RunRecord, paint: Paint) -> String {
    let verdict = format!("{} (exit {})", plain(&report.sentence), report.exit_code);
    if report.exit_code == 0 { paint.green(&verdict) } else { paint.red(&verdict) }
}

fn findings(report: &RunRecord, paint: Paint) -> impl Iterator<Item = String> {
    report.findings.iter().map(move |finding| {
        let word = paint.red(&format!("{}:", finding.kind.name()));
        format!("{word} {}", plain(&finding.message))
    })
}

/// Thresholds that are no findings, and the first round.
fn thresholds(report: &RunRecord, style: Style) -> Vec<String> {
    let paint = style.paint;
    let word = |judged: &ThresholdResult| match judged.judgement {
        Judgement::Holds if style.verbose => Some("passed:".to_owned()),
        Judgement::Violated if judged.rule.severity == Severity::Warn => {
            Some(paint.yellow("warning:"))
        }
        Judgement::NotJudged => Some(paint.yellow("not judged:")),
        // Violations and missing data are findings.
        _ => None,
    };
    let judged = report.verdict.iter().flat_map(|verdict| &verdict.judged);
    let mut lines: Vec<String> = judged
        .filter_map(|judged| Some(format!("{} {}", word(judged)?, plain(&wording::line(judged)))))
        .collect();
    for call in report.first_round.iter().filter(|_| style.verbose) {
        let latency = show_ms(call.latency.as_secs_f64() * 1e3);
        let failure = call.failure.as_deref().unwrap_or("");
        let line = format!("first round: {} {latency} {failure}", call.task);
        lines.push(plain(line.trim_end()));
    }
    lines
}

fn tables(report: &RunRecord, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(summary) = &report.summary {
        lines.extend(table::by_task(summary, report.verdict.as_ref(), style));
        lines.extend(summary.failures.iter().map(|group| {
            let (count, task, kind) = (group.count, &group.task, group.kind.name());
            plain(&format!("failed: {count} × {task}: {kind}: {}", group.message))
        }));
    }
    if let Some(comparison) = &report.comparison {
        lines.extend(table::against(comparison, style));
    }
    lines
}

fn stages(stages: &[StageRecord]) -> String {
    let stage = |record: &StageRecord| {
        let (name, took) = (record.stage.name(), show_duration(record.took));
        match record.end {
            StageEnd::Completed => format!("{name} {took}"),
            StageEnd::Cached => format!("{name} {took} cached"),
            StageEnd::Failed(_) => format!("{name} {took} failed"),
        }
    };
    stages.iter().map(stage).collect::<Vec<_>>().join(", ")
}

fn next(report: &RunRecord, end: &FinalOutput<'_>) -> Vec<String> {
    let mut lines = vec![String::new(), "what to do next".to_owned()];
    lines.extend(end.advice.iter().map(|advice| format!("try: {}", plain(advice))));
    lines.extend(end.log.map(|log| format!("log: {}", plain(log))));
    lines.extend(end.page.map(|page| format!("page: {}", plain(&page.display().to_string()))));
    lines.push(format!("artifacts: {}", plain(&end.artifacts.display().to_string())));
    lines.push(format!("{REPEAT}{}", plain(&repeated(&report.given, report.seed))));
    lines.push(String::new());
    lines
}

/// The command line that repeats a run: with its seed, where chance drew it.
fn repeated(given: &str, seed: u64) -> String {
    let has_seed = given.split(' ').any(|word| word == "--seed" || word.starts_with("--seed="));
    if has_seed { given.to_owned() } else { format!("{given} --seed {seed}") }
}

#[cfg(test)]
#[path = "final_output_tests.rs"]
mod tests;
