//! An application in Python that is not a Django project: FastAPI, Flask and others, found by
//! how the code makes it.

use crate::init::folder::{Folder, folder_of, within};

/// A framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// FastAPI.
    FastApi,
    /// Starlette.
    Starlette,
    /// Litestar.
    Litestar,
    /// Flask.
    Flask,
}

/// Frameworks with the name of the class that makes an application.
const CLASSES: [(&str, Framework); 4] = [
    ("FastAPI", Framework::FastApi),
    ("Starlette", Framework::Starlette),
    ("Litestar", Framework::Litestar),
    ("Flask", Framework::Flask),
];

/// Functions that make an application.
const FACTORIES: [&str; 3] = ["create_app", "make_app", "get_app"];

impl Framework {
    /// Its name.
    pub fn name(self) -> &'static str {
        CLASSES.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The folder from which its module is imported, empty at the top.
    pub folder: String,
    /// Its module.
    pub module: String,
    /// Its name in the module.
    pub name: String,
    /// Whether the name is that of a function that makes it.
    pub is_factory: bool,
    /// What it is made with.
    pub framework: Framework,
    /// The commands that make its tables, in order.
    pub commands: Vec<Vec<String>>,
    /// The engine of its database, and how its address begins.
    pub database: Option<Database>,
    /// Variables with the address of the database, besides `DATABASE_URL`.
    pub addresses: Vec<String>,
}

/// A database of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Database {
    /// `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// Up to the path or the server, with the driver: `postgresql+asyncpg://`.
    pub scheme: &'static str,
}

/// The application of a folder, the one nearest to the top.
pub fn application(folder: &Folder) -> Option<Application> {
    let mut found: Vec<(usize, &String, (String, bool, Framework))> = folder
        .files
        .iter()
        .filter(|path| path.ends_with(".py") && !path.contains("test"))
        .filter_map(|path| Some((path.matches('/').count(), path, made(folder.text(path)?)?)))
        .collect();
    // A name is certain, a function is not called yet.
    found.sort_by_key(|(depth, path, (_, is_factory, _))| (*is_factory, *depth, path.len()));
    let (_, path, (name, is_factory, framework)) = found.into_iter().next()?;
    let mut below = folder_of(path);
    while !below.is_empty() && folder.has(&within(below, "__init__.py")) {
        below = folder_of(below);
    }
    let file = path.strip_prefix(within(below, "").as_str()).unwrap_or(path);
    let module = file.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".");
    let database = database(folder);
    Some(Application {
        commands: commands(folder, below, &module, framework),
        addresses: addresses(folder),
        folder: below.to_owned(),
        module,
        name,
        is_factory,
        framework,
        database,
    })
}

/// The name of an application in a text, whether it is a function, and its framework.
fn made(text: &str) -> Option<(String, bool, Framework)> {
    for line in text.lines() {
        for (class, framework) in CLASSES {
            let Some((left, right)) = line.split_once('=') else { continue };
            let right = right.trim_start();
            let is_made = right.strip_prefix(class).is_some_and(|rest| rest.starts_with('('));
            let name = left.split(':').next().unwrap_or_default().trim_end();
            let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if is_made && !name.is_empty() && is_name(name) {
                return Some((name.to_owned(), false, framework));
            }
        }
    }
    let function = FACTORIES.iter().find(|name| text.contains(&format!("def {name}(")))?;
    let (_, framework) = CLASSES.iter().find(|(class, _)| text.contains(&format!("{class}(")))?;
    Some(((*function).to_owned(), true, *framework))
}

/// The commands that make the tables of an application.
fn commands(folder: &Folder, below: &str, module: &str, framework: Framework) -> Vec<Vec<String>> {
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let flask =
        |words: &[&str]| command(&[&["{python}", "-m", "flask", "--app", module], words].concat());
    let mut all: Vec<Vec<String>> = Vec::new();
    if folder.has(&within(below, "alembic.ini")) {
        all.push(command(&["{python}", "-m", "alembic", "upgrade", "head"]));
    }
    if framework == Framework::Flask {
        if folder.has(&within(below, "migrations/alembic.ini")) {
            all.push(flask(&["db", "upgrade"]));
        }
        let texts = || folder.texts.values();
        for name in ["init-db", "create-db", "seed", "seed-db"] {
            let quoted = [format!("command(\"{name}\""), format!("command('{name}'")];
            if texts().any(|text| quoted.iter().any(|quoted| text.contains(quoted))) {
                all.push(flask(&[name]));
            }
        }
    }
    all
}

/// The database whose driver the project requires.
fn database(folder: &Folder) -> Option<Database> {
    let lists = ["requirements", "pyproject.toml", "Pipfile", ".lock"];
    let is_list = |path: &&String| lists.iter().any(|part| path.contains(part));
    let texts: Vec<String> = folder
        .files
        .iter()
        .filter(is_list)
        .filter_map(|path| Some(folder.text(path)?.to_ascii_lowercase()))
        .collect();
    let has = |name: &str| texts.iter().any(|text| text.contains(name));
    let found = |engine, scheme| Some(Database { engine, scheme });
    if has("asyncpg") {
        return found("postgresql", "postgresql+asyncpg://");
    }
    if has("psycopg2") {
        return found("postgresql", "postgresql://");
    }
    if has("psycopg") {
        return found("postgresql", "postgresql+psycopg://");
    }
    if has("aiosqlite") {
        return found("sqlite", "sqlite+aiosqlite:///");
    }
    (has("sqlalchemy") || has("sqlmodel") || has("peewee") || has("tortoise"))
        .then_some(Database { engine: "sqlite", scheme: "sqlite:///" })
}

/// Names of variables in the code that have the address of the database.
fn addresses(folder: &Folder) -> Vec<String> {
    let usual = [
        "SQLALCHEMY_DATABASE_URI",
        "SQLALCHEMY_DATABASE_URL",
        "DB_URL",
        "POSTGRES_URL",
        "DATABASE_URI",
    ];
    let read = |name: &&&str| {
        let quoted = [format!("\"{name}\""), format!("'{name}'")];
        let is_read = |line: &str| line.contains("environ") || line.contains("getenv");
        let mut lines = folder
            .texts
            .iter()
            .filter(|(path, _)| path.ends_with(".py"))
            .flat_map(|(_, text)| text.lines());
        lines.any(|line| is_read(line) && quoted.iter().any(|quoted| line.contains(quoted)))
    };
    usual.iter().filter(read).map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::folder;
    use super::*;

    #[test]
    fn an_application_is_found_where_it_is_made() {
        let found = application(&folder(&[
            ("src/shop/__init__.py", ""),
            (
                "src/shop/main.py",
                "from fastapi import FastAPI\napp: FastAPI = FastAPI(title='x')\n",
            ),
            ("src/alembic.ini", ""),
            ("requirements.txt", "fastapi\nasyncpg\n"),
        ]))
        .unwrap();
        assert_eq!((found.folder.as_str(), found.module.as_str()), ("src", "shop.main"));
        assert_eq!((found.name.as_str(), found.is_factory), ("app", false));
        assert_eq!(found.commands, [["{python}", "-m", "alembic", "upgrade", "head"]]);
        assert_eq!(found.database.unwrap().scheme, "postgresql+asyncpg://");
        let flask = application(&folder(&[
            ("flaskr/__init__.py", "def create_app(test=None):\n    app = Flask(__name__)\n"),
            ("flaskr/db.py", "@click.command(\"init-db\")\ndef init(): ...\n"),
        ]))
        .unwrap();
        // The name in the function is not one of the module.
        assert_eq!((flask.module.as_str(), flask.name.as_str()), ("flaskr", "create_app"));
        assert!(flask.is_factory && flask.database.is_none());
        assert_eq!(flask.commands[0].last().unwrap(), "init-db");
        assert_eq!(application(&folder(&[("a.py", "x = 1\n")])), None);
    }
}
