//! Properties of the verdict that must hold for any measurement.

use std::time::Duration;

use proptest::prelude::*;

use crate::judge::headline::passed;
use crate::judge::{Judgement, ThresholdController, generator_fault, judge};
use crate::measure::{Block, Distribution, OverLimit, Row, Summary, TaskSummary};
use crate::steering::StopController;
use crate::threshold::{Names, Severity, Threshold, latency_limits, parse};

const RULES: [&str; 8] = [
    "p95 <= 500ms",
    "p50(list) < 200ms per task",
    "max(slow) < 900ms",
    "mean <= 400ms",
    "error_rate <= 5%",
    "error_rate(list) < 10%",
    "rps > 0.1/s",
    "count(slow) >= 1",
];

fn rules() -> Vec<Threshold> {
    let tasks = ["fast".to_owned(), "slow".to_owned()];
    let groups = ["list".to_owned()];
    let names = Names { tasks: &tasks, groups: &groups, labels: &[], login: false };
    RULES.iter().map(|line| parse(line, Severity::Fail, names).unwrap()).collect()
}

fn row(latencies_us: &[u64], failures: u64, limits: &[Duration]) -> Row {
    let mut row = Row {
        requests: latencies_us.len() as u64 + failures,
        failures,
        beyond: vec![OverLimit::default(); limits.len()],
        failed_beyond: vec![OverLimit::default(); limits.len()],
        with_data: latencies_us.len() as u64,
        ..Row::default()
    };
    for &us in latencies_us {
        let ns = us * 1000;
        row.latency.add(&Distribution {
            count: 1,
            sum_ns: u128::from(ns),
            min_ns: ns,
            max_ns: ns,
            buckets: vec![(us, 1)],
            clipped: 0,
        });
        for (limit, beyond) in limits.iter().zip(&mut row.beyond) {
            beyond.above += u64::from(u128::from(ns) > limit.as_nanos());
            beyond.at_or_above += u64::from(u128::from(ns) >= limit.as_nanos());
        }
    }
    row
}

fn summary(fast: &[u64], slow: &[u64], failures: u64) -> Summary {
    let limits = latency_limits(&rules());
    let task = |name: &str, latencies: &[u64], failures| TaskSummary {
        name: name.to_owned(),
        group: Some("list".to_owned()),
        weight: 1,
        needs_data: true,
        window: row(latencies, failures, &limits),
        ..TaskSummary::default()
    };
    Summary {
        window: Duration::from_secs(30),
        measured: Duration::from_secs(30),
        tasks: vec![task("fast", fast, failures), task("slow", slow, 0)],
        limits,
        ..Summary::default()
    }
}

fn violated(summary: &Summary) -> Vec<String> {
    let verdict = judge(summary, &rules());
    let violated = verdict.judged.iter().filter(|j| j.judgement == Judgement::Violated);
    violated.map(|j| format!("{} {}", j.rule.text, j.rule.scope)).collect()
}

proptest! {
    #[test]
    fn a_slower_sample_never_turns_red_to_green(
        mut fast in prop::collection::vec(1u64..1_500_000, 1..60),
        slow in prop::collection::vec(1u64..1_500_000, 1..60),
        pick in 0usize..60,
        slower in 1u64..2_000_000,
    ) {
        let before = violated(&summary(&fast, &slow, 0));
        let pick = pick % fast.len();
        fast[pick] += slower;
        let after = violated(&summary(&fast, &slow, 0));
        prop_assert!(before.iter().all(|rule| after.contains(rule)), "{before:?} {after:?}");
    }

    #[test]
    fn percentile_rules_agree_with_sorting(
        mut fast in prop::collection::vec(400_000u64..600_000, 1..200),
    ) {
        let red = violated(&summary(&fast, &[1], 0)).contains(&"p95 <= 500ms aggregate".to_owned());
        fast.push(1);
        fast.sort_unstable();
        let rank = (fast.len() * 95).div_ceil(100);
        prop_assert_eq!(red, fast[rank - 1] > 500_000);
    }

    #[test]
    fn one_more_failure_never_turns_red_to_green(
        fast in prop::collection::vec(1u64..1_500_000, 1..60),
        failures in 0u64..40,
    ) {
        let errors = |failures| {
            let red = violated(&summary(&fast, &[1], failures));
            red.into_iter().filter(|rule| rule.starts_with("error_rate")).collect::<Vec<_>>()
        };
        let (before, after) = (errors(failures), errors(failures + 1));
        prop_assert!(before.iter().all(|rule| after.contains(rule)));
    }
}

#[test]
fn rows_are_added_status_by_status() {
    let with = |statuses: &[(u16, u64)]| Row { statuses: statuses.to_vec(), ..Row::default() };
    let mut row = with(&[(200, 3), (500, 1)]);
    row.add(&with(&[(100, 1), (404, 2), (500, 4)]));
    assert_eq!(row.statuses, [(100, 1), (200, 3), (404, 2), (500, 5)]);
    assert_eq!((row.answers_with(500), row.answers_with(503)), (5, 0));
}

#[test]
fn no_data_is_never_a_pass() {
    let verdict = judge(&summary(&[], &[], 0), &rules());
    assert!(verdict.judged.iter().all(|j| j.judgement == Judgement::NoData), "{verdict:#?}");
    assert_eq!(verdict.silent_tasks, ["fast", "slow"]);
}

#[test]
fn only_failures_are_no_data_for_latencies_and_red_for_errors() {
    let verdict = judge(&summary(&[], &[1], 20), &rules());
    let of = |text: &str| verdict.judged.iter().find(|j| j.rule.text.starts_with(text)).unwrap();
    assert_eq!(of("p50(list)").judgement, Judgement::NoData);
    assert_eq!(of("error_rate <=").judgement, Judgement::Violated);
}

#[test]
fn whoever_waited_in_vain_counts_as_slow() {
    // One good answer and four timeouts: 50 ms is not the p95 of this task.
    let mut summary = summary(&[1; 200], &[50_000], 0);
    let slow = &mut summary.tasks[1].window;
    (slow.requests, slow.failures) = (5, 4);
    let ns = 30_000_000_000;
    let buckets = vec![(30_000_000, 4)];
    slow.failed_latency = Distribution {
        count: 4,
        sum_ns: 4 * u128::from(ns),
        min_ns: ns,
        max_ns: ns,
        buckets,
        clipped: 0,
    };
    slow.failed_beyond.iter_mut().for_each(|b| *b = OverLimit { above: 4, at_or_above: 4 });
    let red = violated(&summary);
    assert!(red.contains(&"p50(list) < 200ms per task slow".to_owned()), "{red:?}");
    assert!(red.contains(&"max(slow) < 900ms slow".to_owned()), "{red:?}");
}

#[test]
fn a_task_without_a_single_2xx_has_no_data() {
    let mut summary = summary(&[1], &[1], 0);
    summary.tasks[1].window.with_data = 0;
    assert_eq!(judge(&summary, &rules()).silent_tasks, ["slow"]);
    summary.tasks[1].needs_data = false;
    assert!(judge(&summary, &rules()).silent_tasks.is_empty());
}

/// The judgement of one rule, with its value.
fn judged(summary: &Summary, line: &str) -> (Judgement, Option<f64>) {
    let (tasks, labels) = (["fast".to_owned(), "slow".to_owned()], ["/a/".to_owned()]);
    let names = Names { tasks: &tasks, groups: &[], labels: &labels, login: false };
    let verdict = judge(summary, &[parse(line, Severity::Fail, names).unwrap()]);
    assert_eq!(verdict.judged.len(), 1, "{verdict:#?}");
    (verdict.judged[0].judgement, verdict.judged[0].value)
}

#[test]
fn statuses_sizes_and_labels_are_judged_from_their_rows() {
    use Judgement::{Holds, NoData, Violated};
    let mut summary = summary(&[1; 6], &[1, 1], 0);
    let [fast, slow] = &mut summary.tasks[..] else { panic!("two tasks") };
    fast.label = "/a/".to_owned();
    (fast.window.statuses, fast.window.body_bytes) = (vec![(200, 5), (429, 1)], 6_000);
    (slow.window.statuses, slow.window.body_bytes) = (vec![(404, 1), (429, 1)], 6_000);
    let check = |line, expected| assert_eq!(judged(&summary, line), expected, "{line}");
    check("status(429) <= 2", (Holds, Some(2.0)));
    check("status(429) <= 1", (Violated, Some(2.0)));
    check("status(429) <= 25%", (Holds, Some(0.25)));
    check("status(429) < 25%", (Violated, Some(0.25)));
    check("status(429)(slow) <= 49%", (Violated, Some(0.5)));
    check("status(503) <= 0", (Holds, Some(0.0)));
    check("size <= 1500B", (Holds, Some(1500.0)));
    check("size(slow) < 3kB", (Violated, Some(3000.0)));
    check("count(\"/a/\") >= 6", (Holds, Some(6.0)));
    check("rps(\"/a/\") > 1/s", (Violated, Some(0.2)));
    check("status(429)(\"/a/\") <= 1", (Holds, Some(1.0)));
    summary.tasks[1].window = row(&[], 0, &summary.limits);
    let check = |line| assert_eq!(judged(&summary, line), (NoData, None), "{line}");
    check("status(429)(slow) <= 0");
    check("status(429)(slow) <= 0%");
    check("size(slow) <= 9MB");
}

#[test]
fn a_label_of_several_tasks_is_judged_by_the_deck_alone() {
    let mut summary = summary(&[1; 18], &[900_000; 2], 0);
    summary.tasks.iter_mut().for_each(|task| task.label = "/a/".to_owned());
    summary.limits = vec![Duration::from_millis(500)];
    for (task, us) in summary.tasks.iter_mut().zip([1, 900_000]) {
        task.window = row(&vec![us; task.window.requests as usize], 0, &summary.limits);
    }
    // Targeted extra requests are not in the aggregate, because they change the mix.
    summary.tasks[0].extra_targeted = row(&[1; 100], 0, &summary.limits);
    let (judgement, _) = judged(&summary, "p95(\"/a/\") <= 500ms");
    assert_eq!(judgement, Judgement::Violated);
    summary.tasks[1].weight = 0;
    let (judgement, _) = judged(&summary, "p95(\"/a/\") <= 500ms");
    assert_eq!(judgement, Judgement::Holds, "one task is judged by all of its requests");
}

#[test]
fn a_number_of_answers_is_of_the_window_unless_none_may_be() {
    let mut summary = summary(&[1; 10], &[1; 2], 0);
    summary.tasks[1].window.statuses = vec![(404, 1)];
    summary.tasks[1].extra_targeted = row(&[1; 60], 0, &summary.limits);
    summary.tasks[1].extra_targeted.statuses = vec![(404, 60)];
    let check = |line, expected| assert_eq!(judged(&summary, line), expected, "{line}");
    check("status(404)(slow) <= 10", (Judgement::Holds, Some(1.0)));
    check("status(404)(slow) >= 10", (Judgement::Violated, Some(1.0)));
    check("status(404)(slow) <= 0", (Judgement::Violated, Some(61.0)));
}

#[test]
fn a_number_that_must_be_reached_is_not_decided_before() {
    let count = |requests: usize| {
        let summary = summary(&vec![1; requests], &[1], 0);
        let names = ["fast".to_owned(), "slow".to_owned()];
        let names = Names { tasks: &names, groups: &[], labels: &[], login: false };
        let rule = parse("count(fast) >= 10", Severity::Fail, names).unwrap();
        let controller = ThresholdController { rules: &[rule], until_sure: true };
        controller.steer(&summary, Duration::ZERO).stop.is_some()
    };
    assert_eq!((count(9), count(10)), (false, true));
}

#[test]
fn a_rule_against_what_is_not_there_is_not_judged() {
    let summary = summary(&[1], &[1], 0);
    let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
    let of = |rules: &[(&str, Severity)]| {
        let rules = rules.iter().map(|(line, severity)| parse(line, *severity, names).unwrap());
        judge(&summary, &rules.collect::<Vec<_>>())
    };
    let (fail, warn) = (Severity::Fail, Severity::Warn);
    for sign in ["<", "<=", ">", ">="] {
        let baseline = format!("p95 {sign} baseline * 1.2");
        let base = format!("error_rate {sign} base per task");
        let verdict = of(&[(&baseline, fail), (&base, fail)]);
        let reasons: Vec<_> = verdict.judged.iter().map(|j| j.reason.as_deref()).collect();
        let against = Some("needs --against");
        assert_eq!(reasons, [Some("no baseline"), against, against]);
        assert!(verdict.judged.iter().all(|j| j.judgement == Judgement::NotJudged));
        assert_eq!((verdict.violations().count(), verdict.without_data().count()), (0, 0));
        assert_eq!((verdict.judged_count(), verdict.is_toothless()), (0, true));
    }
    // A judged `warn` rule does not replace a `fail` rule.
    let (relative, plain) = ("p95 <= base", "max < 1s");
    assert!(of(&[(relative, fail), (plain, warn)]).is_toothless());
    assert!(!of(&[(relative, fail), (plain, fail)]).is_toothless());
    assert!(!of(&[(relative, warn), (plain, fail)]).is_toothless());
    assert!(!of(&[(plain, warn)]).is_toothless(), "warned of before the start");
    assert!(of(&[(relative, warn)]).is_toothless() && of(&[]).is_toothless());
    let rules = [parse(relative, fail, names).unwrap(), parse("size < 1kB", fail, names).unwrap()];
    assert!(latency_limits(&rules).is_empty());
}

#[test]
fn a_late_generator_is_at_fault() {
    let with_lag = |lag_us: &[u64]| {
        let mut summary = summary(&[1], &[1], 0);
        summary.generator.lag = row(lag_us, 0, &[]).latency;
        generator_fault(&summary)
    };
    assert_eq!(with_lag(&[1_000; 300]), None);
    let mut one_late = vec![1_000; 300];
    one_late.push(900_000);
    assert_eq!(with_lag(&one_late), None, "one hiccup is no verdict on a machine");
    assert!(with_lag(&[14_000; 300]).is_some_and(|why| why.contains("14 ms at p99")));
    one_late.push(3_000_000);
    assert!(with_lag(&one_late).is_some_and(|why| why.contains("stalled for 3.0 s")));
}

#[test]
fn a_value_exactly_at_the_limit_is_at_most_but_not_below() {
    let at = summary(&[500_000; 20], &[200_000], 0);
    let red = violated(&at);
    assert!(!red.contains(&"p95 <= 500ms aggregate".to_owned()), "{red:?}");
    assert!(red.contains(&"p50(list) < 200ms per task slow".to_owned()), "{red:?}");
}

#[test]
fn a_rule_whose_scope_is_switched_off_has_no_data() {
    let mut summary = summary(&[1], &[1], 0);
    summary.tasks.iter_mut().for_each(|task| {
        task.weight = 0;
        task.window = Row::default();
    });
    let verdict = judge(&summary, &rules());
    assert!(verdict.judged.iter().all(|j| j.judgement == Judgement::NoData));
    assert!(verdict.silent_tasks.is_empty());
}

#[test]
fn blocks_are_added_by_second_wherever_they_overlap() {
    let row = |seconds: &[(u32, u32)]| {
        let block = |(second, requests): &(u32, u32)| Block {
            second: *second,
            requests: *requests,
            ..Block::default()
        };
        Row { blocks: seconds.iter().map(block).collect(), ..Row::default() }
    };
    let added = |mine: &[(u32, u32)], theirs: &[(u32, u32)]| {
        let mut sum = row(mine);
        sum.add(&row(theirs));
        sum.blocks.iter().map(|block| (block.second, block.requests)).collect::<Vec<_>>()
    };
    assert_eq!(added(&[(1, 1), (2, 2)], &[(3, 3)]), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(
        added(&[(1, 1), (4, 2)], &[(2, 3), (4, 4), (9, 1)]),
        [(1, 1), (2, 3), (4, 6), (9, 1)]
    );
    assert_eq!(added(&[(5, 1)], &[(1, 1), (5, 1)]), [(1, 1), (5, 2)]);
    assert_eq!(added(&[], &[(1, 1)]), [(1, 1)]);
    assert_eq!(added(&[(1, 1)], &[]), [(1, 1)]);
}

#[test]
fn what_is_sure_and_narrow_is_named_first() {
    // Half of the slow task's answers are late, which is a fifth of all.
    let slow = [5_000, 900_000].repeat(60);
    let summary = summary(&[5_000; 180], &slow, 0);
    let names = Names { tasks: &["fast".to_owned(), "slow".to_owned()], ..NO_NAMES };
    let rules = ["p95 <= 500ms", "p90 <= 500ms", "p95(slow) <= 500ms", "p99(fast) < 1s"];
    let rules: Vec<_> =
        rules.iter().map(|line| parse(line, Severity::Fail, names).unwrap()).collect();
    let verdict = judge(&summary, &rules);
    let named: Vec<String> = verdict.violations().map(|judged| judged.rule.subject()).collect();
    assert_eq!(named, ["p95(slow)", "p95", "p90"]);
}

const NO_NAMES: Names<'_> = Names { tasks: &[], groups: &[], labels: &[], login: false };

#[test]
fn the_mean_time_to_first_byte_is_judged_by_its_own_times() {
    let ms = |times: &[u64]| row(&times.iter().map(|ms| ms * 1000).collect::<Vec<_>>(), 0, &[]);
    let mut summary = summary(&[50_000; 10], &[], 0);
    summary.tasks[0].window.first_byte = ms(&[10; 10]).latency;
    let judged = |rule: &str, summary: &Summary| {
        let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
        let rule = parse(rule, Severity::Fail, names).unwrap();
        let result = judge(summary, &[rule]).judged.remove(0);
        (result.judgement, result.value)
    };
    assert_eq!(judged("ttfb < 20ms", &summary), (Judgement::Holds, Some(10.0)));
    assert_eq!(judged("ttfb <= 5ms", &summary).0, Judgement::Violated);
    // Cut requests that already took longer than the limit are counted.
    summary.tasks[0].window.failed_latency = ms(&[990; 10]).latency;
    assert_eq!(judged("ttfb < 20ms", &summary).0, Judgement::Violated);
    summary.tasks[0].window = Row::default();
    assert_eq!(judged("ttfb < 20ms", &summary).0, Judgement::NoData);
}

#[test]
fn a_pass_says_how_little_was_seen() {
    let rules = rules();
    let few = summary(&[1_000; 3], &[1_000; 2], 0);
    let verdict = judge(&few, &rules);
    let said = passed(Some(&few), Some(&verdict), None);
    assert!(said.contains(" proven, smallest sample 2); 5 requests"), "{said}");
    let proven: Vec<Threshold> =
        rules.into_iter().filter(|rule| rule.text.starts_with("p95")).collect();
    let many = summary(&[1_000; 2_000], &[1_000; 2_000], 0);
    let said = passed(Some(&many), Some(&judge(&many, &proven)), None);
    assert!(said.starts_with("PASSED: all 1 thresholds passed; "), "{said}");
}
