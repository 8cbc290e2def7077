//! What a step takes from its answer: `extract = { id = "$.id" }`.

use regex::Regex;
use serde_json_path::JsonPath;

use super::super::reader::{Problems, Reader, entries, note, text};
use super::super::tree::{Node, Value};
use crate::scenario::{Extract, Source, is_name};

/// The kinds of a table, besides `optional`.
const KINDS: [&str; 5] = ["json", "header", "cookie", "regex", "field"];

/// The extractions of a step.
pub fn extracts(section: &mut Reader<'_>, problems: &mut Problems) -> Vec<Extract> {
    let path = section.path_of("extract");
    let Some(node) = section.optional("extract") else { return Vec::new() };
    let mut extracts: Vec<Extract> = Vec::new();
    for entry in entries(node, &path, problems) {
        let path = format!("{path}.{}", entry.key);
        if !is_name(&entry.key) {
            note(problems, entry.at, format!("\"{}\" is not a valid name for a value", entry.key));
        }
        let found = match &entry.node.value {
            Value::Text(written) => {
                json(written, &entry.node, &path, problems).map(|from| (from, false))
            }
            Value::Table(_) => table(&entry.node, &path, problems),
            other => {
                let kind = other.kind();
                let message = format!("{path} must be a JSON path or a table, not {kind}");
                note(problems, entry.node.at, message);
                None
            }
        };
        if let Some((from, optional)) = found {
            extracts.push(Extract { name: entry.key.clone(), from, optional });
        }
    }
    extracts
}

fn table(node: &Node, path: &str, problems: &mut Problems) -> Option<(Source, bool)> {
    let mut section = Reader::new(node, path, problems);
    let written: Vec<(&'static str, &Node)> =
        KINDS.into_iter().filter_map(|key| Some((key, section.optional(key)?))).collect();
    let optional = section.flag("optional", problems);
    section.finish(problems);
    let [(kind, place)] = written.as_slice() else {
        note(problems, node.at, format!("{path} needs one of: {}", KINDS.join(", ")));
        return None;
    };
    let path = format!("{path}.{kind}");
    let word = text(place, &path, problems)?;
    let source = match *kind {
        "json" => json(&word, place, &path, problems)?,
        "header" => Source::Header(word),
        "cookie" => Source::Cookie(word),
        "field" => Source::Field(word),
        _ => match Regex::new(&word) {
            Ok(regex) => Source::Regex(regex),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                note(problems, place.at, format!("{path} is not a regular expression: {why}"));
                return None;
            }
        },
    };
    Some((source, optional))
}

/// A JSON path (it begins with `$`), or dotted keys.
pub fn json(written: &str, node: &Node, path: &str, problems: &mut Problems) -> Option<Source> {
    if !written.starts_with('$') {
        return Some(Source::Key(written.to_owned()));
    }
    match JsonPath::parse(written) {
        Ok(json) => Some(Source::Json(json)),
        Err(error) => {
            note(problems, node.at, format!("{path} is not a JSON path (RFC 9535): {error}"));
            None
        }
    }
}
