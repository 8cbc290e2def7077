//! Writes a configuration tree: as JSON values, and as the effective TOML with secrets
//! replaced.

use super::tree::{Node, Value};
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
    let mut out = String::from("# The effective configuration: defaults, file, profile, flags.\n");
    table(tree, "", &mut out);
    out
}

fn table(node: &Node, path: &str, out: &mut String) {
    let Value::Table(entries) = &node.value else { return };
    let nested = |node: &Node| match &node.value {
        Value::Table(_) => path.is_empty(),
        Value::List(items) => is_tables(items),
        _ => false,
    };
    if !path.is_empty() {
        out.push_str(&format!("\n[{path}]\n"));
    }
    for entry in entries.iter().filter(|e| !nested(&e.node)) {
        out.push_str(&format!("{} = {}\n", key(&entry.key), inline(&entry.node, &entry.key)));
    }
    for entry in entries.iter().filter(|e| nested(&e.node)) {
        let path = join(path, &entry.key);
        match &entry.node.value {
            Value::List(items) => items.iter().for_each(|item| {
                out.push_str(&format!("\n[[{path}]]\n"));
                let Value::Table(entries) = &item.value else { return };
                for entry in entries {
                    let value = inline(&entry.node, &entry.key);
                    out.push_str(&format!("{} = {value}\n", key(&entry.key)));
                }
            }),
            _ => table(&entry.node, &path, out),
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

/// Whether an entry is a fixed secret of a login: a password, a key, or a header without a
/// placeholder. `token` says where the token is.
fn is_fixed_login(entry: &super::tree::Entry) -> bool {
    let Value::Text(text) = &entry.node.value else { return false };
    match entry.key.as_str() {
        "password" | "api_key" | "authorization" => !text.contains("{{"),
        _ => false,
    }
}

/// A list of secret values, still a list; other kinds of values hold no secret.
fn hidden(node: &Node) -> String {
    match &node.value {
        Value::List(_) => format!("[{}]", quoted(HIDDEN)),
        _ => inline(node, ""),
    }
}

/// A JSON string is also a TOML basic string, except the escaped slash (which is not
/// written) and DEL (which must be escaped).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// `name` is the key of the node; tables with free keys pass on their own keys.
fn inline(node: &Node, name: &str) -> String {
    const FREE: [&str; 8] =
        ["set", "headers", "json", "query", "overrides", "form", "multipart", "variables"];
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
            let pair = |entry: &super::tree::Entry| {
                let is_secret = free && is_secret_name(&entry.key) || is_fixed_login(entry);
                let value = match is_secret {
                    _ if name == "values" && is_secret_name(&entry.key) => hidden(&entry.node),
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
