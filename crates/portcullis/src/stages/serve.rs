//! Serve: a port, and the server's start. Loopback only.

use portcullis_core::judge::Finding;
use portcullis_core::target::Target;
use portcullis_supervise::server::Server;
use portcullis_supervise::{port, server};

use crate::project::{self, Project};
use crate::run::{StageFailure, StageOutput, Version};

/// Starts the server on the wanted port, or on a free one if that is held, and leaves it
/// in `slot`: whatever fails next, it is ended in good order.
///
/// # Errors
/// The port was insisted on and is held, or the command cannot be started.
pub fn start(
    version: Version<'_>,
    project: &Project,
    slot: &mut Option<Server>,
) -> Result<StageOutput<Target>, StageFailure> {
    let Version { folder, plan, .. } = version;
    let port = choose_port(version)?;
    let argv = project::serve_argv(project, plan, port);
    project::expect_proof(folder);
    let log = folder.log("server");
    let (grace, cpus) = (plan.server.stop_grace, &plan.server.cpus);
    let server = server::start(&argv, &plan.root, &project.environment, &log, grace, cpus);
    let server = server.map_err(|error| {
        let program = argv.first().map(|word| word.to_string_lossy().into_owned());
        let message = format!("{} cannot be started: {error}", program.unwrap_or_default());
        StageFailure::new(Finding::server(message))
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
    port::any_free().map_err(|error| StageFailure::new(Finding::server(error.to_string())))
}
