//! Processes that fork and end again and again, seen from outside: the sweep ends them.
//! Alone in its file, because it ends every process below this one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use portcullis_supervise::environment::Environment;
use portcullis_supervise::{server, sweep};

/// Writes a byte for each process that it becomes, for a minute at most.
const HOPS: &str = "\
import os, sys, time
beat = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
end = time.monotonic() + 60
while time.monotonic() < end:
    os.write(beat, b'.')
    if os.fork() > 0:
        os._exit(0)
    if sys.argv[2] == 'alone':
        os.setsid()
";

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}

#[test]
fn processes_that_fork_again_and_again_are_ended_and_others_are_kept() {
    sweep::adopt_orphans().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::inherited(std::env::vars_os());
    let start = |argv: &[&str]| {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let (log, grace) = (folder.path().join("log"), Duration::from_millis(100));
        server::start(&argv, folder.path(), &environment, &log, grace, &[]).unwrap()
    };
    // It makes new children all the time, and all of them stay. They also make the table of
    // processes so long that reading it takes longer than a fork.
    let script = "for _ in $(seq 400); do sleep 600 & done; while :; do sleep 0.01 || exit 1; done";
    let mut kept = start(&["sh", "-c", script]);
    for how in ["together", "alone"] {
        let beat = folder.path().join(how);
        let mut hopping = start(&["python3", "-c", HOPS, beat.to_str().unwrap(), how]);
        while size(&beat) < 20 {
            std::thread::sleep(Duration::from_millis(5));
        }
        hopping.stop_beside(&[kept.pid()]);
        let swept = sweep::sweep(&[kept.pid()], Duration::ZERO);
        assert_eq!(swept.left, Vec::<String>::new(), "{how}");
        let before = size(&beat);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(size(&beat), before, "{how} goes on");
    }
    assert_eq!(kept.ended_within(Duration::from_millis(100)), None, "it lost a child");
    assert_eq!(sweep::kill_descendants(Duration::from_secs(5)), Vec::<String>::new());
}
