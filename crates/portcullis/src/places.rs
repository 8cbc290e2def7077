//! Where in the configuration file things stand: the file as its repository knows it,
//! and the lines of what is judged.

use std::path::Path;

use portcullis_core::config::{line_of_rule, line_of_section};
use portcullis_core::threshold::Severity;
use portcullis_report::complaints::{PlacedRule, Places};

use crate::planning::Planned;

/// The places of a plan.
pub fn places(planned: &Planned) -> Places {
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
    // A rule for each task is one line.
    for rule in placed {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Places { file: in_repository(&planned.file), rules, against: line_of_section(tree, "against") }
}

/// The file's path from the top of its repository; its name where there is none.
fn in_repository(file: &Path) -> String {
    let top = file.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let path = top.and_then(|top| file.strip_prefix(top).ok());
    let path = path.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    path.display().to_string()
}
