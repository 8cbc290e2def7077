//! What must be true of the parser of rules, whatever text it is given. The
//! fuzzer calls this, and so does the test that replays the corpus.

use portcullis_core::threshold::{Comparison, Limit, Names, Scope, Severity, parse};

/// The text is a rule of a scenario with a few tasks and groups. The first byte
/// says whether the scenario has a login: a space, it has none.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let tasks = ["list_claims", "get-claim.detail", "per"].map(str::to_owned);
    let groups = ["list", "detail"].map(str::to_owned);
    let names = Names { tasks: &tasks, groups: &groups, login: !text.starts_with(' ') };
    let rule = match parse(text, Severity::Fail, names) {
        Ok(rule) => rule,
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column), "column {} of {text:?}", error.column);
            assert!(!error.message.is_empty(), "{text:?}");
            return;
        }
    };
    assert_eq!(rule.text, text);
    assert_eq!(rule.severity, Severity::Fail);
    let limit = rule.limit.value();
    assert!(limit.is_finite() && limit >= 0.0, "{text:?}: the limit is {limit}");
    let words = rule.in_words();
    let comparison = match rule.comparison {
        Comparison::Below => " is below ",
        Comparison::AtMost => " is at most ",
        Comparison::Above => " is above ",
        Comparison::AtLeast => " is at least ",
    };
    let (what, shown) = words.split_once(comparison).unwrap_or_default();
    assert!(what.starts_with("the ") && what.contains(" of "), "{text:?}: {words:?}");
    assert!(shown.starts_with(|c: char| c.is_ascii_digit()), "{text:?}: {words:?}");

    // Written plainly it is the same rule, but for the limit.
    let login = if rule.scope == Scope::Login { "login." } else { "" };
    let scope = match &rule.scope {
        Scope::Aggregate | Scope::Login => String::new(),
        Scope::Task(name) | Scope::Group(name) => format!("({name})"),
    };
    let limit = match rule.limit {
        Limit::Latency(_) => "5ms",
        Limit::Share(_) => "5%",
        Limit::Number(_) => "5",
    };
    let per_task = if rule.per_task { " per task" } else { "" };
    let sign = rule.comparison.sign();
    let plain = format!("{login}{}{scope} {sign} {limit}{per_task}", rule.metric);
    let names = Names { login: true, ..names };
    let again = parse(&plain, Severity::Fail, names);
    assert!(again.is_ok(), "{text:?} is written {plain:?}: {again:?}");
    let told = |rule: portcullis_core::threshold::Threshold| {
        (rule.metric, rule.scope, rule.comparison, rule.per_task)
    };
    assert_eq!(again.ok().map(told), Some(told(rule)), "{text:?} is written {plain:?}");
}
