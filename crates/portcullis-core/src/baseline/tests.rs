//! Tests of rules on the baseline: just below, at and just above each limit; a baseline
//! that is missing or from elsewhere; and the false alarms of the rule.

use std::path::PathBuf;
use std::time::Duration;

use super::{Baseline, BaselinePlan, Fingerprint, Metrics, Origin, Trust};
use crate::config::{self, DEFAULTS, Place};
use crate::judge::{Judgement, ThresholdResult, judge};
use crate::measure::{Distribution, OverLimit, Row, Summary, TaskSummary};
use crate::plan::{Plan, PlanInputs, resolve};
use crate::threshold::{Metric, Severity, Threshold};

const BUNDLED: &str = include_str!("../../../../perf.toml");

fn configured(section: &str) -> Result<config::Loaded, Vec<config::Problem>> {
    let text = BUNDLED.replacen("[thresholds]", &format!("{section}\n[thresholds]"), 1);
    config::load(&text, None, &[])
}

fn stored() -> Baseline {
    Baseline {
        timestamp: Some("2026-01-01T00:00:00Z".to_owned()),
        commit: Some("0123456789abcdef".to_owned()),
        metrics: Metrics {
            p50_ms: 50.0,
            p95_ms: 100.0,
            p99_ms: 200.0,
            mean_ms: 60.0,
            rps: 10.0,
            error_rate: 0.01,
            requests: 300,
            failures: Some(3),
        },
        origin: Some(origin()),
        latency: None,
    }
}

fn origin() -> Origin {
    let machine = Fingerprint {
        system: "linux x86_64".to_owned(),
        cores: 2,
        processor: Some("A".to_owned()),
        memory_bytes: Some(8 << 30),
        quota_cores: None,
    };
    Origin { machine, configuration: "c0ffee".to_owned() }
}

fn plan(section: &str, stored: Option<Baseline>) -> Plan {
    let config = configured(section).unwrap().config;
    let around = PlanInputs { stored, origin: origin(), base: "/p".into(), ..Default::default() };
    resolve(&config, around).unwrap()
}

const FILE: &str = "[baseline]\nfile = \"b.json\"";

/// A hundred good answers with this latency, and failures, in this many seconds.
fn summary(plan: &Plan, latency_ns: u64, failures: u64, seconds: f64) -> Summary {
    let limits = plan.load.limits.clone();
    let count = 100;
    let beyond = |limit: &Duration| OverLimit {
        above: if u128::from(latency_ns) > limit.as_nanos() { count } else { 0 },
        at_or_above: if u128::from(latency_ns) >= limit.as_nanos() { count } else { 0 },
    };
    let latency = Distribution {
        count,
        sum_ns: u128::from(latency_ns * count),
        min_ns: latency_ns,
        max_ns: latency_ns,
        buckets: vec![(latency_ns.div_ceil(1000), count)],
        clipped: 0,
    };
    let window = Row {
        requests: count + failures,
        failures,
        latency,
        beyond: limits.iter().map(beyond).collect(),
        failed_beyond: vec![OverLimit::default(); limits.len()],
        with_data: count,
        ..Row::default()
    };
    Summary {
        measured: Duration::from_secs_f64(seconds),
        tasks: vec![TaskSummary { name: "t".to_owned(), weight: 1, window, ..Default::default() }],
        limits,
        ..Summary::default()
    }
}

/// The judgement of the rule on the baseline that begins with this text.
fn judged(plan: &Plan, summary: &Summary, rule: &str) -> ThresholdResult {
    let is_it = |judged: &&ThresholdResult| judged.rule.text.starts_with(rule);
    let verdict = judge(summary, &plan.thresholds);
    let found: Vec<_> = verdict.judged.iter().filter(is_it).cloned().collect();
    assert_eq!(found.len(), 1, "{rule}: {found:#?}");
    found[0].clone()
}

#[test]
fn each_rule_is_judged_just_below_at_and_just_above_its_limit() {
    use Judgement::{Holds, Violated};
    let plan = plan(FILE, Some(stored()));
    let slow = |rule, limit_ns: u64, severity| {
        for (ns, expected) in [(limit_ns - 1, Holds), (limit_ns, Holds), (limit_ns + 1, Violated)] {
            let found = judged(&plan, &summary(&plan, ns, 0, 10.0), rule);
            assert_eq!((found.judgement, found.rule.severity), (expected, severity), "{rule} {ns}");
        }
    };
    slow("p50 <= baseline", 60_000_000, Severity::Warn);
    slow("p95 <= baseline", 120_000_000, Severity::Fail);
    slow("p99 <= baseline", 250_000_000, Severity::Warn);
    // 7/s of 10/s: the limit for a hundred requests, in seconds.
    let (limit, rule) = (100.0 / 7.0, "rps >= baseline");
    for (seconds, expected) in [(limit - 1e-3, Holds), (limit + 1e-3, Violated)] {
        let found = judged(&plan, &summary(&plan, 1000, 0, seconds), rule);
        assert_eq!((found.judgement, found.rule.severity), (expected, Severity::Warn), "{seconds}");
    }
    let at = judged(&plan, &summary(&plan, 1000, 40, 20.0), rule);
    assert_eq!((at.judgement, at.value), (Holds, Some(7.0)));
}

#[test]
fn the_error_rate_may_rise_by_two_points_exactly() {
    use Judgement::{Holds, Violated};
    // 97 good answers of 100 are an error rate of 3 %, the limit of 1 % + 2 points.
    let plan = plan(FILE, Some(stored()));
    for (failures, requests, expected) in
        [(29, 1000, Holds), (30, 1000, Holds), (31, 1000, Violated)]
    {
        let mut summary = summary(&plan, 1000, failures, 10.0);
        summary.tasks[0].window.requests = requests;
        let found = judged(&plan, &summary, "error_rate <= baseline");
        assert_eq!(
            (found.judgement, found.rule.severity),
            (expected, Severity::Fail),
            "{failures}"
        );
    }
}

#[test]
fn an_equal_run_is_at_the_limit_whatever_its_digits() {
    let section = "[baseline]\nfile = \"b\"\nfail = [\"mean <= baseline\", \"error_rate <= baseline\", \
                   \"rps >= baseline\", \"count >= baseline\", \"count <= baseline\"]\n\
                   warn = [\"mean < baseline\", \"rps > baseline\"]";
    for (mean_ns, failures, seconds) in
        [(45_200_717_u64, 33, 7.0), (1_234_567, 7, 0.3), (99, 1, 13.7)]
    {
        let bare = plan(section, None);
        let seen = summary(&bare, mean_ns, failures, seconds);
        let row = seen.aggregate();
        let mut stored = stored();
        stored.metrics.mean_ms = row.latency.mean_ms().unwrap();
        // The value after writing and reading a file.
        stored.metrics.error_rate = row.error_rate().unwrap() * 100.0 / 100.0;
        stored.metrics.rps = seen.rate(row.requests);
        stored.metrics.requests = row.requests;
        let plan = plan(section, Some(stored));
        let rules = [
            "mean <= ",
            "error_rate <= b",
            "rps >= ",
            "count >= ",
            "count <= ",
            "mean < ",
            "rps > ",
        ];
        for rule in rules {
            let expected = match rule.contains('=') {
                true => Judgement::Holds,
                false => Judgement::Violated,
            };
            let found = judged(&plan, &seen, rule);
            assert_eq!(found.judgement, expected, "{rule} {found:#?}");
        }
    }
}

#[test]
fn the_error_of_a_sum_or_a_product_is_not_part_of_a_limit() {
    let rules = configured(FILE).unwrap().config.thresholds;
    for failures in 0_u32..980 {
        let rate = |failures: u32| f64::from(failures) / 1000.0;
        let mut stored = stored();
        // The value after writing and reading a file.
        stored.metrics.error_rate = rate(failures) * 100.0 / 100.0;
        stored.metrics.rps = f64::from(failures) / 10.0;
        let resolved = super::resolved(&rules, &stored, None);
        let limit = |metric: Metric, severity| {
            let mut found = resolved.iter().filter(|r| r.metric == metric && r.derived.is_some());
            found.find(|rule| rule.severity == severity).unwrap().limit.value()
        };
        assert_eq!(limit(Metric::ErrorRate, Severity::Fail), rate(failures + 20), "{failures}");
        assert_eq!(limit(Metric::Rps, Severity::Warn), f64::from(failures * 7) / 100.0);
    }
}

#[test]
fn without_a_file_there_are_no_rules_and_without_a_baseline_none_is_judged() {
    assert!(plan("", None).baseline.is_none());
    assert_eq!(plan("", None).thresholds.len(), 6, "the defaults count only with a file");
    let missing = plan(FILE, None);
    assert_eq!(missing.thresholds.len(), 11);
    assert_eq!(missing.baseline.as_ref().map(|b| b.file.clone()), Some(PathBuf::from("/p/b.json")));
    let found = judged(&missing, &summary(&missing, 1000, 0, 1.0), "p95 <= baseline");
    assert_eq!(found.judgement, Judgement::NotJudged);
    assert_eq!(found.reason.as_deref(), Some("no baseline"));
    assert!(missing.load.limits.len() < plan(FILE, Some(stored())).load.limits.len());
}

#[test]
fn a_baseline_from_elsewhere_only_warns_unless_it_is_trusted() {
    let machine = |change: fn(&mut Fingerprint)| {
        let mut stored = stored();
        change(&mut stored.origin.as_mut().unwrap().machine);
        stored
    };
    let check = |stored: Baseline, words: &str| {
        let lowered = plan(FILE, Some(stored.clone()));
        let seen = summary(&lowered, 130_000_000, 0, 10.0);
        let found = judged(&lowered, &seen, "p95 <= baseline");
        assert_eq!((found.judgement, found.rule.severity), (Judgement::Violated, Severity::Warn));
        let told = found.rule.derived_in_words();
        assert!(told.contains(words) && told.ends_with(": use --against"), "{told}");
        assert!(lowered.warnings.iter().any(|w| w.contains(words)), "{:?}", lowered.warnings);
        let trusted = plan(&format!("{FILE}\ntrust = \"always\""), Some(stored));
        let found = judged(&trusted, &seen, "p95 <= baseline");
        assert_eq!(found.rule.severity, Severity::Fail, "the literal old rule");
        assert!(trusted.warnings.iter().any(|w| w.contains(words)), "named all the same");
    };
    check(machine(|m| m.cores = 4), "on a different machine (4 cores, here 2 cores)");
    check(machine(|m| m.processor = None), "unknown CPU, here A");
    check(machine(|m| m.memory_bytes = Some(16 << 30)), "16.0 GiB, here 8.0 GiB");
    check(machine(|m| m.quota_cores = Some(1.5)), "a quota of 1.5 cores, here no quota");
    check(machine(|m| m.system = "linux aarch64".to_owned()), "linux aarch64, here linux x86_64");
    let mut other = stored();
    other.origin.as_mut().unwrap().configuration = "other".to_owned();
    check(other, "measured with a different configuration");
    check(Baseline { origin: None, ..stored() }, "its machine is not recorded");
    let near = machine(|m| m.memory_bytes = Some((8 << 30) - (100 << 20)));
    assert!(plan(FILE, Some(near)).warnings.is_empty(), "a kernel's own share is no difference");
}

#[test]
fn limits_are_told_with_what_they_came_from() {
    let mut with_samples = stored();
    let buckets: Vec<(u64, u64)> = (1..=1000).map(|n| (n * 105, 1)).collect();
    with_samples.latency = Some(Distribution {
        count: 1000,
        sum_ns: 1,
        min_ns: 105_000,
        max_ns: 105_000_000,
        buckets,
        clipped: 0,
    });
    with_samples.metrics.p95_ms = 99.75;
    let plan = plan(FILE, Some(with_samples));
    let rule =
        |text: &str| plan.thresholds.iter().find(|rule| rule.text.starts_with(text)).unwrap();
    let words = |text| rule(text).limit_in_words();
    assert_eq!(words("p95 <= baseline"), "120 ms (baseline 99.8 ms + 20 %)");
    assert_eq!(words("rps >= baseline"), "7 (baseline 10 - 30 %)");
    assert_eq!(words("error_rate <= baseline"), "3.00 % (baseline 1.00 % + 2.00 points)");
    let told = rule("p95 <= baseline").derived_in_words();
    assert!(
        told.starts_with("; baseline 99.8 ms, 95 %: ") && told.ends_with(", 1000 samples"),
        "{told}"
    );
    let told = rule("error_rate <= baseline").derived_in_words();
    assert!(told.contains("; baseline 1.00 %, 95 %: 0.") && told.contains("300 samples"), "{told}");
    assert_eq!(rule("p50 <= baseline").derived_in_words(), "", "that figure was changed by hand");
    assert_eq!(rule("rps >= baseline").derived_in_words(), "");
}

#[test]
fn a_rule_of_the_section_must_need_it_and_a_default_gives_way() {
    let problem = |section: &str| {
        let found = configured(section).unwrap_err();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(matches!(found[0].at, Place::File(..)), "{found:#?}");
        found[0].message.clone()
    };
    assert!(problem("[baseline]\nfail = [\"p95 <= 1s\"]").contains("move it to [thresholds]"));
    assert!(problem("[baseline]\nfail = [\"p95 <= basline\"]").contains("did you mean"));
    assert!(problem("[baseline]\ntrust = \"allways\"").contains("did you mean \"always\"?"));
    assert!(problem("[baseline]\nfile = \"\"").contains("is not a file name"));
    assert!(problem("[baseline]\nfiel = \"x\"").contains("did you mean \"file\"?"));
    let both = configured("[baseline]\nfile = \"b\"").unwrap().config.thresholds;
    let line = "fail = [\n    \"p95 <= baseline + 20%\",";
    let text =
        BUNDLED.replacen("fail = [", line, 1).replacen("[load]", &format!("{FILE}\n[load]"), 1);
    let once = config::load(&text, None, &[]).unwrap().config.thresholds;
    let count = |rules: &[Threshold]| {
        rules.iter().filter(|rule| rule.text == "p95 <= baseline + 20%").count()
    };
    assert_eq!((count(&both), count(&once)), (1, 1));
    assert!(DEFAULTS.contains("trust = \"same-machine\""));
}

#[test]
fn what_changes_no_figure_is_not_part_of_what_is_measured() {
    let measured = |text: &str| {
        let loaded = config::load(text, None, &[]).unwrap();
        config::to_measured_toml(&loaded.tree)
    };
    let with = |from: &str, to: &str| measured(&BUNDLED.replacen(from, to, 1));
    let own = measured(BUNDLED);
    assert_eq!(with("\"p95 <= 500ms\"", "\"p95 <= 400ms\""), own);
    assert_eq!(with("[load]", "[load]\nseed = 7"), own);
    assert_eq!(with("port = 8000", "port = \"auto\""), own);
    assert_ne!(with("users = 5", "users = 6"), own);
    assert_ne!(with("weight = 5", "weight = 6"), own);
    assert_ne!(with("DEBUG = \"True\"", "DEBUG = \"False\""), own);
    assert!(!own.contains("testpass123"));
}

/// Ten runs on identical code, same machine, a fresh server each.
const AA_RUNS: [&str; 10] = [
    include_str!("../../../../fixtures/aa-runs/run1-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run2-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run3-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run4-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run5-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run6-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run7-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run8-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run9-stats.csv"),
    include_str!("../../../../fixtures/aa-runs/run10-stats.csv"),
];

#[test]
fn the_rule_cries_wolf_in_16_of_90_pairs_of_identical_code() {
    let p95 = |csv: &&str| -> f64 {
        let mut lines = csv.lines();
        let column = lines.next().unwrap().split(',').position(|name| name == "95%").unwrap();
        let last = lines.last().unwrap();
        assert!(last.starts_with(",Aggregated,"), "{last}");
        last.split(',').nth(column).unwrap().parse().unwrap()
    };
    let runs: Vec<f64> = AA_RUNS.iter().map(p95).collect();
    let (mut pairs, mut red) = (0, 0);
    for (index, before) in runs.iter().enumerate() {
        let mut stored = stored();
        stored.metrics.p95_ms = *before;
        let plan = plan(FILE, Some(stored));
        for (_, after) in runs.iter().enumerate().filter(|(other, _)| *other != index) {
            let seen = summary(&plan, (after * 1e6) as u64, 0, 30.0);
            pairs += 1;
            red +=
                u32::from(judged(&plan, &seen, "p95 <= baseline").judgement == Judgement::Violated);
        }
    }
    assert_eq!((red, pairs), (16, 90));
}

#[test]
fn a_plan_without_a_stored_baseline_is_not_foreign() {
    let plan = BaselinePlan::new("/b".into(), Trust::SameMachine, None, &origin());
    assert_eq!((plan.foreign.as_deref(), plan.is_lowered), (None, false));
    assert_eq!(plan.described(), "not judged");
    let stored = BaselinePlan::new("/b".into(), Trust::SameMachine, Some(stored()), &origin());
    assert_eq!(stored.described(), "from 2026-01-01T00:00:00Z, commit 0123456789");
}
