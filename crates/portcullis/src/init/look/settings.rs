//! Where `manage.py` is, and which settings it uses.

use super::quoted;
use crate::init::folder::{Folder, folder_of, within};

/// A Django project in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manage {
    /// The folder of its `manage.py`, empty at the top.
    pub folder: String,
    /// Possible settings modules, the best first.
    pub settings: Vec<String>,
    /// Whether `manage.py` names the first one.
    pub is_named: bool,
}

/// All Django projects, those nearest to the top first.
pub fn manages(folder: &Folder) -> Vec<Manage> {
    let is_manage = |path: &&String| path.rsplit('/').next() == Some("manage.py");
    let mut found: Vec<Manage> = folder
        .files
        .iter()
        .filter(is_manage)
        .filter_map(|path| {
            let text = folder.text(path)?;
            text.to_lowercase().contains("django").then(|| manage(folder, folder_of(path), text))
        })
        .collect();
    found.sort_by_key(|manage| {
        manage.folder.matches('/').count() + usize::from(!manage.folder.is_empty())
    });
    found
}

fn manage(folder: &Folder, below: &str, text: &str) -> Manage {
    let mut settings: Vec<String> =
        named(text).filter(|name| exists(folder, below, name)).into_iter().collect();
    let is_named = !settings.is_empty();
    let mut others = modules(folder, below);
    others.sort_by_key(|module| (rank(module), module.len(), module.clone()));
    for module in others {
        if !settings.contains(&module) {
            settings.push(module);
        }
    }
    Manage { folder: below.to_owned(), settings, is_named }
}

/// The module in the default of `DJANGO_SETTINGS_MODULE`.
fn named(text: &str) -> Option<String> {
    let uses = text.match_indices("DJANGO_SETTINGS_MODULE");
    uses.into_iter().find_map(|(at, name)| {
        let rest = text.get(at + name.len()..)?.trim_start_matches(['"', '\'', ')', ']', ' ']);
        let rest = rest.trim_start_matches([',', '=', ' ', '\n']);
        let (module, _) = quoted(rest)?;
        let is_module = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        (module.contains(|c: char| c != '.') && module.chars().all(is_module))
            .then(|| module.to_owned())
    })
}

fn exists(folder: &Folder, below: &str, module: &str) -> bool {
    let path = module.replace('.', "/");
    let places = [format!("{path}.py"), format!("{path}/__init__.py")];
    places.iter().any(|place| folder.has(&within(below, place)))
}

/// Modules that look like settings, below the folder of `manage.py`.
fn modules(folder: &Folder, below: &str) -> Vec<String> {
    let prefix = within(below, "");
    let module = |path: &String| {
        let path = path.strip_prefix(prefix.as_str())?.strip_suffix(".py")?;
        let parts: Vec<&str> = path.split('/').collect();
        let (last, folders) = parts.split_last()?;
        let is_one =
            *last == "settings" || folders.last() == Some(&"settings") && *last != "__init__";
        let is_test = folders.contains(&"tests");
        (is_one && !is_test && parts.len() <= 4).then(|| parts.join("."))
    };
    folder.files.iter().filter_map(module).collect()
}

/// Settings for development come first: they need the fewest secrets.
fn rank(module: &str) -> usize {
    let last = module.rsplit('.').next().unwrap_or(module);
    let usual =
        ["settings", "local", "dev", "development", "base", "common", "ci", "test", "testing"];
    usual.iter().position(|name| *name == last).unwrap_or(usual.len())
}
