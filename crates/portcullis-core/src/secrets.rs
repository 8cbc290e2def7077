//! Values that must not be seen, and their removal from any text.

use crate::config::is_secret_name;
use crate::scenario::Scenario;

/// The secrets of one run.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values)", self.values.len())
    }
}

/// Shorter values cannot be told from ordinary text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Adds a value, also as JSON and a URL write it; texts below four characters
    /// are left out.
    pub fn add(&mut self, value: &str) {
        if value.chars().count() < SHORTEST {
            return;
        }
        for form in [value.to_owned(), in_json(value), in_url(value)] {
            if !self.values.contains(&form) {
                self.values.push(form);
            }
        }
        // Longest first, so that no secret leaves its tail behind.
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// Adds the values of variables with a secret name.
    pub fn add_environment<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        pairs.into_iter().filter(|(name, _)| is_secret_name(name)).for_each(|(_, v)| self.add(v));
    }

    /// Adds the passwords of a login and the secret headers of all tasks.
    pub fn add_scenario(&mut self, scenario: &Scenario) {
        // A drawn number may stand alone in JSON, so that its place needs a digit.
        let plain = |template: &crate::template::Template| template.fill(|_| "0".to_owned());
        let login = scenario.login.iter().map(|login| &login.request);
        for request in login.chain(scenario.tasks.iter().map(|task| &task.request)) {
            for (name, value) in request.headers.iter().chain(&request.query) {
                if is_secret_name(name) {
                    self.add(&plain(value));
                }
            }
            let json = request.json.as_ref().map(plain);
            if let Some(value) = json.and_then(|text| serde_json::from_str(&text).ok()) {
                self.add_json(&value);
            }
        }
    }

    /// Adds dotted settings with a secret name.
    pub fn add_overrides(&mut self, overrides: &[(String, serde_json::Value)]) {
        for (name, value) in overrides {
            match value.as_str() {
                Some(text) if is_secret_name(name) => self.add(text),
                _ => self.add_json(value),
            }
        }
    }

    fn add_json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(pairs) => {
                for (name, value) in pairs {
                    match value.as_str() {
                        Some(text) if is_secret_name(name) => self.add(text),
                        _ => self.add_json(value),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            _ => {}
        }
    }

    /// The text without any secret: known values, whatever looks like a JSON
    /// web token, and passwords in URLs are replaced by `***`; so are their
    /// beginnings before an ellipsis, where a text was shortened.
    pub fn redact(&self, text: &str) -> String {
        let known = self.values.iter().fold(text.to_owned(), |text, value| {
            if text.contains(value.as_str()) { text.replace(value.as_str(), "***") } else { text }
        });
        self.hide_beginnings(&hide_url_passwords(&hide_json_web_tokens(&known)))
    }

    fn hide_beginnings(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut pieces = text.split(CUT).peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                out.push_str(piece);
                break;
            }
            let hidden = self.begun(piece).max(begun_token(piece));
            out.push_str(&piece[..piece.len() - hidden]);
            out.push_str(if hidden > 0 { "***" } else { "" });
            out.push(CUT);
        }
        out
    }

    /// How many bytes at the end of a text are the beginning of a value.
    fn begun(&self, text: &str) -> usize {
        let of = |value: &String| {
            let ends = value.char_indices().map(|(at, c)| at + c.len_utf8()).skip(SHORTEST - 1);
            ends.filter(|end| text.ends_with(&value[..*end])).max()
        };
        self.values.iter().filter_map(of).max().unwrap_or(0)
    }
}

/// What shortened texts end with.
const CUT: char = '…';

/// A value as it stands between the quotes of a JSON text.
fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A value with everything encoded that may be (RFC 3986, section 2.3).
fn in_url(value: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(encoded).collect()
}

/// Whether a character may stand in a JSON web token.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.=".contains(c)
}

/// How many bytes at the end of a text look like the beginning of a token.
fn begun_token(text: &str) -> usize {
    let word = text.trim_end_matches(is_of_token).len();
    text[word..].find("eyJ").map_or(0, |at| text.len() - word - at)
}

/// A JSON web token (RFC 7519) begins with `eyJ`, the base64 of `{"`, and has
/// three dotted parts.
fn hide_json_web_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let tail = &rest[start..];
        let end = tail.find(|c| !is_of_token(c)).unwrap_or(tail.len());
        out.push_str(&rest[..start]);
        out.push_str(if tail[..end].matches('.').count() >= 2 { "***" } else { &tail[..end] });
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

/// `scheme://user:password@host` (RFC 3986, section 3.2.1).
fn hide_url_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
        let authority = &after[..end.unwrap_or(after.len())];
        match authority
            .rsplit_once('@')
            .and_then(|(user, host)| Some((user.split_once(':')?, host)))
        {
            Some(((user, _), host)) => out.push_str(&format!("{user}:***@{host}")),
            None => out.push_str(authority),
        }
        rest = &after[authority.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_tokens_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("testpass");
        secrets.add("testpass123");
        secrets.add("abc");
        let text = "password=testpass123 abc Authorization: Bearer eyJh.eyJi.c-_x, eyJ alone";
        let shown = secrets.redact(text);
        assert_eq!(shown, "password=*** abc Authorization: Bearer ***, eyJ alone");
    }

    #[test]
    fn beginnings_before_a_cut_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("testpass123");
        let shown = secrets.redact("is testpa… or tes… or testpa, Bearer eyJhbGci…");
        assert_eq!(shown, "is ***… or tes… or testpa, Bearer ***…");
        assert_eq!(secrets.redact("testpass123…"), "***…");
    }

    #[test]
    fn other_forms_of_a_value_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("pa\"ss/wörd");
        let shown = secrets.redact(r#"pa"ss/wörd pa\"ss/wörd pa%22ss%2Fw%C3%B6rd"#);
        assert_eq!(shown, "*** *** ***");
    }

    #[test]
    fn passwords_in_urls_are_replaced() {
        let shown =
            Secrets::default().redact("at postgres://u:p@h/x and http://h:80/ and http://u@h");
        assert_eq!(shown, "at postgres://u:***@h/x and http://h:80/ and http://u@h");
    }

    #[test]
    fn names_decide_what_is_secret_in_an_environment() {
        let mut secrets = Secrets::default();
        secrets.add_environment([("SECRET_KEY", "k3y-value"), ("DEBUG", "True!")]);
        assert_eq!(secrets.redact("k3y-value True!"), "*** True!");
    }
}
