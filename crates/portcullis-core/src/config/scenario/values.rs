//! Values for placeholders: lists, ranges, generators, and files of rows.

use super::super::reader::{Problems, Reader, entries, integer, note, text};
use super::super::tree::{Node, Value};
use crate::scenario::{DataFile, DataRows, NamedValues, RowOrder, RowsEnd, Values, is_name};
use crate::text::nearest;

/// The generators that a text names.
const GENERATORS: [(&str, Values); 4] = [
    ("uuid", Values::Uuid),
    ("timestamp", Values::Timestamp),
    ("counter", Values::Counter),
    ("user", Values::UserNumber),
];

/// The longest random text.
const LONGEST_TEXT: i64 = 10_000;

/// The values of a `values` table.
pub fn values(node: &Node, problems: &mut Problems) -> NamedValues {
    let mut all = Vec::new();
    for entry in entries(node, "values", problems) {
        let path = format!("values.{}", entry.key);
        let value = match &entry.node.value {
            Value::List(items) if !items.is_empty() => {
                Values::List(items.iter().filter_map(|i| item(i, &path, problems)).collect())
            }
            Value::Table(_) => made(&entry.node, &path, problems),
            Value::FromEnvironment(text) => Values::List(vec![text.clone()]),
            Value::Text(name) => match generator(name) {
                Ok(values) => values,
                Err(near) => {
                    let message = format!(
                        "{path} = \"{name}\" is not a generator (uuid, timestamp, counter, user)\
                         {near}"
                    );
                    note(problems, entry.node.at, message);
                    continue;
                }
            },
            _ => {
                let message = format!("{path} must be a list, {{ from = 1, to = 10 }} or \"uuid\"");
                note(problems, entry.node.at, message);
                continue;
            }
        };
        if !is_name(&entry.key) {
            note(problems, entry.at, format!("\"{}\" is not a valid name for a value", entry.key));
        }
        if let Values::List(items) = &value
            && items.iter().any(|item| item.chars().any(char::is_control))
        {
            note(problems, entry.node.at, format!("{path} has a control character"));
        }
        all.push((entry.key.clone(), value));
    }
    all
}

fn generator(name: &str) -> Result<Values, String> {
    let known = GENERATORS.iter().find(|(known, _)| *known == name);
    let near = || nearest(name, GENERATORS.iter().map(|(known, _)| *known));
    known.map(|(_, values)| values.clone()).ok_or_else(near)
}

fn item(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => text(node, path, problems),
    }
}

/// A value that a table describes: a range, or a random text.
fn made(node: &Node, path: &str, problems: &mut Problems) -> Values {
    let mut section = Reader::new(node, path, problems);
    if let Some(length) = section.optional("random_text") {
        let path = section.path_of("random_text");
        let length = integer(length, &path, 1..=LONGEST_TEXT, problems).unwrap_or(1);
        section.finish(problems);
        return Values::RandomText(u32::try_from(length).unwrap_or(1));
    }
    let from = section.integer("from", i64::MIN + 1..=i64::MAX, problems).unwrap_or(0);
    let to = section.integer("to", i64::MIN + 1..=i64::MAX, problems).unwrap_or(from);
    if from > to {
        note(problems, node.at, format!("{path}: from is greater than to"));
    }
    section.finish(problems);
    Values::Range(from, to.max(from))
}

/// The files of `[scenario.data.NAME]`.
pub fn files(node: &Node, problems: &mut Problems) -> Vec<DataFile> {
    let mut files = Vec::new();
    for entry in entries(node, "scenario.data", problems) {
        let path = format!("scenario.data.{}", entry.key);
        if entry.key.contains('.') || !is_name(&entry.key) {
            let message = format!(
                "\"{}\" is not a valid name of a data file: use letters, digits, _ -",
                entry.key
            );
            note(problems, entry.at, message);
        }
        let mut section = Reader::new(&entry.node, &path, problems);
        let file = section.text("file", problems);
        let is_known = [".csv", ".jsonl"].iter().any(|end| file.to_lowercase().ends_with(end));
        if !file.is_empty() && !is_known {
            note(problems, section.at(), format!("{path}.file must end in .csv or .jsonl"));
        }
        let orders = [
            ("sequential", RowOrder::Sequential),
            ("random", RowOrder::Random),
            ("per_user", RowOrder::PerUser),
        ];
        let ends = [("wrap", RowsEnd::Wrap), ("fail", RowsEnd::Fail), ("stop", RowsEnd::Stop)];
        let order = word(&mut section, "order", orders, problems);
        let end = word(&mut section, "end", ends, problems);
        section.finish(problems);
        files.push(DataFile {
            name: entry.key.clone(),
            path: file,
            order,
            end,
            rows: DataRows::default(),
        });
    }
    files
}

/// One of the words of a key; the first one if the key is missing.
fn word<T: Copy, const N: usize>(
    section: &mut Reader<'_>,
    key: &'static str,
    words: [(&str, T); N],
    problems: &mut Problems,
) -> T {
    let (path, at) = (section.path_of(key), section.at());
    let written = section.optional_text(key, problems);
    let Some(written) = written else { return words[0].1 };
    let known = words.iter().find(|(word, _)| *word == written);
    if known.is_none() {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = nearest(&written, list.iter().copied());
        note(problems, at, format!("{path} = \"{written}\": expected {}{near}", list.join(", ")));
    }
    known.map_or(words[0].1, |(_, value)| *value)
}
