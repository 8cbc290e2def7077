//! Where a command runs: `perf` runs in a worker process with a guard, so that everything
//! it started is ended even if it is killed. Panics of all commands are caught.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use portcullis_core::judge::{Finding, FindingKind};
use portcullis_supervise::guard::{self, Ended};
use portcullis_supervise::{interrupt, launch};

use crate::console;
use crate::host::{self, random};

/// Runs a command. A panic is a bug in Portcullis, and the exit code says so.
pub fn caught(command: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(command))
        .unwrap_or_else(|_| console::defect("a panic, see above"))
}

/// Runs a command that starts processes: directly if this is already a worker, otherwise
/// with the same command line in a worker. Returns its exit code.
pub fn guarded(command: impl FnOnce() -> u8) -> u8 {
    if is_inside() {
        return caught(command);
    }
    in_worker(&std::env::args_os().skip(1).collect::<Vec<OsString>>())
}

/// Whether a command that starts processes runs in this process, rather than in a worker.
pub fn is_inside() -> bool {
    let is_worker = std::env::args_os().nth(1).is_some_and(|verb| verb == guard::VERB);
    is_worker || !cfg!(target_os = "linux")
}

/// Runs a command line in a worker; returns its exit code.
pub fn in_worker(arguments: &[OsString]) -> u8 {
    worker(arguments)
        .unwrap_or_else(|error| console::defect(&format!("the worker cannot be started: {error}")))
}

fn worker(arguments: &[OsString]) -> std::io::Result<u8> {
    let (ended, left) = guard::run(Path::new(host::OWN_BINARY), arguments, &random::name()?)?;
    let is_clean = left.is_empty();
    left.iter().for_each(|left| console::complain(&format!("{left} could not be ended")));
    Ok(match ended {
        // A passed run that leaves something running has not passed.
        Ended::Code(0) if !is_clean => FindingKind::Server.exit_code(),
        Ended::Code(code) => code,
        Ended::Interrupted(signal) => console::interrupted(&Finding::interrupted(signal)),
        Ended::Killed(signal) => console::defect(&format!(
            "the run's own process was killed by signal {signal}; everything it had started was \
             ended"
        )),
    })
}

/// The arguments of this process without the hidden commands, which are handled here: a
/// child that must become its command does so, and a worker leaves the terminal.
///
/// # Errors
/// The exit code, if that failed.
pub fn arguments() -> Result<Vec<OsString>, u8> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1) {
        Some(verb) if verb == launch::VERB => {
            let error = launch::exec(arguments.get(2..).unwrap_or_default());
            let program = arguments.get(6).map(|word| word.to_string_lossy().into_owned());
            console::complain(&format!("{}: {error}", program.unwrap_or_default()));
            return Err(127);
        }
        Some(verb) if verb == guard::VERB => {
            guard::leave_terminal();
            arguments.remove(1);
        }
        _ => {}
    }
    // Before any child is started.
    match interrupt::replace_inherited() {
        Ok(()) => Ok(arguments),
        Err(error) => Err(console::no_handlers(&error)),
    }
}
