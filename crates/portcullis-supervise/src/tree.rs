//! Process trees: which processes belong to a child, and how a whole group is ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::interrupt;
use portcullis_core::measure::Usage;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// How a group was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No process was left.
    Gone,
    /// It ended after SIGTERM.
    Politely,
    /// It had to be killed.
    Killed,
}

/// The resources that the tree of `root` has used so far: proc(5), `stat` and `status` of
/// each process.
pub fn usage(root: u32) -> Usage {
    let mut sum = Usage::default();
    for pid in members(root) {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let status = read("status");
        sum.cpu += cpu_in(&read("stat"));
        sum.peak_memory_bytes += number(&status, "VmHWM:") * 1024;
        // Context switches are counted by thread; those of ended threads are lost.
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let status = std::fs::read(task.path().join("status")).unwrap_or_default();
            sum.voluntary_switches += number(&status, "voluntary_ctxt_switches:");
            sum.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:");
        }
    }
    sum
}

/// The CPU time of the tree of `root` so far, and its resident memory in bytes. Reads the
/// table of processes once, and no threads. Zeros if the system does not provide them.
pub fn cpu_and_memory_bytes(root: u32) -> (Duration, u64) {
    let of = |pid: u32| {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        (cpu_in(&read("stat")), number(&read("status"), "VmRSS:") * 1024)
    };
    let add = |sum: (Duration, u64), one: (Duration, u64)| (sum.0 + one.0, sum.1 + one.1);
    members(root).into_iter().map(of).fold((Duration::ZERO, 0), add)
}

/// The CPU time in a `stat` file of proc(5): fields 14 and 15, counted after the command,
/// are user and system time in ticks; Linux reports a hundred ticks a second to user space.
fn cpu_in(stat: &[u8]) -> Duration {
    let stat = String::from_utf8_lossy(stat);
    let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = times.skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The number after `name` in a `status` file of proc(5); 0 if it is missing.
fn number(status: &[u8], name: &str) -> u64 {
    let status = String::from_utf8_lossy(status);
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Makes a process write its stack: on SIGABRT Python's faulthandler writes it to standard
/// error, and the process ends.
pub fn ask_for_stack(pid: u32, mut has_ended: impl FnMut() -> bool) {
    signal(pid, Signal::ABORT);
    let start = Instant::now();
    while !has_ended() && start.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the process group `group`: SIGTERM, `grace`, then SIGKILL. `reap` is called while
/// waiting, because an unreaped child still counts as a member.
pub fn end_group(group: u32, grace: Duration, reap: impl FnMut()) -> Ended {
    end_group_by(group, &[(StopSignal::Terminate, grace)], reap)
}

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT: a fast shutdown of PostgreSQL.
    Interrupt,
    /// SIGQUIT: an immediate shutdown of PostgreSQL.
    Quit,
}

impl StopSignal {
    fn signal(self) -> Signal {
        match self {
            Self::Terminate => Signal::TERM,
            Self::Interrupt => Signal::INT,
            Self::Quit => Signal::QUIT,
        }
    }
}

/// Ends the process group `group` as [`end_group`] does, but with these signals, each with
/// its time, before SIGKILL.
pub fn end_group_by(
    group: u32,
    signals: &[(StopSignal, Duration)],
    mut reap: impl FnMut(),
) -> Ended {
    let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        return Ended::Gone;
    };
    reap();
    for (index, (signal, grace)) in signals.iter().enumerate() {
        if kill_process_group(group, signal.signal()).is_err() {
            return if index == 0 { Ended::Gone } else { Ended::Politely };
        }
        // A stopped process would not handle the signal until it continues.
        let _ = kill_process_group(group, Signal::CONT);
        if wait_until_gone(group, *grace, &mut reap) {
            return Ended::Politely;
        }
    }
    let _ = kill_process_group(group, Signal::KILL);
    let start = Instant::now();
    while has_living_members(group) && start.elapsed() < Duration::from_secs(5) {
        reap();
        std::thread::sleep(Duration::from_millis(1));
    }
    reap();
    Ended::Killed
}

fn wait_until_gone(group: Pid, limit: Duration, reap: &mut impl FnMut()) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        reap();
        if test_kill_process_group(group).is_err() || !has_living_members(group) {
            return true;
        }
        if start.elapsed() >= limit || interrupt::is_hurried() {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Whether the group has living members. The system still counts a zombie until its new
/// parent reaps it.
fn has_living_members(group: Pid) -> bool {
    let group = group.as_raw_nonzero().get();
    processes().values().any(|links| i64::from(links.group) == i64::from(group))
}

/// The files that the processes of the tree of `root` have open (proc(5): `fd`).
pub fn open_files(root: u32) -> BTreeSet<PathBuf> {
    let descriptors = |pid| std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let files = members(root).into_iter().flat_map(descriptors).flatten();
    files.filter_map(|file| std::fs::read_link(file.path()).ok()).collect()
}

/// The parent and the process group of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    /// The parent's id.
    pub parent: u32,
    /// The id of its process group.
    pub group: u32,
}

/// The processes of the tree of `root`: itself, its group, and all descendants.
pub fn members(root: u32) -> Vec<u32> {
    let all = processes();
    let in_tree = |pid: u32, links: &Links| {
        pid == root || links.group == root || is_descendant(&all, links.parent, root)
    };
    all.iter().filter(|(pid, links)| in_tree(**pid, links)).map(|(pid, _)| *pid).collect()
}

/// Sends a signal; a process that is gone needs none.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether the chain of parents that begins with `parent` reaches `root`.
pub(crate) fn is_descendant(all: &BTreeMap<u32, Links>, mut parent: u32, root: u32) -> bool {
    // Limited, because a table that is read while it changes may contain a loop.
    for _ in 0..64 {
        match all.get(&parent) {
            _ if parent == root => return true,
            Some(links) => parent = links.parent,
            None => return false,
        }
    }
    false
}

/// All living processes.
#[cfg(target_os = "linux")]
pub(crate) fn processes() -> BTreeMap<u32, Links> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat).into_owned();
        // The command may contain spaces and parentheses; the fields follow the last parenthesis.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some((pid, Links { parent, group }))
    })
    .collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn processes() -> BTreeMap<u32, Links> {
    let table = crate::system_tool::output(&["ps", "-axo", "pid=,ppid=,pgid="]);
    let lines = table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().map(str::parse::<u32>);
        let (pid, parent) = (fields.next()?.ok()?, fields.next()?.ok()?);
        Some((pid, Links { parent, group: fields.next()?.ok()? }))
    });
    lines.collect()
}

/// The command line of a process, for messages; empty if it cannot be read.
pub fn command_of(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    shortened(String::from_utf8_lossy(&bytes).replace('\0', " ").trim())
}

/// Shortens a long command in the middle: the program is at the start, the application and
/// the port at the end.
fn shortened(command: &str) -> String {
    const LONGEST: usize = 160;
    let chars: Vec<char> = command.chars().collect();
    if chars.len() <= LONGEST {
        return command.to_owned();
    }
    let (head, tail) = (&chars[..LONGEST / 4], &chars[chars.len() - LONGEST * 3 / 4..]);
    head.iter().chain(&[' ', '…', ' ']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_keeps_its_program_and_its_last_arguments() {
        assert_eq!(shortened("python server.py 8000"), "python server.py 8000");
        let long = format!("/opt/python {}/impostor.py 8000", "é/".repeat(300));
        let short = shortened(&long);
        assert!(short.starts_with("/opt/python") && short.ends_with("impostor.py 8000"), "{short}");
        assert!(short.chars().count() < 170);
    }
}
