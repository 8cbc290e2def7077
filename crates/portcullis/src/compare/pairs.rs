//! The pairs: sends the same requests to both servers, and decides for each task.

use std::time::Duration;

use portcullis_core::compare::{
    Comparison, ComparisonPolicy, Judge, POLICY, Side, Sides, TaskComparison,
};
use portcullis_core::judge::Finding;
use portcullis_core::plan::Mode;
use portcullis_core::scenario::Task;
use portcullis_core::target::Target;
use portcullis_load::{PairPlan, PairsError, PairsOutcome, Trust, pairs};
use portcullis_supervise::port::Owner;
use portcullis_supervise::server::Server;

use super::Base;
use super::hooks::Stand;
use crate::run::{RunContext, RunResults, StageFailure, StageOutput};
use crate::stages::load::{JOINED, joined};

/// Makes pairs until every task is decided or the time is over.
///
/// # Errors
/// A login failed, a server died, the run was interrupted or took too long.
pub fn measure(
    context: &RunContext<'_>,
    base: &Base,
    targets: &Sides<Target>,
    servers: &mut Sides<Server>,
    results: &mut RunResults,
) -> Result<StageOutput<()>, StageFailure> {
    let planned = &context.planned.plan;
    let (against, scenario) = (&planned.against, &planned.load.scenario);
    let rule =
        ComparisonPolicy { fewest_pairs: POLICY.fewest_pairs.max(against.fewest_pairs), ..POLICY };
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
        Mode::Serve(serve) => serve.server.cpus.clone(),
        Mode::Attach(_) => Vec::new(),
    };
    let mut comparisons = Vec::new();
    for repetition in 0..context.options.repetitions.max(1) {
        let mut stand = Stand::new(context, servers, targets, &cpus, against.limit);
        let plan = PairPlan { repetition, ..plan };
        let made = pairs(plan, targets, &Trust::Nobody, judge.clone(), &mut stand);
        let (unplaced, stranger) = (stand.unplaced.take(), stand.stranger.take());
        let patience = if made.is_err() { DYING } else { Duration::ZERO };
        still_there(context, base, targets, servers, patience)?;
        if let Some((side, stranger)) = stranger {
            return Err(of_side(base, side, &joined(&stranger)).with_advice(JOINED));
        }
        let outcome = made.map_err(|error| failed(context, base, error))?;
        if context.is_overdue() {
            return Err(overdue());
        }
        comparisons.push(comparison(context, base, &outcome, unplaced));
    }
    let mut comparisons = comparisons.into_iter();
    results.comparison = comparisons.next();
    results.repeated = comparisons.collect();
    let made = results.comparison.iter().map(|one| (one.pairs.len(), one.took.as_secs_f64()));
    let words = made.map(|(pairs, took)| format!("{pairs} pairs in {took:.1} s"));
    Ok(StageOutput::new((), words.collect::<String>()))
}

fn charged(base: &Base, why: &str) -> StageFailure {
    StageFailure::new(base.name.charge(why))
}

fn failed(context: &RunContext<'_>, base: &Base, error: PairsError) -> StageFailure {
    match (error, context.interrupts.signal()) {
        (_, Some(signal)) => StageFailure::new(Finding::interrupted(signal)),
        (PairsError::Login(Side::Base, failure), _) => {
            charged(base, &format!("its login failed: {}", failure.message))
        }
        (PairsError::Login(Side::Candidate, failure), _) => {
            let message = format!("the login of the pairs failed: {}", failure.message);
            StageFailure::new(Finding::invalid(message))
        }
        (PairsError::Aborted, None) if context.is_overdue() => overdue(),
        (error, None) => StageFailure::new(Finding::defect(error.to_string())),
    }
}

fn overdue() -> StageFailure {
    let message = "the pairs were stopped: the whole run took too long";
    StageFailure::new(Finding::invalid(message.to_owned()))
        .with_advice("shorten the load, or raise steps.run_timeout")
}

/// How long a server that stopped answering may take to exit.
const DYING: Duration = Duration::from_millis(200);

/// Both servers must still be running and answering at the end.
fn still_there(
    context: &RunContext<'_>,
    base: &Base,
    targets: &Sides<Target>,
    servers: &mut Sides<Server>,
    patience: Duration,
) -> Result<(), StageFailure> {
    if let Some(signal) = context.interrupts.signal() {
        return Err(StageFailure::new(Finding::interrupted(signal)));
    }
    for side in [Side::Base, Side::Candidate] {
        let server = servers.of_mut(side);
        let gone = match server.ended_within(patience) {
            Some(status) => format!("the server died during the pairs: {status}"),
            None if server.owns_port(targets.of(side).port) != Owner::Ours => {
                "after the pairs our server no longer held its port".to_owned()
            }
            None => continue,
        };
        return Err(match side {
            Side::Base => of_side(base, side, &gone).with_log("base-server"),
            Side::Candidate => of_side(base, side, &gone).with_log("pairs-server"),
        });
    }
    Ok(())
}

/// The failure of the server of one side.
fn of_side(base: &Base, side: Side, why: &str) -> StageFailure {
    match side {
        Side::Base => charged(base, why),
        Side::Candidate => StageFailure::new(Finding::server(why)),
    }
}

fn comparison(
    context: &RunContext<'_>,
    base: &Base,
    outcome: &PairsOutcome,
    unplaced: Option<String>,
) -> Comparison {
    let plan = &context.planned.plan;
    let active = plan.load.scenario.tasks.iter().enumerate().filter(|(_, task)| task.weight > 0);
    let compared = |(index, task): (usize, &Task)| TaskComparison {
        base_lacks: outcome.base_lacks.get(index).copied().flatten(),
        ..TaskComparison::new(&task.name, index, &outcome.judge, &outcome.pairs)
    };
    let shown =
        |(path, value): &(String, serde_json::Value)| context.redact(&format!("{path} = {value}"));
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
        ..Comparison::default()
    }
}
