//! What is installed: the files that the configuration names, or the first lock or list that
//! the project has.

use std::path::{Path, PathBuf};

use portcullis_core::config::{Node, read_toml};
use portcullis_core::plan::ServePlan;

use crate::project::locks::{self, LockError, Locked, Wanted, pyproject};

/// Everything that is installed, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// One after the other.
    pub parts: Vec<Part>,
    /// Why these were chosen; empty if the configuration names them.
    pub why: String,
    /// Whether only uv understands them.
    pub needs_uv: bool,
}

/// A file or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A file for `-r`.
    File(PathBuf),
    /// A lock, whose packages are installed without their dependencies.
    Lock {
        /// Its file.
        file: PathBuf,
        /// What it says.
        locked: Locked,
    },
    /// The lists of a `pyproject.toml`, as lines of requirements.
    List {
        /// The file.
        file: PathBuf,
        /// The lines.
        lines: Vec<String>,
        /// The chosen extras.
        extras: Vec<String>,
        /// The chosen groups.
        groups: Vec<String>,
    },
}

impl Part {
    /// Its file.
    pub fn file(&self) -> &Path {
        match self {
            Self::File(file) | Self::Lock { file, .. } | Self::List { file, .. } => file,
        }
    }
}

/// A file that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {error}", file.display())]
pub struct SourceError {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub error: LockError,
    /// What else can be done.
    pub advice: Option<String>,
}

/// What a plan installs.
///
/// # Errors
/// A lock cannot be used.
pub fn of(plan: &ServePlan) -> Result<Sources, SourceError> {
    let Some(files) = &plan.requirements else {
        return choose(&plan.root, &plan.top, &plan.django.settings, &plan.groups);
    };
    let mut sources = Sources::default();
    for file in files {
        let (part, needs_uv) = read(file, &plan.root, &plan.groups)?;
        sources.needs_uv |= needs_uv;
        sources.parts.extend(part);
    }
    Ok(sources)
}

/// The first that exists: a lock, a file of requirements, a list in `pyproject.toml`; each
/// from the project's folder upwards.
fn choose(
    root: &Path,
    top: &Path,
    settings: &str,
    groups: &[String],
) -> Result<Sources, SourceError> {
    let places = places(root, top);
    let settings = settings.rsplit('.').next().unwrap_or_default();
    let locks = locks::KINDS.map(|(name, ..)| name.to_owned()).to_vec();
    let kinds = [
        (locks, "the project's lock"),
        (locks::file_names(settings), "the project's list, without a lock"),
        (vec!["pyproject.toml".to_owned()], "the project's list, without a lock"),
    ];
    for (names, why) in &kinds {
        for place in &places {
            for file in names.iter().map(|name| place.join(name)).filter(|file| file.is_file()) {
                let (part, needs_uv) = read(&file, root, groups)?;
                if let Some(part) = part {
                    return Ok(Sources { parts: vec![part], why: (*why).to_owned(), needs_uv });
                }
            }
        }
    }
    Ok(Sources::default())
}

/// The project's folder and those above it, to the top.
pub fn places(root: &Path, top: &Path) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> =
        root.ancestors().take_while(|f| f.starts_with(top)).map(Path::to_owned).collect();
    if places.is_empty() {
        places.push(root.to_owned());
    }
    places
}

/// A file by its name; nothing for a `pyproject.toml` without a list. Whether only uv
/// understands it.
fn read(file: &Path, root: &Path, groups: &[String]) -> Result<(Option<Part>, bool), SourceError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = file.parent().unwrap_or(Path::new("."));
    let text = || std::fs::read_to_string(file).unwrap_or_default();
    let failed = |error, advice: Option<String>| SourceError { file: file.into(), error, advice };
    if let Some((_, read, command)) = locks::KINDS.iter().find(|(known, ..)| *known == name) {
        let member = root.strip_prefix(folder).unwrap_or(Path::new(""));
        let pyproject = pyproject_of(&folder.join(member), folder);
        let member = member.to_string_lossy();
        let member = if member.is_empty() { "." } else { &member };
        let wanted = Wanted { pyproject: pyproject.as_ref(), groups, member };
        let locked = read(&text(), wanted).map_err(|error| {
            let is_of_lock = matches!(error, LockError::Beyond(_) | LockError::Unreadable);
            let advice = is_of_lock.then(|| {
                format!("write a list with `{command}`, and name it in project.requirements")
            });
            failed(error, advice)
        })?;
        return Ok((Some(Part::Lock { file: file.to_owned(), locked }), false));
    }
    if name != "pyproject.toml" {
        return Ok((Some(Part::File(file.to_owned())), false));
    }
    let tree = read_toml(&text()).ok_or_else(|| failed(LockError::Unreadable, None))?;
    let lines = pyproject::requirements(&tree, groups).map_err(|error| failed(error, None))?;
    let part = lines.map(|lines| {
        let (extras, groups) = pyproject::chosen(&tree, groups);
        Part::List { file: file.to_owned(), lines, extras, groups }
    });
    Ok((part, pyproject::needs_uv(&tree)))
}

/// The `pyproject.toml` of a member of a workspace, else that beside the lock.
fn pyproject_of(member: &Path, folder: &Path) -> Option<Node> {
    let read =
        |place: &Path| read_toml(&std::fs::read_to_string(place.join("pyproject.toml")).ok()?);
    read(member).or_else(|| read(folder))
}

/// The folder with the code of the project itself that its tool would make importable, if
/// the tool installs the project; `root` is importable anyway, as the folder of `manage.py`.
pub fn own_code(part: &Part, root: &Path) -> Option<PathBuf> {
    let Part::Lock { file, locked } = part else { return None };
    let folder = file.parent()?;
    let source = folder.join("src");
    let code = if source.is_dir() { source } else { folder.to_owned() };
    (locked.is_package && code != root).then_some(code)
}

#[cfg(test)]
mod tests;
