//! What an HTML page has for a client: the fields of its forms, and the errors that it shows.

use std::collections::BTreeMap;

use html5gum::{StartTag, Token, Tokenizer};

/// The value of the first form field with this name; `None` without one.
pub fn field(page: &[u8], name: &str) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    Tokenizer::new(&*page).flatten().find_map(|token| {
        let Token::StartTag(tag) = token else { return None };
        let attribute = |name: &str| {
            let value = tag.attributes.get(name.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let is_field = [&b"input"[..], b"button", b"meta"].contains(&&tag.name[..]);
        if !is_field || attribute("name").as_deref() != Some(name) {
            return None;
        }
        attribute("value").or_else(|| attribute("content"))
    })
}

/// Whether a page asks for a password.
pub fn asks_for_password(page: &[u8]) -> bool {
    let page = String::from_utf8_lossy(page);
    Tokenizer::new(&*page).flatten().any(|token| match token {
        Token::StartTag(tag) => {
            let kind = tag.attributes.get(&b"type"[..]);
            &tag.name[..] == b"input"
                && kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"password"))
        }
        _ => false,
    })
}

/// The first text that a page marks as an error: of an element whose class or role says so,
/// as Django's `errorlist`, Bootstrap's `alert` and `invalid-feedback` do.
pub fn error(page: &[u8]) -> Option<String> {
    text_of(page, |tag| {
        let attributes: BTreeMap<&[u8], &[u8]> =
            tag.attributes.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        is_error(&attributes)
    })
}

/// The first heading of a page, and its first paragraph: what an error page says.
pub fn headline(page: &[u8]) -> Option<String> {
    let heading = text_of(page, |tag| &tag.name[..] == b"h1")?;
    let paragraph = text_of(page, |tag| &tag.name[..] == b"p");
    Some(paragraph.map_or_else(|| heading.clone(), |paragraph| format!("{heading}: {paragraph}")))
}

/// The text of the first chosen element that has text.
fn text_of(page: &[u8], is_chosen: impl Fn(&StartTag<()>) -> bool) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    let (mut depth, mut text) = (0u32, String::new());
    for token in Tokenizer::new(&*page).flatten() {
        match token {
            Token::StartTag(tag) if is_void(&tag.name) => text.push(' '),
            Token::StartTag(tag) if depth > 0 => depth += u32::from(!tag.self_closing),
            Token::StartTag(tag) => depth = u32::from(is_chosen(&tag)),
            Token::EndTag(_) if depth > 0 => {
                depth -= 1;
                text.push(' ');
                if depth == 0 && !text.trim().is_empty() {
                    break;
                }
            }
            Token::String(part) if depth > 0 => text.push_str(&String::from_utf8_lossy(&part)),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn is_error(attributes: &BTreeMap<&[u8], &[u8]>) -> bool {
    const CLASSES: [&[u8]; 6] =
        [b"errorlist", b"errornote", b"error", b"alert", b"alert-danger", b"invalid-feedback"];
    let class = attributes.get(&b"class"[..]).copied().unwrap_or_default();
    let mut classes = class.split(|byte| byte.is_ascii_whitespace());
    let role = attributes.get(&b"role"[..]).copied();
    classes.any(|class| CLASSES.contains(&class)) || role == Some(b"alert")
}

/// Elements without an end tag (HTML, section 13.1.2).
fn is_void(name: &[u8]) -> bool {
    const VOID: [&[u8]; 13] = [
        b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta",
        b"source", b"track", b"wbr",
    ];
    VOID.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &[u8] = br#"<!DOCTYPE html><html><head><meta name="csrf-token" content="m&amp;1">
        </head><body><p class="errornote">
        Please enter the correct username<br>and password &amp; try again.
        </p><form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="abc&#43;1">
        <INPUT NAME='username'><input TYPE="Password" name=password></form></body></html>"#;

    #[test]
    fn fields_and_errors_are_found() {
        assert_eq!(field(LOGIN, "csrfmiddlewaretoken").as_deref(), Some("abc+1"));
        assert_eq!(field(LOGIN, "csrf-token").as_deref(), Some("m&1"));
        assert_eq!(field(LOGIN, "username"), None);
        assert!(asks_for_password(LOGIN) && !asks_for_password(b"<input type=text>"));
        let error = error(LOGIN).unwrap();
        assert_eq!(error, "Please enter the correct username and password & try again.");
    }

    #[test]
    fn nested_lists_of_errors_are_read_to_their_end() {
        let page =
            br#"<ul class="a errorlist nonfield"><li>First</li><li>Second</li></ul><p>No</p>"#;
        assert_eq!(error(page).as_deref(), Some("First Second"));
        assert_eq!(
            error(b"<div role=alert></div><div role=alert>Locked</div>").as_deref(),
            Some("Locked")
        );
        assert_eq!(error(b"<p>fine</p>"), None);
        let forbidden = b"<h1>Forbidden <span>(403)</span></h1><p>CSRF failed.</p>";
        assert_eq!(headline(forbidden).as_deref(), Some("Forbidden (403): CSRF failed."));
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read(page in "(<(ul|p|input|/p|h1) ?(class=errorlist|name=x|value=y)?>?|[a-z<>]){0,40}") {
            let page = page.as_bytes();
            let _ = (field(page, "x"), error(page), headline(page), asks_for_password(page));
        }
    }

    #[test]
    fn hostile_pages_end() {
        for page in
            [&b"<"[..], b"<ul class=errorlist", b"<ul class=errorlist><li>", b"\xff\xfe</p></p>"]
        {
            assert!(field(page, "x").is_none() && !asks_for_password(page));
            let _ = error(page);
        }
    }
}
