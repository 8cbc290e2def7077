//! Where a command runs: `perf` in a worker that a guard outlives, so that what it has
//! started is ended even if it is killed; everything with its panics caught.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use portcullis_supervise::{guard, launch};

use crate::console;
use crate::host::{self, random};

/// Runs a command; a panic of it is a defect of ours, and its exit code says so.
pub fn caught(command: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(command))
        .unwrap_or_else(|_| console::defect("a panic, see above"))
}

/// Runs a command that starts processes: here if this is a worker already, else the same
/// command line again in a worker. Its exit code.
pub fn guarded(command: impl FnOnce() -> u8) -> u8 {
    let is_worker = std::env::args_os().nth(1).is_some_and(|verb| verb == guard::VERB);
    if is_worker || !cfg!(target_os = "linux") {
        return caught(command);
    }
    in_worker()
        .unwrap_or_else(|error| console::defect(&format!("the worker cannot be started: {error}")))
}

/// The same command line again, in a worker.
fn in_worker() -> std::io::Result<u8> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ended = guard::run(Path::new(host::OWN_BINARY), &arguments, &random::name()?)?;
    Ok(match ended {
        guard::Ended::Code(code) => code,
        guard::Ended::Killed(signal) => console::defect(&format!(
            "the run's own process was killed by signal {signal}; everything it had started was \
             ended"
        )),
    })
}

/// This process's arguments without the hidden verbs, which are dealt with here:
/// a child that is to become its command does, and a worker begins to watch its
/// guard. An exit code if that failed.
///
/// # Errors
/// The exit code to end with.
pub fn arguments() -> Result<Vec<OsString>, u8> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1) {
        Some(verb) if verb == launch::VERB => {
            let error = launch::exec(arguments.get(2..).unwrap_or_default());
            let program = arguments.get(5).map(|word| word.to_string_lossy().into_owned());
            console::complain(&format!("{}: {error}", program.unwrap_or_default()));
            Err(127)
        }
        Some(verb) if verb == guard::VERB => {
            arguments.remove(1);
            Ok(arguments)
        }
        _ => Ok(arguments),
    }
}
