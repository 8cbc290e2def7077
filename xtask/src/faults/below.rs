//! The descendant processes of a run: finding them, and sending them signals.

use std::process::Command;

use anyhow::{Context, Result};

use super::leaks;
use crate::tools;

/// All living descendants of a process.
pub fn of(root: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> =
        leaks::processes().into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![root];
    loop {
        let is_new = |pid: &u32| !found.contains(pid);
        let more = all.iter().filter(|(pid, parent)| found.contains(parent) && is_new(pid));
        let more: Vec<u32> = more.map(|(pid, _)| *pid).collect();
        if more.is_empty() {
            return found.split_off(1);
        }
        found.extend(more);
    }
}

/// A text file of proc(5), with zero bytes replaced by spaces.
pub fn text(pid: u32, name: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

fn parent(pid: u32) -> Option<u32> {
    let stat = text(pid, "stat");
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The server process of a run.
///
/// # Errors
/// There is none.
pub fn server(run: u32) -> Result<u32> {
    let stand_in = tools::root().join("fixtures/faults").display().to_string();
    let serves = |pid: &u32| {
        let command = text(*pid, "cmdline");
        command.contains("runserver") || command.contains(&stand_in)
    };
    of(run).into_iter().find(serves).context("the run has no server process")
}

/// Sends a signal by its name.
///
/// # Errors
/// The process is gone.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    tools::run(Command::new("kill").args([format!("-{name}"), pid.to_string()]))
}
