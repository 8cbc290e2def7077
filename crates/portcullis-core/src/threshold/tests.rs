//! Tests of the grammar by example: every form in words, every mistake with its column.

use proptest::prelude::*;

use super::*;

pub(super) fn read_as(text: &str, severity: Severity) -> Result<Threshold, ParseError> {
    let tasks = ["list_claims".to_owned(), "search".to_owned()];
    let groups = ["list".to_owned()];
    let labels = ["/claims/".to_owned(), "/claims/{id}/?q=\"(a)\"".to_owned()];
    parse(text, severity, Names { tasks: &tasks, groups: &groups, labels: &labels, login: true })
}

fn read(text: &str) -> Result<Threshold, ParseError> {
    read_as(text, Severity::Fail)
}

#[test]
fn rules_are_printed_back_in_words() {
    let check = |text: &str, words: &str| assert_eq!(read(text).unwrap().in_words(), words);
    check("p95 <= 500ms", "the p95 latency of all requests is at most 500 ms");
    check(
        "p95(list) < 500ms per task",
        "the p95 latency of each task of the group list is below 500 ms",
    );
    check("error_rate(search)<=5%", "the error rate of search is at most 5.00 %");
    check("login.p95 < 2s", "the p95 latency of the login is below 2000 ms");
    check("rps >= 2/s", "the number of requests per second of all requests is at least 2");
    check("count > 30 per task", "the number of requests of each task is above 30");
    check(
        "p99.9(list) < 3 s",
        "the p99.9 latency of all requests of the group list is below 3000 ms",
    );
    check("login.p99.9 < 3s", "the p99.9 latency of the login is below 3000 ms");
    check("mean < 9ms", "the mean latency of all requests is below 9.00 ms");
    check("max(aggregate) < 9s", "the longest latency of all requests is below 9000 ms");
    check("size < 20kB", "the mean size of a body of all requests is below 20.00 kB");
    check("size(search) > 1 KiB", "the mean size of a body of search is above 1.02 kB");
    check(
        "p95(\"/claims/\") < 500ms",
        "the p95 latency of all requests to /claims/ is below 500 ms",
    );
}

#[test]
fn a_status_is_counted_or_shared_as_its_limit_says() {
    let check = |text: &str, limit: Limit, words: &str| {
        let rule = read(text).unwrap();
        assert_eq!((rule.limit, rule.in_words().as_str()), (limit, words));
    };
    check(
        "status(429) <= 0",
        Limit::Number(0.0),
        "the number of answers with status 429 of all requests is at most 0",
    );
    check(
        "status(429)(list) < 1 % per task",
        Limit::Share(0.01),
        "the share of answers with status 429 of each task of the group list is below 1.00 %",
    );
    check(
        "login.status( 401 ) <= 2",
        Limit::Number(2.0),
        "the number of answers with status 401 of the login is at most 2",
    );
}

#[test]
fn limits_against_baseline_and_base_are_a_factor_and_an_addition() {
    use Reference::{Base, Baseline};
    let check = |text: &str, to, factor, plus, words: &str| {
        let rule = read(text).unwrap();
        assert_eq!(rule.limit, Limit::Relative(Relative { to, factor, plus }), "{text}");
        let (_, limit) = rule
            .in_words()
            .split_once(" is at most ")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(limit, words, "{text}");
    };
    check("p50 <= baseline", Baseline, 1.0, 0.0, "the baseline");
    check("p50 <= baseline * 1.2", Baseline, 1.2, 0.0, "1.2 times the baseline");
    check("p50<=baseline*1.2", Baseline, 1.2, 0.0, "1.2 times the baseline");
    check("p95 <= baseline + 14%", Baseline, 1.14, 0.0, "1.14 times the baseline");
    check("rps <= baseline - 30%", Baseline, 0.7, 0.0, "0.7 times the baseline");
    check("mean <= baseline + 150 %", Baseline, 2.5, 0.0, "2.5 times the baseline");
    check("p99 <= baseline + 50ms", Baseline, 1.0, 50.0, "the baseline plus 50.0 ms");
    check("p99 <= baseline - 0.5 s", Baseline, 1.0, -500.0, "the baseline minus 500 ms");
    check("error_rate <= baseline + 2pt", Baseline, 1.0, 0.02, "the baseline plus 2.00 points");
    check("error_rate <= baseline + 2 pt", Baseline, 1.0, 0.02, "the baseline plus 2.00 points");
    check("error_rate <= baseline + 20%", Baseline, 1.2, 0.0, "1.2 times the baseline");
    check("count <= baseline + 20", Baseline, 1.0, 20.0, "the baseline plus 20");
    check("rps <= baseline - 60/m", Baseline, 1.0, -1.0, "the baseline minus 1");
    check("p95(list) <= base + 20% per task", Base, 1.2, 0.0, "1.2 times the base");
    check("max(search) <= base * 2", Base, 2.0, 0.0, "2 times the base");
    check("size <= base + 1kB", Base, 1.0, 1000.0, "the base plus 1.00 kB");
    check("status(500) <= base + 1pt", Base, 1.0, 0.01, "the base plus 1.00 points");
    check(
        "p99.9 <= base abort",
        Base,
        1.0,
        0.0,
        "the base; ends the run early once it is surely violated",
    );
}

#[test]
fn what_follows_the_limit_is_told_too() {
    let check = |text: &str, told: (bool, Option<u64>, Policy), words: &str| {
        let rule = read(text).unwrap();
        let after_s = rule.after.map(|after| after.as_secs());
        assert_eq!((rule.abort, after_s, rule.policy), told, "{text}");
        let said = rule.in_words();
        assert_eq!(said.split_once("500 ms").unwrap().1, words, "{text}");
    };
    let early = "; ends the run early once it is surely violated";
    check("p95 < 500ms", (false, None, Policy::Estimate), "");
    check("p95 < 500ms abort", (true, None, Policy::Estimate), early);
    check(
        "p95 < 500ms abort after 10 s",
        (true, Some(10), Policy::Estimate),
        &format!("{early}, not in the first 10.0 s"),
    );
    check("p95 < 500 ms per task prove", (false, None, Policy::Prove), "; must be proven");
    check(
        "p95 < 500ms per task abort after 1m prove",
        (true, Some(60), Policy::Prove),
        &format!("{early}, not in the first 1 m 00 s; must be proven"),
    );
}

#[test]
fn errors_name_the_column_and_the_nearest_word() {
    let check = |text: &str, column: usize, part: &str| {
        let error = read(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    };
    check("p96 < 5ms", 1, "did you mean \"p9");
    check("p999 < 5ms", 1, "did you mean \"p99\"");
    check("sise < 5kB", 1, "did you mean \"size\"");
    check("staus(429) < 5", 1, "did you mean \"status\"");
    check("p95(list_claim) < 5ms", 5, "did you mean \"list_claims\"");
    check("status(429)(serch) < 5", 13, "did you mean \"search\"");
    check("p95(\"/claim/\") < 5ms", 5, "did you mean \"/claims/\"");
    check("p95(/claims/) < 5ms", 5, "in double quotes: (\"/claims/\")");
    check("p95(\"/claims/) < 5ms", 5, "closing quote is missing");
    check("p95(\"/claims/\" < 5ms", 5, "\")\" is missing");
    check("p95(\"/claims/\") < 5ms per task", 23, "needs a group");
    check("p95 500ms", 5, "comparison is missing");
    check("p95 < 500", 7, "has no unit");
    check("p95 < 500 per task", 7, "has no unit");
    check("error_rate < 5ms", 14, "unknown unit");
    check("size < 5ms", 8, "one of B, kB, MB, KiB, MiB");
    check("size < 5", 8, "write \"5B\" or \"5kB\"");
    check("p95(list < 5ms", 5, "\")\" is missing");
    check("p95 < 5ms per user", 11, "per task");
    check("p95 < 5ms pre task", 11, "did you mean \"per\"");
    check("p95(search) < 5ms per task", 19, "needs a group");
    check("login.p95(list) < 5ms", 10, "takes no scope");
    check("count < 5ms", 9, "not a number");
    check("count < 5 abrot", 11, "did you mean \"abort\"");
    check("p95 < 5ms proove", 11, "did you mean \"prove\"");
    check("p95 < 5ms prove abort", 17, "in the wrong place");
    check("p95 < 5ms after 10s", 11, "after needs abort");
    check("p95 < 5ms abort after", 22, "needs a duration");
    check("p95 < 5ms abort after 10 prove", 23, "\"10\" has no unit");
    check("p95 < abort", 7, "the limit is missing: write one such as 500ms");
    check("size <", 7, "write one such as 20kB");
    check("status <= 0", 8, "write it as in status(429)");
    check("status(42) <= 0", 8, "from 100 to 599");
    check("status(600) <= 0", 8, "from 100 to 599");
    check("status(+429) <= 0", 8, "invalid status \"+429\"");
    check("status(429 <= 0", 12, "\")\" is missing");
    check("status(429) <= 0.5pt", 16, "not a number");
    check("", 1, "unknown metric");
    check("é <", 1, "unknown metric");
}

#[test]
fn errors_of_relative_limits_say_what_can_be_compared() {
    let check = |text: &str, column: usize, part: &str| {
        let error = read(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    };
    check("p95 <= basline * 1.2", 8, "did you mean \"baseline\"");
    check("p95 <= vase", 8, "did you mean \"base\"");
    check("p95 <= baseline * 120%", 19, "not a factor");
    check("p95 <= baseline * 0", 19, "not a factor above 0");
    check("p95 <= baseline * -1", 19, "not a factor above 0");
    check("p95 <= baseline 1.2", 17, "*, + or -");
    check("p95 <= baseline + 50", 19, "has no unit");
    check(
        "p95 <= baseline + 2pt",
        19,
        "points (pt) are for shares only: write a limit such as \
                                        500ms or 20%",
    );
    check("error_rate <= baseline + 2", 26, "\"2pt\" or \"2%\"");
    check("error_rate <= baseline + 50ms", 26, "one of pt, %");
    check("rps >= baseline - 100%", 19, "leaves no limit");
    check("p95 <= baseline + 20% + 5ms", 23, "unexpected");
    check("max <= baseline", 8, "the baseline has no max, only p50, p95, p99, mean, rps");
    check("p99.9 <= baseline", 10, "has no p99.9");
    check("status(429) <= baseline", 16, "has no status(429)");
    check("size <= baseline", 9, "has no size");
    check("p95(list) <= baseline", 14, "all requests only");
    check("login.p95 <= baseline", 14, "all requests only");
    check("p95 <= baseline * 1.2 per task", 23, "not each task");
    check("login.p95 <= base", 14, "the base has no login");
    check("p95(\"/claims/\") <= base", 20, "not by label");
}

#[test]
fn a_warning_cannot_end_the_run() {
    let error = read_as("p95 < 5ms abort", Severity::Warn).unwrap_err();
    assert_eq!((error.column, error.message.as_str()), (11, ABORT_NEEDS_FAIL));
}

#[test]
fn an_unresolved_limit_is_no_number_and_nothing_holds_against_it() {
    let limit = read("p95 <= base").unwrap().limit.value();
    let all = [Comparison::Below, Comparison::AtMost, Comparison::Above, Comparison::AtLeast];
    assert!(all.iter().all(|comparison| !comparison.holds(1.0, limit)));
}

#[test]
fn nearest_rank_is_the_smallest_value_that_covers_the_share() {
    assert_eq!(Percentile::P95.rank(20), 19);
    assert_eq!(Percentile::P95.rank(21), 20);
    assert_eq!(Percentile::P95.rank(1), 1);
    assert_eq!(Percentile::P50.rank(2), 1);
    assert_eq!(Percentile(100_000).rank(7), 7);
}

/// The rules of the reference's table of examples.
#[test]
fn every_example_of_the_reference_is_a_rule() {
    let page = include_str!("../../../../docs/reference/thresholds.md");
    let (_, examples) = page.split_once("## Examples").unwrap();
    let (examples, _) = examples.split_once("\n## ").unwrap();
    let rules: Vec<&str> = examples
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(rule, _)| rule))
        .collect();
    assert!(rules.len() > 15, "{rules:?}");
    let [list, detail] = ["list", "detail"].map(str::to_owned);
    let tasks = ["get_claim_detail", "list_reports", "search_claims"].map(str::to_owned);
    let labels = ["/api/v1/claims/", "has results"].map(str::to_owned);
    let groups = [list, detail, "user:reader".to_owned()];
    let names = Names { tasks: &tasks, groups: &groups, labels: &labels, login: true };
    for rule in rules {
        let read = parse(rule, Severity::Fail, names);
        assert!(read.is_ok(), "{rule}: {:?}", read.err());
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn near_misses_do_not_panic(
        text in "(p95|login\\.p50|rps|status|size)?(\\(|\\)|429|\"|/claims/|list| |<|=|>|5|ms|kB|%|pt|baseline|base|\\*|\\+|-|per task|abort|after|prove|é){0,12}"
    ) {
        if let Err(error) = read(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}");
        }
    }
}

#[test]
fn the_longest_gap_is_of_the_whole_load() {
    let tasks = ["search".to_owned()];
    let names = Names { tasks: &tasks, groups: &[], labels: &[], login: true };
    let read = |text: &str| parse(text, Severity::Fail, names);
    let rule = read("longest_gap <= 1s").unwrap();
    assert_eq!((rule.metric, rule.subject().as_str()), (Metric::LongestGap, "longest_gap"));
    let words = "the longest time without an answer in the window is at most 1000 ms";
    assert_eq!(rule.in_words(), words);
    assert!(latency_limits(&[rule]).is_empty(), "no request is counted by it");
    for text in
        ["longest_gap(search) <= 1s", "login.longest_gap <= 1s", "longest_gap <= 1s per task"]
    {
        let said = read(text).unwrap_err().to_string();
        assert!(said.contains("is of the whole load"), "{text}: {said}");
    }
    assert!(read("longest_gap <= base + 20%").unwrap_err().to_string().contains("pairs"));
    assert!(read("longest_gap <= baseline + 20%").is_err());
}

#[test]
fn a_gap_is_compared_and_an_unknown_one_is_no_data() {
    use crate::judge::{Judgement, judge};
    use crate::measure::{Gap, Row, Summary, TaskSummary};
    let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
    let rules = [parse("longest_gap <= 1s", Severity::Fail, names).unwrap()];
    let judged = |length: Option<u64>| {
        let window = Row { requests: 9, with_data: 9, ..Row::default() };
        let gap = |ms| Gap { at: Duration::ZERO, length: Duration::from_millis(ms) };
        let tasks = vec![TaskSummary { window, ..TaskSummary::default() }];
        let summary = Summary { tasks, longest_gap: length.map(gap), ..Summary::default() };
        judge(&summary, &rules).judged[0].judgement
    };
    let all = [Some(1_000), Some(1_001), None].map(judged);
    assert_eq!(all, [Judgement::Holds, Judgement::Violated, Judgement::NoData]);
}
