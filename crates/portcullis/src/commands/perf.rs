//! The whole job, told in the order in which it happens:
//! environment → install → migrate → seed → serve → ready → load → judge →
//! collect → stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use portcullis_core::event::{Both, Sink, Stage};
use portcullis_core::outcome::Finding;
use portcullis_core::plan::{Mode, ServePlan};
use portcullis_core::target::Target;
use portcullis_report::artifacts;
use portcullis_supervise::descriptors;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::tree::Ended;

use crate::args::PerfArgs;
use crate::commands::baseline;
use crate::compare;
use crate::console::github;
use crate::console::{self, Console, Ending};
use crate::planning;
use crate::run::{Done, Failure, Run, Stopped};
use crate::stages::{self, collect, judge, load, ready};

/// Runs the job; `listener` hears what the console hears. Its exit code.
pub fn perf(args: &PerfArgs, listener: &dyn Sink) -> u8 {
    catch_unwind(AssertUnwindSafe(|| perf_unguarded(args, listener)))
        .unwrap_or_else(|_| console::defect("a panic, see above"))
}

fn perf_unguarded(args: &PerfArgs, listener: &dyn Sink) -> u8 {
    let console = Console::new(args);
    let planned = match planning::plan(args) {
        Ok(planned) => planned,
        Err(problems) => {
            // A dry run leaves everything as it is.
            if !args.dry_run {
                discard_stale(args);
            }
            return console.refuse(&problems);
        }
    };
    if args.dry_run {
        console::print_plan(&planned);
        return 0;
    }
    if let Err(few) = descriptors::provide(planning::open_files(&planned.plan)) {
        return console.refuse(&[planning::few_files(few, &planned.plan)]);
    }
    let interrupts = match Interrupts::install() {
        Ok(interrupts) => interrupts,
        Err(error) => return console::defect(&format!("no signal handlers: {error}")),
    };
    let sink = Both(&console, listener);
    let mut run = match Run::begin(&planned, args, &sink, &interrupts) {
        Ok(run) => run,
        Err(message) => return console.refuse(&[message]),
    };
    console.begin(&planned, args.against.is_some());

    // Whatever happens to the job, what follows it happens too.
    let against = args.against.as_deref();
    if catch_unwind(AssertUnwindSafe(|| job(&mut run, against))).is_err() {
        run.findings.push(Finding::Defect("a panic, see above".to_owned()));
    }
    if run.is_judged {
        let _ = run.stage(Stage::Judge, judge::evaluate);
    }
    let _ = run.always(Stage::Collect, collect::collect);
    let _ = run.always(Stage::Stop, stop);
    run.conclude(against.is_some());
    let sentence = judge::sentence(&run);
    baseline::keep(&mut run, &sentence);
    collect::finish(&mut run);
    end(&run, &console);
    run.exit_code()
}

/// Tells how the run ended.
fn end(run: &Run<'_>, console: &Console) {
    let report = run.report(&judge::sentence(run));
    let artifacts = run.artifacts().path();
    // Where pairs alone found something, the log of what served them tells more.
    let by_rule = report.verdict.as_ref().is_some_and(|verdict| verdict.violations().count() > 0);
    let by_pairs =
        !by_rule && run.comparison.as_ref().is_some_and(|c| !judge::compared(c, false).is_empty());
    let name = if by_pairs { "pairs-server.log" } else { "server.log" };
    let server_log = artifacts.join(artifacts::LOGS).join(name).display().to_string();
    let is_red = run.exit_code() != 0 && Path::new(&server_log).is_file();
    let log = is_red.then_some(server_log.as_str());
    // The verdict stays the last line.
    github::tell(&report, artifacts, console);
    let page = artifacts.join(artifacts::PAGE);
    let page = page.is_file().then_some(page.as_path());
    console.end(&report, &Ending { artifacts, log, page, advice: &[] });
}

/// An older verdict must not be taken for this run's.
fn discard_stale(args: &PerfArgs) {
    for path in planning::likely_outputs(args) {
        if let Err(error) = artifacts::discard(&path) {
            console::complain(&format!("{} holds stale artifacts: {error}", path.display()));
        }
    }
}

/// From a clean checkout to measurements.
fn job(run: &mut Run<'_>, asked: Option<&str>) -> Result<(), Stopped> {
    let mut base = None;
    let target = match &run.planned.plan.mode {
        Mode::Serve(plan) => {
            if let Some(asked) = asked {
                base = Some(run.stage(Stage::Base, |run| compare::extract(run, plan, asked))?);
            }
            serve_own(run, plan)?
        }
        Mode::Attach(target) => {
            run.stage(Stage::Ready, |run| ready::attach(run, target))?;
            target.clone()
        }
    };
    run.stage(Stage::Load, |run| load::measure(run, &target))?;
    let Some(base) = base else { return Ok(()) };
    // Two servers of their own follow; a third would only be in their way.
    run.server_end = end_server(run).or(run.server_end.take());
    compare::compare(run, &base)
}

/// A server of our own, from an empty folder to ready.
fn serve_own(run: &mut Run<'_>, plan: &ServePlan) -> Result<Target, Stopped> {
    let (project, venv) = stages::prepare(run, plan)?;
    let target = stages::start(run, plan, &project)?;
    // The environment stays locked while the server uses it.
    run.keep(venv);
    Ok(target)
}

/// Ends the server's whole process group, politely and then not.
fn stop(run: &mut Run<'_>) -> Result<Done<()>, Failure> {
    run.forget_bytecode();
    let ended = end_server(run);
    let detail = match (&ended, &run.server_end) {
        (Some(detail), _) => detail.clone(),
        (None, Some(before)) => format!("{before}, before"),
        (None, None) => "nothing to stop".to_owned(),
    };
    run.server_end = ended.or(run.server_end.take());
    Ok(Done::new((), detail))
}

/// How our own server ended, in words; `None` if there is none.
fn end_server(run: &mut Run<'_>) -> Option<String> {
    let mut server = run.server.take()?;
    let before = server.ended_within(Duration::ZERO);
    let mut detail = match (server.stop(), before) {
        (_, Some(status)) => format!("the server had ended: {status}"),
        (Ended::Gone, None) => "the server had ended".to_owned(),
        (Ended::Politely, None) => "the server ended when asked".to_owned(),
        (Ended::Killed, None) => "the server had to be killed".to_owned(),
    };
    if !server.strays.is_empty() {
        let strays = server.strays.join(", ");
        detail.push_str(&format!("; what had left its group was ended too: {strays}"));
    }
    Some(detail)
}
