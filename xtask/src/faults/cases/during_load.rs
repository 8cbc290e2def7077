//! Servers that die, stop, or answer wrongly during the load; and the limit of open
//! files of Portcullis itself.

use std::time::Duration;

use anyhow::{Result, bail};

use super::super::below;
use super::super::case::{FaultCase, case};
use super::super::sandbox::Outcome;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    let all = [ends(), stops(), listeners(), transport(), answers(), descriptors()];
    all.into_iter().flatten().collect()
}

/// The output has this text after the first second of load.
const LOADED: &str = "load 1/";

fn under_load(name: &'static str, what: &'static str, code: i32, fault: &str) -> FaultCase {
    case(name, what, code).server("loading.py", &[fault])
}

/// Sets a request timeout of one second. A limit on a longer latency would be refused.
fn hurried(case: FaultCase) -> FaultCase {
    case.edit("[load]\n", "[load]\nrequest_timeout = \"1s\"\n")
        .edit("\"login.p95 < 2s\"", "\"login.p95 < 1s\"")
}

/// Complete answers whose bodies are not valid JSON.
fn no_json(name: &'static str, what: &'static str, fault: &str) -> FaultCase {
    under_load(name, what, 1, fault)
        .stage("judge")
        .says("the body is not JSON (")
        .then(|_, outcome| kinds(outcome, &["validation"]))
}

/// A port that several processes listen on (`SO_REUSEPORT`).
fn listeners() -> Vec<FaultCase> {
    let serving = |name, what, code, fault| case(name, what, code).server("starting.py", &[fault]);
    vec![
        serving(
            "during-load/port-joined",
            "A process of the same user joins the server's port, and answers a part of the requests.",
            4,
            "shared",
        )
        .flags(&["-t", "8s"])
        .edit("port = \"auto\"", "port = 47813")
        .during(LOADED, |sandbox, _| sandbox.accompany("stranger.py", "47813"))
        .stage("load")
        .says("stranger.py 47813) joined the server's port")
        .says("try: end that process")
        .then(|sandbox, _| {
            sandbox.dismiss();
            Ok(())
        })
        .quick(),
        serving(
            "during-load/worker-joins",
            "The server gets another worker that listens on its port: it is the server's own.",
            0,
            "growing",
        )
        .flags(&["-t", "5s"]),
    ]
}

fn ends() -> Vec<FaultCase> {
    vec![
        under_load("during-load/exits", "The server exits with 7.", 4, "exits")
            .stage("load")
            .says("the server died during the load: exit status: 7")
            .quick(),
        case(
            "during-load/killed",
            "The server gets SIGKILL, as from a kernel that is out of memory.",
            4,
        )
        .during(LOADED, |_, run| below::signal(below::server(run)?, "KILL"))
        .stage("load")
        .says("the server died during the load: signal: 9 (SIGKILL)")
        .says("when memory runs out")
        .quick(),
        under_load(
            "during-load/restarts",
            "A supervisor restarts the server with another listener.",
            4,
            "restarts",
        )
        .stage("load")
        .says("the server restarted during the load: another listener has port")
        .quick(),
        under_load(
            "during-load/worker-restarts",
            "The server replaces a worker behind the same listener: this is allowed.",
            0,
            "worker-restarts",
        ),
    ]
}

fn stops() -> Vec<FaultCase> {
    vec![
        hurried(case(
            "during-load/stops",
            "The server is stopped (SIGSTOP) and does not answer any more.",
            4,
        ))
        .during(LOADED, |_, run| below::signal(below::server(run)?, "STOP"))
        .stage("load")
        .says("after the load /health/ was not healthy: no answer (timeout after 2 s)")
        .then(|_, outcome| kinds(outcome, &["timeout"])),
        under_load(
            "during-load/hangs",
            "After a while the server answers only its health check, and the grace is short.",
            4,
            "hangs",
        )
        .edit("[load]\n", "[load]\ngrace = \"1s\"\n")
        .stage("load")
        .says("the service stopped answering: all ")
        .then(|_, outcome| kinds(outcome, &["timeout"]))
        .quick(),
        // With extra requests after the window, one bad second might not violate the rule.
        case(
            "during-load/stops-and-goes-on",
            "The server gets SIGSTOP, and SIGCONT after 1.5 s; only the window decides.",
            1,
        )
        .flags(&["-t", "3s", "--max-duration", "1x"])
        .during(LOADED, |_, run| {
            let server = below::server(run)?;
            below::signal(server, "STOP")?;
            std::thread::sleep(Duration::from_millis(1500));
            below::signal(server, "CONT")
        })
        .stage("judge")
        .says("violated: p95("),
    ]
}

fn transport() -> Vec<FaultCase> {
    vec![
        under_load("during-load/resets", "Connections are reset.", 1, "resets")
            .stage("judge")
            .says("violated: error_rate")
            .then(|_, outcome| kinds(outcome, &["reset"])),
        under_load("during-load/truncates", "Bodies are truncated.", 1, "truncates")
            .stage("judge")
            .says("violated: error_rate")
            .then(|_, outcome| kinds(outcome, &["reset", "body"])),
        hurried(under_load(
            "during-load/says-too-much",
            "Content-Length is larger than the body.",
            1,
            "says-too-much",
        ))
        .stage("judge")
        .says("violated: error_rate")
        .then(|_, outcome| kinds(outcome, &["timeout"])),
        under_load(
            "during-load/says-too-little",
            "Content-Length is smaller than the body.",
            1,
            "says-too-little",
        )
        .stage("judge")
        .says("bytes follow the answer, beyond its content-length")
        // A checked body that is cut is no JSON either; which is seen first depends on how
        // the bytes arrive.
        .then(|_, outcome| kinds(outcome, &["body", "validation"])),
        under_load(
            "during-load/late-bytes",
            "Bytes come behind whole answers, a little later.",
            1,
            "late",
        )
        .stage("judge")
        .says("bytes came behind the answer, beyond its content-length")
        .then(|_, outcome| kinds(outcome, &["body"]))
        .quick(),
        under_load(
            "during-load/drops",
            "The server drops requests: it closes the connection 0.3 s after each.",
            1,
            "drops",
        )
        .stage("judge")
        .says("violated: error_rate")
        .then(|_, outcome| kinds(outcome, &["reset"])),
        hurried(under_load("during-load/drips", "Answers arrive one byte at a time.", 1, "drips"))
            .stage("judge")
            .says("violated: error_rate")
            .then(|_, outcome| kinds(outcome, &["timeout"])),
    ]
}

fn answers() -> Vec<FaultCase> {
    vec![
        case("during-load/all-500", "Every answer is a 500.", 1)
            .faults("*=status:500")
            .stage("judge")
            .says("violated: error_rate = 100.00 %")
            .says("first round: list_claims")
            .then(|_, outcome| kinds(outcome, &["status"])),
        under_load("during-load/500-later", "After a while every answer is a 500.", 1, "500")
            .stage("judge")
            .says("status 500 instead of 200: \"the database is gone\"")
            .then(|_, outcome| kinds(outcome, &["status"])),
        under_load("during-load/429-later", "After a while requests are throttled.", 1, "429")
            .stage("judge")
            .says("429 throttled: \"Request was throttled.\", retry after 9 s")
            .then(|_, outcome| kinds(outcome, &["throttled"])),
        under_load("during-load/401-later", "After a while the token has expired.", 1, "401")
            .stage("judge")
            .says("status 401 instead of 200: \"Token is expired\"")
            .then(|_, outcome| kinds(outcome, &["status"])),
        case("during-load/html", "Answers are 200 with an HTML page: detected before the load.", 5)
            .faults("*=html")
            .stage("load")
            .says("list_claims has no data: GET /api/v1/claims/: the body is not JSON"),
        under_load(
            "during-load/warm-up-fails",
            "The service answers 503 through most of the warm-up, and well after it.",
            5,
            "unwell",
        )
        .edit("[load]\n", "[load]\nwarm_up = \"3s\"\n")
        .stage("load")
        .says("requests of the warm-up failed"),
        no_json(
            "during-load/half-a-document",
            "A complete answer of 200 has only the first half of a document.",
            "half-a-document",
        )
        .quick(),
        no_json(
            "during-load/traceback-in-the-document",
            "A complete answer of 200 has a document that is cut off by a traceback.",
            "traceback",
        ),
        no_json(
            "during-load/page-behind-the-document",
            "A complete answer of 200 has an error page after its document.",
            "html-behind",
        ),
        no_json("during-load/no-utf-8", "A body is not UTF-8.", "no-utf-8"),
        under_load(
            "during-load/html-later",
            "After a while answers are 200 with an HTML page.",
            1,
            "html",
        )
        .stage("judge")
        .says("the body is not JSON")
        .then(|_, outcome| kinds(outcome, &["validation"]))
        .quick(),
    ]
}

const MANY: [&str; 6] = ["-t", "3s", "-u", "200", "-r", "200"];

fn descriptors() -> Vec<FaultCase> {
    vec![
        hurried(under_load(
            "during-load/out-of-descriptors",
            "The server has no file descriptor for a seventh connection.",
            1,
            "descriptors",
        ))
        .flags(&["-t", "3s", "-u", "20", "-r", "20"])
        .edit("shared = false", "shared = true")
        .stage("judge")
        .says("violated: error_rate")
        .then(|_, outcome| kinds(outcome, &["timeout"])),
        case("during-load/own-limit", "The hard limit of open files of Portcullis is too low.", 2)
            .within("ulimit -n 128; exec \"$@\"")
            .flags(&MANY)
            .without_results()
            .says(
                "268 open files are needed, but the limit of this process is 128; each of the \
                   200 users",
            )
            .says("nothing was started (exit 2)")
            .quick(),
        case("during-load/cpu-not-there", "The server is configured for a CPU that does not exist.", 2)
            .edit("[server]", "[server]\ncpus = [1023]")
            .without_results()
            .says("server.cpus: CPU 1023 is not available here: use one of")
            .quick(),
        under_load(
            "during-load/own-limit-raised",
            "The soft limit of open files of Portcullis is too low: raised for Portcullis, not for the server.",
            0,
            "limit",
        )
        .within("ulimit -Sn 128; exec \"$@\"")
        .flags(&MANY)
        .edit("shared = false", "shared = true")
        .then(|_, outcome| match outcome.results()?["summary"]["users_ran"].as_u64() {
            Some(200) => Ok(()),
            ran => bail!("{ran:?} of 200 users ran"),
        }),
    ]
}

/// Checks that requests failed, and only with these kinds.
fn kinds(outcome: &Outcome, expected: &[&str]) -> Result<()> {
    let results = outcome.results()?;
    let failures = results["summary"]["failures"].as_array().cloned().unwrap_or_default();
    let is_expected = |failure: &serde_json::Value| {
        failure["kind"].as_str().is_some_and(|kind| expected.contains(&kind))
    };
    if failures.is_empty() || !failures.iter().all(is_expected) {
        bail!("failures of other kinds than {expected:?}: {failures:#?}");
    }
    Ok(())
}
