//! Ready: the child is running, health answers 2xx, and the listener is our process.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use portcullis_core::judge::{Finding, FindingKind};
use portcullis_core::target::Target;
use portcullis_core::units::show_duration;
use portcullis_load::Trust;
use portcullis_supervise::port::{self, Owner};
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

use super::health::{self, Health};
use crate::project;
use crate::run::{RunContext, RunFolder, StageFailure, StageOutput};

/// How often a wait reports that it continues.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// How often the proof of loaded settings is checked.
const PROOF_EVERY: Duration = Duration::from_millis(20);

/// Waits until the server that was started is ready.
///
/// # Errors
/// It exited, was not healthy in time, has not loaded the run's settings, or another
/// process has its port.
pub fn wait(
    context: &RunContext<'_>,
    folder: &RunFolder,
    server: &mut Option<Server>,
    target: &Target,
) -> Result<StageOutput<()>, StageFailure> {
    let Some(server) = server else {
        return Err(StageFailure::new(Finding::defect("no server to wait for".to_owned())));
    };
    let plan = &context.planned.plan;
    let (start, limit) = (Instant::now(), context.within(plan.ready_timeout));
    let (port, told, unproved) = (target.port, start, 0);
    let mut waiting = Waiting { context, folder, server, port, start, limit, told, unproved };
    // A request to a server with other settings would use the user's database and logs.
    waiting.for_proof()?;
    let mut last = None;
    let polled = health::poll(target, &Trust::Nobody, &plan.health, |health| {
        let judged = waiting.judge(&health);
        last = Some(health);
        judged
    });
    let is_alive = waiting.server.ended_within(Duration::ZERO).is_none();
    let is_unready = matches!(&polled, Ok(Err(finding)) if finding.kind == FindingKind::Server);
    if is_alive && is_unready {
        // It is running but not ready: its stack in the log shows what it does.
        waiting.server.ask_for_stack();
    }
    match polled {
        Ok(Ok(())) => {
            Ok(StageOutput::new((), format!("{} is healthy, verified as our process", plan.health)))
        }
        Ok(Err(finding)) => {
            let mut failure = failed(context, folder, finding);
            let of_answer = last.filter(|_| is_alive && is_unready);
            failure.advice = failure.advice.or_else(|| of_answer.and_then(|h| advice(&h)));
            Err(failure)
        }
        Err(error) => Err(StageFailure::new(Finding::defect(error.to_string()))),
    }
}

/// The failure of a server that is not ready; its log may have a better reason.
fn failed(context: &RunContext<'_>, folder: &RunFolder, finding: Finding) -> StageFailure {
    match finding.kind {
        FindingKind::Interrupted(_) => StageFailure::new(finding),
        _ => project::refused(folder, LOG).unwrap_or_else(|| {
            let failure = StageFailure::new(finding).with_log(LOG);
            let settings = &context.planned.loaded.config.django.settings;
            project::explained(folder, settings, failure)
        }),
    }
}

/// The log of the server.
const LOG: &str = "server";

/// For a server in another interpreter, or one that lost the environment of the run.
const UNSET: &str = "the server has not loaded this run's settings";
const UNSET_ADVICE: &str = "it would serve from another database, so it was asked nothing: start \
                            it with {python}, or with a program of the run's environment, and let \
                            it keep PORTCULLIS_ISOLATION";

/// A wait for the server that was started.
struct Waiting<'a> {
    context: &'a RunContext<'a>,
    folder: &'a RunFolder,
    server: &'a mut Server,
    port: u16,
    start: Instant,
    /// The maximum time.
    limit: Duration,
    /// When the last progress message was sent.
    told: Instant,
    /// The number of good answers from an unknown process.
    unproved: u32,
}

impl Waiting<'_> {
    /// Waits until a process of the server has loaded the run's settings.
    fn for_proof(&mut self) -> Result<(), StageFailure> {
        while !project::is_proved(self.folder, self.server) {
            if let Some(signal) = self.context.interrupts.signal() {
                return Err(failed(self.context, self.folder, Finding::interrupted(signal)));
            }
            if let Some(status) = self.server.ended_within(PROOF_EVERY) {
                return Err(failed(self.context, self.folder, ended(status, self.port)));
            }
            if self.start.elapsed() >= self.limit {
                self.server.ask_for_stack();
                let message = format!("within {} s {UNSET}", self.limit.as_secs_f64());
                let failure = failed(self.context, self.folder, Finding::server(message));
                return Err(failure.with_advice(UNSET_ADVICE));
            }
            self.tell(UNSET);
        }
        Ok(())
    }

    /// Reports from time to time that the wait continues, and why.
    fn tell(&mut self, why: &str) {
        if self.told.elapsed() >= PROGRESS_EVERY {
            self.told = Instant::now();
            let (now, limit) = (show_duration(self.start.elapsed()), show_duration(self.limit));
            self.context.note(format!("not ready after {now} of {limit}; {why}"));
        }
    }

    /// The result of an answer; `None` to poll again.
    fn judge(&mut self, health: &Health) -> Option<Result<(), Finding>> {
        if let Some(signal) = self.context.interrupts.signal() {
            return Some(Err(Finding::interrupted(signal)));
        }
        if let Some(status) = self.server.ended_within(Duration::ZERO) {
            return Some(Err(ended(status, self.port)));
        }
        if *health == Health::Healthy {
            match is_ours(self.server, self.port) {
                Ok(true) => return Some(Ok(())),
                Ok(false) => self.unproved += 1,
                Err(finding) => return Some(Err(finding)),
            }
        }
        let path = &self.context.planned.plan.health;
        if self.start.elapsed() >= self.limit {
            return Some(Err(self.late(health, path)));
        }
        self.tell(&format!("{path}: {health}"));
        None
    }

    fn late(&self, last: &Health, path: &str) -> Finding {
        let limit = self.limit.as_secs_f64();
        if self.unproved > 0 {
            let message = format!(
                "after {limit} s it is not verified which process answers \
                                   {path}"
            );
            return Finding::server(message);
        }
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listens = self.server.addresses();
        let elsewhere = if listens.contains(&wanted) || !cfg!(target_os = "linux") {
            String::new()
        } else if listens.is_empty() {
            format!("; it does not listen on any port, expected {wanted}")
        } else {
            let listens: Vec<String> = listens.iter().map(SocketAddr::to_string).collect();
            format!("; it listens on {}, expected {wanted}", listens.join(" and "))
        };
        Finding::server(format!(
            "the server was not ready within {limit} s; {path}: {last}{elsewhere}"
        ))
    }
}

/// The finding for an exit before the server was ready. A process that it left, or a
/// process that has its port, may be the reason.
fn ended(status: ExitStatus, port: u16) -> Finding {
    const STAY: &str = "a server must stay in the foreground, not become a daemon";
    let left = tree::left_behind();
    let why = match port::owner(port, &[]) {
        _ if !left.is_empty() => format!("; it left {} behind: {STAY}", left.join(", ")),
        Owner::Foreign(_) => format!("; port {port} is held by {}", port::describe_holder(port)),
        _ if status.success() => format!("; {STAY}"),
        _ => String::new(),
    };
    Finding::server(format!("the server ended before it was ready: {status}{why}"))
}

fn is_ours(server: &Server, port: u16) -> Result<bool, Finding> {
    match server.owns_port(port) {
        Owner::Ours => Ok(true),
        Owner::OursEverywhere => Err(Finding::server(format!(
            "the server listens on all addresses of this machine: bind it to 127.0.0.1:{port} in \
             server.argv"
        ))),
        // There is no listener at this moment: poll again.
        Owner::Nobody => Ok(false),
        Owner::Foreign(pid) => {
            let who = pid.map_or("another process".to_owned(), |pid| {
                format!("process {pid} ({})", tree::command_of(pid))
            });
            let message =
                format!("port {port} answers, but it is held by {who}, not by our server");
            Err(Finding::server(message))
        }
    }
}

/// Waits until a running server answers its health check.
///
/// # Errors
/// It is not healthy within the plan's time, or its certificate is not trusted.
pub fn attach(context: &RunContext<'_>, target: &Target) -> Result<StageOutput<()>, StageFailure> {
    let plan = &context.planned.plan;
    let start = Instant::now();
    let polled = health::poll(target, &context.planned.trust, &plan.health, |health| {
        if let Some(signal) = context.interrupts.signal() {
            return Some(Err(StageFailure::new(Finding::interrupted(signal))));
        }
        if health == Health::Healthy {
            return Some(Ok(()));
        }
        // A certificate does not become valid by waiting.
        let is_final = matches!(health, Health::Untrusted(_));
        (is_final || start.elapsed() >= plan.ready_timeout).then(|| {
            let url = format!("{}{}", target.url(), plan.health);
            let mut failure =
                StageFailure::new(Finding::server(format!("{url} is not healthy: {health}")));
            let unreached = "start the server first; --host measures a running server";
            failure.advice = advice(&health).or_else(|| Some(unreached.to_owned()));
            Err(failure)
        })
    });
    match polled {
        Ok(Ok(())) => Ok(StageOutput::new((), format!("{} is healthy", target.url()))),
        Ok(Err(failure)) => Err(failure),
        Err(error) => Err(StageFailure::new(Finding::defect(error.to_string()))),
    }
}

/// What to do about a server that answers, but is not healthy; `None` if it does not answer.
fn advice(health: &Health) -> Option<String> {
    let advice = match health {
        Health::Untrusted(_) => {
            "name the certificate of the server, or of the authority that signed it, in load.ca; \
             load.insecure = true accepts any"
        }
        Health::Silent(why) if why.contains("corrupt message") => {
            "the server does not answer with TLS there: use http:// in load.host"
        }
        Health::Status(404, _) => "set server.health to a path that the server answers with 200",
        Health::Status(400, _) => "a Django server needs the host in ALLOWED_HOSTS",
        Health::Status(401 | 403, _) => {
            "set server.health to a path that needs no login: the check sends none"
        }
        Health::Status(_, Some(_)) => {
            "redirects are not followed: set server.health to the path that answers itself"
        }
        Health::Status(500.., _) => "the log of the server has the reason",
        _ => return None,
    };
    Some(advice.to_owned())
}
