//! The part of an environment's key that comes from its requirements: the files with their
//! includes as pip reads them, pip's configuration, and local code, which can change without
//! a change of these files.

pub mod configuration;
pub mod local;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portcullis_supervise::environment::Environment;

use self::local::{Local, Target};
use self::text::Item;
use super::templates::{Source, SourceContent, everything};
use crate::cache::cache_key::{Key, is_missing};

/// The inputs of an installation.
pub struct Requirements<'a> {
    /// The key of an environment: it refers to some local code by its place.
    pub key: Key,
    /// The key of its content, wherever local code is.
    pub content: Key,
    /// Why something that is installed is not known, if so.
    pub unknown: Option<String>,
    /// An option that uv does not understand, if there is one.
    pub beyond_uv: Option<String>,
    /// The folder in which pip runs: local paths are relative to it.
    root: &'a Path,
    /// The environment of pip.
    environment: &'a Environment,
    /// The files of a folder that git does not ignore, if git knows them.
    listed: &'a dyn Fn(&Path) -> Option<Vec<PathBuf>>,
    seen: BTreeSet<PathBuf>,
}

impl<'a> Requirements<'a> {
    /// Of pip's configuration alone.
    pub fn new(
        root: &'a Path,
        environment: &'a Environment,
        listed: &'a dyn Fn(&Path) -> Option<Vec<PathBuf>>,
    ) -> Self {
        let (key, content) = (Key::default(), Key::default());
        let (unknown, beyond_uv, seen) = (None, None, BTreeSet::new());
        let mut all = Self { key, content, unknown, beyond_uv, root, environment, listed, seen };
        for (name, value) in configuration::variables(environment) {
            all.add_both(&format!("variable {name}"), value.as_bytes());
            for item in configuration::of_variable(&name, &value) {
                all.add_item(&item, root, &name);
            }
        }
        for file in configuration::files(environment) {
            all.add_file("pip.conf", &file);
            let text = std::fs::read(&file).unwrap_or_default();
            for item in configuration::of_file(&String::from_utf8_lossy(&text)) {
                all.add_item(&item, root, &file.display().to_string());
            }
        }
        all
    }

    /// Adds a requirements file, and what it refers to.
    pub fn add(&mut self, path: &Path) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        let shown = path.display().to_string();
        self.add_file("requirements", path);
        // If it does not exist, pip will report it.
        let bytes = std::fs::read(path).unwrap_or_default();
        let Some(text) = text::decode(&bytes) else {
            return self.doubt(format!("{shown}: its encoding is not clear"));
        };
        self.add_lines(&text, path.parent().unwrap_or(Path::new(".")), &shown);
    }

    /// Adds a text of ours: `stated` is what it says wherever the project is.
    pub fn add_text(&mut self, text: &str, stated: &str, shown: &str) {
        self.key.add("text", text);
        self.content.add("text", stated);
        self.add_lines(text, self.root, shown);
    }

    fn add_lines(&mut self, text: &str, folder: &Path, shown: &str) {
        let variable =
            |name: &str| Some(self.environment.get(name)?.to_string_lossy().into_owned());
        for (number, line) in text::lines(text, variable) {
            let at = format!("{shown}:{number}");
            if self.beyond_uv.is_none() {
                self.beyond_uv = text::beyond_uv(&line);
            }
            match text::items(&line) {
                Some(items) => items.iter().for_each(|item| self.add_item(item, folder, &at)),
                None => self.doubt(format!("{at} is not understood")),
            }
        }
    }

    /// Adds what an item refers to; `folder` is that of its file.
    fn add_item(&mut self, item: &Item, folder: &Path, at: &str) {
        let root = self.root;
        let lower = |text: &str| text.to_lowercase();
        match item {
            Item::Requirement(text) => {
                self.add_target(local::of_requirement(text, root), false, at);
            }
            Item::Editable(text) => self.add_target(local::of_editable(text, root), true, at),
            Item::Include(name) if lower(name).starts_with("file:") => match local::path_of(name) {
                Some(path) => self.add(&path),
                None => self.doubt(format!("{at}: {name} is not understood")),
            },
            Item::Include(name) if lower(name).starts_with("http") && name.contains("://") => {
                self.doubt(format!("{at} includes a file from a server"));
            }
            Item::Include(name) => self.add(&folder.join(name)),
            Item::FindLinks(place) | Item::Index(place) => {
                let beside = folder.join(place);
                let target = match place.contains("://") || lower(place).starts_with("file:") {
                    true => local::of_url(place, root),
                    false if beside.exists() => Target::Local(beside),
                    false => Target::Local(root.join(place)),
                };
                match target {
                    Target::Local(path) => self.add_folder(&path, at),
                    Target::Remote => {}
                    Target::Unclear => self.doubt(format!("{at}: {place} is not understood")),
                }
            }
        }
    }

    fn add_target(&mut self, target: Target, is_editable: bool, at: &str) {
        match target {
            Target::Local(path) => self.add_local(&Local { path, is_editable }, at),
            Target::Remote => {}
            Target::Unclear => self.doubt(format!("{at}: what is installed can change")),
        }
    }

    fn add_local(&mut self, local: &Local, at: &str) {
        let path = local.path.canonicalize().unwrap_or_else(|_| local.path.clone());
        // The environment refers to this folder, or has a copy of it.
        self.key.add("local code", path.to_string_lossy().as_bytes());
        if !self.seen.insert(path.clone()) {
            return;
        }
        if !path.is_dir() {
            return self.add_file("local file", &path);
        }
        let listed = (self.listed)(&path).filter(|files| !files.is_empty());
        for file in listed.unwrap_or_else(|| local::below(&path)) {
            let (name, place) = (file.to_string_lossy(), path.join(&file));
            if place.is_dir() {
                self.add_folder(&place, at);
            } else if !local.is_editable || local::is_built_of(&file) {
                self.add_file(&name, &place);
            } else if let Err(error) = self.content.add_file(&name, &place) {
                self.doubt(format!("{} cannot be read: {error}", place.display()));
            }
        }
        for name in ["pyproject.toml", "setup.cfg", "setup.py"] {
            let text = std::fs::read(path.join(name)).unwrap_or_default();
            match local::named_in(&path, &String::from_utf8_lossy(&text)) {
                Some(others) => others.into_iter().for_each(|path| {
                    self.add_local(&Local { path, is_editable: false }, at);
                }),
                None => self.doubt(format!("{at}: {name} names local code that is not understood")),
            }
        }
    }

    /// Adds all files of a folder, such as one with wheels.
    fn add_folder(&mut self, path: &Path, at: &str) {
        let mut sources = Vec::new();
        if let Err(why) = everything(path, Path::new("folder"), &mut sources) {
            return self.doubt(format!("{at}: {why}"));
        }
        for Source { name, content } in sources {
            let name = name.to_string_lossy();
            match content {
                SourceContent::File(place) => self.add_file(&name, &place),
                _ => self.add_both(&name, b"missing"),
            }
        }
    }

    /// Adds a file by its content.
    pub fn add_file(&mut self, name: &str, path: &Path) {
        match crate::cache::cache_key::digest(path) {
            Ok(digest) => self.add_both(name, &digest),
            Err(error) if is_missing(&error) => self.add_both(name, b"missing"),
            Err(error) => self.doubt(format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn add_both(&mut self, name: &str, bytes: &[u8]) {
        self.key.add(name, bytes);
        self.content.add(name, bytes);
    }

    /// Notes that something that is installed is not known.
    pub fn doubt(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests;
