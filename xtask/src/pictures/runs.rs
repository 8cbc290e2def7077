//! The runs for the pictures, as data: the bundled service, with one problem in each.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::faults::BUSY;
use crate::faults::actions::worker;
use crate::faults::below::{server, signal};
use crate::faults::case::{FaultCase, case};
use crate::faults::sandbox::Sandbox;

/// A text that is on the screen during the load.
pub const LOADED: &str = "  generator ";

const FLAGS: [&str; 6] = ["-u", "5", "-r", "5", "-t", "8s"];

/// The runs; each is named like its folder.
pub fn all() -> Vec<FaultCase> {
    vec![
        case("green", "Nothing is wrong.", 0).flags(&FLAGS),
        case("slow-task", "The dashboard waits for 700 ms.", 1)
            .flags(&FLAGS)
            .faults("dashboard=delay:700ms"),
        case("errors", "Every fifth answer about claims is a 500.", 1)
            .flags(&FLAGS)
            .faults("claims=status:500@0.2"),
        case(
            "login-throttled",
            "Six users log in, but the service allows five logins per hour.",
            5,
        )
        .flags(&["-u", "6", "-r", "6", "-t", "8s"]),
        case("server-died", "The server gets SIGKILL, as from a kernel that is out of memory.", 4)
            .flags(&FLAGS)
            .during(LOADED, |_, run| signal(server(run)?, "KILL")),
        case("generator-late", "The worker process is stopped for a while.", 5)
            .flags(&FLAGS)
            .during(LOADED, |_, run| hold(worker(run)?))
            .says(BUSY),
        case("regression", "The list of claims takes 20 ms longer than in the base.", 1)
            .flags(&["-u", "2", "-r", "2", "-t", "4s", "--against", "HEAD"])
            .before(slower_than_its_base),
        case("interrupted", "Ctrl-C during the load.", 130).flags(&FLAGS).during(
            LOADED,
            |_, run| {
                std::thread::sleep(Duration::from_secs(3));
                signal(run, "INT")
            },
        ),
    ]
}

fn hold(pid: u32) -> Result<()> {
    for _ in 0..3 {
        signal(pid, "STOP")?;
        std::thread::sleep(Duration::from_millis(700));
        signal(pid, "CONT")?;
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

/// A middleware that delays the list of claims.
const WAITING: &str = "import time


class Waiting:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == \"/api/v1/claims/\" and not request.GET:
            time.sleep(0.02)
        return self.get_response(request)
";

/// Commits the service as the base, and makes the working tree slower.
fn slower_than_its_base(sandbox: &Sandbox) -> Result<()> {
    std::fs::write(sandbox.folder.join(".gitignore"), "/*\n!/service\n")?;
    for arguments in [
        &["init", "-q", "-b", "main"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "The dashboard counts open claims"],
    ] {
        let git = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@localhost"])
            .args(arguments)
            .current_dir(&sandbox.folder)
            .status()?;
        ensure!(git.success(), "git {arguments:?} failed");
    }
    std::fs::write(sandbox.folder.join("service/upstream/waiting.py"), WAITING)?;
    let settings = sandbox.folder.join("service/hello_world/settings.py");
    let text = std::fs::read_to_string(&settings)?;
    let first = "MIDDLEWARE = [\n";
    ensure!(text.contains(first), "the settings have no {first:?}");
    let more = format!("{first}    \"upstream.waiting.Waiting\",\n");
    std::fs::write(settings, text.replacen(first, &more, 1))?;
    Ok(())
}
