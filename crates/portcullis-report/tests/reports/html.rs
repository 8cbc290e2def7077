//! The page: it says what is so, stays small, and is not broken by anybody's text.

use std::path::PathBuf;

use portcullis_core::event::{Stage, StageEnd};
use portcullis_core::measure::FailureKind;
use portcullis_report::html;
use proptest::prelude::*;

use crate::{compared, runs};

/// Keeps a page to be looked at; `cargo xtask test --browser` says where.
fn write(name: &str, text: &str) {
    let folder = std::env::var_os("PORTCULLIS_PAGES");
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::write(folder.join(format!("{name}.html")), text).unwrap();
}

#[test]
fn pages_are_small() {
    let seed = html::write(&runs::Recipe::sound().run());
    let hour = html::write(&runs::hour());
    write("green", &seed);
    write("hour", &hour);
    assert!(seed.len() <= 150_000, "seed: {}", seed.len());
    assert!(hour.len() <= 500_000, "hour: {}", hour.len());
}

#[test]
fn a_red_run_is_told() {
    let page = html::write(&runs::red());
    write("red", &page);
    for part in [
        "FAILED</span>",
        "surely violated",
        "p95(list_claims)",
        "Stalls.",
        "cargo xtask perf --profile ci",
        "--seed 7340921",
        "status 500",
        "class=\"evidence\"",
        "during the load: 0.50 cores at most, 88.0 MiB of memory at most",
        "class=\"change\"",
        "Latencies of 10 tasks over time, from 6 ms to 43 ms",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn what_to_do_next_stands_at_the_top_of_what_is_not_green() {
    let top = |run: &portcullis_report::RunRecord| {
        let page = html::write(run);
        page.split("</header>").next().unwrap().to_owned()
    };
    let red = top(&runs::red());
    for part in [
        "see</b> the <a href=\"#failures\">failures</a> (",
        ": status 500, a text; and <a href=\"logs/server.log\">",
        "see</b> <a href=\"#task-0\">list_claims</a>: distribution and failures",
        "repeat</b> <code>cargo xtask perf --profile ci --out &#39;a text&#39; --seed 7340921</code>",
    ] {
        assert!(red.contains(part), "{part}\n{red}");
    }
    let mut died = runs::broken();
    let why = StageEnd::Failed("the server ended".to_owned());
    let ready = died.stages.iter_mut().find(|one| one.stage == Stage::Ready).unwrap();
    ready.end = why;
    assert!(!top(&died).contains("href=\"logs/"), "no log is known to be there");
    let ready = died.stages.iter_mut().find(|one| one.stage == Stage::Ready).unwrap();
    ready.log = Some("server.log".to_owned());
    assert!(top(&died).contains("<a href=\"logs/server.log\">"));
    assert!(!top(&died).contains("dmesg"));
    died.server_end = Some("the server had already ended: signal: 9 (SIGKILL)".to_owned());
    assert!(top(&died).contains("try</b> <code>dmesg</code>"));
    let ready = died.stages.iter_mut().find(|one| one.stage == Stage::Ready).unwrap();
    ready.advice = Some("allow <host>".to_owned());
    assert!(top(&died).contains("<b>try</b>: allow &lt;host&gt;") && !top(&died).contains("dmesg"));
    let mut slower = compared::slower();
    slower.commit = Some(format!("{}+dirty", "0123456789".repeat(4)));
    assert!(top(&slower).contains("<dd>012345678901+dirty</dd>"));
    let page = html::write(&slower);
    assert!(page.find("id=\"against\"") < page.find("id=\"thresholds\""));
    assert!(top(&slower).contains("list_claims <a href=\"#against\">against the base</a>"));
    let mut late = runs::Recipe::sound().run();
    late.summary.as_mut().unwrap().generator.lag = runs::latencies(&[40.0; 200]);
    late.exit_code = 5;
    assert!(top(&late).contains("try</b> a less busy machine"));
    let mut throttled = runs::red();
    throttled.summary.as_mut().unwrap().failures.iter_mut().for_each(|group| {
        group.kind = FailureKind::Throttled;
    });
    assert!(top(&throttled).contains("try</b> fewer requests"));
    throttled.summary.as_mut().unwrap().failures.iter_mut().for_each(|group| {
        group.task = "login".to_owned();
    });
    assert!(top(&throttled).contains("try</b> one login for all users"));
    assert!(!top(&runs::Recipe::sound().run()).contains("What to do next"));
}

#[test]
fn runs_without_a_verdict_or_a_summary_are_pages_too() {
    for (name, run) in [("interrupted", runs::interrupted()), ("broken", runs::broken())] {
        let page = html::write(&run);
        write(name, &page);
        assert!(page.contains("Stages in order"), "{name}");
    }
    assert!(html::write(&portcullis_report::RunRecord::default()).ends_with("</html>\n"));
}

#[test]
fn a_comparison_is_drawn_and_in_a_table() {
    let page = html::write(&compared::compared(""));
    write("compared", &page);
    for part in [
        "id=\"against\"",
        "list_claims is slower by +34.0 %",
        "+34.0 % slower</text>",
        "Each pair over time",
        "600 pairs of 2 tasks over 40.732 s",
        "+34.1 %</text>",
        "77de41c05ab1 (merge-base)",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for text in runs::HOSTILE {
        let hostile = html::write(&compared::compared(text));
        assert_eq!(markup(&hostile), markup(&page), "{text}");
    }
    assert!(!html::write(&runs::red()).contains("Against the base"));
}

/// The names of all elements and attributes of a page, without what our own style
/// and script hold.
fn markup(page: &str) -> std::collections::BTreeSet<String> {
    let mut names = std::collections::BTreeSet::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap();
        let tag = &rest[..end];
        let mut is_value = false;
        let outside: String = tag
            .chars()
            .filter(|c| {
                if *c == '"' {
                    is_value = !is_value;
                }
                !is_value
            })
            .collect();
        assert!(!is_value, "an open quote in <{tag}>");
        names.extend(outside.split([' ', '\n', '=']).map(|word| word.trim_matches('"').to_owned()));
        rest = &rest[end + 1..];
        for own in ["style", "script"] {
            if tag == own {
                rest = &rest[rest.find(&format!("</{own}>")).unwrap()..];
            }
        }
    }
    names
}

#[test]
fn no_text_becomes_markup() {
    let plain = html::write(&runs::hostile("plain"));
    for text in runs::HOSTILE {
        let page = html::write(&runs::hostile(text));
        assert_eq!(markup(&page), markup(&plain));
        assert!(!page.contains(['\u{1b}', '\u{202e}', '\0', '\r']));
    }
    let page = html::write(&runs::hostile(&runs::HOSTILE.concat()));
    write("hostile", &page);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
}

#[test]
fn an_unfolded_task_has_its_slowest_requests_and_what_failed_answers_said() {
    let page = html::write(&runs::red());
    let unfolded = page.split("<details class=\"task\">").nth(1).unwrap();
    for part in [
        "After 1.2 s: <b>status 500</b>, 4\u{202f}096 bytes",
        "<pre tabindex=\"0\">a text\na text…</pre>",
        "<p>70000 bytes, not text</p>",
        "Slowest requests, latency in ms",
        "2026-11-23T09:06:36.234Z",
        "<td>no answer</td>",
    ] {
        assert!(unfolded.contains(part), "no {part:?}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs_from_an_attribute() {
    let page = html::write(&runs::red());
    let names = markup(&page);
    assert_eq!(names.iter().find(|name| name.starts_with("on")), None);
    assert!(!page.contains("style=\""));
    let addresses = page.matches("http://").count() - page.matches("http://127.0.0.1").count();
    // The name space of SVG, in the icon and in the script.
    assert_eq!(addresses - page.matches("http://www.w3.org/2000/svg").count(), 0);
    assert!(!page.contains("https://") && !page.contains("src=\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_text_leaves_the_markup_as_it_is(text in "\\PC{0,40}|[<>&\"'/=!\\[\\]\\x00-\\x7f -]{0,60}") {
        let page = html::write(&runs::hostile(&text));
        let plain = html::write(&runs::hostile("plain"));
        prop_assert_eq!(markup(&page), markup(&plain));
    }
}
