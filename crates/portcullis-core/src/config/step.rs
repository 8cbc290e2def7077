//! `[[step]]`: commands that prepare a project besides its migrations and its seeds.

use std::time::Duration;

use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, list, note};
use super::text::is_reserved_env;
use crate::text::nearest;

/// A command that each run makes before its server is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSection {
    /// Its name in all output.
    pub name: String,
    /// Its place among the other steps.
    pub when: When,
    /// What it runs.
    pub command: StepCommand,
    /// Its working folder, relative to the project's root.
    pub folder: String,
    /// Variables besides those of the project.
    pub env: Vec<(String, String)>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The command of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepCommand {
    /// A program and its arguments.
    Argv(Vec<String>),
    /// The arguments of `manage.py`.
    Manage(Vec<String>),
}

/// The place of a step among the others. What follows a step is not restored from the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Before the migrations, on an empty database.
    BeforeMigrate,
    /// After the migrations, before the seeds.
    AfterMigrate,
    /// After the seeds, before the server.
    #[default]
    AfterSeed,
}

impl When {
    /// All, with the words for them.
    pub const ALL: [(&'static str, Self); 3] = [
        ("before-migrate", Self::BeforeMigrate),
        ("after-migrate", Self::AfterMigrate),
        ("after-seed", Self::AfterSeed),
    ];
}

/// The length of a name that is made from a command, in characters.
const LONGEST: usize = 40;
/// The deadline of a step without one of its own.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Decodes all `[[step]]`.
pub fn decode(
    root: &mut Reader<'_>,
    kind: ProjectKind,
    problems: &mut Problems,
) -> Vec<StepSection> {
    let Some(node) = root.optional("step") else { return Vec::new() };
    let items = list(node, "step", problems);
    items.iter().map(|item| one(Reader::new(item, "step", problems), kind, problems)).collect()
}

fn one(mut section: Reader<'_>, kind: ProjectKind, problems: &mut Problems) -> StepSection {
    let at = section.at();
    let argv = section.optional("argv").map(|_| section.texts("argv", problems));
    let manage = section.optional("manage").map(|_| section.texts("manage", problems));
    let command = match (argv, manage) {
        (Some(argv), None) => StepCommand::Argv(argv),
        (None, Some(arguments)) => StepCommand::Manage(arguments),
        _ => {
            note(problems, at, "a step needs argv or manage, and not both");
            StepCommand::Argv(vec![String::new()])
        }
    };
    let words = match &command {
        StepCommand::Argv(words) | StepCommand::Manage(words) => words,
    };
    if words.is_empty() {
        note(problems, at, "the command of a step must not be empty");
    }
    if kind == ProjectKind::Command && matches!(command, StepCommand::Manage(_)) {
        note(problems, at, "step.manage needs a Django project: write the command as argv");
    }
    let shown = words.iter().take(3).cloned().collect::<Vec<_>>().join(" ");
    let shown = shown.replace("{python}", "python").chars().take(LONGEST).collect::<String>();
    let name = section.optional_text("name", problems).filter(|name| !name.is_empty());
    let when = when(&mut section, kind, problems);
    let folder = section.optional_text("folder", problems).unwrap_or_default();
    let mut env = Vec::new();
    for (name, value, at) in section.pairs("env", problems) {
        if is_reserved_env(&name) {
            note(problems, at, format!("step.env.{name} is set by Portcullis itself"));
        }
        env.push((name, value));
    }
    let timeout = match section.optional("timeout") {
        Some(_) => section.duration("timeout", problems),
        None => TIMEOUT,
    };
    section.finish(problems);
    StepSection { name: name.unwrap_or(shown), when, command, folder, env, timeout }
}

fn when(section: &mut Reader<'_>, kind: ProjectKind, problems: &mut Problems) -> When {
    let at = section.optional("when").map_or(section.at(), |node| node.at);
    let Some(word) = section.optional_text("when", problems) else { return When::default() };
    let names = When::ALL.map(|(name, _)| name);
    let found = When::ALL.iter().find(|(name, _)| *name == word).map(|(_, when)| *when);
    if found.is_none() {
        let near = nearest(&word, names);
        let message = format!("step.when = \"{word}\": expected {}{near}", names.join(", "));
        note(problems, at, message);
    } else if kind == ProjectKind::Command {
        note(
            problems,
            at,
            "step.when: only a Django project has migrations and seeds; steps run in their order",
        );
    }
    found.unwrap_or_default()
}
