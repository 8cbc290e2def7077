//! The limit of a rule: an amount with its metric's unit, or one relative to the baseline
//! or the base: `baseline * 1.2`, `base + 20%`, `baseline + 2pt`.

use super::cursor::{Cursor, ParseError};
use super::parse::SUFFIXES;
use super::{Kind, Limit, Metric, Percentile, Reference, Relative, Scope, Unit};
use crate::units::{self, UnitError};

const REFERENCES: [&str; 2] = ["baseline", "base"];

/// The metrics of all requests in the stored baseline.
const BASELINE_METRICS: [Metric; 7] = [
    Metric::Percentile(Percentile::P50),
    Metric::Percentile(Percentile::P95),
    Metric::Percentile(Percentile::P99),
    Metric::Mean,
    Metric::Rps,
    Metric::ErrorRate,
    Metric::Count,
];

/// Reads the limit of a metric.
pub(super) fn limit(
    cursor: &mut Cursor<'_>,
    metric: Metric,
    scope: &Scope,
) -> Result<Limit, ParseError> {
    let start = cursor.skip_space();
    let first = cursor.rest().split_whitespace().next().unwrap_or_default();
    if first.is_empty() || SUFFIXES.contains(&first) {
        let message = format!("the limit is missing: write one such as {}", example(metric));
        return Err(cursor.error(start, message));
    }
    if first.starts_with(char::is_alphabetic) {
        return relative(cursor, metric, scope).map(Limit::Relative);
    }
    let text = amount(cursor, has_words(metric));
    absolute(metric, text).map_err(|error| cursor.error(start, error.to_string()))
}

fn example(metric: Metric) -> &'static str {
    metric.descriptor().example
}

/// Whether the units of a metric are words; others are signs, or there is none.
fn has_words(metric: Metric) -> bool {
    !matches!(metric.descriptor().kind, Kind::Rate | Kind::Count)
}

/// A number with its unit, also with white space between them.
pub(super) fn amount<'a>(cursor: &mut Cursor<'a>, has_words: bool) -> &'a str {
    let (start, number) = cursor.word();
    let next = cursor.rest().split_whitespace().next().unwrap_or_default();
    let has_unit = !number.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_unit = next.starts_with(['%', '/'])
        || has_words && next.starts_with(char::is_alphabetic) && !SUFFIXES.contains(&next);
    if !has_unit && is_unit {
        cursor.word();
    }
    cursor.since(start)
}

fn absolute(metric: Metric, text: &str) -> Result<Limit, UnitError> {
    let is_number = metric.descriptor().kind == Kind::Count && !text.contains('%');
    match metric.unit() {
        Unit::Milliseconds => units::latency(text).map(Limit::Latency),
        Unit::Bytes => units::bytes(text).map(Limit::Bytes),
        Unit::Fraction if is_number => units::plain(text).map(Limit::Number),
        Unit::Fraction => units::share(text).map(Limit::Share),
        Unit::Number if !is_number && text.contains('/') => units::rate(text).map(Limit::Number),
        Unit::Number => units::plain(text).map(Limit::Number),
    }
}

fn relative(
    cursor: &mut Cursor<'_>,
    metric: Metric,
    scope: &Scope,
) -> Result<Relative, ParseError> {
    let (start, word) = cursor.take(|c| c.is_alphanumeric() || c == '_');
    let to = match word {
        "baseline" => Reference::Baseline,
        "base" => Reference::Base,
        _ => {
            let message =
                format!("invalid limit \"{word}\": write one such as {}", example(metric));
            return Err(cursor.unknown(start, &message, word, REFERENCES));
        }
    };
    let has = match to {
        Reference::Baseline => in_baseline(metric, scope),
        Reference::Base => in_base(metric, scope),
    };
    has.map_err(|why| cursor.error(start, why.to_string()))?;
    let at = cursor.skip_space();
    let (mut factor, mut plus) = (1.0, 0.0);
    if cursor.takes("*") {
        factor = times(cursor)?;
    } else if cursor.takes("+") {
        (factor, plus) = changed(cursor, metric, 1.0)?;
    } else if cursor.takes("-") {
        (factor, plus) = changed(cursor, metric, -1.0)?;
    } else if cursor.rest().starts_with(|c: char| !c.is_alphabetic()) {
        let message = format!(
            "expected *, + or - after {word}, as in {word} * 1.2 or {word} + \
                               20%"
        );
        return Err(cursor.error(at, message));
    }
    Ok(Relative { to, factor, plus })
}

/// Why a metric of a scope has no earlier value to compare with.
#[derive(Debug, thiserror::Error)]
enum NotComparable {
    #[error("the baseline covers all requests only: remove the scope, or compare with base")]
    ScopeOfBaseline,
    #[error("the baseline has no {0}, only {1}")]
    MetricOfBaseline(Metric, String),
    #[error("the base is measured in pairs of requests, so it has no {0}")]
    MetricOfBase(Metric),
    #[error("the base has no login to compare with")]
    LoginOfBase,
    #[error("the base is compared by task, by group and as a whole, not by label")]
    LabelOfBase,
}

fn in_baseline(metric: Metric, scope: &Scope) -> Result<(), NotComparable> {
    if *scope != Scope::Aggregate {
        return Err(NotComparable::ScopeOfBaseline);
    }
    if BASELINE_METRICS.contains(&metric) {
        return Ok(());
    }
    let known: Vec<String> = BASELINE_METRICS.iter().map(Metric::to_string).collect();
    Err(NotComparable::MetricOfBaseline(metric, known.join(", ")))
}

fn in_base(metric: Metric, scope: &Scope) -> Result<(), NotComparable> {
    if metric.is_of_load() || metric == Metric::Checks {
        return Err(NotComparable::MetricOfBase(metric));
    }
    match scope {
        Scope::Aggregate | Scope::Task(_) | Scope::Group(_) => Ok(()),
        Scope::Login => Err(NotComparable::LoginOfBase),
        Scope::Label(_) => Err(NotComparable::LabelOfBase),
    }
}

fn times(cursor: &mut Cursor<'_>) -> Result<f64, ParseError> {
    let (start, word) = cursor.word();
    let factor = units::plain(word).ok().filter(|factor| *factor > 0.0);
    factor.ok_or_else(|| {
        let message =
            format!("\"{word}\" is not a factor above 0: write a number such as 1.2 or 0.7");
        cursor.error(start, message)
    })
}

/// The factor and the addition of `+ 20%`, `- 30%`, `+ 50ms`, `+ 2pt`.
fn changed(cursor: &mut Cursor<'_>, metric: Metric, sign: f64) -> Result<(f64, f64), ParseError> {
    let start = cursor.skip_space();
    let unit = metric.unit();
    let text = amount(cursor, unit == Unit::Fraction || has_words(metric));
    let wrong = |error: UnitError| cursor.error(start, error.to_string());
    if text.contains('%') {
        let change = units::change(text).map_err(wrong)?;
        // Rounded to a trillionth, so that "+ 14%" equals "* 1.14".
        let factor = ((1.0 + sign * change) * 1e12).round() / 1e12;
        if factor > 0.0 && factor.is_finite() {
            return Ok((factor, 0.0));
        }
        return Err(cursor.error(start, format!("\"{text}\" leaves no limit above 0")));
    }
    if unit != Unit::Fraction && text.ends_with("pt") {
        let message = format!(
            "points (pt) are for shares only: write a limit such as {} or 20%",
            example(metric)
        );
        return Err(cursor.error(start, message));
    }
    let plus = match unit {
        Unit::Fraction => units::points(text).map_err(wrong)?,
        _ => absolute(metric, text).map_err(wrong)?.value(),
    };
    Ok((1.0, sign * plus))
}
