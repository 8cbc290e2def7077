//! The command line: commands and flags, without their implementation.

mod configuration;
mod doctor;
mod formats;
mod history;
mod init;
mod variables;

pub use configuration::{ConfigurationArgs, FromEnvironment};
pub use doctor::{DoctorArgs, DoctorFormat};
pub use formats::Formats;
pub use history::HistoryArgs;
pub use init::InitArgs;
pub use variables::parse;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use portcullis_core::judge::EXIT_CODES;

/// The CI gatekeeper for web API performance.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What is to be done.
    #[command(subcommand)]
    pub verb: Verb,
}

/// A command and its flags.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the whole performance job: from a clean checkout to a verdict
    Perf(Box<PerfArgs>),
    /// Write a perf.toml for the project in a folder, and try it
    Init(InitArgs),
    /// Look for everything that would keep a run from a verdict
    Doctor(Box<DoctorArgs>),
    /// Check existing results: perf_results.json, or a statistics file of Locust
    Check(CheckArgs),
    /// Render a run's artifacts again, or show two runs side by side
    Report(ReportArgs),
    /// Manage the stored baseline
    Baseline(BaselineArgs),
    /// Print the effective configuration, and where each value came from
    Config(Box<ConfigurationArgs>),
    /// Write a page of many runs, with the changes that lasted
    History(HistoryArgs),
    /// Print the default configuration
    Defaults,
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of portcullis, or of one command
    Man {
        /// The command, such as perf
        command: Option<String>,
    },
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    #[default]
    Text,
    /// One JSON document: the bytes of perf_results.json
    Json,
    /// One JSON object per line for each event, the verdict last
    Jsonl,
}

/// What can be done with the stored baseline.
#[derive(Clone, Debug, Args)]
pub struct BaselineArgs {
    /// Which of it.
    #[command(subcommand)]
    pub verb: BaselineVerb,
}

/// A command on the stored baseline.
#[derive(Clone, Debug, Subcommand)]
pub enum BaselineVerb {
    /// Make the last run's results the baseline, and store the reason in it
    Accept(AcceptArgs),
}

/// Flags of `baseline accept`.
#[derive(Clone, Debug, Args)]
pub struct AcceptArgs {
    /// Say why the change is accepted; stored with date and commit
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Read this configuration [default: perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Apply profile NAME of the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Read the run's artifacts from this folder [default: target/perf]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Indents each line by four columns, as help does for text that belongs together.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// How often `--against` was wrong, as counted and written by `cargo xtask bench judge`.
const ERROR_RATES: &str = include_str!("../commands/error_rates.txt");

/// Flags of `perf`; Locust's letters where Locust has one.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = format!("Error rates of --against:\n{}\n{EXIT_CODES}", indented(ERROR_RATES)))]
pub struct PerfArgs {
    /// What overrides the configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,
    /// Write artifacts to this folder [default: target/perf]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Compare with this revision, or with `merge-base`, in the same run
    #[arg(long, value_name = "REV|merge-base", conflicts_with = "host")]
    pub against: Option<String>,
    /// Limit how long the comparison takes, such as 60s
    #[arg(long, value_name = "TIME", requires = "against")]
    pub against_limit: Option<String>,
    /// Compare N times in a row; only the first one counts, the others are shown
    #[arg(long, value_name = "N", requires = "against", default_value_t = 1, hide = true)]
    pub against_runs: u32,
    /// Make this run the baseline, if it has no other findings
    #[arg(long)]
    pub update_baseline: bool,
    /// Fail on warnings and undecided comparisons too
    #[arg(long)]
    pub strict: bool,
    /// Fail if rules, tasks or load are looser than in the configuration of the base
    #[arg(long, requires = "against")]
    pub strict_gate: bool,
    /// Validate and print the plan; start nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Ignore the cache: rebuild environment and database
    #[arg(long)]
    pub fresh: bool,
    /// Output format: text, json or jsonl; for the last two the text goes to stderr
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "dry_run")]
    #[arg(value_enum, hide_possible_values = true)]
    pub format: Format,
    /// Print only violations and the verdict
    #[arg(short = 'q', long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print every threshold and the answers of the first round too
    #[arg(short = 'v', long)]
    pub verbose: bool,
}

/// Flags of `check`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = EXIT_CODES)]
pub struct CheckArgs {
    /// Which flags came from the environment.
    #[command(flatten)]
    pub from_environment: FromEnvironment,
    /// perf_results.json of a run, or NAME_stats.csv of Locust
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Read the rules from this configuration [default: the one in the results; for
    /// Locust's files perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Apply profile NAME of the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set a key of the configuration, such as thresholds.policy=prove; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Add a rule that must hold, such as 'p95("/api/") < 500ms'; repeatable
    #[arg(long, value_name = "RULE")]
    pub fail: Vec<String>,
    /// Add a rule that only gives a warning; repeatable
    #[arg(long, value_name = "RULE")]
    pub warn: Vec<String>,
    /// Fail on warnings and undecided comparisons too
    #[arg(long)]
    pub strict: bool,
}

/// Flags of `report`.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Exit codes:\n    0  the files are written, or the two runs are shown\n    2  a file \
                        is not a results file, is broken or newer, or the folder cannot be \
                        written to"
)]
pub struct ReportArgs {
    /// perf_results.json of a run; of two runs to show them side by side
    #[arg(value_name = "RESULTS.json", required = true, num_args = 1..=2)]
    pub files: Vec<PathBuf>,
    /// The formats that are asked for; none asks for all
    #[command(flatten)]
    pub formats: Formats,
    /// Write the files to this folder [default: that of the results, if named perf_results.json]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
