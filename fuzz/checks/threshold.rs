//! What must be true of the parser of rules, whatever text it is given. The
//! fuzzer calls this, and so does the test that replays the corpus.

use portcullis_core::threshold::{
    Comparison, Limit, Metric, Names, Policy, Reference, Relative, Scope, Severity, Threshold,
    Unit, parse,
};

/// The text is a rule of a scenario with a few tasks, groups and labels. The
/// first byte says more: a space, the scenario has no login; a tab, the rule
/// only warns.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let tasks = ["list_claims", "get-claim.detail", "per"].map(str::to_owned);
    let groups = ["list", "detail"].map(str::to_owned);
    let labels = ["/claims/", "/claims/{id}/?q=\")(\""].map(str::to_owned);
    let login = !text.starts_with(' ');
    let names = Names { tasks: &tasks, groups: &groups, labels: &labels, login };
    let severity = if text.starts_with('\t') { Severity::Warn } else { Severity::Fail };
    let rule = match parse(text, severity, names) {
        Ok(rule) => rule,
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column), "column {} of {text:?}", error.column);
            assert!(!error.message.is_empty(), "{text:?}");
            return;
        }
    };
    assert_eq!(rule.text, text);
    assert_eq!(rule.severity, severity);
    sound(&rule);
    told(&rule);
    // Written plainly it is the same rule, but for the numbers of limit and after.
    let plain = plain(&rule);
    let again = parse(&plain, severity, Names { login: true, ..names });
    assert!(again.is_ok(), "{text:?} is written {plain:?}: {again:?}");
    let same = again.map(|again| Threshold {
        limit: rule.limit,
        after: again.after.and(rule.after),
        text: text.to_owned(),
        ..again
    });
    assert_eq!(same, Ok(rule), "{text:?} is written {plain:?}");
}

/// What contradicts itself is no rule.
fn sound(rule: &Threshold) {
    let text = &rule.text;
    match rule.limit {
        Limit::Relative(Relative { to, factor, plus }) => {
            assert!(factor.is_finite() && factor > 0.0, "{text:?}: the factor is {factor}");
            assert!(plus.is_finite(), "{text:?}: {plus} is added");
            assert!(!rule.comparison.holds(1.0, rule.limit.value()), "{text:?} holds unresolved");
            let of_all = rule.scope == Scope::Aggregate && !rule.per_task;
            assert!(to == Reference::Base || of_all, "{text:?}: not in the baseline");
            let by_name = matches!(rule.scope, Scope::Login | Scope::Label(_));
            assert!(!by_name, "{text:?}: not in the base");
        }
        limit => {
            let value = limit.value();
            assert!(value.is_finite() && value >= 0.0, "{text:?}: the limit is {value}");
        }
    }
    assert!(rule.abort || rule.after.is_none(), "{text:?}: after without abort");
    assert!(!rule.abort || rule.severity == Severity::Fail, "{text:?}: a warning that aborts");
    let of_many = matches!(rule.scope, Scope::Aggregate | Scope::Group(_));
    assert!(!rule.per_task || of_many, "{text:?}: per task of one");
}

/// The words say all of it.
fn told(rule: &Threshold) {
    let (text, words) = (&rule.text, rule.in_words());
    let comparison = match rule.comparison {
        Comparison::Below => " is below ",
        Comparison::AtMost => " is at most ",
        Comparison::Above => " is above ",
        Comparison::AtLeast => " is at least ",
    };
    let (what, shown) = words.split_once(comparison).unwrap_or_default();
    assert!(what.starts_with("the ") && what.contains(" of "), "{text:?}: {words:?}");
    let (limit, _) = shown.split_once(';').unwrap_or((shown, ""));
    let refers = matches!(rule.limit, Limit::Relative(_));
    assert_eq!(limit.contains("the base"), refers, "{text:?}: {words:?}");
    let begins = limit.starts_with(|c: char| c.is_ascii_digit());
    assert!(begins || refers && limit.starts_with("the base"), "{text:?}: {words:?}");
    assert_eq!(shown.contains("; ends the run early"), rule.abort, "{text:?}: {words:?}");
    assert_eq!(shown.contains(", not in the first "), rule.after.is_some(), "{text:?}: {words:?}");
    let proven = rule.policy == Policy::Prove;
    assert_eq!(shown.ends_with("; must be proven"), proven, "{text:?}: {words:?}");
}

/// The rule as its grammar shows it, with a limit of the same kind.
fn plain(rule: &Threshold) -> String {
    let limit = match (rule.limit, rule.unit(), rule.metric) {
        (Limit::Relative(Relative { to, plus, .. }), unit, metric) => {
            let name = if to == Reference::Base { "base" } else { "baseline" };
            match (unit, metric) {
                _ if plus == 0.0 => format!("{name} * 1.2"),
                (Unit::Milliseconds, _) => format!("{name} + 5ms"),
                (Unit::Fraction, _) => format!("{name} - 2pt"),
                (Unit::Number, Metric::Rps) => format!("{name} - 5/s"),
                (Unit::Number, _) => format!("{name} + 5"),
                (Unit::Bytes, _) => format!("{name} + 5kB"),
            }
        }
        (_, Unit::Milliseconds, _) => "5ms".to_owned(),
        (_, Unit::Fraction, _) => "5%".to_owned(),
        (_, Unit::Number, _) => "5".to_owned(),
        (_, Unit::Bytes, _) => "5kB".to_owned(),
    };
    let mut plain = format!("{} {} {limit}", rule.subject(), rule.comparison.sign());
    let said = [
        (rule.per_task, " per task"),
        (rule.abort, " abort"),
        (rule.after.is_some(), " after 5s"),
        (rule.policy == Policy::Prove, " prove"),
    ];
    said.iter().filter(|(is_said, _)| *is_said).for_each(|(_, words)| plain.push_str(words));
    plain
}
