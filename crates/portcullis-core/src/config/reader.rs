//! Typed reading of one table: every method records a problem and continues, so that all
//! mistakes of a file are reported together.

use std::time::Duration;

use super::Problem;
use super::tree::{Entry, Node, Place, Value};
use crate::text::nearest;
use crate::units;

/// Reads one table; `finish` reports the unknown keys.
pub struct Reader<'a> {
    entries: &'a [Entry],
    at: Place,
    path: String,
    known: Vec<&'static str>,
}

/// What kind of value a key holds, for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Not said by the key alone.
    Any,
    /// A text.
    Text,
    /// A text with a unit of time.
    Duration,
    /// A text with a unit of frequency.
    Rate,
    /// A boolean.
    Bool,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A list.
    List,
    /// A table with these keys only.
    Table,
    /// A table with keys of the user's choice.
    Free,
}

/// Reports to the schema's test which keys are read, and as what.
fn read_as(path: &str, kind: Kind) {
    #[cfg(test)]
    super::schema::read_as(path, kind);
    let _ = (path, kind);
}

/// All problems found so far.
pub type Problems = Vec<Problem>;

/// Records a problem.
pub fn note(problems: &mut Problems, at: Place, message: impl Into<String>) {
    problems.push(Problem { at, message: message.into() });
}

impl<'a> Reader<'a> {
    /// A reader of `node`, whose path is `path`; of an empty table (and a problem) if it is not
    /// a table.
    pub fn new(node: &'a Node, path: &str, problems: &mut Problems) -> Self {
        let entries = match &node.value {
            Value::Table(entries) => entries.as_slice(),
            other => {
                note(problems, node.at, format!("{path} must be a table, not {}", other.kind()));
                &[]
            }
        };
        Self { entries, at: node.at, path: path.to_owned(), known: Vec::new() }
    }

    /// The position of the table.
    pub fn at(&self) -> Place {
        self.at
    }

    /// The value of `key`, if it is set.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        if cfg!(test) {
            read_as(&self.path_of(key), Kind::Any);
        }
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// The value of `key`; a problem if it is missing.
    pub fn required(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'a Node> {
        let found = self.optional(key);
        if found.is_none() {
            note(problems, self.at, format!("missing key \"{key}\" in {}", self.title()));
        }
        found
    }

    fn title(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) }
    }

    /// The dotted path of `key` in this table.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A reader of the table `key`; of an empty table if there is none.
    pub fn table(&mut self, key: &'static str, problems: &mut Problems) -> Option<Reader<'a>> {
        let path = self.path_of(key);
        read_as(&path, Kind::Table);
        self.optional(key).map(|node| Reader::new(node, &path, problems))
    }

    /// A text; empty, with a problem, if it is missing or not a text.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> String {
        let path = self.path_of(key);
        read_as(&path, Kind::Text);
        self.required(key, problems)
            .and_then(|node| text(node, &path, problems))
            .unwrap_or_default()
    }

    /// An optional text.
    pub fn optional_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let path = self.path_of(key);
        read_as(&path, Kind::Text);
        self.optional(key).and_then(|node| text(node, &path, problems))
    }

    /// A list of texts; empty if it is missing.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<String> {
        let path = self.path_of(key);
        read_as(&path, Kind::List);
        let Some(node) = self.optional(key) else { return Vec::new() };
        list(node, &path, problems).iter().filter_map(|item| text(item, &path, problems)).collect()
    }

    /// A whole number within `range`.
    pub fn integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Option<i64> {
        let path = self.path_of(key);
        read_as(&path, Kind::Integer(*range.start(), *range.end()));
        let node = self.required(key, problems)?;
        integer(node, &path, range, problems)
    }

    /// `true` or `false`; false if it is missing.
    pub fn flag(&mut self, key: &'static str, problems: &mut Problems) -> bool {
        let path = self.path_of(key);
        read_as(&path, Kind::Bool);
        match self.optional(key).map(|node| (node.at, &node.value)) {
            None => false,
            Some((_, Value::Bool(flag))) => *flag,
            Some((at, other)) => {
                note(problems, at, format!("{path} must be true or false, not {}", other.kind()));
                false
            }
        }
    }

    /// A duration above zero.
    pub fn duration(&mut self, key: &'static str, problems: &mut Problems) -> Duration {
        let value = self.wait(key, problems);
        let at = self.optional(key).map_or(self.at, |node| node.at);
        if value == Some(Duration::ZERO) {
            note(problems, at, format!("{} must be longer than zero", self.path_of(key)));
        }
        value.unwrap_or(Duration::from_secs(1))
    }

    /// A duration of zero or more.
    pub fn wait(&mut self, key: &'static str, problems: &mut Problems) -> Option<Duration> {
        let path = self.path_of(key);
        read_as(&path, Kind::Duration);
        let node = self.required(key, problems)?;
        quantity(node, &path, "a duration such as \"30s\"", units::duration, problems)
    }

    /// A rate per second above zero.
    pub fn rate(&mut self, key: &'static str, problems: &mut Problems) -> f64 {
        let path = self.path_of(key);
        read_as(&path, Kind::Rate);
        let Some(node) = self.required(key, problems) else { return 1.0 };
        match quantity(node, &path, "a rate such as \"1/s\"", units::rate, problems) {
            Some(rate) if rate > 0.0 => rate,
            Some(_) => {
                note(problems, node.at, format!("{path} must be above zero"));
                1.0
            }
            None => 1.0,
        }
    }

    /// The name and text of each entry; numbers and booleans become text.
    pub fn pairs(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Vec<(String, String, Place)> {
        let path = self.path_of(key);
        read_as(&path, Kind::Free);
        let Some(node) = self.optional(key) else { return Vec::new() };
        let mut pairs = Vec::new();
        for entry in entries(node, &path, problems) {
            let value = match &entry.node.value {
                Value::Text(text) | Value::FromEnvironment(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                other => {
                    let kind = other.kind();
                    let message = format!("{path}.{} must be a string, not {kind}", entry.key);
                    note(problems, entry.node.at, message);
                    continue;
                }
            };
            pairs.push((entry.key.clone(), value, entry.node.at));
        }
        pairs
    }

    /// Reports every key that no method has read, with the nearest known key.
    pub fn finish(self, problems: &mut Problems) {
        for entry in self.entries {
            if !self.known.contains(&entry.key.as_str()) {
                let near = nearest(&entry.key, self.known.iter().copied());
                let title = self.title();
                let message = format!("unknown key \"{}\" in {title}{near}", entry.key);
                note(problems, entry.at, message);
            }
        }
    }
}

/// The items of a list; none, with a problem, if it is not a list.
pub fn list<'a>(node: &'a Node, path: &str, problems: &mut Problems) -> &'a [Node] {
    read_as(path, Kind::List);
    match &node.value {
        Value::List(items) => items,
        other => {
            note(problems, node.at, format!("{path} must be a list, not {}", other.kind()));
            &[]
        }
    }
}

/// The entries of a table; none, with a problem, if it is not a table.
pub fn entries<'a>(node: &'a Node, path: &str, problems: &mut Problems) -> &'a [Entry] {
    read_as(path, Kind::Free);
    match &node.value {
        Value::Table(entries) => entries,
        other => {
            note(problems, node.at, format!("{path} must be a table, not {}", other.kind()));
            &[]
        }
    }
}

/// The text of a node.
pub fn text(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    read_as(path, Kind::Text);
    match &node.value {
        Value::Text(text) | Value::FromEnvironment(text) => Some(text.clone()),
        other => {
            note(problems, node.at, format!("{path} must be a string, not {}", other.kind()));
            None
        }
    }
}

/// The whole number of a node, within `range`.
pub fn integer(
    node: &Node,
    path: &str,
    range: std::ops::RangeInclusive<i64>,
    problems: &mut Problems,
) -> Option<i64> {
    read_as(path, Kind::Integer(*range.start(), *range.end()));
    let bounds = match *range.end() {
        i64::MAX => format!("{} or more", range.start()),
        end => format!("between {} and {end}", range.start()),
    };
    match &node.value {
        Value::Integer(number) if range.contains(number) => Some(*number),
        Value::Integer(number) => {
            note(problems, node.at, format!("{path} = {number}: must be {bounds}"));
            None
        }
        other => {
            let message = format!("{path} must be a whole number {bounds}, not {}", other.kind());
            note(problems, node.at, message);
            None
        }
    }
}

fn quantity<T>(
    node: &Node,
    path: &str,
    what: &str,
    read: impl Fn(&str) -> Result<T, units::UnitError>,
    problems: &mut Problems,
) -> Option<T> {
    let Value::Text(text) = &node.value else {
        note(problems, node.at, format!("{path} must be {what}, not {}", node.value.kind()));
        return None;
    };
    read(text).map_err(|error| note(problems, node.at, format!("{path} = {error}"))).ok()
}
