//! Steps of a run: a command that ends by itself, within a deadline, with its output in a
//! file, in its own process group.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis_core::judge::Signal;

use crate::account::Account;
use crate::environment::Environment;
use crate::interrupt::Interrupts;
use crate::{launch, log, sweep, tree};

/// A command with everything it needs.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// Working folder.
    pub folder: &'a Path,
    /// Its complete environment.
    pub environment: &'a Environment,
    /// The file for standard input; empty input if `None`.
    pub stdin: Option<PathBuf>,
    /// The file for both output streams.
    pub log: &'a Path,
    /// The maximum time.
    pub deadline: Duration,
}

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The command could not be started.
    #[error("{program} could not be started: {source}")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It ended with a status other than 0, or by a signal.
    #[error("{program} ended with {status}")]
    Failed {
        /// The program.
        program: String,
        /// "exit status: 1", "signal: 9 (SIGKILL)".
        status: String,
    },
    /// It was stopped at its deadline.
    #[error("{program} did not end within {} s and was stopped", deadline.as_secs_f64())]
    TimedOut {
        /// The program.
        program: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The run was interrupted, so the step was stopped.
    #[error("interrupted")]
    Interrupted(Signal),
}

/// How long a step may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// How often a wait checks for an interrupt.
const TICK: Duration = Duration::from_millis(50);

/// Runs a step to its end; processes that it leaves in its process group are ended too.
///
/// # Errors
/// It could not be started, failed, took too long, or the run was interrupted.
pub fn run(step: &Step<'_>, interrupts: &Interrupts) -> Result<(), StepError> {
    run_as(step, None, interrupts)
}

/// Runs a step as another account.
///
/// # Errors
/// As [`run`].
pub fn run_as(
    step: &Step<'_>,
    account: Option<Account>,
    interrupts: &Interrupts,
) -> Result<(), StepError> {
    if let Some(signal) = interrupts.signal() {
        return Err(StepError::Interrupted(signal));
    }
    let program = program_name(step);
    let not_started = |source| StepError::NotStarted { program: program.clone(), source };
    let handle = command(step, account).map_err(not_started)?.start().map_err(not_started)?;
    let group = handle.pids().first().copied().unwrap_or(0);
    let reap = || {
        let _ = handle.try_wait();
    };
    let start = Instant::now();
    loop {
        match handle.wait_timeout(TICK) {
            Ok(Some(output)) => {
                tree::end_group(group, Duration::ZERO, reap);
                sweep::sweep(&[], Duration::ZERO);
                let status = output.status;
                return if status.success() {
                    Ok(())
                } else {
                    Err(StepError::Failed { program, status: status.to_string() })
                };
            }
            Ok(None) => {}
            Err(source) => return Err(StepError::NotStarted { program, source }),
        }
        // An error while cutting the log must not end the step.
        let _ = log::cut_if_long(step.log);
        let late = start.elapsed() >= step.deadline;
        let signal = interrupts.signal();
        if late && signal.is_none() {
            tree::ask_for_stack(group, || handle.try_wait().is_ok_and(|status| status.is_some()));
        }
        if late || signal.is_some() {
            tree::end_group(group, GRACE, reap);
            sweep::sweep(&[], Duration::ZERO);
            return Err(match signal {
                Some(signal) => StepError::Interrupted(signal),
                None => StepError::TimedOut { program, deadline: step.deadline },
            });
        }
    }
}

fn program_name(step: &Step<'_>) -> String {
    let words = step.argv.iter().map(|word| word.to_string_lossy());
    let name = |word: &str| Path::new(word).file_name().map(|n| n.to_string_lossy().into_owned());
    let short: Vec<String> = words.take(4).map(|w| name(&w).unwrap_or_default()).collect();
    short.join(" ")
}

#[expect(clippy::disallowed_methods, reason = "the one place where steps are started")]
fn command(step: &Step<'_>, account: Option<Account>) -> std::io::Result<duct::Expression> {
    let output = log::open(step.log)?;
    let argv = launch::argv(&step.argv, step.folder, step.environment, &[], account)?;
    let (program, arguments) = argv.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let expression = duct::cmd(program, arguments)
        .dir(step.folder)
        .full_env(step.environment.variables())
        .stdout_file(output.try_clone()?)
        .stderr_file(output)
        .unchecked()
        .before_spawn(|command| {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
            Ok(())
        });
    Ok(match &step.stdin {
        Some(path) => expression.stdin_path(path),
        None => expression.stdin_null(),
    })
}

/// The output of a short command, also kept in `log`; `None` if it failed, or printed more
/// than a log may have, because then its beginning is lost.
pub fn capture(step: &Step<'_>, interrupts: &Interrupts) -> Option<Vec<u8>> {
    let earlier = log::earlier(step.log);
    let _ = std::fs::remove_file(&earlier);
    run(step, interrupts).ok()?;
    if earlier.exists() {
        return None;
    }
    std::fs::read(step.log).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path, deadline: Duration) -> (Result<(), StepError>, String) {
        let log = folder.join("log");
        let environment = Environment::inherited(std::env::vars_os());
        let step = Step {
            argv: vec!["sh".into(), "-c".into(), script.into()],
            folder,
            environment: &environment,
            stdin: None,
            log: &log,
            deadline,
        };
        let result = run(&step, &Interrupts::default());
        (result, std::fs::read_to_string(log).unwrap_or_default())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn output_goes_to_the_log_and_the_status_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (result, log) = shell("echo out; echo err >&2; exit 3", folder.path(), LONG);
        assert_eq!(log, "out\nerr\n");
        assert!(result.unwrap_err().to_string().contains("exit status: 3"));
        let (result, _) = shell("true", folder.path(), LONG);
        assert!(result.is_ok());
    }

    #[test]
    fn a_missing_program_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let step = Step {
            argv: vec!["/nonexistent/program".into()],
            folder: folder.path(),
            environment: &Environment::default(),
            stdin: None,
            log: &log,
            deadline: LONG,
        };
        let error = run(&step, &Interrupts::default()).unwrap_err();
        assert!(matches!(error, StepError::NotStarted { .. }), "{error}");
    }

    #[test]
    fn the_deadline_ends_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 600 & echo $!; wait";
        let (result, log) = shell(script, folder.path(), Duration::from_millis(500));
        assert!(matches!(result, Err(StepError::TimedOut { .. })), "{result:?}");
        let grandchild: u32 = log.trim().parse().unwrap();
        assert!(!tree::members(grandchild).contains(&grandchild), "{grandchild} is left");
    }

    #[test]
    fn what_a_step_leaves_in_its_group_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (result, log) = shell("sleep 600 & echo $!", folder.path(), LONG);
        assert!(result.is_ok());
        let stray: u32 = log.trim().parse().unwrap();
        assert!(!tree::members(stray).contains(&stray), "{stray} is left");
    }
}
