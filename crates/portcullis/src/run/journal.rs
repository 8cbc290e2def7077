//! What has happened in a run so far: its stages and findings. Every stage is run through
//! the functions here.

use std::time::Instant;

use portcullis_core::event::{Event, Stage, StageEnd, StageRecord};
use portcullis_core::judge::{Finding, FindingKind, exit_code};
use portcullis_report::artifacts;
use portcullis_supervise::log;

use super::{Aborted, Role, RunContext, RunFolder, RunResults, StageFailure, StageOutput};

/// The finished stages, and the findings.
pub struct Journal<'a> {
    context: &'a RunContext<'a>,
    stages: Vec<StageRecord>,
    findings: Vec<Finding>,
}

/// Advice for every failed preparation.
pub const DOCTOR: &str = "`portcullis doctor` tries each part of the preparation";

/// The number of log lines shown when a stage fails.
const TAIL: usize = 15;

impl<'a> Journal<'a> {
    /// An empty journal.
    pub fn new(context: &'a RunContext<'a>) -> Self {
        Self { context, stages: Vec::new(), findings: Vec::new() }
    }

    /// Runs one stage, unless the run was interrupted. Reports its start and end, and records
    /// its findings. The folder says which version it belongs to, and where its logs are.
    ///
    /// # Errors
    /// The stage failed; its findings are recorded.
    pub fn stage<T>(
        &mut self,
        folder: &RunFolder,
        stage: Stage,
        work: impl FnOnce() -> Result<StageOutput<T>, StageFailure>,
    ) -> Result<T, Aborted> {
        let interrupts = self.context.interrupts;
        self.always(folder, stage, || match interrupts.signal() {
            Some(signal) => Err(StageFailure::new(Finding::interrupted(signal))),
            None => work(),
        })
    }

    /// Runs a stage even after an interrupt.
    ///
    /// # Errors
    /// The stage failed; its findings are recorded.
    pub fn always<T>(
        &mut self,
        folder: &RunFolder,
        stage: Stage,
        work: impl FnOnce() -> Result<StageOutput<T>, StageFailure>,
    ) -> Result<T, Aborted> {
        self.context.sink.event(&Event::StageStarted(stage));
        let start = Instant::now();
        let result = of_side(folder, work());
        let took = start.elapsed();
        let record =
            |end, detail, log, advice| StageRecord { stage, took, end, detail, log, advice };
        let (record, result) = match result {
            Ok(done) => {
                let end = if done.cached { StageEnd::Cached } else { StageEnd::Completed };
                (record(end, self.context.redact(&done.detail), None, None), Ok(done.value))
            }
            Err(failure) => {
                let why = failure.findings.first().map_or("", |finding| &finding.message);
                let why = self.context.redact(why);
                let log = failure.log.as_deref().map(|name| folder.log(name));
                let log = log.filter(|log| log::is_written(log));
                let log = log.and_then(|log| Some(log.file_name()?.to_string_lossy().into_owned()));
                let advice = failure.advice.as_deref().map(|advice| self.context.redact(advice));
                (record(StageEnd::Failed(why), String::new(), log, advice), Err(failure))
            }
        };
        self.context.sink.event(&Event::StageEnded(record.clone()));
        self.stages.push(record);
        result.map_err(|failure| self.fail(folder, failure))
    }

    fn fail(&mut self, folder: &RunFolder, failure: StageFailure) -> Aborted {
        let context = self.context;
        let log = failure.log.as_deref().map(|name| folder.log(name));
        let log = log.filter(|log| log::is_written(log));
        if let Some(log) = log {
            let tail = log::tail(&log, TAIL);
            let file = log.file_name().unwrap_or(log.as_os_str());
            let path = context.artifacts.path().join(artifacts::LOGS).join(file);
            let lines = tail.iter().map(|line| context.redact(line)).collect();
            context.sink.event(&Event::LogTail { path: path.display().to_string(), lines });
        }
        if let Some(advice) = failure.advice {
            context.sink.event(&Event::Advice(context.redact(&advice)));
        }
        // The base is not what the doctor would look at.
        let is_preparation = |finding: &Finding| finding.kind == FindingKind::Preparation;
        if failure.findings.iter().any(is_preparation) && folder.of_side().is_none() {
            context.sink.event(&Event::Advice(DOCTOR.to_owned()));
        }
        self.findings.extend(failure.findings);
        Aborted
    }

    /// Records a finding outside of stages.
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The findings in order of their occurrence.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finished stages in order.
    pub fn stages(&self) -> &[StageRecord] {
        &self.stages
    }

    /// Final checks: a late signal is a finding too. So is a run without findings that judged
    /// nothing, or that did not compare although it should.
    pub fn conclude(&mut self, results: &RunResults, is_compared: bool) {
        let is_noted = |finding: &Finding| matches!(finding.kind, FindingKind::Interrupted(_));
        if let Some(signal) = self.context.interrupts.signal()
            && !self.findings.iter().any(is_noted)
        {
            self.findings.push(Finding::interrupted(signal));
        }
        if self.findings.is_empty() && results.verdict.is_none() {
            self.findings.push(Finding::defect("the run ended without a verdict".to_owned()));
        }
        if self.findings.is_empty() && is_compared && results.comparison.is_none() {
            self.findings.push(Finding::defect("the run ended without a comparison".to_owned()));
        }
    }

    /// The exit code of the findings.
    pub fn exit_code(&self) -> u8 {
        exit_code(&self.findings)
    }
}

/// A stage of one version of a comparison names the version. All failures of the base are
/// preparation findings, because they prove nothing about the candidate.
fn of_side<T>(
    folder: &RunFolder,
    result: Result<StageOutput<T>, StageFailure>,
) -> Result<StageOutput<T>, StageFailure> {
    let Some(side) = folder.of_side() else { return result };
    match (result, folder.role()) {
        (Ok(done), _) => {
            let detail = format!("{}: {}", side.name(), done.detail);
            Ok(StageOutput { detail, ..done })
        }
        (Err(mut failure), Role::Base(base) | Role::BaseLoad(base)) => {
            let charge = |finding: Finding| match finding.kind {
                FindingKind::Interrupted(_) | FindingKind::Defect => finding,
                _ => base.charge(&finding.message),
            };
            failure.findings = failure.findings.into_iter().map(charge).collect();
            Err(failure)
        }
        (Err(failure), _) => Err(failure),
    }
}
