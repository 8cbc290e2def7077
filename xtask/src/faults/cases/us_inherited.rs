//! What Portcullis gets from its surroundings: a terminal, signals that its parent ignores,
//! a folder of artifacts that another run uses, and what a killed run has left.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::actions::worker;
use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    vec![
        case(
            "us/tostop",
            "The terminal stops background processes that write to it (`stty tostop`): the run \
             goes on.",
            0,
        )
        .within(WITH_TOSTOP),
        case(
            "us/sigchld-ignored",
            "The parent process ignores SIGCHLD: the ends of processes are still seen.",
            0,
        )
        .within(WITHOUT_SIGCHLD)
        .quick(),
        case("us/two-runs-one-folder", "Two runs with the same `--out`: the second is refused.", 0)
            .flags(&["-t", "6s"])
            .during(" requests, ", second_run)
            .quick(),
        case(
            "us/killed-together",
            "Guard and worker are killed at the same moment: the next run ends what they have \
             left, and says so.",
            -9,
        )
        .flags(&["-t", "20s"])
        // The process that serves is no direct child of the worker, so it outlives it.
        .edit("\"--noreload\", ", "")
        .during(" requests, ", |_, run| {
            let both = [worker(run)?.to_string(), run.to_string()];
            tools::run(Command::new("kill").arg("-KILL").args(both))
        })
        .without_results()
        .then(next_run_ends_it)
        .quick(),
    ]
}

/// Runs the rest in a new terminal with `tostop`, copies its output, and exits with its code.
const WITH_TOSTOP: &str = r#"exec python3 -c '
import os, pty, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    settings = termios.tcgetattr(0)
    settings[3] |= termios.TOSTOP
    termios.tcsetattr(0, termios.TCSANOW, settings)
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        text = os.read(terminal, 4096)
    except OSError:
        break
    if not text:
        break
    os.write(1, text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@""#;

const WITHOUT_SIGCHLD: &str = r#"exec python3 -c '
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
' "$@""#;

fn second_run(sandbox: &Sandbox, _: u32) -> Result<()> {
    let output = sandbox.command(&case("second", "", 2))?.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2), "the second run: {}:\n{text}", output.status);
    ensure!(text.contains("another run is writing to "), "the second run says:\n{text}");
    Ok(())
}

fn next_run_ends_it(sandbox: &Sandbox, _: &Outcome) -> Result<()> {
    // The server's own process has ended with the worker, its child goes on.
    std::thread::sleep(Duration::from_millis(500));
    let next = sandbox.again(&case("again", "", 0), 0)?;
    for text in ["what it had left running was ended: process ", "its folder was removed: "] {
        ensure!(next.text.contains(text), "the next run does not say {text:?}:\n{}", next.text);
    }
    Ok(())
}
