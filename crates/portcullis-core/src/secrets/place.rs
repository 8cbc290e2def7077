//! Secrets that are too short to be found anywhere in a text, such as a PIN: they are found
//! after the name of their field.

use crate::scenario::{Part, Template, Values};

use super::forms;

/// A field with a secret name, and the possible values of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In lower case, with `_` for `-`.
    name: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// One of these texts, the longest first.
    OneOf(Vec<String>),
    /// A whole number.
    Number(i64, i64),
}

/// The longest text between a name and its value.
const LONGEST_GAP: usize = 40;

/// What a gap can consist of, besides single characters: quotes in HTML, `=` in a URL.
const GAPS: [&str; 8] = ["&quot;", "&#x27;", "&#39;", "&#34;", "%3D", "%3d", "%22", "%20"];

impl Place {
    /// A field with this template and these values.
    pub fn new(name: &str, template: &Template, values: &[(String, Values)]) -> Self {
        let piece = |part: &Part| match part {
            Part::Text(text) => Piece::OneOf(forms_of([text])),
            Part::Value(name) => match values.iter().find(|(known, _)| known == name) {
                Some((_, Values::List(items))) => Piece::OneOf(forms_of(items)),
                Some((_, Values::Range(from, to))) => Piece::Number(*from, *to),
                Some(_) | None => Piece::OneOf(Vec::new()),
            },
        };
        // A dotted setting is shown with its last name.
        let name = name.rsplit('.').next().unwrap_or(name);
        Self { name: normal(name), pieces: template.0.iter().map(piece).collect() }
    }

    /// The text with `***` instead of the field's values; `lower` is the same text, in the form
    /// of names.
    fn hide(&self, text: &str, lower: &str) -> Option<String> {
        let (mut out, mut done) = (String::new(), 0);
        for (at, _) in lower.match_indices(&self.name) {
            let is_part = lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let start = at + self.name.len();
            let value = start + gap(&text[start..]);
            let length = self.length(&text[value..]).filter(|length| *length > 0);
            let Some(length) = length.filter(|_| !is_part && value > start && at >= done) else {
                continue;
            };
            out.push_str(&text[done..value]);
            out.push_str("***");
            done = value + length;
        }
        out.push_str(&text[done..]);
        (done > 0).then_some(out)
    }

    /// The length of a possible value at the beginning of a text.
    fn length(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for piece in &self.pieces {
            rest = piece.after(rest)?;
        }
        let goes_on = rest.starts_with(|c: char| c.is_alphanumeric());
        (!goes_on).then(|| text.len() - rest.len())
    }
}

impl Piece {
    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::OneOf(forms) => forms.iter().find_map(|form| text.strip_prefix(form.as_str())),
            Self::Number(from, to) => {
                let sign = usize::from(text.starts_with('-'));
                let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = text.split_at(sign + digits);
                let number: i64 = number.parse().ok()?;
                (*from..=*to).contains(&number).then_some(rest)
            }
        }
    }
}

/// The text with `***` instead of the values of all places.
pub fn hide(mut text: String, places: &[Place]) -> String {
    if places.is_empty() {
        return text;
    }
    let mut lower = normal(&text);
    for place in places {
        if let Some(hidden) = place.hide(&text, &lower) {
            lower = normal(&hidden);
            text = hidden;
        }
    }
    text
}

/// Names in a header, and the same as a variable of CGI.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn forms_of<'v>(values: impl IntoIterator<Item = &'v String>) -> Vec<String> {
    let mut all: Vec<String> = values.into_iter().flat_map(|value| forms::of(value)).collect();
    all.sort_by_key(|form| std::cmp::Reverse(form.len()));
    all.dedup();
    all
}

/// The number of bytes between a name and its value in a header, a form, JSON, a line of
/// Python, HTML; 0 if nothing says that a value follows.
fn gap(text: &str) -> usize {
    let mut rest = text;
    loop {
        let known = GAPS.iter().find_map(|gap| rest.strip_prefix(gap));
        // The quote of bytes in Python.
        let bytes = rest.strip_prefix("b'").or_else(|| rest.strip_prefix("b\""));
        match known
            .or(bytes)
            .or_else(|| rest.strip_prefix([' ', '\t', '"', '\'', '\\', ':', '=', ',', '>']))
        {
            Some(after) => rest = after,
            None => break,
        }
    }
    let length = text.len() - rest.len();
    let gap = &text[..length];
    let is_assigned = gap.contains([':', '=', ',']) || gap.to_ascii_lowercase().contains("%3d");
    if is_assigned && length <= LONGEST_GAP { length } else { 0 }
}
