//! The known values of a run in all their forms, and where they are in a text.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Bound, Range};

use super::SHORTEST;
use super::forms;

/// Values, found in one pass over a text whatever their number.
#[derive(Clone, Default)]
pub struct KnownValues {
    /// By their first bytes, the longest first.
    by_start: HashMap<[u8; SHORTEST], Vec<Known>>,
    /// The same in alphabetical order, to find a beginning fast.
    sorted: BTreeSet<String>,
    longest: usize,
}

#[derive(Clone)]
struct Known {
    text: String,
    /// Whether it is part of a longer base64 text, which is hidden as a whole.
    is_base64: bool,
}

impl KnownValues {
    /// Adds a value in all its forms.
    pub fn add(&mut self, value: &str) {
        forms::of(value).into_iter().for_each(|form| self.insert(form, false));
        forms::in_base64(value).into_iter().for_each(|form| self.insert(form, true));
    }

    /// The number of forms.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    fn insert(&mut self, text: String, is_base64: bool) {
        let Some(start) = start_of(text.as_bytes()) else { return };
        if !self.sorted.insert(text.clone()) {
            return;
        }
        self.longest = self.longest.max(text.len());
        let same = self.by_start.entry(start).or_default();
        let at = same.partition_point(|known| known.text.len() >= text.len());
        same.insert(at, Known { text, is_base64 });
    }

    /// The text with `***` instead of every value. Values that overlap become one `***`.
    pub fn hide(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut done, mut hidden) = (0, 0..0);
        for found in self.found(text) {
            if found.start < hidden.end {
                hidden.end = hidden.end.max(found.end);
                continue;
            }
            write_hidden(text, &mut done, &hidden, &mut out);
            hidden = found;
        }
        write_hidden(text, &mut done, &hidden, &mut out);
        out.push_str(&text[done..]);
        out
    }

    /// The longest value at each position, in order.
    fn found<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        let bytes = text.as_bytes();
        (0..bytes.len()).filter_map(move |at| {
            let rest = bytes.get(at..)?;
            let known = self.by_start.get(&start_of(rest)?)?;
            let found = known.iter().find(|known| rest.starts_with(known.text.as_bytes()))?;
            let end = at + found.text.len();
            if !found.is_base64 {
                return Some(at..end);
            }
            let before = bytes[..at].iter().rev().take_while(|byte| is_of_base64(**byte)).count();
            let after = bytes[end..].iter().take_while(|byte| is_of_base64(**byte)).count();
            Some(at - before..end + after)
        })
    }

    /// How many bytes at the end of a text are the beginning of a value. Each position of the
    /// text costs one search among the sorted values, whatever their number.
    pub fn begun(&self, text: &str) -> usize {
        let window = text.len().saturating_sub(self.longest);
        let last = text.char_indices().rev().nth(SHORTEST - 1).map(|(at, _)| at);
        let Some(last) = last else { return 0 };
        let places = (window..=last).filter_map(|at| text.get(at..));
        places.filter(|end| self.is_begun_by(end)).map(str::len).next().unwrap_or(0)
    }

    /// Whether any value begins with this text.
    fn is_begun_by(&self, start: &str) -> bool {
        let from = (Bound::Included(start), Bound::Unbounded);
        self.sorted.range::<str, _>(from).next().is_some_and(|value| value.starts_with(start))
    }
}

fn start_of(bytes: &[u8]) -> Option<[u8; SHORTEST]> {
    bytes.first_chunk().copied()
}

/// Without the slash, which also separates the parts of a path.
fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-_=".contains(&byte)
}

/// Writes the text up to the end of a hidden part. The part may begin in one that was
/// hidden before.
fn write_hidden(text: &str, done: &mut usize, hidden: &Range<usize>, out: &mut String) {
    if hidden.is_empty() {
        return;
    }
    out.push_str(text.get(*done..hidden.start).unwrap_or_default());
    out.push_str("***");
    *done = hidden.end;
}
