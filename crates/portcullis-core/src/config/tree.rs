//! A configuration file as a tree of values with their positions, and the merging of trees
//! (defaults, file, profile, flags).

use std::collections::HashMap;

use toml_edit::{Document, Item, TomlError, Value as TomlValue};

use super::Problem;

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The default configuration.
    Default,
    /// The user's file, at this line and column (both from 1).
    File(usize, usize),
    /// The command line, with this flag.
    Flag(&'static str),
    /// The environment: the variable of this flag.
    Environment(&'static str),
}

impl Place {
    /// The line in the user's file; `None` for other origins.
    pub fn line(self) -> Option<usize> {
        match self {
            Self::File(line, _) => Some(line),
            Self::Default | Self::Flag(_) | Self::Environment(_) => None,
        }
    }

    /// Whether it was given for one call: on the command line or in the environment.
    pub fn is_given(self) -> bool {
        matches!(self, Self::Flag(_) | Self::Environment(_))
    }

    /// The origin in a word: `default`, `perf.toml:12`, `--users`, `PORTCULLIS_USERS`.
    pub fn origin(self, file: &str) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(line, _) => format!("{file}:{line}"),
            Self::Flag(flag) => flag.to_owned(),
            Self::Environment(flag) => variable_of(flag),
        }
    }
}

/// The environment variable of a flag: `--run-time` is `PORTCULLIS_RUN_TIME`.
pub fn variable_of(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace('-', "_").to_ascii_uppercase();
    format!("PORTCULLIS_{name}")
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its origin.
    pub at: Place,
}

/// A value of the tree.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order of the file.
    Table(Vec<Entry>),
    /// A text from the environment, which is a secret.
    FromEnvironment(String),
    /// A TOML value that no setting accepts: a date or a time.
    Date,
}

/// A key with its origin and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The origin of the key.
    pub at: Place,
    /// Its value.
    pub node: Node,
}

impl Value {
    /// The type of the value, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::FromEnvironment(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Date => "a date",
        }
    }
}

/// Finds the line and the column of byte offsets, each in constant time: a file has as many
/// places as values.
struct Lines<'a> {
    text: &'a str,
    /// The offset of the first byte of each line.
    starts: Vec<usize>,
    /// The characters before each multiple of [`STEP`] bytes.
    characters: Vec<usize>,
}

/// The distance of two known character counts, in bytes.
const STEP: usize = 256;

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let chunks = text.as_bytes().chunks(STEP).scan(0, |sum, chunk| {
            let before = *sum;
            *sum += characters(chunk);
            Some(before)
        });
        Self { text, starts, characters: chunks.collect() }
    }

    fn place(&self, span: Option<std::ops::Range<usize>>) -> Place {
        let offset = span.map_or(0, |s| s.start).min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let column = self.before(offset) - self.before(start.copied().unwrap_or(0)) + 1;
        Place::File(line, column)
    }

    /// The number of characters before an offset.
    fn before(&self, offset: usize) -> usize {
        let known = offset / STEP;
        let rest = self.text.as_bytes().get(known * STEP..offset).unwrap_or_default();
        let whole = || characters(self.text.as_bytes());
        self.characters.get(known).map_or_else(whole, |before| before + characters(rest))
    }
}

/// The number of characters that begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// Parses a TOML text.
///
/// # Errors
/// The first syntax error; TOML cannot be read after it.
pub fn parse(text: &str) -> Result<Node, Problem> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error: TomlError| Problem {
        at: lines.place(error.span()),
        message: format!("not valid TOML: {}", error.message().trim().replace('\n', "; ")),
    })?;
    Ok(table(document.as_table(), &lines))
}

fn table(table: &dyn toml_edit::TableLike, lines: &Lines<'_>) -> Node {
    let mut entries = Vec::new();
    for (key, item) in table.iter() {
        let span = table.key(key).and_then(toml_edit::Key::span);
        let node = item_node(item, lines);
        let at = span.map_or(node.at, |span| lines.place(Some(span)));
        entries.push(Entry { key: key.to_owned(), at, node });
    }
    Node { value: Value::Table(entries), at: Place::File(1, 1) }
}

fn item_node(item: &Item, lines: &Lines<'_>) -> Node {
    let at = lines.place(item.span());
    let value = match item {
        Item::None => Value::Table(Vec::new()),
        Item::Value(value) => return value_node(value, lines),
        Item::Table(inner) => table(inner, lines).value,
        Item::ArrayOfTables(tables) => Value::List(
            tables.iter().map(|t| Node { at: lines.place(t.span()), ..table(t, lines) }).collect(),
        ),
    };
    Node { value, at }
}

fn value_node(value: &TomlValue, lines: &Lines<'_>) -> Node {
    let at = lines.place(value.span());
    let value = match value {
        TomlValue::String(text) => Value::Text(text.value().clone()),
        TomlValue::Integer(number) => Value::Integer(*number.value()),
        TomlValue::Float(number) => Value::Float(*number.value()),
        TomlValue::Boolean(flag) => Value::Bool(*flag.value()),
        TomlValue::Datetime(_) => Value::Date,
        TomlValue::Array(items) => {
            Value::List(items.iter().map(|v| value_node(v, lines)).collect())
        }
        TomlValue::InlineTable(inner) => table(inner, lines).value,
    };
    Node { value, at }
}

/// Gives a whole tree one origin.
pub fn marked(mut node: Node, at: Place) -> Node {
    node.at = at;
    node.value = match node.value {
        Value::Table(entries) => Value::Table(
            entries
                .into_iter()
                .map(|entry| Entry { at, node: marked(entry.node, at), ..entry })
                .collect(),
        ),
        Value::List(items) => Value::List(items.into_iter().map(|item| marked(item, at)).collect()),
        other => other,
    };
    node
}

/// Merges `over` into `base`: tables are merged key by key, everything else is replaced.
pub fn overlay(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(below), Value::Table(above)) => {
            // The position of a table is where the user wrote it first.
            if base.at == Place::Default {
                base.at = over.at;
            }
            let places = places(below);
            for entry in above {
                match places.get(&entry.key).and_then(|index| below.get_mut(*index)) {
                    Some(found) => {
                        found.at = entry.at;
                        overlay(&mut found.node, entry.node);
                    }
                    None => below.push(entry),
                }
            }
        }
        (_, value) => *base = Node { value, at: over.at },
    }
}

/// The index of each entry by its key.
fn places(entries: &[Entry]) -> HashMap<String, usize> {
    entries.iter().enumerate().map(|(index, entry)| (entry.key.clone(), index)).collect()
}

/// Appends the lists of `over` to those of `base`. A value in `base` that is not a list is
/// a mistake of the file; it stays, so that it is reported.
pub fn extend(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(below), Value::Table(above)) => {
            for entry in above {
                match below.iter_mut().find(|e| e.key == entry.key) {
                    Some(found) => extend(&mut found.node, entry.node),
                    None => below.push(entry),
                }
            }
        }
        (Value::List(below), Value::List(above)) => below.extend(above),
        _ => {}
    }
}

/// A tree with one value at a path of keys.
pub fn single(path: &[String], value: Value, at: Place) -> Node {
    path.iter().rev().fold(Node { value, at }, |node, key| Node {
        value: Value::Table(vec![Entry { key: key.clone(), at, node }]),
        at,
    })
}

/// The value at a path of keys.
pub fn at_path<'a>(node: &'a Node, path: &[String]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, key| get(node, key))
}

/// The positions of all values in a tree.
pub fn all_places(node: &Node) -> Vec<Place> {
    let below: Vec<Place> = match &node.value {
        Value::Table(entries) => entries.iter().flat_map(|entry| all_places(&entry.node)).collect(),
        Value::List(items) => items.iter().flat_map(all_places).collect(),
        _ => Vec::new(),
    };
    std::iter::once(node.at).chain(below).collect()
}

/// The value of the entry `key` of a table.
pub fn find<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Value::Table(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
}

/// The same, for reading.
pub fn get<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

/// Removes the entry `key` from a table, and returns it.
pub fn take(node: &mut Node, key: &str) -> Option<Entry> {
    let Value::Table(entries) = &mut node.value else { return None };
    let index = entries.iter().position(|e| e.key == key)?;
    Some(entries.remove(index))
}
