//! Runs a load from its first request to its summary. Workers send and record. This side
//! listens once a second, can stop everything at any time, and combines the results of the
//! workers.

mod summary;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use portcullis_core::engine::{Ended, LoadOutcome, Measured, Observer};
use portcullis_core::plan::LoadPlan;
use portcullis_core::steering::StopController;
use portcullis_core::target::Target;

use crate::http::Trust;
use crate::metrics::{Series, unix_ms};
use crate::reactor::panic_words;
use crate::schedule::LastStatus;
use crate::vu::{
    FirstRound, LoadError, Message, Shared, WorkError, WorkerOutput, first_round, lock, run_worker,
    tear_down,
};
use summary::{nothing, progress, summary};

/// How often the observer can stop the run.
const TICK: Duration = Duration::from_millis(50);

/// A failure of the engine itself.
#[derive(Debug, thiserror::Error)]
enum Defect {
    /// A worker failed.
    #[error("the load engine failed: {0}")]
    Worker(WorkError),
    /// A worker panicked.
    #[error("the load engine panicked: {0}")]
    Panicked(String),
    /// A user of a worker panicked.
    #[error("a virtual user panicked: {0}")]
    UserPanicked(String),
}

/// Stops the users when the observer is gone. Otherwise a panic of the observer would wait
/// for the end of the load.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the first round, then the load to its end. `trust` is required for a target with
/// TLS. `controller` can end the window early or ask for extra requests after it.
/// `observer` is called on this thread.
///
/// # Errors
/// The load did not begin: no connection, no login, or stopped in the first round.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    controller: &dyn StopController,
    observer: &mut dyn Observer,
) -> Result<LoadOutcome, LoadError> {
    let first = first_round(plan, target, trust, observer)?;
    if observer.first_round(&first.answers).is_break() {
        return Err(LoadError::Aborted);
    }
    Ok(load(plan, first, controller, observer))
}

/// Runs the load itself, after the first round.
fn load(
    plan: &LoadPlan,
    first: FirstRound,
    controller: &dyn StopController,
    observer: &mut dyn Observer,
) -> LoadOutcome {
    let (prepared, endpoint, shapes) = (first.prepared, first.endpoint, first.shapes);
    let shared =
        Shared::new(plan, prepared, endpoint, first.logins, first.given, shapes, controller);
    let started_unix_ms = unix_ms() + millis(plan.opens());
    let (messages, said) = mpsc::channel();
    let mut series = Series::new(plan.workers);
    let (works, is_stopped) = std::thread::scope(|scope| {
        let start = |number| {
            let (shared, messages) = (&shared, messages.clone());
            scope.spawn(move || run_worker(shared, number, &messages))
        };
        let workers: Vec<_> = (0..plan.workers).map(start).collect();
        drop(messages);
        let _stop = StopAtTheEnd(&shared.stop);
        let is_stopped = listen(&shared, &said, &mut series, observer);
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(Ok(work)) => Ok(work),
            Ok(Err(error)) => Err(Defect::Worker(error)),
            Err(panic) => Err(Defect::Panicked(panic_words(&*panic))),
        });
        (joined.collect::<Result<Vec<WorkerOutput>, Defect>>(), is_stopped)
    });
    lock(&shared.secrets).drain(..).for_each(|secret| observer.secret(&secret));
    let ran = shared.schedule.start.elapsed();
    let (summary, defect) = match works {
        Ok(mut works) => {
            let mut once = first.set_up;
            if !is_stopped {
                once.extend(tear_down(&shared, observer));
            }
            if let Some(work) = works.first_mut() {
                once.iter().for_each(|called| called.record(&mut work.recorder, plan, ran));
            }
            let panic = works.iter().find_map(|work| work.panic.clone());
            let panic = panic.map(Defect::UserPanicked);
            (summary(&shared, works, series, started_unix_ms, ran), panic)
        }
        Err(defect) => (nothing(plan), Some(defect)),
    };
    let login_failure = lock(&shared.login_failure).take();
    let ended = match (defect, login_failure, is_stopped) {
        (Some(defect), ..) => Ended::Defect(defect.to_string()),
        (None, Some(failure), _) => Ended::LoginFailed(failure),
        (None, None, true) => Ended::Aborted,
        (None, None, false) => Ended::Complete,
    };
    LoadOutcome { measured: Measured::Exact(Box::new(summary)), ended }
}

/// Listens until the workers are done or gone. Returns whether the observer stopped them.
fn listen(
    shared: &Shared<'_>,
    said: &Receiver<Message>,
    series: &mut Series,
    observer: &mut dyn Observer,
) -> bool {
    let (plan, schedule) = (shared.plan, &shared.schedule);
    let mut status = LastStatus::default();
    let mut is_stopped = false;
    loop {
        let waiting_for = match said.recv_timeout(TICK) {
            Ok(Message::Interval { second, users, counts }) => {
                if !series.tell(second, users, &counts) {
                    continue;
                }
                Some(Vec::new())
            }
            Ok(Message::Extending(tasks)) => Some(tasks),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return is_stopped,
        };
        let progress = waiting_for.map(|tasks| {
            let rules = status.look(&schedule.window, schedule.start.elapsed());
            progress(plan, series, rules, tasks)
        });
        if is_stopped {
            continue;
        }
        progress.into_iter().for_each(|progress| observer.progress(progress));
        if !observer.goes_on() {
            is_stopped = true;
            shared.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
