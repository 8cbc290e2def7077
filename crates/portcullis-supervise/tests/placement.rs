//! Placing a tree that runs already, seen from outside: the threads that are there, and
//! those that come later.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::time::Duration;

use portcullis_supervise::environment::Environment;
use portcullis_supervise::{placement, server, tree};
use rustix::process::Pid;
use rustix::thread::sched_getaffinity;

fn threads(root: u32) -> Vec<u32> {
    let tasks = |pid| std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let ids = tree::members(root).into_iter().flat_map(tasks).flatten();
    ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[test]
fn all_threads_of_a_tree_are_placed_and_the_next_ones_too() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::inherited(std::env::vars_os());
    let script = "import threading, time, subprocess\n\
                  child = subprocess.Popen(['sleep', '600'])\n\
                  for _ in range(3): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n\
                  print('up', flush=True)\n\
                  time.sleep(600)";
    let argv = ["python3", "-c", script].map(OsString::from);
    let log = folder.path().join("log");
    let grace = Duration::from_secs(1);
    let server = server::start(&argv, folder.path(), &environment, &log, grace, &[]).unwrap();
    while std::fs::read_to_string(&log).unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let cpu = *placement::usable().last().unwrap();
    placement::pin_trees(&[server.pid()], &[cpu]).unwrap();
    let threads = threads(server.pid());
    assert!(threads.len() >= 5, "{threads:?}");
    for thread in threads {
        let set = sched_getaffinity(Pid::from_raw(thread.cast_signed())).unwrap();
        assert!(set.count() == 1 && set.is_set(cpu), "{thread}: {set:?}");
    }
}
