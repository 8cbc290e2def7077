//! The sections of `perf.toml` as typed values.

use std::time::Duration;

use super::PythonChoice;
use super::database::{DatabaseSection, Engine};
use super::installer::{self, Installer};
use super::load::LoadSection;
use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, note};
use super::seed::SeedSection;
use super::server::ServerSection;
use super::services::{self, ServiceSection};
use super::step::StepSection;
use super::text::is_reserved_env;
use super::tree::{Node, Value};
use crate::baseline::{BaselineSection, Trust};
use crate::scenario::Scenario;
use crate::text::nearest;
use crate::threshold::{Labels, Threshold};

/// A whole configuration; paths are as written, relative to the file's folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[project]`
    pub project: ProjectSection,
    /// `[env]`
    pub env: EnvSection,
    /// `[django]`
    pub django: DjangoSection,
    /// `[database]`
    pub database: DatabaseSection,
    /// Every `[[service]]`.
    pub services: Vec<ServiceSection>,
    /// `[outgoing] shut`.
    pub is_shut: bool,
    /// `[steps]`
    pub steps: StepsSection,
    /// `[[step]]`
    pub step: Vec<StepSection>,
    /// `[[seed]]`
    pub seed: Vec<SeedSection>,
    /// `[server]`
    pub server: ServerSection,
    /// `[load]`
    pub load: LoadSection,
    /// `[scenario]`
    pub scenario: Scenario,
    /// `[thresholds]`: `fail` first, then `warn`; then the rules of `[baseline]` if it has a
    /// file.
    pub thresholds: Vec<Threshold>,
    /// `[baseline]`
    pub baseline: BaselineSection,
    /// `[against]`
    pub against: AgainstSection,
    /// `[history] file`, if it is set.
    pub history: Option<String>,
    /// `[output] dir`, if it is set.
    pub output: Option<String>,
    /// The texts that the scenario takes from the environment: they are secret.
    pub from_environment: Vec<String>,
    /// A warning for each key with an old name.
    pub renamed: Vec<String>,
}

/// The source of the service, and what it needs.
#[derive(Clone, Debug)]
pub struct ProjectSection {
    /// What kind of project it is.
    pub kind: ProjectKind,
    /// The folder of `manage.py`, or of the service.
    pub root: String,
    /// The accepted Python.
    pub python: PythonChoice,
    /// Requirement files and locks; `None`: those that the project has.
    pub requirements: Option<Vec<String>>,
    /// Groups and extras that are installed besides the main requirements.
    pub groups: Vec<String>,
    /// Requirements that are installed before all others.
    pub pre_install: Vec<String>,
    /// What installs them.
    pub installer: Installer,
}

/// The environment of every step and of the server.
#[derive(Clone, Debug)]
pub struct EnvSection {
    /// A file whose keys are all set first.
    pub example: Option<String>,
    /// Variables that are set next.
    pub set: Vec<(String, String)>,
    /// Variables that get a new random secret next.
    pub random: Vec<String>,
    /// Variables that are passed through from the caller's environment last.
    pub pass: Vec<String>,
}

/// The settings of Django.
#[derive(Clone, Debug)]
pub struct DjangoSection {
    /// `manage.py`, relative to the project's root.
    pub manage: String,
    /// The project's settings module.
    pub settings: String,
    /// The engine that these settings must use.
    pub engine: Engine,
    /// Dotted keys, merged over the settings, with their values as JSON.
    pub overrides: Vec<(String, serde_json::Value)>,
    /// A script that `manage.py shell` reads from its standard input.
    pub seed: Option<String>,
    /// The name of a user that must exist after the seed.
    pub seed_user: Option<String>,
    /// SQLite files that the service may open in addition to the run's databases, relative to
    /// the project's root.
    pub sqlite_files: Vec<String>,
    /// Files and folders that the database depends on besides those that git knows.
    pub inputs: Vec<String>,
    /// Patterns of files below the repository's top that the database does not depend on.
    pub ignore: Vec<String>,
}

/// Commands and deadlines of the steps.
#[derive(Clone, Debug)]
pub struct StepsSection {
    /// For creating the environment, and for installing the requirements.
    pub install_timeout: Duration,
    /// Arguments of `manage.py`.
    pub migrate: Vec<String>,
    /// For the migrations.
    pub migrate_timeout: Duration,
    /// For the seed.
    pub seed_timeout: Duration,
    /// For the whole run.
    pub run_timeout: Duration,
}

/// How two versions are compared.
#[derive(Clone, Debug)]
pub struct AgainstSection {
    /// The maximum time for pairs.
    pub limit: Duration,
    /// How long both versions are warmed up before.
    pub warm_up: Duration,
    /// The minimum number of pairs for a decision, if larger than the rule's own.
    pub fewest_pairs: usize,
    /// Settings for the comparison only, which override those of `[django] overrides`.
    pub overrides: Vec<(String, serde_json::Value)>,
}

/// Decodes the merged tree; `None` only if the scenario could not be read.
pub fn decode(tree: &Node, labels: Labels, problems: &mut Problems) -> Option<Config> {
    let mut root = Reader::new(tree, "", problems);
    let mut section = root.table("load", problems);
    let serves = section.as_mut().is_none_or(|section| section.optional("host").is_none());
    let load = super::load::decode(section, problems);
    let kind = ProjectKind::of(tree);
    let project = project(root.table("project", problems), kind, serves, problems);
    let env = env(root.table("env", problems), problems);
    let is_django = serves && kind == ProjectKind::Django;
    let django = django(root.table("django", problems), is_django, problems);
    let database = super::database::decode(root.table("database", problems), kind, problems);
    let services = services::decode(&mut root, kind, problems);
    let is_shut = services::outgoing(root.table("outgoing", problems), problems);
    let steps = steps(root.table("steps", problems), problems);
    let step = super::step::decode(&mut root, kind, problems);
    let texts = services::Texts { env: &env, django: &django, steps: &step, services: &services };
    services::check_placeholders(texts, root.at(), problems);
    let seed = super::seed::decode(&mut root, kind, problems);
    let server = super::server::decode(root.table("server", problems), kind, serves, problems);
    let scenario = super::scenario::decode(root.table("scenario", problems), problems);
    let section = root.table("thresholds", problems);
    let mut stored = root.table("baseline", problems);
    let baseline = baseline(stored.as_mut(), problems);
    let thresholds = super::thresholds::decode(
        section,
        stored.as_mut().map(|section| (section, baseline.file.is_some())),
        scenario.as_ref(),
        labels,
        problems,
    );
    stored.into_iter().for_each(|section| section.finish(problems));
    let against = against(root.table("against", problems), problems);
    let history = root.table("history", problems).and_then(|mut section| {
        let file = section.optional_text("file", problems);
        if file.as_deref() == Some("") {
            note(problems, section.at(), "history.file = \"\" is not a file name");
        }
        section.finish(problems);
        file
    });
    let output = root.table("output", problems).and_then(|mut section| {
        let dir = section.optional_text("dir", problems);
        section.finish(problems);
        dir
    });
    root.finish(problems);
    let scenario = scenario?;
    Some(Config {
        project,
        env,
        django,
        database,
        services,
        is_shut,
        steps,
        step,
        seed,
        server,
        load,
        scenario,
        thresholds,
        baseline,
        against,
        history,
        output,
        from_environment: Vec::new(),
        renamed: super::renamed::warnings(tree),
    })
}

/// A text that is required only if a server is started.
fn needed(
    section: &mut Reader<'_>,
    key: &'static str,
    needed: bool,
    problems: &mut Problems,
) -> String {
    let text = section.optional_text(key, problems);
    if needed && text.is_none() && section.optional(key).is_none() {
        let path = section.path_of(key);
        let message = format!(
            "missing key \"{path}\": set it so that the server can be started, or measure a running \
             server with --host URL (load.host)"
        );
        note(problems, section.at(), message);
    }
    text.unwrap_or_default()
}

fn project(
    section: Option<Reader<'_>>,
    kind: ProjectKind,
    serves: bool,
    problems: &mut Problems,
) -> ProjectSection {
    let mut project = ProjectSection {
        kind,
        root: String::new(),
        python: PythonChoice::Auto,
        requirements: None,
        groups: Vec::new(),
        pre_install: Vec::new(),
        installer: Installer::Auto,
    };
    let Some(mut section) = section else { return project };
    ProjectKind::decode(&mut section, problems);
    project.root = needed(&mut section, "root", serves, problems);
    let at = section.optional("python").map_or(section.at(), |node| node.at);
    let python = section.text("python", problems);
    match PythonChoice::parse(&python) {
        Some(choice) => project.python = choice,
        None if python.is_empty() => {}
        None => {
            let message = format!(
                "project.python = \"{python}\": write \"auto\", \"3.11\" (or newer), \
                 \"==3.12\", \">=3.10,<3.13\", or the path of an interpreter"
            );
            note(problems, at, message);
        }
    }
    project.requirements = installer::requirements(&mut section, problems);
    project.installer = Installer::decode(&mut section, problems);
    project.groups = section.texts("groups", problems);
    project.pre_install = section.texts("pre_install", problems);
    let is_requirement = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && !text.contains(['\n', '\r'])
    };
    if let Some(text) = project.pre_install.iter().find(|text| !is_requirement(text)) {
        let message = format!("project.pre_install: \"{text}\" is not a requirement");
        note(problems, section.at(), message);
    }
    section.finish(problems);
    project
}

fn env(section: Option<Reader<'_>>, problems: &mut Problems) -> EnvSection {
    let mut env =
        EnvSection { example: None, set: Vec::new(), random: Vec::new(), pass: Vec::new() };
    let Some(mut section) = section else { return env };
    env.example = section.optional_text("example", problems);
    for (name, value, at) in section.pairs("set", problems) {
        if is_reserved_env(&name) {
            note(problems, at, format!("env.set.{name} is set by Portcullis itself"));
        }
        env.set.push((name, value));
    }
    env.random = section.texts("random", problems);
    env.pass = section.texts("pass", problems);
    for name in env.random.iter().chain(&env.pass).filter(|name| is_reserved_env(name)) {
        note(problems, section.at(), format!("{name} is set by Portcullis itself"));
    }
    section.finish(problems);
    env
}

fn django(section: Option<Reader<'_>>, serves: bool, problems: &mut Problems) -> DjangoSection {
    let mut django = DjangoSection {
        manage: "manage.py".to_owned(),
        settings: String::new(),
        engine: Engine::Any,
        overrides: Vec::new(),
        seed: None,
        seed_user: None,
        sqlite_files: Vec::new(),
        inputs: Vec::new(),
        ignore: Vec::new(),
    };
    let Some(mut section) = section else { return django };
    django.manage = section.text("manage", problems);
    django.settings = needed(&mut section, "settings", serves, problems);
    let dotted = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    if !django.settings.chars().all(dotted) {
        let message = format!("django.settings = \"{}\": not a module name", django.settings);
        note(problems, section.at(), message);
    }
    django.engine = Engine::decode(&mut section, problems);
    if let Some(node) = section.optional("overrides") {
        all_overrides(node, "django.overrides", &mut django.overrides, problems);
    }
    django.seed = section.optional_text("seed", problems);
    django.seed_user = section.optional_text("seed_user", problems);
    django.sqlite_files = section.texts("sqlite_files", problems);
    django.inputs = section.texts("inputs", problems);
    let at = section.optional("ignore").map_or(section.at(), |node| node.at);
    django.ignore = section.texts("ignore", problems);
    for pattern in &django.ignore {
        if let Err(error) = glob::Pattern::new(pattern) {
            note(problems, at, format!("django.ignore = \"{pattern}\": {}", error.msg));
        }
    }
    section.finish(problems);
    django
}

fn all_overrides(
    node: &Node,
    path: &str,
    all: &mut Vec<(String, serde_json::Value)>,
    problems: &mut Problems,
) {
    for entry in super::reader::entries(node, path, problems) {
        overrides(&entry.key, &entry.node, all, problems);
    }
}

fn against(section: Option<Reader<'_>>, problems: &mut Problems) -> AgainstSection {
    let mut against = AgainstSection {
        limit: Duration::from_secs(60),
        warm_up: Duration::ZERO,
        fewest_pairs: 0,
        overrides: Vec::new(),
    };
    let Some(mut section) = section else { return against };
    against.limit = section.duration("limit", problems);
    against.warm_up = section.wait("warm_up", problems).unwrap_or_default();
    let fewest = section.integer("fewest_pairs", 1..=1_000_000, problems);
    against.fewest_pairs = fewest.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    if let Some(node) = section.optional("overrides") {
        all_overrides(node, "against.overrides", &mut against.overrides, problems);
    }
    section.finish(problems);
    against
}

/// The section without its rules, which need the scenario.
fn baseline(section: Option<&mut Reader<'_>>, problems: &mut Problems) -> BaselineSection {
    let mut baseline = BaselineSection::default();
    let Some(section) = section else { return baseline };
    baseline.file = section.optional_text("file", problems);
    if baseline.file.as_deref() == Some("") {
        note(problems, section.at(), "baseline.file = \"\" is not a file name");
    }
    let at = section.optional("trust").map_or(section.at(), |node| node.at);
    match section.text("trust", problems).as_str() {
        "same-machine" => {}
        "always" => baseline.trust = Trust::Always,
        other => {
            let near = nearest(other, ["same-machine", "always"]);
            let message =
                format!("baseline.trust = \"{other}\": expected same-machine or always{near}");
            note(problems, at, message);
        }
    }
    baseline
}

/// Tables are merged over the settings key by key, in any spelling: quoted, dotted or
/// nested.
fn overrides(
    path: &str,
    node: &Node,
    all: &mut Vec<(String, serde_json::Value)>,
    problems: &mut Problems,
) {
    match (&node.value, super::text::to_json(node)) {
        (Value::Table(entries), _) if !entries.is_empty() => {
            for entry in entries {
                overrides(&format!("{path}.{}", entry.key), &entry.node, all, problems);
            }
        }
        (_, Some(value)) => all.push((path.to_owned(), value)),
        (_, None) => note(problems, node.at, "dates, infinity and nan are not supported here"),
    }
}

fn steps(section: Option<Reader<'_>>, problems: &mut Problems) -> StepsSection {
    let second = Duration::from_secs(1);
    let mut steps = StepsSection {
        install_timeout: second,
        migrate: Vec::new(),
        migrate_timeout: second,
        seed_timeout: second,
        run_timeout: second,
    };
    let Some(mut section) = section else { return steps };
    steps.install_timeout = section.duration("install_timeout", problems);
    steps.migrate = section.texts("migrate", problems);
    if steps.migrate.is_empty() {
        note(problems, section.at(), "steps.migrate must name a command of manage.py");
    }
    steps.migrate_timeout = section.duration("migrate_timeout", problems);
    steps.seed_timeout = section.duration("seed_timeout", problems);
    steps.run_timeout = section.duration("run_timeout", problems);
    section.finish(problems);
    steps
}
