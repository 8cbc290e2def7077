//! Against the base: both versions prepared alike, both servers up, the same
//! requests to both, and what that says of each task.

mod base;
mod hooks;

pub use base::{Base, BaseName, extract};

use std::time::Duration;

use portcullis_core::compare::{Comparison, Judge, RULE, Rule, Side, Sides, TaskComparison};
use portcullis_core::event::Stage;
use portcullis_core::judge::Finding;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::target::Target;
use portcullis_load::{PairPlan, PairsError, PairsOutcome, Trust, pairs};
use portcullis_supervise::port::Owner;
use portcullis_supervise::server::Server;

use crate::run::{Done, Failure, Run, Stopped};
use crate::stages;
use crate::stages::environment::Venv;
use crate::stages::project::Project;
use hooks::Stand;

/// A version that is ready to be started.
struct Prepared {
    project: Project,
    /// Locked while its server uses it.
    _venv: Venv,
}

/// Compares the working tree with the base.
///
/// # Errors
/// A stage of either version failed, or no pairs could be made.
pub fn compare(run: &mut Run<'_>, base: &Base) -> Result<(), Stopped> {
    let target = run.target.clone();
    run.base = Some(base.name.clone());
    let compared = compare_sides(run, base);
    run.enter(None);
    run.target = target;
    compared
}

fn compare_sides(run: &mut Run<'_>, base: &Base) -> Result<(), Stopped> {
    let prepared = Sides {
        base: prepare(run, Side::Base, base)?,
        candidate: prepare(run, Side::Candidate, base)?,
    };
    // Who starts first is drawn: memory and caches are not laid out alike.
    let first = Rng::stream(run.planned.plan.load.seed, Domain::Placement, 1).below(2);
    let order = match first {
        0 => [Side::Base, Side::Candidate],
        _ => [Side::Candidate, Side::Base],
    };
    let mut up: Sides<Option<(Server, Target)>> = Sides::default();
    for side in order {
        *up.of_mut(side) = Some(start(run, prepared.of(side), side, base)?);
    }
    run.enter(None);
    let (Some((base_up, base_at)), Some((candidate_up, candidate_at))) = (up.base, up.candidate)
    else {
        return Ok(());
    };
    let targets = Sides { base: base_at, candidate: candidate_at };
    let mut servers = Sides { base: base_up, candidate: candidate_up };
    let outcome = run.stage(Stage::Pairs, |run| measure(run, base, &targets, &mut servers));
    let other = servers.candidate.pid();
    servers.base.stop_beside(&[other]);
    servers.candidate.stop();
    outcome
}

fn charged(base: &Base, why: &str) -> Failure {
    Failure::new(base.name.charge(why))
}

fn prepare(run: &mut Run<'_>, side: Side, base: &Base) -> Result<Prepared, Stopped> {
    run.enter(Some(side));
    let (mut project, venv) = stages::prepare(run, base.plans.of(side))?;
    // Sets and dictionaries are laid out alike in both.
    let hash_seed = run.planned.plan.load.seed % 4_294_967_295;
    project.environment.set("PYTHONHASHSEED", hash_seed.to_string());
    Ok(Prepared { project, _venv: venv })
}

fn start(
    run: &mut Run<'_>,
    prepared: &Prepared,
    side: Side,
    base: &Base,
) -> Result<(Server, Target), Stopped> {
    run.enter(Some(side));
    let target = stages::start(run, base.plans.of(side), &prepared.project)?;
    match run.server.take() {
        Some(server) => Ok((server, target)),
        None => Err(Stopped),
    }
}

fn measure(
    run: &mut Run<'_>,
    base: &Base,
    targets: &Sides<Target>,
    servers: &mut Sides<Server>,
) -> Result<Done<()>, Failure> {
    let planned = &run.planned.plan;
    let (against, scenario) = (&planned.against, &planned.load.scenario);
    let rule = Rule { fewest_pairs: RULE.fewest_pairs.max(against.fewest_pairs), ..RULE };
    let mut judge = Judge::new(scenario.tasks.len(), rule);
    let idle = scenario.tasks.iter().enumerate().filter(|(_, task)| task.weight == 0);
    idle.for_each(|(index, _)| judge.give_up(index));
    let plan = PairPlan {
        load: &planned.load,
        limit: against.limit,
        warm_up: against.warm_up,
        repetition: 0,
    };
    let cpus = match &planned.mode {
        portcullis_core::plan::Mode::Serve(serve) => serve.server.cpus.clone(),
        portcullis_core::plan::Mode::Attach(_) => Vec::new(),
    };
    let mut comparisons = Vec::new();
    for repetition in 0..run.repetitions.max(1) {
        let mut stand = Stand::new(run, servers, &cpus, against.limit);
        let plan = PairPlan { repetition, ..plan };
        let made = pairs(plan, targets, &Trust::Nobody, judge.clone(), &mut stand);
        let (unplaced, secrets) = (stand.unplaced.take(), std::mem::take(&mut stand.secrets));
        // Before anything can go wrong: a log that is collected may hold them.
        secrets.iter().for_each(|token| run.secrets.add(token));
        let patience = if made.is_err() { DYING } else { Duration::ZERO };
        still_there(run, base, targets, servers, patience)?;
        let outcome = made.map_err(|error| failed(run, base, error))?;
        if run.is_overdue() {
            return Err(overdue());
        }
        comparisons.push(comparison(run, base, &outcome, unplaced));
    }
    let mut comparisons = comparisons.into_iter();
    run.comparison = comparisons.next();
    run.repeated = comparisons.collect();
    let made = run.comparison.iter().map(|one| (one.pairs.len(), one.took.as_secs_f64()));
    let words = made.map(|(pairs, took)| format!("{pairs} pairs in {took:.1} s"));
    Ok(Done::new((), words.collect::<String>()))
}

fn failed(run: &Run<'_>, base: &Base, error: PairsError) -> Failure {
    match (error, run.interrupts.signal()) {
        (_, Some(signal)) => Failure::new(Finding::Interrupted(signal)),
        (PairsError::Login(Side::Base, failure), _) => {
            charged(base, &format!("its login failed: {}", failure.message))
        }
        (PairsError::Login(Side::Candidate, failure), _) => {
            let message = format!("the login of the pairs failed: {}", failure.message);
            Failure::new(Finding::Invalid(message))
        }
        (PairsError::Aborted, None) if run.is_overdue() => overdue(),
        (error, None) => Failure::new(Finding::Defect(error.to_string())),
    }
}

fn overdue() -> Failure {
    let message = "the pairs were cut off: the whole run took too long";
    Failure::new(Finding::Invalid(message.to_owned()))
        .with_advice("a shorter load, or a longer steps.run_timeout")
}

/// How long a server that stopped answering may take to be gone.
const DYING: Duration = Duration::from_millis(200);

/// Who was started must have answered to the end.
fn still_there(
    run: &Run<'_>,
    base: &Base,
    targets: &Sides<Target>,
    servers: &mut Sides<Server>,
    patience: Duration,
) -> Result<(), Failure> {
    if let Some(signal) = run.interrupts.signal() {
        return Err(Failure::new(Finding::Interrupted(signal)));
    }
    for side in [Side::Base, Side::Candidate] {
        let server = servers.of_mut(side);
        let gone = match server.ended_within(patience) {
            Some(status) => format!("the server died during the pairs: {status}"),
            None if server.owns_port(targets.of(side).port) != Owner::Ours => {
                "after the pairs its port was no longer held by our server".to_owned()
            }
            None => continue,
        };
        return Err(match side {
            Side::Base => charged(base, &gone).with_log("base-server"),
            Side::Candidate => Failure::new(Finding::Server(gone)).with_log("pairs-server"),
        });
    }
    Ok(())
}

fn comparison(
    run: &Run<'_>,
    base: &Base,
    outcome: &PairsOutcome,
    unplaced: Option<String>,
) -> Comparison {
    let plan = &run.planned.plan;
    let active = plan.load.scenario.tasks.iter().enumerate().filter(|(_, task)| task.weight > 0);
    let compared = |(index, task): (usize, &portcullis_core::scenario::Task)| {
        TaskComparison::new(&task.name, index, &outcome.judge, &outcome.pairs)
    };
    let shown = |(path, value): &(String, serde_json::Value)| {
        run.secrets.redact(&format!("{path} = {value}"))
    };
    Comparison {
        asked: base.asked.clone(),
        commit: base.name.commit.clone(),
        took: outcome.took,
        limit: plan.against.limit,
        unplaced,
        overrides: plan.against.overrides.iter().map(shown).collect(),
        tasks: active.map(compared).collect(),
        pairs: outcome.pairs.clone(),
        names: plan.load.scenario.tasks.iter().map(|task| task.name.clone()).collect(),
    }
}
