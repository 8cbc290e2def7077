//! The grammar of a rule: `[login.]METRIC[(SCOPE)] COMPARISON LIMIT [per task]
//! [abort [after DURATION]] [prove]`.

use std::collections::HashSet;
use std::time::Duration;

use super::cursor::{Cursor, ParseError};
use super::limit::{amount, limit};
use super::{Comparison, Limit, Metric, Policy, Reference, Relative, Scope};
use super::{Severity, Threshold};
use crate::units;

/// The names that a scope can use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The tasks.
    pub tasks: &'a [String],
    /// The groups.
    pub groups: &'a [String],
    /// The labels of the tasks' requests, and the names of checks.
    pub labels: &'a [String],
    /// Whether there is a login.
    pub login: bool,
}

/// The same names, to find one of many quickly: a file may have a rule for each task.
#[derive(Debug)]
pub(crate) struct KnownNames<'a> {
    names: Names<'a>,
    tasks: HashSet<&'a str>,
    groups: HashSet<&'a str>,
    labels: HashSet<&'a str>,
}

impl<'a> From<Names<'a>> for KnownNames<'a> {
    fn from(names: Names<'a>) -> Self {
        let set = |names: &'a [String]| names.iter().map(String::as_str).collect();
        let (tasks, groups, labels) = (set(names.tasks), set(names.groups), set(names.labels));
        Self { names, tasks, groups, labels }
    }
}

/// Words that can follow a limit.
pub(super) const SUFFIXES: [&str; 4] = ["per", "abort", "after", "prove"];

/// Why a `warn` rule cannot have `abort`.
pub(crate) const ABORT_NEEDS_FAIL: &str =
    "a warning cannot end the run: use abort only in fail rules";

/// Why a rule without `abort` cannot have `after`.
pub(crate) const AFTER_NEEDS_ABORT: &str = "after needs abort: it sets how long after the start of \
                                            the window the rule may end the run early";

/// Which labels a rule can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// Those of the tasks' requests.
    #[default]
    OfTasks,
    /// Any label, because the rows of a results file have their own names.
    Any,
}

/// Parses one rule.
///
/// # Errors
/// The first mistake, with its column and the nearest known word.
pub fn parse(text: &str, severity: Severity, names: Names<'_>) -> Result<Threshold, ParseError> {
    parse_with(text, severity, &names.into(), Labels::OfTasks)
}

/// The same, for rules on results files.
pub(crate) fn parse_with(
    text: &str,
    severity: Severity,
    known: &KnownNames<'_>,
    labels: Labels,
) -> Result<Threshold, ParseError> {
    let mut cursor = Cursor::new(text);
    let cursor = &mut cursor;
    let (is_login, metric) = metric(cursor, known.names)?;
    let scope = if is_login { login_scope(cursor)? } else { scope(cursor, metric, known, labels)? };
    let comparison = comparison(cursor)?;
    let limit = limit(cursor, metric, &scope)?;
    let per_task = per_task(cursor, &scope, limit)?;
    if metric.is_of_load() && (per_task || scope != Scope::Aggregate) {
        let message = format!("{metric} is of the whole load: write it without a scope");
        return Err(cursor.error(0, message));
    }
    let (abort, after) = abort(cursor, severity)?;
    let policy = match cursor.takes_word("prove") {
        Some(_) => Policy::Prove,
        None => Policy::Estimate,
    };
    end(cursor)?;
    let text = text.to_owned();
    Ok(Threshold {
        metric,
        scope,
        per_task,
        comparison,
        limit,
        severity,
        abort,
        after,
        policy,
        text,
        derived: None,
    })
}

fn metric(cursor: &mut Cursor<'_>, names: Names<'_>) -> Result<(bool, Metric), ParseError> {
    let (start, word) = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    let (login, name) = match word.strip_prefix("login.") {
        Some(name) => (true, name),
        None => (false, word),
    };
    if login && !names.login {
        return Err(cursor.error(start, "the scenario has no login to judge"));
    }
    if name == "status" {
        return Ok((login, Metric::Status(status(cursor)?)));
    }
    let known = Metric::percentile(name).or_else(|| Metric::plain(name));
    let metric = known.ok_or_else(|| {
        let names = Metric::names();
        let near = crate::text::nearest(name, names.iter().map(String::as_str));
        let message =
            format!("unknown metric \"{word}\"{near} (metrics: {}, login.*)", names.join(", "));
        cursor.error(start, message)
    })?;
    Ok((login, metric))
}

fn status(cursor: &mut Cursor<'_>) -> Result<u16, ParseError> {
    let start = cursor.skip_space();
    if !cursor.takes("(") {
        return Err(cursor.error(start, "the status is missing: write it as in status(429)"));
    }
    let (start, number) = cursor.take(|c| c != ')' && !c.is_whitespace());
    let is_plain = number.chars().all(|c| c.is_ascii_digit());
    let status = number.parse().ok().filter(|n| is_plain && (100..=599).contains(n));
    let Some(status) = status else {
        let message = format!("invalid status \"{number}\": write a number from 100 to 599");
        return Err(cursor.error(start, message));
    };
    let end = cursor.skip_space();
    if !cursor.takes(")") {
        return Err(cursor.error(end, "the status's \")\" is missing"));
    }
    Ok(status)
}

fn login_scope(cursor: &mut Cursor<'_>) -> Result<Scope, ParseError> {
    let start = cursor.skip_space();
    if cursor.rest().starts_with('(') {
        return Err(cursor.error(start, "the login takes no scope"));
    }
    Ok(Scope::Login)
}

fn scope(
    cursor: &mut Cursor<'_>,
    metric: Metric,
    known: &KnownNames<'_>,
    labels: Labels,
) -> Result<Scope, ParseError> {
    if !cursor.takes("(") {
        return Ok(Scope::Aggregate);
    }
    let start = cursor.skip_space();
    if cursor.takes("\"") {
        return label(cursor, (start, metric), known, labels);
    }
    let (_, word) = cursor.take(|c| c != ')');
    let word = word.trim();
    if !cursor.takes(")") {
        return Err(cursor.error(start, "the scope's \")\" is missing"));
    }
    if word == "aggregate" {
        return Ok(Scope::Aggregate);
    }
    if known.tasks.contains(word) {
        return Ok(Scope::Task(word.to_owned()));
    }
    if known.groups.contains(word) {
        return Ok(Scope::Group(word.to_owned()));
    }
    if known.labels.contains(word) && metric == Metric::Checks {
        return Ok(Scope::Label(word.to_owned()));
    }
    if known.labels.contains(word) {
        let message = format!("put the label in double quotes: (\"{word}\")");
        return Err(cursor.error(start, message));
    }
    let names = known.names.tasks.iter().chain(known.names.groups).map(String::as_str);
    let message = format!("unknown task or group \"{word}\"");
    Err(cursor.unknown(start, &message, word, names.chain(["aggregate"])))
}

/// Parses a label. It may contain quotes and parentheses: it ends at the last quote,
/// because nothing after a scope has one.
fn label(
    cursor: &mut Cursor<'_>,
    (start, metric): (usize, Metric),
    known: &KnownNames<'_>,
    labels: Labels,
) -> Result<Scope, ParseError> {
    let Some((label, _)) = cursor.rest().rsplit_once('"') else {
        return Err(cursor.error(start, "the label's closing quote is missing"));
    };
    cursor.go_on(label.len() + 1);
    if !cursor.takes(")") {
        return Err(cursor.error(start, "the scope's \")\" is missing"));
    }
    if labels == Labels::Any || known.labels.contains(label) {
        return Ok(Scope::Label(label.to_owned()));
    }
    let names = known.names.labels.iter().map(String::as_str);
    let message = match metric {
        Metric::Checks => format!("no check is named \"{label}\""),
        _ => format!("no task has the label \"{label}\""),
    };
    Err(cursor.unknown(start, &message, label, names))
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, ParseError> {
    let (start, sign) = cursor.take(|c| "<>=!".contains(c));
    match sign {
        "<" => Ok(Comparison::Below),
        "<=" => Ok(Comparison::AtMost),
        ">" => Ok(Comparison::Above),
        ">=" => Ok(Comparison::AtLeast),
        _ => Err(cursor.error(start, "a comparison is missing: write <, <=, > or >=")),
    }
}

fn per_task(cursor: &mut Cursor<'_>, scope: &Scope, limit: Limit) -> Result<bool, ParseError> {
    let Some(start) = cursor.takes_word("per") else { return Ok(false) };
    if cursor.takes_word("task").is_none() {
        return Err(cursor.error(start, "expected \"task\" after \"per\": write per task"));
    }
    if !matches!(scope, Scope::Aggregate | Scope::Group(_)) {
        return Err(cursor.error(start, "\"per task\" needs a group or all tasks"));
    }
    if matches!(limit, Limit::Relative(Relative { to: Reference::Baseline, .. })) {
        let message = "the baseline covers all requests only, not each task";
        return Err(cursor.error(start, message));
    }
    Ok(true)
}

/// Whether the rule may end the run early, and from when on.
fn abort(
    cursor: &mut Cursor<'_>,
    severity: Severity,
) -> Result<(bool, Option<Duration>), ParseError> {
    let Some(at) = cursor.takes_word("abort") else {
        return match cursor.takes_word("after") {
            Some(at) => Err(cursor.error(at, AFTER_NEEDS_ABORT)),
            None => Ok((false, None)),
        };
    };
    if severity == Severity::Warn {
        return Err(cursor.error(at, ABORT_NEEDS_FAIL));
    }
    if cursor.takes_word("after").is_none() {
        return Ok((true, None));
    }
    let start = cursor.skip_space();
    let after = units::duration(amount(cursor, true));
    after.map(|after| (true, Some(after))).map_err(|error| {
        cursor.error(start, format!("after needs a duration such as 10s: {error}"))
    })
}

/// Nothing may follow. A known word here is in the wrong place.
fn end(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let (start, word) = cursor.word();
    if word.is_empty() {
        return Ok(());
    }
    let order = "per task, abort, after 10s, prove (in this order)";
    if SUFFIXES.contains(&word) {
        let message = format!("\"{word}\" is in the wrong place: after the limit write {order}");
        return Err(cursor.error(start, message));
    }
    let message = format!("unexpected \"{word}\" after the limit: write only {order}");
    Err(cursor.unknown(start, &message, word, SUFFIXES))
}
