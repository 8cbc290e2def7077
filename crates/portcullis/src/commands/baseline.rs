//! The baseline's file at the edge: read before anything starts, written when the
//! run is over, and written later by somebody who accepts a regression.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use portcullis_core::baseline::{Fingerprint, Origin};
use portcullis_core::config::{Loaded, to_measured_toml};
use portcullis_core::outcome::Finding;
use portcullis_report::baseline::{self, Stored, renewed};
use portcullis_report::{BaselineReport, artifacts, results_json};

use crate::args::{AcceptArgs, PerfArgs};
use crate::cache::cache_key::Key;
use crate::host::machine;
use crate::run::Run;
use crate::{console, planning};

/// What a run does with the file.
#[derive(Debug, Default)]
pub struct Keeping {
    /// What stands in it; `None` if there is no such file, or none is named.
    pub stored: Option<Stored>,
    /// Whether the run may write it.
    pub may_write: bool,
    /// Whether it is missing where nobody would keep it: in CI.
    pub is_missed: bool,
}

/// What a run that is given these flags does with the configured file.
///
/// # Errors
/// Another file, a broken or a newer one; a flag without a file.
pub fn keeping(args: &PerfArgs, loaded: &Loaded, base: &Path) -> Result<Keeping, String> {
    let Some(file) = &loaded.config.baseline.file else {
        return match args.update_baseline {
            true => Err("--update-baseline needs a file: set [baseline] file".to_owned()),
            false => Ok(Keeping::default()),
        };
    };
    let stored = read(&base.join(file), file)?;
    let is_new = stored.is_none();
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    Ok(Keeping {
        stored,
        may_write: args.update_baseline || is_new && !in_ci,
        is_missed: is_new && in_ci && !args.update_baseline,
    })
}

/// What stands in a baseline's file; `None` if there is none.
fn read(file: &Path, shown: &str) -> Result<Option<Stored>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => baseline::read(&text).map(Some).map_err(|error| error.within(shown)),
        Err(error) if error.kind() == ErrorKind::NotFound => match file.parent() {
            Some(folder) if folder.is_dir() => Ok(None),
            _ => Err(format!("baseline.file: the folder of {} is not there", file.display())),
        },
        Err(error) => Err(format!("baseline.file: {}: {error}", file.display())),
    }
}

/// Where this process measures, and what a configuration makes it measure.
pub fn origin(loaded: &Loaded) -> Origin {
    let machine = machine::describe();
    let mut key = Key::default();
    key.add("measured", to_measured_toml(&loaded.tree));
    Origin {
        machine: Fingerprint {
            system: machine.system,
            cores: machine.cores as u64,
            processor: machine.processor,
            memory_bytes: machine.memory_bytes,
            quota_cores: machine.quota_cores,
        },
        configuration: key.finish(),
    }
}

/// What is told of the baseline, if a file is named for it.
pub fn report(run: &Run<'_>) -> Option<BaselineReport> {
    let plan = run.planned.plan.baseline.clone()?;
    let shown = run.planned.loaded.config.baseline.file.clone()?;
    Some(BaselineReport { shown, plan, written: run.baseline_written })
}

/// Whether the figures may become the baseline: they are of the whole window, they were
/// judged, and nothing was found but how they differ from the one before.
pub fn is_acceptable(run: &Run<'_>) -> bool {
    let is_cut = run.summary.as_ref().is_some_and(|summary| summary.ended_early.is_some());
    let is_difference = |finding| run.differences.contains(finding);
    !is_cut && run.verdict.is_some() && run.findings.iter().all(is_difference)
}

/// Writes the baseline if this run is to, and found nothing but differences from
/// the one before.
pub fn keep(run: &mut Run<'_>, sentence: &str) {
    let keeping = &run.planned.baseline;
    let (Some(plan), true) = (&run.planned.plan.baseline, keeping.may_write) else { return };
    if !is_acceptable(run) {
        run.note(
            "the baseline is not written: this run ended early, or has other findings than \
             differences from it",
        );
        return;
    }
    let results = results_json::write(&run.report(sentence)).map_err(|error| error.to_string());
    let text = results.and_then(|results| {
        renewed(&results, keeping.stored.as_ref(), None).map_err(|error| error.to_string())
    });
    match text.and_then(|text| place(&plan.file, &text, keeping.stored.is_none())) {
        Ok(()) => run.baseline_written = true,
        Err(why) => run.findings.push(Finding::Refused(format!("the baseline: {why}"))),
    }
}

/// Writes a file whole, never over one that is not a baseline.
fn place(file: &Path, text: &str, is_new: bool) -> Result<(), String> {
    // What a link names is replaced, not the link.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let shown = file.display().to_string();
    if !is_new {
        read(&file, &shown)?;
    }
    let parent = file.parent().unwrap_or(Path::new("/"));
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{shown} appeared during the run, and is left alone"),
        _ => format!("{shown} cannot be written: {error}"),
    };
    let write = || {
        let mut beside = tempfile::Builder::new().prefix(".perf_baseline-").tempfile_in(parent)?;
        beside.write_all(text.as_bytes())?;
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        beside.as_file().set_permissions(readable)?;
        beside.as_file().sync_all()?;
        match is_new {
            true => beside.persist_noclobber(&file).map_err(|error| error.error),
            false => beside.persist(&file).map_err(|error| error.error),
        }
    };
    write().map(drop).map_err(failed)
}

/// Makes the last run's results the baseline, with the reason; its exit code.
pub fn accept(args: &AcceptArgs) -> u8 {
    match accepted(args) {
        Ok(said) => {
            console::print_plain(&said);
            0
        }
        Err(problems) => console::refuse(&problems),
    }
}

fn accepted(args: &AcceptArgs) -> Result<String, Vec<String>> {
    let flags = PerfArgs {
        config: args.config.clone(),
        profile: args.profile.clone(),
        out: args.out.clone(),
        ..PerfArgs::default()
    };
    let read_in = planning::read(&flags)?;
    accept_into(&read_in, args).map_err(|problem| vec![problem])
}

fn accept_into(read_in: &planning::ReadIn, args: &AcceptArgs) -> Result<String, String> {
    let Some(shown) = &read_in.loaded.config.baseline.file else {
        return Err("there is no baseline to accept for: set [baseline] file".to_owned());
    };
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err("--reason: say why, for those who read it later".to_owned());
    }
    let file = read_in.base.join(shown);
    let before = read(&file, shown)?;
    let results: PathBuf = read_in.output.join(artifacts::RESULTS);
    let text = std::fs::read_to_string(&results)
        .map_err(|error| format!("no results of a run: {}: {error}", results.display()))?;
    let acceptance = (machine::now_rfc3339(), reason.to_owned());
    let within = |error| format!("{}: {error}", results.display());
    let text = renewed(&text, before.as_ref(), Some(acceptance)).map_err(within)?;
    let after = baseline::read(&text).map_err(|error| error.within(shown))?;
    place(&file, &text, before.is_none())?;
    Ok(change(shown, before.as_ref(), &after))
}

/// What an acceptance changed, in a line.
fn change(shown: &str, before: Option<&Stored>, after: &Stored) -> String {
    let figures = |stored: &Stored| {
        let metrics = stored.baseline.metrics;
        let (p95, errors) = (metrics.p95_ms, metrics.error_rate * 100.0);
        format!("p95 {p95:.1} ms, {:.2}/s, {errors:.2} % errors", metrics.rps)
    };
    let was = before.map(|before| format!("; it was {}", figures(before))).unwrap_or_default();
    format!("accepted: {shown} is {}{was}\n", figures(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"{"version": 1, "metrics": {"p50": 1, "p95": 1, "p99": 1, "avg_response_time": 1,
        "requests_per_sec": 1, "error_rate": 0, "total_requests": 1}}"#;

    #[test]
    fn only_a_baseline_is_replaced_and_what_a_link_names_rather_than_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.json");
        place(&file, OWN, true).unwrap();
        let appeared = place(&file, "new", true).unwrap_err();
        assert!(appeared.contains("appeared during the run"), "{appeared}");
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        place(&link, "theirs", false).unwrap();
        assert!(link.is_symlink());
        let foreign = place(&file, OWN, false).unwrap_err();
        assert!(foreign.contains("b.json:1:2: "), "{foreign}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "theirs");
        std::fs::remove_file(&file).unwrap();
        place(&file, OWN, false).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "halves are left");
    }
}
