//! Config → Plan: nothing optional left, paths absolute, contradictions
//! refused, doubtful plans warned of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, DjangoSection, EnvSection, Place, Problem, ServerSection};
use crate::scenario::{Scenario, Wait};
use crate::summary::latency_limits;
use crate::target::Target;
use crate::threshold::Threshold;

/// All that a run will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Start a server, or measure one that is up.
    pub mode: Mode,
    /// The load.
    pub load: LoadPlan,
    /// Path of the health check.
    pub health: String,
    /// How long the server may take to become healthy.
    pub ready_timeout: Duration,
    /// The rules.
    pub thresholds: Vec<Threshold>,
    /// Where artifacts go.
    pub output: PathBuf,
    /// What is doubtful about the plan, in sentences.
    pub warnings: Vec<String>,
}

/// Whose server is measured.
#[derive(Clone, Debug)]
pub enum Mode {
    /// A server of our own, from an empty folder to ready.
    Serve(Box<ServePlan>),
    /// A server that is up already; nothing is prepared or started.
    Attach(Target),
}

/// How a server of our own comes to be.
#[derive(Clone, Debug)]
pub struct ServePlan {
    /// The folder of `manage.py`, and the working folder of every step.
    pub root: PathBuf,
    /// The oldest Python that will do.
    pub python: (u32, u32),
    /// Requirement files.
    pub requirements: Vec<PathBuf>,
    /// A file whose keys are all set.
    pub env_example: Option<PathBuf>,
    /// The rest of the environment.
    pub env: EnvSection,
    /// What is particular to Django.
    pub django: DjangoSection,
    /// The seed script.
    pub seed_script: Option<PathBuf>,
    /// Arguments of `manage.py` for the migrations.
    pub migrate: Vec<String>,
    /// Deadline of the environment and of the requirements, each.
    pub install_timeout: Duration,
    /// Deadline of the migrations.
    pub migrate_timeout: Duration,
    /// Deadline of the seed.
    pub seed_timeout: Duration,
    /// Server command, port and deadlines.
    pub server: ServerSection,
}

/// What the load engine needs to know.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Virtual users.
    pub users: u32,
    /// Users started per second.
    pub spawn_rate: f64,
    /// The planned window.
    pub window: Duration,
    /// The end of any extension, counted from the start of the window.
    pub longest: Duration,
    /// From the request to the last byte of its answer.
    pub request_timeout: Duration,
    /// The seed of all chance.
    pub seed: u64,
    /// What users do.
    pub scenario: Scenario,
    /// Latency limits to be counted exactly, ascending.
    pub limits: Vec<Duration>,
}

/// What a plan needs beside the configuration.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder of the configuration file, absolute.
    pub base: PathBuf,
    /// Where artifacts go, absolute.
    pub output: PathBuf,
    /// The seed, drawn unless the user gave one.
    pub seed: u64,
}

impl ServePlan {
    /// The server's command for an interpreter and a port.
    pub fn server_argv(&self, python: &Path, port: u16) -> Vec<String> {
        let fill = |word: &String| {
            word.replace("{python}", &python.to_string_lossy())
                .replace("{manage}", &self.django.manage)
                .replace("{port}", &port.to_string())
        };
        self.server.argv.iter().map(fill).collect()
    }
}

impl LoadPlan {
    /// When the user with this number (from 0) starts, after the window's start.
    pub fn spawn_at(&self, user: u32) -> Duration {
        let seconds = f64::from(user) / self.spawn_rate;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Requests to be expected within `span`, with answers of 50 ms.
    pub fn expected_requests(&self, span: Duration) -> f64 {
        let wait = self.scenario.wait;
        let answer = if matches!(wait, Wait::Pacing(_)) { 0.0 } else { 0.05 };
        let cycle = (wait.mean().as_secs_f64() + answer).max(0.001);
        let active = |user| span.saturating_sub(self.spawn_at(user)).as_secs_f64();
        // Users beyond a million are refused, so this sum is short.
        (0..self.users).map(active).sum::<f64>() / cycle
    }

    /// Requests of one full deck: the sum of the weights.
    pub fn deck(&self) -> u64 {
        self.scenario.tasks.iter().map(|task| u64::from(task.weight)).sum()
    }
}

/// How long a server that should be up already may take to answer.
const ATTACH_PATIENCE: Duration = Duration::from_secs(10);

/// Resolves a configuration.
///
/// # Errors
/// Contradictions between settings that are each possible alone.
pub fn resolve(config: &Config, around: Surroundings) -> Result<Plan, Vec<Problem>> {
    let load = load_plan(config, around.seed);
    let mut problems = Vec::new();
    let ramp = load.spawn_at(load.users);
    if load.window < ramp {
        let message = format!(
            "a duration of {} is over before all users run: {} users at {}/s take {}",
            seconds(load.window),
            load.users,
            load.spawn_rate,
            seconds(ramp)
        );
        problems.push(Problem { at: Place::Default, message });
    }
    let in_base = |path: &str| around.base.join(path);
    let mode = match &config.load.host {
        Some(target) => Mode::Attach(target.clone()),
        None => Mode::Serve(Box::new(ServePlan {
            root: in_base(&config.project.root),
            python: config.project.python,
            requirements: config.project.requirements.iter().map(|p| in_base(p)).collect(),
            env_example: config.env.example.as_deref().map(in_base),
            env: config.env.clone(),
            django: config.django.clone(),
            seed_script: config.django.seed.as_deref().map(in_base),
            migrate: config.steps.migrate.clone(),
            install_timeout: config.steps.install_timeout,
            migrate_timeout: config.steps.migrate_timeout,
            seed_timeout: config.steps.seed_timeout,
            server: config.server.clone(),
        })),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let warnings = warnings(&load, config);
    Ok(Plan {
        mode,
        load,
        health: config.server.health.clone(),
        ready_timeout: match &config.load.host {
            Some(_) => config.server.ready_timeout.min(ATTACH_PATIENCE),
            None => config.server.ready_timeout,
        },
        thresholds: config.thresholds.clone(),
        output: around.output,
        warnings,
    })
}

fn load_plan(config: &Config, seed: u64) -> LoadPlan {
    LoadPlan {
        users: config.load.users,
        spawn_rate: config.load.spawn_rate,
        window: config.load.duration,
        longest: config.load.duration * 2,
        request_timeout: config.load.request_timeout,
        seed,
        scenario: config.scenario.clone(),
        limits: latency_limits(&config.thresholds),
    }
}

fn warnings(load: &LoadPlan, config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let (expected, deck) = (load.expected_requests(load.longest), load.deck());
    if expected < deck as f64 {
        warnings.push(format!(
            "about {expected:.0} requests can be expected within {} (twice the duration), but \
             calling every task by its weight takes {deck}: run longer or with more users",
            seconds(load.longest)
        ));
    }
    let fails = |rule: &Threshold| rule.severity == crate::threshold::Severity::Fail;
    if !config.thresholds.iter().any(fails) {
        warnings.push("no threshold can fail this run: thresholds.fail is empty".to_owned());
    }
    warnings
}

fn seconds(value: Duration) -> String {
    format!("{} s", value.as_secs_f64())
}
