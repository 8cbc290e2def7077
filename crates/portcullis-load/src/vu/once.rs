//! What is called once per run, by no user: the set-up before the first login, whose values
//! all requests may use, and the tear-down after the load.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use portcullis_core::engine::Observer;
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::When;

use super::first_round::LoadError;
use super::flow::StepEnd;
use super::prepared::Slot;
use super::session::{Sending, Session, looks_secret};
use super::shared::Shared;
use crate::metrics::{Phase, Recorder, Sample, Subject, TaskId};
use crate::reactor::{self, Handle, Turn};

/// Separate random streams, so that the requests of the run do not change.
const NUMBERS: u64 = u64::MAX - 10_000_000;

/// How often the observer is asked whether to continue.
const LOOK: Duration = Duration::from_millis(50);

/// A call of a task outside of the load.
#[derive(Debug)]
pub struct OnceCalled {
    task: TaskId,
    sample: Sample,
    ends: Vec<StepEnd>,
}

impl OnceCalled {
    /// Records it for its task alone: it is in no total.
    pub fn record(&self, recorder: &mut Recorder, plan: &LoadPlan, ended: Duration) {
        let phase = Phase::ExtraTargeted;
        for end in &self.ends {
            let sample = end.sample.as_ref();
            recorder.record_step(phase, (self.task, end.step), sample, ended, plan);
        }
        recorder.record(Subject::Task(phase, self.task), &self.sample, ended, plan);
    }
}

/// Runs the set-up; returns the values that it extracts, and its calls.
///
/// # Errors
/// A task failed, or the load was stopped.
pub async fn set_up(
    sending: &Sending<'_>,
    handle: Handle,
) -> Result<(Vec<Slot>, Vec<OnceCalled>), LoadError> {
    let mut session = Session::new(handle, 0, 0);
    session.give(&vec![None; sending.plan.scenario.given().len()]);
    let calls = calls(sending, &mut session, When::SetUp).await;
    let tasks = &sending.plan.scenario.tasks;
    for OnceCalled { task, sample, .. } in &calls {
        if sample.is_cut {
            return Err(LoadError::Aborted);
        }
        if let Some(failure) = &sample.failure {
            let name = tasks.get(*task).map(|task| task.name.as_str()).unwrap_or_default();
            return Err(LoadError::SetUp(format!("{name}: {}", failure.message)));
        }
    }
    let given = sending.plan.scenario.given().len();
    Ok((session.slots.iter().take(given).cloned().collect(), calls))
}

/// The values of the set-up that may be secrets, by their names.
pub fn secrets_of<'a>(names: &'a [String], given: &'a [Slot]) -> impl Iterator<Item = &'a str> {
    let values = names.iter().zip(given);
    let values = values.filter_map(|(name, slot)| Some((name, slot.as_deref()?)));
    values.filter(|(name, value)| looks_secret(name, value)).map(|(_, value)| value)
}

/// Runs the tear-down after the load, unless the observer stops it.
pub fn tear_down(shared: &Shared<'_>, observer: &mut dyn Observer) -> Vec<OnceCalled> {
    let is_one = |when| shared.plan.scenario.tasks.iter().any(|task| task.when == when);
    if !is_one(When::TearDown) {
        return Vec::new();
    }
    let result = RefCell::new(Vec::new());
    let one = |handle: Handle| async {
        let mut session = Session::new(handle, 0, 0);
        session.give(&shared.given);
        *result.borrow_mut() = calls(&shared.sending(), &mut session, When::TearDown).await;
    };
    // Without a reactor nothing was called, and a task that was never called is not green.
    let _ = reactor::run(
        1,
        |reactor| vec![Box::pin(one(reactor.handle(0)))],
        |reactor| {
            if !observer.goes_on() {
                reactor.cut();
                return Turn::Stop;
            }
            Turn::Next(Instant::now() + LOOK)
        },
    );
    result.into_inner()
}

/// Calls the tasks of a turn in order, up to the first that was cut or failed.
async fn calls(sending: &Sending<'_>, session: &mut Session, when: When) -> Vec<OnceCalled> {
    let mut calls = Vec::new();
    for (task, described) in sending.plan.scenario.tasks.iter().enumerate() {
        if described.when != when {
            continue;
        }
        let number = NUMBERS + task as u64;
        let mut rng = Rng::stream(sending.plan.seed, Domain::Values, number);
        let Some(called) = session.call(sending, task, &mut rng, None).await else { break };
        let sample = called.into_sample();
        let is_over = sample.is_cut || sample.failure.is_some() && when == When::SetUp;
        calls.push(OnceCalled { task, sample, ends: session.ends().collect() });
        if is_over {
            break;
        }
    }
    calls
}
