//! `--format jsonl`: the events of a run, one object in a line for each, with separate wire
//! structs.

use std::path::Path;
use std::time::Duration;

use portcullis_core::event::{Event, Stage, StageEnd, StageRecord};
use portcullis_core::evidence::State;
use portcullis_core::steering::RuleStatus;
use portcullis_core::threshold::Severity;
use schemars::JsonSchema;
use serde::Serialize;

use crate::results::wire::{Seconds, Wire};
use crate::results::word::Word;

/// Version of the format: raised when a field is removed or changes its meaning, not when a
/// field or kind is added.
pub const SCHEMA_VERSION: u32 = 1;

/// An event of a run.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Line<'a> {
    /// Seconds since the start of the run.
    at_s: f64,
    #[serde(flatten)]
    told: Payload<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payload<'a> {
    /// The first line: format and version of this stream.
    Run {
        #[schemars(extend("const" = SCHEMA_VERSION))]
        schema_version: u32,
        #[schemars(extend("const" = "portcullis"))]
        tool: &'static str,
        tool_version: &'static str,
    },
    StageStarted {
        stage: Word<Stage>,
    },
    StageEnded {
        stage: Word<Stage>,
        took_s: Seconds,
        #[schemars(extend("enum" = StageEnd::NAMES))]
        end: &'static str,
        detail: &'a str,
        failure: Option<&'a str>,
    },
    /// Information that does not change the result.
    Note {
        text: &'a str,
    },
    /// A problem that could make the run invalid.
    Warning {
        text: &'a str,
    },
    /// Progress of the load, once per second.
    Progress(Box<Progress<'a>>),
    /// Progress of a comparison, once per second.
    Pairs {
        elapsed_s: f64,
        limit_s: f64,
        pairs: u64,
    },
    /// The last lines of the log of a failed stage.
    LogTail {
        path: &'a str,
        lines: &'a [String],
    },
    /// A suggestion for the next step.
    Advice {
        text: &'a str,
    },
    /// The last line: the verdict.
    End {
        sentence: &'a str,
        exit_code: u8,
        /// Path of the results as JSON; null if nothing was started.
        results: Option<String>,
    },
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Progress<'a> {
    elapsed_s: f64,
    window_s: f64,
    users: u32,
    users_asked: u32,
    requests: u64,
    failures: u64,
    failures_by_kind: std::collections::BTreeMap<&'static str, u64>,
    last_second: u64,
    /// p95 of the last ten seconds; null without good answers.
    p95_ms: Option<f64>,
    generator_late_ms: f64,
    rules: Vec<Rule<'a>>,
    going_on_for: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct Rule<'a> {
    rule: &'a str,
    severity: Word<Severity>,
    /// Status of the rule; null before the first request and for rules judged at the end.
    state: Option<Word<State>>,
}

/// The first line, which says what follows: the version of this format.
///
/// # Errors
/// The serializer's: a defect.
pub fn begin(at: Duration) -> serde_json::Result<String> {
    let tool_version = env!("CARGO_PKG_VERSION");
    let told = Payload::Run { schema_version: SCHEMA_VERSION, tool: "portcullis", tool_version };
    written(at, told)
}

/// An event as a line, with its newline; `at` is counted from the run's start.
///
/// # Errors
/// The serializer's: a defect.
pub fn line(at: Duration, event: &Event) -> serde_json::Result<String> {
    let told = match event {
        Event::StageStarted(stage) => Payload::StageStarted { stage: Wire::of(stage) },
        Event::StageEnded(StageRecord { stage, took, end, detail, .. }) => Payload::StageEnded {
            stage: Wire::of(stage),
            took_s: Wire::of(took),
            end: end.name(),
            detail,
            failure: end.failure(),
        },
        Event::Note(text) => Payload::Note { text },
        Event::Warning(text) => Payload::Warning { text },
        Event::Progress(load) => Payload::Progress(Box::new(progress(load))),
        Event::Pairs(pairs) => Payload::Pairs {
            elapsed_s: pairs.elapsed.as_secs_f64(),
            limit_s: pairs.limit.as_secs_f64(),
            pairs: pairs.pairs,
        },
        Event::LogTail { path, lines } => Payload::LogTail { path, lines },
        Event::Advice(text) => Payload::Advice { text },
    };
    written(at, told)
}

/// The last line: how the run ended.
///
/// # Errors
/// The serializer's: a defect.
pub fn end(
    at: Duration,
    sentence: &str,
    exit_code: u8,
    results: Option<&Path>,
) -> serde_json::Result<String> {
    let results = results.map(|path| path.display().to_string());
    written(at, Payload::End { sentence, exit_code, results })
}

fn written(at: Duration, told: Payload<'_>) -> serde_json::Result<String> {
    let line = Line { at_s: at.as_secs_f64(), told };
    Ok(serde_json::to_string(&line)? + "\n")
}

fn progress(load: &portcullis_core::event::Progress) -> Progress<'_> {
    Progress {
        elapsed_s: load.elapsed.as_secs_f64(),
        window_s: load.window.as_secs_f64(),
        users: load.users.0,
        users_asked: load.users.1,
        requests: load.requests.0,
        failures: load.requests.1,
        failures_by_kind: load.failures.iter().map(|(kind, n)| (kind.name(), *n)).collect(),
        last_second: load.last_second,
        p95_ms: load.p95_ms,
        generator_late_ms: load.late.as_secs_f64() * 1e3,
        rules: load.rules.iter().map(standing).collect(),
        going_on_for: &load.extending_for,
    }
}

fn standing(present: &RuleStatus) -> Rule<'_> {
    let (severity, state) = (Wire::of(&present.severity), Wire::of(&present.state));
    Rule { rule: &present.rule, severity, state }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::event::{Stage, StageRecord};
    use portcullis_core::measure::FailureKind;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_event_is_one_line_with_its_kind() {
        let failed = StageRecord {
            stage: Stage::Migrate,
            took: SECOND,
            end: StageEnd::Failed("no \"room\"\n".to_owned()),
            detail: String::new(),
            log: None,
            advice: None,
        };
        let said = line(SECOND, &Event::StageEnded(failed)).unwrap();
        let expected = "{\"at_s\":1.0,\"kind\":\"stage_ended\",\"stage\":\"migrate\",\"took_s\":1.0,\
                        \"end\":\"failed\",\"detail\":\"\",\"failure\":\"no \\\"room\\\"\\n\"}\n";
        assert_eq!(said, expected);
        let said = end(SECOND, "PASSED: all", 0, Some(Path::new("/x/perf_results.json"))).unwrap();
        let expected = "{\"at_s\":1.0,\"kind\":\"end\",\"sentence\":\"PASSED: all\",\"exit_code\":0,\
                        \"results\":\"/x/perf_results.json\"}\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn the_load_tells_of_errors_by_kind_and_of_each_rule() {
        let state = Some(State::InDoubt);
        let rule = RuleStatus { rule: "p95 < 1 ms".to_owned(), severity: Severity::Fail, state };
        let load = portcullis_core::event::Progress {
            failures: vec![(FailureKind::Timeout, 3)],
            rules: vec![rule],
            ..Default::default()
        };
        let said = line(SECOND, &Event::Progress(load)).unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&said["kind"], &said["p95_ms"]), (&"progress".into(), &().into()));
        assert_eq!(said["failures_by_kind"]["timeout"], 3);
        assert_eq!(said["rules"][0]["state"], "in doubt");
    }
}
