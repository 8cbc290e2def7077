//! One run: its private folder, what it has found so far, and the frame that
//! every stage runs in.

pub mod command_line;
mod record;
mod redacted;
pub mod source_locations;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_core::event::{Event, Sink, Stage, StageEnd, StageRecord};
use portcullis_core::outcome::{self, Finding};
use portcullis_core::pairs::{Comparison, Side};
use portcullis_core::secrets::Secrets;
use portcullis_core::summary::Summary;
use portcullis_core::usage::{Usage, UsageAt};
use portcullis_core::verdict::Verdict;
use portcullis_report::artifacts::{self, Folder};
use portcullis_report::{FirstCall, Machine};
use portcullis_supervise::environment::Environment;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::server::Server;
use portcullis_supervise::{launch, log, twin};
use tempfile::TempDir;

use crate::args::OWN_BINARY;
use crate::cache;
use crate::compare::BaseName;
use crate::host::git::Git;
use crate::host::machine;
use crate::host::random;
use crate::planning::Planned;
use crate::project::django::environment::Venv;

/// Everything that stages share.
pub struct Run<'a> {
    /// The plan and its configuration.
    pub planned: &'a Planned,
    /// The chosen profile.
    pub profile: Option<String>,
    /// Whether caches are to be made anew.
    pub fresh: bool,
    /// Whether warnings and undecided comparisons fail.
    pub strict: bool,
    /// Who listens.
    pub sink: &'a dyn Sink,
    /// Whether we were asked to end.
    pub interrupts: &'a Interrupts,
    /// What children inherit.
    pub inherited: Environment,
    /// Values that must not be seen.
    pub secrets: Secrets,
    /// Where caches are.
    pub cache: PathBuf,
    /// The server, while it is up.
    pub server: Option<Server>,
    /// What was measured.
    pub summary: Option<Summary>,
    /// What the server used during the load.
    pub server_usage: Option<Usage>,
    /// The same over time.
    pub server_course: Vec<UsageAt>,
    /// How our own server ended, in words.
    pub server_end: Option<String>,
    /// The first round's calls.
    pub first_round: Vec<FirstCall>,
    /// Whether the measurements are to be judged.
    pub is_judged: bool,
    /// The judgement.
    pub verdict: Option<Verdict>,
    /// How many comparisons are made in a row, for the count of false alarms.
    pub repetitions: u32,
    /// What pairs said after the first comparison.
    pub repeated: Vec<Comparison>,
    /// What pairs said of base and candidate.
    pub comparison: Option<Comparison>,
    /// The base that the working tree is compared with, if it is.
    pub base: Option<BaseName>,
    /// What decides the exit code.
    pub findings: Vec<Finding>,
    /// Those of them that only say how the run differs from the baseline.
    pub differences: Vec<Finding>,
    /// Whether this run wrote the baseline.
    pub baseline_written: bool,
    /// The origin that is measured, once it is known.
    pub target: String,
    /// The machine that measures.
    pub machine: Machine,
    artifacts: Folder,
    venv: Option<Venv>,
    private: TempDir,
    side: Option<Side>,
    stages: Vec<StageRecord>,
    started_unix_ms: u64,
    begun: Instant,
    commit: Option<String>,
}

/// What a stage did.
pub struct Done<T> {
    /// What the next stages need.
    pub value: T,
    /// Whether it was there already.
    pub cached: bool,
    /// A few words on it.
    pub detail: String,
}

/// Why a stage failed.
#[derive(Debug)]
pub struct Failure {
    /// What decides the exit code; at least one.
    pub findings: Vec<Finding>,
    /// The stage's log, by its name, if it tells more.
    pub log: Option<&'static str>,
    /// What to try.
    pub advice: Option<String>,
}

/// A stage failed; its findings are noted.
#[derive(Debug)]
pub struct Stopped;

impl<T> Done<T> {
    /// A stage that did its work.
    pub fn new(value: T, detail: impl Into<String>) -> Self {
        Self { value, cached: false, detail: detail.into() }
    }
}

impl Failure {
    /// A failure with one finding.
    pub fn new(finding: Finding) -> Self {
        Self { findings: vec![finding], log: None, advice: None }
    }

    /// The log that tells more.
    pub fn with_log(mut self, name: &'static str) -> Self {
        self.log = Some(name);
        self
    }

    /// What to try.
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// How many lines of a log are shown when a stage fails.
const TAIL: usize = 15;

impl<'a> Run<'a> {
    /// Begins a run: the folder of artifacts is taken over, a private folder made.
    ///
    /// # Errors
    /// A sentence on the folder that cannot be used.
    pub fn begin(
        planned: &'a Planned,
        flags: &crate::args::PerfArgs,
        sink: &'a dyn Sink,
        interrupts: &'a Interrupts,
    ) -> Result<Self, String> {
        let artifacts = artifacts::prepare(&planned.plan.output).map_err(|e| e.to_string())?;
        let no_folder = |error| format!("no private folder in {}: {error}", temp_dir().display());
        let (run_id, private) = supervision().map_err(no_folder)?;
        let mut secrets = Secrets::default();
        secrets.add_scenario(&planned.plan.load.scenario);
        secrets.add_overrides(&planned.loaded.config.django.overrides);
        secrets.add_overrides(&planned.plan.against.overrides);
        let mut inherited = Environment::inherited(std::env::vars_os());
        inherited.set(twin::RUN_ID, &run_id);
        // A Python that hangs writes its stack before it is ended.
        inherited.set("PYTHONFAULTHANDLER", "1");
        // Temporary files of what is killed go with the run's folder.
        inherited.set("TMPDIR", private.path().join("tmp"));
        let scratch = private.path().join("scratch");
        let git =
            Git { folder: &planned.base, scratch: &scratch, environment: &inherited, interrupts };
        let commit = git.commit();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            planned,
            profile: flags.profile.clone(),
            fresh: flags.fresh,
            strict: flags.strict,
            sink,
            interrupts,
            cache: cache::root(&planned.base.join("target/portcullis")),
            secrets,
            server: None,
            summary: None,
            server_usage: None,
            server_course: Vec::new(),
            server_end: None,
            first_round: Vec::new(),
            is_judged: false,
            verdict: None,
            comparison: None,
            repeated: Vec::new(),
            repetitions: flags.against_runs,
            base: None,
            side: None,
            findings: Vec::new(),
            differences: Vec::new(),
            baseline_written: false,
            target: String::new(),
            artifacts,
            venv: None,
            stages: Vec::new(),
            begun: Instant::now(),
            started_unix_ms: u64::try_from(since.as_millis()).unwrap_or(0),
            machine: machine::describe(),
            commit,
            inherited,
            private,
        })
    }

    /// Runs one stage: tells its start and end, and notes its findings.
    ///
    /// # Errors
    /// The stage failed; what it found is noted.
    pub fn stage<T>(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<Done<T>, Failure>,
    ) -> Result<T, Stopped> {
        self.always(stage, |run| match run.interrupts.signal() {
            Some(signal) => Err(Failure::new(Finding::Interrupted(signal))),
            None => work(run),
        })
    }

    /// Runs a stage that an interrupt does not prevent.
    ///
    /// # Errors
    /// The stage failed; what it found is noted.
    pub fn always<T>(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<Done<T>, Failure>,
    ) -> Result<T, Stopped> {
        self.sink.event(&Event::StageStarted(stage));
        let start = Instant::now();
        let result = work(self);
        let result = self.of_side(result);
        let took = start.elapsed();
        let record = |end, detail, log| StageRecord { stage, took, end, detail, log };
        let (record, result) = match result {
            Ok(done) => {
                let end = if done.cached { StageEnd::Cached } else { StageEnd::Done };
                (record(end, self.secrets.redact(&done.detail), None), Ok(done.value))
            }
            Err(failure) => {
                let why = self.secrets.redact(failure.findings.first().map_or("", |f| f.message()));
                let log = failure.log.map(|name| self.log(name)).filter(|log| log.exists());
                let log = log.and_then(|log| Some(log.file_name()?.to_string_lossy().into_owned()));
                (record(StageEnd::Failed(why), String::new(), log), Err(failure))
            }
        };
        self.sink.event(&Event::StageEnded(record.clone()));
        self.stages.push(record);
        result.map_err(|failure| self.fail(failure))
    }

    /// A stage of one side of a comparison names it; the base's failures are
    /// preparation, whatever they are: nothing can be said of the candidate then.
    fn of_side<T>(&self, result: Result<Done<T>, Failure>) -> Result<Done<T>, Failure> {
        let Some(side) = self.side else { return result };
        match (result, &self.base) {
            (Ok(done), _) => {
                Ok(Done { detail: format!("{}: {}", side.name(), done.detail), ..done })
            }
            (Err(mut failure), Some(base)) if side == Side::Base => {
                let charge = |finding: Finding| match finding {
                    Finding::Interrupted(_) | Finding::Defect(_) => finding,
                    other => base.charge(other.message()),
                };
                failure.findings = failure.findings.into_iter().map(charge).collect();
                Err(failure)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// The tree of the base while its stages run: its files are in no repository.
    pub fn base_tree(&self) -> Option<&str> {
        self.base.as_ref().filter(|_| self.side == Some(Side::Base)).map(|base| base.tree.as_str())
    }

    fn fail(&mut self, failure: Failure) -> Stopped {
        if let Some(name) = failure.log {
            let tail = log::tail(&self.log(name), TAIL);
            let log = self.log(name);
            let file = log.file_name().unwrap_or(log.as_os_str());
            let path = self.artifacts.path().join(artifacts::LOGS).join(file);
            let lines = tail.iter().map(|line| self.secrets.redact(line)).collect();
            self.sink.event(&Event::LogTail { path: path.display().to_string(), lines });
        }
        if let Some(advice) = failure.advice {
            self.sink.event(&Event::Advice(advice));
        }
        self.findings.extend(failure.findings);
        Stopped
    }

    /// A deadline, but no longer than the whole run may take.
    pub fn within(&self, deadline: Duration) -> Duration {
        // A step that begins too late has a moment to fail in its own words.
        deadline.min(self.left().max(Duration::from_millis(100)))
    }

    /// Whether the whole run has taken longer than it may.
    pub fn is_overdue(&self) -> bool {
        self.begun.elapsed() >= self.planned.plan.run_timeout
    }

    /// Holds the environment's lock until the run ends.
    pub fn keep(&mut self, venv: Venv) {
        self.venv = Some(venv);
    }

    /// Whether the run holds this environment already: it is as fresh as can be.
    pub fn holds(&self, key: &str) -> bool {
        self.venv.as_ref().is_some_and(|venv| venv.key == key)
    }

    /// How long the whole run may still take.
    pub fn left(&self) -> Duration {
        self.planned.plan.run_timeout.saturating_sub(self.begun.elapsed())
    }

    /// Where Python keeps compiled modules: never beside the user's sources.
    pub fn bytecode(&self) -> PathBuf {
        self.cache.join("bytecode")
    }

    /// Removes what was compiled for this run alone, its settings module, and
    /// what killed runs left of theirs.
    pub fn forget_bytecode(&self) {
        let folder = self.private.path();
        let Some((parent, own)) = folder.parent().zip(folder.file_name()) else {
            return;
        };
        // Python mirrors absolute paths below its prefix.
        let mirror = self.bytecode().join(parent.strip_prefix("/").unwrap_or(parent));
        for entry in std::fs::read_dir(mirror).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_a_run = name.to_string_lossy().starts_with(twin::PRIVATE);
            if name == own || is_a_run && !parent.join(&name).exists() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Tells something worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.sink.event(&Event::Note(self.secrets.redact(&text.into())));
    }

    /// The day in UTC that the run began on, counted from 1970.
    pub fn day(&self) -> u64 {
        self.started_unix_ms / 86_400_000
    }

    /// Git, to be asked about a folder; its answers are kept in `scratch`.
    pub fn git<'g>(&'g self, folder: &'g Path, scratch: &'g Path) -> Git<'g> {
        Git { folder, scratch, environment: &self.inherited, interrupts: self.interrupts }
    }

    /// The commit of the working tree, with `+dirty` if it has changes.
    pub fn commit(&self) -> Option<&String> {
        self.commit.as_ref()
    }

    /// Tells something that may spoil the run.
    pub fn warn(&self, text: impl Into<String>) {
        self.sink.event(&Event::Warning(self.secrets.redact(&text.into())));
    }

    /// From now on stages are those of one side of a comparison, with a database,
    /// settings and logs of its own; `None`: of the ordinary load.
    pub fn enter(&mut self, side: Option<Side>) {
        self.side = side;
        // A folder that cannot be made fails whoever writes into it first.
        let _ = make_folders(&self.folder());
    }

    /// The run's private folder, readable by its owner alone; a side's own one.
    pub fn folder(&self) -> PathBuf {
        match self.side {
            None => self.private.path().to_owned(),
            // Of equal length, so that nothing else differs by it.
            Some(Side::Base) => self.private.path().join("base"),
            Some(Side::Candidate) => self.private.path().join("cand"),
        }
    }

    /// Where answers of small commands are kept while they are read.
    pub fn scratch(&self) -> PathBuf {
        self.private.path().join("scratch")
    }

    /// The raw log of a stage.
    pub fn log(&self, name: &str) -> PathBuf {
        let prefix = match self.side {
            None => "",
            Some(Side::Base) => "base-",
            Some(Side::Candidate) => "pairs-",
        };
        self.private.path().join("logs").join(format!("{prefix}{name}.log"))
    }

    /// The folder of artifacts.
    pub fn artifacts(&self) -> &Folder {
        &self.artifacts
    }

    /// Looks at the end once more: a signal that came late decides too, and a
    /// run that found nothing and judged nothing, or did not compare although it was
    /// asked to, is no success.
    pub fn conclude(&mut self, is_compared: bool) {
        let is_noted = |finding: &Finding| matches!(finding, Finding::Interrupted(_));
        if let Some(signal) = self.interrupts.signal()
            && !self.findings.iter().any(is_noted)
        {
            self.findings.push(Finding::Interrupted(signal));
        }
        if self.findings.is_empty() && self.verdict.is_none() {
            self.findings.push(Finding::Defect("the run ended without a verdict".to_owned()));
        }
        if self.findings.is_empty() && is_compared && self.comparison.is_none() {
            self.findings.push(Finding::Defect("the run ended without a comparison".to_owned()));
        }
    }

    /// The exit code of what was found.
    pub fn exit_code(&self) -> u8 {
        outcome::exit_code(&self.findings)
    }
}

fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// The run's id and private folder. From now on children start through our own
/// binary, and a worker watches its guard.
fn supervision() -> std::io::Result<(String, TempDir)> {
    let worker = if cfg!(target_os = "linux") { twin::run_id() } else { None };
    let run_id = worker.clone().map_or_else(random::name, Ok)?;
    let private = private_folder(&run_id)?;
    if cfg!(target_os = "linux") {
        launch::through(PathBuf::from(OWN_BINARY));
    }
    if let Some(run_id) = worker {
        twin::watch(&run_id)?;
    }
    Ok((run_id, private))
}

fn private_folder(run_id: &str) -> std::io::Result<TempDir> {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let name = format!("{}{run_id}", twin::PRIVATE);
    let folder =
        tempfile::Builder::new().prefix(&name).rand_bytes(0).permissions(private).tempdir()?;
    make_folders(folder.path())?;
    Ok(folder)
}

fn make_folders(folder: &Path) -> std::io::Result<()> {
    let own = ["logs", "settings", "loaded", "db", "scratch", "tmp"];
    let projects = ["project-logs", "media", "static", "sessions", "mail", "caches", "storages"];
    own.iter().chain(&projects).try_for_each(|name| std::fs::create_dir_all(folder.join(name)))
}
