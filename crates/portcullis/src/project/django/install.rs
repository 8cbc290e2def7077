//! Install: the requirements into a new environment, by uv or pip, part by part.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use portcullis_core::config::Installer;
use portcullis_core::judge::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_core::units::show_duration;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::log;
use portcullis_supervise::step::StepError;

use super::environment::{self, Venv};
use super::installer::{self, Chosen, Task};
use super::isolation::stub;
use super::package;
use super::pip;
use super::python_choice;
use super::requirements::local;
use super::sources::{self, Part, Sources};
use crate::cache;
use crate::project::locks;
use crate::run::{StageFailure, StageOutput, Version};

const LOG: &str = "install";

/// The steps to an environment, each with its name.
pub fn describe(plan: &ServePlan) -> Vec<(&'static str, String)> {
    let limit = format!("(within {})", show_duration(plan.install_timeout));
    let python = python_choice::of(plan);
    let venv = format!("{}{}, python -m venv {limit}", python.choice, python.shown());
    let mut steps = vec![("environment", venv)];
    let by = match plan.installer {
        Installer::Auto => "uv or pip",
        other => other.name(),
    };
    if !plan.pre_install.is_empty() {
        steps.push(("install", format!("{by}: {} {limit}", plan.pre_install.join(" "))));
    }
    match sources::of(plan) {
        Ok(sources) => steps.extend(sources.parts.iter().map(|part| {
            let why = if sources.why.is_empty() { "" } else { ", " };
            let text = format!("{by}: {}{why}{} {limit}", part.file().display(), sources.why);
            ("install", text)
        })),
        Err(error) => steps.push(("install", error.to_string())),
    }
    steps
}

/// Installs the requirements into a new environment.
///
/// # Errors
/// The installer failed or took too long.
pub fn install(version: Version<'_>, venv: Venv) -> Result<StageOutput<Venv>, StageFailure> {
    if venv.is_complete {
        venv.entry.touch();
        let detail = venv.detail.clone();
        return Ok(StageOutput { value: venv, cached: true, detail });
    }
    let failed = |error: std::io::Error| StageFailure::disk("the cached environment", &error);
    let calls = calls(version, &venv.sources)?;
    let by = if calls.is_empty() { None } else { Some(fill(version, &venv, &calls)?) };
    let added = package::provide(version, &venv.python)?;
    for code in
        venv.sources.parts.iter().filter_map(|part| sources::own_code(part, &version.plan.root))
    {
        stub::add_path(venv.entry.path(), &code).map_err(failed)?;
    }
    if !environment::works(version, &venv)? {
        return Err(without_django(version, &venv.sources));
    }
    // Installed after the requirements, because their builds are not part of a run.
    stub::install(venv.entry.path()).map_err(failed)?;
    venv.entry.complete().map_err(failed)?;
    venv.entry.share().map_err(failed)?;
    cache::prune(&version.context.cache, environment::KIND, environment::OLDEST);
    let mut detail = detail(&venv.sources, version.plan, by.as_ref());
    if let Some(added) = added {
        detail.push_str(&format!("; {added} was added"));
    }
    Ok(StageOutput::new(venv, detail))
}

/// A call of the installer.
struct Call {
    /// Its arguments after those of the program.
    arguments: Vec<OsString>,
    /// Whether dependencies are resolved.
    with_dependencies: bool,
}

/// The calls that install everything, in order. Files of the configuration are resolved
/// together; what a lock has decided is not resolved.
fn calls(version: Version<'_>, sources: &Sources) -> Result<Vec<Call>, StageFailure> {
    let plan = version.plan;
    let mut texts = Texts { version, written: 0 };
    let mut calls = Vec::new();
    if !plan.pre_install.is_empty() {
        calls.push(texts.call(&lines(&plan.pre_install), true)?);
    }
    let files = sources.parts.iter().filter_map(|part| match part {
        Part::File(file) => Some(["-r".into(), file.clone().into()]),
        _ => None,
    });
    let arguments: Vec<OsString> = files.flatten().collect();
    if !arguments.is_empty() {
        calls.push(Call { arguments, with_dependencies: true });
    }
    for part in &sources.parts {
        match part {
            Part::File(_) => {}
            Part::List { file, extras, groups, .. } if sources.needs_uv => {
                let mut arguments: Vec<OsString> = vec!["-r".into(), file.into()];
                for extra in extras {
                    arguments.extend(["--extra".into(), extra.into()]);
                }
                for group in groups {
                    arguments
                        .extend(["--group".into(), format!("{}:{group}", file.display()).into()]);
                }
                calls.push(Call { arguments, with_dependencies: true });
            }
            Part::List { lines: listed, .. } if listed.is_empty() => {}
            Part::List { lines: listed, .. } => calls.push(texts.call(&lines(listed), true)?),
            Part::Lock { file, locked } => {
                let folder = file.parent().unwrap_or(Path::new("."));
                let copies = texts.copies(folder, locked)?;
                let place = |path: &str| {
                    let copy = copies.iter().find(|(known, _)| known == path);
                    let place = copy.map_or_else(|| folder.join(path), |(_, copy)| copy.clone());
                    place.to_string_lossy().into_owned()
                };
                for text in locks::parts(locked, place) {
                    calls.push(texts.call(&text, false)?);
                }
            }
        }
    }
    Ok(calls)
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Files of our own for the installer.
struct Texts<'a> {
    version: Version<'a>,
    written: usize,
}

impl Texts<'_> {
    fn call(&mut self, text: &str, with_dependencies: bool) -> Result<Call, StageFailure> {
        self.written += 1;
        let file = self.version.folder.script(&format!("requirements-{}.txt", self.written));
        std::fs::write(&file, text).map_err(|error| own_file(&error))?;
        Ok(Call { arguments: vec!["-r".into(), file.into()], with_dependencies })
    }

    /// Copies of the folders that a lock names: a build may write beside its sources, which
    /// are the user's.
    fn copies(
        &mut self,
        folder: &Path,
        locked: &locks::Locked,
    ) -> Result<Vec<(String, PathBuf)>, StageFailure> {
        let Version { context, folder: own, .. } = self.version;
        let mut copies = Vec::new();
        for package in &locked.packages {
            let locks::Source::Local(path) = &package.source else { continue };
            let (from, to) = (
                folder.join(path),
                own.script(&format!("source-{}-{}", self.written, copies.len())),
            );
            if !from.is_dir() {
                continue;
            }
            let listed =
                context.git(&from, &own.scratch()).files().filter(|files| !files.is_empty());
            for file in listed.unwrap_or_else(|| local::below(&from)) {
                let (source, target) = (from.join(&file), to.join(&file));
                if source.is_file() {
                    let parent = target.parent().unwrap_or(&to);
                    std::fs::create_dir_all(parent)
                        .and_then(|()| std::fs::copy(&source, &target))
                        .map_err(|error| own_file(&error))?;
                }
            }
            copies.push((path.clone(), to));
        }
        Ok(copies)
    }
}

fn own_file(error: &std::io::Error) -> StageFailure {
    StageFailure::disk("a file of our own", error)
}

/// Makes the calls. If uv fails, pip has the last word, unless uv was asked for.
fn fill(version: Version<'_>, venv: &Venv, calls: &[Call]) -> Result<Chosen, StageFailure> {
    let environment = environment::of_installer(version);
    let places = sources::places(&version.plan.root, &version.plan.top);
    let beyond_uv = venv.beyond_uv.as_deref();
    let task = Task { needs_uv: venv.sources.needs_uv, beyond_uv, places: &places };
    let chosen = installer::choose(version, &venv.python, &environment, task)?;
    let done = run(version, venv, &chosen, &environment, calls);
    let is_over = version.context.interrupts.signal().is_some() || version.context.is_overdue();
    let (chosen, done) = match done {
        Err(StepError::Failed { .. } | StepError::NotStarted { .. })
            if chosen.has_alternative && !is_over =>
        {
            version.context.note("uv failed: pip installs the requirements instead");
            let pip = chosen.alternative();
            let done = run(version, venv, &pip, &environment, calls);
            (pip, done)
        }
        done => (chosen, done),
    };
    match done {
        Ok(()) => Ok(chosen),
        Err(error) => Err(explained(version, venv, error)),
    }
}

fn run(
    version: Version<'_>,
    venv: &Venv,
    chosen: &Chosen,
    environment: &Environment,
    calls: &[Call],
) -> Result<(), StepError> {
    let mut environment = environment.clone();
    for (name, value) in &chosen.variables {
        environment.set(name, value);
    }
    calls.iter().try_for_each(|call| {
        let mut argv = chosen.argv(&venv.python, call.with_dependencies);
        argv.extend(call.arguments.iter().cloned());
        let deadline = version.plan.install_timeout;
        environment::step_in(version, &argv, LOG, deadline, environment.clone())
    })
}

/// The failure with the reason and the advice that the log gives.
fn explained(version: Version<'_>, venv: &Venv, error: StepError) -> StageFailure {
    let output = log::tail(&version.folder.log(LOG), 400).join("\n");
    let python = venv.detail.trim_start_matches("Python ");
    let python = python.split([' ', ',']).next().unwrap_or(python);
    let known = pip::advice(&output, python);
    let other = "check the requirements and that a package index can be reached";
    let advice = known.as_deref().unwrap_or(other);
    let mut failure = environment::filling(version, error, "the requirements", LOG, advice);
    if let (Some(reason), Some(first)) = (pip::reason(&output), failure.findings.first_mut()) {
        *first = first.map_message(|message| format!("{message}: {reason}"));
    }
    failure
}

fn without_django(version: Version<'_>, sources: &Sources) -> StageFailure {
    let plan = version.plan;
    let finding = if sources.parts.is_empty() && plan.requirements.is_none() {
        format!(
            "the environment has no working Django: no lock, no list of requirements and no \
             pyproject.toml with one was found in {}",
            plan.root.display()
        )
    } else {
        "the environment has no working Django: check that the requirements list it".to_owned()
    };
    StageFailure::new(Finding::preparation(finding))
        .with_log(LOG)
        .with_advice("name the files in project.requirements")
}

/// What was installed, by what, and why.
fn detail(sources: &Sources, plan: &ServePlan, by: Option<&Chosen>) -> String {
    let mut said = match sources.parts.as_slice() {
        [] => "no requirements".to_owned(),
        [one] => {
            let name = one.file().strip_prefix(&plan.root).unwrap_or(one.file());
            let name = if name.is_absolute() {
                Path::new(name.file_name().unwrap_or_default())
            } else {
                name
            };
            let why =
                if sources.why.is_empty() { String::new() } else { format!(" ({})", sources.why) };
            format!("{}{why}", name.display())
        }
        several => format!("{} requirement files", several.len()),
    };
    if let Some(chosen) = by {
        said.push_str(&format!(", by {}", chosen.name()));
        if !chosen.why.is_empty() {
            said.push_str(&format!(": {}", chosen.why));
        }
    }
    said
}
