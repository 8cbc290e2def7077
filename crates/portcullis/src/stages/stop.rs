//! Stop: the server's whole process group is ended, politely and then not.

use std::time::Duration;

use portcullis_supervise::server::Server;
use portcullis_supervise::tree::Ended;

use crate::project;
use crate::run::{RunContext, RunResults, StageFailure, StageOutput};

/// Ends what is still up, and removes what was compiled for this run alone.
///
/// # Errors
/// None.
pub fn stop(
    context: &RunContext<'_>,
    server: &mut Option<Server>,
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
    Ok(StageOutput::new((), detail))
}

/// How our own server ended, in words; `None` if there is none.
pub fn end_server(server: &mut Option<Server>) -> Option<String> {
    let mut server = server.take()?;
    let before = server.ended_within(Duration::ZERO);
    let mut detail = match (server.stop(), before) {
        (_, Some(status)) => format!("the server had already ended: {status}"),
        (Ended::Gone, None) => "the server had already ended".to_owned(),
        (Ended::Politely, None) => "the server stopped on request".to_owned(),
        (Ended::Killed, None) => "the server had to be killed".to_owned(),
    };
    if !server.strays.is_empty() {
        let strays = server.strays.join(", ");
        detail.push_str(&format!("; processes outside its group were ended too: {strays}"));
    }
    Some(detail)
}
