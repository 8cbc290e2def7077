//! Process trees: who belongs to a child, and how a whole group is ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How a group was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing was left of it.
    Gone,
    /// It went when it was asked to.
    Politely,
    /// It had to be killed.
    Killed,
}

/// Ends the process group `group`: TERM, `grace`, then KILL. `reap` is called
/// while waiting, since an unreaped child still counts as a member.
pub fn end_group(group: u32, grace: Duration, mut reap: impl FnMut()) -> Ended {
    let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        return Ended::Gone;
    };
    reap();
    if kill_process_group(group, Signal::TERM).is_err() {
        return Ended::Gone;
    }
    // A stopped process would not see the signal before it goes on.
    let _ = kill_process_group(group, Signal::CONT);
    if wait_until_gone(group, grace, &mut reap) {
        return Ended::Politely;
    }
    let _ = kill_process_group(group, Signal::KILL);
    wait_until_gone(group, Duration::from_secs(5), &mut reap);
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
        if start.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// A zombie still counts for the system, until its new parent reaps it.
fn has_living_members(group: Pid) -> bool {
    let group = group.as_raw_nonzero().get();
    processes().values().any(|links| i64::from(links.group) == i64::from(group))
}

/// Parent and process group of a process.
#[derive(Clone, Copy, Debug)]
struct Links {
    parent: u32,
    group: u32,
}

/// The processes of `root`'s tree: itself, its group, and all descendants.
pub fn members(root: u32) -> Vec<u32> {
    let all = processes();
    let in_tree = |pid: u32, links: &Links| {
        if pid == root || links.group == root {
            return true;
        }
        let mut parent = links.parent;
        // Bounded: a table read while it changes may hold a loop.
        for _ in 0..64 {
            match all.get(&parent) {
                _ if parent == root => return true,
                Some(links) => parent = links.parent,
                None => return false,
            }
        }
        false
    };
    all.iter().filter(|(pid, links)| in_tree(**pid, links)).map(|(pid, _)| *pid).collect()
}

/// All living processes.
#[cfg(target_os = "linux")]
fn processes() -> BTreeMap<u32, Links> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat).into_owned();
        // The command may hold spaces and parentheses: fields follow the last.
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
fn processes() -> BTreeMap<u32, Links> {
    let table = crate::finite::capture_plain(&["ps", "-axo", "pid=,ppid=,pgid="]);
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

/// A long command loses its middle: its program stands at the start, what it
/// runs and on which port at the end.
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
