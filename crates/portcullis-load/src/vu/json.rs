//! Reads a JSON body once, up to its last byte: checks that it is complete, and finds the
//! value at a dotted path. It allocates nothing and builds no document.
//!
//! The grammar is that of RFC 8259; strings are scanned eight bytes at a time.

/// The maximum depth of arrays and objects, as in serde_json.
const DEEPEST: usize = 128;

/// Why a body is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The position of the first byte that is not JSON.
    pub at: usize,
}

/// A value of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'b> {
    /// Its text.
    pub text: &'b [u8],
    /// The number of items, if it is an array.
    pub items: Option<u64>,
}

/// The value at a dotted path (empty: the whole body); `None` if there is none with keys in
/// this spelling. A number in the path is the position of an item, from 0, or a key. Of equal
/// keys the last one counts.
///
/// # Errors
/// The first byte at which the body is not JSON.
pub fn value_at<'b>(body: &'b [u8], path: &str) -> Result<Option<Value<'b>>, Malformed> {
    if let Err(error) = std::str::from_utf8(body) {
        return Err(Malformed { at: error.valid_up_to() });
    }
    let mut walk = Walk { body, at: 0, path, matched: 0, found: None };
    if walk.whole().is_none() {
        return Err(Malformed { at: walk.at });
    }
    Ok(walk
        .found
        .and_then(|(start, end, items)| Some(Value { text: body.get(start..end)?, items })))
}

struct Walk<'a> {
    body: &'a [u8],
    at: usize,
    path: &'a str,
    /// The number of bytes of the path that match the keys so far.
    matched: usize,
    /// Start, end and items of the value at the path.
    found: Option<(usize, usize, Option<u64>)>,
}

impl Walk<'_> {
    fn whole(&mut self) -> Option<()> {
        self.value(0, true)?;
        self.blanks();
        (self.at == self.body.len()).then_some(())
    }

    /// Reads one value; `is_on_path` if the keys before it match the path so far.
    fn value(&mut self, depth: usize, is_on_path: bool) -> Option<()> {
        self.blanks();
        let start = self.at;
        let is_it = is_on_path && self.matched == self.path.len();
        let mut items = None;
        match self.body.get(self.at)? {
            b'"' => self.string().map(drop)?,
            b'{' => self.object(depth + 1, is_on_path)?,
            b'[' => items = Some(self.array(depth + 1, is_on_path && !is_it)?),
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        if is_it {
            self.found = Some((start, self.at, items));
        }
        Some(())
    }

    /// Reads an array; returns the number of its items. `is_on_path` if an item may be on it.
    fn array(&mut self, depth: usize, is_on_path: bool) -> Option<u64> {
        let position = if is_on_path { self.position() } else { None };
        let matched = self.matched;
        self.at += 1;
        let mut items = 0;
        self.blanks();
        if *self.body.get(self.at)? == b']' {
            self.at += 1;
        } else {
            if depth > DEEPEST {
                return None;
            }
            loop {
                let is_next = position.is_some_and(|(index, _)| index == items);
                if let Some((_, end)) = position.filter(|_| is_next) {
                    self.matched = end;
                }
                self.value(depth, is_next)?;
                self.matched = matched;
                items += 1;
                self.blanks();
                match self.body.get(self.at)? {
                    b',' => self.at += 1,
                    b']' => break self.at += 1,
                    _ => return None,
                }
            }
        }
        Some(items)
    }

    /// The next part of the path as the position of an item, and the bytes of the path that
    /// match with it.
    fn position(&self) -> Option<(u64, usize)> {
        let rest = self.path.get(self.matched..)?;
        let part = rest.split('.').next()?;
        let end = self.matched + part.len();
        // Behind it comes a dot, or the end.
        Some((part.parse().ok()?, (end + 1).min(self.path.len())))
    }

    fn object(&mut self, depth: usize, is_on_path: bool) -> Option<()> {
        self.at += 1;
        self.blanks();
        if *self.body.get(self.at)? == b'}' {
            self.at += 1;
            return Some(());
        }
        if depth > DEEPEST {
            return None;
        }
        let matched = self.matched;
        loop {
            self.blanks();
            let key = self.string()?;
            self.blanks();
            if *self.body.get(self.at)? != b':' {
                return None;
            }
            self.at += 1;
            let is_next = is_on_path && self.follows(key);
            if is_next {
                self.found = None;
            }
            self.value(depth, is_next)?;
            self.matched = matched;
            self.blanks();
            match self.body.get(self.at)? {
                b',' => self.at += 1,
                b'}' => break self.at += 1,
                _ => return None,
            }
        }
        Some(())
    }

    /// Whether a key is the next one of the path; if so, it counts as matched.
    fn follows(&mut self, (start, end): (usize, usize)) -> bool {
        let rest = self.path.as_bytes().get(self.matched..).unwrap_or_default();
        let key = self.body.get(start..end).unwrap_or_default();
        let rest_begins = rest.strip_prefix(key);
        match rest_begins {
            Some([]) if !key.is_empty() => self.matched = self.path.len(),
            Some([b'.', ..]) => self.matched += key.len() + 1,
            _ => return false,
        }
        true
    }

    #[inline(always)]
    fn blanks(&mut self) {
        if self.body.get(self.at).is_some_and(|byte| *byte > b' ') {
            return;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let end = self.at + word.len();
        let is_it = self.body.get(self.at..end)? == word;
        is_it.then(|| self.at = end)
    }

    /// The start and end of a string's content, with escapes unchanged.
    #[inline(always)]
    fn string(&mut self) -> Option<(usize, usize)> {
        if *self.body.get(self.at)? != b'"' {
            return None;
        }
        let start = self.at + 1;
        self.at = start;
        loop {
            self.at += plain(self.body.get(self.at..)?);
            match self.body.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some((start, self.at - 1));
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.body.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.body.get(self.at + 2..self.at + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.body.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.body.get(self.at)? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return None,
        }
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.body.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.body.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.body.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The number of bytes from here on that do not end the string, begin an escape, or are
/// control characters. It checks eight at a time, by the zero-byte test of Mycroft (1987)
/// as in "Bit Twiddling Hacks". Bytes above 0x7f belong to UTF-8, which was checked before.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut seen = 0;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let escape = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let stop = quote | escape | control;
        if stop != 0 {
            return seen + (stop.trailing_zeros() / 8) as usize;
        }
        seen += 8;
    }
    let is_plain = |byte: &&u8| **byte != b'"' && **byte != b'\\' && **byte >= 0x20;
    seen + chunks.remainder().iter().take_while(is_plain).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;
    use crate::vu::body::array_length;

    fn items(body: &[u8], path: &str) -> Result<Option<u64>, Malformed> {
        value_at(body, path).map(|found| found.and_then(|value| value.items))
    }

    #[test]
    fn the_value_at_a_path_is_found_with_its_text() {
        let body = br#" {"a": {"b": [ {"c": "x"}, -1.5e3 , null ]}, "0": true, "d": {} } "#;
        let text = |path: &str| {
            let found = value_at(body, path).unwrap();
            found.map(|value| String::from_utf8(value.text.to_vec()).unwrap())
        };
        for (path, wanted) in [
            ("a.b.0.c", "\"x\""),
            ("a.b.1", "-1.5e3"),
            ("a.b.2", "null"),
            ("0", "true"),
            ("d", "{}"),
        ] {
            assert_eq!(text(path).as_deref(), Some(wanted), "{path}");
        }
        for absent in ["a.b.3", "a.b.0.d", "a.b.-1", "a.b.x", "a.c", "b", "a.b.0.c.0", "d.0"] {
            assert_eq!(text(absent), None, "{absent}");
        }
        assert_eq!(text("").as_deref(), Some(String::from_utf8_lossy(body).trim()));
        // A position behind equal keys is that of the last one.
        let twice = value_at(br#"{"a": [1, 2], "a": [3]}"#, "a.1").unwrap();
        assert_eq!(twice, None);
    }

    #[test]
    fn a_body_is_json_to_its_last_byte() {
        let whole = br#"{"count": 2, "results": [{"id": 1}, "]}"], "next": null}"#;
        assert_eq!(items(whole, "results"), Ok(Some(2)));
        assert_eq!(items(b"[1,2, [3] ]", ""), Ok(Some(3)));
        assert_eq!(items(br#"{"a": {"x": [], "y": [0]}}"#, "a.y"), Ok(Some(1)));
        assert_eq!(items(whole, "absent"), Ok(None));
        assert_eq!(items(br#"{"results": 7}"#, "results"), Ok(None));
        // Of equal keys the last one counts, whatever it is.
        assert_eq!(items(br#"{"a": [1], "a": [1, 2]}"#, "a"), Ok(Some(2)));
        assert_eq!(items(br#"{"a": [1], "a": 2}"#, "a"), Ok(None));
        for end in 0..whole.len() {
            assert!(items(&whole[..end], "results").is_err(), "{end} bytes of it");
        }
        for (broken, at) in [
            (&b"{\"results\": [{\"id\": 1}, {\"id\""[..], 29),
            (b"{\"results\": [Traceback (most recent call last)", 13),
            (b"[0]<html><h1>Server Error</h1></html>", 3),
            (b"[0]\0", 3),
            (b"[\"\xff\"]", 2),
            (b"[\"a\tb\"]", 3),
            (b"[01]", 2),
            (b"[1,]", 3),
            (b"{\"a\": 1,}", 8),
            (b"[\"\\x\"]", 2),
            (b"", 0),
        ] {
            let text = String::from_utf8_lossy(broken);
            assert_eq!(items(broken, "results"), Err(Malformed { at }), "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused_instead_of_overflowing_the_stack() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(items(nested(DEEPEST).as_bytes(), "").is_ok());
        assert!(items(nested(DEEPEST + 1).as_bytes(), "").is_err());
        assert!(items("[".repeat(1_000_000).as_bytes(), "").is_err());
        assert!(items("{\"a\":".repeat(1_000_000).as_bytes(), "").is_err());
    }

    fn agrees(body: &[u8]) -> bool {
        let parsed = serde_json::from_slice::<IgnoredAny>(body).is_ok();
        items(body, "").is_ok() == (parsed && std::str::from_utf8(body).is_ok())
    }

    proptest! {
        #[test]
        fn it_takes_what_a_parser_takes(
            json in r#"[\[\]{},:" \\tfn\-+.eE0-9a"]{0,24}"#,
            inner in prop::collection::vec("[1-9][0-9]{0,2}|\"[a-zé\\]}{,:]{0,12}\"|\\[1,2\\]|\\{\"a\":\\[\\]\\}|null|-0[.]5e[+]3", 0..6),
        ) {
            prop_assert!(agrees(json.as_bytes()), "{}", json);
            let json = format!("{{\"k\": [0], \"results\": [{}]}}", inner.join(", "));
            let parsed = array_length(json.as_bytes(), "results").unwrap();
            prop_assert_eq!(items(json.as_bytes(), "results"), Ok(Some(parsed)), "{}", json);
        }

        #[test]
        fn a_changed_byte_is_judged_as_a_parser_judges_it(at in 0usize..60, byte: u8) {
            let mut body = br#"{"count":2,"results":[{"id":1,"note":"a \\n b \u00e9"},true]}"#.to_vec();
            let at = at.min(body.len() - 1);
            body[at] = byte;
            prop_assert!(agrees(&body), "{}", String::from_utf8_lossy(&body));
        }
    }
}
