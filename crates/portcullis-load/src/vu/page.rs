//! HTML pages that came where JSON was expected: their title, and the error that a page of
//! Django's debug mode shows.

use super::body::excerpt;

/// How much of a page is searched.
const SEARCHED_BYTES: usize = 64 * 1024;

/// What an HTML page says, such as `an HTML page "OperationalError at /login/: no such table:
/// auth_user"`; `None` for any other body.
pub fn described(body: &[u8]) -> Option<String> {
    let start = body.get(..SEARCHED_BYTES).unwrap_or(body);
    let text = String::from_utf8_lossy(start);
    let lower = text.to_ascii_lowercase();
    let begin = lower.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if !begin.starts_with("<!doctype html") && !begin.starts_with("<html") {
        return None;
    }
    let title = element(&text, &lower, "<title", "</title>");
    let error = element(&text, &lower, "<pre class=\"exception_value\"", "</pre>");
    Some(match (title, error) {
        (Some(title), Some(error)) => format!("an HTML page \"{title}: {error}\""),
        (Some(title), None) => format!("an HTML page \"{title}\""),
        (None, _) => "an HTML page".to_owned(),
    })
}

/// The text of the first element with this tag; `lower` is the page in lower case, which has
/// the same length.
fn element(page: &str, lower: &str, open: &str, close: &str) -> Option<String> {
    let tag = lower.find(open)?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find(close)?;
    let text = page.get(start..end)?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#39;", "'")];
    let text = plain.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let text = excerpt(text.replace("&amp;", "&").as_bytes(), 200);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn a_page_is_described_by_its_title_and_its_error() {
        let debug =
            b"\n<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n  <title>OperationalError\n          \
                      at /api/token/</title>\n<pre class=\"exception_value\">no such table: \
                      auth_user &amp; &#x27;x&#x27;</pre>";
        let expected =
            "an HTML page \"OperationalError at /api/token/: no such table: auth_user & 'x'\"";
        assert_eq!(described(debug).as_deref(), Some(expected));
        let plain = b"<html><head><title>Log in</title></head>";
        assert_eq!(described(plain).as_deref(), Some("an HTML page \"Log in\""));
        assert_eq!(described(b"<!doctype html><p>").as_deref(), Some("an HTML page"));
        for other in [b"{\"a\": \"<html>\"}".as_slice(), b"", b"<htm", b"\xff<html>"] {
            assert_eq!(described(other), None);
        }
    }
}
