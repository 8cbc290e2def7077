//! The part of a configuration that influences the measurements: two runs with equal parts
//! can be compared.

use super::text::to_redacted_toml;
use super::tree::{self, Node};

/// Sections that only judge, compare, name paths, or limit steps.
const ELSEWHERE: [&str; 7] =
    ["project", "steps", "thresholds", "baseline", "against", "history", "output"];

/// Keys of the other sections that do not influence figures.
const IDLE: [(&str, &str); 5] = [
    ("load", "seed"),
    ("load", "allow_hosts"),
    ("server", "port"),
    ("server", "ready_timeout"),
    ("server", "stop_grace"),
];

/// The configuration without keys that do not influence figures, as TOML without secrets.
/// Equal texts mean equal loads on equally configured servers.
pub fn to_measured_toml(tree: &Node) -> String {
    let mut tree = tree.clone();
    for section in ELSEWHERE {
        tree::take(&mut tree, section);
    }
    for (section, key) in IDLE {
        if let Some(section) = tree::find(&mut tree, section) {
            tree::take(section, key);
        }
    }
    to_redacted_toml(&tree)
}
