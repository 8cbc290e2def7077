//! Stop: ends the server's whole process group, first with SIGTERM, then with SIGKILL.

use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_supervise::server::Server;
use portcullis_supervise::sweep;
use portcullis_supervise::tree::Ended;

use super::Companions;
use crate::project;
use crate::run::{RunContext, RunResults, StageFailure, StageOutput};

/// Stops a running server, then what runs beside it, ends whatever else the run has started,
/// and removes the modules compiled for this run.
///
/// # Errors
/// A service had ended by itself before, or a process could not be ended.
pub fn stop(
    context: &RunContext<'_>,
    server: &mut Option<Server>,
    companions: &mut Companions,
    results: &mut RunResults,
) -> Result<StageOutput<()>, StageFailure> {
    project::forget(context);
    let ended = end_server(server);
    let detail = match (&ended, &results.server_end) {
        (Some(detail), _) => detail.clone(),
        (None, Some(before)) => format!("{before}, earlier"),
        (None, None) => "nothing to stop".to_owned(),
    };
    results.server_end = ended.or(results.server_end.take());
    let lost = end_companions(companions);
    let left = sweep::sweep(&[], Duration::ZERO).left;
    if !left.is_empty() {
        let message = format!("after the run it is still there: {}", left.join(", "));
        let advice = "end it by hand, or it will disturb the next run";
        return Err(StageFailure::new(Finding::server(message)).with_advice(advice));
    }
    match lost.is_empty() {
        true => Ok(StageOutput::new((), detail)),
        false => Err(StageFailure { findings: lost, log: None, advice: None }),
    }
}

/// Stops what runs beside a server, the database server last. The findings if something had
/// ended by itself before: what was measured is not the whole project.
pub fn end_companions(companions: &mut Companions) -> Vec<Finding> {
    let mut lost = companions.services.ended();
    companions.services.stop();
    lost.extend(companions.database.take().and_then(|mut database| database.ended()));
    lost
}

/// The words for a server that ended by itself.
pub const HAD_ENDED: &str = "the server had already ended";

/// How the server that was started ended, in words; `None` if there is none.
pub fn end_server(server: &mut Option<Server>) -> Option<String> {
    let mut server = server.take()?;
    let before = server.ended_within(Duration::ZERO);
    let mut detail = match (server.stop(), before) {
        (_, Some(status)) => format!("{HAD_ENDED}: {status}"),
        (Ended::Gone, None) => HAD_ENDED.to_owned(),
        (Ended::Politely, None) => "the server stopped on request".to_owned(),
        (Ended::Killed, None) => "the server had to be killed".to_owned(),
    };
    if !server.strays.is_empty() {
        let strays = server.strays.join(", ");
        detail.push_str(&format!("; processes outside its group were ended too: {strays}"));
    }
    Some(detail)
}
