//! The kind of a project: `[project] kind`, or what the rest of the file shows.

use super::reader::{Problems, Reader, note};
use super::tree::{self, Node, Place, Value};
use crate::text::nearest;

/// What kind of project is prepared and started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectKind {
    /// Django, with its migrations and its settings.
    #[default]
    Django,
    /// Anything that commands prepare and start.
    Command,
}

impl ProjectKind {
    /// The words for it in `perf.toml`.
    const ALL: [(&'static str, Self); 2] = [("django", Self::Django), ("command", Self::Command)];

    /// The kind in a merged configuration. `auto`: Django, unless the file has a command for
    /// the server and nothing that is special to Django.
    pub(super) fn of(tree: &Node) -> Self {
        let written = tree::get(tree, "project").and_then(|project| tree::get(project, "kind"));
        if let Some(Node { value: Value::Text(word), .. }) = written
            && let Some((_, kind)) = Self::ALL.iter().find(|(name, _)| name == word)
        {
            return *kind;
        }
        let server = tree::get(tree, "server");
        let has_command = server.is_some_and(|server| {
            let argv = tree::get(server, "argv").filter(|argv| argv.at != Place::Default);
            let is_of_django = |argv: &&Node| match &argv.value {
                Value::List(words) => words.iter().any(
                    |word| matches!(&word.value, Value::Text(text) if text.contains("{manage}")),
                ),
                _ => true,
            };
            argv.is_some_and(|argv| !is_of_django(&argv))
                || tree::get(server, "app").is_some() && tree::get(server, "kind").is_some()
        });
        let has_django = tree::get(tree, "django").is_some_and(|django| match &django.value {
            Value::Table(entries) => entries.iter().any(|entry| entry.node.at != Place::Default),
            _ => true,
        });
        if has_command && !has_django { Self::Command } else { Self::Django }
    }

    /// Checks the key.
    pub(super) fn decode(section: &mut Reader<'_>, problems: &mut Problems) {
        let at = section.optional("kind").map_or(section.at(), |node| node.at);
        let Some(word) = section.optional_text("kind", problems) else { return };
        let words = ["auto", "django", "command"];
        if !words.contains(&word.as_str()) {
            let near = nearest(&word, words);
            let message = format!(
                "project.kind = \"{word}\": expected \"auto\", \"django\" or \"command\"{near}"
            );
            note(problems, at, message);
        }
    }
}
