//! Two processes that watch each other. The user starts the *guard*. The guard only starts
//! the *worker*, passes signals on to it, and waits for its end. The worker does the whole
//! job.
//!
//! Both are subreapers (`PR_SET_CHILD_SUBREAPER`): a process whose parent has ended becomes
//! their child, so even a daemon that has left its process group and session stays below
//! them. If one of the two is killed, the other one ends the whole process tree.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use wait_timeout::ChildExt;

use crate::{shared_memory, tree};

/// The hidden command of the worker; the original command line follows it.
pub const VERB: &str = "__worker";

/// The environment variable with the id of the run, set for every process that the run
/// starts.
pub const RUN_ID: &str = "PORTCULLIS_RUN_ID";

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(u8),
    /// It was ended by a signal that cannot be caught, or crashed.
    Killed(i32),
}

/// How often the guard checks for signals and for the end of the worker.
const TICK: Duration = Duration::from_millis(20);
/// How long a killed process tree may take to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the worker and waits for its end. Then ends the processes that are left, and
/// removes the run's private folder if it still exists.
///
/// # Errors
/// The worker cannot be started or waited for.
#[expect(clippy::disallowed_methods, reason = "the one place where the worker is started")]
pub fn run(binary: &Path, arguments: &[OsString], run_id: &str) -> std::io::Result<Ended> {
    let (signals, received) = std::sync::mpsc::channel();
    let mut pending = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
    std::thread::spawn(move || pending.forever().try_for_each(|signal| signals.send(signal)));
    tree::adopt_orphans()?;
    let mut worker = Command::new(binary)
        .arg(VERB)
        .args(arguments)
        .env(RUN_ID, run_id)
        // A pipe that closes when the guard ends, which tells the worker.
        .stdin(Stdio::piped())
        // Only the guard gets the terminal's signals, and passes them on. So one Ctrl-C is one
        // signal for the worker.
        .process_group(0)
        .spawn()?;
    let pipe = worker.stdin.take();
    let status = wait(&mut worker, &received)?;
    drop(pipe);
    tree::kill_descendants(PATIENCE);
    if status.code().is_none() {
        remove(&private_folder(run_id));
    }
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(u8::try_from(code).unwrap_or(70)),
        (None, signal) => Ended::Killed(signal.unwrap_or(0)),
    })
}

fn wait(
    worker: &mut Child,
    received: &std::sync::mpsc::Receiver<i32>,
) -> std::io::Result<ExitStatus> {
    let pid = Pid::from_child(worker);
    loop {
        if let Some(status) = worker.wait_timeout(TICK)? {
            return Ok(status);
        }
        for signal in received.try_iter() {
            let handed = match signal {
                SIGINT => Signal::INT,
                SIGQUIT => Signal::QUIT,
                SIGHUP => Signal::HUP,
                _ => Signal::TERM,
            };
            // An error means that the worker has just ended, and will be waited for next.
            let _ = kill_process(pid, handed);
        }
    }
}

/// The prefix of the names of private folders.
pub const PRIVATE: &str = "portcullis-";

/// The path of the run's private folder.
pub fn private_folder(run_id: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{PRIVATE}{run_id}"))
}

fn remove(folder: &Path) {
    shared_memory::remove_below(folder);
    // Killed processes may still write into the folder, so removing it is tried again.
    let start = Instant::now();
    while std::fs::remove_dir_all(folder).is_err() && folder.exists() {
        if start.elapsed() > PATIENCE {
            return;
        }
        std::thread::sleep(TICK);
    }
}

/// Called by the worker: the id of the run, if this process is a worker.
pub fn run_id() -> Option<String> {
    std::env::var(RUN_ID).ok().filter(|id| is_id(id))
}

/// Called by the worker: makes it adopt orphaned processes, and ends everything at once
/// when the guard is gone, the worker itself last. Must be called after the handler of
/// SIGTERM is set and the private folder exists; a folder that is created after the removal
/// would stay.
///
/// # Errors
/// The system refuses to make it a subreaper.
pub fn watch(run_id: &str) -> std::io::Result<()> {
    static WATCHES: AtomicBool = AtomicBool::new(false);
    if WATCHES.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    tree::adopt_orphans()?;
    let folder = private_folder(run_id);
    std::thread::spawn(move || {
        // Nothing is ever written into this pipe: the read ends when the guard does.
        let _ = std::io::stdin().read(&mut [0]);
        // With this signal, messages written until the end report a signal, not failed children.
        let _ = kill_process(rustix::process::getpid(), Signal::TERM);
        std::thread::sleep(TICK);
        tree::kill_descendants(PATIENCE);
        remove(&folder);
        let _ = kill_process(rustix::process::getpid(), Signal::KILL);
    });
    Ok(())
}

/// Whether a text has the form of a run's id. A text from outside must not be used as a
/// path.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}
