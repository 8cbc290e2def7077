//! How a value is written at its place: in a URL or a form, in a header, in a JSON text.

/// The place of a value, which decides how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// In a path, a query, or a form.
    Url,
    /// In a header, or in text that is sent as it is.
    Header,
    /// Inside a JSON string.
    Json,
}

/// A value in each context, in their order.
pub fn in_contexts(value: &str) -> [Vec<u8>; 3] {
    [Context::Url, Context::Header, Context::Json].map(|context| {
        let mut out = Vec::new();
        write_in(context, value, &mut out);
        out
    })
}

/// Writes a value as its place demands.
pub fn write_in(context: Context, value: &str, out: &mut Vec<u8>) {
    match context {
        Context::Url => out.extend_from_slice(percent_encode(value).as_bytes()),
        Context::Header => out.extend_from_slice(value.as_bytes()),
        Context::Json => {
            let json = serde_json::Value::from(value).to_string();
            out.extend_from_slice(json.get(1..json.len() - 1).unwrap_or_default().as_bytes());
        }
    }
}

/// Encodes everything except the unreserved characters of RFC 3986, section 2.3.
pub fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
