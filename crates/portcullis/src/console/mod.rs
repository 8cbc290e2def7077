//! The terminal: one sink of the pipeline's events, and the end of a run. The
//! only place that prints.

mod check;
mod paint;
mod plan;
mod table;

pub use check::{print_check, print_checks};
pub use plan::print_plan;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use portcullis_core::event::{Event, PairProgress, Progress, Sink, StageEnd, StageRecord};
use portcullis_core::inert::moves;
use portcullis_core::plan::Mode;
use portcullis_core::units::{show_duration, show_ms};
use portcullis_core::verdict::Judgement;
use portcullis_report::RunReport;

use crate::planning::Planned;
use crate::stages::judge;
use paint::Paint;

/// The console of one run.
#[derive(Debug)]
pub struct Console {
    quiet: bool,
    verbose: bool,
    is_terminal: bool,
    paint: Paint,
    /// When the last line on the load was printed, where lines are not redrawn.
    last_progress: Mutex<Option<Instant>>,
}

/// How often the load tells of itself where it cannot redraw a line.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Prints a text; a closed terminal or pipe is no reason to stop a run.
pub fn print_plain(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Whether standard output can redraw a line.
fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn line(text: &str) {
    print_plain(&format!("{text}\n"));
}

/// Prints a complaint that decides nothing.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "warning: {}", plain(text));
}

/// Prints what is wrong with the configuration or the command line; 2.
pub fn refuse(problems: &[String]) -> u8 {
    let mut err = std::io::stderr().lock();
    for problem in problems {
        let _ = writeln!(err, "error: {}", plain(problem));
    }
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    let _ = writeln!(err, "REFUSED: {count}; nothing was started (exit 2)");
    2
}

/// Prints a defect of our own; 70.
pub fn defect(what: &str) -> u8 {
    let _ = writeln!(std::io::stderr().lock(), "DEFECT: {} (exit 70)", plain(what));
    70
}

/// The text without control characters: a service's answer must not move the
/// cursor, forge a line, turn it around, or ring the bell.
fn plain(text: &str) -> String {
    text.chars().map(|c| if moves(c) { '\u{fffd}' } else { c }).collect()
}

/// The longest line of a log that is shown.
const LONGEST: usize = 400;

/// The beginning of a line.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Console {
    /// A console for this process's standard output.
    pub fn new(quiet: bool, verbose: bool) -> Self {
        Self {
            quiet,
            verbose,
            is_terminal: is_terminal(),
            paint: Paint::for_output(),
            last_progress: Mutex::new(None),
        }
    }

    /// Says what is about to happen.
    pub fn begin(&self, planned: &Planned) {
        let plan = &planned.plan;
        for warning in &plan.warnings {
            line(&format!("  warning: {}", plain(warning)));
        }
        if self.quiet {
            return;
        }
        let load = &plan.load;
        let what = match &plan.mode {
            Mode::Serve(serve) => serve.root.display().to_string(),
            Mode::Attach(target) => target.url(),
        };
        let what = plain(&what);
        line(&format!("portcullis: {what}: {}, seed {}", load.described(), load.seed));
    }

    /// Prints tables, violations and the verdict.
    pub fn end(&self, report: &RunReport, artifacts: &Path) {
        if !self.quiet {
            if let Some(summary) = &report.summary {
                print_plain(&table::by_task(summary, report.verdict.as_ref(), self.paint));
            }
            for group in report.summary.iter().flat_map(|summary| &summary.failures) {
                let (count, task, kind) = (group.count, &group.task, group.kind.name());
                line(&format!("failed: {count} × {task}: {kind}: {}", plain(&group.message)));
            }
            self.thresholds(report);
            if let Some(comparison) = &report.comparison {
                print_plain(&table::against(comparison, self.paint));
            }
        }
        for finding in &report.findings {
            let word = self.paint.red(&format!("{}:", finding.kind()));
            line(&format!("{word} {}", plain(finding.message())));
        }
        if !self.quiet {
            line(&format!("artifacts: {}", plain(&artifacts.display().to_string())));
        }
        let verdict = format!("{} (exit {})", plain(&report.sentence), report.exit_code);
        line(&match report.exit_code {
            0 => self.paint.green(&verdict),
            _ => self.paint.red(&verdict),
        });
    }

    fn thresholds(&self, report: &RunReport) {
        for judged in report.verdict.iter().flat_map(|verdict| &verdict.judged) {
            let is_warning = judged.rule.severity == portcullis_core::threshold::Severity::Warn;
            match judged.judgement {
                Judgement::Holds if self.verbose => {
                    line(&format!("holds: {}", plain(&judge::line(judged))));
                }
                Judgement::Violated if is_warning => {
                    let word = self.paint.yellow("warning:");
                    line(&format!("{word} {}", plain(&judge::line(judged))));
                }
                Judgement::NotJudged => {
                    let word = self.paint.yellow("not judged:");
                    line(&format!("{word} {}", plain(&judge::line(judged))));
                }
                // Violations and missing data are findings.
                _ => {}
            }
        }
        if self.verbose {
            for call in &report.first_round {
                let latency = show_ms(call.latency.as_secs_f64() * 1e3);
                let failure = call.failure.as_deref().unwrap_or("");
                line(&format!("first round: {} {latency} {}", call.task, plain(failure)));
            }
        }
    }

    fn stage(&self, record: &StageRecord) {
        let took = show_duration(record.took);
        let (end, detail) = match &record.end {
            StageEnd::Done => (took, plain(&record.detail)),
            StageEnd::Cached => (format!("{took} cached"), plain(&record.detail)),
            StageEnd::Failed(why) => {
                (took, format!("{} {}", self.paint.red("failed:"), plain(why)))
            }
        };
        let text = format!("  {:<12} {end:<14} {detail}", record.stage.name());
        let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
        line(&format!("{clear}{}", text.trim_end()));
    }

    fn progress(&self, text: &str) {
        if self.is_terminal {
            print_plain(&format!("\r\x1b[K  {text}"));
            return;
        }
        // A console that panicked elsewhere still has its time stamp.
        let mut last = self.last_progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.is_none_or(|at| at.elapsed() >= PROGRESS_EVERY) {
            *last = Some(Instant::now());
            line(&format!("  {text}"));
        }
    }
}

fn pairs_line(progress: &PairProgress) -> String {
    match progress.elapsed.is_zero() {
        true => "pairs: both servers warm up".to_owned(),
        false => format!(
            "pairs {}/{} s at most, {} so far",
            progress.elapsed.as_secs(),
            progress.limit.as_secs(),
            progress.pairs
        ),
    }
}

fn progress_line(progress: &Progress) -> String {
    let (alive, asked) = progress.users;
    let (requests, failures) = progress.requests;
    let p95 = progress.p95_ms.map_or("-".to_owned(), show_ms);
    let mut text = format!(
        "load {}/{} s, {alive}/{asked} users, {requests} requests, {} in the last second, p95 {p95}, \
         {failures} errors",
        progress.elapsed.as_secs(),
        progress.window.as_secs(),
        progress.last_second
    );
    if !progress.extending_for.is_empty() {
        text.push_str(&format!(", going on for {}", progress.extending_for.join(", ")));
    }
    text
}

impl Sink for Console {
    fn event(&self, event: &Event) {
        match event {
            Event::Warning(text) => {
                line(&format!("  {} {}", self.paint.yellow("warning:"), plain(text)));
            }
            _ if self.quiet => {}
            Event::StageStarted(stage) if self.is_terminal => {
                print_plain(&format!("\r\x1b[K  {:<12} …", stage.name()));
            }
            Event::StageStarted(_) => {}
            Event::StageEnded(record) => self.stage(record),
            Event::Note(text) => line(&format!("  note: {}", plain(text))),
            Event::Progress(progress) => self.progress(&progress_line(progress)),
            Event::Pairs(progress) => self.progress(&pairs_line(progress)),
            Event::LogTail { path, lines } => {
                for text in lines {
                    line(&format!("    | {}", plain(&shortened(text))));
                }
                line(&format!("    the whole log: {}", plain(path)));
            }
            Event::Advice(text) => line(&format!("    try: {}", plain(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_moves_turns_or_rings() {
        let text = "\x1b[31mred\x07\r\n\u{9b}1m\u{202e}\u{2028}é …";
        assert_eq!(
            plain(text),
            "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}\u{fffd}1m\u{fffd}\u{fffd}é …"
        );
    }

    #[test]
    fn a_long_line_keeps_its_beginning() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
