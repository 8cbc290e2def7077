//! What is known of a run before its first stage. Nothing of it changes, but for the
//! secrets: some become known on the way.

use std::cell::{Ref, RefCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_core::event::{Event, Sink};
use portcullis_core::plan::ServePlan;
use portcullis_core::secrets::Secrets;
use portcullis_report::Machine;
use portcullis_report::artifacts::{self, Folder, FolderError};
use portcullis_supervise::environment::Environment;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::{guard, launch};
use tempfile::TempDir;

use super::RunFolder;
use crate::cache;
use crate::host::git::Git;
use crate::host::{OWN_BINARY, machine, random};
use crate::planning::Planned;

/// What a run was asked for beside its plan.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The chosen profile.
    pub profile: Option<String>,
    /// Whether caches are to be made anew.
    pub fresh: bool,
    /// Whether warnings and undecided comparisons fail.
    pub strict: bool,
    /// How many comparisons are made in a row, for the count of false alarms.
    pub repetitions: u32,
}

/// What all stages may know.
pub struct RunContext<'a> {
    /// The plan and its configuration.
    pub planned: &'a Planned,
    /// What was asked for beside it.
    pub options: RunOptions,
    /// Who listens.
    pub sink: &'a dyn Sink,
    /// Whether we were asked to end.
    pub interrupts: &'a Interrupts,
    /// What children inherit.
    pub inherited: Environment,
    /// Where caches are.
    pub cache: PathBuf,
    /// The machine that measures.
    pub machine: Machine,
    /// The commit of the working tree, with `+dirty` if it has changes.
    pub commit: Option<String>,
    /// The folder of artifacts.
    pub artifacts: Folder,
    /// The folder of the ordinary load.
    pub folder: RunFolder,
    /// When the run began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    begun: Instant,
    /// Values that must not be seen.
    secrets: RefCell<Secrets>,
    /// Removed at the very end.
    _private: TempDir,
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The folder of artifacts cannot be used.
    #[error(transparent)]
    Artifacts(#[from] FolderError),
    /// The private folder cannot be made.
    #[error("cannot create a private folder in {folder}: {1}", folder = .0.display())]
    Private(PathBuf, std::io::Error),
}

impl<'a> RunContext<'a> {
    /// Begins a run: the folder of artifacts is taken over, a private folder made.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn begin(
        planned: &'a Planned,
        options: RunOptions,
        sink: &'a dyn Sink,
        interrupts: &'a Interrupts,
    ) -> Result<Self, BeginError> {
        let artifacts = artifacts::prepare(&planned.plan.output)?;
        let no_folder = |error| BeginError::Private(std::env::temp_dir(), error);
        let (run_id, private, folder) = supervision().map_err(no_folder)?;
        let mut secrets = Secrets::default();
        secrets.add_scenario(&planned.plan.load.scenario);
        secrets.add_overrides(&planned.loaded.config.django.overrides);
        secrets.add_overrides(&planned.plan.against.overrides);
        let mut inherited = Environment::inherited(std::env::vars_os());
        inherited.set(guard::RUN_ID, &run_id);
        // A Python that hangs writes its stack before it is ended.
        inherited.set("PYTHONFAULTHANDLER", "1");
        // Temporary files of what is killed go with the run's folder.
        inherited.set("TMPDIR", folder.path().join("tmp"));
        let scratch = folder.scratch();
        let git =
            Git { folder: &planned.base, scratch: &scratch, environment: &inherited, interrupts };
        let commit = git.commit();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            planned,
            options,
            sink,
            interrupts,
            cache: cache::root(&planned.cache_fallback()),
            machine: machine::describe(),
            commit,
            artifacts,
            folder,
            started_unix_ms: u64::try_from(since.as_millis()).unwrap_or(0),
            begun: Instant::now(),
            secrets: RefCell::new(secrets),
            inherited,
            _private: private,
        })
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

    /// How long the whole run may still take.
    pub fn left(&self) -> Duration {
        self.planned.plan.run_timeout.saturating_sub(self.begun.elapsed())
    }

    /// The day in UTC that the run began on, counted from 1970.
    pub fn day(&self) -> u64 {
        self.started_unix_ms / 86_400_000
    }

    /// Git, to be asked about a folder; its answers are kept in `scratch`.
    pub fn git<'g>(&'g self, folder: &'g Path, scratch: &'g Path) -> Git<'g> {
        Git { folder, scratch, environment: &self.inherited, interrupts: self.interrupts }
    }

    /// From now on a value must not be seen.
    pub fn hide(&self, secret: &str) {
        self.secrets.borrow_mut().add(secret);
    }

    /// The same for values of variables whose names say that they are secrets.
    pub fn hide_environment<'v>(&self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) {
        self.secrets.borrow_mut().add_environment(variables);
    }

    /// What must not be seen, so far.
    pub fn secrets(&self) -> Ref<'_, Secrets> {
        self.secrets.borrow()
    }

    /// A text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.borrow().redact(text)
    }

    /// Tells something worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.sink.event(&Event::Note(self.redact(&text.into())));
    }

    /// Tells something that may spoil the run.
    pub fn warn(&self, text: impl Into<String>) {
        self.sink.event(&Event::Warning(self.redact(&text.into())));
    }
}

/// One version of the project, while it is prepared and served: what is known of the
/// run, where the version's files go, and how it comes to be.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// What is known of the run.
    pub context: &'a RunContext<'a>,
    /// Where its files go.
    pub folder: &'a RunFolder,
    /// How it comes to be.
    pub plan: &'a ServePlan,
}

/// The run's id and private folder. From now on children start through our own
/// binary, and a worker watches its guard.
fn supervision() -> std::io::Result<(String, TempDir, RunFolder)> {
    let worker = if cfg!(target_os = "linux") { guard::run_id() } else { None };
    let run_id = worker.clone().map_or_else(random::name, Ok)?;
    let (private, folder) = RunFolder::private(&run_id)?;
    if cfg!(target_os = "linux") {
        launch::through(PathBuf::from(OWN_BINARY));
    }
    if let Some(run_id) = worker {
        guard::watch(&run_id)?;
    }
    Ok((run_id, private, folder))
}
