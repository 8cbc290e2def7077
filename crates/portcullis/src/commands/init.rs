//! `init`: looks at a folder, asks the project's own code, writes `perf.toml`, and tries it.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::{SCHEMA, load};
use portcullis_core::event::Stage;
use portcullis_core::judge::{Finding, FindingKind};
use portcullis_core::plan::Mode;
use portcullis_supervise::interrupt::Interrupts;

use super::{doctor, worker};
use crate::args::{ConfigurationArgs, DoctorArgs, InitArgs};
use crate::console::{self, Mark, Steps, ask, is_interactive};
use crate::host;
use crate::init::folder::{self, Folder, within};
use crate::init::look::{Manage, application, manages};
use crate::init::probe::{self, Seen, Tries};
use crate::init::write::{self, Names};
use crate::init::{Conclusion, Looked, of_code};
use crate::planning::{self, PlanRequest};
use crate::project;
use crate::run::{
    Aborted, Journal, RunContext, RunOptions, RunResults, StageFailure, StageOutput, Version,
};
use crate::stages::{self, Prepared, stop};

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("{0} exists already, and is not overwritten: edit it, and run `portcullis doctor`")]
    Exists(PathBuf),
    #[error(
        "no manage.py of a Django project, and no application of FastAPI, Starlette, Litestar or \
         Flask in {0} or below it; a service of another kind needs a perf.toml with its command, \
         or can be measured while it runs: `portcullis perf --host URL`"
    )]
    NoProject(PathBuf),
    #[error("{0} has no manage.py; there is one in: {1}")]
    OtherProject(String, String),
    #[error("no settings module was found for {0}: name it with --settings")]
    NoSettings(String),
    #[error("there is nobody to ask: use --yes, which runs the project's code, or --look-only")]
    NoAnswers,
    #[error("{0} cannot be written: {1}")]
    Unwritable(PathBuf, std::io::Error),
}

/// Looks, asks, writes, tries; returns the exit code. Questions are asked before the worker
/// starts, which has no terminal; it gets the answers as flags.
pub fn run(args: &InitArgs) -> u8 {
    if worker::is_inside() && (args.yes || args.look_only) {
        return worker::caught(|| {
            inside(args).unwrap_or_else(|refusal| console::refuse(&[refusal]))
        });
    }
    match answered(args) {
        Ok(args) if args.look_only || worker::is_inside() => {
            worker::caught(|| inside(&args).unwrap_or_else(|refusal| console::refuse(&[refusal])))
        }
        Ok(args) => match host::lacking() {
            Some(lack) => console::unfit(&lack),
            None => worker::in_worker(&arguments(&args)),
        },
        Err(refusal) => console::refuse(&[refusal]),
    }
}

/// The command line with all answers as flags. The first word is that of this process.
fn arguments(args: &InitArgs) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["init".into(), "--yes".into()];
    words.extend(args.folder.iter().map(OsString::from));
    for (flag, value) in [("--project", &args.project), ("--settings", &args.settings)] {
        words.extend(value.iter().flat_map(|value| [OsString::from(flag), value.into()]));
    }
    for (flag, is_set) in [("--no-doctor", args.no_doctor), ("--workflow", args.workflow)] {
        words.extend(is_set.then(|| OsString::from(flag)));
    }
    words
}

/// The flags after the questions. There are at most four.
fn answered(args: &InitArgs) -> Result<InitArgs, Refusal> {
    let mut args = args.clone();
    let (folder, found) = projects(&args)?;
    if args.yes || args.look_only {
        return Ok(args);
    }
    if !is_interactive() {
        return Err(Refusal::NoAnswers);
    }
    if args.project.is_none() && found.len() > 1 {
        let names: Vec<String> =
            found.iter().map(|manage| within(&manage.folder, "manage.py")).collect();
        let chosen = ask("Which project?", &names).and_then(|index| found.get(index));
        args.project = Some(chosen.ok_or(Refusal::NoAnswers)?.folder.clone());
    }
    let manage = match found.is_empty() {
        true => None,
        false => Some(chosen(&found, args.project.as_deref())?),
    };
    if let Some(manage) = manage
        && args.settings.is_none()
        && !manage.is_named
        && manage.settings.len() > 1
    {
        let index = ask("Which settings?", &manage.settings).ok_or(Refusal::NoAnswers)?;
        args.settings = manage.settings.get(index).cloned();
    }
    let workflow = folder.root.join(write::WORKFLOW);
    if !args.workflow && folder.root.join(".github").is_dir() && !workflow.exists() {
        let choices = ["no".to_owned(), format!("yes, as {}", write::WORKFLOW)];
        let index = ask("Write a workflow that runs `perf` for each pull request?", &choices);
        args.workflow = index.ok_or(Refusal::NoAnswers)? == 1;
    }
    let question = format!(
        "Run the project's code to see its routes? It is installed into a cached environment, \
         with a temporary database; {} is not changed.",
        folder.root.display()
    );
    let choices = ["yes".to_owned(), "no, write what its files say".to_owned()];
    match ask(&question, &choices) {
        Some(0) => args.yes = true,
        Some(_) => args.look_only = true,
        None => return Err(Refusal::NoAnswers),
    }
    Ok(args)
}

/// The folder and the projects in it.
fn projects(args: &InitArgs) -> Result<(Folder, Vec<Manage>), Refusal> {
    let root = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = root.canonicalize().map_err(|error| Refusal::Unreadable(root, error))?;
    let file = root.join("perf.toml");
    if file.symlink_metadata().is_ok() {
        return Err(Refusal::Exists(file));
    }
    let folder = folder::read(&root);
    let found = manages(&folder);
    match found.is_empty() && application(&folder).is_none() {
        true => Err(Refusal::NoProject(root)),
        false => Ok((folder, found)),
    }
}

/// The project in a folder, else the first one.
fn chosen<'m>(found: &'m [Manage], asked: Option<&str>) -> Result<&'m Manage, Refusal> {
    let wanted = asked.map(|asked| asked.trim_end_matches("manage.py").trim_matches(['/', '.']));
    let fits = |manage: &&Manage| wanted.is_none_or(|wanted| manage.folder == wanted);
    found.iter().find(fits).ok_or_else(|| {
        let names: Vec<&str> = found.iter().map(|manage| manage.folder.as_str()).collect();
        Refusal::OtherProject(asked.unwrap_or_default().to_owned(), names.join(", "))
    })
}

/// What the files say about the chosen Django project.
fn of_django(folder: &Folder, found: &[Manage], args: &InitArgs) -> Result<Looked, Refusal> {
    let manage = chosen(found, args.project.as_deref())?;
    Looked::of(folder, found.len(), manage, args.settings.as_deref())
        .ok_or_else(|| Refusal::NoSettings(within(&manage.folder, "manage.py")))
}

/// Everything after the questions.
fn inside(args: &InitArgs) -> Result<u8, Refusal> {
    let (folder, found) = projects(args)?;
    let steps = Steps::new(false);
    let looked = match found.is_empty() {
        true => application(&folder).map(|found| Looked::of_application(&folder, found)),
        false => Some(of_django(&folder, &found, args)?),
    };
    let looked = looked.ok_or_else(|| Refusal::NoProject(folder.root.clone()))?;
    looked.conclusions.iter().for_each(|conclusion| tell(&steps, conclusion));
    let asked = if args.look_only { Ok(None) } else { seen(&folder, &looked, &steps).map(Some) };
    let (seen, code) = match asked {
        Ok(seen) => (seen, 0),
        // Interrupted: nothing is written.
        Err(code) if code > 100 => return Ok(code),
        Err(code) => (None, code),
    };
    write(&folder, &looked, seen.as_ref(), args.workflow, &steps)?;
    if let Some(seen) = &seen {
        of_code(seen).iter().for_each(|conclusion| tell(&steps, conclusion));
    } else {
        steps.say("The routes are not known: replace the task in perf.toml, then run `portcullis doctor`.");
    }
    if code != 0 || seen.is_none() || args.no_doctor {
        return Ok(code);
    }
    let configuration = ConfigurationArgs {
        config: Some(folder.root.join("perf.toml")),
        ..ConfigurationArgs::default()
    };
    steps.say("");
    Ok(doctor::inside(&DoctorArgs { configuration, ..DoctorArgs::default() }))
}

fn tell(steps: &Steps, conclusion: &Conclusion) {
    let Conclusion { about, value, sure, why } = conclusion;
    steps.say(&format!("{about:<13} {value}  ({}: {why})", sure.name()));
}

/// Prepares the project with a draft, and asks its own code.
///
/// # Errors
/// The exit code of what failed.
fn seen(folder: &Folder, looked: &Looked, steps: &Steps) -> Result<Seen, u8> {
    let failed = |error: std::io::Error| {
        console::refuse(&[Refusal::Unwritable(std::env::temp_dir(), error)])
    };
    let place = tempfile::Builder::new().prefix("portcullis-init-").tempdir().map_err(failed)?;
    let mut chosen = looked.chosen.clone();
    if let Some(made) = &looked.made {
        let path = place.path().join("requirements.txt");
        std::fs::write(&path, made).map_err(failed)?;
        chosen.requirements = Some(path.to_string_lossy().into_owned());
    }
    let file = place.path().join("perf.toml");
    let (script, out) = (place.path().join("look.py"), place.path().join("look.json"));
    if let Some(application) = &chosen.application {
        std::fs::write(&script, probe::of_application(&out, application)).map_err(failed)?;
    }
    let draft = write::draft(&chosen, &folder.root, &place.path().join("artifacts"), &script);
    std::fs::write(&file, draft).map_err(failed)?;
    let request = PlanRequest { config: Some(file), ..PlanRequest::default() };
    let planned = planning::plan(&request).map_err(|problems| console::refuse(&problems))?;
    let interrupts = Interrupts::install().map_err(|error| console::no_handlers(&error))?;
    let context = RunContext::begin(&planned, RunOptions::default(), steps, &interrupts)
        .map_err(|problem| console::refuse(&[problem]))?;
    let Mode::Serve(plan) = &planned.plan.mode else { return Err(70) };
    let version = Version { context: &context, folder: &context.folder, plan };
    let mut journal = Journal::new(&context);
    look_inside(&mut journal, version, looked, &out).map_err(|Aborted| {
        for advice in steps.take_advice() {
            steps.line(Mark::More, &format!("try: {advice}"));
        }
        journal.exit_code()
    })
}

fn look_inside(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    looked: &Looked,
    out: &Path,
) -> Result<Seen, Aborted> {
    const LOG: &str = "look";
    let folder = version.folder;
    let explained = |failure| project::explained(folder, &version.plan.django.settings, failure);
    // The environment is locked until the end.
    let Prepared { project, mut companions, venv: _venv } =
        stages::prepare(journal, version, None)?;
    let seen = journal.stage(folder, Stage::Seed, || {
        // The last step of any other project has written it.
        if looked.chosen.application.is_none() {
            let script = folder.script("look.py");
            let failed = |error: std::io::Error| StageFailure::disk("a script of our own", &error);
            let Looked { commands, fixtures, factories, requests, .. } = looked;
            let text = probe::script(out, Tries { commands, fixtures, factories, requests });
            std::fs::write(&script, text).map_err(failed)?;
            let limit = Duration::from_secs(600);
            project::shell(version, &project, script, LOG, limit).map_err(&explained)?;
        }
        let answer = std::fs::read_to_string(out).unwrap_or_default();
        let seen = probe::read(&answer).map_err(|error| {
            let message = format!("the project's shell gave no answer ({error})");
            StageFailure::new(Finding::new(FindingKind::Preparation, message)).with_log(LOG)
        })?;
        let good =
            seen.routes.iter().filter(|route| (200..300).contains(&route.answer.status)).count();
        let detail = format!("{} routes asked, {good} with data", seen.routes.len());
        Ok(StageOutput::new(seen, detail))
    });
    // What does not end in time is reported by the end of the process.
    let _ = stop::stop(version.context, &mut None, &mut companions, &mut RunResults::default());
    seen
}

/// Writes the files, and says which.
fn write(
    folder: &Folder,
    looked: &Looked,
    seen: Option<&Seen>,
    with_workflow: bool,
    steps: &Steps,
) -> Result<(), Refusal> {
    let root = &folder.root;
    let free = |name: &str, ending: &str| {
        let numbered = (2..).map(|n| format!("perf/{name}-{n}{ending}"));
        let mut names = std::iter::once(format!("perf/{name}{ending}")).chain(numbered);
        names.find(|name| root.join(name).symlink_metadata().is_err()).unwrap_or_default()
    };
    let seed = seen.and_then(write::seed);
    let mut chosen = looked.chosen.clone();
    let mut files = Vec::new();
    let names = Names {
        schema: free("perf.schema", ".json"),
        seed: seed.is_some().then(|| free("seed", ".py")),
    };
    files.push((names.schema.clone(), SCHEMA.to_owned()));
    files.extend(names.seed.clone().zip(seed));
    if let Some(made) = &looked.made {
        let name = free("requirements", ".txt");
        chosen.requirements = Some(name.clone());
        files.push((name, made.clone()));
    }
    let tasks = match seen {
        Some(seen) => write::tasks(seen),
        None => vec![write::placeholder()],
    };
    let text = write::configuration(&chosen, &names, seen, &tasks);
    if let Err(problems) = load(&text, None, &[]) {
        // A bug, but the file is of use nevertheless.
        problems.iter().for_each(|problem| console::complain(&problem.show("perf.toml")));
    }
    files.push(("perf.toml".to_owned(), text));
    if with_workflow {
        let is_free = root.join(write::WORKFLOW).symlink_metadata().is_err();
        match is_free {
            true => files.push((write::WORKFLOW.to_owned(), write::workflow(&chosen))),
            false => steps.say(&format!("{} exists, and is left as it is", write::WORKFLOW)),
        }
    }
    for (name, text) in files {
        let path = root.join(&name);
        create(&path, &text).map_err(|error| Refusal::Unwritable(path, error))?;
        steps.say(&format!("wrote         {name}"));
    }
    Ok(())
}

/// Writes a file that does not exist yet.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
