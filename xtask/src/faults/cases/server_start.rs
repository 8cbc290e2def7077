//! Servers that exit, hang, listen elsewhere, fail their health check, or start several
//! processes.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    [ends(), listens(), health(), ports(), families()].into_iter().flatten().collect()
}

fn start(name: &'static str, what: &'static str, code: i32, fault: &str) -> FaultCase {
    case(name, what, code).server("starting.py", &[fault])
}

/// Shortens the time to get ready.
fn hurried(case: FaultCase) -> FaultCase {
    case.edit("ready_timeout = \"60s\"", "ready_timeout = \"3s\"")
}

fn ends() -> Vec<FaultCase> {
    vec![
        start("server-start/exits-well", "The server exits at once with 0.", 4, "exit-0")
            .stage("ready")
            .says("the server ended before it was ready: exit status: 0; a server must stay in")
            .quick(),
        start(
            "server-start/exits-with-3",
            "The server prints a reason and exits with 3.",
            4,
            "exit-3",
        )
        .stage("ready")
        .says("the server ended before it was ready: exit status: 3")
        .says("try: its log says why")
        .says("| the licence file has expired")
        .quick(),
        start("server-start/killed", "The server crashes in native code.", 4, "killed")
            .stage("ready")
            .says("the server ended before it was ready: signal: 11 (SIGSEGV)"),
        case("server-start/no-such-program", "The server's program does not exist.", 4)
            .edit("argv = [\"{python}\", \"{manage}\",", "argv = [\"/nonexistent/gunicorn\",")
            .stage("serve")
            .says("/nonexistent/gunicorn cannot be started: No such file")
            .says("try: let the requirements install this program")
            .never("logs/server.log")
            .then(no_server_log)
            .quick(),
        case(
            "server-start/program-of-the-environment",
            "`server.argv` names a program that only the environment of the run has.",
            0,
        )
        .edit("requirements.lock\"]", format!("requirements.lock\", {:?}]", gunicorn()))
        .edit(
            "\"{python}\", \"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"",
            "\"gunicorn\", \"hello_world.wsgi\", \"--bind\", \"127.0.0.1:{port}\", \
             \"--no-control-socket\"",
        ),
    ]
}

fn gunicorn() -> String {
    tools::root().join("fixtures/faults/gunicorn.txt").display().to_string()
}

fn no_server_log(_: &Sandbox, outcome: &Outcome) -> Result<()> {
    let logs: Vec<_> = outcome.files.keys().filter(|name| name.contains("server")).collect();
    ensure!(logs.is_empty(), "there are logs of a server that never was: {logs:?}");
    Ok(())
}

fn listens() -> Vec<FaultCase> {
    vec![
        hurried(start(
            "server-start/never-listens",
            "The server runs but never listens.",
            4,
            "never-listens",
        ))
        .stage("ready")
        .says("not ready within 3 s; /health/: no answer (Connection refused")
        .says("it does not listen on any port")
        .says("most recent call first"),
        hurried(start(
            "server-start/another-port",
            "The server listens on another port.",
            4,
            "another-port",
        ))
        .stage("ready")
        .says("; it listens on 127.0.0.1:")
        .quick(),
        hurried(start("server-start/ipv6-only", "The server listens on ::1 only.", 4, "ipv6-only"))
            .stage("ready")
            .says("; it listens on [::1]:"),
        hurried(start(
            "server-start/never-accepts",
            "The server listens but never accepts a connection.",
            4,
            "never-accepts",
        ))
        .stage("ready")
        .says("not ready within 3 s; /health/: no answer (timeout after 2 s)"),
    ]
}

fn health() -> Vec<FaultCase> {
    vec![
        hurried(case("server-start/health-503", "The health check always answers 503.", 4))
            .faults("health=503")
            .stage("ready")
            .says("not ready within 3 s; /health/: status 503"),
        case(
            "server-start/health-503-then-200",
            "The health check answers 503 for 3 s, then 200: the run waits.",
            0,
        )
        .faults("health=503:3s"),
        hurried(start(
            "server-start/redirect",
            "The health check redirects to a login page.",
            4,
            "redirect",
        ))
        .stage("ready")
        .says("/health/: status 302")
        .quick(),
        hurried(start("server-start/too-many", "The health check answers 429.", 4, "too-many"))
            .stage("ready")
            .says("/health/: status 429"),
        start(
            "server-start/wrong-body",
            "The health check answers 200 with an unknown body: only the status counts.",
            0,
            "wrong-body",
        )
        .says("/health/ is healthy, verified as our process"),
        hurried(start(
            "server-start/hangs-after-head",
            "The health check sends a head with 200, and its body never arrives.",
            4,
            "hang-after-head",
        ))
        .stage("ready")
        .says("/health/: no answer (timeout after 2 s)"),
        hurried(start(
            "server-start/endless-body",
            "The body of the health check never ends.",
            4,
            "endless-body",
        ))
        .stage("ready")
        .says("/health/: no answer (timeout after 2 s)"),
        start(
            "server-start/slow",
            "The server needs seven seconds to start: the run waits and says so.",
            0,
            "slow",
        )
        .says("not ready after 5."),
    ]
}

/// A port that no other test uses.
const PORT: &str = "47811";

fn ports() -> Vec<FaultCase> {
    let held = |sandbox: &Sandbox| {
        sandbox.accompany("stranger.py", PORT)?;
        super::wait_for_listener(47811)
    };
    vec![
        case("server-start/port-held", "The port of `--port` is taken.", 4)
            .flags(&["-t", "3s", "--port", PORT])
            .before(held)
            .stage("serve")
            .says("port 47811 is held by process")
            .says("stranger.py 47811)")
            .quick(),
        case(
            "server-start/port-held-elsewhere",
            "The configured port is taken: another port is used.",
            0,
        )
        .edit("port = \"auto\"", "port = 47811")
        .before(held)
        .says("port 47811 is held by process")
        .says("using a free port instead"),
        grabbed(
            "server-start/port-grabbed",
            "Another process takes the port between our check and the server's bind: the server \
             is started once more on another port.",
            0,
        )
        .says("the server is started once more, on port "),
        grabbed(
            "server-start/configured-port-grabbed",
            "The same with the port of `--port`: no other port is used.",
            4,
        )
        .flags(&["-t", "3s", "--port", "47814"])
        .stage("ready")
        .says("exit status: 1; port 47814 is held by process ")
        .says("Address already in use")
        .says("try: end that process")
        .never("is started once more")
        .quick(),
    ]
}

/// The server waits until a stranger has its port before it binds it.
fn grabbed(name: &'static str, what: &'static str, code: i32) -> FaultCase {
    start(name, what, code, "grabbed")
        .before(|sandbox| {
            let wish = sandbox.folder.join("wish");
            sandbox.accompany("stranger.py", &wish.display().to_string())
        })
        .says("the server ended before it was ready: exit status: 1; port ")
        .says("stranger.py")
}

fn families() -> Vec<FaultCase> {
    vec![
        case(
            "server-start/autoreloader",
            "The server has an autoreloader with two processes: both are stopped.",
            0,
        )
        .edit("\"--noreload\", ", ""),
        case("server-start/daemon", "The server becomes a daemon.", 4)
            .server("daemon.py", &[])
            .stage("ready")
            .says("exit status: 0; it left process")
            .says("a server must stay in the foreground")
            .quick(),
        case(
            "server-start/bare-daemon",
            "The server becomes a daemon that clears its environment and leaves its folder.",
            4,
        )
        .server("daemon.py", &["bare"])
        .stage("ready")
        .says("a server must stay in the foreground"),
        start(
            "server-start/floods",
            "The server prints 100 MB: the log is truncated, its end is kept.",
            0,
            "flood",
        )
        .then(logs_are_short),
        start(
            "server-start/forks-again-and-again",
            "The server leaves processes that fork and end faster than they can be listed.",
            0,
            "hops",
        )
        .then(hops_are_over)
        .quick(),
    ]
}

/// The processes write as long as they live.
fn hops_are_over(sandbox: &Sandbox, _: &Outcome) -> Result<()> {
    for name in ["hops", "hops-alone"] {
        let size = || std::fs::metadata(sandbox.folder.join(name)).map(|data| data.len());
        let before = size()?;
        std::thread::sleep(Duration::from_millis(300));
        ensure!(before > 0 && size()? == before, "{name} goes on");
    }
    Ok(())
}

fn logs_are_short(_: &Sandbox, outcome: &Outcome) -> Result<()> {
    let logs = outcome.files.iter().filter(|(name, _)| name.starts_with("logs/server"));
    let sizes: Vec<usize> = logs.map(|(_, bytes)| bytes.len()).collect();
    let sum: usize = sizes.iter().sum();
    if sizes.is_empty() || sum > 6 * 1024 * 1024 {
        bail!("the server's logs have {sizes:?} bytes");
    }
    Ok(())
}
