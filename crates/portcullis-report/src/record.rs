//! All that is to be told of one run: the one source of every artifact.

use std::time::Duration;

use portcullis_core::baseline::BaselinePlan;
use portcullis_core::compare::Comparison;
use portcullis_core::event::StageRecord;
use portcullis_core::judge::{Finding, Verdict};
use portcullis_core::measure::{Summary, Usage, UsageAt};
use portcullis_core::threshold::{Severity, Threshold};

/// One run, finished or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    /// The version of Portcullis that made it.
    pub tool_version: String,
    /// When it began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The commit of the working tree, with `+dirty` if it has changes.
    pub commit: Option<String>,
    /// The origin that was measured.
    pub target: String,
    /// Whether we started the server.
    pub own_server: bool,
    /// The chosen profile.
    pub profile: Option<String>,
    /// The seed of all chance.
    pub seed: u64,
    /// The command line that was given, as a shell reads it, without secrets;
    /// empty if it is not known.
    pub given: String,
    /// The effective configuration as TOML, without secrets.
    pub configuration: String,
    /// The hash of the part of it that decides what is measured.
    pub configuration_hash: String,
    /// Where in the configuration file things stand.
    pub places: SourceLocations,
    /// The machine.
    pub machine: Machine,
    /// The stages that ended, in order.
    pub stages: Vec<StageRecord>,
    /// What our own server used during the load.
    pub server_usage: Option<Usage>,
    /// The same over time.
    pub server_timeline: Vec<UsageAt>,
    /// How our own server ended, in words.
    pub server_end: Option<String>,
    /// The first round's calls.
    pub first_round: Vec<FirstCall>,
    /// What was measured, as far as the load came.
    pub summary: Option<Summary>,
    /// The judgement, if there was something to judge.
    pub verdict: Option<Verdict>,
    /// What pairs said of base and candidate, if they were compared.
    pub comparison: Option<Comparison>,
    /// Further comparisons of the same servers; they decide nothing.
    pub repeated: Vec<Comparison>,
    /// Whether warnings, and tasks that the comparison leaves undecided, fail.
    pub strict: bool,
    /// What was done with the baseline, if a file is named for it.
    pub baseline: Option<BaselineReport>,
    /// Whether the figures may become the baseline: nothing was found but
    /// differences from the one before.
    pub acceptable: bool,
    /// What decides the exit code, the gravest first.
    pub findings: Vec<Finding>,
    /// The exit code.
    pub exit_code: u8,
    /// The verdict in a sentence.
    pub sentence: String,
}

impl RunRecord {
    /// The command that repeats the run, with its seed.
    pub fn command(&self) -> String {
        let given = match (self.given.as_str(), &self.profile) {
            ("", Some(profile)) => format!("cargo xtask perf --profile {profile}"),
            ("", None) => "cargo xtask perf".to_owned(),
            (given, _) => given.to_owned(),
        };
        let has_seed = given.split(' ').any(|word| word == "--seed" || word.starts_with("--seed="));
        if has_seed { given } else { format!("{given} --seed {}", self.seed) }
    }
}

/// The baseline of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineReport {
    /// Its file, as it was written in the configuration.
    pub shown: String,
    /// What stood in it.
    pub plan: BaselinePlan,
    /// Whether this run wrote it.
    pub written: bool,
}

/// One call of the first round.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstCall {
    /// The task.
    pub task: String,
    /// How long it took.
    pub latency: Duration,
    /// What failed.
    pub failure: Option<String>,
}

/// The machine that measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Logical processors that this process may use.
    pub cores: usize,
    /// Model of the processor, where it can be told.
    pub processor: Option<String>,
    /// Memory in bytes, where it can be told.
    pub memory_bytes: Option<u64>,
    /// Load average over one minute at the start, where it can be told.
    pub load_at_start: Option<f64>,
    /// How the processor's frequency is governed, where it can be told.
    pub governor: Option<String>,
    /// Processors that a quota allows, where there is one (cgroup v2, `cpu.max`).
    pub quota_cores: Option<f64>,
    /// The share of CPU time that the machine's host took away during the
    /// load, between 0 and 1, where it can be told (`steal` of proc(5)).
    pub steal_share: Option<f64>,
}

/// The name of a configuration file that is not named otherwise.
const DEFAULT_FILE: &str = "perf.toml";

/// Where the configuration says what is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLocations {
    /// The file, relative to the repository that it is in.
    pub file: String,
    /// Lines of rules, counted from 1; none for rules of the defaults and the command
    /// line.
    pub rules: Vec<PlacedRule>,
    /// The line of the section `[against]`, if it is there.
    pub against: Option<usize>,
}

/// A rule of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRule {
    /// The list that it stands in.
    pub severity: Severity,
    /// The rule as written.
    pub text: String,
    /// Its line, counted from 1.
    pub line: usize,
}

impl SourceLocations {
    /// The file; the default name where results do not tell it.
    pub fn file(&self) -> &str {
        if self.file.is_empty() { DEFAULT_FILE } else { &self.file }
    }

    /// The line of a rule, if it stands in the file.
    pub fn line_of(&self, rule: &Threshold) -> Option<usize> {
        let same = || self.rules.iter().filter(|placed| placed.text == rule.text);
        // A rule that was lowered to a warning stands among those that fail.
        let as_written = same().find(|placed| placed.severity == rule.severity);
        as_written.or_else(|| same().next()).map(|placed| placed.line)
    }
}
