//! What a requirement refers to on this machine: a local project, a wheel, or nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Code that a line refers to by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The project's folder, or a file.
    pub path: PathBuf,
    /// Editable code is used where it is, so only its build files are part of the environment.
    pub is_editable: bool,
}

/// What a text refers to.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// Something on this machine.
    Local(PathBuf),
    /// A name, or something on a server.
    Remote,
    /// Something whose content is not known.
    Unclear,
}

/// File names of packages.
const ARCHIVES: [&str; 12] = [
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.lzma",
];

/// Files that a build may read besides `setup.py`: its settings, lists of requirements, and
/// sources that are compiled.
const BUILDS: [&str; 13] =
    ["toml", "cfg", "ini", "in", "txt", "lock", "pyx", "pxd", "c", "h", "cc", "cpp", "rs"];
/// Folders that a build leaves behind.
const BUILT: [&str; 3] = ["__pycache__", "build", "dist"];

/// What a requirement refers to. Paths are relative to `root`, in which pip runs. As in pip,
/// a path has a separator or begins with a dot, and an archive is known by its name.
pub fn of_requirement(text: &str, root: &Path) -> Target {
    let separator = if text.contains("://") { "; " } else { ";" };
    let text = text.split(separator).next().unwrap_or(text).trim();
    if let Some(url) = direct_url(text) {
        return of_url(url, root);
    }
    if is_url(text) {
        return of_url(text, root);
    }
    let path = without_extras(text);
    let is_archive = ARCHIVES.iter().any(|end| path.to_lowercase().ends_with(end));
    if is_archive || text.contains('/') || text.starts_with('.') {
        return Target::Local(root.join(path));
    }
    Target::Remote
}

/// What an editable requirement refers to: a folder needs no separator.
pub fn of_editable(text: &str, root: &Path) -> Target {
    let text = text.split("; ").next().unwrap_or(text).trim();
    let place = root.join(without_extras(text));
    if place.is_dir() || !is_url(text) && !text.contains('@') {
        return Target::Local(place);
    }
    of_url(text, root)
}

/// What a URL refers to: a local path, something on a server, or a local repository, whose
/// branches move.
pub fn of_url(url: &str, root: &Path) -> Target {
    let lower = url.to_lowercase();
    if lower.starts_with("file:") {
        return path_of(url).map_or(Target::Unclear, |path| Target::Local(root.join(path)));
    }
    let is_remote = lower.contains("://") || lower.contains('@');
    match is_remote && !lower.contains("+file:") {
        true => Target::Remote,
        false => Target::Unclear,
    }
}

/// The path of a `file:` URL on this machine, without extras and fragment.
pub fn path_of(url: &str) -> Option<PathBuf> {
    let rest = url.get("file:".len()..)?;
    let rest = rest.split(['#', '?']).next().unwrap_or(rest);
    let path = match rest.strip_prefix("//") {
        Some(after) => {
            let (host, _) = after.split_once('/')?;
            let is_here = host.is_empty() || host == "localhost";
            is_here.then(|| after.get(host.len()..)).flatten()?
        }
        None => rest,
    };
    let bytes = decode(without_extras(path).as_bytes())?;
    Some(PathBuf::from(OsStr::from_bytes(&bytes)))
}

/// The bytes of a percent-encoded text.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(2..)?;
    }
    Some(bytes)
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.to_lowercase().starts_with("file:")
}

/// The URL of `name @ URL`.
fn direct_url(text: &str) -> Option<&str> {
    let (name, url) = text.split_once('@')?;
    let name = without_extras(name.trim());
    let is_name = name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    (is_name && !name.is_empty() && is_url(url)).then(|| url.trim())
}

fn without_extras(text: &str) -> &str {
    let inner = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    inner.map_or(text, |(path, _)| path)
}

/// Whether the build of a folder may depend on this file.
pub fn is_built_of(file: &Path) -> bool {
    let extension = file.extension().map(|extension| extension.to_string_lossy());
    file.file_name().is_some_and(|name| name == "setup.py")
        || extension.is_some_and(|extension| BUILDS.contains(&&*extension))
}

/// All files below a folder, except hidden ones and the output of builds.
pub fn below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    add_below(root, root, &mut found);
    found.sort_unstable();
    found
}

fn add_below(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_left = BUILT.contains(&name.as_str()) || name.ends_with(".egg-info");
        match entry.file_type() {
            _ if name.starts_with('.') => {}
            Ok(kind) if kind.is_dir() && !is_left => add_below(root, &path, found),
            Ok(kind) if !kind.is_dir() => {
                found.extend(path.strip_prefix(root).map(Path::to_owned));
            }
            _ => {}
        }
    }
}

/// The other local projects that the configuration of a project names by their paths, such
/// as `common = { path = "../common" }`. `None` if it names some in a way that is not clear.
pub fn named_in(project: &Path, text: &str) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("path") {
        let rest = text.get(at + "path".len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        let Some(rest) = rest.strip_prefix('=').map(str::trim_start) else { continue };
        let Some(quote) = rest.chars().next().filter(|c| "\"'".contains(*c)) else { continue };
        let value = rest.get(1..).and_then(|rest| rest.split(quote).next()).unwrap_or_default();
        let place = project.join(value);
        if place.exists() && !is_inside(&place, project) {
            found.push(place);
        }
    }
    for (at, _) in text.match_indices("file:") {
        let before = text.get(..at).unwrap_or_default().trim_end();
        if !before.ends_with('@') {
            continue;
        }
        let url = text.get(at..).unwrap_or_default();
        let url = url.split(['"', '\'', '\n', ' ', ';']).next().unwrap_or_default();
        if url.contains(['{', '$']) {
            return None;
        }
        found.push(project.join(path_of(url)?));
    }
    Some(found)
}

fn is_inside(place: &Path, project: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(place).starts_with(real(project))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_code_is_told_from_names_and_urls() {
        let root = Path::new("/p");
        let local = |path: &str| Target::Local(path.into());
        for (text, expected) in [
            ("libs/common ; python_version > '3.11'", "/p/libs/common"),
            ("./my pkg", "/p/./my pkg"),
            ("./libs/common[all]", "/p/./libs/common"),
            ("common @ file:///opt/common", "/opt/common"),
            ("common[x] @ file://localhost/opt/a%20b", "/opt/a b"),
            ("file:///opt/common#egg=common", "/opt/common"),
            ("file:libs/common", "/p/libs/common"),
            ("x-1.0-py3-none-any.whl", "/p/x-1.0-py3-none-any.whl"),
            ("wheels/x-1.0.tar.gz", "/p/wheels/x-1.0.tar.gz"),
        ] {
            assert_eq!(of_requirement(text, root), local(expected), "{text}");
        }
        for text in ["django==5.2", "x @ https://host/x.whl", "git+https://host/x@main#egg=x"] {
            assert_eq!(of_requirement(text, root), Target::Remote, "{text}");
        }
        for text in
            ["x @ git+file:///repo@main", "git+file:///repo", "file://host/x", "x @ file:///%zz"]
        {
            assert_eq!(of_requirement(text, root), Target::Unclear, "{text}");
        }
        assert_eq!(of_editable(".", root), local("/p/."));
        assert_eq!(of_editable("./libs/common[all]", root), local("/p/./libs/common"));
        assert_eq!(of_editable("libs", root), local("/p/libs"));
        assert_eq!(of_editable("git+https://host/x#egg=x", root), Target::Remote);
        assert_eq!(of_editable("git+ssh://git@host/x#egg=x", root), Target::Remote);
    }

    #[test]
    fn projects_that_a_project_names_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("one");
        for name in ["one/src", "two"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let of = |text| named_in(&project, text);
        let two = Some(vec![project.join("../two")]);
        assert_eq!(of("two = { path = \"../two\", develop = true }"), two);
        assert_eq!(
            of("version = { path = 'src' }\npath = \"nowhere\"\nfiles = [\"path\"]"),
            Some(vec![])
        );
        let direct = format!("deps = [\"two @ file://{}\"]", folder.path().join("two").display());
        assert_eq!(of(&direct), Some(vec![folder.path().join("two")]));
        assert_eq!(of("deps = [\"two @ file:///${PROJECT_ROOT}/../two\"]"), None);
        assert_eq!(of("two @ {root:uri}/../two"), Some(vec![]));
        assert_eq!(of("dynamic = { file = [\"requirements.txt\"] }"), Some(vec![]));
    }
}
