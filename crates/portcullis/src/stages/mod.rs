//! The stages of the pipeline, one file each, in their order.

pub mod collect;
pub mod health;
pub mod judge;
pub mod load;
pub mod ready;
pub mod serve;

use portcullis_core::event::Stage;
use portcullis_core::outcome::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_core::target::Target;
use portcullis_supervise::finite::StepError;
use portcullis_supervise::log;
use portcullis_supervise::room::free_bytes;

use crate::cache::CacheError;
use crate::project::django::environment::{self, Venv};
use crate::project::django::{self as project, Project, database, seed};
use crate::run::{Done, Failure, Run, Stopped};

/// From an empty folder to a version that can be started; its environment stays
/// locked as long as the second value is kept.
///
/// # Errors
/// A stage failed.
pub fn prepare(run: &mut Run<'_>, plan: &ServePlan) -> Result<(Project, Venv), Stopped> {
    let venv = run.stage(Stage::Environment, |run| environment::prepare(run, plan))?;
    let venv = run.stage(Stage::Install, |run| environment::install(run, plan, venv))?;
    let (project, database) = run.stage(Stage::Migrate, |run| {
        let project = project::describe(run, plan, &venv)?;
        let done = database::prepare(run, plan, &project, &venv)?;
        Ok(Done { value: (project, done.value), cached: done.cached, detail: done.detail })
    })?;
    run.stage(Stage::Seed, |run| seed::fill(run, plan, &project, database))?;
    Ok((project, venv))
}

/// Starts a version that is prepared, and waits until it is ready.
///
/// # Errors
/// A stage failed.
pub fn start(run: &mut Run<'_>, plan: &ServePlan, project: &Project) -> Result<Target, Stopped> {
    let target = run.stage(Stage::Serve, |run| serve::start(run, plan, project))?;
    run.stage(Stage::Ready, |run| ready::wait(run, &target))?;
    Ok(target)
}

/// A finite step's failure as a failed preparation.
pub fn preparation(error: StepError, what: &str, log: &'static str) -> Failure {
    match error {
        StepError::Interrupted(signal) => Failure::new(Finding::Interrupted(signal)),
        other => Failure::new(Finding::Preparation(format!("{what}: {other}"))).with_log(log),
    }
}

/// The same for a step that fills the cache: a full disk is told of, since the
/// step itself may hide it. `advice` is for every other reason.
pub fn filling(
    run: &Run<'_>,
    error: StepError,
    what: &str,
    log: &'static str,
    advice: &str,
) -> Failure {
    let failure = preparation(error, what, log);
    let free = free_bytes(&run.cache).filter(|free| *free < LITTLE);
    // Python's number for it, whatever the language of its words.
    let is_full = |line: &String| line.contains("[Errno 28]");
    if free.is_none() && !log::tail(&run.log(log), 50).iter().any(is_full) {
        return failure.with_advice(advice);
    }
    let (place, kib) = (run.cache.display(), free.map(|free| free / 1024));
    let room = kib.map_or("too little".to_owned(), |kib| format!("{kib} KiB"));
    failure.with_advice(format!(
        "there is {room} room in {place}: free some space, or name another place in \
         PORTCULLIS_CACHE"
    ))
}

/// Room that is too little for any environment.
const LITTLE: u64 = 16 << 20;

pub fn cache_failure(error: CacheError) -> Failure {
    match error {
        CacheError::Interrupted(signal) => Failure::new(Finding::Interrupted(signal)),
        other => Failure::new(Finding::Preparation(other.to_string())),
    }
}

/// A file of our own that cannot be written or read.
pub fn disk(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Finding::Preparation(format!("{what}: {error}")))
}
