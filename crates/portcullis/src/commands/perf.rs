//! `perf`: the whole job in order: environment → install → migrate → seed → serve → ready →
//! load → judge → collect → stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use portcullis_core::compare::findings;
use portcullis_core::event::{Both, Sink, Stage};
use portcullis_core::judge::Finding;
use portcullis_core::plan::Mode;
use portcullis_report::{RunRecord, artifacts};
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::log;
use portcullis_supervise::server::Server;

use super::{dry_run, flags, worker};
use crate::args::PerfArgs;
use crate::compare;
use crate::console::{self, Console, FinalOutput, github};
use crate::host;
use crate::planning::{self, PlanRequest};
use crate::project::Venv;
use crate::run::{Aborted, Checkout, Journal, RunContext, RunResults, Version, record};
use crate::stages::{
    self, Companions, Prepared, baseline, collect, history, judge, load, ready, serve, stop,
};

/// Runs the job in a worker process; `listener` gets the same events there as the console.
/// Returns the exit code.
pub fn run(args: &PerfArgs, listener: &dyn Sink) -> u8 {
    match args.dry_run {
        true => worker::caught(|| dry_run::run(args)),
        false => match host::lacking() {
            Some(lack) => {
                set_stale_aside(&flags::request(args));
                console::unfit(&lack)
            }
            None => worker::guarded(|| perf(args, listener)),
        },
    }
}

fn perf(args: &PerfArgs, listener: &dyn Sink) -> u8 {
    let console = Console::new(flags::console(args));
    let request = flags::request(args);
    let planned = match planning::plan(&request) {
        Ok(planned) => planned,
        Err(problems) => {
            set_stale_aside(&request);
            return console.refuse(&problems);
        }
    };
    if let Err(problem) = planning::provide_files(&planned.plan) {
        return console.refuse(&[problem]);
    }
    let interrupts = match Interrupts::install() {
        Ok(interrupts) => interrupts,
        Err(error) => return console::no_handlers(&error),
    };
    let sink = Both(&console, listener);
    let context = match RunContext::begin(&planned, flags::options(args), &sink, &interrupts) {
        Ok(context) => context,
        Err(problem) => return console.refuse(&[problem]),
    };
    let (against, folder) = (args.against.as_deref(), &context.folder);
    console.begin(&planned.plan, against.is_some());
    context.end_abandoned();

    // However the job ends, the code after it runs.
    let mut journal = Journal::new(&context);
    let (mut results, mut left) = (RunResults::default(), Left::default());
    let job = AssertUnwindSafe(|| job(&context, &mut journal, &mut results, &mut left, against));
    if catch_unwind(job).is_err() {
        journal.find(Finding::defect("a panic, see above".to_owned()));
    }
    if results.load.is_judged {
        let _ = journal.stage(folder, Stage::Judge, || judge::evaluate(&context, &mut results));
    }
    let so_far = record(&context, &journal, &results);
    let _ = journal.always(folder, Stage::Collect, || collect::collect(&context, &so_far));
    let stop = || stop::stop(&context, &mut left.server, &mut left.companions, &mut results);
    let _ = journal.always(folder, Stage::Stop, stop);
    left.checkout.and_then(|before| before.warning()).iter().for_each(|text| context.warn(text));
    journal.conclude(&results, against.is_some());
    baseline::keep(&context, &mut journal, &mut results);
    history::remember(&context, &mut journal, &results);
    let record = collect::finish(&context, &mut journal, &results);
    end(&record, context.artifacts.path(), &console);
    record.exit_code
}

/// What a job leaves for the end of the run.
#[derive(Default)]
struct Left {
    /// The running server.
    server: Option<Server>,
    /// What runs beside it.
    companions: Companions,
    /// Its environment, which stays locked while the server uses it.
    venv: Option<Venv>,
    /// The files of the checkout before the run.
    checkout: Option<Checkout>,
}

/// From a clean checkout to measurements, with a comparison if one was requested.
fn job(
    context: &RunContext<'_>,
    journal: &mut Journal<'_>,
    results: &mut RunResults,
    left: &mut Left,
    asked: Option<&str>,
) -> Result<(), Aborted> {
    let folder = &context.folder;
    let mut base = None;
    let target = match &context.planned.plan.mode {
        Mode::Serve(plan) => {
            let own = [context.artifacts.path().to_owned(), context.cache.clone()];
            left.checkout = Some(Checkout::of(&plan.root, &own));
            if let Some(asked) = asked {
                let extract = || compare::extract(context, plan, asked);
                base = Some(journal.stage(folder, Stage::Base, extract)?);
            }
            let version = Version { context, folder, plan };
            let Prepared { project, companions, venv } = stages::prepare(journal, version, None)?;
            (left.companions, left.venv) = (companions, venv);
            let server = &mut left.server;
            let start = || serve::start(version, &project, server);
            let target = journal.stage(folder, Stage::Serve, start)?;
            results.target = target.url();
            let wait = || ready::wait(version, &project, &mut left.server, target);
            let target = journal.stage(folder, Stage::Ready, wait)?;
            results.target = target.url();
            target
        }
        Mode::Attach(target) => {
            journal.stage(folder, Stage::Ready, || {
                results.target = target.url();
                ready::attach(context, target)
            })?;
            target.clone()
        }
    };
    journal.stage(folder, Stage::Load, || {
        load::measure(context, &target, left.server.as_mut(), &mut results.load)
    })?;
    let Some(base) = base else { return Ok(()) };
    // The comparison starts two servers; a third one would only disturb them.
    results.server_end = stop::end_server(&mut left.server).or(results.server_end.take());
    let lost = stop::end_companions(&mut left.companions);
    lost.into_iter().for_each(|finding| journal.find(finding));
    let held = left.venv.as_ref();
    compare::compare(context, journal, &base, held, &mut left.server, results)
}

/// Prints and reports how the run ended.
fn end(record: &RunRecord, artifacts: &Path, console: &Console) {
    // If only the pairs found something, the log of their servers has more details.
    let by_rule = record.verdict.as_ref().is_some_and(|verdict| verdict.violations().count() > 0);
    let compared = record.comparison.as_ref();
    let by_pairs = !by_rule && compared.is_some_and(|c| !findings(c, false).is_empty());
    let name = if by_pairs { "pairs-server.log" } else { "server.log" };
    let server_log = artifacts.join(artifacts::LOGS).join(name).display().to_string();
    let is_red = record.exit_code != 0 && log::is_written(Path::new(&server_log));
    let log = is_red.then_some(server_log.as_str());
    // The verdict stays the last line.
    github::tell(record, artifacts, console);
    let page = artifacts.join(artifacts::PAGE);
    let page = page.is_file().then_some(page.as_path());
    console.end(record, &FinalOutput { artifacts, log, page, advice: &[] });
}

/// Moves older artifacts away, so that an older verdict is not mistaken for this run's.
fn set_stale_aside(request: &PlanRequest) {
    for path in planning::likely_outputs(request) {
        match artifacts::set_aside(&path) {
            Ok(None) => {}
            Ok(Some(previous)) => {
                let previous = previous.display();
                console::remark(&format!("the results of the last run are now in {previous}"));
            }
            Err(error) => console::complain(&format!(
                "{} has old artifacts that cannot be moved: {error}",
                path.display()
            )),
        }
    }
}
