//! The comparison with the base: prepares both versions in the same way, starts both
//! servers, sends the same requests to both, and decides for each task.

mod base;
mod base_load;
mod gate;
mod hooks;
mod pairs;
mod revision;

pub use base::{Base, extract};

use portcullis_core::compare::{Side, Sides};
use portcullis_core::event::Stage;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::target::Target;
use portcullis_supervise::server::Server;
use std::time::Instant;

use crate::project::{self, Project, Venv};
use crate::run::{Aborted, Journal, Role, RunContext, RunResults, Version};
use crate::stages::{self, Prepared, ready, serve, stop};

/// Compares the working tree with the base. A server that does not become ready is left in
/// `slot`; `held` is the environment that the run already has.
///
/// # Errors
/// A stage of either version failed, or no pairs could be made.
pub fn compare(
    context: &RunContext<'_>,
    journal: &mut Journal<'_>,
    base: &Base,
    held: Option<&Venv>,
    slot: &mut Option<Server>,
    results: &mut RunResults,
) -> Result<(), Aborted> {
    let roles = Sides { base: Role::Base(base.name.clone()), candidate: Role::Candidate };
    let folders = Sides {
        base: context.folder.side(roles.base),
        candidate: context.folder.side(roles.candidate),
    };
    let version = |side| Version { context, folder: folders.of(side), plan: base.plans.of(side) };
    let begun = Instant::now();
    let own = prepare(journal, version(Side::Base), held)?;
    let mut base_took = begun.elapsed();
    let mut prepared =
        Sides { base: own, candidate: prepare(journal, version(Side::Candidate), held)? };
    // The version that starts first is chosen at random, because the layout of memory and
    // caches differs.
    let first = Rng::stream(context.planned.plan.load.seed, Domain::Placement, 1).below(2);
    let order = match first {
        0 => [Side::Base, Side::Candidate],
        _ => [Side::Candidate, Side::Base],
    };
    let mut up: Sides<Option<(Server, Target)>> = Sides::default();
    for side in order {
        let begun = Instant::now();
        let started = start(journal, version(side), &prepared.of(side).project, slot)?;
        *up.of_mut(side) = Some(started);
        if side == Side::Base {
            base_took += begun.elapsed();
        }
    }
    let (Some((base_up, base_at)), Some((candidate_up, candidate_at))) = (up.base, up.candidate)
    else {
        return Ok(());
    };
    let targets = Sides { base: base_at, candidate: candidate_at };
    let mut servers = Sides { base: base_up, candidate: candidate_up };
    let outcome = journal.stage(&context.folder, Stage::Pairs, || {
        let made = pairs::measure(context, base, &targets, &mut servers, results)?;
        for side in [Side::Base, Side::Candidate] {
            let (folder, plan) = (folders.of(side), base.plans.of(side));
            project::keeps_to(folder, plan, servers.of(side))?;
        }
        Ok(made)
    });
    let other = servers.candidate.pid();
    servers.base.stop_beside(&[other]);
    servers.candidate.stop();
    end_companions(journal, base, &mut prepared);
    outcome?;
    if let Some(comparison) = &mut results.comparison {
        comparison.is_gate_strict = context.options.strict_gate;
        match gate::compare(context, base) {
            Ok(lines) => comparison.loosened = lines,
            Err(why) => comparison.base_gate = Some(why),
        }
    }
    drop(prepared);
    base_load::measure(context, journal, base, base_took, held, slot, results)
}

/// Ends what runs beside the servers of both versions.
fn end_companions(journal: &mut Journal<'_>, base: &Base, prepared: &mut Sides<Prepared>) {
    for finding in stop::end_companions(&mut prepared.base.companions) {
        journal.find(base.name.charge(&finding.message));
    }
    let own = stop::end_companions(&mut prepared.candidate.companions);
    own.into_iter().for_each(|finding| journal.find(finding));
}

fn prepare(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    held: Option<&Venv>,
) -> Result<Prepared, Aborted> {
    let mut prepared = stages::prepare(journal, version, held)?;
    // Sets and dictionaries have the same layout in both versions.
    let hash_seed = version.context.planned.plan.load.seed % 4_294_967_295;
    prepared.project.environment.set("PYTHONHASHSEED", hash_seed.to_string());
    Ok(prepared)
}

fn start(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
) -> Result<(Server, Target), Aborted> {
    let folder = version.folder;
    let target = journal.stage(folder, Stage::Serve, || serve::start(version, project, slot))?;
    let wait = || ready::wait(version, project, slot, target);
    let target = journal.stage(folder, Stage::Ready, wait)?;
    slot.take().map(|server| (server, target)).ok_or(Aborted)
}
