//! The grammar, by example and by property.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Threshold, ParseError> {
    let tasks = ["list_claims".to_owned(), "search".to_owned()];
    let groups = ["list".to_owned()];
    parse(text, Severity::Fail, Names { tasks: &tasks, groups: &groups, login: true })
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
}

#[test]
fn errors_name_the_column_and_the_nearest_word() {
    let check = |text: &str, column: usize, part: &str| {
        let error = read(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    };
    check("p96 < 5ms", 1, "did you mean \"p9");
    check("p95(list_claim) < 5ms", 5, "did you mean \"list_claims\"");
    check("p95 500ms", 5, "comparison is missing");
    check("p95 < 500", 7, "has no unit");
    check("error_rate < 5ms", 14, "unknown unit");
    check("p95(list < 5ms", 5, "\")\" is missing");
    check("p95 < 5ms per user", 11, "per task");
    check("p95(search) < 5ms per task", 19, "needs a group");
    check("", 1, "no metric");
}

#[test]
fn nearest_rank_is_the_smallest_value_that_covers_the_share() {
    assert_eq!(Percentile::P95.rank(20), 19);
    assert_eq!(Percentile::P95.rank(21), 20);
    assert_eq!(Percentile::P95.rank(1), 1);
    assert_eq!(Percentile::P50.rank(2), 1);
    assert_eq!(Percentile(100_000).rank(7), 7);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn near_misses_do_not_panic(text in "(p95|login\\.p50|rps)?(\\(|\\)|list| |<|=|>|5|ms|%|per task|é){0,12}") {
        let _ = read(&text);
    }
}
