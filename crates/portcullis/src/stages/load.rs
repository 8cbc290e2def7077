//! Load: the first round, then the load itself, while watching for signals and for the
//! server's death.

use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use portcullis_core::engine::{
    Ended, FirstAnswer, FirstFailure, LoadOutcome, LoginFailure, Measured, Observer,
    pages_among_json,
};
use portcullis_core::event::{Event, Progress};
use portcullis_core::judge::{Finding, load_fault, unanswered_fault, warm_up_fault};
use portcullis_core::measure::{FailureKind, Summary, Usage, UsageAt, UsageTimeline};
use portcullis_core::plan::Mode;
use portcullis_core::target::Target;
use portcullis_core::units::show_duration;
use portcullis_report::FirstCall;
use portcullis_supervise::outgoing::{self, Recorder};
use portcullis_supervise::port::{self, Listeners, Owner};
use portcullis_supervise::server::Server;

use super::elsewhere;
use super::health::{self, Health};
use super::judge::BUSY;
use crate::engines::{self, NotBegun};
use crate::host::machine::Ticks;
use crate::project;
use crate::run::{LoadResults, RunContext, StageFailure, StageOutput, task_location};

/// Makes the load on a ready server. Its results are in `results`, even if it fails.
///
/// # Errors
/// The login fails, tasks have no data, users are missing, the server dies.
pub fn measure(
    context: &RunContext<'_>,
    target: &Target,
    mut server: Option<&mut Server>,
    results: &mut LoadResults,
) -> Result<StageOutput<()>, StageFailure> {
    let (plan, trust) = (&context.planned.plan.load, &context.planned.trust);
    if plan.tls.as_ref().is_some_and(|tls| tls.insecure) {
        context.warn(INSECURE);
    }
    let listeners = port::listeners(target.port);
    let mut watch = LoadWatch {
        context,
        server: server.as_deref_mut(),
        results,
        begun: None,
        timeline: UsageTimeline::default(),
        failure: None,
        listeners: Listeners::new(target.port),
        stranger: None,
        outgoing: None,
    };
    watch.outgoing = watch.server.as_deref().map(|server| outgoing::record(server.pid()));
    let outcome = engines::run(plan, target, trust, &mut watch);
    let LoadWatch { begun, timeline, failure, stranger, .. } = watch;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let outcome = match outcome {
        Ok(outcome) => outcome,
        // A dying server closes its socket shortly before its process exits.
        Err(error) => {
            let death = death(server.as_deref_mut(), DYING);
            return Err(death.unwrap_or_else(|| not_begun(context, error)));
        }
    };
    let (ticks, used) = begun.unwrap_or_default();
    results.steal_share = ticks.zip(Ticks::now()).and_then(|(start, end)| end.stolen_since(start));
    let now_used = server.as_deref().map(Server::usage);
    results.server_usage = now_used.zip(used).map(|(end, start)| end.since(start));
    results.server_timeline = timeline.into_moments();
    let patience = match outcome.ended {
        Ended::LoginFailed(_) => DYING,
        _ => Duration::ZERO,
    };
    let death = death(server.as_deref_mut(), patience);
    conclude(context, results, outcome, (death, stranger))?;
    keeps_to(context, server.as_deref())?;
    still_there(context, target, server.map(|server| (server, listeners)))?;
    Ok(StageOutput::new((), described(results.summary.as_ref(), target)))
}

/// Watches the load for signals, for the server's death, and for the run's deadline.
struct LoadWatch<'a> {
    context: &'a RunContext<'a>,
    server: Option<&'a mut Server>,
    results: &'a mut LoadResults,
    /// Set after the first round: the use of the machine and the server at that time.
    begun: Option<(Option<Ticks>, Option<Usage>)>,
    timeline: UsageTimeline,
    /// Why the load must not begin.
    failure: Option<StageFailure>,
    /// The listeners of the server's port.
    listeners: Listeners,
    /// Another process that listens there too.
    stranger: Option<String>,
    /// The connections of the server to other machines, until the load begins.
    outgoing: Option<Recorder>,
}

impl LoadWatch<'_> {
    fn has_died(&mut self) -> bool {
        self.server.as_deref_mut().is_some_and(|s| s.ended_within(Duration::ZERO).is_some())
    }

    /// Whether another process gets a part of the requests.
    fn has_stranger(&mut self) -> bool {
        if let (None, Some(server)) = (&self.stranger, self.server.as_deref()) {
            self.stranger = server.stranger(&mut self.listeners);
        }
        self.stranger.is_some()
    }
}

impl Observer for LoadWatch<'_> {
    fn secret(&mut self, token: &str) {
        self.context.hide(token);
    }

    fn goes_on(&mut self) -> bool {
        // Also called in the first round, to keep the log short; there a dead server fails each
        // request.
        let has_died = self.has_died();
        let is_lost = has_died || self.has_stranger() || self.context.is_overdue();
        let is_over = self.begun.is_some() && is_lost;
        self.context.interrupts.signal().is_none() && !is_over
    }

    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()> {
        let death = death(self.server.as_deref_mut(), Duration::ZERO);
        let calls = &mut self.results.first_round;
        let told = death.map_or_else(|| tell_first_round(self.context, calls, answers), Err);
        let told = told.and_then(|()| keeps_to(self.context, self.server.as_deref()));
        let seen = self.outgoing.take().map(Recorder::finish).unwrap_or_default();
        let told = told.and_then(|()| elsewhere::tell(self.context, &seen));
        if let Err(failure) = told {
            self.failure = Some(failure);
            return ControlFlow::Break(());
        }
        self.begun = Some((Ticks::now(), self.server.as_deref().map(Server::usage)));
        ControlFlow::Continue(())
    }

    fn progress(&mut self, progress: Progress) {
        let used = self.begun.and_then(|(_, used)| used);
        let server = self.server.as_deref().zip(used);
        let moment = server.map(|(server, used)| moment(server, used, progress.elapsed));
        // A server that has exited uses nothing, so it gives no point of its timeline.
        moment.filter(|m| m.memory_bytes > 0).into_iter().for_each(|m| self.timeline.add(m));
        self.context.sink.event(&Event::Progress(progress));
    }
}

/// Whether a server that was started uses no databases but the run's.
fn keeps_to(context: &RunContext<'_>, server: Option<&Server>) -> Result<(), StageFailure> {
    match (&context.planned.plan.mode, server) {
        (Mode::Serve(plan), Some(server)) => project::keeps_to(&context.folder, plan, server),
        _ => Ok(()),
    }
}

/// The use of a server since the load began, at this time of the window.
fn moment(server: &Server, start: Usage, at: Duration) -> UsageAt {
    let (cpu, memory_bytes) = server.cpu_and_memory_bytes();
    UsageAt { at, cpu: cpu.saturating_sub(start.cpu), memory_bytes }
}

/// The caveat of unverified certificates.
const INSECURE: &str = "load.insecure = true: the server's certificate is not checked, so any server could have \
     answered";

/// Details in a few words; with the address if a name had to be resolved.
fn described(summary: Option<&Summary>, target: &Target) -> String {
    let tasks = summary.into_iter().flat_map(|summary| &summary.tasks);
    let requests: u64 = tasks.map(|task| task.judged().requests).sum();
    let ran = summary.map_or(0, |summary| summary.users_ran);
    let is_name = target.host.parse::<std::net::IpAddr>().is_err();
    let address = summary.map(|summary| summary.connects.address.as_str()).unwrap_or_default();
    let at = if is_name { format!(" to {address}") } else { String::new() };
    format!("{requests} requests by {ran} users{at}")
}

/// How long a server that stopped answering may take to exit.
const DYING: Duration = Duration::from_secs(1);

/// How often a server is asked whether it still answers.
const TRIES: u32 = 3;

/// Checks that the server at the end is the one at the start: a started server must have
/// kept its listeners, and each server must answer its health check.
fn still_there(
    context: &RunContext<'_>,
    target: &Target,
    own: Option<(&mut Server, Vec<u64>)>,
) -> Result<(), StageFailure> {
    let failed = |gone: String| StageFailure::new(Finding::server(gone)).with_log("server");
    if let Some((server, before)) = own {
        let port = target.port;
        if server.owns_port(port) != Owner::Ours {
            return Err(failed("after the load our server no longer held its port".into()));
        }
        if is_restarted(&before, &port::listeners(port)) {
            let message =
                format!("the server restarted during the load: another listener has port {port}");
            return Err(failed(message).with_advice(RESTARTED));
        }
    }
    let path = &context.planned.plan.health;
    // The server may still be busy with the last requests.
    let mut tries = 0;
    let patient = |health: Health| {
        tries += 1;
        let is_enough = tries == TRIES || context.interrupts.signal().is_some();
        (health == Health::Healthy || is_enough).then_some(health)
    };
    let asked = health::poll(target, &context.planned.trust, path, patient)
        .map_err(|error| StageFailure::new(Finding::defect(error.to_string())))?;
    match (asked, context.interrupts.signal()) {
        (_, Some(signal)) => Err(StageFailure::new(Finding::interrupted(signal))),
        (Health::Healthy, None) => Ok(()),
        (asked, None) => Err(failed(format!("after the load {path} was not healthy: {asked}"))),
    }
}

const RESTARTED: &str = "its log says why it ended; remove whatever restarts it (an autoreloader, \
                         a supervisor), since a restart hides the failure";

/// Whether a listener has disappeared, so that the present server did not serve the whole
/// load. A server may replace workers behind one listener.
fn is_restarted(before: &[u64], after: &[u64]) -> bool {
    before.iter().any(|listener| !after.contains(listener))
}

/// Another process that listens on the server's port.
pub fn joined(stranger: &str) -> String {
    format!("during the load {stranger} joined the server's port: some of the answers were its own")
}

/// The remedy.
pub const JOINED: &str = "end that process, or let the server bind its port without SO_REUSEPORT";

/// The failure if the server is dead.
fn death(server: Option<&mut Server>, patience: Duration) -> Option<StageFailure> {
    let status = server?.ended_within(patience)?;
    let message = format!("the server died during the load: {status}");
    let failure = StageFailure::new(Finding::server(message)).with_log("server");
    Some(match status.signal() {
        Some(9) => failure.with_advice(KILLED),
        _ => failure,
    })
}

const KILLED: &str = "SIGKILL often comes from the kernel when memory runs out: check dmesg, the \
                      limits of the container, and server.peak_memory_bytes in the results";

const HUNG: &str = "look in its log for what it waits for: a lock, a full pool of workers or of \
                    connections, another service";

/// The failure of a load that did not begin.
fn not_begun(context: &RunContext<'_>, error: NotBegun) -> StageFailure {
    match (context.interrupts.signal(), error) {
        (Some(signal), _) => StageFailure::new(Finding::interrupted(signal)),
        (None, NotBegun::Login(failure)) => login_failure(context, &failure),
        (None, NotBegun::SetUp(why)) => {
            StageFailure::new(Finding::invalid(why)).with_advice(SET_UP)
        }
        (None, NotBegun::Unreachable(why)) => {
            StageFailure::new(Finding::server(why)).with_log("server")
        }
        (None, error) => StageFailure::new(Finding::defect(error.to_string())),
    }
}

/// The failure of a login. If the service itself failed, its log has a better reason than the
/// configuration of the login.
fn login_failure(context: &RunContext<'_>, failure: &LoginFailure) -> StageFailure {
    let message = format!("the login of user {} failed: {}", failure.user, failure.message);
    let failed = StageFailure::new(Finding::invalid(message));
    if failure.throttled {
        return failed.with_advice(THROTTLED_LOGIN);
    }
    if failure.message.contains("end in a slash") {
        return failed.with_advice(REDIRECTED_LOGIN);
    }
    let settings = &context.planned.loaded.config.django.settings;
    let known = project::advice_of(&context.folder, "server", settings);
    match (failure.status, known) {
        (500.., Some(known)) => failed.with_log("server").with_advice(known),
        (500.., None) => failed.with_log("server").with_advice(FAILING_SERVICE),
        (400, Some(known)) => failed.with_advice(known),
        (400, None) if failure.message.contains("HTML page \"Bad Request") => {
            failed.with_advice(REFUSED_HOST)
        }
        (300..=399, _) => failed.with_advice(REDIRECTED_LOGIN),
        (404 | 405, _) => failed.with_advice(NO_LOGIN_HERE),
        (200..=299, _) => failed.with_advice(NO_TOKEN),
        _ => failed.with_advice(WRONG_LOGIN),
    }
}

const SET_UP: &str =
    "it runs without a login, before the first user: check the tasks with when = \"set_up\"";
const THROTTLED_LOGIN: &str = "the service limits logins: log in once for all users (scenario.login.shared = true), run fewer \
     users, or relax the limit for the run in [django.overrides]";
const FAILING_SERVICE: &str =
    "the service itself failed, so the login may be right: the log of the server has the traceback";
const REFUSED_HOST: &str = "Django refuses a request like this if its host is not in ALLOWED_HOSTS: set it in \
     [django.overrides]";
const REDIRECTED_LOGIN: &str = "redirects are not followed: set scenario.login.path to the path that answers itself (often \
     the same with a slash at its end)";
const NO_LOGIN_HERE: &str =
    "the service has no login there: check path and method of [scenario.login]";
const NO_TOKEN: &str = "set scenario.login.token to the path of the token in the answer, such as \
                        \"data.access\", and scenario.login.path to the login of the API";
const WRONG_LOGIN: &str =
    "check path, body and token of [scenario.login], and that the seed creates this user";

/// Reports the answers of the first round; tasks without data, and tasks that the service does
/// not have, end the run here. Any other failure is the service's own, and is judged.
fn tell_first_round(
    context: &RunContext<'_>,
    calls: &mut Vec<FirstCall>,
    answers: &[FirstAnswer],
) -> Result<(), StageFailure> {
    let (mut missing, mut without_data) = (Vec::new(), Vec::new());
    for answer in answers {
        let failure = answer.failure.as_ref();
        let words = failure.map(|failure| format!("{}: {}", failure.kind.name(), failure.message));
        calls.push(FirstCall {
            task: answer.task.clone(),
            latency: answer.latency,
            failure: words.map(|words| context.redact(&words)),
        });
        let Some(failure) = failure else { continue };
        let (task, request) = (&answer.task, &answer.request);
        let FirstFailure { kind, status, message, answer: body } = failure;
        if failure.is_missing() {
            let place = task_location(context.planned, task);
            let place = place.map_or_else(String::new, |place| format!(", {place}"));
            missing.push(Finding::invalid(format!("{task}: {status} at {request}{place}")));
        } else if *kind == FailureKind::Validation {
            without_data.push(Finding::invalid(format!(
                "{task} has no data: {request}: {message}; the answer was {body}"
            )));
        } else {
            context.warn(format!("first round: {task}: {request}: {message}"));
        }
    }
    pages_among_json(answers).into_iter().for_each(|remark| context.warn(&remark));
    let has_no_list = |finding: &Finding| finding.message.contains("the answer has no key");
    let advice = match (missing.is_empty(), without_data.is_empty()) {
        (true, true) => return Ok(()),
        (false, _) => MISSING,
        (true, false) if without_data.iter().all(has_no_list) => NO_LIST,
        (true, false) => "check that the seed fills these tables for the user that logs in",
    };
    let findings = missing.into_iter().chain(without_data).collect();
    Err(StageFailure { findings, log: None, advice: Some(advice.to_owned()) })
}

const NO_LIST: &str =
    "set the path of the check to a list of the answer, such as json = \"results\"";

const MISSING: &str = "correct the path or the method of the task, seed what it asks for, or accept \
                       the status if it is the expected answer (accept = [200, 404])";

fn conclude(
    context: &RunContext<'_>,
    results: &mut LoadResults,
    LoadOutcome { measured: Measured::Exact(summary), ended }: LoadOutcome,
    (death, stranger): (Option<StageFailure>, Option<String>),
) -> Result<(), StageFailure> {
    let summary = *summary;
    let plan = &context.planned.plan.load;
    let ran = summary.users_ran;
    // In the open model arrivals decide which users are needed. A load with a number of
    // requests may end before all users have started or logged in.
    let login = summary.login.as_ref().and_then(|login| login.judged().latency.max_ms());
    let login = Duration::from_secs_f64(login.unwrap_or(0.0) / 1e3);
    let asked = match (plan.is_open(), plan.requests) {
        (true, _) => 0,
        (false, None) if summary.ended_early.is_none() => plan.users_due(plan.window),
        (false, _) => plan.users_due(summary.measured.saturating_sub(login)),
    };
    let fault = load_fault(&summary);
    let unwell = warm_up_fault(&summary);
    let unanswered = unanswered_fault(&summary, plan.users_at_end());
    results.summary = Some(summary);
    if let Some(signal) = context.interrupts.signal() {
        return Err(StageFailure::new(Finding::interrupted(signal)));
    }
    // Nobody knows which answers were the stranger's.
    if let Some(stranger) = stranger {
        return Err(StageFailure::new(Finding::server(joined(&stranger))).with_advice(JOINED));
    }
    if let Some(death) = death {
        results.is_judged = true;
        return Err(death);
    }
    match ended {
        Ended::Defect(what) => Err(StageFailure::new(Finding::defect(what))),
        Ended::LoginFailed(failure) => Err(login_failure(context, &failure)),
        Ended::Aborted if context.is_overdue() => {
            let limit = show_duration(context.planned.plan.run_timeout);
            let message = format!("the load was stopped: the whole run has a limit of {limit}");
            let advice = "shorten the load, or raise steps.run_timeout";
            Err(StageFailure::new(Finding::invalid(message)).with_advice(advice))
        }
        // Only a signal, a death or the deadline stops it.
        Ended::Aborted => {
            Err(StageFailure::new(Finding::defect("the load stopped unexpectedly".to_owned())))
        }
        Ended::Complete => {
            results.is_judged = true;
            if let Some(unanswered) = unanswered {
                let failure = StageFailure::new(Finding::server(unanswered)).with_log("server");
                return Err(failure.with_advice(HUNG));
            }
            if ran < asked {
                let message = format!("only {ran} of {asked} users ran");
                return Err(StageFailure::new(Finding::invalid(message)));
            }
            if let Some(unwell) = unwell {
                return Err(StageFailure::new(Finding::invalid(unwell))
                    .with_log("server")
                    .with_advice("find out why the service fails before the measured window"));
            }
            match fault {
                Some(fault) => Err(StageFailure::new(Finding::invalid(fault)).with_advice(BUSY)),
                None => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_lost_a_listener_was_started_again() {
        assert!(!is_restarted(&[7, 8], &[8, 7]));
        assert!(!is_restarted(&[7], &[7, 9]));
        assert!(is_restarted(&[7, 8], &[8]));
        assert!(is_restarted(&[7], &[9]));
        assert!(!is_restarted(&[], &[9]));
    }
}
