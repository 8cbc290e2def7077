//! Finds text that looks like a secret: tokens and signed values, passwords in URLs,
//! cookies, and values after the names of Django's cookies.

use super::CUT;

/// The text with `***` instead of everything that looks like a secret.
pub fn hide(text: &str) -> String {
    let text = hide_signed(&hide_tokens(text));
    // Some escape the slashes of JSON.
    let text = hide_url_passwords(&hide_url_passwords(&text, "://"), ":\\/\\/");
    NAMES.iter().fold(text, |text, (name, hides)| hide_behind(&text, name, *hides))
}

/// Whether a character can be in a JSON web token.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.=".contains(c)
}

/// The same, or between the parts of a value signed by Django.
fn is_of_signed(c: char) -> bool {
    is_of_token(c) || c == ':'
}

/// How many bytes at the end of a text look like the beginning of a token.
pub fn begun_token(text: &str) -> usize {
    let word = text.trim_end_matches(is_of_signed).len();
    let end = &text[word..];
    let at = [end.find("eyJ"), end.find(".eJ")].into_iter().flatten().min();
    at.map_or(0, |at| end.len() - at)
}

/// A JSON web token (RFC 7519) begins with `eyJ`, the base64 of `{"`, and has three parts
/// separated by dots. A value signed by Django begins in the same way, with colons.
fn hide_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let tail = &rest[start..];
        let end = tail.find(|c| !is_of_signed(c)).unwrap_or(tail.len());
        let token = tail[..end].trim_end_matches(':');
        let has_three = |between: char| token.matches(between).count() >= 2;
        out.push_str(&rest[..start]);
        out.push_str(if has_three('.') || has_three(':') { "***" } else { token });
        rest = &tail[token.len()..];
    }
    out.push_str(rest);
    out
}

/// Words with the form of `django.core.signing`: a value, the time in base 62 and a
/// signature, separated by colons.
fn hide_signed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_signed) {
        let (before, tail) = rest.split_at(start);
        let end = tail.find(|c| !is_of_signed(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        out.push_str(before);
        out.push_str(if is_signed(word.trim_end_matches(':')) { "***" } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_signed(word: &str) -> bool {
    let mut parts = word.rsplitn(3, ':');
    let (signature, time, value) = (parts.next(), parts.next(), parts.next());
    let (Some(signature), Some(time), Some(value)) = (signature, time, value) else { return false };
    // A compressed value begins with a dot. Other words could be a file, a line and a name, so
    // they need a time that is not a number, and a signature of at least the length of SHA-1.
    let is_time = (4..=8).contains(&time.len()) && time.chars().all(|c| c.is_ascii_alphanumeric());
    let is_no_line = !time.chars().all(|c| c.is_ascii_digit()) && time.starts_with(['1', '2']);
    is_time && (value.starts_with(".eJ") || (is_no_line && signature.len() >= 27))
}

/// `scheme://user:password@host` (RFC 3986, section 3.2.1). Also if the text was cut before
/// the host, because then a password cannot be distinguished from a port.
fn hide_url_passwords(text: &str, separator: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(separator) {
        let (before, after) = rest.split_at(start + separator.len());
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
        let authority = &after[..end.unwrap_or(after.len())];
        let whole = authority.rsplit_once('@').map(|(user, host)| (user, format!("@{host}")));
        let cut = || authority.split_once(CUT).map(|(user, rest)| (user, format!("{CUT}{rest}")));
        let hidden = whole.or_else(cut).and_then(|(user, rest)| {
            let (user, password) = user.split_once(':')?;
            (!password.is_empty()).then(|| format!("{user}:***{rest}"))
        });
        out.push_str(hidden.as_deref().unwrap_or(authority));
        rest = &after[authority.len()..];
    }
    out.push_str(rest);
    out
}

/// How much of the text after a name is secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hides {
    /// One word.
    Word,
    /// Cookies: everything up to the closing quote or the end of the line.
    Cookies,
}

/// In lower case: Django's session and its protection against forged requests (also for the
/// header `X-CSRFToken`), and headers with cookies.
const NAMES: [(&str, Hides); 4] = [
    ("sessionid", Hides::Word),
    ("csrftoken", Hides::Word),
    ("csrfmiddlewaretoken", Hides::Word),
    ("cookie", Hides::Cookies),
];

/// The possible text between a name and its value: in a header, a form, JSON, a line of
/// Python, HTML, and escaped for HTML.
const BETWEEN: [&str; 13] =
    ["&quot;", "&#x27;", "&#39;", "&#34;", "%3D", "%3d", "value", "\\", "\"", "'", " ", "\t", ":"];

fn hide_behind(text: &str, name: &str, hides: Hides) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, _) in lower.match_indices(name) {
        // Inside a part that is already hidden.
        if at < done {
            continue;
        }
        let start = at + name.len();
        let value = start + between(&text[start..], hides);
        let length = secret_length(&text[start..value], &text[value..], hides);
        if length > 0 {
            out.push_str(&text[done..value]);
            out.push_str("***");
            done = value + length;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// The number of bytes between a name and its value.
fn between(text: &str, hides: Hides) -> usize {
    let mut rest = text;
    loop {
        let known = BETWEEN.iter().find_map(|part| rest.strip_prefix(*part));
        // A header with cookies has a colon.
        let equals = if hides == Hides::Word { rest.strip_prefix('=') } else { None };
        match known.or(equals) {
            Some(after) => rest = after,
            None => return text.len() - rest.len(),
        }
    }
}

/// How many bytes of a value are secret; 0 if it is not a value.
fn secret_length(between: &str, value: &str, hides: Hides) -> usize {
    let length_until = |is_end: &dyn Fn(char) -> bool| value.find(is_end).unwrap_or(value.len());
    if hides == Hides::Word {
        let is_value = between.contains([':', '=']) || between.to_lowercase().contains("%3d");
        let is_of_value = |c: char| is_of_signed(c) || "~+/%".contains(c);
        return if is_value { length_until(&|c| !is_of_value(c)) } else { 0 };
    }
    let quote = between.chars().rev().find(|c| "\"'".contains(*c));
    let is_end = |c: char| "\r\n<…".contains(c) || Some(c) == quote;
    // A quote before the colon closes the name.
    let is_open = between.rsplit_once(':').is_some_and(|(_, after)| after.contains(['"', '\'']));
    let length =
        if is_open { length_until(&is_end) } else { length_until(&|c| "\r\n<…".contains(c)) };
    let is_pair = value.get(..length).is_some_and(|value| value.contains('='));
    if between.contains(':') && is_pair { length } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_replaced() {
        let shown = hide("at postgres://u:p@h/x and http://h:80/ and http://u@h");
        assert_eq!(shown, "at postgres://u:***@h/x and http://h:80/ and http://u@h");
        assert_eq!(hide(r"postgres:\/\/u:p@h\/x"), r"postgres:\/\/u:***@h\/x");
    }

    #[test]
    fn a_password_that_is_cut_before_its_host_is_replaced() {
        assert_eq!(hide("postgres://app:hunter2ve…"), "postgres://app:***…");
        assert_eq!(
            hide("\"postgres://app:hunter2ve…\" (exit 1)"),
            "\"postgres://app:***…\" (exit 1)"
        );
        assert_eq!(hide("http://h/x… http://h… http://h:…"), "http://h/x… http://h… http://h:…");
    }

    #[test]
    fn cookies_are_replaced() {
        for (said, shown) in [
            ("sessionid=abc123; csrftoken=x-Y_9, b=c", "sessionid=***; csrftoken=***, b=c"),
            ("{'sessionid': 'abc123', 'a': 1}", "{'sessionid': '***', 'a': 1}"),
            (r#"{\"csrftoken\": \"abc\"}"#, r#"{\"csrftoken\": \"***\"}"#),
            ("&#x27;sessionid&#x27;: &#x27;abc&#x27;", "&#x27;sessionid&#x27;: &#x27;***&#x27;"),
            (
                "name=\"csrfmiddlewaretoken\" value=\"abc\">",
                "name=\"csrfmiddlewaretoken\" value=\"***\">",
            ),
            ("csrfmiddlewaretoken=abc&a=b", "csrfmiddlewaretoken=***&a=b"),
            ("X-CSRFToken: abc\nHost: h", "X-CSRFToken: ***\nHost: h"),
            ("Set-Cookie: a=\"b c\"; Path=/\r\nHost: h", "Set-Cookie: ***\r\nHost: h"),
            (r#"{"set-cookie": "a=b; Path=/", "x": 1}"#, r#"{"set-cookie": "***", "x": 1}"#),
            ("Cookie: a=b; sessionid=c", "Cookie: ***"),
            ("sessionid=ab…", "sessionid=***…"),
            (
                "CSRF cookie not set; no sessionid, no cookie: why?",
                "CSRF cookie not set; no sessionid, no cookie: why?",
            ),
            ("ſ sessionid=é", "ſ sessionid=é"),
        ] {
            assert_eq!(hide(said), shown);
            assert_eq!(hide(shown), shown, "a second time");
        }
    }

    #[test]
    fn signed_values_of_django_are_replaced() {
        let signature = "Kc0cYFPSGzVVm8JgVzQrVQmRmGg2gk0rPzQ6wZ1fV5s";
        for value in ["eyJhIjoxfQ:1abc:sig", ".eJxVjDs:1sYk2a:sig"] {
            assert_eq!(hide(&format!("got {value}, sorry")), "got ***, sorry");
        }
        assert_eq!(hide(&format!("(my.value:1sYk2a:{signature})")), "(***)");
        let plain = "at 12:34:56 app/views.py:1234:a_function_with_a_long_name_indeed [::1]:80";
        assert_eq!(hide(plain), plain);
        assert_eq!(begun_token("say eyJhIjoxfQ:1ab"), 14);
        assert_eq!(begun_token("say .eJxVjDs:1ab"), 12);
    }
}
