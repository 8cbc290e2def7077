//! Two processes that watch each other. What a user starts is the *guard*; it
//! does nothing but start the *worker*, hand it signals, and wait. Both adopt
//! whatever their descendants leave behind (`PR_SET_CHILD_SUBREAPER`), so that a
//! daemon that left its group and its session is still below them:
//! whichever of the two is killed, the other one ends the whole tree.

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

use crate::tree;

/// The hidden verb of the worker; what follows is the command line as it was.
pub const VERB: &str = "__worker";

/// Names the run in the environment of everything that it starts.
pub const RUN_ID: &str = "PORTCULLIS_RUN_ID";

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With its exit code.
    Code(u8),
    /// By a signal that nobody can catch, or a crash.
    Killed(i32),
}

/// How often the guard looks for signals and for the worker.
const TICK: Duration = Duration::from_millis(20);
/// How long a killed tree may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the worker and guards it to its end; then ends what it left, and
/// removes its private folder if it is still there.
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
        // Its end tells the worker of ours.
        .stdin(Stdio::piped())
        // The terminal's signals come to the guard alone, which hands them on:
        // one Ctrl-C is one signal.
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
            // It has just ended, and is about to be waited for.
            let _ = kill_process(pid, handed);
        }
    }
}

/// How the names of private folders begin.
pub const PRIVATE: &str = "portcullis-";

/// The run's private folder, by its name.
pub fn private_folder(run_id: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{PRIVATE}{run_id}"))
}

fn remove(folder: &Path) {
    // Killed processes may still be writing their last line into it.
    let start = Instant::now();
    while std::fs::remove_dir_all(folder).is_err() && folder.exists() {
        if start.elapsed() > PATIENCE {
            return;
        }
        std::thread::sleep(TICK);
    }
}

/// The worker's side: the run's id, if this process is a worker.
pub fn run_id() -> Option<String> {
    std::env::var(RUN_ID).ok().filter(|id| is_id(id))
}

/// The worker's side: adopts orphans, and when the guard is gone ends everything
/// at once, itself last. To be called once SIGTERM is handled and the private
/// folder is there: one that is made after its removal would stay.
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
        // Nothing is ever written: this ends when the guard does.
        let _ = std::io::stdin().read(&mut [0]);
        // What is still written until the end tells of a signal, not of children
        // that failed.
        let _ = kill_process(rustix::process::getpid(), Signal::TERM);
        std::thread::sleep(TICK);
        tree::kill_descendants(PATIENCE);
        remove(&folder);
        let _ = kill_process(rustix::process::getpid(), Signal::KILL);
    });
    Ok(())
}

/// An id is made by ourselves; one from elsewhere must not name a path.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}
