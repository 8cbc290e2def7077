//! One call of a task: its steps in order, the values that go from step to step, and an end
//! at the first failure.

use std::time::Instant;

use portcullis_core::measure::FailureKind;
use portcullis_core::rng::Rng;
use portcullis_core::scenario::Step;

use super::generated::{Drawn, Exhausted, draw};
use super::prepared::{PreparedFlow, PreparedRequest};
use super::session::{Sending, Session};
use super::taking::take;
use crate::metrics::{Failure, Sample};

/// How a named step of a call ended.
#[derive(Debug)]
pub struct StepEnd {
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
        let walked = self.walk(sending, steps, flow, &drawn, rng, intended).await;
        Some(match walked {
            Some(mut sample) => {
                self.hide_in(flow, sending.prepared.login_slots, &mut sample);
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
    fn hide_in(&self, flow: &PreparedFlow, login_slots: usize, sample: &mut Sample) {
        let is_known = self.slots.len() <= login_slots && self.jar.is_empty();
        if !is_known && let Some(failure) = &mut sample.failure {
            failure.message = self.hide(flow, &failure.message);
        }
    }

    /// Runs the steps of a task or a login until one fails. A step that needs a missing value is
    /// skipped. `None` if nothing was sent.
    pub(super) async fn walk(
        &mut self,
        sending: &Sending<'_>,
        steps: &[Step],
        flow: &PreparedFlow,
        drawn: &Drawn<'_>,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Option<Sample> {
        if !flow.is_plain() {
            // Values of the call before this one do not count.
            self.slots.truncate(sending.prepared.login_slots);
            self.slots.resize(flow.slots.len(), None);
        }
        self.ends.clear();
        let mut walked: Option<Sample> = None;
        for (step, request) in steps.iter().zip(&flow.requests) {
            let is_over = walked.as_ref().is_some_and(|sample| sample.failure.is_some());
            if is_over || !request.may_be_sent(&self.slots) {
                self.end(step, None);
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
            let mut sample = self.step(sending, step, request, drawn, intended).await;
            if let (Some(failure), Some(name)) = (&mut sample.failure, &step.name) {
                failure.message = format!("{name}: {}", failure.message);
            }
            if step.name.is_some() {
                let mut own = sample.clone();
                self.hide_in(flow, sending.prepared.login_slots, &mut own);
                self.end(step, Some(own));
            }
            walked = Some(match walked {
                None => sample,
                Some(before) => before.then(sample),
            });
            if walked.as_ref().is_some_and(|sample| sample.is_cut) {
                break;
            }
        }
        walked
    }

    fn end(&mut self, step: &Step, sample: Option<Sample>) {
        if step.name.is_some() {
            self.ends.push(StepEnd { at: Instant::now(), sample });
        }
    }

    /// One step: its request, and the values that it takes from the answer.
    pub(super) async fn step(
        &mut self,
        sending: &Sending<'_>,
        step: &Step,
        request: &PreparedRequest,
        drawn: &Drawn<'_>,
        intended: Option<Instant>,
    ) -> Sample {
        let before = self.wants;
        for extract in &step.extract {
            self.wants.body |= extract.from.is_in_body();
            self.wants.fields |= !extract.from.is_in_body();
        }
        let mut sample = self.send(sending, step, request, drawn, intended).await;
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
