//! The JSON Schema of `perf.toml`, from what the reader reads, the defaults, and the
//! descriptions in docs/reference/configuration.md. After a change of the configuration,
//! write it again with `WRITE_SCHEMAS=1 cargo test -p portcullis-core schema`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::reader::Kind;
use super::text::to_json;
use super::{DEFAULTS, FlagValue, load, tree};

thread_local! {
    static SEEN: RefCell<BTreeMap<String, BTreeSet<Kind>>> = RefCell::default();
}

/// Records that a key was read, and as what.
pub fn read_as(path: &str, kind: Kind) {
    SEEN.with_borrow_mut(|seen| seen.entry(path.to_owned()).or_default().insert(kind));
}

/// A configuration with every key whose value is read only if it is set.
const EVERYTHING: &str = r#"
[project]
kind = "django"
root = "."
requirements = ["a"]
[[step]]
argv = ["a"]
timeout = "1s"
[[step]]
manage = ["a"]
[[seed]]
manage = ["a"]
[django]
settings = "a"
overrides = { A = 1 }
[database]
engine = "sqlite"
version = 16
port = 1
url = "postgres://a"
url_variable = "A"
[[service]]
name = "s"
kind = "redis"
argv = ["a"]
ready = "port"
timeout = "1s"
[outgoing]
[server]
kind = "gunicorn"
workers = 1
threads = 1
port = 1
cpus = [1]
[load]
host = "http://127.0.0.1"
grace = "1s"
requests = 1
seed = 1
arrival_rate = "1/s"
stages = [{ users = 1, over = "1s" }, { rate = "1/s", over = "1s" }]
[scenario]
wait = { constant = "1s", exponential_mean = "1s", pacing = "1s", throughput = "1/s", normal = { mean = "1s", deviation = "1s", min = "1s", max = "1s" } }
[scenario.login]
path = "/"
token = "a"
authorization = "{{ token }}"
refresh = { path = "/", token = "a", lifetime = "1m" }
[[scenario.user]]
name = "u"
weight = 1
tasks = ["a", "b"]
wait = { constant = "1s" }
login = { type = "none" }
[[scenario.task]]
name = "a"
path = "/"
weight = 1
max_calls = 1
query = { a = 1 }
check = [{ json = "a", equals = 1, name = "a", soft = true }, { min_items = 1 }, { text = "a" }, { absent = "a" }, { json = "a", max_items = 1 }, { matches = "a" }, { max_size = "1kB" }, { status = 200 }, { media_type = "a/b" }, { header = "A", equals = "b" }]
shape = true
[[scenario.task]]
name = "b"
[[scenario.task.step]]
name = "c"
path = "/"
accept = [200]
[against]
overrides = { A = 1 }
[thresholds]
fail = [{ rule = "p95 < 1s", abort = true, after = "1s", policy = "prove" }]
warn = [{ rule = "p95 < 1s", policy = "prove" }]
[output]
dir = "a"
[history]
file = "a"
[baseline]
file = "a"
fail = [{ rule = "p95 <= baseline + 1%", policy = "prove" }]
warn = [{ rule = "p95 <= baseline + 1%", policy = "prove" }]
"#;

/// Keys whose text is one of a few.
const WORDS: [(&str, &[&str]); 12] = [
    ("project.installer", &["auto", "pip", "uv"]),
    ("project.kind", &["auto", "django", "command"]),
    ("database.engine", &["sqlite", "postgresql", "none"]),
    ("server.kind", super::server::KINDS),
    ("django.database", &["auto", "sqlite", "postgresql"]),
    ("load.arrivals", &["even", "poisson"]),
    ("scenario.order", &["deck", "independent"]),
    ("baseline.trust", &["same-machine", "always"]),
    ("thresholds.policy", &["estimate", "prove"]),
    ("scenario.login.type", LOGINS),
    ("service.kind", &["redis", "celery", "smtp"]),
    ("service.before", &["migrate", "serve"]),
];
const LOGINS: &[&str] = &["token", "session", "basic", "static", "none"];

/// Old names of keys, which are read but not proposed.
const OLD: [&str; 2] = ["scenario.task.budget", "scenario.task.check.array"];

fn seen() -> BTreeMap<String, BTreeSet<Kind>> {
    SEEN.with_borrow_mut(BTreeMap::clear);
    // Each kind of login has keys of its own.
    for login in LOGINS {
        let (login, next) =
            (format!("[scenario.login]\ntype = \"{login}\"\n"), "[scenario.login]\n");
        let _ = load(&EVERYTHING.replace(next, &login), None, &[]);
    }
    let mut seen = SEEN.with_borrow(Clone::clone);
    seen.retain(|path, _| !OLD.contains(&path.as_str()));
    seen
}

/// The descriptions by key. A table of the page belongs to the section in the heading above
/// it, or names whole keys if the heading has several.
fn described() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let (mut found, mut section) = (BTreeMap::<String, String>::new(), String::new());
    for line in std::fs::read_to_string(page).unwrap().lines() {
        if let Some(heading) = line.strip_prefix("##") {
            let names: Vec<&str> = heading.split('`').skip(1).step_by(2).collect();
            let name = names.first().unwrap_or(&"").trim_matches(['[', ']']);
            section = if names.len() == 1 { format!("{name}.") } else { String::new() };
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            let (Some(key), Some(kind), Some(text)) = (cells.first(), cells.get(1), cells.last())
            else {
                continue;
            };
            let text = format!("{kind}: {text}");
            for key in
                key.split('`').step_by(2).filter(|key| !key.trim_matches([',', ' ']).is_empty())
            {
                // A flag in the list of flags is no key.
                if key.starts_with('-') {
                    continue;
                }
                let entry = found.entry(format!("{section}{key}")).or_default();
                // A key with several forms has a row for each.
                let between = if entry.is_empty() { "" } else { "; " };
                entry.push_str(&format!("{between}{}", plain(&text)));
            }
        }
    }
    found
}

/// Markdown without code marks and the targets of links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (index, piece) in text.replace('`', "").split("](").enumerate() {
        let rest =
            if index == 0 { piece } else { piece.split_once(')').map_or("", |(_, rest)| rest) };
        out.push_str(rest);
    }
    out.replace(['[', ']'], "")
}

/// The schema of the key at `path`.
fn schema_of(
    path: &str,
    seen: &BTreeMap<String, BTreeSet<Kind>>,
    docs: &BTreeMap<String, String>,
) -> Json {
    let kinds = seen.get(path).cloned().unwrap_or_default();
    let within = format!("{path}.");
    let below: Vec<&String> = seen
        .keys()
        .filter(|key| key.strip_prefix(&within).is_some_and(|rest| !rest.contains('.')))
        .collect();
    let mut keys = Map::new();
    for key in &below {
        let name = key.rsplit('.').next().unwrap_or(key).to_owned();
        keys.insert(name, schema_of(key, seen, docs));
    }
    let table = json!({ "type": "object", "additionalProperties": false, "properties": keys });
    let is_list = kinds.contains(&Kind::List);
    let words = WORDS.iter().find(|(key, _)| *key == path).map(|(_, words)| *words);
    let mut any: Vec<Json> = Vec::new();
    for kind in &kinds {
        any.extend(match kind {
            Kind::Text if is_list => None,
            Kind::Integer(..) if is_list => None,
            Kind::Text | Kind::Duration | Kind::Rate if words.is_none() => {
                Some(json!({ "type": "string" }))
            }
            Kind::Text => Some(json!({ "enum": words })),
            Kind::Bool => Some(json!({ "type": "boolean" })),
            Kind::Integer(least, i64::MAX) => Some(json!({ "type": "integer", "minimum": least })),
            Kind::Integer(least, most) => {
                Some(json!({ "type": "integer", "minimum": least, "maximum": most }))
            }
            Kind::List if below.is_empty() => Some(json!({ "type": "array" })),
            Kind::List if docs.get(path).is_some_and(|text| text.contains("rules")) => {
                let items = json!({ "anyOf": [{ "type": "string" }, table] });
                Some(json!({ "type": "array", "items": items }))
            }
            Kind::List => Some(json!({ "type": "array", "items": table })),
            Kind::Free => Some(json!({ "type": "object" })),
            _ => None,
        });
    }
    if !is_list && !below.is_empty() && !kinds.contains(&Kind::Free) {
        any.push(table.clone());
    }
    // One check may stand alone.
    if path == "scenario.task.check" {
        any.push(json!({ "type": "array", "items": table }));
    }
    // These may also be the word auto, which the reader compares itself.
    if ["server.port", "project.requirements"].contains(&path) {
        any.push(json!({ "const": "auto" }));
    }
    any.dedup();
    let mut schema = match (any.len(), any.pop()) {
        (1, Some(Json::Object(one))) => one,
        (0, _) => Map::new(),
        (_, last) => {
            any.extend(last);
            Map::from_iter([("anyOf".to_owned(), any.into())])
        }
    };
    if let Some(text) = docs.get(path) {
        schema.insert("description".to_owned(), text.clone().into());
    }
    let defaults = tree::parse(DEFAULTS).unwrap();
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    let default = tree::at_path(&defaults, &path).filter(|_| path.len() > 1).and_then(to_json);
    if let Some(default) = default {
        schema.insert("default".to_owned(), default);
    }
    schema.into()
}

fn schema() -> Json {
    let (seen, docs) = (seen(), described());
    let is_section =
        |kinds: &BTreeSet<Kind>| kinds.contains(&Kind::Table) || kinds.contains(&Kind::List);
    let sections = seen.iter().filter(|(path, kinds)| !path.contains('.') && is_section(kinds));
    let (mut shared, mut properties) = (Map::new(), Map::new());
    for (section, _) in sections {
        shared.insert(section.clone(), schema_of(section, &seen, &docs));
        properties.insert(section.clone(), json!({ "$ref": format!("#/$defs/{section}") }));
    }
    let profile = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "description": "keys that --profile NAME replaces",
    });
    properties
        .insert("profile".to_owned(), json!({ "type": "object", "additionalProperties": profile }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "perf.toml of Portcullis",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": shared,
    })
}

#[test]
fn the_committed_schema_is_what_the_reader_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../../docs/reference/schema/perf.schema.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == text, "perf.schema.json is not what the reader reads: see schema.rs");
}

#[test]
fn every_key_is_described_and_every_described_key_is_read() {
    let (seen, docs) = (seen(), described());
    let is_leaf = |path: &&String| {
        let inner = format!("{path}.");
        path.contains('.') && !seen.keys().any(|other| other.starts_with(&inner))
    };
    let sections: BTreeSet<&str> = docs.keys().filter_map(|key| key.split('.').next()).collect();
    // Logins, steps and data files have a page of their own; keys of small tables stand in the
    // row of their table.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/scenario.md");
    let page = std::fs::read_to_string(page).unwrap();
    let is_of_request = |path: &str, key: &str| {
        let of_task = format!("scenario.task.{key}");
        path.starts_with("scenario.") && (page.contains(key) || docs.contains_key(&of_task))
    };
    let is_described = |path: &&String| {
        let Some((table, key)) = path.rsplit_once('.') else { return true };
        // All lists of rules have the same tables.
        let is_rules = table.ends_with(".fail") || table.ends_with(".warn");
        let table = if is_rules { "thresholds.fail" } else { table };
        docs.contains_key(*path)
            || docs.get(table).is_some_and(|text| text.contains(key))
            || is_of_request(path, key)
    };
    let of_section = |path: &&String| path.split('.').next().is_some_and(|s| sections.contains(s));
    let silent: Vec<&String> =
        seen.keys().filter(is_leaf).filter(of_section).filter(|path| !is_described(path)).collect();
    assert!(silent.is_empty(), "configuration.md does not tell of {silent:?}");
    let unread: Vec<&String> = docs.keys().filter(|key| !seen.contains_key(*key)).collect();
    assert!(unread.is_empty(), "configuration.md tells of {unread:?}, which nothing reads");
}

#[test]
fn proposed_words_are_accepted() {
    let found = |path: &str, word: &str| {
        let of_table = path.strip_prefix("scenario.task.").or(path.strip_prefix("service."));
        let (text, flags) = match of_table {
            Some("kind") => {
                let (known, other) = ("kind = \"redis\"", format!("kind = \"{word}\""));
                (EVERYTHING.replacen(known, &other, 1), Vec::new())
            }
            Some(key) => {
                let is_service = path.starts_with("service.");
                let name = if is_service { "name = \"s\"" } else { "name = \"a\"" };
                let named = format!("{name}\n{key} = \"{word}\"");
                (EVERYTHING.replacen(name, &named, 1), Vec::new())
            }
            None => {
                let flag =
                    FlagValue::assigned(tree::Place::Flag("--set"), format!("{path}={word}"));
                (EVERYTHING.to_owned(), vec![flag])
            }
        };
        load(&text, None, &flags).err().unwrap_or_default()
    };
    for (path, words) in WORDS {
        for word in words.iter().chain(&["nonsense"]) {
            let quoted = format!("\"{word}\"");
            let found = found(path, word);
            let is_refused = found.iter().any(|problem| problem.message.contains(&quoted));
            assert_eq!(is_refused, *word == "nonsense", "{path} = {word}: {found:#?}");
        }
    }
}
