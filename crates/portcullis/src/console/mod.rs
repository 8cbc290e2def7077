//! The terminal: a sink of the run's events, and the final output. This is the only room
//! that prints. The state (`state`) and its presentation (`log_lines`, `panel`,
//! `final_output`) are pure; the clock, the terminal and the streams are here.

mod ask;
mod check;
mod columns;
mod final_output;
pub mod github;
mod log_lines;
mod paint;
mod panel;
mod plan;
mod report;
#[cfg(test)]
mod scene;
mod screen;
mod state;
mod steps;
mod table;
#[cfg(test)]
mod tmux_tests;
mod wrap;

pub use ask::{ask, is_interactive};
pub use check::{CheckedFile, print_check, print_checks};
pub use final_output::FinalOutput;
pub use plan::{DryRun, print_plan};
pub use report::{Change, Row, SideBySide, print_side_by_side, print_written};
pub use steps::{Mark, Steps};

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portcullis_core::event::{Event, Sink};
use portcullis_core::judge::{Finding, FindingKind};
use portcullis_core::plan::{Mode, Plan};
use portcullis_core::text::moves;
use portcullis_report::{RunRecord, events_jsonl, results};

use final_output::Style;
use log_lines::{Form, LogLines};
use paint::Paint;
use screen::{Screen, Size};
use state::State;

/// The format of standard output. With formats for machines, the text goes to standard
/// error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    #[default]
    Text,
    /// One document: the bytes of the results.
    Json,
    /// One object in a line for each event.
    Jsonl,
}

/// The options of the console.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsoleOptions {
    /// The format of standard output.
    pub format: Format,
    /// Violations and the verdict only.
    pub quiet: bool,
    /// Every threshold and the first round too.
    pub verbose: bool,
}

/// The console of one run.
#[derive(Debug)]
pub struct Console {
    shared: Arc<Shared>,
    /// The thread that updates the panel between events.
    ticker: Option<std::thread::JoinHandle<()>>,
}

/// The data that the console and its ticker share.
#[derive(Debug)]
struct Shared {
    format: Format,
    quiet: bool,
    verbose: bool,
    form: Form,
    paint: Paint,
    begun: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    log_lines: LogLines,
    screen: Screen,
    is_over: bool,
}

/// How often the panel is updated between events.
const TICK: Duration = Duration::from_millis(500);

/// Prints a text; a closed terminal or pipe must not stop a run.
pub fn print_plain(text: &str) {
    print_to(false, text);
}

fn print_to(is_error: bool, text: &str) {
    let write = |mut out: Box<dyn Write>| {
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    };
    match is_error {
        false => write(Box::new(std::io::stdout().lock())),
        true => write(Box::new(std::io::stderr().lock())),
    }
}

/// The style of standard output for commands without a run.
fn for_output() -> Style {
    let variable =
        |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let is_panel = Form::of(std::io::stdout().is_terminal(), variable) == Form::Panel;
    let wants_color = variable("NO_COLOR").is_none_or(|value| value.is_empty());
    let columns = is_panel.then(|| size_of(Format::Text).width());
    Style { quiet: false, verbose: true, columns, paint: Paint::new(is_panel && wants_color) }
}

fn size_of(format: Format) -> Size {
    let asked = match format {
        Format::Text => rustix::termios::tcgetwinsize(std::io::stdout()),
        Format::Json | Format::Jsonl => rustix::termios::tcgetwinsize(std::io::stderr()),
    };
    match asked {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => Size::default(),
    }
}

fn line(text: &str) {
    print_plain(&format!("{text}\n"));
}

fn error_line(text: &str) {
    // A drawn panel stays above it.
    screen::leave();
    print_to(true, &format!("{text}\n"));
}

/// Prints an error message that does not change the exit code.
pub fn complain(text: &str) {
    error_line(&format!("warning: {}", plain(text)));
}

/// Prints a fact before or after a run.
pub fn remark(text: &str) {
    error_line(&format!("note: {}", plain(text)));
}

/// Prints the problems of the configuration or the command line; returns 2.
pub fn refuse(problems: &[impl Display]) -> u8 {
    for problem in problems {
        error_line(&format!("error: {}", plain(&problem.to_string())));
    }
    error_line(&format!("{} (exit 2)", refused(problems.len())));
    2
}

fn refused(problems: usize) -> String {
    match problems {
        1 => "REFUSED: 1 problem; nothing was started".to_owned(),
        n => format!("REFUSED: {n} problems; nothing was started"),
    }
}

/// Prints a bug in Portcullis; returns 70.
pub fn defect(what: &str) -> u8 {
    error_line(&format!("DEFECT: {} (exit 70)", plain(what)));
    70
}

/// Prints that the signal handlers cannot be installed; returns 70.
pub fn no_handlers(error: &std::io::Error) -> u8 {
    defect(&format!("signal handlers cannot be installed: {error}"))
}

/// Prints that a signal ended the run before it could report; returns the exit code.
pub fn interrupted(finding: &Finding) -> u8 {
    let code = finding.exit_code();
    error_line(&format!(
        "INTERRUPTED: {}, before the run could report; everything it had started was ended \
         (exit {code})",
        finding.message
    ));
    code
}

/// Prints what this system lacks for a run; returns the exit code of a failed preparation.
pub fn unfit(lack: &impl Display) -> u8 {
    let code = FindingKind::Preparation.exit_code();
    error_line(&format!("ERROR: {lack}; nothing was started (exit {code})"));
    code
}

/// The text without control characters: an answer of the service must not move the cursor,
/// forge a line, reverse it, or ring the bell. It must also not be a command to a CI
/// system, some of which look for commands anywhere in a line.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if moves(c) { '\u{fffd}' } else { c }).collect();
    text.replace("##[", "# #[").replace("##vso[", "# #vso[")
}

impl Console {
    /// A console for standard output, or for standard error if a format for machines uses
    /// standard output.
    pub fn new(options: ConsoleOptions) -> Self {
        let ConsoleOptions { format, quiet, verbose } = options;
        let variable =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let is_terminal = match format {
            Format::Text => std::io::stdout().is_terminal(),
            Format::Json | Format::Jsonl => std::io::stderr().is_terminal(),
        };
        let form = Form::of(is_terminal, variable);
        let wants_color = variable("NO_COLOR").is_none_or(|value| value.is_empty());
        let paint = Paint::new(form == Form::Panel && wants_color);
        let inner = Inner {
            state: State::default(),
            log_lines: LogLines::new(form, paint),
            screen: Screen::default(),
            is_over: false,
        };
        let shared = Arc::new(Shared {
            format,
            quiet,
            verbose,
            form,
            paint,
            begun: Instant::now(),
            inner: Mutex::new(inner),
        });
        if format == Format::Jsonl {
            shared.stream(events_jsonl::begin(shared.begun.elapsed()));
        }
        let is_live = form == Form::Panel && !quiet;
        Self { ticker: is_live.then(|| tick(&shared)), shared }
    }

    /// Prints the problems of the configuration or the command line, and ends the stream of
    /// events; returns 2.
    pub fn refuse(&self, problems: &[impl Display]) -> u8 {
        let code = refuse(problems);
        self.shared.stream_end(&refused(problems.len()), code, None);
        code
    }

    /// Prints what the run will do.
    pub fn begin(&self, plan: &Plan, is_compared: bool) {
        let load = &plan.load;
        let what = match &plan.mode {
            Mode::Serve(serve) => serve.root.display().to_string(),
            Mode::Attach(target) => target.url(),
        };
        let what = format!("{what}: {}, seed {}", load.described(), load.seed);
        self.open(&what, state::outline(plan, is_compared));
        for warning in &plan.warnings {
            self.event(&Event::Warning(warning.clone()));
        }
    }

    /// Sets what is measured, and the expected stages.
    fn open(&self, what: &str, stages: Vec<state::Expected>) {
        let mut inner = self.shared.lock();
        inner.state = State::expecting(stages);
        let lines = inner.log_lines.begin(what);
        self.shared.show(&mut inner, &lines);
    }

    /// Prints lines from elsewhere, in the output for people.
    pub fn print(&self, lines: &str) {
        let mut inner = self.shared.lock();
        let bytes = inner.screen.replace(lines, Vec::new(), self.shared.size());
        print_to(self.shared.format != Format::Text, &bytes);
    }

    /// Prints the final output of a run.
    pub fn end(&self, report: &RunRecord, end: &FinalOutput<'_>) {
        let shared = &self.shared;
        let mut inner = shared.lock();
        inner.is_over = true;
        let (log, advice) = (inner.state.log.clone(), inner.state.advice.clone());
        let end = FinalOutput { log: log.as_deref().or(end.log), advice: &advice, ..*end };
        let columns = (shared.form == Form::Panel).then(|| shared.size().width());
        let (quiet, verbose, paint) = (shared.quiet, shared.verbose, shared.paint);
        let style = Style { quiet, verbose, columns, paint };
        let close = inner.log_lines.close().map(|close| format!("{close}\n")).unwrap_or_default();
        let text = format!("{close}{}", final_output::final_output(report, &end, style));
        let bytes = inner.screen.replace(&text, Vec::new(), shared.size());
        match shared.format {
            Format::Text => print_plain(&bytes),
            Format::Jsonl => {
                print_to(true, &bytes);
                let results = end.artifacts.join(portcullis_report::artifacts::RESULTS);
                shared.stream_end(&report.sentence, report.exit_code, Some(&results));
            }
            Format::Json => {
                print_to(true, &bytes);
                match results::write(report) {
                    Ok(json) => print_plain(&json),
                    Err(error) => complain(&format!(
                        "the results cannot be written as JSON: \
                                                     {error}"
                    )),
                }
            }
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

/// Starts the thread that updates the times in the panel.
fn tick(shared: &Arc<Shared>) -> std::thread::JoinHandle<()> {
    screen::leave_on_panic();
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        loop {
            std::thread::park_timeout(TICK);
            let mut inner = shared.lock();
            if inner.is_over {
                return;
            }
            shared.show(&mut inner, &[]);
        }
    })
}

impl Shared {
    /// The lock, also after a panic elsewhere, so that the console still prints.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn size(&self) -> Size {
        size_of(self.format)
    }

    /// Prints permanent lines, and the panel below them if there is one.
    fn show(&self, inner: &mut Inner, lines: &[String]) {
        if self.quiet {
            return;
        }
        let bytes = match self.form {
            Form::Panel => {
                let size = self.size();
                let width = size.width();
                let fitted = |line: &String| format!("{}\n", wrap::wrapped(line, width));
                let text: String = lines.iter().map(fitted).collect();
                let block = panel::panel(&inner.state, self.begun.elapsed(), width, self.paint);
                inner.screen.replace(&text, block, size)
            }
            Form::Lines | Form::Ci { .. } => lines.iter().map(|line| format!("{line}\n")).collect(),
        };
        if !bytes.is_empty() {
            print_to(self.format != Format::Text, &bytes);
        }
    }

    fn stream(&self, line: Result<String, serde_json::Error>) {
        match line {
            Ok(line) => print_plain(&line),
            Err(error) => complain(&format!("an event is skipped: {error}")),
        }
    }

    fn stream_end(&self, sentence: &str, exit_code: u8, results: Option<&std::path::Path>) {
        if self.format == Format::Jsonl {
            self.stream(events_jsonl::end(self.begun.elapsed(), sentence, exit_code, results));
        }
    }
}

impl Sink for Console {
    fn event(&self, event: &Event) {
        let shared = &self.shared;
        let at = shared.begun.elapsed();
        let mut inner = shared.lock();
        if shared.format == Format::Jsonl {
            shared.stream(events_jsonl::line(at, event));
        }
        inner.state.take(at, event);
        let lines = inner.log_lines.lines(at, event);
        shared.show(&mut inner, &lines);
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
}
