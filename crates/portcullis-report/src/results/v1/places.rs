//! Where in the configuration file things stand.

use portcullis_core::threshold::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record;
use crate::results::wire::fields;
use crate::results::word::Word;

/// Lines of the configuration file, counted from 1.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
pub struct Places<'a> {
    pub file: Text<'a>,
    pub rules: Vec<PlacedRule<'a>>,
    /// The line of `[against]`.
    pub against: Option<usize>,
}

impl Places<'_> {
    /// Whether no line is known.
    pub fn are_none(&self) -> bool {
        self.file.is_empty() && self.rules.is_empty() && self.against.is_none()
    }
}

/// The line of a rule.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct PlacedRule<'a> {
    pub severity: Word<Severity>,
    pub rule: Text<'a>,
    pub line: usize,
}

fields!(Places<'a>: record::SourceLocations { file, rules, against });

fields!(PlacedRule<'a>: record::PlacedRule { severity, line; rule = text });
