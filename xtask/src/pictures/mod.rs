//! `cargo xtask pictures`: makes the pictures of README and documentation from real runs
//! of the bundled service, and the prepared red runs for inspection.

mod runs;
mod svg;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::browser::Browser;
use crate::faults::BUSY;
use crate::faults::case::FaultCase;
use crate::faults::sandbox::Sandbox;
use crate::tools;
use runs::LOADED;
use terminal::{Played, play};

/// Flags of `pictures`.
#[derive(Debug, Args)]
pub struct PicturesArgs {
    /// Make the prepared runs instead, each in a folder of target/red-runs, with a picture of
    /// the top of the page and the terminal's text
    #[arg(long)]
    red: bool,
    /// Make only runs whose name contains NAME
    #[arg(long, value_name = "NAME", requires = "red")]
    filter: Option<String>,
}

/// How often a run is tried on a busy machine.
const TRIES: u32 = 3;
/// The largest size of a picture, in bytes.
const MOST: u64 = 300_000;
/// The folder of the repository as shown in pictures.
const HOME: &str = "/work/portcullis";

/// Makes the pictures or the prepared runs.
///
/// # Errors
/// A run ends with another exit code, the browser fails, or a picture is too large.
pub fn run(args: &PicturesArgs) -> Result<()> {
    let browser = Browser::ready()?;
    if !args.red {
        return of_the_documentation(&browser);
    }
    let part = args.filter.as_deref().unwrap_or_default();
    for case in runs::all().iter().filter(|case| case.name.contains(part)) {
        let folder = tools::root().join("target/red-runs").join(case.name);
        let played = prepared(case, &folder)?;
        let page = folder.join("perf_results.html");
        browser.picture(&page, &folder.join("page.png"), [1280, 800])?;
        std::fs::write(folder.join("terminal.txt"), played.1)?;
        println!("{}: {}", case.name, folder.display());
    }
    Ok(())
}

fn of_the_documentation(browser: &Browser) -> Result<()> {
    let root = tools::root();
    let folder = root.join("docs/pictures");
    std::fs::create_dir_all(&folder)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("perf").current_dir(&root).env_remove("UPSTREAM_FAULTS");
    let played = quiet_enough(false, || {
        let played = play(again(&command), "0:24 of 0:30", |_| Ok(()))?;
        Ok((played.code, text_of(&played, &root), played))
    })?;
    let (code, text, played) = played;
    ensure!(code == Some(0), "the bundled service is not green:\n{text}");
    let says = "The terminal during a run: finished stages, then load, thresholds, generator";
    drawn(&played.frame((&root, HOME)), "portcullis:", says, &folder.join("running.svg"))?;
    let says = "The terminal at the end of a green run: verdict, table, next steps";
    drawn(&played.end((&root, HOME)), "PASSED:", says, &folder.join("passed.svg"))?;
    browser.picture(
        &root.join("target/perf/perf_results.html"),
        &folder.join("page-passed.png"),
        [1100, 1000],
    )?;
    let case = runs::all().into_iter().find(|case| case.name == "slow-task");
    let kept = root.join("target/red-runs/slow-task");
    prepared(&case.context("there is no run slow-task")?, &kept)?;
    let page = kept.join("perf_results.html");
    browser.picture(&page, &folder.join("page-failed.png"), [1100, 800])?;
    for picture in std::fs::read_dir(&folder)? {
        let (path, size) = { picture.map(|one| (one.path(), one.metadata()))? };
        let size = size?.len();
        println!("{}: {size} bytes", path.display());
        ensure!(size <= MOST, "{} is too large", path.display());
    }
    Ok(())
}

/// A copy of the command.
fn again(command: &Command) -> Command {
    let mut other = Command::new(command.get_program());
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    command.get_current_dir().map(|folder| other.current_dir(folder));
    other
}

/// Plays a prepared run, again if the machine was too busy, and copies its artifacts to
/// the folder.
fn prepared(case: &FaultCase, folder: &Path) -> Result<(Played, String)> {
    let is_late = case.says.contains(&BUSY);
    let (code, text, played) = quiet_enough(is_late, || {
        let sandbox = Sandbox::new(case)?;
        let act = |run| case.during.map_or(Ok(()), |(_, act)| act(&sandbox, run));
        let played = play(sandbox.command(case)?, LOADED, act)?;
        keep(&sandbox.artifacts(), folder)?;
        Ok((played.code, text_of(&played, &sandbox.folder), played))
    })?;
    ensure!(code == Some(case.code), "{} ended with {code:?}:\n{text}", case.name);
    for said in &case.says {
        ensure!(text.contains(said), "the output of {} lacks {said:?}:\n{text}", case.name);
    }
    Ok((played, text))
}

/// Tries again if the generator was late, unless that is the purpose of the run.
fn quiet_enough(
    is_late: bool,
    attempt: impl Fn() -> Result<(Option<i32>, String, Played)>,
) -> Result<(Option<i32>, String, Played)> {
    let mut last = attempt()?;
    for _ in 1..TRIES {
        if is_late || !last.1.contains(BUSY) {
            break;
        }
        last = attempt()?;
    }
    Ok(last)
}

fn text_of(played: &Played, folder: &Path) -> String {
    played.end((folder, HOME)).screen().contents()
}

fn keep(artifacts: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(artifacts).context("the run wrote nothing")?.flatten() {
        let path: PathBuf = entry.path();
        if path.is_file() {
            std::fs::copy(&path, folder.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Draws the screen from the first line that begins with `first` to the last line that is
/// not empty.
fn drawn(parser: &vt100::Parser, first: &str, says: &str, path: &Path) -> Result<()> {
    let screen = parser.screen();
    let lines: Vec<String> = screen.rows(0, terminal::COLUMNS).collect();
    let start = lines.iter().position(|line| line.starts_with(first));
    let end = lines.iter().rposition(|line| !line.trim().is_empty());
    let (Some(start), Some(end)) = (start, end) else {
        bail!("no line begins with {first:?}:\n{}", screen.contents());
    };
    let rows = u16::try_from(start)?..u16::try_from(end + 1)?;
    std::fs::write(path, svg::draw(screen, rows, says))?;
    Ok(())
}
