//! `[project] installer`, `requirements`, `groups`, `pre_install`: what is installed, by what.

use super::reader::{Problems, Reader, note};
use super::tree::Value;
use crate::text::nearest;

/// The program that installs the requirements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Installer {
    /// uv if it installs the same as pip would, else pip.
    #[default]
    Auto,
    /// pip.
    Pip,
    /// uv.
    Uv,
}

impl Installer {
    const ALL: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("pip", Self::Pip), ("uv", Self::Uv)];

    /// Its name in `perf.toml`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("auto", |(name, _)| name)
    }

    /// Reads `project.installer`.
    pub(super) fn decode(section: &mut Reader<'_>, problems: &mut Problems) -> Self {
        let at = section.optional("installer").map_or(section.at(), |node| node.at);
        let text = section.text("installer", problems);
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, known)| *known);
        if found.is_none() {
            let near = nearest(&text, Self::ALL.map(|(name, _)| name));
            let message = format!(
                "project.installer = \"{text}\": expected \"auto\", \"pip\" or \"uv\"{near}"
            );
            note(problems, at, message);
        }
        found.unwrap_or_default()
    }
}

/// Reads `project.requirements`: `None` for `"auto"`.
pub(super) fn requirements(
    section: &mut Reader<'_>,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    match section.optional("requirements").map(|node| &node.value) {
        None => None,
        Some(Value::Text(text) | Value::FromEnvironment(text)) => {
            let (text, at) = (text.clone(), section.at());
            section.optional_text("requirements", problems);
            if text != "auto" {
                let message = format!(
                    "project.requirements = \"{text}\": write \"auto\", or a list of files"
                );
                note(problems, at, message);
            }
            None
        }
        Some(_) => Some(section.texts("requirements", problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Place, load};
    use super::Installer;

    fn project(lines: &str) -> Result<super::super::ProjectSection, String> {
        let text = format!(
            "[project]\nroot = \".\"\n{lines}\n[django]\nsettings = \"a\"\n\
             [[scenario.task]]\nname = \"a\"\npath = \"/\"\n"
        );
        match load(&text, None, &[]) {
            Ok(loaded) => Ok(loaded.config.project.clone()),
            Err(problems) => {
                assert!(problems.iter().all(|problem| problem.at != Place::Default));
                Err(problems.iter().map(|p| p.show("f")).collect::<Vec<_>>().join("\n"))
            }
        }
    }

    #[test]
    fn what_is_installed_is_found_unless_it_is_written() {
        let found = project("").unwrap();
        assert_eq!((found.requirements, found.installer), (None, Installer::Auto));
        assert_eq!((found.groups.len(), found.pre_install.len()), (0, 0));
        assert_eq!(project("requirements = \"auto\"").unwrap().requirements, None);
        let written = project(
            "requirements = []\ninstaller = \"pip\"\ngroups = [\"dev\"]\n\
             pre_install = [\"wheel\", \"setuptools<80\"]",
        )
        .unwrap();
        assert_eq!(written.requirements, Some(Vec::new()));
        assert_eq!((written.installer, written.groups), (Installer::Pip, vec!["dev".to_owned()]));
        assert_eq!(written.pre_install, ["wheel", "setuptools<80"]);
    }

    #[test]
    fn other_values_are_refused() {
        for (line, part) in [
            ("requirements = \"requirements.txt\"", "write \"auto\", or a list of files"),
            ("installer = \"pipp\"", "expected \"auto\", \"pip\" or \"uv\"; did you mean"),
            ("requirements = 1", "project.requirements"),
            ("pre_install = [\"-r x\"]", "project.pre_install"),
            ("pre_install = [\"a\\nb\"]", "project.pre_install"),
        ] {
            let said = project(line).unwrap_err();
            assert!(said.contains(part), "{line}: {said}");
        }
    }
}
