//! Ends every process below this one: also those that have left their group and session,
//! and those that fork faster than the table of processes can be read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpgid, kill_process_group, waitpid};

use crate::interrupt;
use crate::tree::{self, Links};

/// Whether this process adopts orphaned descendants.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// Services that outlive the steps and the server.
static SPARED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn spared() -> MutexGuard<'static, Vec<u32>> {
    SPARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on [`sweep`] spares a process and everything below it.
pub(crate) fn spare(pid: u32) {
    spared().push(pid);
}

/// The opposite of [`spare`].
pub(crate) fn spare_no_longer(pid: u32) {
    spared().retain(|spared| *spared != pid);
}

/// How long killed processes may take to disappear.
const LIMIT: Duration = Duration::from_secs(5);

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The processes that were found first, with their commands.
    pub found: Vec<String>,
    /// Those that could not be ended.
    pub left: Vec<String>,
}

/// Makes orphaned descendants children of this process, not of the system's init, so that
/// no process can leave the tree.
///
/// # Errors
/// The system refuses.
pub fn adopt_orphans() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    ADOPTS.store(true, Ordering::Relaxed);
    Ok(())
}

/// Ends every living descendant of this process, except services and those below one of
/// `keep`: SIGTERM, `grace`, then SIGKILL. Does nothing unless this process adopts orphans, because other
/// children of this process would be ended.
pub fn sweep(keep: &[u32], grace: Duration) -> Swept {
    if !ADOPTS.load(Ordering::Relaxed) {
        return Swept::default();
    }
    let keep = &[keep, &spared()].concat();
    let strays = strays(keep);
    let found = strays.keys().map(|pid| shown(*pid)).collect();
    let start = Instant::now();
    strays.keys().for_each(|pid| tree::signal(*pid, Signal::TERM));
    while !self::strays(keep).is_empty() && start.elapsed() < grace && !interrupt::is_hurried() {
        std::thread::sleep(Duration::from_millis(10));
    }
    Swept { found, left: kill(keep, LIMIT) }
}

/// The living descendants: the processes that an ended server has left, each with its
/// command. Empty unless orphans are adopted.
pub fn left_behind() -> BTreeMap<u32, String> {
    if !ADOPTS.load(Ordering::Relaxed) {
        return BTreeMap::new();
    }
    let strays = strays(&spared());
    strays.keys().map(|pid| (*pid, format!("process {}", shown(*pid)))).collect()
}

/// Kills every descendant of this process, including new ones meanwhile. Returns those that
/// are left after `limit`.
pub fn kill_descendants(limit: Duration) -> Vec<String> {
    kill(&[], limit)
}

fn shown(pid: u32) -> String {
    format!("{pid} ({})", tree::command_of(pid))
}

/// How often the short list of children is read for each time that the long table of all
/// processes is.
const ROUNDS: u32 = 50;

/// A process that forks and ends again and again is never in a table that was read before.
/// Two things catch it: its process group, which it shares with its child, and the list of
/// our own children, to which the system adds the child of an ended process at once.
fn kill(keep: &[u32], limit: Duration) -> Vec<String> {
    let start = Instant::now();
    loop {
        let strays = strays(keep);
        let is_kept = |group: u32| keep.contains(&group);
        for (pid, links) in &strays {
            tree::signal(*pid, Signal::KILL);
            if !is_kept(links.group) {
                kill_group(links.group);
            }
        }
        let are_children_gone = (0..ROUNDS).any(|_| !kill_children(keep));
        if strays.is_empty() && are_children_gone {
            return Vec::new();
        }
        if start.elapsed() > limit {
            let mut left: Vec<String> = strays.keys().map(|pid| shown(*pid)).collect();
            if left.is_empty() {
                left.push("a process that starts itself again and again".to_owned());
            }
            return left;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills a group, unless it is our own.
fn kill_group(group: u32) {
    let group = i32::try_from(group).ok().and_then(Pid::from_raw);
    if let Some(group) = group.filter(|group| getpgid(None).is_ok_and(|own| own != *group)) {
        // An error means that it is gone.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Kills the direct children, and reaps the ended ones. Returns whether there were any, ended
/// or not: while an ended one is in the list, its own child may just be moved into it. Those
/// that are kept, and those of a kept group, are left alone.
fn kill_children(keep: &[u32]) -> bool {
    let mut is_any = false;
    for pid in children() {
        let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { continue };
        let group = getpgid(Some(id)).map(|group| group.as_raw_nonzero().get().unsigned_abs());
        if keep.contains(&pid) || group.is_ok_and(|group| keep.contains(&group)) {
            continue;
        }
        is_any = true;
        tree::signal(pid, Signal::KILL);
        // An error means that it was reaped already.
        let _ = waitpid(Some(id), WaitOptions::NOHANG);
    }
    is_any
}

/// The direct children of this process, ended ones too (proc(5): `children`). Empty where
/// the system has no such list.
fn children() -> Vec<u32> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let ids = |list: String| -> Vec<u32> {
        list.split_whitespace().filter_map(|id| id.parse().ok()).collect()
    };
    lists.flat_map(ids).collect()
}

/// All living processes below this one that are not below one of `keep`, from one reading of
/// the table: a new child of a kept process is kept too.
fn strays(keep: &[u32]) -> BTreeMap<u32, Links> {
    let own = std::process::id();
    let all = tree::processes();
    let is_below = |links: &Links, root| tree::is_descendant(&all, links.parent, root);
    let is_kept = |pid: u32, links: &Links| {
        keep.iter().any(|root| pid == *root || links.group == *root || is_below(links, *root))
    };
    let strays = all.iter().filter(|(pid, links)| is_below(links, own) && !is_kept(**pid, links));
    strays.map(|(pid, links)| (*pid, *links)).collect()
}
