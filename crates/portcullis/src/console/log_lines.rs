//! Permanent lines: one for each stage, warnings, the end of a log, and without a panel one
//! for the load every few seconds. Takes events, returns lines.

use std::time::Duration;

use portcullis_core::event::{Event, PairProgress, Progress, Stage, StageEnd, StageRecord};
use portcullis_core::units::{show_duration, show_ms};

use super::paint::Paint;
use super::plain;

/// The form of the output during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Permanent lines, and below them a panel that is updated in place.
    Panel,
    /// Lines only: a pipe, a file, a terminal that cannot move its cursor.
    Lines,
    /// Lines for a CI log, which is read later.
    Ci {
        /// Whether the log can be collapsed by GitHub's groups.
        groups: bool,
    },
}

impl Form {
    /// The form for a terminal or another output, and an environment.
    pub fn of(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_on = |name: &str| {
            variable(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
        };
        if is_on("GITHUB_ACTIONS") || is_on("CI") {
            return Self::Ci { groups: is_on("GITHUB_ACTIONS") };
        }
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        if is_terminal && !is_dumb { Self::Panel } else { Self::Lines }
    }

    /// How often the load has a permanent line.
    fn load_every(self) -> Option<Duration> {
        match self {
            Self::Panel => None,
            Self::Lines => Some(Duration::from_secs(5)),
            Self::Ci { .. } => Some(Duration::from_secs(10)),
        }
    }
}

/// The lines of one run.
#[derive(Debug)]
pub struct LogLines {
    form: Form,
    paint: Paint,
    /// The time of the last line of the load.
    last: Option<Duration>,
    /// Whether a group of GitHub's is open.
    is_open: bool,
}

/// Events of seconds may come a little early or late; an early one is accepted.
const EARLY: Duration = Duration::from_millis(500);

/// The maximum length of a shown line of a log.
const LONGEST: usize = 400;

impl LogLines {
    /// Without lines.
    pub fn new(form: Form, paint: Paint) -> Self {
        Self { form, paint, last: None, is_open: false }
    }

    /// The lines at the start of the run.
    pub fn begin(&mut self, what: &str) -> Vec<String> {
        let mut lines = vec![format!("portcullis: {}", plain(what))];
        if self.form == (Form::Ci { groups: true }) {
            self.is_open = true;
            lines.push("::group::stages".to_owned());
        }
        lines
    }

    /// Closes an open group.
    pub fn close(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_open).then(|| "::endgroup::".to_owned())
    }

    /// The lines of an event at this time of the run.
    pub fn lines(&mut self, at: Duration, event: &Event) -> Vec<String> {
        let warning = |text: &str| format!("  {} {}", self.paint.yellow("warning:"), plain(text));
        match event {
            // The following lines must be visible without expanding a group.
            Event::StageStarted(Stage::Judge | Stage::Collect) => {
                self.close().into_iter().collect()
            }
            Event::StageStarted(_) => Vec::new(),
            Event::StageEnded(record) => {
                let is_failed = matches!(record.end, StageEnd::Failed(_));
                let close = if is_failed { self.close() } else { None };
                close.into_iter().chain([self.stage(record)]).collect()
            }
            Event::Warning(text) => vec![warning(text)],
            Event::Note(text) => vec![format!("  note: {}", plain(text))],
            Event::Progress(progress) => self.paced(at, || load(progress)),
            Event::Pairs(progress) => self.paced(at, || pairs(progress)),
            Event::LogTail { path, lines } => {
                let line = |text: &String| format!("    | {}", plain(&shortened(text)));
                let whole = format!("    the whole log: {}", plain(path));
                lines.iter().map(line).chain([whole]).collect()
            }
            Event::Advice(text) => vec![format!("    try: {}", plain(text))],
        }
    }

    fn paced(&mut self, at: Duration, line: impl Fn() -> String) -> Vec<String> {
        let Some(every) = self.form.load_every() else { return Vec::new() };
        if self.last.is_some_and(|last| at + EARLY < last + every) {
            return Vec::new();
        }
        self.last = Some(at);
        vec![format!("  {}", plain(&line()))]
    }

    fn stage(&self, record: &StageRecord) -> String {
        let took = show_duration(record.took);
        let (end, detail) = match &record.end {
            StageEnd::Completed => (took, plain(&record.detail)),
            StageEnd::Cached => (format!("{took} cached"), plain(&record.detail)),
            StageEnd::Failed(why) => {
                (took, format!("{} {}", self.paint.red("failed:"), plain(why)))
            }
        };
        let text = format!("  {:<12} {end:<14} {detail}", record.stage.name());
        text.trim_end().to_owned()
    }
}

/// The beginning of a line.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn pairs(progress: &PairProgress) -> String {
    match progress.elapsed.is_zero() {
        true => "pairs: warming up both servers".to_owned(),
        false => format!(
            "pairs: {} of at most {} s, {} pairs",
            progress.elapsed.as_secs(),
            progress.limit.as_secs(),
            progress.pairs
        ),
    }
}

fn load(progress: &Progress) -> String {
    let (alive, asked) = progress.users;
    let (requests, failures) = progress.requests;
    let p95 = progress.p95_ms.map_or("-".to_owned(), show_ms);
    let kinds: Vec<String> =
        progress.failures.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let mut text = format!(
        "load {}/{} s, {alive}/{asked} users, {requests} requests, {} in the last second, p95 {p95}, \
         {failures} errors{kinds}",
        progress.elapsed.as_secs(),
        progress.window.as_secs(),
        progress.last_second
    );
    if !progress.extending_for.is_empty() {
        text.push_str(&format!(", extended for {}", progress.extending_for.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::measure::FailureKind;

    fn form(is_terminal: bool, variables: &[(&str, &str)]) -> Form {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Form::of(is_terminal, find)
    }

    #[test]
    fn each_surrounding_has_its_form() {
        let xterm = ("TERM", "xterm");
        assert_eq!(form(true, &[xterm]), Form::Panel);
        assert_eq!(form(true, &[xterm, ("CI", "")]), Form::Panel);
        assert_eq!(form(true, &[xterm, ("CI", "false")]), Form::Panel);
        assert_eq!(form(true, &[("TERM", "dumb")]), Form::Lines);
        assert_eq!(form(false, &[xterm]), Form::Lines);
        assert_eq!(form(true, &[xterm, ("CI", "true")]), Form::Ci { groups: false });
        assert_eq!(form(false, &[("GITHUB_ACTIONS", "true")]), Form::Ci { groups: true });
    }

    fn log_lines(form: Form) -> LogLines {
        LogLines::new(form, Paint::new(false))
    }

    fn ended(stage: Stage, end: StageEnd) -> Event {
        let took = Duration::from_millis(1_250);
        let detail = "detail".to_owned();
        Event::StageEnded(StageRecord { stage, took, end, detail, log: None, advice: None })
    }

    fn progress(second: u64) -> (Duration, Event) {
        let elapsed = Duration::from_secs(second);
        let progress = Progress {
            elapsed,
            window: Duration::from_secs(30),
            users: (4, 5),
            requests: (80, 3),
            last_second: 9,
            p95_ms: Some(12.34),
            failures: vec![(FailureKind::Status, 2), (FailureKind::Timeout, 1)],
            ..Progress::default()
        };
        (elapsed, Event::Progress(progress))
    }

    #[test]
    fn the_load_has_a_line_every_few_seconds_or_none_beside_a_panel() {
        let seconds = |form| {
            let mut log = log_lines(form);
            (1..=21)
                .map(progress)
                .flat_map(|(at, event)| {
                    log.lines(at, &event).into_iter().map(move |_| at.as_secs())
                })
                .collect::<Vec<u64>>()
        };
        assert_eq!(seconds(Form::Lines), [1, 6, 11, 16, 21]);
        assert_eq!(seconds(Form::Ci { groups: false }), [1, 11, 21]);
        assert_eq!(seconds(Form::Panel), Vec::<u64>::new());
        let mut log_of_ci = log_lines(Form::Ci { groups: false });
        let (_, event) = progress(1);
        let mut is_said = |ms| !log_of_ci.lines(Duration::from_millis(ms), &event).is_empty();
        assert_eq!([1_004, 10_002, 11_001, 12_000].map(&mut is_said), [true, false, true, false]);
        let (at, event) = progress(7);
        let expected = "  load 7/30 s, 4/5 users, 80 requests, 9 in the last second, p95 12.3 ms, \
                        3 errors (2 status, 1 timeout)";
        assert_eq!(log_lines(Form::Lines).lines(at, &event), [expected]);
    }

    #[test]
    fn groups_fold_what_went_well_and_nothing_else() {
        let mut log = log_lines(Form::Ci { groups: true });
        let mut said = log.begin("here");
        let failed = StageEnd::Failed("no \x1b[31mroom".to_owned());
        for event in [
            ended(Stage::Install, StageEnd::Cached),
            ended(Stage::Migrate, failed),
            Event::Advice("again".to_owned()),
            Event::StageStarted(Stage::Collect),
        ] {
            said.extend(log.lines(Duration::ZERO, &event));
        }
        let expected = [
            "portcullis: here",
            "::group::stages",
            "  install      1.2 s cached   detail",
            "::endgroup::",
            "  migrate      1.2 s          failed: no \u{fffd}[31mroom",
            "    try: again",
        ];
        assert_eq!(said, expected);
        assert_eq!(log.close(), None);
    }

    #[test]
    fn a_log_is_quoted_so_that_no_line_is_a_command() {
        let lines = vec!["::error::x".to_owned(), "##[error]y ##vso[task]z".to_owned()];
        let event = Event::LogTail { path: "/log".to_owned(), lines };
        let said = log_lines(Form::Ci { groups: true }).lines(Duration::ZERO, &event);
        let expected =
            ["    | ::error::x", "    | # #[error]y # #vso[task]z", "    the whole log: /log"];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_long_line_keeps_its_beginning() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
