//! A service that the server needs, such as a database: a child in its own process group.
//! It runs until its owner stops or drops it, whatever else is ended meanwhile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::environment::Environment;
use crate::launch::{self, Background};
use crate::port::{self, Owner};
use crate::sweep;
use crate::tree::{self, Ended, StopSignal};

/// How a service is started and stopped.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// Program and arguments.
    pub argv: &'a [OsString],
    /// Working folder.
    pub folder: &'a Path,
    /// Its complete environment.
    pub environment: &'a Environment,
    /// The file for both output streams.
    pub log: &'a Path,
    /// Another account than that of this process.
    pub account: Option<Account>,
    /// The signals that ask it to end, each with the time that it has; then it is killed.
    pub stop: &'static [(StopSignal, Duration)],
}

/// A running service; dropping it stops it.
#[derive(Debug)]
pub struct Service {
    child: Child,
    log: PathBuf,
    stop: &'static [(StopSignal, Duration)],
    status: Option<ExitStatus>,
    is_stopped: bool,
}

/// Starts a service.
///
/// # Errors
/// The command cannot be started, or the log cannot be opened.
pub fn start(launch: &Launch<'_>) -> std::io::Result<Service> {
    let Launch { argv, folder, environment, log, account, stop } = *launch;
    let child = launch::spawn(&Background { argv, folder, environment, log, cpus: &[], account })?;
    sweep::spare(child.id());
    Ok(Service { child, log: log.to_owned(), stop, status: None, is_stopped: false })
}

impl Service {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Who has the port: this service's process tree, no process, or another one.
    pub fn owns_port(&self, port: u16) -> Owner {
        port::owner(port, || tree::members(self.pid()))
    }

    /// Waits at most `limit` for its end; returns its status if it has ended.
    pub fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = launch::ended_within(&mut self.child, &self.log, limit);
        }
        self.status
    }

    /// Stops it: its signals in order, then SIGKILL. Processes that it has left are ended
    /// too.
    pub fn stop(&mut self) -> Ended {
        if self.is_stopped {
            return Ended::Gone;
        }
        self.is_stopped = true;
        let pid = self.pid();
        // Children in process groups of their own would be forgotten otherwise.
        let all = tree::members(pid);
        let (child, status) = (&mut self.child, &mut self.status);
        let ended = tree::end_group_by(pid, self.stop, || {
            if status.is_none() {
                *status = child.try_wait().ok().flatten();
            }
        });
        sweep::spare_no_longer(pid);
        if ended == Ended::Killed {
            all.iter().for_each(|pid| tree::signal(*pid, Signal::KILL));
        }
        ended
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::interrupt::Interrupts;
    use crate::step::{self, Step};

    const STOP: &[(StopSignal, Duration)] = &[
        (StopSignal::Interrupt, Duration::from_millis(300)),
        (StopSignal::Quit, Duration::from_secs(20)),
    ];

    fn start_shell(script: &str, folder: &Path) -> Service {
        let environment = Environment::inherited(std::env::vars_os());
        let argv = ["sh", "-c", script].map(OsString::from);
        let log = folder.join("log");
        let launch = Launch {
            argv: &argv,
            folder,
            environment: &environment,
            log: &log,
            account: None,
            stop: STOP,
        };
        let service = start(&launch).unwrap();
        let begun = Instant::now();
        while std::fs::read_to_string(&log).unwrap().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never started");
            std::thread::sleep(Duration::from_millis(5));
        }
        service
    }

    #[test]
    fn signals_are_sent_in_order_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let polite = "trap 'echo int; exit' INT; echo ready; while :; do sleep 0.05; done";
        assert_eq!(start_shell(polite, folder.path()).stop(), Ended::Politely);
        // A shell may also tell how the command that it was waiting for has ended.
        let log = || {
            let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
            let known = |line: &&str| ["ready", "int", "quit"].contains(line);
            text.lines().filter(known).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(log(), "ready int");
        std::fs::remove_file(folder.path().join("log")).unwrap();
        let slow = "trap 'echo int' INT; trap 'echo quit; exit' QUIT; echo ready; \
                    while :; do sleep 0.05; done";
        assert_eq!(start_shell(slow, folder.path()).stop(), Ended::Politely);
        assert_eq!(log(), "ready int quit");
    }

    #[test]
    fn the_end_of_a_step_is_not_the_end_of_a_service() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = start_shell("echo ready; sleep 600", folder.path());
        let log = folder.path().join("step");
        let environment = Environment::inherited(std::env::vars_os());
        let step = Step {
            argv: ["sh", "-c", "true"].map(OsString::from).to_vec(),
            folder: folder.path(),
            environment: &environment,
            stdin: None,
            log: &log,
            deadline: Duration::from_secs(60),
        };
        step::run(&step, &Interrupts::default()).unwrap();
        assert_eq!(service.ended_within(Duration::from_millis(100)), None);
        let pid = service.pid();
        drop(service);
        assert_eq!(tree::members(pid), Vec::<u32>::new());
    }
}
