//! The command line: what can be asked for, and nothing of how it is done.

mod formats;

pub use formats::Formats;

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
    /// Judge results that exist: perf_results.json, or a statistics file of Locust
    Check(CheckArgs),
    /// Tell results again: the page, the summary, tables; or two of them side by side
    Report(ReportArgs),
    /// Look after the stored baseline
    Baseline(BaselineArgs),
    /// Print the defaults that perf.toml is laid over
    Defaults,
    /// Print completions for a shell, to be sourced by it
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command
    Man {
        /// The command, such as perf
        command: Option<String>,
    },
}

/// Who reads standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// People
    #[default]
    Text,
    /// One document: the bytes of perf_results.json
    Json,
    /// One object in a line for each event, the verdict last
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
    /// Make the last run's results the baseline, and keep the reason in it
    Accept(AcceptArgs),
}

/// Flags of `baseline accept`.
#[derive(Clone, Debug, Args)]
pub struct AcceptArgs {
    /// Why the change is accepted; kept with date and commit
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The configuration [default: perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Lay [profile.NAME] over the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where the run's artifacts are [default: target/perf]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Each line four columns further right, as help shows what belongs together.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// How often `--against` was wrong, as counted by `cargo xtask bench judge`,
/// which writes it.
const ERROR_RATES: &str = include_str!("../commands/error_rates.txt");

/// Flags of `perf`; Locust's letters where Locust has one.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = format!("Error rates of --against:\n{}\n{EXIT_CODES}", indented(ERROR_RATES)))]
pub struct PerfArgs {
    /// Virtual users
    #[arg(short = 'u', long, value_name = "N")]
    pub users: Option<i64>,
    /// Users started per second, such as 1 or 2/s
    #[arg(short = 'r', long, value_name = "N")]
    pub spawn_rate: Option<String>,
    /// How long users make requests, such as 30s or 2m
    #[arg(short = 't', long, value_name = "TIME")]
    pub run_time: Option<String>,
    /// How long the load may go on for thresholds in doubt, such as 2m or 4x
    #[arg(long, value_name = "TIME")]
    pub max_duration: Option<String>,
    /// End the load once every threshold is surely held or violated
    #[arg(long)]
    pub until_sure: bool,
    /// Measure a server that is up already; nothing is prepared or started
    #[arg(short = 'H', long, value_name = "URL")]
    pub host: Option<String>,
    /// Allow --host to name this host although it is not this machine
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// The configuration [default: perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Lay [profile.NAME] over the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where artifacts go [default: target/perf]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// One more rule that fails the run, such as 'p95(list) < 500ms'; repeatable
    #[arg(long, value_name = "POLICY")]
    pub fail: Vec<String>,
    /// One more rule that is only shown; repeatable
    #[arg(long, value_name = "POLICY")]
    pub warn: Vec<String>,
    /// Repeat the tasks, values and waits of an earlier run
    #[arg(long, value_name = "N")]
    pub seed: Option<i64>,
    /// The server's port; a number insists on it
    #[arg(long, value_name = "N|auto")]
    pub port: Option<String>,
    /// Compare with this revision in the same run, or with `merge-base`
    #[arg(long, value_name = "REV|merge-base", conflicts_with = "host")]
    pub against: Option<String>,
    /// How long the comparison may take, such as 60s
    #[arg(long, value_name = "TIME", requires = "against")]
    pub against_limit: Option<String>,
    /// Compare so often in a row; only the first one counts, the others are told
    #[arg(long, value_name = "N", requires = "against", default_value_t = 1, hide = true)]
    pub against_runs: u32,
    /// Make this run the baseline, if nothing else is wrong with it
    #[arg(long)]
    pub update_baseline: bool,
    /// Warnings and undecided comparisons fail too
    #[arg(long)]
    pub strict: bool,
    /// Validate, print the plan, start nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Use no cache: make environment and database anew
    #[arg(long)]
    pub fresh: bool,
    /// Who reads standard output; for machines, what people read goes to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "dry_run")]
    #[arg(value_enum, hide_possible_values = true)]
    pub format: Format,
    /// Print violations and the verdict only
    #[arg(short = 'q', long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print every threshold and the first round's answers
    #[arg(short = 'v', long)]
    pub verbose: bool,
}

/// Flags of `check`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = EXIT_CODES)]
pub struct CheckArgs {
    /// perf_results.json of a run, or NAME_stats.csv of Locust
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The configuration with the rules [default: that of the results themselves; for
    /// Locust's files perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Lay [profile.NAME] over the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// One more rule that must hold, such as 'p95("/api/") < 500ms'; repeatable
    #[arg(long, value_name = "POLICY")]
    pub fail: Vec<String>,
    /// One more rule that is only shown; repeatable
    #[arg(long, value_name = "POLICY")]
    pub warn: Vec<String>,
    /// Warnings fail too, and tasks that a comparison left undecided
    #[arg(long)]
    pub strict: bool,
}

/// Flags of `report`.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Exit codes:\n    0  it is written, or the two are shown\n    2  a file is no \
                        results of ours, broken or newer, or the folder cannot be written to"
)]
pub struct ReportArgs {
    /// perf_results.json of a run; of two runs, to see them side by side
    #[arg(value_name = "RESULTS.json", required = true, num_args = 1..=2)]
    pub files: Vec<PathBuf>,
    /// The formats that are asked for; none asks for all
    #[command(flatten)]
    pub formats: Formats,
    /// Where the files go [default: beside the results, if they are a perf_results.json]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
