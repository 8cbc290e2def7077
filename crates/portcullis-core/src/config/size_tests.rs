//! The time to read a configuration grows with its size, not with the square of it.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::load;

const HEAD: &str = "[project]\nroot = \".\"\n[django]\nsettings = \"s\"\n";

/// A table for each task, each with a rule of its own.
fn in_tables(tasks: usize) -> String {
    let mut text = HEAD.to_owned();
    for task in 0..tasks {
        let _ = write!(
            text,
            "[[scenario.task]]\nname = \"task_{task}\"\ngroup = \"g{task}\" # é\npath = \"/{task}/\"\n"
        );
    }
    text.push_str("[thresholds]\nfail = [\n");
    (0..tasks).for_each(|task| _ = writeln!(text, "  \"p95(task_{task}) < 1s\","));
    text.push_str("]\n");
    text
}

/// The whole scenario in one line, as a program may write it.
fn in_one_line(tasks: usize) -> String {
    let mut text = format!("{HEAD}[scenario]\ntask = [");
    for task in 0..tasks {
        let _ = write!(text, "{{ name = \"task_{task}\", path = \"/{task}/\" }}, ");
    }
    text.push_str("]\n");
    text
}

/// A mistake in each task.
fn with_mistakes(tasks: usize) -> String {
    in_tables(tasks).replace("path =", "pth =")
}

/// Many variables and values in one table.
fn with_names(names: usize) -> String {
    let mut text = format!("{HEAD}[[scenario.task]]\nname = \"a\"\npath = \"/\"\n");
    for table in ["env.set", "django.overrides", "scenario.values", "scenario.headers"] {
        let _ = writeln!(text, "[{table}]");
        let value = if table == "scenario.values" { "[\"x\"]" } else { "\"x\"" };
        (0..names).for_each(|name| _ = writeln!(text, "N{name} = {value}"));
    }
    text
}

/// The shortest of some readings.
fn took(text: &str) -> Duration {
    let once = |_| {
        let start = Instant::now();
        let _ = std::hint::black_box(load(text, None, &[]));
        start.elapsed()
    };
    (0..3).map(once).min().unwrap()
}

#[test]
fn reading_takes_time_in_proportion_to_the_size() {
    const TIMES: usize = 8;
    for (what, make) in [
        ("tables", in_tables as fn(usize) -> String),
        ("one line", in_one_line),
        ("mistakes", with_mistakes),
        ("names", with_names),
    ] {
        let (few, many) = (took(&make(500)), took(&make(500 * TIMES)));
        let factor = many.as_secs_f64() / few.as_secs_f64();
        // The square would be 64 times as long.
        assert!(factor < TIMES as f64 * 2.5, "{what}: {few:?}, then {many:?}: {factor:.1} times");
    }
    assert!(load(&in_tables(50), None, &[]).is_ok());
    assert!(load(&in_one_line(50), None, &[]).is_ok());
    assert_eq!(load(&with_mistakes(50), None, &[]).unwrap_err().len(), 100);
}
