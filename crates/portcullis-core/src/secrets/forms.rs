//! Other forms of a value: a service that quotes it in an answer may have escaped it for
//! JSON, HTML or a URL, or encoded it.

use std::collections::BTreeSet;
use std::fmt::Write;

/// A value as it is, and in its other forms: escaped once and twice, and in hexadecimal.
/// Some may be equal.
pub fn of(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    forms.extend(escaped(value));
    // A text that needs no escapes has one form only.
    let changed: BTreeSet<&String> = forms.iter().filter(|form| *form != value).collect();
    let twice: Vec<String> = changed.into_iter().flat_map(|form| escaped_again(form)).collect();
    forms.extend(twice);
    let hex = |upper: bool| value.bytes().map(move |byte| hexadecimal(byte, upper));
    if value.len() >= SHORTEST_HEX {
        forms.extend([hex(false).collect(), hex(true).collect()]);
    }
    forms
}

/// Bytes whose hexadecimal form cannot be an ordinary number.
const SHORTEST_HEX: usize = 4;

fn hexadecimal(byte: u8, upper: bool) -> String {
    if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }
}

fn escaped(value: &str) -> Vec<String> {
    let json = in_json(value);
    let mut forms = vec![in_ascii(&json, false), in_ascii(&json, true), json];
    // PHP escapes slashes too.
    let slashed: Vec<String> = forms.iter().map(|form| form.replace('/', "\\/")).collect();
    forms.extend(slashed);
    // The escapes of Python and Django, then those of MarkupSafe (Jinja) and Go.
    forms.push(in_html(value, "&quot;", "&#x27;"));
    forms.push(in_html(value, "&quot;", "&#39;"));
    forms.push(in_html(value, "&#34;", "&#39;"));
    for upper in [true, false] {
        let url = in_url(value, upper);
        // In forms a space is a plus, and paths keep their slashes.
        forms.push(url.replace("%20", "+"));
        forms.push(url.replace(if upper { "%2F" } else { "%2f" }, "/"));
        forms.push(url);
    }
    forms
}

/// An escaped text, escaped once more: JSON in JSON, JSON in HTML, a URL in a URL.
fn escaped_again(form: &str) -> [String; 5] {
    let json = in_json(form);
    let html = in_html(form, "&quot;", "&#x27;");
    [in_ascii(&json, false), json, html, in_url(form, true), in_url(form, false)]
}

/// The shortest part of a base64 text that is recognised.
const SHORTEST_BASE64: usize = 6;

/// The characters that a value has in base64 (RFC 4648), whatever bytes are before and after
/// it, such as `user:` in `Basic` credentials. In both alphabets.
pub fn in_base64(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3_usize {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(value.bytes()).collect();
        // A character with bits of other bytes is not one of the value.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        if last < first + SHORTEST_BASE64 {
            continue;
        }
        for alphabet in [BASE64, BASE64_OF_URLS] {
            let characters = (first..last).map(|at| char::from(alphabet[sextet(&bytes, at)]));
            forms.push(characters.collect());
        }
    }
    forms
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_OF_URLS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The six bits at this position.
fn sextet(bytes: &[u8], at: usize) -> usize {
    let bit = at * 6;
    let byte = |index: usize| usize::from(bytes.get(index).copied().unwrap_or(0));
    let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
    pair >> (10 - bit % 8) & 63
}

/// A value between the quotes of a JSON string.
fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(value).to_owned()
}

/// JSON with everything outside ASCII escaped, as Python writes it by default (RFC 8259,
/// section 7).
fn in_ascii(json: &str, upper: bool) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a text never fails.
            let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
    out
}

fn in_html(value: &str, double: &str, single: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    value.replace('"', double).replace('\'', single)
}

/// A value with everything percent-encoded that may be (RFC 3986, section 2.3).
fn in_url(value: &str, upper: bool) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    value.bytes().map(encoded).collect()
}
