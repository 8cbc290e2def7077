//! Two processes that watch each other. The user starts the *guard*. The guard only starts
//! the *worker*, passes signals on to it, and waits for its end. The worker does the whole
//! job.
//!
//! Both are subreapers (`PR_SET_CHILD_SUBREAPER`): a process whose parent has ended becomes
//! their child, so even a daemon that has left its process group and session stays below
//! them. If one of the two is killed, the other one ends the whole process tree.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use portcullis_core::judge::Signal as Interrupt;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::{interrupt, shared_memory, sweep};

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
    /// The user's signal ended it before it could report, or it had to be killed after it.
    Interrupted(Interrupt),
    /// It was ended by a signal that nobody had sent to the guard, or crashed.
    Killed(i32),
}

/// How often the guard checks for the end of the worker.
const TICK: Duration = Duration::from_millis(20);
/// How long a killed process tree may take to disappear.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an orderly end may take: longer than any server's time to stop.
const ORDERLY: Duration = Duration::from_secs(600);
/// The same after a second signal, when servers are killed without waiting.
const HURRIED: Duration = Duration::from_secs(30);

/// Starts the worker and waits for its end. Then ends the processes that are left, and
/// removes the run's private folder if it still exists. Also returns the processes that could
/// not be ended.
///
/// # Errors
/// The worker cannot be started or waited for.
#[expect(clippy::disallowed_methods, reason = "the one place where the worker is started")]
pub fn run(
    binary: &Path,
    arguments: &[OsString],
    run_id: &str,
) -> std::io::Result<(Ended, Vec<String>)> {
    let (signals, received) = std::sync::mpsc::channel();
    let mut pending = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
    std::thread::spawn(move || pending.forever().try_for_each(|signal| signals.send(signal)));
    sweep::adopt_orphans()?;
    let mut worker = Command::new(binary)
        .arg(VERB)
        .args(arguments)
        .env(RUN_ID, run_id)
        // A pipe that closes when the guard ends, which tells the worker.
        .stdin(Stdio::piped())
        .spawn()?;
    let pipe = worker.stdin.take();
    let ended = wait(&mut worker, &received)?;
    drop(pipe);
    let left = sweep::kill_descendants(PATIENCE);
    if !matches!(ended, Ended::Code(_)) {
        remove(&private_folder(run_id));
    }
    Ok((ended, left))
}

fn wait(worker: &mut Child, received: &Receiver<i32>) -> std::io::Result<Ended> {
    let pid = Pid::from_child(worker);
    let mut asked: Option<Asked> = None;
    loop {
        if let Some(status) = worker.try_wait()? {
            return Ok(ended(status, asked.as_ref()));
        }
        match received.recv_timeout(TICK) {
            Ok(signal) => {
                pass_on(pid, signal);
                let first = asked.as_ref().map_or(signal, |asked| asked.first);
                let signals = asked.as_ref().map_or(0, |asked| asked.signals) + 1;
                asked = Some(Asked { first, signals, last: Instant::now(), is_killed: false });
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
        }
        if let Some(asked) = asked.as_mut().filter(|asked| asked.is_over(asked.last.elapsed())) {
            asked.is_killed = true;
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The signals that were passed on to a worker that has not ended yet.
struct Asked {
    /// The first signal, which decides the exit code.
    first: i32,
    signals: u32,
    last: Instant,
    is_killed: bool,
}

impl Asked {
    /// Whether the worker has had enough time since the last signal.
    fn is_over(&self, since: Duration) -> bool {
        since > if self.signals > 1 { HURRIED } else { ORDERLY }
    }
}

/// A worker that was ended by a signal of the user has only not come to handling it.
fn ended(status: ExitStatus, asked: Option<&Asked>) -> Ended {
    let signal = status.signal().unwrap_or(0);
    match (status.code(), asked) {
        (Some(code), _) => Ended::Code(u8::try_from(code).unwrap_or(70)),
        (None, Some(asked)) if asked.is_killed || signal == asked.first => {
            Ended::Interrupted(interrupt::meaning(asked.first))
        }
        (None, _) => Ended::Killed(signal),
    }
}

/// Passes a signal on to the worker, and continues it if it was stopped: a stopped process
/// does not handle a signal.
fn pass_on(worker: Pid, signal: i32) {
    let handed = match signal {
        SIGINT => Signal::INT,
        SIGQUIT => Signal::QUIT,
        SIGHUP => Signal::HUP,
        _ => Signal::TERM,
    };
    // An error means that the worker has just ended, and will be waited for next.
    let _ = kill_process(worker, handed);
    let _ = kill_process(worker, Signal::CONT);
}

/// Called by the worker first: makes it leave the session of the terminal. So only the guard
/// gets the terminal's signals and passes them on, and one Ctrl-C is one signal for the
/// worker. A terminal with `stty tostop` also stops only processes of its own session.
pub fn leave_terminal() {
    // An error means that it leads a group already; then the terminal may still stop it.
    let _ = rustix::process::setsid();
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
    sweep::adopt_orphans()?;
    let folder = private_folder(run_id);
    std::thread::spawn(move || {
        // Nothing is ever written into this pipe: the read ends when the guard does.
        let _ = std::io::stdin().read(&mut [0]);
        // With this signal, messages written until the end report a signal, not failed children.
        let _ = kill_process(rustix::process::getpid(), Signal::TERM);
        std::thread::sleep(TICK);
        sweep::kill_descendants(PATIENCE);
        remove(&folder);
        let _ = kill_process(rustix::process::getpid(), Signal::KILL);
    });
    Ok(())
}

/// Whether a text has the form of a run's id. A text from outside must not be used as a
/// path.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_does_not_end_after_a_signal_is_killed() {
        let asked =
            |signals, is_killed| Asked { first: SIGTERM, signals, last: Instant::now(), is_killed };
        assert!(!asked(1, false).is_over(ORDERLY) && asked(1, false).is_over(ORDERLY * 2));
        assert!(!asked(2, false).is_over(HURRIED) && asked(2, false).is_over(HURRIED * 2));
        let killed = ExitStatus::from_raw(9);
        let by_user = Ended::Interrupted(Interrupt::Terminate);
        assert_eq!(ended(killed, None), Ended::Killed(9));
        assert_eq!(ended(killed, Some(&asked(1, false))), Ended::Killed(9));
        assert_eq!(ended(killed, Some(&asked(2, true))), by_user);
        assert_eq!(ended(ExitStatus::from_raw(SIGTERM), Some(&asked(1, false))), by_user);
    }
}
