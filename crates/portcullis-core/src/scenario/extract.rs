//! Values that a step takes from its answer, for the steps after it.

use regex::Regex;
use serde_json_path::JsonPath;

/// A value to take from an answer.
#[derive(Clone, Debug)]
pub struct Extract {
    /// The name under which later templates use it.
    pub name: String,
    /// Where it is.
    pub from: Source,
    /// Whether its absence is no failure; steps that need it are skipped.
    pub optional: bool,
}

/// Where a value is in an answer.
#[derive(Clone, Debug)]
pub enum Source {
    /// The text at a dotted path of a JSON body, such as `user.token`.
    Key(String),
    /// The first node of a JSON path (RFC 9535), such as `$.items[0].id`.
    Json(JsonPath),
    /// A header field, by its name.
    Header(String),
    /// A cookie that the user has after this answer, by its name.
    Cookie(String),
    /// The first group of a regular expression, or its whole match without a group.
    Regex(Regex),
    /// The value of a form field in an HTML page, by its name.
    Field(String),
}

impl Source {
    /// The kind and the place, for messages: `JSON path $.id`.
    pub fn describe(&self) -> String {
        match self {
            Self::Key(path) => format!("key \"{path}\""),
            Self::Json(path) => format!("JSON path {path}"),
            Self::Header(name) => format!("header {name}"),
            Self::Cookie(name) => format!("cookie {name}"),
            Self::Regex(regex) => format!("match of {regex}"),
            Self::Field(name) => format!("form field \"{name}\""),
        }
    }

    /// Whether the body is needed to find it.
    pub fn is_in_body(&self) -> bool {
        !matches!(self, Self::Header(_) | Self::Cookie(_))
    }
}
