//! A fast check whether a JSON array has enough items. It reads no further than necessary
//! and allocates nothing. In unclear cases the caller uses a real parser.

/// Whether the array at the dotted `path` certainly has at least `items` items. False means
/// "not seen", not "no".
pub fn has_items(json: &[u8], path: &str, items: u64) -> bool {
    let mut scan = Scan { json, at: 0 };
    scan.enough(path, items).unwrap_or(false)
}

struct Scan<'a> {
    json: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// `None`: malformed, or another structure.
    fn enough(&mut self, path: &str, items: u64) -> Option<bool> {
        for key in path.split('.').filter(|key| !key.is_empty()) {
            self.enter(key)?;
        }
        self.expect(b'[')?;
        let mut seen = 0;
        while seen < items {
            if self.peek()? == b']' {
                return Some(false);
            }
            self.skip_value()?;
            seen += 1;
            if seen < items && self.peek()? == b',' {
                self.at += 1;
            }
        }
        Some(true)
    }

    /// Moves to the value of `key` in the object that begins here.
    fn enter(&mut self, key: &str) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let (start, end) = self.string()?;
            let is_it = self.json.get(start..end)? == key.as_bytes();
            self.expect(b':')?;
            if is_it {
                return Some(());
            }
            self.skip_value()?;
            self.expect(b',')?;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while self.json.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The start and end of a string's content, with escapes unchanged.
    fn string(&mut self) -> Option<(usize, usize)> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.json.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some((start, self.at - 1));
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// Skips one value, by counting brackets and skipping strings.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                _ => self.word()?,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<()> {
        let start = self.at;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        while self.json.get(self.at).is_some_and(plain) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vu::body::array_length;

    #[test]
    fn it_stops_once_it_has_seen_enough() {
        let body = br#"{"a": {"x": [1, "]}"]}, "results": [{"id": 1}, [2], "3"], "#;
        assert!(has_items(body, "results", 3) && has_items(body, "a.x", 2));
        assert!(!has_items(body, "results", 4), "the rest is missing");
        assert!(!has_items(body, "a", 1) && !has_items(body, "absent", 0));
        assert!(has_items(b"[1,2", "", 1) && !has_items(b"[]", "", 1) && has_items(b"[]", "", 0));
    }

    proptest! {
        #[test]
        fn it_never_sees_more_than_a_parser_does(
            inner in prop::collection::vec("[1-9][0-9]{0,2}|\"[a-z\\]}{,:]{0,4}\"|\\[1,2\\]|\\{\"a\":\\[\\]\\}|null", 0..6),
            least in 0u64..7,
        ) {
            let json = format!("{{\"k\": [0], \"results\": [{}]}}", inner.join(", "));
            let parsed = array_length(json.as_bytes(), "results").unwrap();
            prop_assert_eq!(has_items(json.as_bytes(), "results", least), parsed >= least, "{}", json);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), least in 0u64..5) {
            has_items(&bytes, "a.b", least);
            let mut object = b"{\"a\":".to_vec();
            object.extend(bytes);
            has_items(&object, "a", least);
        }
    }
}
