//! The grammar of a rule:
//! `[login.]METRIC[(SCOPE)] COMPARISON LIMIT [per task]`.

use super::{Comparison, Limit, Metric, Percentile, Scope, Severity, Threshold};
use crate::config::nearest;
use crate::units;

/// What is wrong with a rule, and at which of its columns (from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// Counted in characters, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a scope may name.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The tasks.
    pub tasks: &'a [String],
    /// The groups.
    pub groups: &'a [String],
    /// Whether there is a login.
    pub login: bool,
}

const METRICS: [&str; 9] =
    ["p50", "p90", "p95", "p99", "max", "mean", "error_rate", "rps", "count"];

/// Reads one rule.
///
/// # Errors
/// The first thing that is wrong, with its column and the nearest word.
pub fn parse(text: &str, severity: Severity, names: Names<'_>) -> Result<Threshold, ParseError> {
    let mut cursor = Cursor { text, at: 0 };
    let (login, metric) = cursor.metric(names)?;
    let scope = if login { Scope::Login } else { cursor.scope(names)? };
    let comparison = cursor.comparison()?;
    let limit = cursor.limit(metric)?;
    let per_task = cursor.per_task(&scope)?;
    Ok(Threshold { metric, scope, per_task, comparison, limit, severity, text: text.to_owned() })
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        let column = self.text[..at].chars().count() + 1;
        ParseError { column, message: message.into() }
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The longest run of characters that satisfy `keep`, after white space.
    fn take(&mut self, keep: impl Fn(char) -> bool) -> (usize, &'a str) {
        self.skip_space();
        let start = self.at;
        let rest = &self.text[start..];
        self.at += rest.find(|c| !keep(c)).unwrap_or(rest.len());
        (start, &self.text[start..self.at])
    }

    fn metric(&mut self, names: Names<'_>) -> Result<(bool, Metric), ParseError> {
        let (start, word) = self.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let (login, name) = match word.strip_prefix("login.") {
            Some(name) => (true, name),
            None => (false, word),
        };
        if login && !names.login {
            return Err(self.error(start, "the scenario has no login to judge"));
        }
        let metric = match name {
            "p50" => Metric::Percentile(Percentile::P50),
            "p90" => Metric::Percentile(Percentile(90_000)),
            "p95" => Metric::Percentile(Percentile::P95),
            "p99" => Metric::Percentile(Percentile::P99),
            "max" => Metric::Max,
            "mean" => Metric::Mean,
            "error_rate" => Metric::ErrorRate,
            "rps" => Metric::Rps,
            "count" => Metric::Count,
            _ => {
                let near = nearest(name, METRICS);
                let all = METRICS.join(", ");
                let message = format!("\"{word}\" is no metric{near} (metrics: {all}, login.*)");
                return Err(self.error(start, message));
            }
        };
        Ok((login, metric))
    }

    fn scope(&mut self, names: Names<'_>) -> Result<Scope, ParseError> {
        self.skip_space();
        if !self.text[self.at..].starts_with('(') {
            return Ok(Scope::Aggregate);
        }
        self.at += 1;
        let (start, word) = self.take(|c| c != ')');
        let word = word.trim();
        if !self.text[self.at..].starts_with(')') {
            return Err(self.error(start, "the scope's \")\" is missing"));
        }
        self.at += 1;
        if word == "aggregate" {
            return Ok(Scope::Aggregate);
        }
        if names.tasks.iter().any(|name| name == word) {
            return Ok(Scope::Task(word.to_owned()));
        }
        if names.groups.iter().any(|name| name == word) {
            return Ok(Scope::Group(word.to_owned()));
        }
        let known = names.tasks.iter().chain(names.groups).map(String::as_str);
        let near = nearest(word, known.chain(["aggregate"]));
        Err(self.error(start, format!("no task or group is named \"{word}\"{near}")))
    }

    fn comparison(&mut self) -> Result<Comparison, ParseError> {
        let (start, sign) = self.take(|c| "<>=!".contains(c));
        match sign {
            "<" => Ok(Comparison::Below),
            "<=" => Ok(Comparison::AtMost),
            ">" => Ok(Comparison::Above),
            ">=" => Ok(Comparison::AtLeast),
            _ => Err(self.error(start, "a comparison is missing: write <, <=, > or >=")),
        }
    }

    fn limit(&mut self, metric: Metric) -> Result<Limit, ParseError> {
        self.skip_space();
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest.find(" per").unwrap_or(rest.len());
        let text = rest[..end].trim();
        self.at += end;
        let limit = match metric {
            Metric::Percentile(_) | Metric::Max | Metric::Mean => {
                units::duration(text).map(Limit::Latency)
            }
            Metric::ErrorRate => units::share(text).map(Limit::Share),
            Metric::Rps if text.contains('/') => units::rate(text).map(Limit::Number),
            Metric::Rps | Metric::Count => {
                // The sign, not the value: "-0" is no limit either.
                let plain = |n: &f64| n.is_finite() && n.is_sign_positive();
                let number = text.parse::<f64>().ok().filter(plain);
                let error = || units::UnitError::NotANumber(text.to_owned(), "number");
                number.map(Limit::Number).ok_or_else(error)
            }
        };
        limit.map_err(|error| self.error(start, error.to_string()))
    }

    fn per_task(&mut self, scope: &Scope) -> Result<bool, ParseError> {
        self.skip_space();
        let start = self.at;
        match self.text[start..].split_whitespace().collect::<Vec<_>>()[..] {
            [] => Ok(false),
            ["per", "task"] if matches!(scope, Scope::Aggregate | Scope::Group(_)) => Ok(true),
            ["per", "task"] => Err(self.error(start, "\"per task\" needs a group or all tasks")),
            _ => Err(self.error(start, "only \"per task\" may follow the limit")),
        }
    }
}
