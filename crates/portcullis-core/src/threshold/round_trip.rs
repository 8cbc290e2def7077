//! Property tests of the grammar: every generated rule is parsed with its meaning, with any
//! white space between its words.

use proptest::prelude::*;

use super::tests::read_as;
use super::*;

/// The line of a rule, and its meaning.
#[derive(Clone, Debug)]
struct Written {
    words: Vec<String>,
    rule: Threshold,
}

fn metric() -> impl Strategy<Value = (String, Metric)> {
    let percentiles = [("p50", 50_000), ("p90", 90_000), ("p95", 95_000), ("p99", 99_000)];
    let percentiles = percentiles.into_iter().chain([("p99.9", 99_900)]);
    let mut fixed: Vec<(String, Metric)> =
        percentiles.map(|(name, p)| (name.to_owned(), Metric::Percentile(Percentile(p)))).collect();
    let plain = [
        ("max", Metric::Max),
        ("mean", Metric::Mean),
        ("ttfb", Metric::Ttfb),
        ("error_rate", Metric::ErrorRate),
        ("rps", Metric::Rps),
        ("count", Metric::Count),
        ("checks", Metric::Checks),
        ("size", Metric::Size),
    ];
    fixed.extend(plain.map(|(name, metric)| (name.to_owned(), metric)));
    let status = (100u16..=599).prop_map(|n| (format!("status({n})"), Metric::Status(n)));
    prop_oneof![3 => prop::sample::select(fixed), 1 => status]
}

fn scope() -> impl Strategy<Value = (&'static str, Scope)> {
    prop::sample::select(vec![
        ("", Scope::Aggregate),
        ("(aggregate)", Scope::Aggregate),
        ("(search)", Scope::Task("search".to_owned())),
        ("(list)", Scope::Group("list".to_owned())),
        ("(\"/claims/\")", Scope::Label("/claims/".to_owned())),
        ("(\"/claims/{id}/?q=\"(a)\"\")", Scope::Label("/claims/{id}/?q=\"(a)\"".to_owned())),
        ("login", Scope::Login),
    ])
}

/// An absolute limit: `n` thousandths of its unit.
fn absolute(metric: Metric, n: u32, as_share: bool) -> (String, Limit) {
    let thousandths = f64::from(n) / 1000.0;
    match metric {
        Metric::Percentile(_) | Metric::Max | Metric::Mean | Metric::Ttfb | Metric::LongestGap => {
            (format!("{n}us"), Limit::Latency(Duration::from_micros(n.into())))
        }
        Metric::ErrorRate | Metric::Checks => {
            (format!("{thousandths}%"), Limit::Share(f64::from(n) / 1e5))
        }
        Metric::Status(_) if as_share => {
            (format!("{thousandths}%"), Limit::Share(f64::from(n) / 1e5))
        }
        Metric::Rps if as_share => (format!("{n}/m"), Limit::Number(f64::from(n) / 60.0)),
        Metric::Rps | Metric::Count | Metric::Status(_) => {
            (thousandths.to_string(), Limit::Number(thousandths))
        }
        Metric::Size => (format!("{thousandths}KiB"), Limit::Bytes(thousandths * 1024.0)),
    }
}

/// Whether the grammar allows this comparison.
fn comparable(to: Reference, metric: Metric, scope: &Scope) -> bool {
    let has_baseline = !matches!(
        metric,
        Metric::Max
            | Metric::Ttfb
            | Metric::Size
            | Metric::Checks
            | Metric::Status(_)
            | Metric::Percentile(Percentile(90_000 | 99_900))
    );
    match to {
        Reference::Baseline => *scope == Scope::Aggregate && has_baseline,
        Reference::Base => {
            metric != Metric::Checks && !matches!(scope, Scope::Login | Scope::Label(_))
        }
    }
}

/// A relative limit, as words.
fn relative(to: Reference, metric: Metric, n: u32, form: u8) -> (Vec<String>, Limit) {
    let name = if to == Reference::Base { "base" } else { "baseline" };
    let n = n.max(1);
    let hundredths = f64::from(n) / 100.0;
    let (sign, amount, factor, plus) = match form {
        0 => {
            return (
                vec![name.to_owned()],
                Limit::Relative(Relative { to, factor: 1.0, plus: 0.0 }),
            );
        }
        1 => ("*", hundredths.to_string(), hundredths, 0.0),
        2 => ("+", format!("{n}%"), f64::from(100 + n) / 100.0, 0.0),
        3 => ("-", format!("{}%", n % 100), f64::from(100 - n % 100) / 100.0, 0.0),
        _ => match metric.unit() {
            Unit::Fraction => ("+", format!("{}pt", n % 101), 1.0, f64::from(n % 101) / 100.0),
            _ => {
                let (text, limit) = absolute(metric, n, false);
                ("-", text, 1.0, -limit.value())
            }
        },
    };
    let words = [name, sign, &amount].map(str::to_owned).to_vec();
    (words, Limit::Relative(Relative { to, factor, plus }))
}

type Limits = (u32, bool, u8, Option<Reference>);
type Suffixes = (bool, Option<Option<u64>>, bool, Severity);

fn write(
    (name, metric): (String, Metric),
    (scope_text, scope): (&str, Scope),
    comparison: Comparison,
    (n, as_share, form, to): Limits,
    (per_task, abort, prove, severity): Suffixes,
) -> Written {
    let subject = match scope {
        Scope::Login => format!("login.{name}"),
        _ => format!("{name}{scope_text}"),
    };
    let mut words = vec![subject, comparison.sign().to_owned()];
    let to = to.filter(|to| comparable(*to, metric, &scope));
    let (limit_words, limit) = match to {
        Some(to) => relative(to, metric, n, form),
        None => {
            let (text, limit) = absolute(metric, n, as_share);
            (vec![text], limit)
        }
    };
    words.extend(limit_words);
    let many = matches!(scope, Scope::Aggregate | Scope::Group(_));
    let per_task = per_task && many && to != Some(Reference::Baseline);
    let abort = abort.filter(|_| severity == Severity::Fail);
    let after_s = abort.flatten();
    let said = [
        (per_task, "per task".to_owned()),
        (abort.is_some(), "abort".to_owned()),
        (after_s.is_some(), format!("after {}s", after_s.unwrap_or_default())),
        (prove, "prove".to_owned()),
    ];
    for (_, words_of_it) in said.iter().filter(|(is_said, _)| *is_said) {
        words.extend(words_of_it.split(' ').map(str::to_owned));
    }
    let rule = Threshold {
        metric,
        scope,
        per_task,
        comparison,
        limit,
        severity,
        abort: abort.is_some(),
        after: after_s.map(Duration::from_secs),
        policy: if prove { Policy::Prove } else { Policy::Estimate },
        text: String::new(),
        derived: None,
    };
    Written { words, rule }
}

fn written() -> impl Strategy<Value = Written> {
    let comparison = prop::sample::select(vec![
        Comparison::Below,
        Comparison::AtMost,
        Comparison::Above,
        Comparison::AtLeast,
    ]);
    let reference = prop::sample::select(vec![Reference::Baseline, Reference::Base]);
    let limits = (0u32..100_000, any::<bool>(), 0u8..5, prop::option::of(reference));
    let severity = prop::sample::select(vec![Severity::Fail, Severity::Warn]);
    let abort = prop::option::of(prop::option::of(0u64..1000));
    let suffixes = (any::<bool>(), abort, any::<bool>(), severity);
    (metric(), scope(), comparison, limits, suffixes).prop_map(
        |(metric, scope, comparison, limits, suffixes)| {
            write(metric, scope, comparison, limits, suffixes)
        },
    )
}

/// Equal except for the last digit of a number.
fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs().max(other.abs())
}

fn is_same_limit(one: Limit, other: Limit) -> bool {
    match (one, other) {
        (Limit::Share(one), Limit::Share(other))
        | (Limit::Number(one), Limit::Number(other))
        | (Limit::Bytes(one), Limit::Bytes(other)) => is_close(one, other),
        (Limit::Relative(one), Limit::Relative(other)) => {
            one.to == other.to
                && is_close(one.factor, other.factor)
                && is_close(one.plus, other.plus)
        }
        (one, other) => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_rule_is_read_as_it_was_meant(written in written(), spaces in "[ \t]{1,3}") {
        let text = written.words.join(&spaces);
        let read = read_as(&text, written.rule.severity);
        prop_assert!(read.is_ok(), "{text:?}: {read:?}");
        let read = read.unwrap();
        prop_assert!(is_same_limit(read.limit, written.rule.limit), "{text:?}: {read:?}");
        let meant = Threshold { text: text.clone(), limit: read.limit, ..written.rule };
        prop_assert_eq!(&read, &meant);
        prop_assert!(text.starts_with(&read.subject()) || text.contains("(aggregate)"), "{text}");
        // Parsed again, it is equal to the last digit.
        prop_assert_eq!(read_as(&read.text, read.severity), Ok(meant));
    }
}
