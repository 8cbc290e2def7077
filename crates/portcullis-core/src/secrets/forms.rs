//! Other forms of a value: a service that quotes it in an answer may have escaped it for
//! JSON, HTML or a URL.

use std::fmt::Write;

/// A value as it is, and in all its other forms; some may be equal.
pub fn of(value: &str) -> Vec<String> {
    let json = in_json(value);
    let mut forms = vec![value.to_owned(), in_ascii(&json, false), in_ascii(&json, true), json];
    // PHP escapes slashes too.
    let slashed: Vec<String> = forms.iter().skip(1).map(|form| form.replace('/', "\\/")).collect();
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
