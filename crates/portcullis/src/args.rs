//! The command line: what can be asked for, and nothing of how it is done.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use portcullis_core::config::{DEFAULTS, FlagValue, Laying, Node, Place, Value};
use portcullis_core::event::{Nobody, Sink};
use portcullis_core::outcome::EXIT_CODES;

use portcullis_supervise::{launch, twin};

use crate::commands::{baseline, check, perf as pipeline, report};
use crate::console;
use crate::host::random;

/// The CI gatekeeper for web API performance.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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
    #[command(subcommand)]
    verb: BaselineVerb,
}

#[derive(Clone, Debug, Subcommand)]
enum BaselineVerb {
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
const ERROR_RATES: &str = include_str!("commands/error_rates.txt");

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
    #[arg(long, value_name = "RULE")]
    pub fail: Vec<String>,
    /// One more rule that is only shown; repeatable
    #[arg(long, value_name = "RULE")]
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
    #[arg(long, value_name = "RULE")]
    pub fail: Vec<String>,
    /// One more rule that is only shown; repeatable
    #[arg(long, value_name = "RULE")]
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
    /// The page
    #[arg(long)]
    pub html: bool,
    /// The summary for a pull request
    #[arg(long)]
    pub md: bool,
    /// The thresholds as test cases
    #[arg(long)]
    pub junit: bool,
    /// Locust's four files
    #[arg(long)]
    pub csv: bool,
    /// Gauges for Prometheus
    #[arg(long)]
    pub prom: bool,
    /// What is wrong, for GitLab
    #[arg(long)]
    pub codequality: bool,
    /// Where the files go [default: beside the results, if they are a perf_results.json]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl CheckArgs {
    /// The flags as values to lay over the file.
    pub fn values(&self) -> Vec<FlagValue> {
        let rules = [
            ("--fail", "thresholds.fail", texts("--fail", &self.fail)),
            ("--warn", "thresholds.warn", texts("--warn", &self.warn)),
        ];
        let given = |(flag, path, value): (_, _, Option<Value>)| {
            value.map(|value| FlagValue { flag, path, value, laying: Laying::Behind })
        };
        rules.into_iter().filter_map(given).collect()
    }
}

/// The values of a flag that may be repeated; `None` without any.
fn texts(flag: &'static str, texts: &[String]) -> Option<Value> {
    let at = Place::Flag(flag);
    let nodes = texts.iter().map(|text| Node { value: Value::Text(text.clone()), at });
    (!texts.is_empty()).then(|| Value::List(nodes.collect()))
}

impl PerfArgs {
    /// The flags as values to lay over the file.
    pub fn values(&self) -> Vec<FlagValue> {
        let text = |value: &Option<String>| value.clone().map(Value::Text);
        let rate = self.spawn_rate.as_ref().map(|rate| match rate.parse::<f64>() {
            // Locust's form: a bare number, per second by definition.
            Ok(_) => Value::Text(format!("{rate}/s")),
            Err(_) => Value::Text(rate.clone()),
        });
        let port = self.port.as_ref().map(|port| match port.parse::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(port.clone()),
        });
        let over = Laying::Over;
        let flags = [
            ("--users", "load.users", self.users.map(Value::Integer), over),
            ("--spawn-rate", "load.spawn_rate", rate, over),
            ("--run-time", "load.duration", text(&self.run_time), over),
            ("--max-duration", "load.max_duration", text(&self.max_duration), over),
            ("--until-sure", "load.until_sure", self.until_sure.then_some(Value::Bool(true)), over),
            ("--host", "load.host", text(&self.host), over),
            ("--allow-host", "load.allow_hosts", texts("--allow-host", &self.allow_host), over),
            ("--seed", "load.seed", self.seed.map(Value::Integer), over),
            ("--port", "server.port", port, over),
            ("--fail", "thresholds.fail", texts("--fail", &self.fail), Laying::Behind),
            ("--warn", "thresholds.warn", texts("--warn", &self.warn), Laying::Behind),
            ("--against-limit", "against.limit", text(&self.against_limit), over),
        ];
        let given = |(flag, path, value, laying): (_, _, Option<Value>, _)| {
            value.map(|value| FlagValue { flag, path, value, laying })
        };
        flags.into_iter().filter_map(given).collect()
    }
}

/// This process's arguments without the hidden verbs, which are dealt with here:
/// a child that is to become its command does, and a worker begins to watch its
/// guard. An exit code if that failed.
///
/// # Errors
/// The exit code to end with.
pub fn arguments() -> Result<Vec<OsString>, u8> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1) {
        Some(verb) if verb == launch::VERB => {
            let error = launch::exec(arguments.get(2..).unwrap_or_default());
            let program = arguments.get(5).map(|word| word.to_string_lossy().into_owned());
            console::complain(&format!("{}: {error}", program.unwrap_or_default()));
            Err(127)
        }
        Some(verb) if verb == twin::VERB => {
            arguments.remove(1);
            Ok(arguments)
        }
        _ => Ok(arguments),
    }
}

/// Runs the command of this process's arguments; its exit code.
pub fn main() -> u8 {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match Cli::try_parse_from(arguments) {
        Ok(cli) => match cli.verb {
            Verb::Perf(args) => perf(&args),
            Verb::Check(args) => check(&args),
            Verb::Report(args) => report(&args),
            Verb::Baseline(args) => look_after_baseline(&args),
            Verb::Defaults => {
                console::print_plain(DEFAULTS);
                0
            }
            Verb::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
                console::print_plain(&String::from_utf8_lossy(&script));
                0
            }
            Verb::Man { command } => manual(command.as_deref()),
        },
        Err(error) => usage(&error),
    }
}

/// Does what was asked for with the stored baseline; its exit code.
pub fn look_after_baseline(args: &BaselineArgs) -> u8 {
    match &args.verb {
        BaselineVerb::Accept(args) => baseline::accept(args),
    }
}

/// Prints a manual page; its exit code.
fn manual(command: Option<&str>) -> u8 {
    let mut whole = Cli::command();
    whole.build();
    let page = match command {
        None => Some(&whole),
        Some(name) => whole.find_subcommand(name),
    };
    let Some(page) = page else {
        let names: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
        let known = names.join(", ");
        let what = format!("there is no command {:?}; there are {known}", command.unwrap_or(""));
        console::complain(&what);
        return 2;
    };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(page.clone()).render(&mut text);
    console::print_plain(&String::from_utf8_lossy(&text));
    0
}

/// Prints clap's help or complaint; 2 for a complaint.
pub fn usage(error: &clap::Error) -> u8 {
    // A closed terminal is no reason to fail.
    let _ = error.print();
    if error.use_stderr() { 2 } else { 0 }
}

/// Judges files of results; the exit code of the gravest.
pub fn check(args: &CheckArgs) -> u8 {
    check::check(args)
}

/// Tells results again, or two of them side by side; the exit code.
pub fn report(args: &ReportArgs) -> u8 {
    report::report(args)
}

/// Runs `perf` with these flags, under a guard of its own; its exit code.
pub fn perf(args: &PerfArgs) -> u8 {
    perf_heard(args, &Nobody)
}

/// The same, heard by a listener in the process that does the work.
pub fn perf_heard(args: &PerfArgs, listener: &dyn Sink) -> u8 {
    let is_worker = std::env::args_os().nth(1).is_some_and(|verb| verb == twin::VERB);
    if is_worker || args.dry_run || !cfg!(target_os = "linux") {
        return pipeline::perf(args, listener);
    }
    guarded().unwrap_or_else(|error| console::defect(&format!("no worker: {error}")))
}

/// The same command line again, in a worker.
fn guarded() -> std::io::Result<u8> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ended = twin::guard(Path::new(OWN_BINARY), &arguments, &random::name()?)?;
    Ok(match ended {
        twin::Ended::Code(code) => code,
        twin::Ended::Killed(signal) => console::defect(&format!(
            "the run itself was killed by signal {signal}; everything that it had started was ended"
        )),
    })
}

/// This binary, also when its file was replaced meanwhile.
pub(crate) const OWN_BINARY: &str = "/proc/self/exe";
