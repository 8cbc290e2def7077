//! Serve: chooses a port and starts the server. Loopback only.

use portcullis_core::judge::Finding;
use portcullis_core::target::Target;
use portcullis_supervise::server::Server;
use portcullis_supervise::{port, server};

use crate::project::{self, Project};
use crate::run::{StageFailure, StageOutput, Version};

/// Starts the server on the preferred port, or on a free one if that is taken, and leaves
/// it in `slot`, so that it is stopped in an orderly way whatever fails next.
///
/// # Errors
/// The required port is taken, or the command cannot be started.
pub fn start(
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
) -> Result<StageOutput<Target>, StageFailure> {
    start_on(version, project, slot, choose_port(version)?)
}

/// The same on this port.
///
/// # Errors
/// The command cannot be started.
pub fn start_on(
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
    port: u16,
) -> Result<StageOutput<Target>, StageFailure> {
    let Version { folder, plan, .. } = version;
    let argv = project::serve_argv(version, project, port)?;
    project::expect_proof(folder);
    let log = folder.log("server");
    let (grace, cpus) = (plan.server.stop_grace, &plan.server.cpus);
    let environment = project::serve_environment(project, port);
    let server = server::start(&argv, &plan.root, &environment, &log, grace, cpus);
    let server = server.map_err(|error| {
        let program = argv.first().map(|word| word.to_string_lossy().into_owned());
        let message = format!("{} cannot be started: {error}", program.unwrap_or_default());
        let advice = "let the requirements install this program, or correct server.argv";
        StageFailure::new(Finding::server(message)).with_advice(advice)
    })?;
    let placed = match cpus.as_slice() {
        [] => String::new(),
        cpus => {
            format!(", on CPU {}", cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    let detail = format!("127.0.0.1:{port}, process {}{placed}", server.pid());
    *slot = Some(server);
    Ok(StageOutput::new(Target::local(port), detail))
}

fn choose_port(version: Version<'_>) -> Result<u16, StageFailure> {
    let server = &version.plan.server;
    let wanted = server.port;
    if wanted != 0 && port::is_free(wanted) {
        return Ok(wanted);
    }
    if wanted != 0 {
        let holder = port::describe_holder(wanted);
        if server.port_insists {
            let message = format!("port {wanted} is held by {holder}");
            let advice = "stop it, or omit --port to use a free port";
            return Err(StageFailure::new(Finding::server(message)).with_advice(advice));
        }
        version
            .context
            .note(format!("port {wanted} is held by {holder}: using a free port instead"));
    }
    any_port()
}

/// A free port.
///
/// # Errors
/// There is none.
pub fn any_port() -> Result<u16, StageFailure> {
    port::any_free().map_err(|error| {
        let failure = StageFailure::new(Finding::server(error.to_string()));
        failure.with_advice("end what holds the ports of 127.0.0.1")
    })
}
