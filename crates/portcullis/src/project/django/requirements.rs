//! The part of an environment's key that comes from its requirements: the files with their
//! includes, and local code, which can change without a change of these files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cache::cache_key::Key;

/// Adds requirement files to the key of an environment.
pub struct Requirements<'a> {
    key: &'a mut Key,
    /// The key over all files of local code, which also decides what runs.
    code: &'a mut Key,
    /// The folder in which pip runs: local paths are relative to it.
    root: &'a Path,
    /// The files of a folder that git does not ignore, if git knows them.
    listed: &'a dyn Fn(&Path) -> Option<Vec<PathBuf>>,
    seen: BTreeSet<PathBuf>,
}

/// Code that a line refers to by its path.
#[derive(Debug, PartialEq)]
struct Local {
    path: PathBuf,
    /// Editable code is used where it is, so only its build files are part of the environment.
    is_editable: bool,
}

/// Files that a build may read besides `setup.py`: its settings, lists of requirements, and
/// sources that are compiled.
const BUILDS: [&str; 13] =
    ["toml", "cfg", "ini", "in", "txt", "lock", "pyx", "pxd", "c", "h", "cc", "cpp", "rs"];
/// Folders that a build leaves behind.
const BUILT: [&str; 3] = ["__pycache__", "build", "dist"];

impl<'a> Requirements<'a> {
    /// Without files.
    pub fn new(
        key: &'a mut Key,
        code: &'a mut Key,
        root: &'a Path,
        listed: &'a dyn Fn(&Path) -> Option<Vec<PathBuf>>,
    ) -> Self {
        Self { key, code, root, listed, seen: BTreeSet::new() }
    }

    /// Adds a requirements file, and the files that it includes by `-r` and `-c`.
    pub fn add(&mut self, path: &Path) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        // If it cannot be read, pip will report it.
        let _ = self.key.add_file("requirements", path);
        let text = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().map(str::trim) {
            let options = ["--requirement", "--constraint", "-r", "-c"];
            let included = options.iter().find_map(|option| line.strip_prefix(option));
            if let Some(name) = included.map(argument) {
                let folder = path.parent().unwrap_or(Path::new("."));
                self.add(&folder.join(name));
            } else if let Some(local) = local(line, self.root) {
                self.add_local(&local);
            }
        }
    }

    fn add_local(&mut self, local: &Local) {
        let path = local.path.canonicalize().unwrap_or_else(|_| local.path.clone());
        // The environment refers to this folder, or has a copy of it.
        self.key.add("local code", path.to_string_lossy().as_bytes());
        if !path.is_dir() {
            let _ = self.key.add_file("local file", &path);
            return;
        }
        let listed = (self.listed)(&path).filter(|files| !files.is_empty());
        for file in listed.unwrap_or_else(|| below(&path, &path)) {
            let (name, place) = (file.to_string_lossy(), path.join(&file));
            let _ = self.code.add_file(&name, &place);
            if !local.is_editable || is_built_of(&file) {
                let _ = self.key.add_file(&name, &place);
            }
        }
    }
}

/// Whether the build of a folder may depend on this file.
fn is_built_of(file: &Path) -> bool {
    let extension = file.extension().map(|extension| extension.to_string_lossy());
    file.file_name().is_some_and(|name| name == "setup.py")
        || extension.is_some_and(|extension| BUILDS.contains(&&*extension))
}

/// The argument of an option, after a space or `=`, without a comment and quotes, as pip
/// reads it.
fn argument(rest: &str) -> &str {
    let rest = rest.trim_start_matches(['=', ' ', '\t']);
    let rest = rest.split(" #").next().unwrap_or(rest).trim();
    ['"', '\''].iter().fold(rest, |rest, quote| {
        rest.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)).unwrap_or(rest)
    })
}

/// The local code in a line of requirements. As in pip, it is recognised by a separator or
/// a leading dot, or by a `file:` URL.
fn local(line: &str, root: &Path) -> Option<Local> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    let editable = ["--editable", "-e"].iter().find_map(|option| line.strip_prefix(option));
    let named = editable.map_or(line, argument);
    if named.is_empty() || named.starts_with(['#', '-']) {
        return None;
    }
    let path = match named.split_once("file:") {
        Some((_, url)) => url.strip_prefix("//").unwrap_or(url),
        None if named.contains("://") => return None,
        None => named,
    };
    let path = path.split([';', '[', ' ', '#']).next().unwrap_or(path);
    let is_path = path.starts_with('.') || path.contains('/') || named.contains("file:");
    is_path.then(|| Local { path: root.join(path), is_editable: editable.is_some() })
}

/// All files below a folder, except hidden ones and the output of builds.
fn below(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_left = BUILT.contains(&name.as_str()) || name.ends_with(".egg-info");
        match entry.file_type() {
            _ if name.starts_with('.') => {}
            Ok(kind) if kind.is_dir() && !is_left => found.extend(below(root, &path)),
            Ok(kind) if kind.is_file() => {
                found.extend(path.strip_prefix(root).map(Path::to_owned));
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_code_is_told_from_names_and_urls() {
        let of = |line| {
            local(line, Path::new("/p")).map(|l| (l.path.display().to_string(), l.is_editable))
        };
        let some = |path: &str, is_editable| Some((path.to_owned(), is_editable));
        assert_eq!(of("-e ."), some("/p/.", true));
        assert_eq!(of("--editable=./libs/common[all]  # ours"), some("/p/./libs/common", true));
        assert_eq!(of("libs/common ; python_version > '3.11'"), some("/p/libs/common", false));
        assert_eq!(of("common @ file:///opt/common"), some("/opt/common", false));
        assert_eq!(
            of("./wheels/x-1.0-py3-none-any.whl"),
            some("/p/./wheels/x-1.0-py3-none-any.whl", false)
        );
        for other in
            ["django==5.2", "-e git+https://host/x#egg=x", "x @ https://host/x.whl", "# .", ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of("--hash=sha256:ab/cd"), None);
    }

    #[test]
    fn a_copy_changes_with_its_code_and_what_is_editable_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let key = |root: &str, requirements: &str| {
            write("r.txt", requirements);
            let (mut key, mut code) = (Key::default(), Key::default());
            let root = folder.path().join(root);
            let file = folder.path().join("r.txt");
            Requirements::new(&mut key, &mut code, &root, &|_| None).add(&file);
            (key.finish(), code.finish())
        };
        for root in ["a", "b"] {
            write(&format!("{root}/lib/setup.py"), "setup()");
            write(&format!("{root}/lib/lib.py"), "1");
        }
        let all = |root| ["./lib", "-e ./lib", "lib"].map(|line| key(root, line));
        let before = all("a");
        assert_eq!(before, all("a"));
        let other = all("b");
        assert!(before[0].0 != other[0].0 && before[1].0 != other[1].0, "another place");
        assert_eq!(before[2], other[2], "a name has no place");
        write("a/lib/lib.py", "2");
        write("a/lib/build/left.py", "3");
        let after = all("a");
        assert!(before[0].0 != after[0].0, "the copy is another one");
        assert_eq!(before[1].0, after[1].0, "it is used where it is");
        assert_ne!(before[1].1, after[1].1, "but the code is another one");
        write("a/lib/lib.py", "1");
        assert_eq!(all("a"), before, "what a build leaves counts for nothing");
        write("a/lib/more.in", "django==5.2");
        assert_ne!(all("a")[1].0, before[1].0, "a build may read it");
    }

    #[test]
    fn an_included_file_counts_whatever_stands_around_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file =
            |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
        for line in
            ["-r base.txt  # shared", "--requirement='base.txt'", "-c \"base.txt\"", "-rbase.txt"]
        {
            file("r.txt", &[b"# caf\xe9\n", line.as_bytes()].concat());
            let key = |base: &[u8]| {
                file("base.txt", base);
                let (mut key, mut code) = (Key::default(), Key::default());
                let mut all = Requirements::new(&mut key, &mut code, folder.path(), &|_| None);
                all.add(&folder.path().join("r.txt"));
                key.finish()
            };
            assert_ne!(key(b"django==5.1"), key(b"django==5.2"), "{line}");
        }
    }
}
