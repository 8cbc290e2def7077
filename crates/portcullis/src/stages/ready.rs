//! Ready: the child lives, health answers 2xx, and whoever listens is ours.

use std::time::{Duration, Instant};

use portcullis_core::outcome::Finding;
use portcullis_core::target::Target;
use portcullis_load::Trust;
use portcullis_supervise::port::Owner;
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

use super::project::unsupported_database;
use crate::health::{self, Health};
use crate::run::{Done, Failure, Run};

/// Waits until our server is ready.
///
/// # Errors
/// It ended, was not healthy in time, or another process has its port.
pub fn wait(run: &mut Run<'_>, target: &Target) -> Result<Done<()>, Failure> {
    let Some(mut server) = run.server.take() else {
        return Err(Failure::new(Finding::Defect("no server to wait for".to_owned())));
    };
    let start = Instant::now();
    let plan = &run.planned.plan;
    let mut unproved = 0;
    let polled = health::poll(target, &Trust::Nobody, &plan.health, |health| {
        if let Some(signal) = run.interrupts.signal() {
            return Some(Err(Finding::Interrupted(signal)));
        }
        if let Some(status) = server.ended_within(Duration::ZERO) {
            let message = format!("the server ended before it was ready: {status}");
            return Some(Err(Finding::Server(message)));
        }
        if health == Health::Healthy {
            match is_ours(&server, target.port) {
                Ok(true) => return Some(Ok(())),
                Ok(false) => unproved += 1,
                Err(finding) => return Some(Err(finding)),
            }
        }
        (start.elapsed() >= plan.ready_timeout).then(|| Err(late(&health, unproved, plan)))
    });
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

fn late(last: &Health, unproved: u32, plan: &portcullis_core::plan::Plan) -> Finding {
    let limit = plan.ready_timeout.as_secs_f64();
    if unproved > 0 {
        let message = format!("after {limit} s it is not proved who answers {}", plan.health);
        return Finding::Server(message);
    }
    let path = &plan.health;
    Finding::Server(format!("the server was not ready within {limit} s; {path}: {last}"))
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
