//! `--chaos` and `--soak`: many runs in a row, killed at random moments or not, and a
//! check of what they leave behind.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::case::{FaultCase, case};
use super::sandbox::Sandbox;
use super::{below, leaks};
use crate::tools;

/// The latest moment at which a run is killed.
const LATEST_MS: u64 = 6000;

/// Kills `count` runs at random moments, checks what each leaves behind, and ends
/// with a run that must be green.
///
/// # Errors
/// Something was left, or the last run is not green.
pub fn chaos(count: u32) -> Result<()> {
    let victim = calm("chaos", "");
    warm(&victim)?;
    let mut failed = 0;
    for number in 1..=count {
        let moment = Duration::from_millis(random()? % LATEST_MS);
        let left = Sandbox::new(&victim).and_then(|sandbox| kill_one(&sandbox, &victim, moment));
        let when = moment.as_secs_f64();
        match left {
            Ok(said) => println!("PASS {number:3}  killed after {when:.2} s, after {said}"),
            Err(error) => {
                failed += 1;
                println!("FAIL {number:3}  killed after {when:.2} s: {error:#}");
            }
        }
    }
    if let Err(error) = warm(&victim) {
        failed += 1;
        println!("FAIL the run after them: {error:#}");
    }
    println!("{} passed, {failed} failed", count + 1 - failed);
    ensure!(failed == 0, "{failed} runs left something, or the last one was not green");
    Ok(())
}

/// Kills one run; returns the last stage that it reported.
fn kill_one(sandbox: &Sandbox, case: &FaultCase, moment: Duration) -> Result<String> {
    let outcome = sandbox.kill_after(case, moment)?;
    let start = Instant::now();
    leaks::look(sandbox)?;
    ensure!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
    // Before the table, indented lines begin with a stage.
    let lines = outcome.text.lines().take_while(|line| !line.is_empty());
    let words = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let stage = words.filter(|word| *word != "note:").last();
    Ok(format!("{} (exit {:?})", stage.unwrap_or("its start"), outcome.code))
}

/// Makes `count` short runs, and prints what has grown.
///
/// # Errors
/// A run failed, or something has grown.
pub fn soak(count: u32) -> Result<()> {
    let short = FaultCase { before: vec![shorten], ..calm("soak", "2s") };
    let sandbox = Sandbox::new(&short)?;
    // The first one fills the caches.
    play(&sandbox, &short)?;
    let before = Figures::now(&sandbox)?;
    println!("before: {before}");
    let (start, mut invalid) = (Instant::now(), 0);
    for number in 1..=count {
        invalid += u32::from(play(&sandbox, &short).with_context(|| format!("run {number}"))? == 5);
        if number % 20 == 0 {
            println!("{number:6}: {}", Figures::now(&sandbox)?);
        }
    }
    leaks::look(&sandbox)?;
    let after = Figures::now(&sandbox)?;
    println!("after:  {after}");
    println!(
        "{} green, {invalid} invalid because the machine was busy, in {:.0} s",
        count - invalid,
        start.elapsed().as_secs_f64()
    );
    ensure!(invalid * 2 <= count, "more than half of the runs were invalid");
    after.judge(&before)
}

/// Makes one run of the soak; returns its exit code. On a busy machine a run can be
/// invalid, which is not an error here.
fn play(sandbox: &Sandbox, case: &FaultCase) -> Result<i32> {
    let outcome = sandbox.play(case)?;
    match outcome.code {
        Some(code @ (0 | 5)) => Ok(code),
        code => bail!("exit {code:?}:\n{}", outcome.text),
    }
}

/// A healthy run in its own git repository, so that its database is cached.
fn calm(name: &'static str, time: &'static str) -> FaultCase {
    let time = if time.is_empty() { "3s" } else { time };
    FaultCase { before: vec![track], ..case(name, "", 0).flags(&["-t", time]) }
}

fn track(sandbox: &Sandbox) -> Result<()> {
    let folder = sandbox.folder.display().to_string();
    ensure!(tools::is_there("git", &["init", "-q", &folder]), "git makes no repository");
    Ok(())
}

fn warm(case: &FaultCase) -> Result<()> {
    let sandbox = Sandbox::new(case)?;
    // A run can be invalid on a busy machine; this checks only what is left.
    let tries = (0..3).map(|_| play(&sandbox, case)).collect::<Result<Vec<i32>>>()?;
    ensure!(tries.contains(&0), "three runs were invalid");
    leaks::look(&sandbox)
}

/// Two tasks without waits instead of the ten.
fn shorten(sandbox: &Sandbox) -> Result<()> {
    track(sandbox)?;
    let path = sandbox.folder.join("project/perf.toml");
    let config = std::fs::read_to_string(&path)?;
    let wait = "wait = { min = \"100ms\", max = \"200ms\" }";
    let (head, _) = config.split_once("[[scenario.task]]").context("no task in perf.toml")?;
    ensure!(head.contains(wait), "no wait in perf.toml");
    let head = head.replace(wait, "wait = { min = \"0s\", max = \"0s\" }");
    let tasks = "\
[[scenario.task]]
name = \"list_claims\"
path = \"/api/v1/claims/\"
check = { json = \"results\", min_items = 1 }

[[scenario.task]]
name = \"dashboard\"
path = \"/api/v1/dashboard/\"

[thresholds]
fail = [\"error_rate <= 5%\"]
";
    Ok(std::fs::write(path, format!("{head}{tasks}"))?)
}

/// Figures that must not grow.
#[derive(Debug)]
struct Figures {
    /// Processes of this machine, without kernel threads.
    processes: usize,
    /// Our own open descriptors.
    descriptors: usize,
    /// Entries in the folders of temporary files.
    temporary: usize,
    /// The number of files in the cache, and their size.
    files: usize,
    bytes: u64,
}

impl Figures {
    fn now(sandbox: &Sandbox) -> Result<Self> {
        let has_command = |pid: &u32| !below::text(*pid, "cmdline").is_empty();
        let cache = leaks::tree(sandbox.cache())?;
        let ours = |name: &str| name.starts_with("portcullis") || name.starts_with(".tmp");
        let entries = std::fs::read_dir(std::env::temp_dir())?.flatten();
        let common = entries.filter(|entry| ours(&entry.file_name().to_string_lossy())).count();
        Ok(Self {
            processes: leaks::processes().iter().filter(|pid| has_command(pid)).count(),
            descriptors: std::fs::read_dir("/proc/self/fd")?.count(),
            temporary: common + leaks::tree(&sandbox.tmp())?.len() + entries_of(&sandbox.tmp())?,
            files: cache.len(),
            bytes: cache.values().map(|(bytes, _)| bytes).sum(),
        })
    }

    fn judge(&self, before: &Self) -> Result<()> {
        // Other processes of the machine come and go; a leak would be one for each run.
        ensure!(self.processes <= before.processes + 20, "processes have grown");
        ensure!(self.descriptors <= before.descriptors, "descriptors have grown");
        ensure!(self.temporary <= before.temporary, "temporary files have grown");
        ensure!(self.bytes <= before.bytes + (1 << 20), "the cache has grown");
        Ok(())
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processes, descriptors, temporary, files, bytes } = self;
        write!(
            f,
            "{processes} processes, {descriptors} descriptors of ours, {temporary} temporary files, \
             cache {files} files with {bytes} bytes"
        )
    }
}

fn entries_of(folder: &Path) -> Result<usize> {
    Ok(std::fs::read_dir(folder)?.count())
}

fn random() -> Result<u64> {
    use std::io::Read;
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
