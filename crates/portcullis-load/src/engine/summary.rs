//! Combines the results of the workers: the summary of a run, and the progress that the
//! observer gets once a second.

use std::time::Duration;

use portcullis_core::event::Progress;
use portcullis_core::measure::{
    Acknowledgement, ArrivalCounts, Connects, Generator, REPORTED_PERCENTILES, Summary, Tls,
};
use portcullis_core::plan::LoadPlan;
use portcullis_core::steering::RuleStatus;
use portcullis_core::threshold::Percentile;

use crate::http::Endpoint;
use crate::metrics::{IntervalCounts, Recorder, Series, longest_gap};
use crate::vu::{Shared, WorkerOutput, closes_connections};

/// The summary of a run that measured nothing.
pub fn nothing(plan: &LoadPlan) -> Summary {
    Summary { window: plan.window, users_asked: plan.users, ..Summary::default() }
}

/// The summary of a run that took the time `ran`, however it ended.
pub fn summary(
    shared: &Shared<'_>,
    works: Vec<WorkerOutput>,
    series: Series,
    started_unix_ms: u64,
    ran: Duration,
) -> Summary {
    let plan = shared.plan;
    let mut whole: Option<Recorder> = None;
    let (mut users_ran, mut measured, mut arrivals) = (0, Duration::ZERO, ArrivalCounts::default());
    let (mut cpu, mut run_queue) = (Some(Duration::ZERO), Some(Duration::ZERO));
    let mut rests: Vec<IntervalCounts> = Vec::new();
    let mut stretches = Vec::new();
    let is_punctual = works.iter().all(|work| work.is_punctual);
    for mut work in works {
        users_ran += work.users_ran;
        measured = measured.max(work.measured.min(plan.window));
        cpu = cpu.zip(work.times).map(|(sum, times)| sum + times.cpu);
        run_queue = run_queue.zip(work.times).map(|(sum, times)| sum + times.run_queue);
        arrivals.scheduled += work.arrivals.scheduled;
        arrivals.queued += work.arrivals.queued;
        arrivals.unstarted += work.arrivals.unstarted;
        rests.push(work.recorder.take_interval());
        stretches.push(work.stretches);
        match &mut whole {
            None => whole = Some(work.recorder),
            Some(whole) => whole.absorb(work.recorder),
        }
    }
    let Some(mut recorder) = whole else { return nothing(plan) };
    recorder.fail_late(plan);
    let stuck_users = recorder.fail_unfinished(plan);
    let closes = shared.schedule.window.closes();
    rests.push(recorder.take_interval());
    Summary {
        window: plan.window,
        measured,
        started_unix_ms,
        warm_up: recorder.warm_up(),
        arrivals: plan.is_open().then_some(arrivals),
        connects: connects(plan, &shared.endpoint, &recorder),
        users_asked: plan.users,
        users_ran,
        stuck_users,
        resent: recorder.resent,
        reopened: recorder.reopened,
        longest_gap: Some(longest_gap(&stretches, plan.opens(), closes)),
        generator: Generator {
            spawn_lag: recorder.spawn_lag.distribution(),
            lag: recorder.lag.distribution(),
            ran,
            is_punctual,
            cpu,
            run_queue,
            shortfall: recorder.shortfall().filter(|_| !plan.is_open()),
            late_requests: recorder.late_requests(),
        },
        limits: plan.limits.clone(),
        changes: plan.changes(),
        tasks: recorder.tasks(plan),
        login: recorder.login(plan),
        ended_early: shared.schedule.window.ended(),
        series: series.finish(&rests, users_ran, measured),
        failures: recorder.failures(),
    }
}

fn connects(plan: &LoadPlan, endpoint: &Endpoint, recorder: &Recorder) -> Connects {
    let (connect, handshake) = recorder.openings();
    Connects {
        address: endpoint.address.to_string(),
        acknowledgement: match (plan.acknowledge_at_once, closes_connections(plan)) {
            (_, true) => Acknowledgement::ConnectionClose,
            (true, false) => Acknowledgement::AtOnce,
            (false, false) => Acknowledgement::System,
        },
        tls: match &plan.tls {
            None => Tls::Off,
            Some(tls) if tls.insecure => Tls::Insecure,
            Some(_) => Tls::Verified,
        },
        connect,
        handshake,
    }
}

/// The progress of the load so far.
pub fn progress(
    plan: &LoadPlan,
    series: &Series,
    rules: Vec<RuleStatus>,
    extending_for: Vec<String>,
) -> Progress {
    let last = series.last();
    let p95 = REPORTED_PERCENTILES.iter().position(|percentile| *percentile == Percentile::P95);
    let p95_ms = last.zip(p95).and_then(|(second, p95)| second.percentiles_ms.get(p95).copied());
    Progress {
        elapsed: Duration::from_secs(last.map_or(0, |second| second.second + 1)),
        window: plan.window,
        users: (last.map_or(0, |second| second.users), plan.users),
        requests: series.totals(),
        last_second: last.map_or(0, |second| second.requests),
        p95_ms,
        failures: series.kinds(),
        late: series.late(),
        rules,
        extending_for,
    }
}
