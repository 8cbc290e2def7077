//! Where the candidate's configuration is looser than the base's, so that a change cannot
//! loosen its own gate unseen: rules, tasks with their answers, and the load.

use std::time::Duration;

use crate::config::{Config, LoadSection};
use crate::scenario::{Arrivals, Check, Condition, Model, Step, Task};
use crate::threshold::{Limit, Policy, Severity, Threshold};
use crate::units::show_duration;

/// Every loosening, a line each, in the order of the file: what the base has, and what the
/// candidate has instead.
pub fn loosenings(base: &Config, candidate: &Config) -> Vec<String> {
    let mut lines = rules(&base.thresholds, &candidate.thresholds);
    lines.extend(tasks(&base.scenario.tasks, &candidate.scenario.tasks));
    let steps = |config: &Config| {
        config.scenario.logins().flat_map(|login| login.steps.clone()).collect::<Vec<Step>>()
    };
    lines.extend(answers("login", &steps(base), &steps(candidate)));
    lines.extend(load(&base.load, &candidate.load));
    let (wait, now) = (base.scenario.longest_wait(), candidate.scenario.longest_wait());
    lines.extend((now > wait).then(|| changed("scenario.wait on average", span(wait), span(now))));
    let (limit, now) = (base.against.limit, candidate.against.limit);
    lines.extend((now < limit).then(|| changed("against.limit", span(limit), span(now))));
    let (fewest, now) = (base.against.fewest_pairs, candidate.against.fewest_pairs);
    lines.extend((now < fewest).then(|| changed("against.fewest_pairs", fewest, now)));
    lines
}

fn changed(what: &str, from: impl std::fmt::Display, to: impl std::fmt::Display) -> String {
    format!("{what}: {from} → {to}")
}

fn span(span: Duration) -> String {
    show_duration(span)
}

/// Rules of which the others only have looser ones on the same requests, a line each.
pub fn looser_limits(rules: &[Threshold], others: &[Threshold]) -> Vec<String> {
    let has_any = |rule: &&Threshold| others.iter().any(|other| is_on_same(other, rule));
    rules.iter().filter(has_any).filter_map(|rule| loosened_rule(rule, others)).collect()
}

fn rules(base: &[Threshold], candidate: &[Threshold]) -> Vec<String> {
    base.iter().filter_map(|rule| loosened_rule(rule, candidate)).collect()
}

/// The line of a rule that no rule of the candidate replaces.
fn loosened_rule(rule: &Threshold, candidate: &[Threshold]) -> Option<String> {
    let on_same = || candidate.iter().filter(|other| is_on_same(other, rule));
    let counts =
        |other: &Threshold| rule.severity == Severity::Warn || other.severity == Severity::Fail;
    if on_same().any(|other| counts(other) && is_as_strict(other, rule)) {
        return None;
    }
    let list = if rule.severity == Severity::Warn { "warn" } else { "fail" };
    let name = format!("thresholds.{list}");
    if let Some(other) = on_same().find(|other| counts(other)) {
        return Some(changed(&name, &rule.text, &other.text));
    }
    Some(match on_same().next() {
        Some(other) => changed(&name, &rule.text, format!("{}, only as a warning", other.text)),
        None => format!("{name}: {} is missing", rule.text),
    })
}

/// Whether two rules are about the same requests and limit them from the same side.
fn is_on_same(other: &Threshold, rule: &Threshold) -> bool {
    other.metric == rule.metric
        && other.scope == rule.scope
        && other.per_task == rule.per_task
        && other.comparison.is_upper() == rule.comparison.is_upper()
}

/// Whether a rule is at least as strict as another one on the same.
fn is_as_strict(other: &Threshold, rule: &Threshold) -> bool {
    let is_within =
        |new: f64, old: f64| if rule.comparison.is_upper() { new <= old } else { new >= old };
    let limits = match (other.limit, rule.limit) {
        (Limit::Relative(new), Limit::Relative(old)) => {
            new.to == old.to && is_within(new.factor, old.factor) && is_within(new.plus, old.plus)
        }
        (Limit::Relative(_), _) | (_, Limit::Relative(_)) => false,
        (new, old) => is_within(new.value(), old.value()),
    };
    // `<= 5` is looser than `< 5`.
    let is_open = other.limit == rule.limit && !is_strict(other) && is_strict(rule);
    limits && !is_open && (rule.policy != Policy::Prove || other.policy == Policy::Prove)
}

fn is_strict(rule: &Threshold) -> bool {
    !rule.comparison.holds(0.0, 0.0)
}

fn tasks(base: &[Task], candidate: &[Task]) -> Vec<String> {
    let own = |task: &Task| candidate.iter().find(|other| other.name == task.name);
    let both: Vec<(&Task, &Task)> =
        base.iter().filter_map(|task| Some((task, own(task)?))).collect();
    let total = |pick: fn(&(&Task, &Task)) -> u32| {
        both.iter().map(|pair| u64::from(pick(pair))).sum::<u64>()
    };
    // A new task takes from all others alike, so shares are those among the tasks of both.
    let (before, now) = (total(|(task, _)| task.weight), total(|(_, other)| other.weight));
    let mut lines = Vec::new();
    for task in base.iter().filter(|task| task.weight > 0) {
        let name = format!("task {}", task.name);
        let Some(other) = own(task) else {
            lines.push(format!("{name} is missing"));
            continue;
        };
        let is_rarer = u64::from(other.weight) * before < u64::from(task.weight) * now;
        lines.extend((is_rarer || other.weight == 0).then(|| {
            let of = |weight, total| format!("{weight} of {total}");
            changed(&format!("{name}: weight"), of(task.weight, before), of(other.weight, now))
        }));
        lines.extend(answers(&name, &task.steps, &other.steps));
    }
    lines
}

/// Answers that only the candidate takes for good ones.
fn answers(name: &str, base: &[Step], candidate: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    if candidate.len() < base.len() {
        lines.push(changed(&format!("{name}: requests"), base.len(), candidate.len()));
    }
    for (step, other) in base.iter().zip(candidate) {
        let more = other.accept.iter().filter(|status| !step.accept.contains(status));
        let more: Vec<String> = more.map(u16::to_string).collect();
        if !more.is_empty() {
            lines.push(format!("{name}: {} is accepted too", more.join(", ")));
        }
        let lost = step.checks.iter().filter(|check| !is_implied(check, &other.checks));
        lines.extend(lost.map(|_| format!("{name}: a check is weaker or missing")));
        let has_check = other.checks.iter().any(|check| !check.is_soft);
        let is_open = step.compares_shape && !other.compares_shape && !has_check;
        lines.extend(is_open.then(|| format!("{name}: shape: true → false")));
    }
    lines
}

/// Whether one of the checks demands at least as much; a soft check is weaker than a hard one.
fn is_implied(check: &Check, checks: &[Check]) -> bool {
    let is_as_hard = |other: &&Check| check.is_soft || !other.is_soft;
    let demands = |other: &Check| is_at_least(&check.condition, &other.condition);
    checks.iter().filter(is_as_hard).any(demands)
}

fn is_at_least(condition: &Condition, other: &Condition) -> bool {
    use Condition::{Equals, Json, MaxItems, MaxSize, MinItems};
    match (condition, other) {
        (MinItems { path, min_items }, MinItems { path: own, min_items: other }) => {
            path == own && other >= min_items
        }
        (MaxItems { path, max_items }, MaxItems { path: own, max_items: other }) => {
            path == own && other <= max_items
        }
        (MaxSize(most), MaxSize(other)) => other <= most,
        (
            Json { path },
            MinItems { path: own, .. } | MaxItems { path: own, .. } | Equals { path: own, .. },
        ) => path == own,
        _ => condition == other,
    }
}

fn load(base: &LoadSection, candidate: &LoadSection) -> Vec<String> {
    let mut lines = Vec::new();
    let mut less = |what: &str, is_less: bool, from: String, to: String| {
        if is_less {
            lines.push(changed(&format!("load.{what}"), from, to));
        }
        is_less
    };
    let (from, to) = (base.duration, candidate.duration);
    let mut is_told = less("duration", to < from, span(from), span(to));
    let (from, to) = (shape(&base.model), shape(&candidate.model));
    if from.kind == to.kind {
        let [was, is] = [from.peak, to.peak].map(|peak| format!("{peak} {}", from.kind));
        is_told |= less("model at most", to.peak < from.peak, was, is);
        let [was, is] = [from.mean, to.mean].map(|mean| format!("{mean:.1} {}", from.kind));
        let is_less = to.mean < from.mean * 0.99 && !is_told;
        less("model on average", is_less, was, is);
    } else {
        let words = |one: &Shape| format!("{} {}", one.peak, one.kind);
        less("model", true, words(&from), words(&to));
    }
    let (from, to) = (base.request_timeout, candidate.request_timeout);
    less("request_timeout", to > from, span(from), span(to));
    let text = |requests: Option<u64>| requests.map_or("no limit".to_owned(), |n| n.to_string());
    let is_fewer = candidate.requests.is_some_and(|to| base.requests.is_none_or(|from| to < from));
    less("requests", is_fewer, text(base.requests), text(candidate.requests));
    let is_even = matches!(&candidate.model, Model::Open(_, Arrivals::Even));
    let was_poisson = matches!(&base.model, Model::Open(_, Arrivals::Poisson));
    less("arrivals", was_poisson && is_even, "poisson".into(), "even".into());
    let is_early = candidate.until_sure && !base.until_sure;
    less("until_sure", is_early, "false".into(), "true".into());
    lines
}

/// How large a load is.
struct Shape {
    kind: &'static str,
    peak: f64,
    mean: f64,
}

fn shape(model: &Model) -> Shape {
    let (kind, stages): (_, Vec<(f64, f64)>) = match model {
        Model::Closed(stages) => {
            let stage = stages.iter().map(|s| (f64::from(s.users), s.over.as_secs_f64()));
            ("users", stage.collect())
        }
        Model::Open(stages, _) => {
            ("requests/s", stages.iter().map(|s| (s.rate, s.over.as_secs_f64())).collect())
        }
    };
    let (mut last, mut area, mut length) = (0.0, 0.0, 0.0);
    for (level, over) in &stages {
        area += f64::midpoint(last, *level) * over;
        length += over;
        last = *level;
    }
    let peak = stages.iter().map(|(level, _)| *level).fold(0.0, f64::max);
    Shape { kind, peak, mean: if length > 0.0 { area / length } else { 0.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const BASE: &str = r#"
[load]
host = "http://127.0.0.1:1"
users = 10
duration = "30s"
[thresholds]
fail = ["p95(list) <= 500ms", "error_rate < 1%", "rps >= 10/s", "p50(list) <= base + 5%"]
warn = ["p99 <= 1s"]
[scenario]
wait = { constant = "1s" }
[[scenario.task]]
name = "list"
weight = 3
path = "/list/"
check = { array = "results", min_items = 2 }
[[scenario.task]]
name = "rare"
weight = 1
path = "/rare/"
"#;

    fn read(text: &str) -> Config {
        config::load(text, None, &[]).unwrap().config
    }

    /// The lines after replacements in the base's file.
    fn lines(changes: &[(&str, &str)]) -> Vec<String> {
        let mut text = BASE.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        loosenings(&read(BASE), &read(&text))
    }

    fn line(from: &str, to: &str) -> String {
        let lines = lines(&[(from, to)]);
        assert_eq!(lines.len(), 1, "{from} → {to}: {lines:?}");
        lines[0].clone()
    }

    #[test]
    fn the_same_and_the_stricter_say_nothing() {
        assert_eq!(lines(&[]), [] as [String; 0]);
        let stricter = [
            ("p95(list) <= 500ms", "p95(list) < 500ms"),
            ("error_rate < 1%", "error_rate < 0.5%"),
            ("rps >= 10/s", "rps >= 20/s"),
            ("base + 5%", "base + 4%"),
            ("duration = \"30s\"", "duration = \"60s\""),
            ("users = 10", "users = 12"),
            ("min_items = 2", "min_items = 3"),
            ("constant = \"1s\"", "constant = \"500ms\""),
        ];
        assert_eq!(lines(&stricter), [] as [String; 0]);
        let warns = ["fail = [", "fail = [\"p99 <= 1s\", "];
        assert_eq!(
            lines(&[(warns[0], warns[1]), ("warn = [\"p99 <= 1s\"]", "")]),
            [] as [String; 0]
        );
        // A new task takes a share from all others.
        let more = "[[scenario.task]]\nname = \"new\"\nweight = 9\npath = \"/new/\"\n[[scenario.task]]\nname = \"rare\"";
        assert_eq!(lines(&[("[[scenario.task]]\nname = \"rare\"", more)]), [] as [String; 0]);
    }

    #[test]
    fn a_looser_rule_is_named_with_both_texts() {
        assert_eq!(
            line("p95(list) <= 500ms", "p95(list) <= 800ms"),
            "thresholds.fail: p95(list) <= 500ms → p95(list) <= 800ms"
        );
        assert_eq!(
            line("error_rate < 1%", "error_rate <= 1%"),
            "thresholds.fail: error_rate < 1% → error_rate <= 1%"
        );
        assert_eq!(line("rps >= 10/s", "rps >= 5/s"), "thresholds.fail: rps >= 10/s → rps >= 5/s");
        assert!(line("base + 5%", "base + 50%").contains("→ p50(list) <= base + 50%"));
        assert_eq!(line("\"rps >= 10/s\", ", ""), "thresholds.fail: rps >= 10/s is missing");
        assert_eq!(line("p99 <= 1s", "p99 <= 2s"), "thresholds.warn: p99 <= 1s → p99 <= 2s");
        let warned = lines(&[("\"rps >= 10/s\", ", ""), ("warn = [", "warn = [\"rps >= 10/s\", ")]);
        assert_eq!(warned, ["thresholds.fail: rps >= 10/s → rps >= 10/s, only as a warning"]);
        // One task instead of all, and an absolute limit instead of a relative one.
        assert!(line("error_rate < 1%", "error_rate(rare) < 1%").ends_with("is missing"));
        assert!(line("p50(list) <= base + 5%", "p50(list) <= 9s").contains("→ p50(list) <= 9s"));
    }

    #[test]
    fn a_looser_task_is_named() {
        let rare = "path = \"/rare/\"";
        let accepts = "path = \"/rare/\"\naccept = [200, 404, 500]";
        assert!(line(rare, accepts).contains("task rare: "), "{}", line(rare, accepts));
        let check = "check = { array = \"results\", min_items = 2 }";
        let weaker = "task list: a check is weaker or missing";
        assert_eq!(line(check, ""), weaker);
        assert_eq!(line("min_items = 2", "min_items = 1"), weaker);
        let open = "path = \"/rare/\"\nshape = false";
        assert_eq!(line(rare, open), "task rare: shape: true → false");
        assert_eq!(lines(&[(rare, &format!("{open}\n{check}"))]), [] as [String; 0]);
        assert_eq!(line("weight = 3", "weight = 1"), "task list: weight: 3 of 4 → 1 of 2");
        assert!(line("weight = 1", "weight = 0").starts_with("task rare: weight: 1 of 4 → 0"));
        assert_eq!(line("name = \"rare\"", "name = \"other\""), "task rare is missing");
    }

    #[test]
    fn a_smaller_load_is_named() {
        assert_eq!(
            line("duration = \"30s\"", "duration = \"20s\""),
            "load.duration: 30.0 s → 20.0 s"
        );
        assert_eq!(line("users = 10", "users = 2"), "load.model at most: 10 users → 2 users");
        assert_eq!(line("users = 10", "users = 10\nrequests = 50"), "load.requests: no limit → 50");
        assert!(
            line("users = 10", "users = 10\narrival_rate = \"1/s\"")
                .starts_with("load.model: 10 users")
        );
        assert!(
            line("users = 10", "users = 10\nspawn_rate = \"0.5/s\"")
                .starts_with("load.model on average")
        );
        assert_eq!(
            line("constant = \"1s\"", "constant = \"9s\""),
            "scenario.wait on average: 1.0 s → 9.0 s"
        );
        let timeout = line("users = 10", "users = 10\nrequest_timeout = \"100s\"");
        assert!(timeout.starts_with("load.request_timeout: "), "{timeout}");
        assert_eq!(
            line("users = 10", "users = 10\nuntil_sure = true"),
            "load.until_sure: false → true"
        );
    }
}
