//! A position in the line of a rule: reads from there, and makes errors with their column.

use crate::text::nearest;

/// A mistake in a rule, with its column (from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// Counted in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be correct.
    pub message: String,
}

/// A reader of one line. Positions are offsets in bytes, at the start of a character.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// An error at a position.
    pub(super) fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        let before = self.text.get(..at).unwrap_or(self.text);
        ParseError { column: before.chars().count() + 1, message: message.into() }
    }

    /// The text that is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves on by a number of bytes.
    pub(super) fn go_on(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The text from a position up to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Skips white space; returns the position after it.
    pub(super) fn skip_space(&mut self) -> usize {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.at
    }

    /// The longest run of characters that satisfy `keep`, after white space.
    pub(super) fn take(&mut self, keep: impl Fn(char) -> bool) -> (usize, &'a str) {
        let start = self.skip_space();
        let rest = self.rest();
        self.at += rest.find(|c| !keep(c)).unwrap_or(rest.len());
        (start, self.since(start))
    }

    /// The next word: everything up to white space or the end.
    pub(super) fn word(&mut self) -> (usize, &'a str) {
        self.take(|c| !c.is_whitespace())
    }

    /// Whether this token is next, after white space; if so, it is read.
    pub(super) fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let stands = self.rest().starts_with(token);
        self.at += if stands { token.len() } else { 0 };
        stands
    }

    /// The position of this word if it is next; then it is read.
    pub(super) fn takes_word(&mut self, word: &str) -> Option<usize> {
        let before = self.at;
        let (start, found) = self.word();
        if found == word {
            return Some(start);
        }
        self.at = before;
        None
    }

    /// An error for an unknown word, which suggests the nearest known one.
    pub(super) fn unknown<'n>(
        &self,
        at: usize,
        message: &str,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> ParseError {
        self.error(at, format!("{message}{}", nearest(word, known)))
    }
}
