//! Values from the command line and the environment: a flag with a key of its own, or any
//! key as `load.users=20`.

use toml_edit::Key;

use super::tree::{self, Node, Place, Value};
use super::{MergeMode, Problem};

/// A value from a flag, which replaces or extends the file's value.
#[derive(Clone, Debug)]
pub struct FlagValue {
    at: Place,
    given: Given,
}

#[derive(Clone, Debug)]
enum Given {
    /// The keys that lead to a value, the value, and how it is combined with the file's.
    Value(Vec<String>, Value, MergeMode),
    /// `KEY=VALUE`, as typed.
    Assignment(String),
}

impl FlagValue {
    /// The value of a flag with a dotted key of its own.
    pub fn new(at: Place, key: &str, value: Value, laying: MergeMode) -> Self {
        let path = key.split('.').map(str::to_owned).collect();
        Self { at, given: Given::Value(path, value, laying) }
    }

    /// The value of `KEY=VALUE`, which replaces that of the file. The value is TOML; what is
    /// not valid TOML is a text, so that `load.duration=30s` needs no quotes.
    pub fn assigned(at: Place, text: impl Into<String>) -> Self {
        Self { at, given: Given::Assignment(text.into()) }
    }

    /// Merges it into a tree.
    ///
    /// # Errors
    /// An assignment has no key, or no `=`.
    pub fn merge(&self, tree: &mut Node) -> Result<(), Problem> {
        let at = self.at;
        match &self.given {
            Given::Value(path, value, MergeMode::Over) => {
                tree::overlay(tree, tree::single(path, value.clone(), at));
            }
            Given::Value(path, value, MergeMode::Behind) => {
                tree::extend(tree, tree::single(path, value.clone(), at));
            }
            Given::Assignment(text) => {
                let message = || format!("\"{text}\": write KEY=VALUE, such as load.users=20");
                let (path, typed) =
                    split(text).ok_or_else(|| Problem { at, message: message() })?;
                let holds_text = tree::at_path(tree, &path)
                    .is_some_and(|node| matches!(node.value, Value::Text(_)));
                let value = match in_toml(typed, at) {
                    // `project.python=3.12` is a text, because the key holds one.
                    Some(Value::Integer(_) | Value::Float(_) | Value::Bool(_)) if holds_text => {
                        Value::Text(typed.to_owned())
                    }
                    Some(value) => value,
                    None => Value::Text(typed.to_owned()),
                };
                tree::overlay(tree, tree::single(&path, value, at));
            }
        }
        Ok(())
    }
}

/// The keys and the value of an assignment. A quoted key may contain `=`.
fn split(text: &str) -> Option<(Vec<String>, &str)> {
    let mut cuts = text.match_indices('=');
    let (keys, value) = cuts.find_map(|(cut, _)| {
        let (key, value) = text.split_at(cut);
        Some((Key::parse(key.trim()).ok()?, value))
    })?;
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    Some((keys.iter().map(|key| key.get().to_owned()).collect(), value))
}

/// A value in TOML; `None` if it is not exactly one.
fn in_toml(typed: &str, at: Place) -> Option<Value> {
    let mut tree = tree::parse(&format!("value = {typed}")).ok()?;
    let value = tree::take(&mut tree, "value")?.node;
    let is_one = matches!(&tree.value, Value::Table(entries) if entries.is_empty());
    is_one.then(|| tree::marked(value, at).value)
}
