//! The JSON Schemas of the results and of the stream of events, generated from the structs
//! that are written. They are in docs/reference/schema.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::events_jsonl;
use crate::results::SCHEMA_VERSION;
use crate::results::v1::document::Results;

/// A schema, and the name of its file.
#[derive(Debug)]
pub struct Published {
    /// The name with the version, such as `results-v1.schema.json`.
    pub name: String,
    /// Its text, with a line end.
    pub text: String,
}

/// All schemas.
///
/// # Errors
/// One cannot be written as JSON, which is a bug.
pub fn all() -> serde_json::Result<[Published; 2]> {
    let results = schema_of::<Results<'static>>("perf_results.json of Portcullis");
    let events = schema_of::<events_jsonl::Line<'static>>("A line of perf --format jsonl");
    Ok([
        published("results", SCHEMA_VERSION, &results)?,
        published("events", events_jsonl::SCHEMA_VERSION, &events)?,
    ])
}

fn published(what: &str, version: u32, schema: &Schema) -> serde_json::Result<Published> {
    let text = serde_json::to_string_pretty(schema)? + "\n";
    Ok(Published { name: format!("{what}-v{version}.schema.json"), text })
}

/// Describes what is written, not what can be read: a field that is always written is
/// required.
fn schema_of<T: JsonSchema>(title: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(Closed);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

/// Refuses unknown fields, so that changes of the format are detected.
#[derive(Clone)]
struct Closed;

impl Transform for Closed {
    fn transform(&mut self, schema: &mut Schema) {
        into_each_kind(schema);
        // Defaults are for readers, not for what is written.
        schema.remove("default");
        transform_subschemas(self, schema);
        let is_object = schema.get("properties").is_some();
        if is_object && schema.get("additionalProperties").is_none() {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}

/// Moves the fields that all kinds of an object share into each kind, because only a
/// complete object can refuse unknown fields.
fn into_each_kind(schema: &mut Schema) {
    let Some(Value::Array(mut kinds)) = schema.get("oneOf").cloned() else { return };
    let Some(Value::Object(shared)) = schema.remove("properties") else { return };
    let Some(Value::Array(required)) = schema.remove("required") else { return };
    for kind in &mut kinds {
        if let Some(properties) = kind.get_mut("properties").and_then(Value::as_object_mut) {
            properties.extend(shared.clone());
        }
        if let Some(names) = kind.get_mut("required").and_then(Value::as_array_mut) {
            names.extend(required.iter().cloned());
        }
    }
    schema.insert("oneOf".to_owned(), Value::Array(kinds));
}
