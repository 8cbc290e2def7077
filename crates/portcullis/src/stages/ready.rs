//! Ready: the child is running, health answers 2xx, and the listener is our process.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use portcullis_core::judge::{Finding, FindingKind};
use portcullis_core::plan::ServePlan;
use portcullis_core::target::Target;
use portcullis_core::units::show_duration;
use portcullis_load::Trust;
use portcullis_supervise::port::{self, Owner};
use portcullis_supervise::server::Server;
use portcullis_supervise::{sweep, tree};

use super::health::{self, Health};
use super::serve;
use crate::project::{self, Project};
use crate::run::{RunContext, RunFolder, StageFailure, StageOutput, Version};

/// How often a wait reports that it continues.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// How long a server that does not get its port may take to end.
const ENDING: Duration = Duration::from_secs(1);
/// How often the proof of loaded settings is checked.
const PROOF_EVERY: Duration = Duration::from_millis(20);

/// Waits until the server that was started is ready. If another process took its port while
/// it started, and the port does not matter, it is started once more on another port; the
/// target says where it answers.
///
/// # Errors
/// It exited, was not healthy in time, has not loaded the run's settings, or another
/// process has its port.
pub fn wait(
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
    target: Target,
) -> Result<StageOutput<Target>, StageFailure> {
    let settings = &version.plan.server;
    let first = match once(version, slot, &target) {
        Ok(detail) => return Ok(StageOutput::new(target, detail)),
        Err(first) => first,
    };
    if !first.is_port_lost || settings.port_insists && settings.port != 0 {
        return Err(first.failure);
    }
    let why = first.failure.findings.first().map_or("", |finding| &finding.message);
    let port = serve::any_port()?;
    version.context.note(format!("{why}: the server is started once more, on port {port}"));
    // The other server of a comparison keeps running.
    slot.take().iter_mut().for_each(|server| _ = server.stop_group());
    let target = serve::start_on(version, project, slot, port)?.value;
    match once(version, slot, &target) {
        Ok(detail) => Ok(StageOutput::new(target, format!("{detail}, on port {port}"))),
        Err(again) => Err(again.failure),
    }
}

/// A server that is not ready.
struct Unready {
    failure: StageFailure,
    /// Whether another process has its port.
    is_port_lost: bool,
}

impl From<StageFailure> for Unready {
    fn from(failure: StageFailure) -> Self {
        Self { failure, is_port_lost: false }
    }
}

/// Waits for one start of a server; returns details in a few words.
fn once(
    version: Version<'_>,
    slot: &mut Option<Server>,
    target: &Target,
) -> Result<String, Unready> {
    let Version { context, folder, .. } = version;
    let Some(server) = slot else {
        return Err(StageFailure::new(Finding::defect("no server to wait for".to_owned())).into());
    };
    let plan = &context.planned.plan;
    let (start, limit) = (Instant::now(), context.within(plan.ready_timeout));
    let (port, told, unproved, is_port_lost) = (target.port, start, 0, false);
    let own = version.plan;
    let mut waiting = Waiting {
        context,
        folder,
        plan: own,
        server,
        port,
        start,
        limit,
        told,
        unproved,
        is_port_lost,
    };
    // A request to a server with other settings would use the user's database and logs.
    if let Err(failure) = waiting.for_proof() {
        return Err(Unready { failure, is_port_lost: waiting.is_port_lost });
    }
    let polled =
        health::poll(target, &Trust::Nobody, &plan.health, |health| waiting.judge(&health));
    let is_alive = waiting.server.ended_within(Duration::ZERO).is_none();
    let is_unready =
        matches!(&polled, Ok(Err((finding, _))) if finding.kind == FindingKind::Server);
    if is_alive && is_unready {
        // It is running but not ready: its stack in the log shows what it does.
        waiting.server.ask_for_stack();
    }
    let is_port_lost = waiting.is_port_lost;
    if let Ok(Ok(())) = polled {
        project::keeps_to(folder, own, waiting.server)?;
    }
    match polled {
        Ok(Ok(())) if plan.health.is_empty() => {
            Ok("it accepts connections, verified as our process".to_owned())
        }
        Ok(Ok(())) => Ok(format!("{} is healthy, verified as our process", plan.health)),
        Ok(Err(why)) => Err(Unready { failure: failed(context, folder, why), is_port_lost }),
        Err(error) => Err(StageFailure::new(Finding::defect(error.to_string())).into()),
    }
}

/// Why a server is not ready, and what to do about it.
type Why = (Finding, &'static str);

/// The failure of a server that is not ready; its log may have a better reason.
fn failed(context: &RunContext<'_>, folder: &RunFolder, (finding, advice): Why) -> StageFailure {
    match finding.kind {
        FindingKind::Interrupted(_) => StageFailure::new(finding),
        _ => project::refused(folder, LOG).unwrap_or_else(|| {
            let failure = StageFailure::new(finding).with_log(LOG);
            let settings = &context.planned.loaded.config.django.settings;
            let mut failure = project::explained(folder, settings, failure);
            failure.advice.get_or_insert_with(|| advice.to_owned());
            failure
        }),
    }
}

const READ_LOG: &str = "its log says why; the command is server.argv in perf.toml";
const FREE_PORT: &str = "end that process, or omit --port to use a free port";
const FOREGROUND: &str = "correct server.argv, so that the server stays in the foreground";
const SLOW: &str = "see what it does in its log; then correct server.health, or raise \
                    server.ready_timeout";
const BIND: &str = "let server.argv bind it to 127.0.0.1:{port}";

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
    plan: &'a ServePlan,
    server: &'a mut Server,
    port: u16,
    start: Instant,
    /// The maximum time.
    limit: Duration,
    /// When the last progress message was sent.
    told: Instant,
    /// The number of good answers from an unknown process.
    unproved: u32,
    /// Whether another process has the port.
    is_port_lost: bool,
}

impl Waiting<'_> {
    /// Waits until a process of the server has loaded the run's settings.
    fn for_proof(&mut self) -> Result<(), StageFailure> {
        while !project::is_proved(self.plan, self.folder, self.server) {
            if let Some(signal) = self.context.interrupts.signal() {
                return Err(StageFailure::new(Finding::interrupted(signal)));
            }
            if let Some(status) = self.server.ended_within(PROOF_EVERY) {
                return Err(failed(self.context, self.folder, self.ended(status)));
            }
            if self.start.elapsed() >= self.limit {
                self.server.ask_for_stack();
                let message = format!("within {} s {UNSET}", self.limit.as_secs_f64());
                let why = (Finding::server(message), UNSET_ADVICE);
                return Err(failed(self.context, self.folder, why));
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
    fn judge(&mut self, health: &Health) -> Option<Result<(), Why>> {
        if let Some(signal) = self.context.interrupts.signal() {
            return Some(Err((Finding::interrupted(signal), "")));
        }
        if let Some(status) = self.server.ended_within(Duration::ZERO) {
            return Some(Err(self.ended(status)));
        }
        if *health == Health::Healthy {
            match self.server.owns_port(self.port) {
                Owner::Ours => return Some(Ok(())),
                // There is no listener at this moment: poll again.
                Owner::Nobody => self.unproved += 1,
                Owner::OursEverywhere => return Some(Err(everywhere(self.port))),
                Owner::Foreign(pid) => return Some(Err(self.foreign(pid))),
            }
        }
        if self.start.elapsed() >= self.limit {
            return Some(Err(self.late(health, &self.context.planned.plan.health)));
        }
        self.tell(&format!("{}: {health}", self.context.planned.plan.health));
        None
    }

    fn late(&self, last: &Health, path: &str) -> Why {
        let limit = self.limit.as_secs_f64();
        if self.unproved > 0 {
            let message = format!(
                "after {limit} s it is not verified which process answers \
                                   {path}"
            );
            return (Finding::server(message), SLOW);
        }
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listens = self.server.addresses();
        let (elsewhere, advice) = if listens.contains(&wanted) || !cfg!(target_os = "linux") {
            (String::new(), advice(last).unwrap_or(SLOW))
        } else if listens.is_empty() {
            (format!("; it does not listen on any port, expected {wanted}"), SLOW)
        } else {
            let listens: Vec<String> = listens.iter().map(SocketAddr::to_string).collect();
            (format!("; it listens on {}, expected {wanted}", listens.join(" and ")), BIND)
        };
        let message =
            format!("the server was not ready within {limit} s; {path}: {last}{elsewhere}");
        (Finding::server(message), advice)
    }

    /// Why it exited before it was ready. A process that it left, or a process that has its
    /// port, may be the reason.
    fn ended(&mut self, status: ExitStatus) -> Why {
        const STAY: &str = "a server must stay in the foreground, not become a daemon";
        let (left, port) = (sweep::left_behind(), self.port);
        // A daemon that it left may have the port.
        let (why, advice) = match port::owner(port, || left.keys().copied().collect()) {
            Owner::Foreign(_) => {
                self.is_port_lost = true;
                let holder = port::describe_holder(port);
                (format!("; port {port} is held by {holder}"), FREE_PORT)
            }
            _ if !left.is_empty() => {
                let left: Vec<String> = left.into_values().collect();
                (format!("; it left {} behind: {STAY}", left.join(", ")), FOREGROUND)
            }
            _ if status.success() => (format!("; {STAY}"), FOREGROUND),
            _ => (String::new(), READ_LOG),
        };
        let message = format!("the server ended before it was ready: {status}{why}");
        (Finding::server(message), advice)
    }

    /// Another process has the port. A server that could not have it mostly ends soon, and its
    /// own end says more.
    fn foreign(&mut self, pid: Option<u32>) -> Why {
        if let Some(status) = self.server.ended_within(ENDING) {
            return self.ended(status);
        }
        self.is_port_lost = true;
        let who = pid.map_or("another process".to_owned(), |pid| {
            format!("process {pid} ({})", tree::command_of(pid))
        });
        let port = self.port;
        let message = format!("port {port} answers, but it is held by {who}, not by our server");
        (Finding::server(message), FREE_PORT)
    }
}

/// The server can be reached from outside of this machine.
fn everywhere(port: u16) -> Why {
    let message = format!(
        "the server listens on all addresses of this machine: bind it to 127.0.0.1:{port} in \
         server.argv"
    );
    (Finding::server(message), BIND)
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
            let failure =
                StageFailure::new(Finding::server(format!("{url} is not healthy: {health}")));
            let unreached = "start the server first; --host measures a running server";
            Err(failure.with_advice(advice(&health).unwrap_or(unreached)))
        })
    });
    match polled {
        Ok(Ok(())) => Ok(StageOutput::new((), format!("{} is healthy", target.url()))),
        Ok(Err(failure)) => Err(failure),
        Err(error) => Err(StageFailure::new(Finding::defect(error.to_string()))),
    }
}

/// What to do about a server that answers, but is not healthy; `None` if it does not answer.
fn advice(health: &Health) -> Option<&'static str> {
    Some(match health {
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
    })
}
