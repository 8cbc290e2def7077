//! One call of a task: its steps in order, the values that go from step to step, and an end
//! at the first failure.

use std::time::Instant;

use portcullis_core::measure::FailureKind;
use portcullis_core::rng::Rng;
use portcullis_core::scenario::Step;

use super::generated::{Drawn, Exhausted, draw};
use super::prepared::{PreparedFlow, PreparedRequest};
use super::session::{Sending, Session};
use super::shape::StepShapes;
use super::taking::take;
use crate::metrics::{Failure, Sample};

/// How a named step of a call ended.
#[derive(Debug)]
pub struct StepEnd {
    /// The step, by its index among the named ones.
    pub step: usize,
    /// When it ended.
    pub at: Instant,
    /// Its request; `None` if it was not sent, because an earlier step failed or gave no value
    /// that it needs.
    pub sample: Option<Sample>,
}

/// What became of a call.
#[derive(Debug)]
pub enum Called {
    /// At least one request was sent.
    Sent(Sample),
    /// Nothing was sent, because a value is missing; with its name.
    Skipped(String),
    /// Nothing was sent, because a data file has no row left.
    Exhausted(Exhausted),
}

impl Called {
    /// The status of the last answer; 0 without one.
    pub fn status(&self) -> u16 {
        match self {
            Self::Sent(sample) => sample.status,
            Self::Skipped(_) | Self::Exhausted(_) => 0,
        }
    }

    /// Whether it failed because the user is not known (any more).
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Sent(sample) if sample.status == 401 && sample.failure.is_some())
    }

    /// Whether the service does not have what was asked for, and the task does not accept that.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Sent(sample) if sample.is_missing())
    }

    /// The sample where only calls that were sent are expected: others are failures.
    pub fn into_sample(self) -> Sample {
        let failure = match self {
            Self::Sent(sample) => return sample,
            Self::Skipped(name) => {
                Failure::new(FailureKind::Status, format!("not sent: there is no value \"{name}\""))
            }
            Self::Exhausted(Exhausted { message, .. }) => {
                Failure::new(FailureKind::Validation, format!("not sent: {message}"))
            }
        };
        Sample { failure: Some(failure), ..Sample::default() }
    }
}

/// The steps of a flow, their requests, the shapes of their answers, and the index of the task.
pub(super) type Walk<'w> = (&'w [Step], &'w PreparedFlow, &'w [StepShapes], usize);

/// The steps of a call in turn, each as often as it is repeated.
#[derive(Default)]
struct Turns {
    index: usize,
    made: u32,
}

impl Turns {
    /// The index of the next step, and whether it is a repetition.
    fn next(&mut self, steps: &[Step]) -> Option<(usize, bool)> {
        if self.made > 0 && self.made >= steps.get(self.index)?.repeat {
            (self.index, self.made) = (self.index + 1, 0);
        }
        steps.get(self.index)?;
        self.made += 1;
        Some((self.index, self.made > 1))
    }
}

impl Session {
    /// Calls a task; `None` if the plan does not have it. In the open model latency counts from
    /// the `intended` start.
    pub async fn call(
        &mut self,
        sending: &Sending<'_>,
        task: usize,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Option<Called> {
        let steps = &sending.plan.scenario.tasks.get(task)?.steps;
        let flow = sending.prepared.tasks.get(task)?;
        let drawn = match draw(&flow.values, &sending.prepared.files, self.number, rng) {
            Ok(drawn) => drawn,
            Err(exhausted) => return Some(Called::Exhausted(exhausted)),
        };
        let shapes = sending.shapes.0.get(task).map(Vec::as_slice).unwrap_or_default();
        let walked = self.walk(sending, (steps, flow, shapes, task), &drawn, rng, intended).await;
        Some(match walked {
            Some(mut sample) => {
                self.hide_in(flow, &mut sample);
                Called::Sent(sample)
            }
            None => {
                let first = flow.requests.first();
                let missing = first.and_then(|request| request.missing(flow, &self.slots));
                Called::Skipped(missing.unwrap_or_default().to_owned())
            }
        })
    }

    /// Hides what this call received; what a login gave is known as a secret.
    fn hide_in(&self, flow: &PreparedFlow, sample: &mut Sample) {
        let is_known = self.slots.len() <= flow.known_slots && self.jar.is_empty();
        if !is_known && let Some(failure) = &mut sample.failure {
            failure.message = self.hide(flow, &failure.message);
        }
    }

    /// Runs the steps of a task or a login until one fails. A step that needs a missing value is
    /// skipped. `None` if nothing was sent.
    pub(super) async fn walk(
        &mut self,
        sending: &Sending<'_>,
        (steps, flow, shapes, task): Walk<'_>,
        drawn: &Drawn<'_>,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Option<Sample> {
        if !flow.is_plain() {
            // Values of the call before this one do not count.
            self.slots.truncate(flow.kept_slots);
            self.slots.resize(flow.slots.len(), None);
        }
        let kept = if flow.has_once { self.restore(task) } else { false };
        self.ends.clear();
        let mut walked: Option<Sample> = None;
        let (mut first_check, mut next_check) = (0, 0);
        let (mut named, mut next_named) = (0, 0);
        let mut turns = Turns::default();
        while let Some((index, is_again)) = turns.next(steps) {
            let (Some(step), Some(request)) = (steps.get(index), flow.requests.get(index)) else {
                break;
            };
            if !is_again {
                first_check = next_check;
                next_check += step.checks.len();
                named = next_named;
                next_named += usize::from(step.name.is_some());
            }
            let shift = u32::try_from(first_check).unwrap_or(u32::MAX);
            if step.once && kept {
                continue;
            }
            let is_over = walked.as_ref().is_some_and(|sample| sample.failure.is_some());
            if is_over || !request.may_be_sent(&self.slots) {
                self.end(step, named, None);
                continue;
            }
            if let (Some(wait), Some(before)) = (step.wait, &mut walked) {
                let pause = wait.next(before.latency, rng);
                self.handle.until(Instant::now() + pause).await;
                if self.handle.is_cut() {
                    before.is_cut = true;
                    break;
                }
            }
            let intended = intended.filter(|_| walked.is_none());
            let expected = (step, shapes.get(index));
            let mut sample = self.step(sending, expected, request, drawn, intended).await;
            sample.checked = sample.checked.checked_shl(shift).unwrap_or(0);
            sample.unmet.iter_mut().for_each(|(check, _)| *check += shift as usize);
            // Bytes behind the answer of an earlier step belong to this call.
            if walked.is_some() && sample.failure.is_none() {
                sample.failure = self.late_failure();
            }
            if sample.failure.is_none() {
                self.note_shape(index);
            }
            if let (Some(failure), Some(name)) = (&mut sample.failure, &step.name) {
                failure.message = format!("{name}: {}", failure.message);
            }
            if step.name.is_some() {
                let mut own = sample.clone();
                self.hide_in(flow, &mut own);
                self.end(step, named, Some(own));
            }
            walked = Some(match walked {
                None => sample,
                Some(before) => before.then(sample),
            });
            if walked.as_ref().is_some_and(|sample| sample.is_cut) {
                break;
            }
        }
        if flow.has_once && !kept && walked.as_ref().is_some_and(|sample| !sample.is_cut) {
            self.keep(steps, flow, task);
        }
        walked
    }

    /// Puts the values of the steps that are made once to their places. False: they were not
    /// made yet.
    fn restore(&mut self, task: usize) -> bool {
        let Some((_, kept)) = self.kept.iter().find(|(known, _)| *known == task) else {
            return false;
        };
        for (slot, value) in kept {
            self.slots.get_mut(*slot).into_iter().for_each(|place| place.clone_from(value));
        }
        true
    }

    /// Keeps the values of the steps that are made once, if all of them were good.
    fn keep(&mut self, steps: &[Step], flow: &PreparedFlow, task: usize) {
        let once = || steps.iter().zip(&flow.requests).filter(|(step, _)| step.once);
        let mut named = steps.iter().filter(|step| step.name.is_some()).enumerate();
        let is_bad = named.any(|(index, step)| {
            let mut ends = self.ends.iter().filter(|end| end.step == index);
            let is_good =
                |end: &StepEnd| end.sample.as_ref().is_some_and(|sample| sample.failure.is_none());
            step.once && !ends.all(is_good)
        });
        if !is_bad {
            let places = once().flat_map(|(_, request)| request.takes.iter().copied());
            let values = places.map(|slot| (slot, self.slots.get(slot).cloned().flatten()));
            self.kept.push((task, values.collect()));
        }
    }

    /// Remembers the shape of the last answer, if shapes are noted.
    fn note_shape(&mut self, index: usize) {
        let mut noted = std::mem::take(&mut self.noted);
        noted.get_mut(index).into_iter().for_each(|shapes| self.remember_shape(shapes));
        self.noted = noted;
    }

    fn end(&mut self, step: &Step, named: usize, sample: Option<Sample>) {
        if step.name.is_some() {
            self.ends.push(StepEnd { step: named, at: Instant::now(), sample });
        }
    }

    /// One step: its request, and the values that it takes from the answer.
    pub(super) async fn step(
        &mut self,
        sending: &Sending<'_>,
        (step, shapes): (&Step, Option<&StepShapes>),
        request: &PreparedRequest,
        drawn: &Drawn<'_>,
        intended: Option<Instant>,
    ) -> Sample {
        let before = self.wants;
        for extract in &step.extract {
            self.wants.body |= extract.from.is_in_body();
            self.wants.fields |= !extract.from.is_in_body();
        }
        let mut sample = self.send(sending, (step, shapes), request, drawn, intended).await;
        self.wants = before;
        if sample.failure.is_none() && !step.extract.is_empty() {
            let taken =
                take(&self.response, &self.jar, &step.extract, &request.takes, &mut self.slots);
            if let Err(error) = taken {
                sample.failure = Some(Failure::new(FailureKind::Validation, error.to_string()));
                sample.has_data = false;
            }
        }
        sample
    }
}
