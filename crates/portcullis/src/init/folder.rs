//! The names of the files in a folder, and the texts of those that say something about a
//! project. Nothing is run, and links to folders are not followed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Its path.
    pub root: PathBuf,
    /// Relative paths of its files, sorted, with `/` between their parts.
    pub files: Vec<String>,
    /// The texts of some of them.
    pub texts: BTreeMap<String, String>,
}

/// Not more files than this are listed.
const MOST_FILES: usize = 50_000;
/// Not deeper than this.
const DEEPEST: usize = 8;
/// Longer files are not read.
const LONGEST: u64 = 8 << 20;

/// Folders with files of others, or made by tools.
const FOREIGN: [&str; 12] = [
    "node_modules",
    "site-packages",
    "__pycache__",
    "target",
    "dist",
    "build",
    "vendor",
    "htmlcov",
    "media",
    "staticfiles",
    "venv",
    "env",
];

/// Reads a folder.
pub fn read(root: &Path) -> Folder {
    let mut folder = Folder { root: root.to_owned(), ..Folder::default() };
    list(root, root, 0, &mut folder.files);
    folder.files.sort_unstable();
    for name in folder.files.iter().filter(|name| is_telling(name)) {
        let path = root.join(name);
        if path.metadata().is_ok_and(|data| data.len() <= LONGEST)
            && let Ok(bytes) = std::fs::read(&path)
        {
            folder.texts.insert(name.clone(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    folder
}

fn list(root: &Path, folder: &Path, depth: usize, files: &mut Vec<String>) {
    let is_environment = folder.join("pyvenv.cfg").exists();
    if depth > DEEPEST || is_environment {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(kind) = entry.file_type() else { continue };
        if files.len() >= MOST_FILES {
            return;
        }
        let is_hidden = name.starts_with('.') && name != ".github";
        if kind.is_dir() && !is_hidden && !FOREIGN.contains(&name.as_str()) {
            list(root, &path, depth + 1, files);
        } else if kind.is_file()
            && let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str)
        {
            files.push(name.to_owned());
        }
    }
}

/// Whether the text of a file says something about its project.
fn is_telling(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let is_compose = name.contains("compose") && ends(&[".yml", ".yaml"]);
    let is_requirement = (name.contains("requirements") || path.contains("requirements/"))
        && ends(&[".txt", ".in", ".lock"]);
    ["manage.py", "pyproject.toml", "Pipfile", ".python-version"].contains(&name)
        || ends(&["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"])
        || is_compose
        || is_requirement
        || super::look::is_load_file(path)
        || path.starts_with(".github/workflows/")
        || (path.contains("settings") && name.ends_with(".py"))
        || super::look::is_env_example(name)
        || is_source(path)
}

/// Whether a file may make an application.
fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".py") && path.matches('/').count() <= 3 && !path.contains("migrations/")
}

impl Folder {
    /// The text of a file, if it was read.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether there is a file with this path.
    pub fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }
}

/// The folder of a path, empty at the top.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path within a folder, which may be empty.
pub fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}
