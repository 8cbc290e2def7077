//! Values in a tree of TOML.

use portcullis_core::config::{Node, Value, value_at};

/// A text at a dotted path.
pub fn text<'a>(node: &'a Node, path: &str) -> Option<&'a str> {
    value_at(node, path).and_then(plain)
}

/// The text of a node.
pub fn plain(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether a flag at a dotted path is set.
pub fn is_set(node: &Node, path: &str) -> bool {
    matches!(value_at(node, path).map(|node| &node.value), Some(Value::Bool(true)))
}

/// The items of a list at a dotted path.
pub fn items<'a>(node: &'a Node, path: &str) -> &'a [Node] {
    match value_at(node, path).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// The texts of a list at a dotted path.
pub fn texts<'a>(node: &'a Node, path: &str) -> Vec<&'a str> {
    items(node, path).iter().filter_map(plain).collect()
}

/// The keys and values of a table at a dotted path.
pub fn entries<'a>(node: &'a Node, path: &str) -> Vec<(&'a str, &'a Node)> {
    match value_at(node, path).map(|node| &node.value) {
        Some(Value::Table(entries)) => {
            entries.iter().map(|entry| (entry.key.as_str(), &entry.node)).collect()
        }
        _ => Vec::new(),
    }
}
