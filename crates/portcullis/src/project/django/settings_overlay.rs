//! The generated settings module: the project's own settings, then the changes that the
//! environment cannot make. The project's files are never edited.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The marker of an unsupported database in a log.
pub const UNSUPPORTED_DATABASE: &str = "PORTCULLIS-UNSUPPORTED-DATABASE";

const OVERLAY: &str = r#""""Settings of one Portcullis run; created for it, removed after it."""

from @SETTINGS@ import *  # noqa: F401,F403

import copy as _copy
import hashlib as _hashlib
import json as _json
import os as _os

from django.core.exceptions import ImproperlyConfigured as _ImproperlyConfigured

_RUN = _json.loads(@RUN@)
_ID = _hashlib.sha256(_os.fsencode(_RUN)).hexdigest()[:12]
_OVERRIDES = _json.loads(@OVERRIDES@)


def _throwaway(alias, database):
    """The same database, in the run's own folder."""
    engine = database.get("ENGINE", "")
    if engine != "django.db.backends.sqlite3":
        raise _ImproperlyConfigured(
            f"@UNSUPPORTED@ {alias} uses {engine or 'no engine'}"
        )
    name = _os.path.join(_RUN, "db", f"{alias}.sqlite3")
    return {**database, "NAME": name}


if isinstance(globals().get("LOGGING"), dict):
    LOGGING = _copy.deepcopy(LOGGING)
    for _handler in LOGGING.get("handlers", {}).values():
        if "filename" in _handler:
            _handler["filename"] = _os.path.join(
                _RUN, "project-logs", _os.path.basename(str(_handler["filename"]))
            )

if isinstance(globals().get("CACHES"), dict):
    CACHES = _copy.deepcopy(CACHES)
    for _alias, _cache in CACHES.items():
        if _cache.get("BACKEND", "").endswith("FileBasedCache"):
            _cache["LOCATION"] = _os.path.join(_RUN, "caches", _alias)
        # A cache outside of the process must not answer for another run or version.
        _cache["KEY_PREFIX"] = f"{_ID}:{_cache.get('KEY_PREFIX', '')}"

if isinstance(globals().get("STORAGES"), dict):
    STORAGES = _copy.deepcopy(STORAGES)
    for _alias, _storage in STORAGES.items():
        if _storage.get("OPTIONS", {}).get("location"):
            _storage["OPTIONS"]["location"] = _os.path.join(_RUN, "storages", _alias)

for _name, _folder in (
    ("MEDIA_ROOT", "media"),
    ("STATIC_ROOT", "static"),
    ("SESSION_FILE_PATH", "sessions"),
    ("EMAIL_FILE_PATH", "mail"),
):
    # Without MEDIA_ROOT files go to the working folder.
    if _name == "MEDIA_ROOT" or globals().get(_name):
        globals()[_name] = _os.path.join(_RUN, _folder)

for _path, _value in _OVERRIDES:
    _setting, *_keys = _path.split(".")
    if not _keys:
        globals()[_setting] = _value
        continue
    _target = globals()[_setting] = _copy.deepcopy(globals().get(_setting, {}))
    for _key in _keys[:-1]:
        _target = _target.setdefault(_key, {})
    _target[_keys[-1]] = _value

# Last: no override leads to a database of somebody else's.
DATABASES = {alias: _throwaway(alias, database) for alias, database in DATABASES.items()}

# Who serves without these settings serves from another database.
open(_os.path.join(_RUN, "loaded", str(_os.getpid())), "w").close()
"#;

/// The text of the module for a project's settings, the run's folder and the dotted
/// overrides.
pub fn text(settings: &str, run: &Path, overrides: &[(String, serde_json::Value)]) -> String {
    let pairs: Vec<serde_json::Value> =
        overrides.iter().map(|(path, value)| serde_json::json!([path, value])).collect();
    let json = |value: serde_json::Value| python_literal(&value.to_string());
    OVERLAY
        .replace("@SETTINGS@", settings)
        .replace("@UNSUPPORTED@", UNSUPPORTED_DATABASE)
        .replace("@RUN@", &python_literal(&json_path(run)))
        .replace("@OVERRIDES@", &json(pairs.into()))
}

/// A path as a JSON text that Python reads like `os.fsdecode`: bytes that are not UTF-8
/// become lone surrogates.
fn json_path(path: &Path) -> String {
    let mut json = String::from("\"");
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        let valid = serde_json::Value::from(chunk.valid()).to_string();
        json.push_str(valid.get(1..valid.len() - 1).unwrap_or_default());
        for byte in chunk.invalid() {
            json.push_str(&format!("\\udc{byte:02x}"));
        }
    }
    json.push('"');
    json
}

/// A text as a Python string literal of ASCII characters.
pub fn python_literal(text: &str) -> String {
    let escaped: String = text.chars().map(escape).collect();
    format!("\"{escaped}\"")
}

fn escape(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ => format!("\\U{:08x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_inert() {
        assert_eq!(python_literal("a\"b\\c\né"), r#""a\"b\\c\U0000000a\U000000e9""#);
    }

    #[test]
    fn paths_need_not_be_utf_8() {
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/a \"\xff/\xc3\xa9"));
        assert_eq!(json_path(path), "\"/a \\\"\\udcff/\u{e9}\"");
    }

    #[test]
    fn the_module_imports_the_projects_settings_and_carries_the_overrides() {
        let overrides = [("REST.RATES.login".to_owned(), serde_json::json!("9/h"))];
        let text = text("hello.settings", Path::new("/run/x"), &overrides);
        assert!(text.contains("from hello.settings import *"));
        assert!(text.contains(r#"_json.loads("[[\"REST.RATES.login\",\"9/h\"]]")"#), "{text}");
        assert!(!text.contains("@RUN@") && !text.contains("@UNSUPPORTED@"));
    }
}
