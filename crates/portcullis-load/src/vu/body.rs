//! Reads parts of a body: the length of an array, a token, a message. The JSON is walked
//! without building a document.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use portcullis_core::text::moves;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::page;

/// The largest size to which a body is unpacked.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;

/// The number of keys that a message lists if one is missing.
const SHOWN_KEYS: usize = 8;
/// The maximum length of a key in that list.
const SHOWN_KEY: usize = 40;

/// Why a body cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is damaged or truncated.
    #[error("the gzip body: {0}")]
    Gzip(#[from] std::io::Error),
    /// It is longer than the limit.
    #[error("the gzip body unpacks to more than 256 MiB")]
    TooLong,
    /// It cannot be parsed.
    #[error("the body is not JSON ({0})")]
    NotJson(#[from] serde_json::Error),
    /// It is an HTML page; what the page says.
    #[error("the body is not JSON but {0}")]
    Page(String),
    /// There is no value at this path; with the existing keys.
    #[error("the answer has no key \"{0}\"{1}")]
    Absent(String, String),
    /// The value at this path is not a list.
    #[error("\"{0}\" is not a list")]
    NotList(String),
    /// The value at this path is not a text; with the keys in it.
    #[error("\"{0}\" is not a string{1}")]
    NotText(String, String),
    /// There is no value at a place.
    #[error("the answer has no {0}")]
    Missing(String),
    /// The value with this name cannot be part of a request.
    #[error("the {0} has invalid characters")]
    Impossible(String),
}

/// Unpacks a gzip body.
///
/// # Errors
/// It is damaged, truncated, or unpacks to more than 256 MiB.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut unpacked = Vec::with_capacity(packed.len() * 4);
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(MAX_UNPACKED + 1);
    let size = reader.read_to_end(&mut unpacked)?;
    if size as u64 > MAX_UNPACKED {
        return Err(BodyError::TooLong);
    }
    Ok(unpacked)
}

/// The number of items of the array at a dotted path; the empty path is the whole body.
///
/// # Errors
/// The body is not JSON, or has no array at the path.
pub fn array_length(body: &[u8], path: &str) -> Result<u64, BodyError> {
    match find(body, path)? {
        Found::Items(items) => Ok(items),
        Found::Text(_) | Found::Number(_) | Found::Other => {
            Err(BodyError::NotList(path.to_owned()))
        }
        Found::Nothing => Err(absent(body, path)),
    }
}

/// Whether there is a value at a dotted path.
///
/// # Errors
/// The body is not JSON, or has no value at the path.
pub fn exists(body: &[u8], path: &str) -> Result<(), BodyError> {
    match find(body, path)? {
        Found::Nothing => Err(absent(body, path)),
        Found::Items(_) | Found::Text(_) | Found::Number(_) | Found::Other => Ok(()),
    }
}

/// The text or the number at a dotted path.
///
/// # Errors
/// The body is not JSON, or has no text or number at the path.
pub fn scalar_at(body: &[u8], path: &str) -> Result<String, BodyError> {
    let found = find(body, path);
    match found.map_err(|error| page::described(body).map_or(error, BodyError::Page))? {
        Found::Text(text) | Found::Number(text) if !text.is_empty() => Ok(text),
        Found::Nothing => Err(absent(body, path)),
        // The keys of a table, where a text in it was meant.
        _ => Err(BodyError::NotText(path.to_owned(), keys_beside(body, &format!("{path}.*")))),
    }
}

/// The error for a missing value, with the keys beside the missing one. They are searched only
/// in this case.
fn absent(body: &[u8], path: &str) -> BodyError {
    BodyError::Absent(path.to_owned(), keys_beside(body, path))
}

/// The keys of the last table on a path: ` (it has: access, refresh)`.
fn keys_beside(body: &[u8], path: &str) -> String {
    let mut json = serde_json::Deserializer::from_slice(body);
    let keys = keys_of(path);
    let (depth, mut there) = Siblings { keys: &keys }.deserialize(&mut json).unwrap_or_default();
    let there_are_more = there.len() > SHOWN_KEYS;
    there.truncate(SHOWN_KEYS);
    there.extend(there_are_more.then(|| "…".to_owned()));
    let it = match depth {
        0 => "it".to_owned(),
        depth => format!("\"{}\"", keys[..depth].join(".")),
    };
    match there.is_empty() {
        true => String::new(),
        false => format!(" ({it} has: {})", there.join(", ")),
    }
}

fn keys_of(path: &str) -> Vec<&str> {
    path.split('.').filter(|key| !key.is_empty()).collect()
}

/// The beginning of a body on one line, for messages.
pub fn excerpt(body: &[u8], longest: usize) -> String {
    let start = &body[..body.len().min(longest * 4)];
    let text = String::from_utf8_lossy(start);
    let plain: Cow<'_, str> = text;
    let line: String = plain.chars().map(|c| if moves(c) { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > longest || start.len() < body.len() {
        format!("{}…", line.chars().take(longest).collect::<String>())
    } else {
        line
    }
}

/// The message of an answer in quotes, or what an HTML page says.
pub fn said(body: &[u8]) -> String {
    page::described(body).unwrap_or_else(|| format!("\"{}\"", words(body)))
}

/// The message of an answer: `error.message`, `detail`, else the beginning of the body.
pub fn words(body: &[u8]) -> String {
    let text = |path: &&str| match find(body, path) {
        Ok(Found::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let message = ["error.message", "detail", "message"].iter().find_map(text);
    message.map_or_else(|| excerpt(body, 160), |text| excerpt(text.as_bytes(), 160))
}

#[derive(Debug)]
enum Found {
    Nothing,
    Items(u64),
    Text(String),
    Number(String),
    Other,
}

fn find(body: &[u8], path: &str) -> Result<Found, BodyError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let keys = keys_of(path);
    let found = Walk { keys: &keys }.deserialize(&mut json).and_then(|f| json.end().map(|()| f));
    Ok(found?)
}

/// Follows the keys of a path and skips everything else.
struct Walk<'a> {
    keys: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let Some((first, rest)) = self.keys.split_first() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Found::Other);
        };
        let mut found = Found::Nothing;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == *first {
                found = map.next_value_seed(Walk { keys: rest })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        let position =
            self.keys.split_first().and_then(|(key, rest)| Some((key.parse::<u64>().ok()?, rest)));
        let (mut count, mut found) = (0, Found::Nothing);
        loop {
            match position {
                Some((position, rest)) if position == count => {
                    match items.next_element_seed(Walk { keys: rest })? {
                        Some(item) => found = item,
                        None => break,
                    }
                }
                _ if items.next_element::<IgnoredAny>()?.is_none() => break,
                _ => {}
            }
            count += 1;
        }
        Ok(if self.keys.is_empty() { Found::Items(count) } else { found })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found, E> {
        Ok(self.leaf(Found::Text(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Found, E> {
        Ok(self.leaf(Found::Other))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Found, E> {
        Ok(self.leaf(Found::Number(number.to_string())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Found, E> {
        Ok(self.leaf(Found::Number(number.to_string())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Found, E> {
        Ok(self.leaf(Found::Number(number.to_string())))
    }

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(self.leaf(Found::Other))
    }
}

/// Collects the keys of the object in which the path ends, and counts the keys that lead to it.
struct Siblings<'a> {
    keys: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Siblings<'_> {
    type Value = (usize, Vec<String>);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Siblings<'_> {
    type Value = (usize, Vec<String>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut there, mut below) = (Vec::new(), None);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.keys.split_first() {
                Some((first, rest)) if key == *first => {
                    below = Some(map.next_value_seed(Siblings { keys: rest })?);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if there.len() <= SHOWN_KEYS {
                there.push(excerpt(key.as_bytes(), SHOWN_KEY));
            }
        }
        Ok(below.map_or((0, there), |(depth, there)| (depth + 1, there)))
    }
}

impl Walk<'_> {
    fn leaf(&self, found: Found) -> Found {
        if self.keys.is_empty() { found } else { Found::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_counted_where_they_are() {
        let body =
            br#"{"count": 9, "results": [1, {"results": []}, "x"], "a": {"b": [[]]}, "z": 1}"#;
        assert_eq!(array_length(body, "results").unwrap(), 3);
        assert_eq!(array_length(body, "a.b").unwrap(), 1);
        assert_eq!(array_length(b"[1, 2]", "").unwrap(), 2);
        assert!(array_length(body, "count").unwrap_err().to_string().contains("not a list"));
        let absent = |path: &str| array_length(body, path).unwrap_err().to_string();
        assert_eq!(absent("count.deeper"), "the answer has no key \"count.deeper\"");
        assert_eq!(
            absent("absent"),
            "the answer has no key \"absent\" (it has: count, results, a, z)"
        );
        assert_eq!(absent("a.c"), "the answer has no key \"a.c\" (\"a\" has: b)");
        assert_eq!(absent("results.3"), "the answer has no key \"results.3\"");
        assert_eq!(array_length(body, "results.1.results").unwrap(), 0);
        assert_eq!(array_length(body, "a.b.0").unwrap(), 0);
        let many =
            array_length(br#"{"\u001b":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}"#, "z");
        let many = many.unwrap_err().to_string();
        assert!(many.ends_with("(it has: , b, c, d, e, f, g, h, …)"), "{many}");
        assert!(array_length(b"<html>", "results").unwrap_err().to_string().contains("not JSON"));
        assert!(array_length(br#"{"results": [1]} tail"#, "results").is_err());
    }

    #[test]
    fn tokens_are_found_and_words_are_chosen() {
        assert_eq!(scalar_at(br#"{"access": "a\u0062c"}"#, "access").unwrap(), "abc");
        assert_eq!(scalar_at(br#"{"order": {"id": 5}}"#, "order.id").unwrap(), "5");
        assert!(scalar_at(br#"{"access": ""}"#, "access").is_err());
        assert!(scalar_at(br#"{"access": [5]}"#, "access").is_err());
        let table = scalar_at(br#"{"token": {"access": "a", "refresh": "b"}}"#, "token");
        let table = table.unwrap_err().to_string();
        assert_eq!(table, "\"token\" is not a string (\"token\" has: access, refresh)");
        let page = scalar_at(b"<html><title>Log in</title>", "access").unwrap_err().to_string();
        assert_eq!(page, "the body is not JSON but an HTML page \"Log in\"");
        let body = br#"{"error": {"code": "throttled", "message": "Too\nmany"}}"#;
        assert_eq!(words(body), "Too many");
        assert_eq!(words(b"\x1b[31m<html>\r\n boom"), "[31m<html> boom");
        // A cut after spaces is marked as a cut too.
        let padded = format!("{}word", " ".repeat(638));
        assert_eq!(words(padded.as_bytes()), "wo…");
    }

    #[test]
    fn damaged_gzip_is_an_error() {
        assert!(unpack(b"no gzip").is_err());
    }
}
