//! The body of a request: `json`, `form`, `body`, `graphql` or `multipart`.

use super::super::reader::{Problems, Reader, entries, note};
use super::super::text::to_json;
use super::super::tree::{self, Node, Value};
use super::super::variables;
use super::template;
use crate::scenario::{BodyPart, BodyTemplate, FileSource, NamedValues, PartContent, Template};
use crate::units;

/// The keys of a body; a request has at most one.
const KINDS: [&str; 5] = ["json", "form", "body", "graphql", "multipart"];

/// The largest file that is made of a size, in bytes.
const LARGEST_MADE: f64 = 64.0 * 1024.0 * 1024.0;

/// The body that a table describes, if it has one.
pub fn body(
    section: &mut Reader<'_>,
    values: &NamedValues,
    problems: &mut Problems,
) -> Option<BodyTemplate> {
    let found: Vec<(&'static str, &Node)> =
        KINDS.into_iter().filter_map(|key| Some((key, section.optional(key)?))).collect();
    if let [(first, _), (second, node), ..] = found.as_slice() {
        let message = format!("{} and {second}: a request has one body", section.path_of(first));
        note(problems, node.at, message);
    }
    let (key, node) = *found.first()?;
    let path = section.path_of(key);
    match key {
        "json" => json(node, &path, values, problems).map(BodyTemplate::Json),
        "form" => Some(BodyTemplate::Form(form(section, key, problems))),
        "body" => {
            let written = super::super::reader::text(node, &path, problems)?;
            Some(BodyTemplate::Raw(template(&written, node, &path, problems)))
        }
        "graphql" => graphql(node, &path, values, problems).map(BodyTemplate::Json),
        _ => Some(BodyTemplate::Multipart(multipart(node, &path, problems))),
    }
}

/// Named templates of a table of plain values.
pub fn form(
    section: &mut Reader<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Vec<(String, Template)> {
    let title = section.path_of(key);
    let table = section.optional(key);
    let mut fields = Vec::new();
    for (name, value, _) in section.pairs(key, problems) {
        if let Some(node) = table.and_then(|table| tree::get(table, &name)) {
            fields.push((name, template(&value, node, &title, problems)));
        }
    }
    fields
}

fn json(
    node: &Node,
    path: &str,
    values: &NamedValues,
    problems: &mut Problems,
) -> Option<Template> {
    let Some(json) = to_json(node) else {
        note(problems, node.at, format!("{path}: JSON has no dates, infinity or nan"));
        return None;
    };
    Some(template(&written(node, json.to_string(), values), node, path, problems))
}

/// The JSON text of a node as a template: a text that consists only of a whole-number value
/// becomes a number.
fn written(node: &Node, mut written: String, values: &NamedValues) -> String {
    for text in variables::read(node).into_iter().filter(|text| text.contains("{{")) {
        // The same text in JSON, but no placeholder.
        let quoted = serde_json::Value::from(text).to_string();
        written = written.replace(&quoted, &quoted.replace('{', "\\u007b"));
    }
    for (name, _) in values.iter().filter(|(_, kind)| kind.is_number()) {
        for spelt in [format!("\"{{{{ {name} }}}}\""), format!("\"{{{{{name}}}}}\"")] {
            written = written.replace(&spelt, &format!("{{{{ {name} }}}}"));
        }
    }
    written
}

/// A GraphQL operation as its JSON body (graphql.org, "Serving over HTTP").
fn graphql(
    node: &Node,
    path: &str,
    values: &NamedValues,
    problems: &mut Problems,
) -> Option<Template> {
    let mut section = Reader::new(node, path, problems);
    let query = section.text("query", problems);
    let operation = section.optional_text("operation", problems);
    let variables = section.optional("variables").map(|node| (node, to_json(node)));
    section.finish(problems);
    let mut body = serde_json::Map::from_iter([("query".to_owned(), query.into())]);
    if let Some(operation) = operation {
        body.insert("operationName".to_owned(), operation.into());
    }
    match variables {
        None => {}
        Some((_, Some(variables @ serde_json::Value::Object(_)))) => {
            body.insert("variables".to_owned(), variables);
        }
        Some((node, _)) => {
            note(problems, node.at, format!("{path}.variables must be a table of JSON values"));
        }
    }
    let written = written(node, serde_json::Value::Object(body).to_string(), values);
    Some(template(&written, node, path, problems))
}

fn multipart(node: &Node, path: &str, problems: &mut Problems) -> Vec<BodyPart> {
    let mut parts = Vec::new();
    for entry in entries(node, path, problems) {
        let path = format!("{path}.{}", entry.key);
        let in_quotes = |text: &str| text.chars().all(|c| !c.is_control() && c != '"');
        if !in_quotes(&entry.key) {
            note(problems, entry.at, format!("\"{}\" is not a valid field name", entry.key));
        }
        let content = match &entry.node.value {
            Value::Table(_) => file(&entry.node, &path, problems),
            Value::Integer(number) => PartContent::Text(Template::fixed(&number.to_string())),
            _ => {
                let written = super::super::reader::text(&entry.node, &path, problems);
                let written = written.unwrap_or_default();
                PartContent::Text(template(&written, &entry.node, &path, problems))
            }
        };
        if let PartContent::File { file_name, media_type, .. } = &content
            && !(in_quotes(file_name) && in_quotes(media_type))
        {
            note(problems, entry.node.at, format!("{path} has a control character or a quote"));
        }
        parts.push(BodyPart { name: entry.key.clone(), content });
    }
    parts
}

/// A file: from disk, or made of a size.
fn file(node: &Node, path: &str, problems: &mut Problems) -> PartContent {
    let mut section = Reader::new(node, path, problems);
    let from = section.optional_text("file", problems);
    let size = section.optional_text("size", problems);
    let name = section.optional_text("name", problems);
    let media_type = section.optional_text("type", problems);
    section.finish(problems);
    let base = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    let file_name = name.or_else(|| from.as_deref().map(base)).unwrap_or_else(|| "file.bin".into());
    let source = match (from, size) {
        (Some(from), None) => FileSource::Path(from),
        (None, Some(size)) => FileSource::Size(bytes(&size, node, path, problems)),
        _ => {
            note(problems, node.at, format!("{path} needs one of: file, size"));
            FileSource::Size(0)
        }
    };
    let media_type = media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    PartContent::File { file_name, media_type, source }
}

fn bytes(written: &str, node: &Node, path: &str, problems: &mut Problems) -> u64 {
    match units::bytes(written) {
        Ok(size) if size <= LARGEST_MADE => size as u64,
        Ok(_) => {
            note(problems, node.at, format!("{path}.size = {written}: the maximum is 64 MiB"));
            0
        }
        Err(error) => {
            note(problems, node.at, format!("{path}.size = {error}"));
            0
        }
    }
}
