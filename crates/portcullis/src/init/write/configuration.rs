//! The text of `perf.toml`.

use std::path::Path;

use super::login::login;
use super::tasks::{Task, left_out};
use super::{array, comment, quoted, table};
use crate::init::look::{Application, Framework, Variables};
use crate::init::probe::Seen;

/// What was concluded, or chosen by the user.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// The folder of `manage.py`, relative; empty at the top.
    pub root: String,
    /// The settings module; empty if the project is not Django.
    pub settings: String,
    /// The application of a project that is not Django.
    pub application: Option<Application>,
    /// The file of requirements, relative.
    pub requirements: Option<String>,
    /// The oldest Python, if the project says so.
    pub python: Option<String>,
    /// The environment.
    pub variables: Variables,
}

/// The names of the files beside the configuration, relative.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The schema.
    pub schema: String,
    /// The seed, if one is written.
    pub seed: Option<String>,
}

/// A configuration that is good enough to prepare the project: paths are absolute below
/// `root`, and there is one task, which is never called.
///
/// `look` is the script that looks at a project that is not Django, as its last step.
pub fn draft(chosen: &Chosen, root: &Path, output: &Path, look: &Path) -> String {
    let last = chosen.application.as_ref().map(|application| {
        let look = quoted(&look.to_string_lossy());
        let step = format!("\n[[step]]\nname = \"look\"\nargv = [\"{{python}}\", {look}]\n");
        format!("{step}\n[server]\n{}", server(application))
    });
    let last = last.unwrap_or_default();
    let absolute = |path: &str| root.join(path).to_string_lossy().into_owned();
    let output = quoted(&output.to_string_lossy());
    format!(
        "{}{last}\n[output]\ndir = {output}\n\n[scenario]\nwait = {{ constant = \"1s\" }}\n\n\
         [[scenario.task]]\nname = \"draft\"\npath = \"/\"\n",
        preparation(chosen, None, &absolute)
    )
}

/// The sections that say how the project is prepared.
fn preparation(
    chosen: &Chosen,
    seed: Option<(&str, &str)>,
    path: &dyn Fn(&str) -> String,
) -> String {
    let root = if chosen.root.is_empty() { "." } else { &chosen.root };
    let mut text = format!("[project]\nroot = {}\n", quoted(&path(root)));
    if chosen.application.is_some() {
        text.push_str("kind = \"command\"\n");
    }
    if let Some(python) = &chosen.python {
        text.push_str(&format!("python = {}\n", quoted(python)));
    }
    match &chosen.requirements {
        Some(file) => text.push_str(&format!("requirements = [{}]\n", quoted(&path(file)))),
        None => text.push_str("# requirements = [\"requirements.txt\"]  # none was found\n"),
    }
    if let Some(application) = &chosen.application {
        text.push_str(&database(application));
    }
    let variables = &chosen.variables;
    if variables.set.iter().any(|(_, value)| value.contains("{service.redis.")) {
        text.push_str("\n# Runs as long as the server does.\n[[service]]\nkind = \"redis\"\n");
    }
    text.push_str("\n# The environment of every step and of the server.\n[env]\n");
    if let Some(example) = &variables.example {
        text.push_str(&format!("example = {}\n", quoted(&path(example))));
    }
    let pairs: Vec<String> =
        variables.set.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
    if !pairs.is_empty() {
        text.push_str(&format!("set = {{ {} }}\n", pairs.join(", ")));
    }
    let mut random = vec!["SECRET_KEY".to_owned()];
    random.extend(variables.random.iter().filter(|name| *name != "SECRET_KEY").cloned());
    text.push_str(&format!("random = {}\n", array(&random)));
    if chosen.application.is_some() {
        return text;
    }
    text.push_str(&format!("\n[django]\nsettings = {}\n", quoted(&chosen.settings)));
    if let Some((script, user)) = seed {
        text.push_str(&format!("seed = {}\nseed_user = {}\n", quoted(script), quoted(user)));
    }
    text
}

/// The database of an application, and the commands that make its tables.
fn database(application: &Application) -> String {
    let mut text = String::new();
    if let Some(database) = &application.database {
        text.push_str(&format!(
            "\n# An empty database for each run; its address is in DATABASE_URL.\n\
             [database]\nengine = {}\n",
            quoted(database.engine)
        ));
    }
    for command in &application.commands {
        text.push_str(&format!("\n[[step]]\nargv = {}\n", array(command)));
    }
    text
}

/// How an application is served.
fn server(application: &Application) -> String {
    let Application { module, name, is_factory, framework, .. } = application;
    let is_wsgi = *framework == Framework::Flask;
    let app = |suffix: &str| quoted(&format!("{module}:{name}{suffix}"));
    match (is_wsgi, is_factory) {
        (true, true) => format!("kind = \"gunicorn\"\napp = {}\n", app("()")),
        (true, false) => format!("kind = \"gunicorn\"\napp = {}\n", app("")),
        (false, false) => format!("kind = \"uvicorn\"\napp = {}\n", app("")),
        (false, true) => format!(
            "argv = [\"{{python}}\", \"-m\", \"uvicorn\", \"--factory\", {}, \"--port\", \"{{port}}\"]\n",
            app("")
        ),
    }
}

/// The whole configuration. Without `seen` the project's code was not run: then there is one
/// task to begin with.
pub fn configuration(
    chosen: &Chosen,
    names: &Names,
    seen: Option<&Seen>,
    tasks: &[Task],
) -> String {
    let mut text = format!(
        "#:schema ./{}\n\
         # The performance job of this project: `portcullis perf`. Written by `portcullis init`.\n\
         # Keys that are not set have the default of `portcullis defaults`.\n\n",
        names.schema
    );
    let user = seen.and_then(|seen| seen.user.as_deref());
    let seed = names.seed.as_deref().zip(user);
    text.push_str(&preparation(chosen, seed, &str::to_owned));
    if let Some(seen) = seen {
        text.push_str(&overrides(seen));
    }
    let health = seen.and_then(|seen| seen.health.as_deref());
    text.push_str("\n[server]\n");
    text.push_str(&chosen.application.as_ref().map(server).unwrap_or_default());
    match health {
        // Without a path, a connection is enough.
        None if chosen.application.is_some() => {}
        Some(path) => text.push_str(&format!("health = {}\n", quoted(path))),
        None => text
            .push_str("health = \"/\"  # no path answers without a login: choose one that does\n"),
    }
    text.push_str(LOAD);
    text.push_str(&seen.map(login).unwrap_or_default());
    for task in tasks {
        text.push_str(&one(task));
    }
    let left: Vec<String> = seen.map(left_out).unwrap_or_default();
    if !left.is_empty() {
        text.push_str("\n# Not asked for:\n");
        for line in left.iter().take(40) {
            text.push_str(&format!("# {}\n", comment(line)));
        }
        if let Some(more) = left.len().checked_sub(40).filter(|more| *more > 0) {
            text.push_str(&format!("# and {more} more\n"));
        }
    }
    text.push_str(&thresholds(tasks));
    text
}

const LOAD: &str = "\n# Five users, as long as 30 s; longer while a threshold is in doubt.\n\
                    [load]\nusers = 5\nspawn_rate = \"1/s\"\nduration = \"30s\"\n\n\
                    [scenario]\nwait = { min = \"1s\", max = \"3s\" }\n";

/// Settings that would keep the load out.
fn overrides(seen: &Seen) -> String {
    let facts = &seen.facts;
    let mut lines: Vec<String> =
        facts.overrides.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    for (scope, rate) in &facts.throttles {
        let key = format!("REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.{scope}");
        lines.push(format!("{} = \"1000000/hour\"  # is {}\n", quoted(&key), comment(rate)));
    }
    if lines.is_empty() {
        return String::new();
    }
    let why = "\n# In a run only: without these the service would refuse a part of the load.\n";
    format!("{why}[django.overrides]\n{}", lines.concat())
}

fn one(task: &Task) -> String {
    let mut text = format!("\n[[scenario.task]]\nname = {}\n", quoted(&task.name));
    if let Some(group) = task.group {
        text.push_str(&format!("group = {}\n", quoted(group)));
    }
    if task.weight != 1 {
        text.push_str(&format!("weight = {}\n", task.weight));
    }
    text.push_str(&format!("path = {}\n", quoted(&task.path)));
    if !task.query.is_empty() {
        text.push_str(&format!("query = {}\n", table(task.query.iter().cloned())));
    }
    if let Some(query) = &task.graphql {
        text.push_str(&format!("graphql = {{ query = {} }}\n", quoted(query)));
    }
    for (name, values) in &task.values {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        text.push_str(&format!("values = {{ {name} = [{}] }}\n", values.join(", ")));
    }
    let mut checks = Vec::new();
    checks.extend(task.graphql.as_ref().map(|_| "{ absent = \"errors\" }".to_owned()));
    checks.extend(task.array.as_ref().map(|array| match array.as_str() {
        "" => "{ min_items = 1 }".to_owned(),
        array => format!("{{ json = {}, min_items = 1 }}", quoted(array)),
    }));
    if !checks.is_empty() {
        text.push_str(&format!("check = [{}]\n", checks.join(", ")));
    }
    if let Some(note) = &task.note {
        text.push_str(&format!("# {}\n", comment(note)));
    }
    text
}

/// Rules to begin with.
fn thresholds(tasks: &[Task]) -> String {
    let has = |group: &str| tasks.iter().any(|task| task.group == Some(group));
    let mut rules = vec!["error_rate <= 1%".to_owned(), "p95 <= 500ms".to_owned()];
    for group in ["list", "detail"].into_iter().filter(|group| has(group)) {
        rules.push(format!("p95({group}) < 1s per task"));
    }
    format!(
        "\n# A violated rule fails the run (exit 1). Tighten these to what your users need.\n\
         [thresholds]\nfail = {}\n",
        array(&rules)
    )
}
