//! What must be installed: a lock, a file of requirements, or the list in `pyproject.toml`.

use portcullis_core::config::{Node, Value, read_toml, value_at};

use crate::init::folder::{Folder, within};
use crate::init::lock;
use crate::project::file_names;

/// What pip installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirements {
    /// A file of the project.
    File(String),
    /// A list made from another file.
    Made {
        /// The file that it is made from.
        from: String,
        /// One requirement in a line.
        text: String,
    },
}

/// The requirements of the project below a folder: a lock decides; then a file that fits the
/// settings; then the project's own list.
pub fn requirements(folder: &Folder, below: &str, settings: &str) -> Option<Requirements> {
    let places = ancestors(below);
    let made = |from: String, text: Option<String>| Some(Requirements::Made { from, text: text? });
    for place in &places {
        let pyproject = folder.text(&within(place, "pyproject.toml")).and_then(read_toml);
        for (name, read) in lock::KINDS {
            let path = within(place, name);
            if let Some(found) = folder.text(&path)
                && let Some(made) = made(path, read(found, pyproject.as_ref()))
            {
                return Some(made);
            }
        }
    }
    let last = settings.rsplit('.').next().unwrap_or_default();
    for place in &places {
        for name in file_names(last) {
            let path = within(place, &name);
            if folder.has(&path) {
                return Some(Requirements::File(path));
            }
        }
    }
    places.iter().find_map(|place| {
        let path = within(place, "pyproject.toml");
        let tree = read_toml(folder.text(&path)?)?;
        made(path, lock::listed(&tree))
    })
}

/// A folder and the folders above it, down to the top.
fn ancestors(below: &str) -> Vec<String> {
    let mut places = vec![below.to_owned()];
    let mut rest = below;
    while let Some((above, _)) = rest.rsplit_once('/') {
        places.push(above.to_owned());
        rest = above;
    }
    if !below.is_empty() {
        places.push(String::new());
    }
    places
}

/// The oldest Python that the project supports, as `"3.10"`, if it says so.
pub fn oldest_python(folder: &Folder, below: &str) -> Option<String> {
    ancestors(below).iter().find_map(|place| {
        let tree = read_toml(folder.text(&within(place, "pyproject.toml"))?)?;
        let keys = ["project.requires-python", "tool.poetry.dependencies.python"];
        let text = keys.iter().find_map(|key| text_of(value_at(&tree, key)?))?;
        let at = text.find(|c: char| c.is_ascii_digit())?;
        if text.get(..at)?.contains('<') {
            return None;
        }
        let version: String =
            text.get(at..)?.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let mut parts = version.split('.');
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    })
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
