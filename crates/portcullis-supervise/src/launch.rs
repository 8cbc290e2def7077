//! How children are started: by a hidden command of our own binary, which sets everything
//! that must be set in the child itself, and then replaces itself by the child's command.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, setrlimit};

use crate::account::Account;
use crate::environment::Environment;
use crate::{descriptors, log, placement};

/// The hidden command: `__exec PARENT FILES CPUS ACCOUNT PROGRAM ARGUMENT…`. FILES is the
/// limit of open files of the child, or `-` for that of its parent; CPUS are its allowed
/// CPUs, such as `0,1`, or `-` for all; ACCOUNT is `UID:GID`, or `-` for that of its parent.
pub const VERB: &str = "__exec";

/// The binary with the hidden command.
static LAUNCHER: OnceLock<PathBuf> = OnceLock::new();

/// Starts children with the hidden command of this binary from now on. Without this call
/// they are started directly.
pub fn through(binary: PathBuf) {
    // Only the first call has an effect; there is only one binary.
    let _ = LAUNCHER.set(binary);
}

/// The command line that starts a command.
///
/// # Errors
/// The program cannot be found. This is checked here, because the launcher itself would
/// start without an error.
pub(crate) fn argv(
    argv: &[OsString],
    folder: &Path,
    environment: &Environment,
    cpus: &[usize],
    account: Option<Account>,
) -> std::io::Result<Vec<OsString>> {
    let program = argv.first().ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command was given")
    })?;
    let Some(launcher) = LAUNCHER.get() else {
        return match account {
            None => Ok(argv.to_vec()),
            Some(_) => Err(std::io::Error::other("another account needs the launcher")),
        };
    };
    if !is_there(program, folder, environment) {
        return Err(std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()));
    }
    let parent = std::process::id().to_string();
    let files = descriptors::for_children().map_or("-".to_owned(), |files| files.to_string());
    let cpus = match cpus {
        [] => "-".to_owned(),
        some => some.iter().map(usize::to_string).collect::<Vec<_>>().join(","),
    };
    let account = account.map_or("-".to_owned(), Account::argument);
    let head = [VERB.to_owned(), parent, files, cpus, account].map(OsString::from);
    let mut whole = vec![launcher.clone().into_os_string()];
    whole.extend(head);
    whole.extend_from_slice(argv);
    Ok(whole)
}

/// Whether a program is a file in a place where the system would find it.
fn is_there(program: &OsStr, folder: &Path, environment: &Environment) -> bool {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return folder.join(path).is_file();
    }
    let folders = environment.get("PATH").unwrap_or_default();
    std::env::split_paths(folders).any(|folder| folder.join(path).is_file())
}

/// A child that runs in the background, with everything it needs.
pub(crate) struct Background<'a> {
    /// Program and arguments.
    pub argv: &'a [OsString],
    /// Working folder.
    pub folder: &'a Path,
    /// Its complete environment.
    pub environment: &'a Environment,
    /// The file for both output streams.
    pub log: &'a Path,
    /// Its CPUs; all if the list is empty.
    pub cpus: &'a [usize],
    /// Another account than that of this process.
    pub account: Option<Account>,
}

/// Starts a child in its own process group, without input.
///
/// # Errors
/// The command cannot be started, or the log cannot be opened.
#[expect(clippy::disallowed_methods, reason = "the one place where servers are started")]
pub(crate) fn spawn(child: &Background<'_>) -> std::io::Result<Child> {
    // First, because a program that does not exist leaves no empty log.
    let argv = argv(child.argv, child.folder, child.environment, child.cpus, child.account)?;
    let output = log::open(child.log)?;
    let (program, arguments) = argv.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    Command::new(program)
        .args(arguments)
        .current_dir(child.folder)
        .env_clear()
        .envs(child.environment.variables())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
}

/// Runs the hidden command: changes to its account, ends with its parent, writes no core
/// file, runs on its CPUs, and becomes the command. Returns only if that failed.
#[expect(clippy::disallowed_methods, reason = "the launcher becomes the command")]
pub fn exec(arguments: &[OsString]) -> std::io::Error {
    let malformed = || {
        std::io::Error::other("the hidden verb takes PARENT FILES CPUS ACCOUNT PROGRAM ARGUMENT…")
    };
    let [parent, files, cpus, account, program, arguments @ ..] = arguments else {
        return malformed();
    };
    let parent = parent.to_str().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    let Some(parent) = parent else { return malformed() };
    let account = account.to_str().unwrap_or_default();
    if account != "-" {
        let Some(account) = Account::from_argument(account) else { return malformed() };
        if let Err(error) = account.enter() {
            return error;
        }
    }
    // After the account, because the system forgets the signal when the account changes.
    if let Err(error) = die_with(parent) {
        return error;
    }
    let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    // If this fails, a hung child may write a core file; nothing worse.
    let _ = setrlimit(Resource::Core, none);
    if let Some(files) = files.to_str().and_then(|text| text.parse().ok()) {
        descriptors::lower(files);
    }
    let cpus = cpus.to_str().unwrap_or_default();
    if cpus != "-" {
        let Ok(cpus) = cpus.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>() else {
            return malformed();
        };
        if let Err(error) = placement::set_own(&cpus) {
            return error;
        }
    }
    Command::new(program).args(arguments).exec()
}

/// Makes the system kill this process when the thread that started it ends.
///
/// # Errors
/// The parent has already ended.
#[cfg(target_os = "linux")]
fn die_with(parent: Pid) -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    match getppid() {
        Some(now) if now == parent => Ok(()),
        _ => Err(std::io::Error::other("the parent process has ended")),
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_: Pid) -> std::io::Result<()> {
    Ok(())
}
/// Waits at most `limit` for the end of a process in the background, and keeps its log short
/// meanwhile; returns its status if it has ended.
pub fn ended_within(child: &mut Child, log: &Path, limit: Duration) -> Option<ExitStatus> {
    // An error while cutting the log must not stop the process.
    let _ = log::cut_if_long(log);
    let start = Instant::now();
    loop {
        let status = child.try_wait().ok().flatten();
        let left = limit.saturating_sub(start.elapsed());
        if status.is_some() || left.is_zero() {
            return status;
        }
        std::thread::sleep(left.min(Duration::from_millis(5)));
    }
}
