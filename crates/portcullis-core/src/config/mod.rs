//! The content of `perf.toml`, a profile and the flags: decoded strictly, with all mistakes
//! reported together.

mod assignment;
mod check;
mod database;
mod installer;
#[cfg(test)]
mod kind_tests;
mod load;
mod measured;
mod origins;
mod project_kind;
mod python;
mod reader;
mod renamed;
mod scenario;
#[cfg(test)]
mod schema;
mod sections;
mod seed;
mod server;
mod services;
#[cfg(test)]
mod size_tests;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod thresholds;
mod tree;
mod variables;
#[cfg(test)]
mod variables_tests;

pub use assignment::FlagValue;
pub use database::{Binaries, DatabaseSection, DatabaseUrl, Engine};
pub use installer::Installer;
pub use load::{LoadSection, ramp};
pub use measured::to_measured_toml;
pub use origins::to_toml_with_origins;
pub use project_kind::ProjectKind;
pub use python::PythonChoice;
pub use sections::StepsSection;
pub use sections::{AgainstSection, Config, DjangoSection, EnvSection, ProjectSection};
pub use seed::{SeedSection, SeedSource};
pub use server::{Package, ServerSection};
pub use services::{ServiceKind, ServiceReady, ServiceSection, ServiceStart, port_placeholder};
pub use step::{StepCommand, StepSection, When};
pub use text::{is_reserved_env, to_redacted_toml};
pub use tree::{Entry, Node, Place, Value, variable_of};
pub use variables::{Lookup, any_variable};

use std::collections::HashSet;

use reader::Problems;

use crate::text::nearest;
use crate::threshold::Labels;

/// The default configuration, as `portcullis defaults` prints it.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The JSON Schema of a configuration, for editors.
pub const SCHEMA: &str = include_str!("../../../../docs/reference/schema/perf.schema.json");

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Its position.
    pub at: Place,
    /// What is wrong, and the correct form if it is known.
    pub message: String,
}

impl Problem {
    /// The problem as one line, in the form that editors understand.
    pub fn show(&self, file: &str) -> String {
        // A message quotes the file, including line ends.
        let mut message = String::with_capacity(self.message.len());
        for c in self.message.chars() {
            if c.is_control() {
                message.extend(c.escape_default());
            } else {
                message.push(c);
            }
        }
        match self.at {
            Place::File(line, column) => format!("{file}:{line}:{column}: {message}"),
            Place::Default => format!("{file}: {message}"),
            given => format!("{}: {message}", given.origin(file)),
        }
    }
}

/// How a flag's value is combined with the file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    /// It replaces the file's value.
    Over,
    /// Its items are added after the file's list.
    Behind,
}

/// A configuration and the merged tree it was decoded from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The decoded configuration.
    pub config: Config,
    /// Defaults, file, profile and flags, merged.
    pub tree: Node,
    /// The positions of the values of the chosen profile.
    pub of_profile: Vec<Place>,
}

/// Reads a configuration: defaults, then the file, then the chosen profile, then the flags.
/// Every profile of the file is checked, not only the chosen one.
///
/// # Errors
/// All problems, in the order of the file.
pub fn load(
    text: &str,
    profile: Option<&str>,
    flags: &[FlagValue],
) -> Result<Loaded, Vec<Problem>> {
    load_with(text, profile, flags, Labels::OfTasks, &any_variable)
}

/// The same, with a choice of the labels that a rule may name, and with the environment for
/// `{ env = "NAME" }`.
///
/// # Errors
/// All problems, in the order of the file.
pub fn load_with(
    text: &str,
    profile: Option<&str>,
    flags: &[FlagValue],
    labels: Labels,
    environment: Lookup<'_>,
) -> Result<Loaded, Vec<Problem>> {
    let mut file = tree::parse(text).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new();
    let profiles = take_profiles(&mut file, &mut problems);
    let mut base = tree::parse(DEFAULTS)
        .map(|tree| tree::marked(tree, Place::Default))
        .map_err(|problem| vec![problem])?;
    tree::overlay(&mut base, file);

    for (_, changes) in profiles.iter().filter(|(name, _)| Some(name.as_str()) != profile) {
        let mut other = base.clone();
        tree::overlay(&mut other, changes.clone());
        variables::resolve(&mut other, &any_variable, &mut problems);
        sections::decode(&other, labels, &mut problems);
    }
    let (mut chosen, mut of_profile) = (base, Vec::new());
    if let Some(name) = profile {
        match profiles.iter().find(|(known, _)| known == name) {
            Some((_, changes)) => {
                of_profile = tree::all_places(changes);
                tree::overlay(&mut chosen, changes.clone());
            }
            None => problems.push(unknown_profile(name, &profiles)),
        }
    }
    problems.extend(flags.iter().filter_map(|flag| flag.merge(&mut chosen).err()));
    let mut resolved = chosen.clone();
    let read = variables::resolve(&mut resolved, environment, &mut problems);
    let config = sections::decode(&resolved, labels, &mut problems);
    scenario::drop_default_wait(&mut chosen);
    match config {
        Some(config) if problems.is_empty() => {
            let config = Config { from_environment: read, ..config };
            Ok(Loaded { config, tree: chosen, of_profile })
        }
        _ => Err(in_order(problems)),
    }
}

/// The values of any TOML text, such as a lock file; `None` if it is not valid.
pub fn read_toml(text: &str) -> Option<Node> {
    tree::parse(text).ok()
}

/// The value at a dotted path of a tree.
pub fn value_at<'a>(tree: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(tree, |node, key| tree::get(node, key))
}

/// `[output] dir` of a file, even if the rest of the file is wrong.
pub fn written_output(text: &str) -> Option<String> {
    let mut file = tree::parse(text).ok()?;
    let mut section = tree::take(&mut file, "output")?;
    match tree::take(&mut section.node, "dir")?.node.value {
        Value::Text(dir) => Some(dir),
        _ => None,
    }
}

/// The line of a rule in the user's file, counted from 1; `severity` is its list, `fail` or
/// `warn`, in `[thresholds]` or `[baseline]`. `None` for a rule from the defaults or the
/// command line.
pub fn line_of_rule(tree: &Node, severity: &str, text: &str) -> Option<usize> {
    let lists = ["thresholds", "baseline"];
    let lists = lists.iter().filter_map(|name| tree::get(tree::get(tree, name)?, severity));
    let rules = lists.filter_map(|list| match &list.value {
        Value::List(rules) => Some(rules),
        _ => None,
    });
    let is_text = |node: &Node| matches!(&node.value, Value::Text(written) if written == text);
    let is_it = |node: &&Node| is_text(node) || tree::get(node, "rule").is_some_and(is_text);
    rules.flatten().find(is_it).and_then(|rule| rule.at.line())
}

/// The line of a task in the user's file, counted from 1: that of its name. `None` for a task
/// from elsewhere.
pub fn line_of_task(tree: &Node, task: &str) -> Option<usize> {
    let tasks = tree::get(tree::get(tree, "scenario")?, "task")?;
    let Value::List(tasks) = &tasks.value else { return None };
    let names = tasks.iter().filter_map(|node| tree::get(node, "name"));
    let is_it = |name: &&Node| matches!(&name.value, Value::Text(written) if written == task);
    names.into_iter().find(is_it)?.at.line()
}

/// The line of a section in the user's file, counted from 1. `None` if it is missing.
pub fn line_of_section(tree: &Node, name: &str) -> Option<usize> {
    let Value::Table(entries) = &tree.value else { return None };
    entries.iter().find(|entry| entry.key == name)?.at.line()
}

fn take_profiles(file: &mut Node, problems: &mut Problems) -> Vec<(String, Node)> {
    let Some(entry) = tree::take(file, "profile") else { return Vec::new() };
    let mut profiles = Vec::new();
    for profile in reader::entries(&entry.node, "profile", problems) {
        if matches!(profile.node.value, Value::Table(_)) {
            profiles.push((profile.key.clone(), profile.node.clone()));
        } else {
            let message = format!("profile.{} must be a table", profile.key);
            reader::note(problems, profile.node.at, message);
        }
    }
    profiles
}

fn unknown_profile(name: &str, profiles: &[(String, Node)]) -> Problem {
    let known: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
    let near = nearest(name, known.iter().copied());
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let message = format!("unknown profile \"{name}\"{near} (profiles: {list})");
    Problem { at: Place::Flag("--profile"), message }
}

/// Sorts by position and removes duplicates, because profiles repeat the problems of the
/// main part.
fn in_order(mut problems: Problems) -> Vec<Problem> {
    let key = |problem: &Problem| match problem.at {
        Place::Flag(_) | Place::Environment(_) => (0, 0, 0),
        Place::File(line, column) => (1, line, column),
        Place::Default => (2, 0, 0),
    };
    problems.sort_by_key(key);
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert(problem.clone()));
    problems
}
