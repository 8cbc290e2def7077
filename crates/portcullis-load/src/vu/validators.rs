//! What a user knows of earlier answers, to ask only for what has changed (RFC 9110, sections
//! 8.8 and 13.1).

use crate::http::Response;

/// The most answers of which a user keeps the validators; the oldest go first.
const MOST: usize = 64;

/// The validators of earlier answers.
#[derive(Debug, Default)]
pub struct Validators {
    /// Method, path and query, and the header lines that ask whether the answer has changed.
    known: Vec<(Box<[u8]>, Box<[u8]>)>,
}

impl Validators {
    /// The header lines for a request with this line; empty if no answer to it is known.
    pub fn of(&self, line: &[u8]) -> &[u8] {
        let found = self.known.iter().find(|(known, _)| **known == *line);
        found.map_or(&[], |(_, fields)| fields)
    }

    /// Keeps the validators of a good answer to a request with this line.
    pub fn keep(&mut self, line: &[u8], response: &Response) {
        if !(200..300).contains(&response.head().status) {
            return;
        }
        let pairs = [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")];
        let line_of = |(from, to): (&str, &str)| {
            let value = response.field(from)?;
            (!value.chars().any(char::is_control)).then(|| format!("{to}: {value}\r\n"))
        };
        let fields: String = pairs.into_iter().filter_map(line_of).collect();
        self.known.retain(|(known, _)| **known != *line);
        if fields.is_empty() {
            return;
        }
        if self.known.len() >= MOST {
            self.known.remove(0);
        }
        self.known.push((line.into(), fields.into_bytes().into()));
    }
}
