//! Serve: a port, and the server's start. Loopback only.

use portcullis_core::outcome::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_core::target::Target;
use portcullis_supervise::{port, server};

use super::ready;
use crate::project::django::Project;
use crate::run::{Done, Failure, Run};

/// Starts the server on the wanted port, or on a free one if that is held.
///
/// # Errors
/// The port was insisted on and is held, or the command cannot be started.
pub fn start(
    run: &mut Run<'_>,
    plan: &ServePlan,
    project: &Project,
) -> Result<Done<Target>, Failure> {
    let port = choose_port(run, plan)?;
    let mut argv = plan.server_argv(&project.python, port);
    // Some projects' manage.py sets the variable itself; the flag wins.
    if plan.server.argv.iter().any(|word| word == "{manage}") {
        argv.push(format!("--settings={}", project.settings).into());
    }
    ready::expect_proof(run);
    let log = run.log("server");
    let grace = plan.server.stop_grace;
    let (folder, environment) = (&plan.root, &project.environment);
    let server = server::start(&argv, folder, environment, &log, grace, &plan.server.cpus);
    let server = server.map_err(|error| {
        let program = argv.first().map(|word| word.to_string_lossy().into_owned());
        let message = format!("{} cannot be started: {error}", program.unwrap_or_default());
        Failure::new(Finding::Server(message))
    })?;
    let placed = match plan.server.cpus.as_slice() {
        [] => String::new(),
        cpus => {
            format!(", on CPU {}", cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    let detail = format!("127.0.0.1:{port}, process {}{placed}", server.pid());
    run.server = Some(server);
    let target = Target::local(port);
    run.target = target.url();
    Ok(Done::new(target, detail))
}

fn choose_port(run: &Run<'_>, plan: &ServePlan) -> Result<u16, Failure> {
    let wanted = plan.server.port;
    if wanted != 0 && port::is_free(wanted) {
        return Ok(wanted);
    }
    if wanted != 0 {
        let holder = port::describe_holder(wanted);
        if plan.server.port_insists {
            let message = format!("port {wanted} is held by {holder}");
            let advice = "stop it, or leave --port out so that a free port is taken";
            return Err(Failure::new(Finding::Server(message)).with_advice(advice));
        }
        run.note(format!("port {wanted} is held by {holder}: taking a free port instead"));
    }
    port::any_free().map_err(|error| Failure::new(Finding::Server(error.to_string())))
}
