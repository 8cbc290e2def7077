//! Services: starts the programs that the project needs beside its server, one after the
//! other, and waits until each is ready.

use std::time::{Duration, Instant};

use portcullis_core::config::{ServiceReady, ServiceSection, ServiceStart};
use portcullis_core::judge::Finding;
use portcullis_core::target::Target;
use portcullis_load::Trust;
use portcullis_supervise::log;
use portcullis_supervise::port::{self, Owner};
use portcullis_supervise::step::{self, Step};

use super::health::{self, Health};
use crate::project::Project;
use crate::run::{StageFailure, StageOutput, Version};
use crate::services::configured::{Configured, Programs, Services, log_of};

/// How often a service is looked at while it starts.
const TICK: Duration = Duration::from_millis(20);
/// How long the command that says whether a service is ready may take.
const ASKING: Duration = Duration::from_secs(10);

/// Whether a plan starts any service at this time.
pub fn has_any(version: Version<'_>, at: ServiceStart) -> bool {
    version.plan.services.iter().any(|service| service.before == at)
}

/// Starts the services of this time, and adds them to those that run.
///
/// # Errors
/// One cannot be started, ended, or is not ready in time.
pub fn start(
    version: Version<'_>,
    project: &Project,
    services: &mut Services,
    at: ServiceStart,
) -> Result<StageOutput<()>, StageFailure> {
    let programs = Programs {
        python: &project.python,
        environment: &project.environment,
        ports: &project.ports,
    };
    let mut told = Vec::new();
    for section in version.plan.services.iter().filter(|section| section.before == at) {
        let Some(service) = services.start(version, section, programs)? else { continue };
        wait(version, section, programs, service)?;
        told.push(match programs.ports.of(&section.name) {
            Some(port) => format!("{} on 127.0.0.1:{port}", section.name),
            None => section.name.clone(),
        });
    }
    Ok(StageOutput::new((), told.join(", ")))
}

/// The failure if a service has ended before the server was started.
///
/// # Errors
/// One has ended.
pub fn still_up(services: &mut Services) -> Result<(), StageFailure> {
    match services.ended().into_iter().next() {
        None => Ok(()),
        Some(finding) => Err(StageFailure::new(Finding::preparation(finding.message))),
    }
}

fn wait(
    version: Version<'_>,
    section: &ServiceSection,
    programs: Programs<'_>,
    service: &mut Configured,
) -> Result<(), StageFailure> {
    let context = version.context;
    let (start, limit) = (Instant::now(), context.within(section.timeout));
    let failed = |what: String| {
        let message = format!("the service \"{}\" {what}", section.name);
        let failure = StageFailure::new(Finding::preparation(message));
        failure.with_log(log_of(&section.name)).with_advice(ADVICE)
    };
    let port = programs.ports.of(&section.name).unwrap_or_default();
    loop {
        if let Some(signal) = context.interrupts.signal() {
            return Err(StageFailure::new(Finding::interrupted(signal)));
        }
        let before = match section.ready {
            // A program that cannot be found by another one ends at once.
            ServiceReady::Started => Duration::from_millis(200),
            _ => TICK,
        };
        if let Some(status) = service.process.ended_within(before) {
            let held = match port != 0 && !port::is_free(port) {
                true => format!("; port {port} is held by {}", port::describe_holder(port)),
                false => String::new(),
            };
            return Err(failed(format!("ended before it was ready: {status}{held}")));
        }
        let not_yet = match look(version, section, programs, service)? {
            None => return Ok(()),
            Some(not_yet) => not_yet,
        };
        if start.elapsed() >= limit {
            let limit = limit.as_secs_f64();
            return Err(failed(format!("was not ready within {limit} s: {not_yet}")));
        }
    }
}

const ADVICE: &str = "its log says why; correct argv, ready or timeout of its [[service]]";

/// Why a service is not ready yet; `None` if it is.
fn look(
    version: Version<'_>,
    section: &ServiceSection,
    programs: Programs<'_>,
    service: &Configured,
) -> Result<Option<String>, StageFailure> {
    let Version { context, folder, plan } = version;
    let port = programs.ports.of(&section.name).unwrap_or_default();
    let listens = || match service.process.owns_port(port) {
        Owner::Ours | Owner::OursEverywhere => None,
        Owner::Nobody => Some(format!("it does not listen on 127.0.0.1:{port}")),
        Owner::Foreign(_) => {
            Some(format!("port {port} is held by {}", port::describe_holder(port)))
        }
    };
    Ok(match &section.ready {
        ServiceReady::Started => None,
        ServiceReady::Port => listens(),
        ServiceReady::Path(path) => match listens() {
            Some(not_yet) => Some(not_yet),
            None => {
                let asked = health::poll(&Target::local(port), &Trust::Nobody, path, Some);
                match asked
                    .map_err(|error| StageFailure::new(Finding::defect(error.to_string())))?
                {
                    Health::Healthy => None,
                    other => Some(format!("{path}: {other}")),
                }
            }
        },
        ServiceReady::Command(argv) => {
            let environment = programs.environment_of(version, section);
            let log = folder.log(&format!("{}-ready", log_of(&section.name)));
            let argv = programs.argv(version, section, argv);
            let deadline = context.within(ASKING);
            let step = Step {
                argv,
                folder: &plan.root,
                environment: &environment,
                stdin: None,
                log: &log,
                deadline,
            };
            step::run(&step, context.interrupts).err().map(|error| error.to_string())
        }
        ServiceReady::Log(text) => {
            let lines = log::tail(&folder.log(&log_of(&section.name)), 200);
            let is_ready = lines.iter().any(|line| line.contains(text));
            (!is_ready).then(|| format!("its log has no \"{}\"", text.trim()))
        }
    })
}
