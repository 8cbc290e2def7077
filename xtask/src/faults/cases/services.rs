//! Services that the project needs beside its server: what keeps them from starting, and
//! what ends them.

use anyhow::{Context, Result};

use super::super::below::{of, signal, text};
use super::super::case::{FaultCase, case};

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    vec![
        with(
            "services/dies-in-load",
            "A service is killed during the load: nothing is judged green.",
            4,
            SMTP,
        )
        .flags(&["-t", "6s"])
        .during(" requests, ", |_, run| signal(mail_server(run)?, "KILL"))
        .says("the service \"smtp\" has ended")
        .quick(),
        with(
            "services/run-killed",
            "The run is killed while its services are in use: none is left.",
            -9,
            SMTP,
        )
        .flags(&["-t", "20s"])
        .during(" requests, ", |_, run| signal(run, "KILL"))
        .without_results(),
        with(
            "services/ends-at-once",
            "A service prints a reason and ends.",
            3,
            "name = \"search\"\nargv = [\"sh\", \"-c\", \"echo no licence; exit 7\"]",
        )
        .stage("services")
        .says("the service \"search\" ended before it was ready")
        .says("no licence")
        .quick(),
        with(
            "services/never-listens",
            "A service runs but never listens.",
            3,
            "name = \"search\"\nargv = [\"sleep\", \"600\"]\nready = \"port\"\ntimeout = \"1s\"",
        )
        .stage("services")
        .says("was not ready within 1 s: it does not listen on"),
        with(
            "services/no-such-program",
            "The program of a service does not exist.",
            3,
            "name = \"search\"\nargv = [\"/nonexistent/search\"]",
        )
        .stage("services")
        .says("/nonexistent/search cannot be started"),
        with(
            "services/ignores-sigterm",
            "A service and its child ignore SIGTERM: they are killed.",
            0,
            "name = \"stubborn\"\nstateless = true\n\
             argv = [\"sh\", \"-c\", \"trap '' TERM; sleep 600 & while :; do sleep 1; done\"]",
        )
        .says("services"),
    ]
}

const SMTP: &str = "kind = \"smtp\"";

/// The bundled service with a service beside it.
fn with(name: &'static str, what: &'static str, code: i32, keys: &str) -> FaultCase {
    case(name, what, code).edit("[load]\n", format!("[[service]]\n{keys}\n[load]\n"))
}

/// The mail server of a run.
fn mail_server(run: u32) -> Result<u32> {
    let found = of(run).into_iter().find(|pid| text(*pid, "cmdline").contains("smtp.py"));
    found.context("the run has no mail server")
}
