//! Positions in the configuration file: its path in the repository, and the lines of rules.

use std::path::Path;

use portcullis_core::config::{line_of_rule, line_of_section, line_of_task};
use portcullis_core::threshold::Severity;
use portcullis_report::{PlacedRule, SourceLocations};

use crate::planning::{self, Planned};

/// The positions of rules in the configuration of a plan.
pub fn source_locations(planned: &Planned) -> SourceLocations {
    let tree = &planned.loaded.tree;
    let placed = planned.plan.thresholds.iter().filter_map(|rule| {
        let list = match rule.severity {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        };
        let line = line_of_rule(tree, list, &rule.text)?;
        Some(PlacedRule { severity: rule.severity, text: rule.text.clone(), line })
    });
    let mut rules: Vec<PlacedRule> = Vec::new();
    // A `per task` rule is one line.
    for rule in placed {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let workspace = std::env::var_os("GITHUB_WORKSPACE").filter(|value| !value.is_empty());
    let file = in_repository(&planned.file, workspace.as_deref().map(Path::new));
    SourceLocations { file, rules, against: line_of_section(tree, "against") }
}

/// The position of a task in the configuration, for messages: `perf.toml:131`. `None` if it is
/// not in the file.
pub fn task_location(planned: &Planned, task: &str) -> Option<String> {
    let line = line_of_task(&planned.loaded.tree, task)?;
    Some(format!("{}:{line}", planning::shown(&planned.file)))
}

/// The path of the file in its repository: from the folder with `.git`; without one from
/// the runner's workspace; else only its name.
fn in_repository(file: &Path, workspace: Option<&Path>) -> String {
    let top = file.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let path = top.or(workspace).and_then(|top| file.strip_prefix(top).ok());
    let path = path.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_its_repository_else_from_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let (file, workspace) = (folder.path().join("a/b/perf.toml"), Some(folder.path()));
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        assert_eq!(in_repository(&file, None), "perf.toml");
        assert_eq!(in_repository(&file, workspace), "a/b/perf.toml");
        assert_eq!(in_repository(&file, Some(Path::new("/elsewhere"))), "perf.toml");
        // Checked out in a subfolder of the workspace: GitHub uses paths relative to the
        // repository.
        std::fs::create_dir(folder.path().join("a/.git")).unwrap();
        assert_eq!(in_repository(&file, workspace), "b/perf.toml");
    }
}
