//! The hook that a run's processes load: the project's own settings, with databases and
//! files in the run's folder. The project's files are never edited.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use portcullis_core::plan::ServePlan;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::services::ports::Ports;
use crate::services::smtp_settings;

/// The marker of a database that cannot be replaced, in a log.
pub const UNSUPPORTED_DATABASE: &str = "PORTCULLIS-UNSUPPORTED-DATABASE";
/// The marker of a refused database file, in a log.
pub const FOREIGN_DATABASE: &str = "PORTCULLIS-FOREIGN-DATABASE";
/// The marker of a database for which the run has no server, in a log.
pub const UNSERVED_DATABASE: &str = "PORTCULLIS-UNSERVED-DATABASE";
/// The variable with the path of the hook; without it the environment refuses every
/// database.
pub const VARIABLE: &str = "PORTCULLIS_ISOLATION";

/// The variable of the timed server: the hook then costs nothing in a request.
pub const TIMED: &str = "PORTCULLIS_TIMED";

const HOOK: &str = include_str!("hook.py");
const POSTGRESQL: &str = include_str!("postgresql.py");
/// The beginning of the names of a run's databases on its own server.
pub const PREFIX: &str = "portcullis";
/// What the hook writes if the settings need a database server.
const WANTED: &str = "wanted.json";

/// The database server of a run, as the hook needs it.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: String,
    /// More parameters of each connection.
    pub options: BTreeMap<String, String>,
    /// Whether others use the server too.
    pub shared: bool,
    /// The beginning of the names of the run's databases.
    #[serde(skip)]
    pub prefix: String,
}

/// The databases for which the settings need a server.
#[derive(Clone, Debug, Deserialize)]
pub struct Wanted {
    /// Their aliases.
    pub aliases: Vec<String>,
    /// The names that the run's databases have.
    pub databases: Vec<String>,
}

/// What the hook has written, if the settings need a server that the run does not have.
pub fn wanted(settings: &Path) -> Option<Wanted> {
    serde_json::from_slice(&std::fs::read(settings.join(WANTED)).ok()?).ok()
}

/// Writes the hook of a run, or of one version of it, into `settings`; returns its path.
///
/// # Errors
/// The system refuses.
pub fn write(
    settings: &Path,
    run: &Path,
    plan: &ServePlan,
    ports: &Ports,
    server: Option<&Server>,
) -> std::io::Result<PathBuf> {
    let mail = smtp_settings(&plan.services, ports).into_iter();
    let mail = mail.map(|(name, value)| json!([name, value]));
    let own = plan.django.overrides.iter();
    let own = own.map(|(path, value)| json!([path, within(value, run, ports)]));
    let overrides = mail.chain(own);
    let files = plan.django.sqlite_files.iter().map(|file| json_path(&plan.root.join(file)));
    let files: Vec<String> = files.collect();
    let text = format!(
        "{{\"run\": {}, \"files\": [{}], \"overrides\": {}, \"unsupported_mark\": {}, \
         \"foreign_mark\": {}, \"unserved_mark\": {}, \"server\": {}, \"prefix\": {}}}",
        json_path(run),
        files.join(", "),
        ascii(&overrides.collect::<Value>().to_string()),
        json!(UNSUPPORTED_DATABASE),
        json!(FOREIGN_DATABASE),
        json!(UNSERVED_DATABASE),
        ascii(&serde_json::to_string(&server)?),
        json!(server.map_or(PREFIX, |server| server.prefix.as_str())),
    );
    // An answer to an earlier hook is no answer to this one.
    let _ = std::fs::remove_file(settings.join(WANTED));
    std::fs::write(settings.join("isolation.json"), text)?;
    std::fs::write(settings.join("postgresql.py"), POSTGRESQL)?;
    let hook = settings.join("hook.py");
    std::fs::write(&hook, HOOK)?;
    Ok(hook)
}

/// The value with `{run}` replaced by the run's folder in all its texts, and the ports of
/// services.
fn within(value: &Value, run: &Path, ports: &Ports) -> Value {
    match value {
        Value::String(text) => ports.value(&in_run(text, run)),
        Value::Array(items) => items.iter().map(|item| within(item, run, ports)).collect(),
        Value::Object(pairs) => {
            let filled = |value: &Value| within(value, run, ports);
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), filled(value)));
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// The text with `{run}` replaced by the run's folder.
pub fn in_run(text: &str, run: &Path) -> String {
    text.replace("{run}", &run.to_string_lossy())
}

/// JSON with ASCII characters only, because Python reads it as ASCII.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_ascii() {
            true => text.push(c),
            false => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// A path as a JSON text that Python reads like `os.fsdecode`: bytes that are not UTF-8
/// become lone surrogates.
fn json_path(path: &Path) -> String {
    let mut json = String::from("\"");
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        let valid = Value::from(chunk.valid()).to_string();
        json.push_str(&ascii(valid.get(1..valid.len() - 1).unwrap_or_default()));
        for byte in chunk.invalid() {
            json.push_str(&format!("\\udc{byte:02x}"));
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_need_not_be_utf_8() {
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/a \"\xff/\xc3\xa9"));
        assert_eq!(json_path(path), "\"/a \\\"\\udcff/\\u00e9\"");
    }

    #[test]
    fn the_runs_folder_is_filled_in_everywhere() {
        let value = json!({"a": ["{run}/x", 1], "b": {"c": "{run}"}, "{run}": true});
        let filled = json!({"a": ["/r/x", 1], "b": {"c": "/r"}, "{run}": true});
        assert_eq!(within(&value, Path::new("/r"), &Ports::default()), filled);
    }
}
