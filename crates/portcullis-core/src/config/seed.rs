//! `[[seed]]`: what fills the database of a Django project, in order.

use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, list, note};

/// One seed; paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSection {
    /// Where its data comes from.
    pub source: SeedSource,
    /// The content.
    pub value: Vec<String>,
}

/// Where the data of a seed comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedSource {
    /// A command of `manage.py`.
    Manage,
    /// A file for the command `loaddata`.
    Fixture,
    /// A file of SQL statements.
    Sql,
    /// A Python program.
    Python,
    /// The standard input of `manage.py shell`.
    Shell,
}

impl SeedSource {
    /// All, by their keys.
    pub const ALL: [(&'static str, Self); 5] = [
        ("manage", Self::Manage),
        ("fixture", Self::Fixture),
        ("sql", Self::Sql),
        ("python", Self::Python),
        ("shell", Self::Shell),
    ];

    /// Its key.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, source)| *source == self).map_or("", |(name, _)| name)
    }
}

/// Decodes all `[[seed]]`.
pub fn decode(
    root: &mut Reader<'_>,
    kind: ProjectKind,
    problems: &mut Problems,
) -> Vec<SeedSection> {
    let Some(node) = root.optional("seed") else { return Vec::new() };
    if kind == ProjectKind::Command {
        note(problems, node.at, "[[seed]] needs a Django project: fill the database by a [[step]]");
    }
    let items = list(node, "seed", problems);
    let mut seeds = Vec::new();
    for item in items {
        let mut section = Reader::new(item, "seed", problems);
        let mut found = Vec::new();
        for (name, source) in SeedSource::ALL {
            let value = match source {
                SeedSource::Manage if section.optional(name).is_some() => {
                    section.texts(name, problems)
                }
                SeedSource::Manage => continue,
                _ => section.optional_text(name, problems).into_iter().collect(),
            };
            if value.iter().any(|text| !text.is_empty()) {
                found.push(SeedSection { source, value });
            }
        }
        if found.len() != 1 {
            let names = SeedSource::ALL.map(|(name, _)| name).join(", ");
            note(problems, section.at(), format!("a seed needs one of {names}"));
        }
        section.finish(problems);
        seeds.extend(found.into_iter().take(1));
    }
    seeds
}
