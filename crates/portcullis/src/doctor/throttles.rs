//! Throttles of Django REST framework against the planned load.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Diagnosis, fine, problem};

const NAME: &str = "throttles";

/// How often a task is called in the longest load.
#[derive(Clone, Debug, PartialEq)]
pub struct Calls {
    /// The name of the task.
    pub task: String,
    /// Calls per second, by all users together: they share an address and a login.
    pub per_second: f64,
    /// For how long.
    pub within: Duration,
}

/// Judges the rates (such as `60/min`) that apply to each task, by their scope.
pub fn check(calls: &[Calls], rates: &BTreeMap<String, Vec<(String, String)>>) -> Vec<Diagnosis> {
    let mut scopes: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for calls in calls {
        for (scope, rate) in rates.get(&calls.task).into_iter().flatten() {
            let Some((_, period)) = parsed(rate) else { continue };
            let calls = calls.per_second * period.min(calls.within).as_secs_f64();
            *scopes.entry((scope, rate)).or_default() += calls;
        }
    }
    let exceeded: Vec<Diagnosis> = scopes.iter().filter_map(|((scope, rate), calls)| {
        let (allowed, _) = parsed(rate)?;
        (*calls > allowed).then(|| problem(
            NAME,
            format!("the throttle \"{scope}\" allows {rate}, and the load makes about {calls:.0} calls in that time"),
            format!("in [django.overrides]: \"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.{scope}\" = \"1000000/hour\""),
        ))
    }).collect();
    match (exceeded.is_empty(), scopes.len()) {
        (false, _) => exceeded,
        (true, 0) => vec![fine(NAME, "none applies to the tasks")],
        (true, n) => vec![fine(NAME, format!("{n} apply to the tasks, and allow the load"))],
    }
}

/// The number and the period of a rate, as Django REST framework reads it: only the first
/// letter of the period counts.
fn parsed(rate: &str) -> Option<(f64, Duration)> {
    let (number, period) = rate.split_once('/')?;
    let seconds = match period.trim().chars().next()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some((number.trim().parse().ok()?, Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_rate_below_the_load_has_the_line_that_mends_it() {
        let calls = |task: &str| Calls {
            task: task.to_owned(),
            per_second: 1.0,
            within: Duration::from_secs(120),
        };
        let rates = |rate: &str| {
            let of = || vec![("user".to_owned(), rate.to_owned())];
            BTreeMap::from([("a".to_owned(), of()), ("b".to_owned(), of())])
        };
        let all = [calls("a"), calls("b"), calls("c")];
        // Two tasks share the scope: 120 calls in a minute, 240 in the two minutes of the load.
        for (rate, level) in [
            ("119/min", Level::Problem),
            ("121/minute", Level::Ok),
            ("239/day", Level::Problem),
            ("241/d", Level::Ok),
            ("1/sec", Level::Problem),
            ("none", Level::Ok),
        ] {
            let found = check(&all, &rates(rate));
            assert_eq!((found.len(), found[0].level), (1, level), "{rate}: {found:?}");
        }
        let remedy = check(&all, &rates("1/h"))[0].remedy.clone().unwrap();
        assert!(remedy.contains("DEFAULT_THROTTLE_RATES.user\" = "), "{remedy}");
        assert_eq!(check(&all, &BTreeMap::new())[0].level, Level::Ok);
    }
}
