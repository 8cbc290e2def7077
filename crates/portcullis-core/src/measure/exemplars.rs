//! Exemplars: a few requests of each task that are kept for inspection, the first failed
//! answers with their bodies, and the slowest requests.

use std::time::Duration;

use crate::measure::FailureKind;
use crate::text::moves;

/// The number of failed answers kept for a task.
pub const MOST_ERRORS: usize = 3;

/// The number of slowest requests kept for a task.
pub const MOST_SLOW: usize = 5;

/// The number of bytes kept of a body.
pub const LONGEST_BODY_BYTES: usize = 2_048;

/// The kept requests of one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exemplars {
    /// The first failed answers, in the order in which they ended.
    pub errors: Vec<ErrorSample>,
    /// The slowest requests, good and failed, the slowest first.
    pub slowest: Vec<SlowRequest>,
}

/// A failed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorSample {
    /// When it ended, since the start of the window; 0 if before it.
    pub at: Duration,
    /// Its status.
    pub status: u16,
    /// Why it counts as failed.
    pub kind: FailureKind,
    /// Its body.
    pub body: Body,
}

/// The body of a failed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Its unpacked length.
    pub bytes: u64,
    /// Its beginning, with an ellipsis if it was cut; `None` if it is not text.
    pub text: Option<String>,
}

/// One request among the slowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowRequest {
    /// When it ended, since the start of the window; 0 if before it.
    pub at: Duration,
    /// How long it took.
    pub latency: Duration,
    /// Its status; 0 without a complete answer.
    pub status: u16,
}

impl Body {
    /// The part of a body that is kept; `bytes` is its full length, `body` may be only its
    /// beginning.
    pub fn of(body: &[u8], bytes: u64) -> Self {
        let start = body.get(..LONGEST_BODY_BYTES).unwrap_or(body);
        let text = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            // Cut in the middle of a character.
            Err(error) if error.error_len().is_none() && start.len() < body.len() => {
                start.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok())
            }
            Err(_) => None,
        };
        let cut = if (start.len() as u64) < bytes { "…" } else { "" };
        let text = text.filter(|text| !text.contains('\0')).map(|text| format!("{text}{cut}"));
        Self { bytes, text }
    }

    /// The text of the body, or a description if it is not text.
    pub fn shown(&self) -> String {
        match &self.text {
            None => format!("{} bytes, not text", self.bytes),
            Some(text) if text.trim().is_empty() => "no body".to_owned(),
            Some(text) => text.clone(),
        }
    }
}

impl Exemplars {
    /// Adds other kept requests of the same task.
    pub fn add(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.errors.sort_by_key(|error| error.at);
        self.errors.truncate(MOST_ERRORS);
        self.slowest.extend(other.slowest);
        self.slowest.sort_by_key(|one| (std::cmp::Reverse(one.latency), one.at));
        self.slowest.truncate(MOST_SLOW);
    }

    /// Replaces secrets and characters that move the cursor, because a body is text from
    /// outside. Line ends stay.
    pub fn clean(&mut self, hide: impl Fn(&str) -> String) {
        for text in self.errors.iter_mut().filter_map(|error| error.body.text.as_mut()) {
            let hidden = hide(text).replace("\r\n", "\n");
            let plain = |c: char| if moves(c) && !"\n\t".contains(c) { '\u{fffd}' } else { c };
            *text = hidden.chars().map(plain).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_between_characters_or_is_no_text() {
        assert_eq!(Body::of(b"", 0).shown(), "no body");
        assert_eq!(Body::of(b"gone\n", 5).text.as_deref(), Some("gone\n"));
        assert_eq!(Body::of(b"a\0b", 3).shown(), "3 bytes, not text");
        assert_eq!(Body::of(b"\xff\xd8\xff", 70_000).shown(), "70000 bytes, not text");
        // An é whose second byte is the 2,049th.
        let long = format!("{}é tail", "x".repeat(LONGEST_BODY_BYTES - 1));
        let kept = Body::of(long.as_bytes(), long.len() as u64).text.unwrap();
        assert_eq!(kept, format!("{}…", "x".repeat(LONGEST_BODY_BYTES - 1)));
    }

    #[test]
    fn the_first_errors_and_the_slowest_of_all_are_kept() {
        let error = |ms: u64| ErrorSample {
            at: Duration::from_millis(ms),
            status: 500,
            kind: FailureKind::Status,
            body: Body::default(),
        };
        let slow =
            |ms: u64| SlowRequest { latency: Duration::from_millis(ms), ..Default::default() };
        let mut one =
            Exemplars { errors: [3, 9, 11].map(error).into(), slowest: [7, 5].map(slow).into() };
        let slowest = [9, 8, 6, 4, 3].map(slow).into();
        one.add(Exemplars { errors: [2, 10].map(error).into(), slowest });
        let ms =
            |of: &mut dyn Iterator<Item = Duration>| of.map(|d| d.as_millis()).collect::<Vec<_>>();
        assert_eq!(ms(&mut one.errors.iter().map(|error| error.at)), [2, 3, 9]);
        assert_eq!(ms(&mut one.slowest.iter().map(|slow| slow.latency)), [9, 8, 7, 6, 5]);
    }

    #[test]
    fn what_a_body_says_is_hidden_and_made_inert() {
        let body = Body { bytes: 9, text: Some("a\r\n\tsecret\x1b[2J\u{202e}".to_owned()) };
        let (at, kind) = (Duration::ZERO, FailureKind::Status);
        let errors = vec![ErrorSample { at, status: 500, kind, body }];
        let mut samples = Exemplars { errors, ..Exemplars::default() };
        samples.clean(|text| text.replace("secret", "***"));
        let text = samples.errors[0].body.text.as_deref();
        assert_eq!(text, Some("a\n\t***\u{fffd}[2J\u{fffd}"));
    }
}
