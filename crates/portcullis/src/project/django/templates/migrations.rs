//! What decides the content of a migrated database, found in the text of the code without
//! running Django: the modules of migrations wherever they are, handlers of `post_migrate`,
//! the settings, and the project's modules that these import. Code that reads files or
//! calls commands depends on more: then more counts, not less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a migrated database depends on.
#[derive(Debug, PartialEq, Eq)]
pub enum Extent {
    /// These modules.
    Modules(BTreeSet<PathBuf>),
    /// These modules, and every file that is no module: a migration reads files.
    Data(BTreeSet<PathBuf>),
    /// Everything.
    All,
}

/// The Python modules of a project, by path.
pub type Modules = BTreeMap<PathBuf, String>;

/// Texts of code that reads files which are not modules.
const READS: [&str; 13] = [
    "open(",
    "read_text",
    "read_bytes",
    "__file__",
    "BASE_DIR",
    "loaddata",
    "glob(",
    "listdir",
    "scandir",
    "iterdir",
    "get_data",
    "importlib.resources",
    "importlib_resources",
];
/// Texts of code that may run anything.
const RUNS: [&str; 5] = ["import_module", "import_string", "__import__", "exec(", "subprocess"];
/// Texts of settings that are put together from files which they do not import.
const INCLUDES: [&str; 4] = ["include(", "import_module", "exec(", "__import__"];

/// The extent for the arguments of `manage.py` and the settings module.
pub fn extent(modules: &Modules, migrate: &[String], settings: &str) -> Extent {
    // Other commands may do anything; without migrations the models are the schema.
    let is_plain = migrate.first().is_some_and(|command| command == "migrate");
    if !is_plain || migrate.iter().any(|argument| argument == "--run-syncdb") {
        return Extent::All;
    }
    let index = Index::new(modules);
    let text = |path: &Path| modules.get(path).map_or("", String::as_str);
    let has = |path: &Path, words: &[&str]| words.iter().any(|word| text(path).contains(word));
    let decisive: Vec<&Path> =
        modules.iter().filter(|(path, text)| decides(path, text)).map(|(p, _)| &**p).collect();
    let imported = decisive.iter().flat_map(|path| index.imports(path, text(path)));
    let near: BTreeSet<&Path> = imported.chain(decisive.iter().copied()).collect();
    let mut found = index.with_imports(near.iter().copied().collect());
    let runs = near.iter().any(|path| has(path, &RUNS) || calls_commands(text(path)));
    let reads = found.iter().any(|path| has(path, &READS));
    found.extend(index.settings(settings));
    let found = found.into_iter().map(PathBuf::from).collect();
    match (runs, reads) {
        (true, _) => Extent::All,
        (false, true) => Extent::Data(found),
        (false, false) => Extent::Modules(found),
    }
}

/// Whether a text calls commands other than `loaddata`, which only reads.
fn calls_commands(text: &str) -> bool {
    let mut calls = text.split("call_command(").skip(1).map(str::trim_start);
    calls.any(|call| !call.starts_with("\"loaddata\"") && !call.starts_with("'loaddata'"))
}

/// Whether a module runs when the database is migrated.
fn decides(path: &Path, text: &str) -> bool {
    let in_folder = path.parent().is_some_and(|folder| folder.ends_with("migrations"));
    in_folder
        || text.contains("class Migration(")
        || text.contains("post_migrate")
        || text.contains("pre_migrate")
        || path.ends_with("management/commands/migrate.py")
}

/// The modules by their own name: imports do not say in which folder their root is.
struct Index<'a> {
    modules: &'a Modules,
    by_name: BTreeMap<&'a str, Vec<&'a Path>>,
}

impl<'a> Index<'a> {
    fn new(modules: &'a Modules) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
        for path in modules.keys() {
            if let Some(name) = name(path) {
                by_name.entry(name).or_default().push(path);
            }
        }
        Self { modules, by_name }
    }

    /// The modules that a dotted name may mean.
    fn resolve(&self, dotted: &str) -> Vec<&'a Path> {
        let last = dotted.rsplit('.').next().unwrap_or(dotted);
        let path: PathBuf = dotted.split('.').collect();
        let file = path.with_file_name(format!("{last}.py"));
        let package = path.join("__init__.py");
        let all = self.by_name.get(last).into_iter().flatten();
        all.copied().filter(|at| at.ends_with(&file) || at.ends_with(&package)).collect()
    }

    /// The project's modules that a module imports itself.
    fn imports(&self, path: &Path, text: &str) -> BTreeSet<&'a Path> {
        let mut found = BTreeSet::new();
        for import in imported(text) {
            let dots = import.bytes().take_while(|byte| *byte == b'.').count();
            if dots == 0 {
                found.extend(self.resolve(&import));
                continue;
            }
            let Some(folder) = path.ancestors().nth(dots) else { continue };
            let below: PathBuf = import.split('.').filter(|part| !part.is_empty()).collect();
            let place = folder.join(below);
            let candidates = [place.with_extension("py"), place.join("__init__.py")];
            let known = candidates.iter().filter_map(|path| self.modules.get_key_value(path));
            found.extend(known.map(|(path, _)| path.as_path()));
        }
        found
    }

    /// These modules with everything that they import, and that these import.
    fn with_imports(&self, mut queue: Vec<&'a Path>) -> BTreeSet<&'a Path> {
        let mut found = BTreeSet::new();
        while let Some(path) = queue.pop() {
            if found.insert(path) {
                let text = self.modules.get(path).map_or("", String::as_str);
                queue.extend(self.imports(path, text));
            }
        }
        found
    }

    /// The settings module with everything that it imports, and everything in the folders
    /// of settings that include files.
    fn settings(&self, settings: &str) -> BTreeSet<&'a Path> {
        let mut found = self.with_imports(self.resolve(settings));
        let includes = |path: &&&Path| {
            let text = self.modules.get(**path).map_or("", String::as_str);
            INCLUDES.iter().any(|word| text.contains(word))
        };
        let folders = found.iter().filter(includes).filter_map(|path| path.parent());
        let below = folders.flat_map(|folder| {
            self.modules.keys().map(PathBuf::as_path).filter(move |path| path.starts_with(folder))
        });
        let below = below.collect();
        found.extend(self.with_imports(below));
        found
    }
}

/// The last part of a module's dotted name.
fn name(path: &Path) -> Option<&str> {
    match path.file_stem()?.to_str()? {
        "__init__" => path.parent()?.file_name()?.to_str(),
        stem => Some(stem),
    }
}

/// The dotted names that a text may import: modules, and names in them, which may be modules
/// too. Relative ones keep their dots.
fn imported(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = without_comment(line);
        if let Some(rest) = line.strip_prefix("import ") {
            names.extend(rest.split(',').map(first_word));
        } else if let Some((module, rest)) =
            line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
        {
            let mut rest = rest.to_owned();
            while (rest.contains('(') && !rest.contains(')')) || rest.ends_with('\\') {
                let Some(line) = lines.next() else { break };
                rest = format!("{} {}", rest.trim_end_matches('\\'), without_comment(line));
            }
            let module = module.trim();
            names.push(module.to_owned());
            let separator = if module.ends_with('.') { "" } else { "." };
            let inner = rest.split(['(', ')', ',']).map(first_word).filter(|name| !name.is_empty());
            names.extend(inner.map(|name| format!("{module}{separator}{name}")));
        }
    }
    names.retain(|name| !name.is_empty() && !name.ends_with('*'));
    names
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "service/config/settings/production.py";
    const MIGRATION: &str = "class Migration(migrations.Migration):\n    pass\n";

    fn of(files: &[(&str, &str)]) -> Extent {
        let settings = [
            (SETTINGS, "from .base import *\n"),
            ("service/config/settings/base.py", "import os\n"),
            ("service/config/settings/__init__.py", ""),
            ("service/app/views.py", "from app.models import Thing\n"),
            ("service/app/models.py", "class Thing: pass\n"),
        ];
        let files = settings.iter().chain(files);
        let modules: Modules =
            files.map(|(path, text)| (path.into(), (*text).to_owned())).collect();
        extent(&modules, &["migrate".into(), "--noinput".into()], "config.settings.production")
    }

    fn modules(paths: &[&str]) -> BTreeSet<PathBuf> {
        let own = [SETTINGS, "service/config/settings/base.py"];
        own.iter().chain(paths).map(PathBuf::from).collect()
    }

    #[test]
    fn migrations_count_wherever_they_are_with_what_they_import() {
        let at = "service/app/migrations/0001_initial.py";
        let elsewhere = "service/schema/app/0001_first.py";
        assert_eq!(of(&[(at, MIGRATION)]), Extent::Modules(modules(&[at])));
        assert_eq!(of(&[(elsewhere, MIGRATION)]), Extent::Modules(modules(&[elsewhere])));
        let with_models = format!("import app.models\n{MIGRATION}");
        let models = "service/app/models.py";
        assert_eq!(of(&[(at, &with_models)]), Extent::Modules(modules(&[at, models])));
        let relative = format!("from ..models import (\n    Thing,  # used\n)\n{MIGRATION}");
        assert_eq!(of(&[(at, &relative)]), Extent::Modules(modules(&[at, models])));
        let handler = ("service/app/apps.py", "post_migrate.connect(fill)\n");
        let expected = modules(&[at, handler.0]);
        assert_eq!(of(&[(at, MIGRATION), handler]), Extent::Modules(expected));
    }

    #[test]
    fn a_migration_that_reads_or_runs_something_depends_on_more() {
        let at = "service/app/migrations/0001_initial.py";
        for line in ["open('data.csv')", "call_command('loaddata', 'x')", "Path(__file__)"] {
            let expected = Extent::Data(modules(&[at]));
            assert_eq!(of(&[(at, &format!("{MIGRATION}{line}\n"))]), expected, "{line}");
        }
        for line in ["call_command('fill')", "importlib.import_module(x)"] {
            assert_eq!(of(&[(at, &format!("{MIGRATION}{line}\n"))]), Extent::All, "{line}");
        }
        let imported = format!("from app import views\n{MIGRATION}");
        let more = [(at, imported.as_str()), ("service/app/models.py", "open('x')\n")];
        assert!(matches!(of(&more), Extent::Data(_)), "what a migration imports reads");
    }

    #[test]
    fn other_commands_depend_on_everything() {
        let all = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            extent(&Modules::new(), &arguments, "settings") == Extent::All
        };
        assert!(all(&["prepare"]) && all(&["migrate", "--run-syncdb"]) && all(&[]));
        assert!(!all(&["migrate", "--noinput"]));
    }

    #[test]
    fn settings_that_include_files_count_with_their_folder() {
        let including = [
            (SETTINGS, "include('components/*.py')\n"),
            ("service/config/settings/components/database.py", ""),
        ];
        let Extent::Modules(found) = of(&including) else { panic!() };
        assert!(found.contains(Path::new(including[1].0)));
    }
}
