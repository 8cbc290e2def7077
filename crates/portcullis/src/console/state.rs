//! The state of a run: events in, plain data out. All times count from the start of the
//! console.

use std::collections::VecDeque;
use std::time::Duration;

use portcullis_core::config::{ProjectKind, ServiceStart, When};
use portcullis_core::event::{Event, PairProgress, Progress, Stage};
use portcullis_core::plan::{Mode, Plan, ServePlan};

/// An expected stage, with its deadline if it has one.
pub type Expected = (Stage, Option<Duration>);

/// The running stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The stage.
    pub stage: Stage,
    /// Its start.
    pub since: Duration,
    /// Its deadline.
    pub limit: Option<Duration>,
}

/// The state of a run.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Stages that have not begun.
    pub to_come: VecDeque<Expected>,
    /// The running stage.
    pub running: Option<Running>,
    /// The last progress of the load.
    pub load: Option<Progress>,
    /// p95 in milliseconds, for each second of the window.
    pub p95_ms: Vec<Option<f64>>,
    /// The last progress of the pairs.
    pub pairs: Option<PairProgress>,
    /// The path of the whole log of the first failed stage.
    pub log: Option<String>,
    /// Advice for that failure.
    pub advice: Vec<String>,
}

/// The stages of a plan in order; including a comparison if `against`.
pub fn outline(plan: &Plan, against: bool) -> Vec<Expected> {
    let load = (Stage::Load, None);
    let last = [Stage::Judge, Stage::Collect, Stage::Stop].map(|stage| (stage, None));
    let ready = (Stage::Ready, Some(plan.ready_timeout));
    let Mode::Serve(serve) = &plan.mode else {
        return [ready, load].into_iter().chain(last).collect();
    };
    let prepare = prepare(serve);
    let up = [(Stage::Serve, None), ready];
    let mut all = Vec::new();
    all.extend(against.then_some((Stage::Base, None)));
    all.extend(prepare.iter().copied().chain(up).chain([load]));
    if against {
        let twice = prepare.iter().chain(&prepare).copied().chain(up).chain(up);
        all.extend(twice.chain([(Stage::Pairs, Some(plan.against.limit))]));
    }
    all.extend(last);
    all
}

/// The stages of the preparation of one version.
fn prepare(serve: &ServePlan) -> Vec<Expected> {
    let steps = |when| serve.steps_at(when).map(|step| (Stage::Step, Some(step.timeout)));
    let environment = [Stage::Environment, Stage::Install];
    let starting = |at| {
        let own = serve.services.iter().filter(|service| service.before == at);
        let limit = own.map(|service| service.timeout).reduce(|all, one| all + one)?;
        Some((Stage::Services, Some(limit)))
    };
    let mut all = Vec::new();
    if serve.needs_environment() {
        all.extend(environment.map(|stage| (stage, Some(serve.install_timeout))));
    }
    let is_django = serve.kind == ProjectKind::Django;
    let opens = (Stage::Step, None);
    all.extend((!is_django).then_some(opens));
    all.extend(starting(ServiceStart::Migrate));
    let before = steps(When::BeforeMigrate).collect::<Vec<_>>();
    // The first of them opens the databases.
    all.extend(before.first().map(|_| (Stage::Step, Some(serve.migrate_timeout))));
    all.extend(before);
    all.extend(is_django.then_some((Stage::Migrate, Some(serve.migrate_timeout))));
    all.extend(steps(When::AfterMigrate));
    all.extend(is_django.then_some((Stage::Seed, Some(serve.seed_timeout))));
    all.extend(steps(When::AfterSeed));
    all.extend(starting(ServiceStart::Serve));
    all
}

impl State {
    /// A run with these expected stages.
    pub fn expecting(stages: Vec<Expected>) -> Self {
        Self { to_come: stages.into(), ..Self::default() }
    }

    /// Applies an event.
    pub fn take(&mut self, at: Duration, event: &Event) {
        match event {
            Event::StageStarted(stage) => self.start(at, *stage),
            Event::StageEnded(_) => self.running = None,
            Event::Progress(progress) => {
                let is_new = |last: &Progress| progress.elapsed > last.elapsed;
                if self.load.as_ref().is_none_or(is_new) {
                    self.p95_ms.push(progress.p95_ms);
                }
                self.load = Some(progress.clone());
            }
            Event::Pairs(progress) => self.pairs = Some(*progress),
            Event::LogTail { path, .. } => {
                self.log.get_or_insert_with(|| path.clone());
            }
            Event::Advice(text) => self.advice.push(text.clone()),
            Event::Note(_) | Event::Warning(_) => {}
        }
    }

    /// Begins a stage; stages before it are not expected any more.
    fn start(&mut self, at: Duration, stage: Stage) {
        let place = self.to_come.iter().position(|(expected, _)| *expected == stage);
        let expected = place.and_then(|place| self.to_come.drain(..=place).next_back());
        let limit = expected.and_then(|(_, limit)| limit);
        self.running = Some(Running { stage, since: at, limit });
    }

    /// The names of the expected stages, each once.
    pub fn names_to_come(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (stage, _) in &self.to_come {
            if !names.contains(&stage.name()) {
                names.push(stage.name());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_stage_that_begins_ends_the_wait_for_those_before_it() {
        let stages = [Stage::Install, Stage::Migrate, Stage::Judge, Stage::Stop];
        let mut state = State::expecting(stages.map(|stage| (stage, Some(SECOND))).to_vec());
        state.take(SECOND, &Event::StageStarted(Stage::Migrate));
        let running = Running { stage: Stage::Migrate, since: SECOND, limit: Some(SECOND) };
        assert_eq!(state.running, Some(running));
        assert_eq!(state.names_to_come(), ["judge", "stop"]);
        state.take(SECOND, &Event::StageStarted(Stage::Pairs));
        assert_eq!(state.names_to_come(), ["judge", "stop"]);
    }

    #[test]
    fn each_second_has_one_p95_and_the_first_failure_its_log() {
        let mut state = State::default();
        for second in [1, 2, 2] {
            let elapsed = SECOND * second;
            let progress = Progress { elapsed, p95_ms: Some(5.0), ..Progress::default() };
            state.take(elapsed, &Event::Progress(progress));
        }
        assert_eq!(state.p95_ms, [Some(5.0), Some(5.0)]);
        for path in ["first", "second"] {
            state.take(SECOND, &Event::LogTail { path: path.to_owned(), lines: Vec::new() });
        }
        assert_eq!(state.log.as_deref(), Some("first"));
    }
}
