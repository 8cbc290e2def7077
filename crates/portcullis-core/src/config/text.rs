//! Writes a configuration tree: as JSON values, and as the effective TOML with secrets
//! replaced.

use super::tree::{Entry, Node, Value};
use crate::text::is_secret_name;

/// The replacement of a secret.
const HIDDEN: &str = "***";

/// Variables that a run sets itself.
pub fn is_reserved_env(name: &str) -> bool {
    ["DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"].contains(&name)
        || name.starts_with("PORTCULLIS_")
}

/// The node as JSON; `None` if it contains a date, or a number that JSON does not have.
pub fn to_json(node: &Node) -> Option<serde_json::Value> {
    Some(match &node.value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        Value::Bool(flag) => (*flag).into(),
        Value::List(items) => items.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Value::Table(entries) => {
            let pairs = entries.iter().map(|e| Some((e.key.clone(), to_json(&e.node)?)));
            serde_json::Value::Object(pairs.collect::<Option<_>>()?)
        }
        Value::Date => return None,
    })
}

/// The tree as TOML. Values with a secret name are replaced in the tables with names of the
/// user (environment, headers, bodies, parameters).
pub fn to_redacted_toml(tree: &Node) -> String {
    to_toml(tree, Comments::None)
}

/// The comments behind the values of a written tree.
#[derive(Clone, Copy)]
pub enum Comments<'a> {
    /// There are none.
    None,
    /// The text for each value.
    Of(&'a dyn Fn(&Node) -> String),
}

/// The same as [`to_redacted_toml`], with comments.
pub fn to_toml(tree: &Node, comments: Comments<'_>) -> String {
    let mut out = String::from("# The effective configuration: defaults, file, profile, flags.\n");
    table(tree, "", comments, &mut out);
    out
}

/// The widest value that the comments of its neighbours are aligned with.
const ALIGNED: usize = 48;

/// Writes values with their keys, and comments in a column behind them.
fn lines<'a>(entries: impl Iterator<Item = &'a Entry>, comments: Comments<'_>, out: &mut String) {
    let written = |entry: &'a Entry| {
        (format!("{} = {}", key(&entry.key), inline(&entry.node, &entry.key)), &entry.node)
    };
    let lines: Vec<(String, &Node)> = entries.map(written).collect();
    let widths = lines.iter().map(|(line, _)| line.chars().count());
    let width = widths.filter(|width| *width <= ALIGNED).max().unwrap_or(0);
    for (line, node) in &lines {
        match comments {
            Comments::None => out.push_str(&format!("{line}\n")),
            Comments::Of(comment) => out.push_str(&format!("{line:<width$}  # {}\n", comment(node))),
        }
    }
}

fn table(node: &Node, path: &str, comments: Comments<'_>, out: &mut String) {
    let Value::Table(entries) = &node.value else { return };
    let nested = |node: &Node| match &node.value {
        Value::Table(_) => path.is_empty(),
        Value::List(items) => is_tables(items),
        _ => false,
    };
    if !path.is_empty() {
        out.push_str(&format!("\n[{path}]\n"));
    }
    lines(entries.iter().filter(|e| !nested(&e.node)), comments, out);
    for entry in entries.iter().filter(|e| nested(&e.node)) {
        let path = join(path, &entry.key);
        match &entry.node.value {
            Value::List(items) => items.iter().for_each(|item| {
                out.push_str(&format!("\n[[{path}]]\n"));
                let Value::Table(entries) = &item.value else { return };
                lines(entries.iter(), comments, out);
            }),
            _ => table(&entry.node, &path, comments, out),
        }
    }
}

fn is_tables(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Table(_)))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) }
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A JSON string is also a TOML basic string, except the escaped slash (which is not
/// written) and DEL (which must be escaped).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// `name` is the key of the node; tables with free keys pass on their own keys.
fn inline(node: &Node, name: &str) -> String {
    const FREE: [&str; 5] = ["set", "headers", "json", "query", "overrides"];
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        // TOML writes these values in lower case.
        Value::Float(number) => format!("{number:?}").to_lowercase(),
        Value::Bool(flag) => flag.to_string(),
        Value::Date => quoted("date"),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, name)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let free = FREE.contains(&name) || name == "*";
            let pair = |entry: &Entry| {
                let value = match free && is_secret_name(&entry.key) {
                    true => quoted(HIDDEN),
                    false => inline(&entry.node, if free { "*" } else { &entry.key }),
                };
                format!("{} = {value}", key(&entry.key))
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}
