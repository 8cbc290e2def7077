//! Variables that the settings read, and values for those that have no default.

use portcullis_core::text::is_secret_name;

use super::quoted;
use crate::init::folder::{Folder, within};

/// The environment that the settings need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// A file with examples, whose keys are all set.
    pub example: Option<String>,
    /// Names that get a random value.
    pub random: Vec<String>,
    /// Names with a value of ours.
    pub set: Vec<(String, String)>,
}

/// Whether a file has examples of variables.
pub fn is_env_example(name: &str) -> bool {
    let dotted = name.trim_start_matches('.');
    ["env.example", "env.sample", "env.template", "env.dist", "env-example", "env.test", "env.ci"]
        .contains(&dotted)
        || ["example.env", "sample.env"].contains(&dotted)
}

/// The variables of a settings module below the folder of `manage.py`.
pub fn variables(folder: &Folder, below: &str, settings: &str) -> Variables {
    let is_example = |path: &&String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_near = within(below, name) == **path || name == path.as_str();
        is_env_example(name) && is_near
    };
    let example = folder.files.iter().filter(is_example).max_by_key(|path| path.len()).cloned();
    let text = example.as_deref().and_then(|path| folder.text(path)).unwrap_or_default();
    let given: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().trim_start_matches("export ").split_once('=')?;
            (!name.starts_with('#')).then(|| (name.trim(), value.trim()))
        })
        .collect();
    let mut found = Variables { example, ..Variables::default() };
    let (needed, optional) = read(folder, below, settings);
    // An address with a default leads to a Redis of the developer.
    let is_needed = |name: &String| !needed.contains(name) && is_redis(name) && name.contains("UR");
    for name in optional.into_iter().filter(is_needed) {
        found.set.push((name, REDIS.to_owned()));
    }
    for name in needed {
        let value = given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        if is_secret_key(&name) {
            found.random.push(name);
        } else if is_database(&name) {
            let known = value.filter(|value| is_measured(value));
            let value = known.map_or_else(|| database_url(folder), str::to_owned);
            found.set.push((name, value));
        } else if is_redis(&name) {
            found.set.push((name, REDIS.to_owned()));
        } else if value.is_none() {
            let value = value_for(&name);
            found.set.push((name, value));
        }
    }
    found
}

fn is_secret_key(name: &str) -> bool {
    name.contains("SECRET_KEY") || name == "SECRET"
}

fn is_database(name: &str) -> bool {
    name.contains("DATABASE_URL") || name == "DB_URL"
}

/// Whether a run can give the service a database of its own with this address.
fn is_measured(url: &str) -> bool {
    ["sqlite:", "postgres:", "postgresql:", "psql:", "pgsql:", "postgis:"]
        .iter()
        .any(|scheme| url.trim_matches(['"', '\'']).starts_with(scheme))
}

/// The address of a database of the engine that the project has a driver for. A run puts its
/// own server and name in the place of these.
fn database_url(folder: &Folder) -> String {
    let lists = ["requirements", "pyproject.toml", "Pipfile", ".lock"];
    let is_list = |path: &&String| lists.iter().any(|part| path.contains(part));
    let mut texts = folder.files.iter().filter(is_list).filter_map(|path| folder.text(path));
    match texts.any(|text| text.contains("psycopg")) {
        true => "postgres://portcullis@127.0.0.1/portcullis".to_owned(),
        false => "sqlite:///{run}/db/default.sqlite3".to_owned(),
    }
}

/// The address of the run's own Redis.
const REDIS: &str = "redis://127.0.0.1:{service.redis.port}/0";

/// Whether a variable has the address of Redis.
fn is_redis(name: &str) -> bool {
    let has = |part: &str| name.contains(part);
    (has("REDIS") || has("BROKER") || has("CELERY")) && !has("HOST") && !has("PORT")
}

/// A value with which a local run starts.
fn value_for(name: &str) -> String {
    let has = |part: &str| name.contains(part);
    let value = match name {
        "DEBUG" | "DJANGO_DEBUG" => "True",
        _ if has("HOSTS") => "127.0.0.1,localhost",
        _ if has("ORIGINS") => "http://127.0.0.1",
        _ if is_redis(name) => REDIS,
        _ if has("EMAIL_URL") => "memorymail://",
        _ if has("PORT") => "1025",
        _ if has("_URL") => "http://127.0.0.1",
        _ if has("DIR") || has("PATH") || has("ROOT") => "{run}",
        _ if has("TIMEOUT") || has("LIFETIME") || has("MAX") => "60",
        _ if is_secret_name(name) => "portcullis-not-a-secret",
        _ => "portcullis",
    };
    value.to_owned()
}

/// Names that the settings read without a default, in the order of their first use, and those
/// that they read with one.
fn read(folder: &Folder, below: &str, settings: &str) -> (Vec<String>, Vec<String>) {
    let module = within(below, &settings.replace('.', "/"));
    let package = module.rsplit_once('/').map_or("", |(package, _)| package);
    let is_split = package.ends_with("settings");
    let is_read = |path: &&String| {
        let path = path.trim_end_matches(".py");
        let base = ["base", "common", "defaults", "__init__"];
        let is_base = is_split && base.iter().any(|name| within(package, name) == path);
        path == module || path.starts_with(&format!("{module}/")) || is_base
    };
    let (mut names, mut optional): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for text in folder.files.iter().filter(is_read).filter_map(|path| folder.text(path)) {
        // `if "X" in os.environ:` is a default too.
        let is_asked_for = |name: &str| {
            [format!("\"{name}\" in "), format!("'{name}' in ")]
                .iter()
                .any(|asked| text.contains(asked))
        };
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            for (name, has_default) in in_line(line) {
                let has_default = has_default || is_asked_for(&name);
                let list = if has_default { &mut optional } else { &mut names };
                if !list.contains(&name) {
                    list.push(name);
                }
            }
        }
    }
    (names, optional)
}

/// How settings read a variable, and whether they have a default for it: `os.environ["X"]`,
/// `os.getenv("X")`, python-decouple's `config("X")`, django-environ's `env("X")` and
/// `env.db("X")`.
fn in_line(line: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    for (at, opening) in line.match_indices("environ[") {
        if let Some((name, rest)) = line.get(at + opening.len()..).and_then(quoted)
            && is_name(name)
            && !rest.trim_start_matches([']', ' ']).starts_with('=')
        {
            found.push((name.to_owned(), false));
        }
    }
    for call in ["environ.get(", "getenv("] {
        for (at, _) in line.match_indices(call) {
            let name = line.get(at + call.len()..).and_then(quoted).map(|(name, _)| name);
            found.extend(name.filter(|name| is_name(name)).map(|name| (name.to_owned(), true)));
        }
    }
    for call in ["config", "env"] {
        for (at, _) in line.match_indices(call) {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
                continue;
            }
            let rest = line.get(at + call.len()..).unwrap_or_default();
            // `env.db(`, `env.bool(`
            let rest = rest.strip_prefix('.').map_or(rest, |method| {
                method.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_')
            });
            let Some((name, rest)) = rest.strip_prefix('(').and_then(quoted) else { continue };
            let is_last = rest.trim_start().starts_with(')');
            let is_cast = rest.trim_start().starts_with(", cast") && !rest.contains("default");
            if is_name(name) {
                found.push((name.to_owned(), !is_last && !is_cast));
            }
        }
    }
    found
}
