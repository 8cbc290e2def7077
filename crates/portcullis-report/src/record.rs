//! The record of one run: the only source of every artifact.

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
    /// The version of Portcullis that made the run.
    pub tool_version: String,
    /// Its start, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The commit of the working tree, with `+dirty` if it has changes.
    pub commit: Option<String>,
    /// The measured origin.
    pub target: String,
    /// Whether Portcullis started the server.
    pub own_server: bool,
    /// The chosen profile.
    pub profile: Option<String>,
    /// The seed of all random choices.
    pub seed: u64,
    /// The given command line, as a shell reads it, without secrets; empty if unknown.
    pub given: String,
    /// The effective configuration as TOML, without secrets.
    pub configuration: String,
    /// The hash of its part that influences the measurements.
    pub configuration_hash: String,
    /// Positions in the configuration file.
    pub places: SourceLocations,
    /// The machine.
    pub machine: Machine,
    /// The finished stages, in order.
    pub stages: Vec<StageRecord>,
    /// The use of CPU and memory by the started server during the load.
    pub server_usage: Option<Usage>,
    /// The same over time.
    pub server_timeline: Vec<UsageAt>,
    /// How the started server ended, in words.
    pub server_end: Option<String>,
    /// Whether the started server wrote nothing, so that there is no log of it.
    pub server_was_silent: bool,
    /// The first round's calls.
    pub first_round: Vec<FirstCall>,
    /// The measurements, as far as the load came.
    pub summary: Option<Summary>,
    /// The verdict, if something was judged.
    pub verdict: Option<Verdict>,
    /// The comparison of base and candidate, if there was one.
    pub comparison: Option<Comparison>,
    /// Further comparisons of the same servers; they decide nothing.
    pub repeated: Vec<Comparison>,
    /// Whether warnings, and undecided tasks of the comparison, fail the run.
    pub strict: bool,
    /// The use of the baseline, if a file is configured.
    pub baseline: Option<BaselineReport>,
    /// Whether the figures may become the baseline: there are no findings except differences
    /// from the present one.
    pub acceptable: bool,
    /// The findings, the most serious first.
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
    /// Its file, as written in the configuration.
    pub shown: String,
    /// Its content, and how it was used.
    pub plan: BaselinePlan,
    /// Whether this run wrote it.
    pub written: bool,
}

/// One call of the first round.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstCall {
    /// The task.
    pub task: String,
    /// Its latency.
    pub latency: Duration,
    /// The failure, if there was one.
    pub failure: Option<String>,
}

/// The machine that measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Logical CPUs that this process may use.
    pub cores: usize,
    /// The model of the CPU, if known.
    pub processor: Option<String>,
    /// Memory in bytes, if known.
    pub memory_bytes: Option<u64>,
    /// Load average over one minute at the start, if known.
    pub load_at_start: Option<f64>,
    /// The governor of the CPU frequency, if known.
    pub governor: Option<String>,
    /// CPUs that a quota allows, if there is one (cgroup v2, `cpu.max`).
    pub quota_cores: Option<f64>,
    /// CPU steal: the share of CPU time that the host took during the load, between 0 and 1, if
    /// known (`steal` of proc(5)).
    pub steal_share: Option<f64>,
}

/// The default name of a configuration file.
const DEFAULT_FILE: &str = "perf.toml";

/// Positions of rules in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLocations {
    /// The file, relative to the repository that it is in.
    pub file: String,
    /// Lines of rules, counted from 1; rules from the defaults and the command line have none.
    pub rules: Vec<PlacedRule>,
    /// The line of the section `[against]`, if it exists.
    pub against: Option<usize>,
}

/// A rule of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRule {
    /// Its list.
    pub severity: Severity,
    /// The rule as written.
    pub text: String,
    /// Its line, counted from 1.
    pub line: usize,
}

impl SourceLocations {
    /// The file; the default name if the results do not have it.
    pub fn file(&self) -> &str {
        if self.file.is_empty() { DEFAULT_FILE } else { &self.file }
    }

    /// The line of a rule, if it is in the file.
    pub fn line_of(&self, rule: &Threshold) -> Option<usize> {
        let same = || self.rules.iter().filter(|placed| placed.text == rule.text);
        // A rule that was lowered to a warning is in the `fail` list of the file.
        let as_written = same().find(|placed| placed.severity == rule.severity);
        as_written.or_else(|| same().next()).map(|placed| placed.line)
    }
}
