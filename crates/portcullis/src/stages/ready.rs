//! Ready: the child lives, health answers 2xx, and whoever listens is ours.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use portcullis_core::outcome::Finding;
use portcullis_core::target::Target;
use portcullis_core::units::show_duration;
use portcullis_load::Trust;
use portcullis_supervise::port::{self, Owner};
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

use crate::project::django::unsupported_database;
use crate::run::{Done, Failure, Run};
use crate::stages::health::{self, Health};

/// How often a wait tells that it goes on.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether the server has loaded the run's settings.
const PROOF_EVERY: Duration = Duration::from_millis(20);

/// Waits until our server is ready.
///
/// # Errors
/// It ended, was not healthy in time, has not loaded the run's settings, or another process
/// has its port.
pub fn wait(run: &mut Run<'_>, target: &Target) -> Result<Done<()>, Failure> {
    let Some(server) = run.server.take() else {
        return Err(Failure::new(Finding::Defect("no server to wait for".to_owned())));
    };
    let plan = &run.planned.plan;
    let (now, limit) = (Instant::now(), run.within(plan.ready_timeout));
    let mut waiting =
        Waiting { server, port: target.port, start: now, limit, told: now, unproved: 0 };
    // A request to a server with settings of its own would use the user's database and logs.
    if let Err(failure) = waiting.for_proof(run) {
        run.server = Some(waiting.server);
        return Err(failure);
    }
    let polled =
        health::poll(target, &Trust::Nobody, &plan.health, |health| waiting.judge(run, &health));
    let mut server = waiting.server;
    let is_alive = server.ended_within(Duration::ZERO).is_none();
    if is_alive && matches!(polled, Ok(Err(Finding::Server(_)))) {
        // Still there, but not ready: its stack in the log tells what it does.
        server.ask_for_stack();
    }
    run.server = Some(server);
    match polled {
        Ok(Ok(())) => Ok(Done::new((), format!("{} is healthy and ours", plan.health))),
        Ok(Err(finding @ Finding::Interrupted(_))) => Err(Failure::new(finding)),
        Ok(Err(finding)) => Err(unsupported_database(run, "server")
            .unwrap_or_else(|| Failure::new(finding).with_log("server"))),
        Err(message) => Err(Failure::new(Finding::Defect(message))),
    }
}

/// A server that is not started by `manage.py`, or whose `wsgi.py` names other settings.
const UNSET: &str = "the server has not loaded this run's settings";
const UNSET_ADVICE: &str = "it would serve from another database, so nothing was asked of it: \
                            whatever starts it must keep DJANGO_SETTINGS_MODULE, with \
                            os.environ.setdefault(…) in wsgi.py and asgi.py instead of an \
                            assignment";

/// Forgets who has loaded the run's settings so far: what follows is the server's proof.
pub fn expect_proof(run: &Run<'_>) {
    let Ok(traces) = std::fs::read_dir(run.folder().join("loaded")) else { return };
    for trace in traces.flatten() {
        let _ = std::fs::remove_file(trace.path());
    }
}

/// Whether a process of the server has loaded the run's settings, which leave a trace.
fn is_proved(run: &Run<'_>, server: &Server) -> bool {
    let loaded = run.folder().join("loaded");
    if !cfg!(target_os = "linux") {
        return std::fs::read_dir(&loaded).is_ok_and(|mut traces| traces.next().is_some());
    }
    let has_loaded = |pid: &u32| loaded.join(pid.to_string()).exists();
    tree::members(server.pid()).iter().any(has_loaded)
}

/// A wait for our own server.
struct Waiting {
    server: Server,
    port: u16,
    start: Instant,
    /// How long it may take.
    limit: Duration,
    /// When it was last told that the wait goes on.
    told: Instant,
    /// Good answers of which nobody knows who gave them.
    unproved: u32,
}

impl Waiting {
    /// Waits until a process of the server has loaded the run's settings.
    fn for_proof(&mut self, run: &Run<'_>) -> Result<(), Failure> {
        let failed = |finding| match finding {
            Finding::Interrupted(_) => Failure::new(finding),
            _ => unsupported_database(run, "server")
                .unwrap_or_else(|| Failure::new(finding).with_log("server")),
        };
        while !is_proved(run, &self.server) {
            if let Some(signal) = run.interrupts.signal() {
                return Err(failed(Finding::Interrupted(signal)));
            }
            if let Some(status) = self.server.ended_within(PROOF_EVERY) {
                return Err(failed(ended(status, self.port)));
            }
            if self.start.elapsed() >= self.limit {
                self.server.ask_for_stack();
                let message = format!("within {} s {UNSET}", self.limit.as_secs_f64());
                return Err(failed(Finding::Server(message)).with_advice(UNSET_ADVICE));
            }
            self.tell(run, UNSET);
        }
        Ok(())
    }

    /// Tells from time to time that the wait goes on, and why.
    fn tell(&mut self, run: &Run<'_>, why: &str) {
        if self.told.elapsed() >= PROGRESS_EVERY {
            self.told = Instant::now();
            let (now, limit) = (show_duration(self.start.elapsed()), show_duration(self.limit));
            run.note(format!("not ready after {now} of {limit}; {why}"));
        }
    }

    /// What an answer means; `None` to ask again.
    fn judge(&mut self, run: &Run<'_>, health: &Health) -> Option<Result<(), Finding>> {
        if let Some(signal) = run.interrupts.signal() {
            return Some(Err(Finding::Interrupted(signal)));
        }
        if let Some(status) = self.server.ended_within(Duration::ZERO) {
            return Some(Err(ended(status, self.port)));
        }
        if *health == Health::Healthy {
            match is_ours(&self.server, self.port) {
                Ok(true) => return Some(Ok(())),
                Ok(false) => self.unproved += 1,
                Err(finding) => return Some(Err(finding)),
            }
        }
        let path = &run.planned.plan.health;
        if self.start.elapsed() >= self.limit {
            return Some(Err(self.late(health, path)));
        }
        self.tell(run, &format!("{path}: {health}"));
        None
    }

    fn late(&self, last: &Health, path: &str) -> Finding {
        let limit = self.limit.as_secs_f64();
        if self.unproved > 0 {
            let message = format!("after {limit} s it is not proved who answers {path}");
            return Finding::Server(message);
        }
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listens = self.server.addresses();
        let elsewhere = if listens.contains(&wanted) || !cfg!(target_os = "linux") {
            String::new()
        } else if listens.is_empty() {
            format!("; it listens nowhere, {wanted} is wanted")
        } else {
            let listens: Vec<String> = listens.iter().map(SocketAddr::to_string).collect();
            format!("; it listens on {}, {wanted} is wanted", listens.join(" and "))
        };
        Finding::Server(format!(
            "the server was not ready within {limit} s; {path}: {last}{elsewhere}"
        ))
    }
}

/// An end before the start: what is left of it, or who has its port, may be why.
fn ended(status: ExitStatus, port: u16) -> Finding {
    const STAY: &str = "a server must stay in the foreground, not become a daemon";
    let left = tree::left_behind();
    let why = match port::owner(port, &[]) {
        _ if !left.is_empty() => format!("; it left {} behind: {STAY}", left.join(", ")),
        Owner::Foreign(_) => format!("; port {port} is held by {}", port::describe_holder(port)),
        _ if status.success() => format!("; {STAY}"),
        _ => String::new(),
    };
    Finding::Server(format!("the server ended before it was ready: {status}{why}"))
}

fn is_ours(server: &Server, port: u16) -> Result<bool, Finding> {
    match server.owns_port(port) {
        Owner::Ours => Ok(true),
        Owner::OursEverywhere => Err(Finding::Server(format!(
            "the server listens on every address of this machine: bind it to 127.0.0.1:{port} in \
             server.argv"
        ))),
        // Looked at between two listeners: ask again.
        Owner::Nobody => Ok(false),
        Owner::Foreign(pid) => {
            let who = pid.map_or("another process".to_owned(), |pid| {
                format!("process {pid} ({})", tree::command_of(pid))
            });
            let message =
                format!("port {port} answers, but it is held by {who}, not by our server");
            Err(Finding::Server(message))
        }
    }
}

/// Waits until a server that is up already answers its health check.
///
/// # Errors
/// It is not healthy within the plan's time.
pub fn attach(run: &mut Run<'_>, target: &Target) -> Result<Done<()>, Failure> {
    run.target = target.url();
    let plan = &run.planned.plan;
    let start = Instant::now();
    let polled = health::poll(target, &run.planned.trust, &plan.health, |health| {
        if let Some(signal) = run.interrupts.signal() {
            return Some(Err(Finding::Interrupted(signal)));
        }
        if health == Health::Healthy {
            return Some(Ok(()));
        }
        (start.elapsed() >= plan.ready_timeout).then(|| {
            let url = format!("{}{}", target.url(), plan.health);
            Err(Finding::Server(format!("{url} is not healthy: {health}")))
        })
    });
    match polled {
        Ok(Ok(())) => Ok(Done::new((), format!("{} is healthy", target.url()))),
        Ok(Err(finding)) => Err(Failure::new(finding)
            .with_advice("start the server first; --host measures one that is up")),
        Err(message) => Err(Failure::new(Finding::Defect(message))),
    }
}
