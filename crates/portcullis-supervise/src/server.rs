//! The server: a child in its own process group. Dropping its owner ends the whole group,
//! on every path through the code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use portcullis_core::measure::Usage;

use crate::environment::Environment;
use crate::launch::{self, Background};
use crate::port::Owner;
use crate::tree::{self, Ended};
use crate::{port, sweep};

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: PathBuf,
    grace: Duration,
    status: Option<ExitStatus>,
    stopped: bool,
    /// Processes that had left its group, and were ended after it.
    pub strays: Vec<String>,
}

/// How often a port that seems to be a stranger's is looked at again.
const TRIES: u32 = 4;

/// Starts a server. Its output goes to `log`. It runs on `cpus`; on all CPUs if the list is
/// empty.
///
/// # Errors
/// The command cannot be started, or the log cannot be opened.
pub fn start(
    argv: &[OsString],
    folder: &Path,
    environment: &Environment,
    log: &Path,
    grace: Duration,
    cpus: &[usize],
) -> std::io::Result<Server> {
    let account = None;
    let child = launch::spawn(&Background { argv, folder, environment, log, cpus, account })?;
    Ok(Server {
        child,
        log: log.to_owned(),
        grace,
        status: None,
        stopped: false,
        strays: Vec::new(),
    })
}

impl Server {
    /// Its process id, which is also the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits at most `limit` for its end; returns its status if it has ended.
    pub fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = launch::ended_within(&mut self.child, &self.log, limit);
        }
        self.status
    }

    /// Who has the port: this server's process tree, no process, or another one. A stranger is
    /// looked for again, because a worker may just have been replaced.
    pub fn owns_port(&self, port: u16) -> Owner {
        let look = || port::owner(port, || tree::members(self.pid()));
        for _ in 0..TRIES {
            match look() {
                Owner::Foreign(_) => std::thread::sleep(Duration::from_millis(20)),
                other => return other,
            }
        }
        look()
    }

    /// The stranger who listens on the port too, if the listeners have changed since the last
    /// call. New workers of this server are no strangers.
    pub fn stranger(&self, listeners: &mut port::Listeners) -> Option<String> {
        let is_ours = |owner: &Owner| !matches!(owner, Owner::Foreign(_));
        if !listeners.have_changed() || is_ours(&self.owns_port(listeners.port)) {
            return None;
        }
        Some(match self.owns_port(listeners.port) {
            Owner::Foreign(Some(pid)) => format!("process {pid} ({})", tree::command_of(pid)),
            _ => "another process".to_owned(),
        })
    }

    /// The addresses on which its process tree listens, for messages.
    pub fn addresses(&self) -> Vec<std::net::SocketAddr> {
        port::addresses(&tree::members(self.pid()))
    }

    /// The resources that its process tree has used so far.
    pub fn usage(&self) -> Usage {
        tree::usage(self.pid())
    }

    /// The CPU time of its process tree so far, and its resident memory in bytes; cheaper than
    /// `usage`.
    pub fn cpu_and_memory_bytes(&self) -> (Duration, u64) {
        tree::cpu_and_memory_bytes(self.pid())
    }

    /// Makes a hung server write its stack, which also ends it.
    pub fn ask_for_stack(&mut self) {
        let pid = self.pid();
        tree::ask_for_stack(pid, || self.ended_within(Duration::ZERO).is_some());
    }

    /// Stops it: SIGTERM to the group, the grace period, then SIGKILL.
    pub fn stop(&mut self) -> Ended {
        self.stop_beside(&[])
    }

    /// The same while other servers keep running: their processes are not ended.
    pub fn stop_beside(&mut self, others: &[u32]) -> Ended {
        if self.stopped {
            return Ended::Gone;
        }
        let ended = self.stop_group();
        self.strays = sweep::sweep(others, self.grace).found;
        ended
    }

    /// Stops its process group only, for another start beside servers that keep running.
    pub fn stop_group(&mut self) -> Ended {
        self.stopped = true;
        let group = self.pid();
        let (child, status) = (&mut self.child, &mut self.status);
        tree::end_group(group, self.grace, || {
            if status.is_none() {
                *status = child.try_wait().ok().flatten();
            }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_shell(script: &str, grace: Duration, folder: &Path) -> Server {
        let environment = Environment::inherited(std::env::vars_os());
        let argv = ["sh", "-c", script].map(OsString::from);
        start(&argv, folder, &environment, &folder.join("log"), grace, &[]).unwrap()
    }

    #[test]
    fn stopping_ends_children_and_is_polite_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut server =
            start_shell("sleep 600 & sleep 600", Duration::from_secs(20), folder.path());
        assert_eq!(server.ended_within(Duration::from_millis(200)), None);
        let pid = server.pid();
        assert!(tree::members(pid).len() >= 2);
        assert_eq!(server.stop(), Ended::Politely);
        assert_eq!(tree::members(pid), Vec::<u32>::new());
        assert_eq!(server.stop(), Ended::Gone);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn time_and_memory_are_those_of_the_whole_tree() {
        let folder = tempfile::tempdir().unwrap();
        let script = "(while :; do :; done) & sleep 600";
        let server = start_shell(script, Duration::from_secs(20), folder.path());
        let begun = std::time::Instant::now();
        while server.cpu_and_memory_bytes().0 < Duration::from_millis(50) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the child's time is not counted");
            std::thread::sleep(Duration::from_millis(5));
        }
        let (before, (cpu, bytes), after) =
            (server.usage(), server.cpu_and_memory_bytes(), server.usage());
        assert!((before.cpu..=after.cpu).contains(&cpu), "{cpu:?} of {before:?} to {after:?}");
        assert!(bytes > 0 && bytes <= after.peak_memory_bytes, "{bytes} of {after:?}");
    }

    #[test]
    fn whoever_ignores_the_polite_signal_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        let mut server = start_shell(script, Duration::from_millis(300), folder.path());
        while std::fs::read_to_string(folder.path().join("log")).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(server.stop(), Ended::Killed);
        assert_eq!(tree::members(server.pid()), Vec::<u32>::new());
    }

    #[test]
    fn the_exit_status_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start_shell("exit 3", Duration::from_secs(1), folder.path());
        let status = server.ended_within(Duration::from_secs(30)).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(server.ended_within(Duration::ZERO), Some(status));
    }
}
