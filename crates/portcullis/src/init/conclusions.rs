//! What is told about a project: conclusions from its files, and from its own code.

use super::folder::{Folder, within};
use super::look::{
    Application, Hints, Manage, Request, Requirements, hints, oldest_python, requirements,
    variables,
};
use super::probe::{Login, Seen};
use super::write::Chosen;
use super::{Conclusion, Sure, conclude};

/// What the files of the project say.
pub struct Looked {
    /// What the configuration is made of.
    pub chosen: Chosen,
    /// Requirements that are made from a lock.
    pub made: Option<String>,
    /// Commands that may fill a database.
    pub commands: Vec<String>,
    /// Fixtures.
    pub fixtures: Vec<String>,
    /// Modules with factories.
    pub factories: Vec<String>,
    /// Requests of earlier load tests.
    pub requests: Vec<Request>,
    /// All of it for the user.
    pub conclusions: Vec<Conclusion>,
}

impl Looked {
    /// Looks at a project, one of `projects` in the folder; `asked` are the settings that the
    /// user names. `None` if there are no settings.
    pub fn of(
        folder: &Folder,
        projects: usize,
        manage: &Manage,
        asked: Option<&str>,
    ) -> Option<Self> {
        let below = manage.folder.as_str();
        let path = within(below, "manage.py");
        let mut told = vec![match projects {
            1 => conclude("project", &path, Sure::Certain, "the only manage.py"),
            n => {
                let why = format!("the first of {n}; choose with --project");
                conclude("project", &path, Sure::Guess, why)
            }
        }];
        let settings = asked.map(str::to_owned).or_else(|| manage.settings.first().cloned())?;
        let (sure, why) = match (asked, manage.is_named) {
            (Some(_), _) => (Sure::Certain, "--settings".to_owned()),
            (None, true) => (Sure::Certain, "manage.py names it".to_owned()),
            (None, false) => {
                let count = manage.settings.len();
                (Sure::Guess, format!("the first of {count}; choose with --settings"))
            }
        };
        told.push(conclude("settings", &settings, sure, why));
        let (requirements, made) = required(folder, below, &settings, &mut told);
        let python = oldest_python(folder, below);
        if let Some(python) = &python {
            let version = format!("{python} or newer");
            told.push(conclude("python", version, Sure::Certain, "pyproject.toml"));
        }
        let variables = variables(folder, below, &settings);
        if let Some(example) = &variables.example {
            told.push(conclude("environment", example, Sure::Likely, "its name"));
        }
        for (name, value) in &variables.set {
            let value = format!("{name} = {value}");
            told.push(conclude("environment", value, Sure::Guess, "the settings need it"));
        }
        let around = hints(folder);
        told.extend(of_hints(&around));
        let root = below.to_owned();
        let application = None;
        let chosen = Chosen { root, settings, application, requirements, python, variables };
        let factories = around.factories.iter().filter_map(|path| module_of(path, below)).collect();
        let Hints { commands, mut fixtures, requests, .. } = around;
        // `loaddata` runs in the folder of `manage.py`.
        for path in &mut fixtures {
            *path = path.strip_prefix(&within(below, "")).unwrap_or(path).to_owned();
        }
        Some(Self { chosen, made, commands, fixtures, factories, requests, conclusions: told })
    }

    /// Looks at an application that is not a Django project.
    pub fn of_application(folder: &Folder, application: Application) -> Self {
        let below = application.folder.clone();
        let framework = application.framework.name();
        let mut told = Vec::new();
        let place = format!("{}:{}", application.module, application.name);
        told.push(conclude("application", place, Sure::Likely, format!("made with {framework}")));
        let (requirements, made) = required(folder, &below, "", &mut told);
        let python = oldest_python(folder, &below);
        let mut variables = variables(folder, &below, &application.module);
        if let Some(database) = &application.database {
            let value = format!("{}{{database}}", database.scheme);
            told.push(conclude(
                "database",
                database.engine,
                Sure::Likely,
                "the driver that is required",
            ));
            let names = application.addresses.iter().map(String::as_str).chain(["DATABASE_URL"]);
            for name in names {
                variables.set.retain(|(known, _)| known != name);
                variables.set.push((name.to_owned(), value.clone()));
            }
        }
        for command in &application.commands {
            told.push(conclude("step", command.join(" "), Sure::Likely, "it makes the tables"));
        }
        let around = hints(folder);
        told.extend(of_hints(&around));
        let chosen = Chosen {
            root: below,
            settings: String::new(),
            application: Some(application),
            requirements,
            python,
            variables,
        };
        Self {
            chosen,
            made,
            commands: Vec::new(),
            fixtures: Vec::new(),
            factories: Vec::new(),
            requests: around.requests,
            conclusions: told,
        }
    }
}

/// The module in a file, from the folder of `manage.py`.
fn module_of(path: &str, below: &str) -> Option<String> {
    let path = path.strip_prefix(within(below, "").as_str())?.strip_suffix(".py")?;
    Some(path.trim_end_matches("/__init__").replace('/', "."))
}

/// The file of requirements, or the text of one that is made.
fn required(
    folder: &Folder,
    below: &str,
    settings: &str,
    told: &mut Vec<Conclusion>,
) -> (Option<String>, Option<String>) {
    const ABOUT: &str = "requirements";
    match requirements(folder, below, settings) {
        Some(Requirements::File(path)) => {
            told.push(conclude(ABOUT, &path, Sure::Likely, "its name"));
            (Some(path), None)
        }
        Some(Requirements::Made { from, text }) => {
            let count = format!("{} packages", text.lines().count());
            told.push(conclude(ABOUT, count, Sure::Certain, from));
            (None, Some(text))
        }
        None => {
            let none = "no lock, no requirements file, no list in pyproject.toml";
            told.push(conclude(ABOUT, "none", Sure::Guess, none));
            (None, None)
        }
    }
}

fn of_hints(around: &Hints) -> Vec<Conclusion> {
    let read = format!("{} of their requests are tried", around.requests.len());
    let all = [
        ("seed", &around.commands, Sure::Likely, "names of commands; each is tried"),
        ("fixtures", &around.fixtures, Sure::Likely, "each is tried"),
        ("factories", &around.factories, Sure::Certain, "each is tried"),
        ("services", &around.services, Sure::Certain, "compose files and workflows name them"),
        ("load tests", &around.load_files, Sure::Certain, read.as_str()),
    ];
    let found = all.into_iter().filter(|(_, values, ..)| !values.is_empty());
    found.map(|(about, values, sure, why)| conclude(about, values.join(", "), sure, why)).collect()
}

/// What the project's own code says.
pub fn of_code(seen: &Seen) -> Vec<Conclusion> {
    let facts = &seen.facts;
    let mut told = Vec::new();
    if !facts.frameworks.is_empty() {
        let names = facts.frameworks.join(", ");
        told.push(conclude("framework", names, Sure::Certain, "the project uses it"));
    }
    told.push(login(seen));
    if let Some(path) = &seen.health {
        told.push(conclude("health", path, Sure::Certain, "it answers without a login"));
    }
    let is_failed = |part: &&super::probe::SeedPart| part.error.is_some();
    let failed: Vec<&str> =
        seen.seed.iter().filter(is_failed).map(|part| part.name.as_str()).collect();
    if !failed.is_empty() {
        let without = format!("without {}", failed.join(", "));
        told.push(conclude("seed", without, Sure::Certain, "see its comments"));
    }
    if facts.debug {
        let why = "Django keeps every query then, which costs time";
        told.push(conclude("DEBUG", "on", Sure::Certain, why));
    }
    for (scope, rate) in &facts.throttles {
        let why = "the load would exceed it: raised in [django.overrides]";
        told.push(conclude("throttle", format!("{scope} {rate}"), Sure::Certain, why));
    }
    told
}

fn login(seen: &Seen) -> Conclusion {
    let opened = |value: String| conclude("login", value, Sure::Certain, "it opened a route");
    match &seen.login {
        Some(Login::Token(login)) => opened(format!("token from {}", login.path)),
        Some(Login::Session(login)) => opened(format!("form and session at {}", login.page)),
        Some(Login::Static { .. }) => opened("a key that the seed makes".to_owned()),
        Some(Login::Basic { .. }) => opened("HTTP basic".to_owned()),
        None => match seen.failed_logins.first() {
            Some(failed) => {
                let why = format!("{}: {}", failed.path, failed.why);
                conclude("login", "none: see the comments", Sure::Guess, why)
            }
            None => conclude("login", "none", Sure::Likely, "no route asks for one that was found"),
        },
    }
}
