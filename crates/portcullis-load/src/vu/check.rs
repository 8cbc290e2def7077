//! Examines a body by the checks of its step. A check that is met allocates nothing.

use std::borrow::Cow;

use portcullis_core::scenario::{Condition, Scalar};

use super::{body, json, page};
use crate::http::Response;

/// The number of characters that a message shows of an unexpected value.
const EXCERPT: usize = 80;

/// How an answer with this unpacked body fails a condition, if it does.
pub fn unmet_by(condition: &Condition, response: &Response, body: &[u8]) -> Option<String> {
    let status = response.head().status;
    match condition {
        Condition::Status(wanted) => {
            (status != *wanted).then(|| format!("status {status}, expected {wanted}"))
        }
        Condition::MediaType(wanted) => (response.media_type() != wanted.as_bytes()).then(|| {
            let found = String::from_utf8_lossy(response.media_type());
            format!("the media type is \"{found}\", expected {wanted}")
        }),
        Condition::Header { name, value } => match (response.field(name), value) {
            (None, _) => Some(format!("no header {name}")),
            (Some(found), Some(value)) if found != *value => {
                let found = body::excerpt(found.as_bytes(), EXCERPT);
                Some(format!("header {name} is \"{found}\", expected \"{value}\""))
            }
            _ => None,
        },
        _ => unmet(condition, body),
    }
}

/// How a body fails a condition on bodies, if it does.
pub fn unmet(condition: &Condition, body: &[u8]) -> Option<String> {
    match condition {
        // Of the head, not of the body.
        Condition::Status(_) | Condition::MediaType(_) | Condition::Header { .. } => None,
        Condition::MaxItems { path, max_items } => surplus(body, path, *max_items),
        Condition::Matches(pattern) => {
            let is_met = std::str::from_utf8(body).is_ok_and(|body| pattern.0.is_match(body));
            (!is_met).then(|| {
                let pattern = &pattern.0;
                format!("the body does not match {pattern}: \"{}\"", body::excerpt(body, EXCERPT))
            })
        }
        Condition::MaxSize(most) => (body.len() as u64 > *most)
            .then(|| format!("the body has {} bytes, expected at most {most}", body.len())),
        Condition::Json { path } => absence(body, path),
        Condition::Equals { path, value } => difference(body, path, value),
        Condition::MinItems { path, min_items } => shortage(body, path, *min_items),
        Condition::Text(text) => (!contains(body, text)).then(|| {
            format!("the body does not contain \"{text}\": \"{}\"", body::excerpt(body, EXCERPT))
        }),
        Condition::Absent(text) => {
            contains(body, text).then(|| format!("the body contains \"{text}\""))
        }
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    memchr::memmem::find(body, text.as_bytes()).is_some()
}

fn absence(body: &[u8], path: &str) -> Option<String> {
    match json::value_at(body, path) {
        Ok(Some(_)) => None,
        Err(error) => Some(malformed(error, body)),
        // The key may be written with escapes.
        Ok(None) => body::exists(body, path).err().map(|error| error.to_string()),
    }
}

fn shortage(body: &[u8], path: &str, min_items: u64) -> Option<String> {
    match json::value_at(body, path) {
        Ok(Some(json::Value { items: Some(items), .. })) if items >= min_items => return None,
        Err(error) => return Some(malformed(error, body)),
        Ok(_) => {}
    }
    match body::array_length(body, path) {
        Ok(items) if items >= min_items => None,
        Ok(items) => Some(format!("{items} items, expected at least {min_items}")),
        Err(error) => Some(error.to_string()),
    }
}

fn surplus(body: &[u8], path: &str, max_items: u64) -> Option<String> {
    let items = match json::value_at(body, path) {
        Ok(Some(json::Value { items: Some(items), .. })) => items,
        Err(error) => return Some(malformed(error, body)),
        Ok(_) => match body::array_length(body, path) {
            Ok(items) => items,
            Err(error) => return Some(error.to_string()),
        },
    };
    (items > max_items).then(|| format!("{items} items, expected at most {max_items}"))
}

fn difference(body: &[u8], path: &str, wanted: &Scalar) -> Option<String> {
    let found = match json::value_at(body, path) {
        Ok(Some(value)) => Cow::Borrowed(value.text),
        Err(error) => return Some(malformed(error, body)),
        Ok(None) => match slow_value(body, path) {
            Some(text) => Cow::Owned(text.into_bytes()),
            None => return body::exists(body, path).err().map(|error| error.to_string()),
        },
    };
    (!is_equal(&found, wanted)).then(|| {
        let name = if path.is_empty() { "the body" } else { path };
        format!("{name} is {}, expected {wanted}", body::excerpt(&found, EXCERPT))
    })
}

/// The text of the value at a path whose keys are written with escapes.
fn slow_value(body: &[u8], path: &str) -> Option<String> {
    let mut value: &serde_json::Value = &serde_json::from_slice(body).ok()?;
    for key in path.split('.').filter(|key| !key.is_empty()) {
        value = match value {
            serde_json::Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            _ => value.get(key)?,
        };
    }
    Some(value.to_string())
}

/// Whether the text of a JSON value means this one. Numbers are compared as numbers: 1.0 is
/// 1, and beyond 2^53 whole numbers are compared exactly.
fn is_equal(text: &[u8], wanted: &Scalar) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let as_float = |wanted: f64| {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        is_number && text.parse::<f64>().is_ok_and(|number| number == wanted)
    };
    match wanted {
        Scalar::Bool(wanted) => text == if *wanted { "true" } else { "false" },
        Scalar::Integer(wanted) => match text.parse::<i64>() {
            Ok(number) => number == *wanted,
            Err(_) => text.contains(['.', 'e', 'E']) && as_float(*wanted as f64),
        },
        Scalar::Float(wanted) => as_float(*wanted),
        Scalar::Text(wanted) => {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            match inner {
                Some(inner) if !inner.contains('\\') => inner == wanted,
                Some(_) => serde_json::from_str::<String>(text).is_ok_and(|text| text == *wanted),
                None => false,
            }
        }
    }
}

fn malformed(json::Malformed { at }: json::Malformed, body: &[u8]) -> String {
    let length = body.len();
    if let Some(page) = page::described(body) {
        return format!("the body is not JSON but {page}");
    }
    match at < length {
        true => format!("the body is not JSON (at byte {} of {length})", at + 1),
        false => format!("the body is not JSON (it ends after {length} bytes)"),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::scenario::Pattern;

    use super::*;

    const BODY: &[u8] = br#"{"state": "o\u006b", "n": 3.0, "big": 9007199254740993, "ok": true,
        "none": null, "results": [{"id": 7}], "\u006bey": {"a": "x"}, "quote": "a\"b"}"#;

    fn said(condition: &Condition, body: &[u8]) -> String {
        unmet(condition, body).unwrap_or_default()
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        let equals = |path: &str, value: Scalar| {
            unmet(&Condition::Equals { path: path.to_owned(), value }, BODY)
        };
        let text = |text: &str| Scalar::Text(text.to_owned());
        for (path, value) in [
            ("state", text("ok")),
            ("n", Scalar::Integer(3)),
            ("n", Scalar::Float(3.0)),
            ("big", Scalar::Integer(9_007_199_254_740_993)),
            ("ok", Scalar::Bool(true)),
            ("results.0.id", Scalar::Integer(7)),
            ("key.a", text("x")),
            ("quote", text("a\"b")),
        ] {
            assert_eq!(equals(path, value), None, "{path}");
        }
        for (path, value, message) in [
            ("state", text("no"), "expected \"no\""),
            ("big", Scalar::Integer(9_007_199_254_740_992), "big is 9007199254740993, expected"),
            ("ok", text("true"), "ok is true, expected \"true\""),
            ("n", text("3.0"), "n is 3.0, expected"),
            ("none", Scalar::Bool(false), "none is null, expected false"),
            ("results", Scalar::Integer(1), "results is [{"),
            ("absent", Scalar::Bool(true), "no key \"absent\""),
            ("key.a", text("y"), "key.a is \"x\""),
        ] {
            let said = equals(path, value).unwrap_or_default();
            assert!(said.contains(message), "{path}: {said}");
        }
    }

    #[test]
    fn paths_texts_and_items_are_looked_for_in_the_whole_body() {
        let json = |path: &str| Condition::Json { path: path.to_owned() };
        let items =
            |path: &str, min_items| Condition::MinItems { path: path.to_owned(), min_items };
        let text = |text: &str| Condition::Text(text.to_owned());
        let absent = |text: &str| Condition::Absent(text.to_owned());
        for met in [
            json(""),
            json("none"),
            json("results.0.id"),
            json("key.a"),
            items("results", 1),
            text("\"id\": 7"),
            absent("Traceback"),
            Condition::MaxItems { path: "results".to_owned(), max_items: 1 },
            Condition::Matches(Pattern::new("\"id\": \\d+").unwrap()),
            Condition::MaxSize(BODY.len() as u64),
        ] {
            assert_eq!(unmet(&met, BODY), None, "{met:?}");
        }
        for (condition, message) in [
            (json("results.1"), "no key \"results.1\""),
            (json("state.x"), "no key \"state.x\""),
            (items("results", 2), "1 items, expected at least 2"),
            (items("state", 1), "\"state\" is not a list"),
            (text("Welcome"), "does not contain \"Welcome\": \"{"),
            (
                Condition::MaxItems { path: "results".to_owned(), max_items: 0 },
                "1 items, expected at most 0",
            ),
            (Condition::MaxItems { path: "state".to_owned(), max_items: 9 }, "is not a list"),
            (Condition::Matches(Pattern::new("^\\[").unwrap()), "does not match ^\\[: \"{"),
            (Condition::MaxSize(9), "bytes, expected at most 9"),
            (absent("quote"), "contains \"quote\""),
        ] {
            assert!(said(&condition, BODY).contains(message), "{}", said(&condition, BODY));
        }
        // Half a document has no value, whatever was found before its end.
        let half = BODY.get(..BODY.len() - 1).unwrap_or_default();
        let equals = Condition::Equals { path: "ok".to_owned(), value: Scalar::Bool(true) };
        for condition in [json("none"), items("results", 1), equals] {
            assert!(said(&condition, half).contains("is not JSON"), "{condition:?}");
            assert!(said(&condition, b"").contains("is not JSON"), "{condition:?}");
        }
        assert!(said(&text("a"), b"").contains("does not contain"));
    }
}
