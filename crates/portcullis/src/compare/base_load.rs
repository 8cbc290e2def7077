//! After a violation under load: the base gets the same load, with the same duration and seed.
//! Only what that shows can excuse the candidate.

use std::ops::ControlFlow;
use std::time::Duration;

use portcullis_core::compare::may_be_excused;
use portcullis_core::engine::{Ended, FirstAnswer, LoadOutcome, Measured, Observer};
use portcullis_core::event::{Progress, Stage};
use portcullis_core::judge::{
    Finding, Verdict, generator_fault, judge, unanswered_fault, warm_up_fault,
};
use portcullis_core::plan::Mode;
use portcullis_core::units::show_duration;
use portcullis_load::Trust;
use portcullis_supervise::server::Server;

use super::Base;
use crate::engines;
use crate::project::{Project, Venv};
use crate::run::{
    Aborted, Journal, Role, RunContext, RunResults, StageFailure, StageOutput, Version,
};
use crate::stages::{self, ready, serve, stop};

/// Makes the load on the base if that could excuse a violation, and there is time for it.
/// `prepared_in` is the time that it took to prepare and start the base before; `held` is the
/// environment that the run already has.
///
/// # Errors
/// The base cannot be prepared again, or the run was interrupted. A load that shows nothing is
/// no error: then nothing is excused.
pub fn measure(
    context: &RunContext<'_>,
    journal: &mut Journal<'_>,
    base: &Base,
    prepared_in: Duration,
    held: Option<&Venv>,
    slot: &mut Option<Server>,
    results: &mut RunResults,
) -> Result<(), Aborted> {
    let (plan, load) = (&context.planned.plan, &context.planned.plan.load);
    let (Some(summary), Some(comparison), Mode::Serve(serve)) =
        (&results.load.summary, &mut results.comparison, &plan.mode)
    else {
        return Ok(());
    };
    if !may_be_excused(&judge(summary, &plan.thresholds), comparison, summary) {
        return Ok(());
    }
    let needed = prepared_in + load.closes() + load.grace;
    let left = context.left();
    if left < needed {
        let (left, needed) = (show_duration(left), show_duration(needed));
        comparison.base_load = Some(format!(
            "no violation is excused by the base: it needs {needed} for the same load, and \
             {left} of steps.run_timeout are left"
        ));
        return Ok(());
    }
    // The settings of the ordinary load: those for the pairs alone do not apply here.
    let mut own = base.plans.base.clone();
    own.django.overrides.clone_from(&serve.django.overrides);
    let folder = context.folder.side(Role::BaseLoad(base.name.clone()));
    let version = Version { context, folder: &folder, plan: &own };
    context.note(format!(
        "thresholds are violated: the base gets the same load ({})",
        show_duration(load.closes())
    ));
    let mut prepared = stages::prepare(journal, version, held)?;
    let made = journal.stage(&folder, Stage::Load, || loaded(version, &prepared.project, slot));
    if let Some(mut server) = slot.take() {
        server.stop();
    }
    // What was measured on a lost database or service excuses nothing.
    let lost = stop::end_companions(&mut prepared.companions).into_iter().next();
    let made = match (made?, lost) {
        (Ok(_), Some(finding)) => Err(finding.message),
        (made, _) => made,
    };
    let said = match made {
        Ok((verdict, requests)) => {
            comparison.base_judged = verdict.judged;
            format!("the base got the same load: {requests} requests")
        }
        Err(why) => format!("no violation is excused by the base: {why}"),
    };
    comparison.base_load = Some(said);
    Ok(())
}

/// The verdict on the base, with the number of requests; or why there is none.
type Shown = Result<(Verdict, u64), String>;

/// Starts the base and loads it. Whatever goes wrong is the base's, and only means that
/// nothing is excused; except a signal.
fn loaded(
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
) -> Result<StageOutput<Shown>, StageFailure> {
    let context = version.context;
    let shown = under_load(version, project, slot);
    if let Some(signal) = context.interrupts.signal() {
        return Err(StageFailure::new(Finding::interrupted(signal)));
    }
    let shown = shown.map_err(|why| context.redact(&why));
    let detail = match &shown {
        Ok((_, requests)) => format!("{requests} requests"),
        Err(why) => why.clone(),
    };
    Ok(StageOutput::new(shown, detail))
}

fn under_load(version: Version<'_>, project: &Project, slot: &mut Option<Server>) -> Shown {
    let context = version.context;
    let plan = &context.planned.plan;
    let first = |failure: StageFailure| {
        let found = failure.findings.into_iter().next();
        found.map_or_else(|| "it did not start".to_owned(), |finding| finding.message)
    };
    let target = serve::start(version, project, slot).map_err(first)?.value;
    let target = ready::wait(version, project, slot, target).map_err(first)?.value;
    let mut watch = BaseObserver { context, server: slot.as_mut() };
    let made = engines::run(&plan.load, &target, &Trust::Nobody, &mut watch);
    let LoadOutcome { measured: Measured::Exact(summary), ended } =
        made.map_err(|error| error.to_string())?;
    let due = plan.load.users_due(summary.measured);
    let has_died = watch.has_died();
    let fault = match ended {
        Ended::LoginFailed(failure) => Some(format!("its login failed: {}", failure.message)),
        Ended::Aborted | Ended::Defect(_) => Some("its load was stopped".to_owned()),
        Ended::Complete if has_died => Some("its server died".to_owned()),
        Ended::Complete if !plan.load.is_open() && summary.users_ran < due => {
            Some(format!("only {} of its {due} users ran", summary.users_ran))
        }
        Ended::Complete => generator_fault(&summary)
            .or_else(|| warm_up_fault(&summary))
            .or_else(|| unanswered_fault(&summary, plan.load.users_at_end())),
    };
    match fault {
        Some(fault) => Err(fault),
        None => Ok((judge(&summary, &plan.thresholds), summary.aggregate().requests)),
    }
}

/// Observes the load of the base. Its first round decides nothing: the base may lack what is
/// new in the candidate.
struct BaseObserver<'a> {
    context: &'a RunContext<'a>,
    server: Option<&'a mut Server>,
}

impl BaseObserver<'_> {
    fn has_died(&mut self) -> bool {
        self.server.as_deref_mut().is_some_and(|s| s.ended_within(Duration::ZERO).is_some())
    }
}

impl Observer for BaseObserver<'_> {
    fn secret(&mut self, token: &str) {
        self.context.hide(token);
    }

    fn goes_on(&mut self) -> bool {
        let is_over = self.has_died() || self.context.is_overdue();
        !is_over && self.context.interrupts.signal().is_none()
    }

    fn first_round(&mut self, _: &[FirstAnswer]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: Progress) {}
}
