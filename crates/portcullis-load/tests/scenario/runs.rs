//! Runs a scenario of a test against its server, and looks at what came of it.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use portcullis_core::config;
use portcullis_core::engine::{Ended, FirstAnswer, Observer};
use portcullis_core::event::Progress;
use portcullis_core::judge::{ThresholdController, Verdict, judge};
use portcullis_core::measure::{Summary, TaskSummary};
use portcullis_core::plan::{self, LoadPlan, PlanInputs};
use portcullis_core::target::{self, Target};
use portcullis_load::{LoadError, Trust};

use super::web::Web;

/// The plan of a scenario for so many requests of so many users.
pub fn plan_of(scenario: &str, (users, requests): (u32, u64), web: &Web) -> (LoadPlan, Target) {
    let url = web.url();
    let load = format!(
        "[load]\nhost = \"{url}\"\nusers = {users}\nspawn_rate = \"1000/s\"\n\
         duration = \"60s\"\nrequests = {requests}\n"
    );
    let text = format!("{load}[scenario]\nwait = {{ constant = \"0s\" }}\n{scenario}");
    let config = match config::load(&text, None, &[]) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{problems:#?}"),
    };
    let around = PlanInputs {
        base: PathBuf::new(),
        output: PathBuf::new(),
        seed: 7,
        ..PlanInputs::default()
    };
    (plan::resolve(&config, around).unwrap().load, target::parse(&url).unwrap())
}

/// What a run told and measured.
pub struct Ran {
    pub summary: Summary,
    pub ended: Ended,
    pub secrets: Vec<String>,
    pub first: Vec<FirstAnswer>,
    pub verdict: Verdict,
}

impl Ran {
    /// A row by its name: of a task or a step.
    pub fn row(&self, name: &str) -> &TaskSummary {
        self.summary.rows().find(|row| row.name == name).unwrap()
    }

    /// Requests and failures of a row.
    pub fn counts(&self, name: &str) -> (u64, u64) {
        let row = self.row(name).judged();
        (row.requests, row.failures)
    }

    /// The message of the first failure.
    pub fn message(&self) -> &str {
        &self.summary.failures.first().unwrap().message
    }
}

/// Runs a plan.
pub fn run_plan(plan: &LoadPlan, target: &Target) -> Result<Ran, LoadError> {
    let controller = ThresholdController { rules: &plan.rules, until_sure: plan.until_sure };
    let mut listening = Listening::default();
    let ran = portcullis_load::run(plan, target, &Trust::Nobody, &controller, &mut listening)?;
    let portcullis_core::engine::Measured::Exact(summary) = ran.measured;
    let verdict = judge(&summary, &plan.rules);
    let Listening { secrets, first } = listening;
    Ok(Ran { summary: *summary, ended: ran.ended, secrets, first, verdict })
}

/// Runs a scenario to its end.
pub fn run(scenario: &str, load: (u32, u64), web: &Web) -> Ran {
    let (plan, target) = plan_of(scenario, load, web);
    run_plan(&plan, &target).unwrap_or_else(|error| panic!("{error}"))
}

/// The message of a login that failed before the load.
pub fn refused(scenario: &str, web: &Web) -> String {
    let (plan, target) = plan_of(scenario, (1, 1), web);
    match run_plan(&plan, &target) {
        Err(LoadError::Login(failure)) => failure.message,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the login succeeded"),
    }
}

/// An observer that keeps secrets and the first round.
#[derive(Default)]
struct Listening {
    secrets: Vec<String>,
    first: Vec<FirstAnswer>,
}

impl Observer for Listening {
    fn secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    fn goes_on(&mut self) -> bool {
        true
    }

    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()> {
        self.first = answers.to_vec();
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: Progress) {}
}
