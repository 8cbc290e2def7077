//! `doctor`: everything that a run needs, tried once, without a load.

use std::ops::ControlFlow;
use std::time::Duration;

use portcullis_core::config::ProjectKind;
use portcullis_core::engine::{FirstAnswer, Observer};
use portcullis_core::event::{Progress, Stage};
use portcullis_core::plan::{Mode, ServePlan};
use portcullis_core::target::Target;
use portcullis_supervise::disk_space::free_bytes;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::port as ports;
use portcullis_supervise::server::Server;

use super::{flags, worker};
use crate::args::{DoctorArgs, DoctorFormat};
use crate::console::{self, Mark, Steps};
use crate::doctor::throttles::Calls;
use crate::doctor::{
    Diagnosis, Level, disk, dotenv, fine, governor, inside as facts, locks, migrations, noise,
    port, problem, settings, tasks, throttles, to_json,
};
use crate::engines::{self, NotBegun};
use crate::host;
use crate::planning::{self, PlanError, PlanRequest, Planned};
use crate::project::{self, Project, Venv};
use crate::run::{self, Aborted, Journal, RunContext, RunOptions, RunResults, Version};
use crate::stages::{self, Companions, Prepared, ready, serve, stop};

/// Runs all checks in a worker; returns the exit code.
pub fn run(args: &DoctorArgs) -> u8 {
    match host::lacking() {
        Some(lack) => console::unfit(&lack),
        None => worker::guarded(|| inside(args)),
    }
}

/// The diagnoses so far, which are shown as they are made.
struct Report<'a> {
    steps: &'a Steps,
    all: Vec<Diagnosis>,
}

impl Report<'_> {
    /// Shows and keeps a diagnosis.
    fn add(&mut self, diagnosis: Diagnosis) {
        let mark = match diagnosis.level {
            Level::Ok => Mark::Fine,
            Level::Warning => Mark::Warning,
            Level::Problem => Mark::Problem,
        };
        self.steps.line(mark, &format!("{}: {}", diagnosis.check, diagnosis.message));
        self.remedy(&diagnosis);
        self.all.push(diagnosis);
    }

    fn remedy(&self, diagnosis: &Diagnosis) {
        if let Some(remedy) = &diagnosis.remedy {
            self.steps.line(Mark::More, &format!("try: {remedy}"));
        }
    }

    fn has_problems(&self) -> bool {
        self.all.iter().any(|one| one.level == Level::Problem)
    }
}

/// Runs all checks in this process; returns the exit code.
pub fn inside(args: &DoctorArgs) -> u8 {
    let is_json = args.format == DoctorFormat::Json;
    let steps = Steps::new(is_json);
    let mut report = Report { steps: &steps, all: Vec::new() };
    let signal = examine(args, &mut report);
    let count = |level| report.all.iter().filter(|one| one.level == level).count();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (sentence, code) = match (signal, problems) {
        (Some(code), _) => ("INTERRUPTED".to_owned(), code),
        (None, 0) => ("READY: no problems".to_owned(), 0),
        (None, n) => (format!("NOT READY: {}", plural(n, "problem")), 2),
    };
    steps.say(&format!("{sentence}, {} (exit {code})", plural(warnings, "warning")));
    if is_json {
        match to_json(&report.all) {
            Ok(text) => console::print_plain(&text),
            Err(error) => return console::defect(&error.to_string()),
        }
    }
    code
}

/// All checks; the exit code of a signal that ended them early.
fn examine(args: &DoctorArgs, report: &mut Report<'_>) -> Option<u8> {
    let configuration = &args.configuration;
    let request = PlanRequest {
        config: configuration.config.clone(),
        profile: configuration.profile.clone(),
        flags: flags::of_configuration(configuration),
        ..PlanRequest::default()
    };
    let mut planned = match planning::plan(&request) {
        Ok(planned) => planned,
        Err(problems) => {
            for found in problems {
                report.add(match found {
                    PlanError::FewFiles { .. } => few_files(found.to_string()),
                    found => problem("configuration", found.to_string(), "edit the configuration"),
                });
            }
            return None;
        }
    };
    report.add(fine("configuration", planned.file.display().to_string()));
    for warned in &planned.plan.warnings {
        let remedy = "see the reference of the configuration";
        report.add(crate::doctor::warning("configuration", warned.clone(), remedy));
    }
    let limits = "the limit of open files is enough";
    report.add(match planning::provide_files(&planned.plan) {
        Ok(()) => fine("descriptors", limits),
        Err(few) => few_files(few.to_string()),
    });
    // The artifacts of the last run stay as they are.
    let private = tempfile::Builder::new().prefix("portcullis-doctor-").tempdir();
    let (Ok(private), Ok(interrupts)) = (private, Interrupts::install()) else {
        let (what, remedy) = ("no temporary folder can be made", "check TMPDIR and the free space");
        report.add(problem("disk", what, remedy));
        return None;
    };
    planned.plan.output = private.path().join("artifacts");
    let profile = configuration.profile.clone();
    let options = RunOptions { profile, ..RunOptions::default() };
    let steps = report.steps;
    let context = match RunContext::begin(&planned, options, steps, &interrupts) {
        Ok(context) => context,
        Err(error) => {
            report.add(problem("disk", error.to_string(), "check TMPDIR and the free space"));
            return None;
        }
    };
    machine(&context, report);
    let round = project_checks(&context, &planned, report);
    if !args.no_noise && interrupts.signal().is_none() {
        let measured = noise::measure(Duration::from_secs(10), &|| interrupts.signal().is_none());
        measured.into_iter().for_each(|noise| report.add(noise::check(noise, round)));
    }
    let signal = interrupts.signal()?;
    Some(portcullis_core::judge::Finding::interrupted(signal).exit_code())
}

fn few_files(why: String) -> Diagnosis {
    problem("descriptors", why, "raise the hard limit (`ulimit -Hn`), or run fewer users")
}

/// Checks that need no project.
fn machine(context: &RunContext<'_>, report: &mut Report<'_>) {
    // The cache is made by the first run.
    let place = context.cache.ancestors().find(|folder| folder.is_dir());
    let free = place.and_then(free_bytes);
    report.add(disk::check(&context.cache.display().to_string(), free));
    report.add(governor::check(context.machine.governor.as_deref()));
}

/// Checks of the project, as far as it can be started. Returns the time of one call of each
/// task, in seconds.
fn project_checks(
    context: &RunContext<'_>,
    planned: &Planned,
    report: &mut Report<'_>,
) -> Option<f64> {
    let mut journal = Journal::new(context);
    let (mut running, mut results) = (Running::default(), RunResults::default());
    let done = match &planned.plan.mode {
        Mode::Serve(plan) => {
            files(plan, report);
            served(context, &mut journal, plan, &mut running, report)
        }
        Mode::Attach(target) => {
            let wait = || ready::attach(context, target);
            journal.stage(&context.folder, Stage::Ready, wait).map(|()| target.clone())
        }
    };
    let round = match done {
        Ok(target) => first_round(context, &target, report),
        Err(Aborted) => {
            failed(context, &journal, report);
            None
        }
    };
    let Running { server, companions, .. } = &mut running;
    let _ = stop::stop(context, server, companions, &mut results);
    round
}

/// What runs until the end of the command.
#[derive(Default)]
struct Running {
    server: Option<Server>,
    companions: Companions,
    /// Locked while the server uses it.
    venv: Option<Venv>,
}

/// Checks of files, without running anything.
fn files(plan: &ServePlan, report: &mut Report<'_>) {
    match project::requirement_texts(plan) {
        Ok(files) if files.is_empty() => report.add(fine("requirements", "none were found")),
        Ok(files) => report.add(locks::check(&files)),
        // The stage that reads it will fail, with its remedy.
        Err(_) => {}
    }
    let leak = project::leaking(plan).ok().flatten();
    let leak = leak.map(|leak| (leak.path.display().to_string(), leak.names()));
    let leak = leak.as_ref().map(|(path, names)| (path.as_str(), names.as_str()));
    report.add(dotenv::check(leak));
    let wanted = plan.server.port;
    let is_taken = wanted != 0 && !ports::is_free(wanted);
    let holder = is_taken.then(|| ports::describe_holder(wanted));
    report.add(port::check(wanted, plan.server.port_insists, holder.as_deref()));
}

/// Prepares and starts the project.
fn served(
    context: &RunContext<'_>,
    journal: &mut Journal<'_>,
    plan: &ServePlan,
    running: &mut Running,
    report: &mut Report<'_>,
) -> Result<Target, Aborted> {
    let folder = &context.folder;
    let version = Version { context, folder, plan };
    let Prepared { project, companions, venv } = stages::prepare(journal, version, None)?;
    (running.companions, running.venv) = (companions, venv);
    let server = &mut running.server;
    say_facts(version, &project, report);
    let target = journal.stage(folder, Stage::Serve, || serve::start(version, &project, server))?;
    journal.stage(folder, Stage::Ready, || ready::wait(version, &project, server, target))
}

/// Asks the project's own code.
fn say_facts(version: Version<'_>, project: &Project, report: &mut Report<'_>) {
    let Version { context, folder, plan } = version;
    // Only Django has a shell that can be asked.
    if plan.kind == ProjectKind::Command {
        return;
    }
    let load = &context.planned.plan.load;
    let (script, out) = (folder.script("facts.py"), folder.script("facts.json"));
    let text = facts::script(&out, &load.scenario.tasks);
    let limit = Duration::from_secs(120);
    let asked = std::fs::write(&script, text).is_ok()
        && project::shell(version, project, script, "facts", limit).is_ok();
    let answer = std::fs::read_to_string(&out).unwrap_or_default();
    let Some(known) = facts::read(&answer).filter(|_| asked) else {
        let message = "the project's shell did not say which databases and throttles it has";
        report.add(crate::doctor::warning("settings", message, "run `manage.py shell` by hand"));
        return;
    };
    let engines: Vec<String> =
        known.engines.iter().map(|(alias, engine)| format!("{alias} is {engine}")).collect();
    report.add(fine("database", engines.join(", ")));
    settings::check(known.debug, &known.middleware).into_iter().for_each(|found| report.add(found));
    report.add(migrations::check(&known.pending, known.unknown.as_deref()));
    let weight: u32 = load.scenario.tasks.iter().map(|task| task.weight).sum();
    let all = load.expected_requests(load.window) / load.window.as_secs_f64().max(1e-9);
    let calls = load.scenario.tasks.iter().map(|task| Calls {
        task: task.name.clone(),
        per_second: all * f64::from(task.weight) / f64::from(weight.max(1)),
        within: load.longest,
    });
    let calls: Vec<Calls> = calls.collect();
    throttles::check(&calls, &known.throttles).into_iter().for_each(|found| report.add(found));
}

/// Calls each task once; the time of all together, in seconds.
fn first_round(context: &RunContext<'_>, target: &Target, report: &mut Report<'_>) -> Option<f64> {
    let mut first = First { context, answers: Vec::new() };
    let (load, trust) = (&context.planned.plan.load, &context.planned.trust);
    let ended = engines::run(load, target, trust, &mut first);
    let answers = first.answers;
    match ended {
        Err(NotBegun::Login(failure)) => report.add(tasks::login(&failure)),
        Err(error) if answers.is_empty() && context.interrupts.signal().is_none() => {
            report.add(problem("task", error.to_string(), "see the log of the server"));
        }
        _ if load.scenario.users.iter().any(|users| users.login.is_some()) => {
            report.add(fine("login", "it is accepted"));
        }
        _ => {}
    }
    let redacted = answers.iter().cloned().map(|mut answer| {
        if let Some(failure) = &mut answer.failure {
            failure.message = context.redact(&failure.message);
        }
        answer
    });
    tasks::check(&redacted.collect::<Vec<_>>()).into_iter().for_each(|found| report.add(found));
    let total: f64 = answers.iter().map(|answer| answer.latency.as_secs_f64()).sum();
    (total > 0.0).then_some(total)
}

/// Takes the answers of the first round; the load does not begin.
struct First<'a> {
    context: &'a RunContext<'a>,
    answers: Vec<FirstAnswer>,
}

impl Observer for First<'_> {
    fn secret(&mut self, token: &str) {
        self.context.hide(token);
    }

    fn goes_on(&mut self) -> bool {
        self.context.interrupts.signal().is_none()
    }

    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()> {
        self.answers = answers.to_vec();
        ControlFlow::Break(())
    }

    fn progress(&mut self, _: Progress) {}
}

/// The findings of a failed stage, with the remedy that its log shows, else its own advice.
/// The line of the stage is already shown.
fn failed(context: &RunContext<'_>, journal: &Journal<'_>, report: &mut Report<'_>) {
    let advice = report.steps.take_advice();
    let stage = journal.stages().last();
    let text =
        stage.and_then(|stage| std::fs::read(context.folder.logs().join(stage.log.as_ref()?)).ok());
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let mut advice = advice.into_iter().filter(|advice| advice != run::DOCTOR);
    let remedy = project::advice_to_load(&text).or_else(|| advice.next());
    let check = stage.map_or("run", |stage| stage.stage.name());
    for finding in journal.findings() {
        let message = context.redact(&finding.message);
        let remedy = remedy.clone().map(|remedy| context.redact(&remedy));
        let diagnosis = Diagnosis { check, level: Level::Problem, message, remedy };
        report.remedy(&diagnosis);
        report.all.push(diagnosis);
    }
    debug_assert!(report.has_problems());
}
