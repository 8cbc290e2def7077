//! Faults of Portcullis itself: signals, kills, output that nobody reads, artifacts that
//! disappear.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::actions::{ended_within, worker};
use super::super::below::signal;
use super::super::case::{Disturb, FaultCase, Need, case};
use super::super::panics;
use super::super::sandbox::{Outcome, Sandbox};

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    let all = [asked_to_end(), killed(), stopped(), super::us_inherited::cases(), outputs()];
    all.into_iter().chain([artifacts()]).flatten().collect()
}

/// A stage that lasts long enough for an action: with the fault that makes it hang, and
/// the last line of output before it.
#[derive(Clone, Copy)]
enum During {
    Migrate,
    Ready,
    Load,
}

impl During {
    fn case(self, name: &'static str, what: &'static str, code: i32, act: Disturb) -> FaultCase {
        let (faults, text) = match self {
            Self::Migrate => ("migrate=hang", "  install "),
            Self::Ready => ("start=hang", "  serve "),
            Self::Load => ("", " requests, "),
        };
        case(name, what, code).flags(&["-t", "20s"]).faults(faults).during(text, act)
    }
}

/// An action that sends a signal shortly after the stage has begun.
macro_rules! sent {
    ($name:literal) => {
        |_, run| {
            std::thread::sleep(Duration::from_millis(700));
            signal(run, $name)
        }
    };
}

fn asked_to_end() -> Vec<FaultCase> {
    use During::{Load, Migrate, Ready};
    let polite = |stage: During, name, what, code, act| {
        stage.case(name, what, code, act).says("INTERRUPTED: ")
    };
    vec![
        polite(Migrate, "us/int-in-migrate", "Ctrl-C during the migrations.", 130, sent!("INT"))
            .quick(),
        polite(Migrate, "us/term-in-migrate", "SIGTERM during the migrations.", 143, sent!("TERM")),
        polite(Migrate, "us/hup-in-migrate", "The terminal closes during the migrations (SIGHUP).", 143, sent!("HUP")),
        polite(Migrate, "us/quit-in-migrate", "SIGQUIT during the migrations.", 143, sent!("QUIT")),
        polite(Ready, "us/int-in-ready", "Ctrl-C while the server starts.", 130, sent!("INT")),
        polite(Ready, "us/term-in-ready", "SIGTERM while the server starts.", 143, sent!("TERM")).quick(),
        polite(Ready, "us/hup-in-ready", "The terminal closes while the server starts (SIGHUP).", 143, sent!("HUP")),
        polite(Ready, "us/quit-in-ready", "SIGQUIT while the server starts.", 143, sent!("QUIT")),
        polite(Load, "us/int-in-load", "Ctrl-C during the load.", 130, sent!("INT"))
            .then(measured_a_little)
            .quick(),
        polite(Load, "us/term-in-load", "SIGTERM during the load.", 143, sent!("TERM"))
            .then(measured_a_little),
        polite(Load, "us/hup-in-load", "The terminal closes during the load (SIGHUP).", 143, sent!("HUP")),
        polite(Load, "us/quit-in-load", "SIGQUIT during the load.", 143, sent!("QUIT")),
        Load.case(
            "us/second-int",
            "The server ignores SIGTERM and has a minute to stop; a second Ctrl-C kills it at once.",
            130,
            |_, run| {
                std::thread::sleep(Duration::from_millis(700));
                signal(run, "INT")?;
                std::thread::sleep(Duration::from_millis(1500));
                ensure!(ended_within(run, Duration::ZERO).is_err(), "the first signal ended the run");
                signal(run, "INT")?;
                ended_within(run, Duration::from_secs(3))
            },
        )
        .edit(
            "argv = [\"{python}\", \"{manage}\", \"runserver\", \"--noreload\", \
             \"127.0.0.1:{port}\"]\n",
            "argv = [\"sh\", \"-c\", \"trap '' TERM; exec \\\"$@\\\"\", \"sh\", \"{python}\", \
             \"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"]\n\
             stop_grace = \"60s\"\n",
        )
        .says("the server had to be killed"),
    ]
}

/// Checks that the artifacts have the requests before the signal, and that nothing is judged.
fn measured_a_little(_: &Sandbox, outcome: &Outcome) -> Result<()> {
    let results = outcome.results()?;
    ensure!(outcome.files.contains_key("perf_results_stats.csv"), "there is no CSV");
    let requests = &results["summary"]["aggregate"]["requests"];
    ensure!(requests.as_u64() > Some(0), "the results have {requests} requests");
    ensure!(results["thresholds"] == serde_json::json!([]), "thresholds were judged");
    Ok(())
}

fn killed() -> Vec<FaultCase> {
    use During::{Load, Migrate, Ready};
    let kill = |stage: During, name, what| stage.case(name, what, -9, sent!("KILL"));
    let killed =
        |stage, name, what| kill(stage, name, what).without_results().never("\"exit_code\":3");
    let crashed = |name, what, act| Load.case(name, what, 70, act).without_results();
    vec![
        killed(Migrate, "us/kill-in-migrate", "SIGKILL during the migrations.").quick(),
        killed(Ready, "us/kill-in-ready", "SIGKILL while the server starts."),
        killed(Load, "us/kill-in-load", "SIGKILL during the load; the next run is green.")
            .then(|sandbox, _| sandbox.again(&case("again", "", 0), 0).map(drop))
            .quick(),
        crashed("us/worker-killed", "The worker process is killed.", |_, run| {
            signal(worker(run)?, "KILL")
        })
        .says("DEFECT: the run's own process was killed by signal 9")
        .says("everything it had started was ended")
        .quick(),
        crashed("us/worker-crashes", "The worker process crashes.", |_, run| {
            signal(worker(run)?, "ABRT")
        })
        .says("DEFECT: the run's own process was killed by signal 6"),
        panicked("us/panic-in-migrate", "Portcullis panics during the migrations.", "migrate"),
        panicked("us/panic-in-load", "Portcullis panics during the load.", "progress").quick(),
    ]
}

/// A panic in Portcullis ends the whole process tree at once, and the artifacts report it.
fn panicked(name: &'static str, what: &'static str, at: &'static str) -> FaultCase {
    case(name, what, 70)
        .flags(&["-t", "60s"])
        .variable(panics::VARIABLE, at)
        .during("XTASK_FAULTS_PANIC=", |_, run| ended_within(run, Duration::from_secs(10)))
        .says("DEFECT: a panic, see above")
}

fn stopped() -> Vec<FaultCase> {
    vec![
        case("us/worker-stopped", "The worker process is stopped and continued.", 5)
            .flags(&["-t", "6s"])
            .during(" requests, ", |_, run| paused(worker(run)?, Duration::from_secs(2)))
            .stage("load")
            .says("INVALID: ")
            .quick(),
        case(
            "us/worker-stopped-for-good",
            "The worker process is stopped; Ctrl-C continues it, and it ends in order.",
            130,
        )
        .flags(&["-t", "30s"])
        .during(" requests, ", |_, run| {
            signal(worker(run)?, "STOP")?;
            std::thread::sleep(Duration::from_millis(300));
            signal(run, "INT")?;
            ended_within(run, Duration::from_secs(30))
        })
        .says("INTERRUPTED: ")
        .quick(),
        case("us/guard-stopped", "The guard process is stopped and continued: nothing is lost.", 0)
            .flags(&["-t", "4s"])
            .during(" requests, ", |_, run| paused(run, Duration::from_secs(2))),
    ]
}

fn paused(pid: u32, time: Duration) -> Result<()> {
    signal(pid, "STOP")?;
    std::thread::sleep(time);
    signal(pid, "CONT")
}

fn outputs() -> Vec<FaultCase> {
    vec![
        case("us/stdout-closed", "Standard output is closed.", 0)
            .within(r#"exec "$@" >&-"#)
            .quick(),
        case("us/stdout-unread", "The reader of the output exits after the first line.", 0).within(
            r#"mkfifo "$SANDBOX/pipe"; head -n 1 <"$SANDBOX/pipe" & exec "$@" >"$SANDBOX/pipe""#,
        ),
        case("us/dev-full", "Standard output and error are on a full disk.", 0)
            .within(r#"exec "$@" >/dev/full 2>/dev/full"#),
        case("us/terminal-closed", "The terminal of the run is closed.", 0)
            .flags(&["-t", "20s"])
            .within(IN_A_TERMINAL)
            .without_results()
            .then(|sandbox, _| {
                let file = sandbox.artifacts().join("perf_results.json");
                let text = std::fs::read_to_string(&file).context("no results")?;
                let results: serde_json::Value = serde_json::from_str(&text)?;
                ensure!(
                    results["exit_code"] == 143,
                    "exit {} in the results",
                    results["exit_code"]
                );
                Ok(())
            })
            .quick(),
    ]
}

/// Runs the rest in a new terminal, and closes it a second after the load has begun. Exits
/// with 0 once the run has ended too.
const IN_A_TERMINAL: &str = r#"exec python3 -c '
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while b"requests" not in seen:
    seen += os.read(terminal, 4096)
time.sleep(1)
os.close(terminal)
os.waitpid(pid, 0)
' "$@""#;

fn artifacts() -> Vec<FaultCase> {
    let load = " requests, ";
    vec![
        case(
            "us/artifacts-deleted",
            "The folder of artifacts is deleted during the load: it is created again.",
            0,
        )
        .during(load, |sandbox, _| Ok(std::fs::remove_dir_all(sandbox.artifacts())?))
        .then(|sandbox, outcome| {
            ensure!(outcome.files.contains_key("logs/server.log"), "there is no log");
            // The next run must still recognise the folder as its own.
            sandbox.again(&case("again", "", 0), 0).map(drop)
        }),
        case("us/artifacts-replaced", "The folder of artifacts is replaced by a file.", 2)
            .during(load, |sandbox, _| {
                std::fs::remove_dir_all(sandbox.artifacts())?;
                Ok(std::fs::write(sandbox.artifacts(), "in the way")?)
            })
            .without_results()
            .says("are incomplete"),
        case(
            "us/disk-full-at-the-end",
            "The disk is full when artifacts are written: what fits is kept, and the loss is reported.",
            2,
        )
        .needs(Need::Mounts)
        .within(ON_A_SMALL_DISK)
        .says("are incomplete: ")
        .says("No space left on device")
        .then(|_, outcome| {
            let names: Vec<_> = outcome.files.keys().collect();
            ensure!(outcome.files.contains_key("perf_results.json"), "only {names:?}");
            ensure!(!outcome.files.contains_key("perf_results.html"), "everything fits: {names:?}");
            Ok(())
        })
        .quick(),
    ]
}

/// Mounts a small disk as the folder of artifacts, and keeps its content at the end.
const ON_A_SMALL_DISK: &str = r#"exec unshare -m sh -c '
folder="$SANDBOX/project/.portcullis"
mkdir -p "$folder" && mount -t tmpfs -o size=128k none "$folder" || exit 99
"$@"
code=$?
cp -a "$folder" "$SANDBOX/kept" && umount "$folder" && cp -a "$SANDBOX/kept/." "$folder" || exit 99
exit $code
' sh "$@""#;
