//! JUnit, Markdown and Prometheus: what they say, and that they stay small and
//! whole whatever stands in them.

use std::collections::BTreeSet;

use portcullis_core::judge::findings::missing_baseline;
use portcullis_core::judge::{Finding, Judgement};
use portcullis_core::measure::SeriesPoint;
use portcullis_report::{RunRecord, junit, markdown, prometheus};
use proptest::prelude::*;

use crate::{compared, runs};

#[test]
fn a_red_run_has_a_failure_with_its_evidence_for_each_violation() {
    let file = junit::write(&runs::red());
    assert_eq!(file.matches("<failure ").count(), 3, "{file}");
    for part in [
        "<testsuite name=\"list_claims\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"",
        "surely violated\n",
        "detects it 19 times in 20.",
        "<system-out>warning: error_rate = ",
    ] {
        assert!(file.contains(part), "{part}: {file}");
    }
}

#[test]
fn what_decides_without_a_rule_fails_a_case_and_stands_in_the_summary() {
    let slower = compared::slower();
    let file = junit::write(&slower);
    assert!(file.contains("name=\"against: list_claims\">\n<failure type=\"violated\""), "{file}");
    assert!(markdown::write(&slower).contains("- ✗ **violated** <code>list_claims is slower"));
    let mut missed = runs::Recipe::sound().run();
    let missing = "no baseline: perf-baseline.json does not exist";
    missed.findings = vec![missing_baseline("perf-baseline.json".as_ref())];
    (missed.exit_code, missed.strict) = (1, true);
    let file = junit::write(&missed);
    assert!(file.contains("name=\"baseline: missing\">\n<failure "), "{file}");
    assert!(markdown::write(&missed).contains(missing));
}

#[test]
fn the_advice_and_the_log_of_a_failed_stage_are_in_summary_and_results() {
    let mut run = runs::broken();
    assert!(!markdown::write(&run).contains("- try: "));
    let last = run.stages.last_mut().unwrap();
    last.end = portcullis_core::event::StageEnd::Failed("no".to_owned());
    (last.log, last.advice) = (Some("server.log".to_owned()), Some("start | it".to_owned()));
    let text = markdown::write(&run);
    assert!(text.contains("- try: start &#124; it\n- log: <code>server.log</code>\n"), "{text}");
    let json = portcullis_report::results::write(&run).unwrap();
    assert!(json.contains("\"advice\": \"start | it\""), "{json}");
    let again = portcullis_report::results::read(json.as_bytes()).unwrap();
    assert_eq!(again.stages, run.stages);
}

#[test]
fn a_warning_that_fails_a_strict_run_is_no_warning_in_any_report() {
    let strict = RunRecord { strict: true, ..runs::red() };
    let file = junit::write(&strict);
    assert_eq!(file.matches("<failure ").count(), 4, "{file}");
    assert!(!file.contains("(warning)") && !file.contains("warning: "), "{file}");
    assert!(!markdown::write(&strict).contains("**warning**"));
    let page = portcullis_report::html::write(&strict);
    assert!(!page.contains(">warning<") && !page.contains("chip is-warning"));
}

#[test]
fn an_invalid_run_is_an_error_and_what_has_no_data_is_skipped() {
    let mut run = runs::Recipe::sound().run();
    run.findings = vec![Finding::invalid("2 of 5 users could not log in".to_owned())];
    run.exit_code = 5;
    if let Some(first) = run.verdict.as_mut().and_then(|verdict| verdict.judged.first_mut()) {
        (first.judgement, first.value, first.evidence) = (Judgement::NoData, None, None);
    }
    let file = junit::write(&run);
    assert!(file.contains("<error type=\"invalid\" message=\"2 of 5 users could not log in\">"));
    assert!(file.contains("<skipped message=\"p95: no samples for the limit &lt;= 500 ms\"/>"));
    assert!(file.contains("failures=\"0\" errors=\"1\""), "{file}");
}

#[test]
fn the_summary_of_a_red_run_has_its_violations_before_its_table() {
    let text = markdown::write(&runs::red());
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert_eq!(place(markdown::MARKER), 0);
    assert!(place("FAILED") < place("- ✗ **violated** <code>p95 ="));
    assert!(place("; surely</code>") < place("| task | requests"));
    assert!(place("p95 over time: `") < place("<summary>Thresholds</summary>"));
    assert!(text.contains("▇") && text.contains("--seed 7340921"));
}

#[test]
fn a_summary_with_everything_too_long_still_fits() {
    let text = "|<`&".repeat(2_000);
    let mut run = runs::hostile(&text);
    run.findings.extend(vec![Finding::invalid(text); 20]);
    if let Some(summary) = &mut run.summary {
        let tasks = summary.tasks.clone();
        summary.tasks = tasks.iter().cycle().take(400).cloned().collect();
        summary.series = vec![SeriesPoint::default(); 4_000];
    }
    let text = markdown::write(&run);
    assert!(text.len() <= markdown::LONGEST, "{}", text.len());
    assert!(text.contains("This summary is too long and was shortened"), "{text}");
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}

#[test]
fn a_run_without_anything_has_all_files() {
    let nothing = RunRecord::default();
    assert!(junit::write(&nothing).contains("tests=\"1\" failures=\"0\" errors=\"0\""));
    assert!(markdown::write(&nothing).starts_with(markdown::MARKER));
    assert!(prometheus::write(&nothing).contains("portcullis_exit_code 0\n"));
}

#[test]
fn gauges_have_their_help_and_no_sample_twice() {
    let mut run = runs::red();
    if let Some(verdict) = &mut run.verdict {
        verdict.judged.extend(verdict.judged.clone());
    }
    let text = prometheus::write(&run);
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples.len(), samples.iter().collect::<BTreeSet<_>>().len());
    for part in [
        "# TYPE portcullis_latency_seconds gauge\n",
        "portcullis_latency_seconds{kind=\"task\",task=\"list_claims\",quantile=\"0.95\"} ",
        "portcullis_threshold_violated{rule=\"error_rate <= 3%\",scope=\"aggregate\",severity=\"fail\"} 1\n",
        "portcullis_threshold_violated{rule=\"rps >= 1\",scope=\"aggregate\",severity=\"warn\"} 0\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A file without the texts in it: what is between quotes, and what stands for
/// itself.
fn bones(text: &str) -> String {
    let mut is_quoted = false;
    let keep = |c: &char| {
        is_quoted ^= *c == '"';
        !is_quoted && "<>|`\n".contains(*c)
    };
    text.chars().filter(keep).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_changes_the_shape_of_a_file(
        text in "\\PC{0,40}|[<>&\"'/=!\\[\\]|`\\x00-\\x7f -]{0,60}"
    ) {
        let (run, plain) = (runs::hostile(&text), runs::hostile("plain"));
        let lines = |text: &str| text.lines().count();
        let (ours, theirs) = (markdown::write(&run), markdown::write(&plain));
        prop_assert_eq!(bones(&ours), bones(&theirs));
        let moves = ours.contains(['\r', '\0', '\u{1b}']);
        prop_assert!(!moves);
        let tags = |text: &str| text.matches('<').count();
        let (ours, theirs) = (junit::write(&run), junit::write(&plain));
        prop_assert_eq!(tags(&ours), tags(&theirs));
        prop_assert!(ours.chars().all(|c| c >= ' ' || c == '\n' || c == '\t'));
        prop_assert_eq!(lines(&prometheus::write(&run)), lines(&prometheus::write(&plain)));
    }
}
