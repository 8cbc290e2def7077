//! Checks: the conditions on the body of a good answer.

use std::fmt;

/// The maximum number of checks of one task, because a request keeps one bit for each.
pub const MAX_CHECKS: usize = 64;

/// A condition on the body of an accepted answer with a status from 200 to 299.
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
    /// The body contains this text.
    Text(String),
    /// The body does not contain this text.
    Absent(String),
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
            Self::Text(text) => write!(f, "contains \"{text}\""),
            Self::Absent(text) => write!(f, "does not contain \"{text}\""),
        }
    }
}
