//! Everything that is known of a run before its first stage. It does not change, except the
//! secrets, which become known during the run.

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
use portcullis_supervise::{abandoned, guard, launch};

use super::RunFolder;
use super::folder::PrivateFolder;
use crate::cache;
use crate::host::git::Git;
use crate::host::{OWN_BINARY, machine, own_environment, random};
use crate::planning::Planned;

/// The options of a run besides its plan.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The chosen profile.
    pub profile: Option<String>,
    /// The variables of the environment that took the place of flags.
    pub variables: Vec<String>,
    /// Whether caches must be rebuilt.
    pub fresh: bool,
    /// Whether warnings and undecided comparisons fail.
    pub strict: bool,
    /// Whether a configuration that is looser than the base's fails.
    pub strict_gate: bool,
    /// The number of comparisons in a row, to count false alarms.
    pub repetitions: u32,
}

/// The data that all stages can use.
pub struct RunContext<'a> {
    /// The plan and its configuration.
    pub planned: &'a Planned,
    /// The options besides the plan.
    pub options: RunOptions,
    /// The listener to events.
    pub sink: &'a dyn Sink,
    /// Whether the run was interrupted.
    pub interrupts: &'a Interrupts,
    /// The environment that children inherit.
    pub inherited: Environment,
    /// The folder of caches.
    pub cache: PathBuf,
    /// The machine that measures.
    pub machine: Machine,
    /// The commit of the working tree, with `+dirty` if it has changes.
    pub commit: Option<String>,
    /// The folder of artifacts.
    pub artifacts: Folder,
    /// The folder of the ordinary load.
    pub folder: RunFolder,
    id: String,
    /// The start of the run, in milliseconds since 1970.
    pub started_unix_ms: u64,
    begun: Instant,
    /// The secrets of the run.
    secrets: RefCell<Secrets>,
    /// Removed at the end.
    _private: PrivateFolder,
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The folder of artifacts cannot be used.
    #[error(transparent)]
    Artifacts(#[from] FolderError),
    /// The private folder cannot be created.
    #[error("cannot create a private folder in {folder}: {1}", folder = .0.display())]
    Private(PathBuf, std::io::Error),
}

impl<'a> RunContext<'a> {
    /// Begins a run: prepares the folder of artifacts, and creates the private folder.
    ///
    /// # Errors
    /// A folder cannot be used.
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
        planned.loaded.config.from_environment.iter().for_each(|text| secrets.add(text));
        secrets.add_overrides(&planned.loaded.config.django.overrides);
        secrets.add_overrides(&planned.plan.against.overrides);
        let mut inherited = Environment::inherited(std::env::vars_os());
        if let Some(path) = inherited.get("PATH").and_then(own_environment::search_path) {
            inherited.set("PATH", path);
        }
        inherited.set(guard::RUN_ID, &run_id);
        // A hung Python process writes its stack before it is stopped.
        inherited.set("PYTHONFAULTHANDLER", "1");
        // Temporary files of killed processes are removed with the run's folder.
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
            id: run_id,
            started_unix_ms: u64::try_from(since.as_millis()).unwrap_or(0),
            begun: Instant::now(),
            secrets: RefCell::new(secrets),
            inherited,
            _private: private,
        })
    }

    /// The random name of the run: letters and digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Ends what earlier runs have left, if they were killed together with their guard.
    pub fn end_abandoned(&self) {
        let left = abandoned::end();
        if !left.processes.is_empty() {
            self.note(format!(
                "an earlier run was killed; what it had left running was ended: process {}",
                left.processes.join(", process ")
            ));
        }
        if !left.folders.is_empty() {
            let folders: Vec<_> = left.folders.iter().map(|f| f.display().to_string()).collect();
            self.note(format!(
                "an earlier run was killed; its folder was removed: {}",
                folders.join(", ")
            ));
        }
    }

    /// A deadline, limited by that of the whole run.
    pub fn within(&self, deadline: Duration) -> Duration {
        // A step that begins too late has a moment to fail with its own message.
        deadline.min(self.left().max(Duration::from_millis(100)))
    }

    /// Whether the whole run has exceeded its deadline.
    pub fn is_overdue(&self) -> bool {
        self.begun.elapsed() >= self.planned.plan.run_timeout
    }

    /// The remaining time of the whole run.
    pub fn left(&self) -> Duration {
        self.planned.plan.run_timeout.saturating_sub(self.begun.elapsed())
    }

    /// The day in UTC on which the run began, counted from 1970.
    pub fn day(&self) -> u64 {
        self.started_unix_ms / 86_400_000
    }

    /// Git for a folder; its output is kept in `scratch`.
    pub fn git<'g>(&'g self, folder: &'g Path, scratch: &'g Path) -> Git<'g> {
        Git { folder, scratch, environment: &self.inherited, interrupts: self.interrupts }
    }

    /// Adds a secret.
    pub fn hide(&self, secret: &str) {
        self.secrets.borrow_mut().add(secret);
    }

    /// Adds the values of variables with secret names.
    pub fn hide_environment<'v>(&self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) {
        self.secrets.borrow_mut().add_environment(variables);
    }

    /// The secrets so far.
    pub fn secrets(&self) -> Ref<'_, Secrets> {
        self.secrets.borrow()
    }

    /// A text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.borrow().redact(text)
    }

    /// Reports a fact.
    pub fn note(&self, text: impl Into<String>) {
        self.sink.event(&Event::Note(self.redact(&text.into())));
    }

    /// Reports a problem that may affect the run.
    pub fn warn(&self, text: impl Into<String>) {
        self.sink.event(&Event::Warning(self.redact(&text.into())));
    }
}

/// One version of the project while it is prepared and served: the run, the version's
/// folder, and its plan.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// The run.
    pub context: &'a RunContext<'a>,
    /// The folder of its files.
    pub folder: &'a RunFolder,
    /// How to prepare and start it.
    pub plan: &'a ServePlan,
}

/// The run's id and private folder. From now on children start through our own binary, and
/// a worker watches its guard.
fn supervision() -> std::io::Result<(String, PrivateFolder, RunFolder)> {
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
