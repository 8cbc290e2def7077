//! `perf_results.md`: the run as a comment on a pull request and as a step summary. The
//! most serious parts come first; what does not fit is left out, and the text says so.

use portcullis_core::compare::{Comparison, loosened};
use portcullis_core::judge::{FindingKind, ThresholdResult, caveats};
use portcullis_core::measure::{Row, Summary};
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_ms;

use crate::annotations;
use crate::escape::markdown as esc;
use crate::format::{Flag, Format};
use crate::record::RunRecord;
use crate::series::steps;
use crate::wording::{self, ThresholdStatus, percent, shortened};

/// The summary for a pull request.
pub const FILE: &str = "perf_results.md";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag {
        name: "md",
        help: "Write the Markdown summary for a pull request",
        place: 2,
    }),
    files: &[FILE],
    write: |run| vec![write(run)],
};

/// The first line, by which a comment is found and replaced.
pub const MARKER: &str = "<!-- portcullis -->";

/// The maximum length in bytes: GitHub refuses comments of more than 65,536 characters.
pub const LONGEST: usize = 64 * 1024;

/// The maximum number of rows of a table, and of items of a list.
const MOST: usize = 60;

/// Writes the text.
pub fn write(run: &RunRecord) -> String {
    let word = wording::verdict(run.exit_code);
    let sign = match run.exit_code {
        0 => "✅",
        1 => "❌",
        _ => "⚠️",
    };
    let mut out = format!(
        "{MARKER}\n## {sign} Performance: {word}\n\n{}\n",
        esc(&shortened(&run.sentence, 1_000))
    );
    let judged = run.verdict.iter().flat_map(|verdict| &verdict.judged);
    let mut judged: Vec<&ThresholdResult> = judged.collect();
    judged.sort_by_key(|one| ThresholdStatus::of(one, run.strict));
    let summary = run.summary.as_ref();
    let sections = [
        violations(&judged, run.strict),
        findings(run),
        what_to_try(run),
        run.comparison.as_ref().map_or_else(String::new, against),
        summary.map_or_else(String::new, by_task),
        summary.map_or_else(String::new, over_time),
        folded("Thresholds", &thresholds(&judged, run.strict)),
        folded("Failures", &summary.map_or_else(String::new, failures)),
        folded("Caveats", &summary.map_or_else(String::new, said)),
        folded("Repeat this run", &about(run)),
    ];
    let mut is_whole = true;
    for section in sections {
        // Space for the sentence about what is left out.
        if out.len() + section.len() + 200 <= LONGEST {
            out.push_str(&section);
        } else {
            is_whole = false;
        }
    }
    if !is_whole {
        out.push_str(
            "\nThis summary is too long and was shortened; `perf_results.html` is complete.\n",
        );
    }
    out
}

/// A name or message from outside, as code, in which GitHub makes no links.
fn code(text: &str, most: usize) -> String {
    format!("<code>{}</code>", esc(&shortened(text, most)))
}

fn folded(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("\n<details>\n<summary>{title}</summary>\n\n{body}\n</details>\n")
}

fn violations(judged: &[&ThresholdResult], is_strict: bool) -> String {
    let grave = judged.iter().filter(|one| {
        let standing = ThresholdStatus::of(one, is_strict);
        matches!(
            standing,
            ThresholdStatus::Violated | ThresholdStatus::NoData | ThresholdStatus::Warns
        )
    });
    let items = grave.take(MOST).map(|one| {
        let standing = ThresholdStatus::of(one, is_strict);
        let line = code(&wording::line(one), 300);
        format!("- {} **{}** {line}\n", standing.sign(), standing.word())
    });
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("\n{items}") }
}

/// Findings without a rule: those of the comparison, and those that are not violations. The
/// sentence already has the first of these.
fn findings(run: &RunRecord) -> String {
    let annotations = annotations::of(run);
    let compared = annotations.iter().filter(|one| one.is_apart());
    let compared = compared.map(|one| format!("- ✗ **violated** {}\n", code(&one.said, 500)));
    let others =
        run.findings.iter().skip(1).filter(|finding| finding.kind != FindingKind::Violated);
    let others = others.map(|finding| {
        format!("- ⚠ **{}** {}\n", finding.kind.name(), code(&finding.message, 500))
    });
    let items: String = compared.take(20).chain(others.take(20)).collect();
    if items.is_empty() { items } else { format!("\n{items}") }
}

/// The advice and the log of a failed stage.
fn what_to_try(run: &RunRecord) -> String {
    let lines = run.stages.iter().flat_map(|record| {
        let advice = record.advice.as_deref();
        let advice = advice.map(|advice| format!("- try: {}\n", esc(&shortened(advice, 500))));
        let log = record.log.as_deref().map(|log| format!("- log: {}\n", code(log, 100)));
        advice.into_iter().chain(log)
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// Base and candidate: the sentence, and a line for each task.
fn against(comparison: &Comparison) -> String {
    let lines = comparison.tasks.iter().take(MOST);
    let lines = lines.map(|task| format!("- {}\n", code(&task.line(), 300)));
    let looser = comparison.loosened.iter().take(MOST);
    let looser = looser.map(|line| format!("- ⚠ {}\n", code(&loosened(line), 300)));
    let notes = comparison.base_load.iter().chain(&comparison.base_gate);
    let notes = notes.map(|note| format!("- {}\n", code(note, 300)));
    let lines: String = lines.chain(looser).chain(notes).collect();
    let sentence = esc(&comparison.sentence());
    format!("\n**Against the base** {sentence}\n\n{lines}")
}

fn by_task(summary: &Summary) -> String {
    let mut out = "\n| task | requests | failures | p50 ms | p95 ms | p99 ms | max ms |\n\
                   |:---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let called: Vec<_> = summary.rows().filter(|task| task.weight > 0).collect();
    for task in called.iter().take(MOST) {
        out.push_str(&row(&code(&task.name, 60), &task.judged()));
    }
    out.push_str(&row("**all tasks**", &summary.aggregate()));
    if let Some(login) = &summary.login {
        out.push_str(&row("login (not in the totals)", &login.judged()));
    }
    if called.len() > MOST {
        out.push_str(&format!("\n{} more tasks are on the page.\n", called.len() - MOST));
    }
    out
}

fn row(name: &str, row: &Row) -> String {
    let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format!("{ms:.1}"));
    let at = |percentile| ms(row.latency.percentile_ms(percentile));
    let failed = match row.error_rate().filter(|rate| *rate > 0.0) {
        Some(rate) => format!("{} ({})", row.failures, percent(rate)),
        None => "0".to_owned(),
    };
    format!(
        "| {name} | {} | {failed} | {} | {} | {} | {} |\n",
        row.requests,
        at(Percentile::P50),
        at(Percentile::P95),
        at(Percentile::P99),
        ms(row.latency.max_ms())
    )
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as bars from 0 to the maximum; a dot for a missing value.
fn sparkline(values: &[Option<f64>]) -> String {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        Some(value) if most > 0.0 => {
            let level = (value / most * 8.0).ceil() as usize;
            BARS.get(level.saturating_sub(1)).copied().unwrap_or('█')
        }
        _ => '·',
    };
    values.iter().map(bar).collect()
}

fn over_time(summary: &Summary) -> String {
    let values: Vec<Option<f64>> =
        steps(&summary.series, 60).iter().map(|step| step.p95_ms).collect();
    let known = || values.iter().flatten().copied();
    let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else {
        return String::new();
    };
    format!("\np95 over time: `{}` {} to {}\n", sparkline(&values), show_ms(low), show_ms(high))
}

fn thresholds(judged: &[&ThresholdResult], is_strict: bool) -> String {
    if judged.is_empty() {
        return String::new();
    }
    let rows = judged.iter().take(MOST).map(|one| {
        let standing = ThresholdStatus::of(one, is_strict);
        format!(
            "| {} {} | {} | {} | {} | {} | {} |\n",
            standing.sign(),
            standing.word(),
            code(&one.rule.subject(), 80),
            esc(&wording::value(one).unwrap_or_else(|| "–".to_owned())),
            esc(&wording::limit(&one.rule)),
            one.samples,
            esc(&wording::certainty(one))
        )
    });
    format!(
        "| | threshold | value | limit | samples | certainty |\n|:---|:---|---:|:---|---:|:---|\n{}",
        rows.collect::<String>()
    )
}

fn failures(summary: &Summary) -> String {
    if summary.failures.is_empty() {
        return String::new();
    }
    let rows = summary.failures.iter().take(30).map(|group| {
        format!(
            "| {} | {} | {} | {} |\n",
            code(&group.task, 60),
            group.kind.name(),
            group.count,
            code(&group.message, 200)
        )
    });
    format!(
        "| task | kind | count | message |\n|:---|:---|---:|:---|\n{}{}",
        rows.collect::<String>(),
        first_bodies(summary)
    )
}

/// The message of the first failed answer of each task.
fn first_bodies(summary: &Summary) -> String {
    let tasks = summary.tasks.iter().chain(&summary.login);
    let firsts = tasks.filter_map(|task| Some((task, task.samples.errors.first()?))).take(10);
    let lines = firsts.map(|(task, error)| {
        let name = code(&task.name, 60);
        format!("- {name}, {}: {}\n", wording::status(error.status), code(&error.body.shown(), 300))
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

fn said(summary: &Summary) -> String {
    caveats(summary).iter().map(|said| format!("- {}\n", esc(said))).collect()
}

fn about(run: &RunRecord) -> String {
    let commit = run.commit.as_deref().unwrap_or("unknown");
    let machine = &run.machine;
    let processor = machine.processor.as_deref().unwrap_or("unknown CPU");
    let processor = format!("{} cores, {processor}, {}", machine.cores, machine.system);
    format!(
        "{}\n\nExit code {}. Commit {}. Machine {}.\n",
        code(&run.command(), 500),
        run.exit_code,
        code(commit, 100),
        code(&processor, 200)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_from_nothing_to_the_largest() {
        let values = [Some(0.0), None, Some(12.5), Some(50.0), Some(100.0)];
        assert_eq!(sparkline(&values), "▁·▁▄█");
        assert_eq!(sparkline(&[None, None]), "··");
    }
}
