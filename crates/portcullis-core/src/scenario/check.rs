//! Checks: the conditions on a good answer.

use std::fmt;

/// The maximum number of checks of one task, because a request keeps one bit for each.
pub const MAX_CHECKS: usize = 64;

/// A condition on an accepted answer; a condition on its body applies to statuses from 200 to
/// 299 only.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name in results: the configured one, or the condition in words.
    pub name: String,
    /// Whether it is only counted: an answer that does not meet it stays a good one.
    pub is_soft: bool,
    /// What is checked.
    pub condition: Condition,
}

/// What a check demands. A path is dotted, with the positions of items as numbers; the empty
/// path is the whole body. A condition on a path also demands that the body is JSON, up to
/// its last byte.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// There is a value at the path.
    Json {
        /// The path.
        path: String,
    },
    /// The value at the path is this one.
    Equals {
        /// The path.
        path: String,
        /// The expected value.
        value: Scalar,
    },
    /// The array at the path has at least this many items.
    MinItems {
        /// The path.
        path: String,
        /// The minimum number of items.
        min_items: u64,
    },
    /// The array at the path has at most this many items.
    MaxItems {
        /// The path.
        path: String,
        /// The maximum number of items.
        max_items: u64,
    },
    /// The answer has this status.
    Status(u16),
    /// The answer has this media type, in lower case and without parameters.
    MediaType(String),
    /// The answer has this header field, with this value if there is one.
    Header {
        /// The name of the field.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// The body matches this regular expression.
    Matches(Pattern),
    /// The unpacked body has at most this many bytes.
    MaxSize(u64),
    /// The body contains this text.
    Text(String),
    /// The body does not contain this text.
    Absent(String),
}

/// A regular expression; the same as another one if it is written in the same way.
#[derive(Clone, Debug)]
pub struct Pattern(pub regex::Regex);

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// It is none.
    pub fn new(written: &str) -> Result<Self, regex::Error> {
        regex::Regex::new(written).map(Self)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Condition {
    /// Whether it is about the head of an answer: then it also applies to accepted answers
    /// other than those from 200 to 299.
    pub fn is_of_head(&self) -> bool {
        matches!(self, Self::Status(_) | Self::MediaType(_) | Self::Header { .. })
    }
}

/// A single value of a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |path: &str| if path.is_empty() { "the body".to_owned() } else { path.to_owned() };
        match self {
            Self::Json { path } if path.is_empty() => f.write_str("the body is JSON"),
            Self::Json { path } => write!(f, "has {path}"),
            Self::Equals { path, value } => write!(f, "{} = {value}", of(path)),
            Self::MinItems { path, min_items } => {
                write!(f, "{} has at least {min_items} items", of(path))
            }
            Self::MaxItems { path, max_items } => {
                write!(f, "{} has at most {max_items} items", of(path))
            }
            Self::Status(status) => write!(f, "status {status}"),
            Self::MediaType(media_type) => write!(f, "media type {media_type}"),
            Self::Header { name, value: None } => write!(f, "header {name}"),
            Self::Header { name, value: Some(value) } => write!(f, "header {name} = \"{value}\""),
            Self::Matches(pattern) => write!(f, "matches \"{}\"", pattern.0),
            Self::MaxSize(bytes) => write!(f, "at most {bytes} bytes"),
            Self::Text(text) => write!(f, "contains \"{text}\""),
            Self::Absent(text) => write!(f, "does not contain \"{text}\""),
        }
    }
}
