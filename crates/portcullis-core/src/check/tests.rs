//! Tests that the figures of a file prove only what is true of its latencies: files are
//! made from known latencies, as Locust and as Portcullis make them, and the verdict on the
//! file is compared with the verdict on the latencies.

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::load;
use crate::judge::judge;
use crate::measure::{Distribution, OverLimit, REPORTED_PERCENTILES, Row, Summary, TaskSummary};
use crate::scenario::Scenario;
use crate::threshold::{Labels, Names, Percentile, latency_limits, parse_with};

const BUNDLED: &str = include_str!("../../../../perf.toml");

fn scenario() -> &'static Scenario {
    static BUNDLED_ONE: LazyLock<Scenario> =
        LazyLock::new(|| load(BUNDLED, None, &[]).unwrap().config.scenario);
    &BUNDLED_ONE
}

fn rule(text: &str) -> Threshold {
    let tasks = ["list_reports", "list_uploads", "get_dashboard"].map(str::to_owned);
    let groups = ["list".to_owned()];
    let names = Names { tasks: &tasks, groups: &groups, labels: &[], login: true };
    parse_with(text, Severity::Fail, &names.into(), Labels::Any).unwrap()
}

/// Latencies in whole microseconds: of good answers, and of failures.
type Sample = (Vec<u64>, Vec<u64>);

/// The row of the reports, of another task, and of the login.
const ROWS: [(&str, &str, &str); 3] = [
    ("GET", "/api/v1/reports/?page_size=25", "list_reports"),
    ("GET", "/api/v1/uploads/?page_size=25", "list_uploads"),
    ("POST", "/api/v1/auth/token/", "login"),
];

/// The tool that made a file, which decides what its latencies are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Maker {
    /// Of all requests; percentiles of rank ⌊pn⌋ + 1.
    Locust,
    /// Of good answers; nearest rank. Without a login, because a login outside the sum would
    /// reveal the tool.
    Ours,
}

fn rounded(ms: f64) -> f64 {
    let unit = match ms {
        ms if ms < 100.0 => 1.0,
        ms if ms < 1_000.0 => 10.0,
        ms if ms < 10_000.0 => 100.0,
        _ => 1_000.0,
    };
    (ms / unit).round_ties_even() * unit
}

fn stated_row(method: &str, name: &str, (good, failed): &Sample, maker: Maker) -> StatedRow {
    let mut timed = good.clone();
    if maker == Maker::Locust {
        timed.extend(failed);
    }
    timed.sort_unstable();
    let ms = |us: u64| us as f64 / 1e3;
    let n = timed.len();
    let latency = (n > 0).then(|| StatedLatency {
        mean_ms: timed.iter().map(|us| ms(*us)).sum::<f64>() / n as f64,
        min_ms: ms(timed[0]),
        max_ms: ms(timed[n - 1]),
        percentiles_ms: REPORTED_PERCENTILES
            .iter()
            .map(|percentile| {
                let share = f64::from(percentile.0) / 100_000.0;
                let index = match maker {
                    Maker::Locust => ((n as f64 * share) as usize).min(n - 1),
                    Maker::Ours => percentile.rank(n as u64) as usize - 1,
                };
                (*percentile, rounded(ms(timed[index])))
            })
            .collect(),
    });
    StatedRow {
        method: method.to_owned(),
        name: name.to_owned(),
        requests: (good.len() + failed.len()) as u64,
        failures: failed.len() as u64,
        mean_body_bytes: 1_000.0,
        requests_per_s: 1.0,
        latency,
    }
}

fn file(samples: &[Sample], maker: Maker, failed_latencies: FailedLatencies) -> Stated {
    let samples = if maker == Maker::Locust { samples } else { &samples[..2] };
    let rows = ROWS.iter().zip(samples);
    let rows = rows.map(|((method, name, _), sample)| stated_row(method, name, sample, maker));
    let all = samples.iter().fold(Sample::default(), |mut all, (good, failed)| {
        all.0.extend(good);
        all.1.extend(failed);
        all
    });
    let aggregate = stated_row("", "Aggregated", &all, maker);
    Stated { rows: rows.collect(), aggregate, failed_latencies }
}

fn distribution(us: &[u64]) -> Distribution {
    let mut all = Distribution::default();
    for &us in us {
        let ns = us * 1000;
        all.add(&Distribution {
            count: 1,
            sum_ns: ns.into(),
            min_ns: ns,
            max_ns: ns,
            buckets: vec![(us, 1)],
            clipped: 0,
        });
    }
    all
}

fn measured_row((good, failed): &Sample, limits: &[Duration]) -> Row {
    let counts = |us: &[u64]| {
        let beyond = |limit: &Duration| {
            let count = |is: &dyn Fn(u128) -> bool| {
                us.iter().filter(|us| is(u128::from(**us) * 1000)).count() as u64
            };
            let limit = limit.as_nanos();
            OverLimit { above: count(&|ns| ns > limit), at_or_above: count(&|ns| ns >= limit) }
        };
        limits.iter().map(beyond).collect::<Vec<_>>()
    };
    Row {
        requests: (good.len() + failed.len()) as u64,
        failures: failed.len() as u64,
        latency: distribution(good),
        failed_latency: distribution(failed),
        with_data: good.len() as u64,
        beyond: counts(good),
        failed_beyond: counts(failed),
        ..Row::default()
    }
}

fn measured(samples: &[Sample], limits: &[Duration]) -> Summary {
    let task = |((method, label, name), sample): (&(&str, &str, &str), &Sample)| TaskSummary {
        name: (*name).to_owned(),
        group: Some("list".to_owned()),
        method: (*method).to_owned(),
        label: (*label).to_owned(),
        weight: 1,
        window: measured_row(sample, limits),
        ..TaskSummary::default()
    };
    let mut tasks: Vec<TaskSummary> = ROWS.iter().zip(samples).map(task).collect();
    let login = tasks.pop();
    let second = Duration::from_secs(1);
    Summary { measured: second, limits: limits.to_vec(), tasks, login, ..Summary::default() }
}

/// The verdict on the file, and the verdict on the latencies.
fn both(
    samples: &[Sample],
    text: &str,
    maker: Maker,
    failed: FailedLatencies,
) -> (Checked, Judgement) {
    let rules = [rule(text)];
    let checked = check_stated(&file(samples, maker, failed), &rules, scenario());
    let truth = judge(&measured(samples, &latency_limits(&rules)), &rules);
    (checked[0].clone(), truth.judged[0].judgement)
}

const LIMITS: [&str; 7] = ["7ms", "99ms", "100ms", "104ms", "500ms", "505ms", "3s"];
const METRICS: [&str; 16] = [
    "p50",
    "p90",
    "p95",
    "p99",
    "max",
    "mean",
    "p50(list_reports)",
    "p95(list_reports)",
    "max(list_reports)",
    "mean(list_reports)",
    "login.p50",
    "login.p95",
    "login.max",
    "login.mean",
    "p95(list_uploads)",
    "mean(list_uploads)",
];

fn latency() -> impl Strategy<Value = u64> {
    // Near the limits and their rounding, and far from them.
    prop_oneof![
        1u64..200_000,
        98_000u64..106_000,
        490_000u64..511_000,
        6_000u64..8_000,
        2_900_000u64..3_100_000,
        Just(100_000u64),
        Just(500_000u64),
    ]
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let good = || prop::collection::vec(latency(), 0..45);
    let failed = || prop_oneof![Just(vec![]), prop::collection::vec(latency(), 0..6)];
    prop::collection::vec((good(), failed()), 3..=3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_pass_of_the_file_is_a_pass_of_the_latencies(
        samples in samples(),
        metric in prop::sample::select(&METRICS[..]),
        sign in prop::sample::select(vec!["<", "<=", ">", ">="]),
        limit in prop::sample::select(&LIMITS[..]),
        maker in prop::sample::select(vec![Maker::Locust, Maker::Ours]),
        is_known in any::<bool>(),
    ) {
        // A file from Portcullis is never known to be from Locust.
        let failed = match is_known && maker == Maker::Locust {
            true => FailedLatencies::Included,
            false => FailedLatencies::Unknown,
        };
        let text = format!("{metric} {sign} {limit}");
        let (checked, truth) = both(&samples, &text, maker, failed);
        if let Checked::Outcome(judged) = &checked {
            match judged.judgement {
                Judgement::Holds => prop_assert_eq!(truth, Judgement::Holds, "{} {:?}", text, judged),
                // A percentile with a higher rank may be a violation where ours is not.
                Judgement::Violated if !metric.contains('p') || sign.starts_with('>') => {
                    prop_assert_eq!(truth, Judgement::Violated, "{} {:?}", text, judged);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn counts_are_judged_alike(
        samples in samples(),
        text in prop::sample::select(vec![
            "error_rate <= 5%", "error_rate(list_reports) < 10%", "count >= 40",
            "count(list_uploads) < 20", "login.error_rate <= 0%",
        ]),
        maker in prop::sample::select(vec![Maker::Locust, Maker::Ours]),
    ) {
        let (checked, truth) = both(&samples, text, maker, FailedLatencies::Unknown);
        match checked {
            Checked::Outcome(judged) => prop_assert_eq!(judged.judgement, truth),
            other => prop_assert!(maker == Maker::Ours && text.starts_with("login"), "{:?}", other),
        }
    }

    #[test]
    fn limits_that_were_not_counted_are_judged_by_buckets_or_not_at_all(
        samples in samples(),
        metric in prop::sample::select(vec!["p50", "p95", "p95(list_reports)", "login.p50"]),
        sign in prop::sample::select(vec!["<", "<=", ">", ">="]),
        limit in prop::sample::select(&LIMITS[..]),
    ) {
        let rules = [rule(&format!("{metric} {sign} {limit}"))];
        let truth = judge(&in_buckets(&samples, &latency_limits(&rules)), &rules);
        let counted = in_buckets(&samples, &[Duration::from_millis(1)]);
        let (checked, _) = check_measured(&counted, None, &rules, &[]);
        if let Checked::Outcome(judged) = &checked[0] {
            prop_assert_eq!(judged.judgement, truth.judged[0].judgement);
        }
    }
}

/// Measurements with the buckets of the load engine and exact counts.
fn in_buckets(samples: &[Sample], limits: &[Duration]) -> Summary {
    let mut measured = measured(samples, limits);
    for task in measured.tasks.iter_mut().chain(&mut measured.login) {
        widen(&mut task.window.latency);
        widen(&mut task.window.failed_latency);
    }
    measured
}

/// Buckets like those of a histogram with three digits: 1024 to 2047 of one width.
fn widen(latencies: &mut Distribution) {
    let end = |us: u64| {
        let width = (us / 1024).max(1).next_power_of_two();
        let width = if width > us / 1024 && width > 1 { width / 2 } else { width };
        (us / width + 1) * width - 1
    };
    let mut wide = Distribution { buckets: vec![], ..latencies.clone() };
    for (us, count) in &latencies.buckets {
        match wide.buckets.last_mut() {
            Some((last, sum)) if *last == end(*us) => *sum += count,
            _ => wide.buckets.push((end(*us), *count)),
        }
    }
    *latencies = wide;
}

fn said(samples: &[Sample], text: &str) -> String {
    let locust = file(samples, Maker::Locust, FailedLatencies::Included);
    match &check_stated(&locust, &[rule(text)], scenario())[0] {
        Checked::Outcome(judged) => format!("{:?}", judged.judgement),
        Checked::Undecided { why, .. } | Checked::NotInFile { why, .. } => why.clone(),
    }
}

#[test]
fn a_limit_within_the_rounding_is_not_decided_and_named() {
    // 497 and 503 ms are both rounded to 500 ms.
    let near = |us| vec![(vec![us; 40], vec![]), Sample::default(), Sample::default()];
    for us in [497_000, 503_000] {
        let mut samples = near(us);
        samples[0].0.extend([400_000, 505_000]);
        let why = said(&samples, "p95 < 500ms");
        assert_eq!(why, "500 ms is rounded: it is between 495 ms and 505 ms");
        assert_eq!(said(&samples, "p95 < 510ms"), "Holds");
        assert_eq!(said(&samples, "p95 < 480ms"), "Violated");
    }
    // Without a smaller or larger value, the exact minimum and maximum decide.
    assert_eq!(said(&near(497_000), "p95 < 500ms"), "Holds");
    assert_eq!(said(&near(503_000), "p95 < 500ms"), "Violated");
}

#[test]
fn failures_do_not_improve_a_percentile() {
    // Five fast failures move the slow answer out of Locust's p90.
    let samples = [
        (vec![50_000, 50_000, 50_000, 800_000], vec![2_000; 40]),
        Sample::default(),
        Sample::default(),
    ];
    let why = said(&samples, "p90 < 500ms");
    assert!(why.starts_with("40 of 44 requests failed"), "{why}");
    // The mean of the good answers is 237.5 ms, that of all requests 23.4 ms.
    assert!(said(&samples, "mean < 200ms").starts_with("40 of 44 requests failed"));
    assert_eq!(said(&samples, "mean < 240ms"), "Holds");
}

#[test]
fn the_login_is_left_out_of_all_requests() {
    // Five logins of half a second are 7 % of the requests.
    let samples =
        [(vec![50_000; 40], vec![]), (vec![40_000; 27], vec![]), (vec![590_000; 5], vec![])];
    assert_eq!(said(&samples, "p95 <= 500ms"), "Holds");
    assert_eq!(said(&samples, "count <= 67"), "Holds");
    assert_eq!(said(&samples, "login.p95 < 500ms"), "Violated");
    // If their names say nothing, they count as ordinary requests.
    let mut nameless = file(&samples, Maker::Locust, FailedLatencies::Included);
    nameless.rows[2].name = "/somewhere/".to_owned();
    let checked = check_stated(&nameless, &[rule("p95 <= 500ms")], scenario());
    let Checked::Outcome(judged) = &checked[0] else { panic!("{checked:?}") };
    assert_eq!((judged.judgement, judged.value), (Judgement::Violated, Some(590.0)));
}

#[test]
fn tasks_without_a_row_are_named_and_those_with_one_are_judged() {
    let samples = [(vec![3_003_000; 4], vec![]), (vec![40_000; 27], vec![]), Sample::default()];
    let locust = file(&samples, Maker::Locust, FailedLatencies::Included);
    let checked = check_stated(&locust, &[rule("p95(list) < 500ms per task")], scenario());
    let [Checked::Outcome(one), Checked::Outcome(two), Checked::NotInFile { why, .. }] =
        &checked[..]
    else {
        panic!("{checked:#?}")
    };
    assert_eq!(one.rule.scope.to_string(), "list_uploads");
    assert_eq!(one.judgement, Judgement::Holds);
    assert_eq!(two.rule.scope.to_string(), "list_reports");
    assert_eq!(two.judgement, Judgement::Violated);
    assert!(
        why.contains("list_claims, filter_claims_by_payer") && !why.contains("reports"),
        "{why}"
    );
    let group = check_stated(&locust, &[rule("p95(list) < 500ms")], scenario());
    assert!(matches!(group[..], [Checked::NotInFile { .. }]), "{group:?}");
}

#[test]
fn the_table_of_roundings() {
    let check = |ms: f64, low_ms: f64, high_ms: f64| {
        assert_eq!(before_rounding(ms), Interval { low_ms, high_ms });
    };
    check(0.0, 0.0, 0.5);
    check(83.0, 82.5, 83.5);
    check(100.0, 99.5, 105.0);
    check(110.0, 105.0, 115.0);
    check(1_000.0, 995.0, 1_050.0);
    check(10_000.0, 9_950.0, 10_500.0);
    check(59_000.0, 58_500.0, 59_500.0);
    assert_eq!(Percentile::P95.rank(20), 19);
}

#[test]
fn a_url_in_quotes_is_a_row_whether_the_scenario_knows_it_or_not() {
    let samples =
        [(vec![50_000; 40], vec![]), (vec![40_000; 27], vec![]), (vec![590_000; 5], vec![])];
    assert_eq!(said(&samples, "p95(\"/api/v1/auth/token/\") < 500ms"), "Violated");
    assert_eq!(said(&samples, "p95(\"/api/v1/reports/?page_size=25\") < 60ms"), "Holds");
    assert_eq!(said(&samples, "count(\"/api/v1/uploads/?page_size=25\") >= 28"), "Violated");
    assert_eq!(said(&samples, "p95(\"/api/v1/\") < 60ms"), "no row is named /api/v1/");
    // The label of a task without a row.
    let claims = "p95(\"/api/v1/claims/\") < 60ms";
    assert!(said(&samples, claims).starts_with("no row has the name or the URL of list_claims"));
    // A row with the task's name also has its label.
    let mut named = file(&samples, Maker::Locust, FailedLatencies::Included);
    named.rows[1].name = "list_uploads".to_owned();
    let uploads = rule("count(\"/api/v1/uploads/?page_size=25\") >= 27");
    let checked = check_stated(&named, &[uploads], scenario());
    assert!(matches!(&checked[0], Checked::Outcome(one) if one.judgement == Judgement::Holds));
}

#[test]
fn what_a_statistics_file_never_has_is_no_pass_and_no_violation() {
    let samples = [(vec![50_000; 400], vec![]), Sample::default(), Sample::default()];
    assert_eq!(said(&samples, "status(500) <= 1%"), "it does not count answers by status");
    assert_eq!(said(&samples, "p95 <= baseline * 1.2"), "it has no baseline");
    assert!(said(&samples, "p95 <= base * 1.2 per task").starts_with("it is of one version"));
    assert_eq!(said(&samples, "size <= 1kB"), "Holds");
    assert_eq!(said(&samples, "size(list_reports) < 1kB"), "Violated");
    assert_eq!(said(&samples, "p99.9 <= 51ms"), "Holds");
    // A file cannot prove a rule, but it can show a violation.
    assert!(said(&samples, "p95 <= 60ms prove").starts_with("a proof needs"));
    assert_eq!(said(&samples, "p95 <= 40ms prove"), "Violated");
    assert_eq!(said(&samples, "mean <= 60ms prove"), "Holds");
}

#[test]
fn a_proof_takes_what_the_run_knew_of_its_bad_seconds() {
    let limit = Duration::from_millis(100);
    let samples = [(vec![50_000; 2_000], vec![]), Sample::default(), Sample::default()];
    let mut summary = measured(&samples, &[limit]);
    summary.tasks[0].window.latency.buckets = vec![(50_000, 1_990), (200_000, 10)];
    summary.tasks[0].window.beyond[0] = OverLimit { above: 10, at_or_above: 10 };
    let rules = [rule("p95 <= 100ms prove")];
    let factor = |design_effect: f64| {
        let mut before = judge(&summary, &rules).judged.remove(0);
        before.evidence.as_mut().unwrap().design_effect = design_effect;
        before
    };
    let with =
        |factors: &[ThresholdResult]| check_measured(&summary, None, &rules, factors).0.remove(0);
    assert!(
        matches!(with(&[factor(1.0)]), Checked::Outcome(one) if one.judgement == Judgement::Holds)
    );
    let Checked::Outcome(clustered) = with(&[factor(50.0)]) else { panic!() };
    assert_eq!(clustered.judgement, Judgement::Violated);
    assert_eq!(clustered.reason.as_deref(), Some("not proven to hold"));
    // The design effect is unknown for rules other than the run's own.
    assert!(matches!(with(&[]), Checked::Undecided { why, .. } if why.contains("design effect")));
}
