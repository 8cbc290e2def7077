//! The live panel: what is known of a run → lines of at most a width. Pure, so
//! that each width can be looked at in a test.

use std::time::Duration;

use portcullis_core::event::{PairProgress, Progress, Stage};
use portcullis_core::evidence::State as Known;
use portcullis_core::judge::LAG_LIMIT_MS;
use portcullis_core::steering::RuleStatus;
use portcullis_core::threshold::Severity;
use portcullis_core::units::show_ms;

use super::columns::{bar, fit, left, sparkline};
use super::paint::Paint;
use super::plain;
use super::state::{Running, State};

/// Columns of the labels, with the blanks around them.
const LABEL: usize = 15;
/// Rules that are named; the others are only counted.
const NAMED: usize = 4;
/// A wider picture says no more.
const WIDEST: usize = 60;

/// How a line is painted.
#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Good,
    Bad,
    Doubtful,
}

/// The panel at a moment; nothing while no stage is under way.
pub fn panel(state: &State, now: Duration, width: usize, paint: Paint) -> Vec<String> {
    let Some(running) = &state.running else { return Vec::new() };
    let room = width.saturating_sub(LABEL);
    let mut lines = match (running.stage, &state.load, &state.pairs) {
        (Stage::Load, Some(load), _) => of_load(load, &state.p95_ms, room),
        (Stage::Pairs, _, Some(pairs)) => vec![("pairs", of_pairs(pairs, room), Tone::Plain)],
        _ => vec![(running.stage.name(), of_stage(running, now), Tone::Plain)],
    };
    let names = state.names_to_come();
    if !names.is_empty() {
        lines.push(("then", names.join(", "), Tone::Plain));
    }
    let painted = |(label, text, tone): &(&str, String, Tone)| {
        let (label, text) = (left(label, LABEL - 3), fit(&plain(text), room));
        let text = match tone {
            Tone::Plain => text,
            Tone::Good => paint.green(&text),
            Tone::Bad => paint.red(&text),
            Tone::Doubtful => paint.yellow(&text),
        };
        format!("  {} {text}", paint.dim(&label))
    };
    lines.iter().map(painted).collect()
}

fn of_stage(running: &Running, now: Duration) -> String {
    let since = clock(now.saturating_sub(running.since));
    match (running.stage, running.limit) {
        // The first round, logins and warm-up come before the window.
        (Stage::Load, _) => format!("{since}, before the window"),
        (_, Some(limit)) => format!("{since} of at most {}", clock(limit)),
        (_, None) => since,
    }
}

fn of_pairs(pairs: &PairProgress, room: usize) -> String {
    if pairs.elapsed.is_zero() {
        return "warming up both servers".to_owned();
    }
    let times = format!("{} of at most {}", clock(pairs.elapsed), clock(pairs.limit));
    let share = pairs.elapsed.as_secs_f64() / pairs.limit.as_secs_f64().max(0.001);
    with_picture(&times, &format!("{} pairs", pairs.pairs), room, |room| bar(share, room.min(20)))
}

fn of_load(
    load: &Progress,
    p95_ms: &[Option<f64>],
    room: usize,
) -> Vec<(&'static str, String, Tone)> {
    let share = load.elapsed.as_secs_f64() / load.window.as_secs_f64().max(0.001);
    let times = format!("{} of {}", clock(load.elapsed), clock(load.window));
    let (alive, asked) = load.users;
    let (requests, failures) = load.requests;
    let rate = requests as f64 / load.elapsed.as_secs_f64().max(1.0);
    let last = load.last_second;
    let mut lines = vec![
        ("load", with_picture(&times, "", room, |room| bar(share, room.min(20))), Tone::Plain),
        ("users", format!("{alive} of {asked} active"), Tone::Plain),
        ("requests", format!("{requests}, {rate:.1}/s, {last} in the last second"), Tone::Plain),
        ("p95", of_p95(load, p95_ms, room), Tone::Plain),
        ("errors", errors(failures, load), if failures > 0 { Tone::Bad } else { Tone::Plain }),
    ];
    lines.extend(of_rules(&load.rules));
    let late_ms = load.late.as_secs_f64() * 1e3;
    let late = (format!("at most {} late", show_ms(late_ms)), late_ms > LAG_LIMIT_MS);
    lines.push(match late {
        (text, true) => ("generator", format!("{text}: this machine is busy"), Tone::Doubtful),
        (text, false) => ("generator", text, Tone::Plain),
    });
    if !load.extending_for.is_empty() {
        lines.push(("extended for", load.extending_for.join(", "), Tone::Doubtful));
    }
    lines
}

fn of_p95(load: &Progress, p95_ms: &[Option<f64>], room: usize) -> String {
    let now = load.p95_ms.map_or("-".to_owned(), show_ms);
    let most = p95_ms.iter().flatten().copied().reduce(f64::max);
    let most = most.map_or(String::new(), |most| format!(", at most {}", show_ms(most)));
    with_picture("", &format!("{now}{most}"), room, |room| sparkline(p95_ms, room))
}

/// Words, a picture in the room that is left, words.
fn with_picture(before: &str, after: &str, room: usize, draw: impl Fn(usize) -> String) -> String {
    let words = super::columns::width(before) + super::columns::width(after) + 2;
    let picture = draw(room.saturating_sub(words).min(WIDEST));
    let parts = [before, &picture, after].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

fn errors(failures: u64, load: &Progress) -> String {
    let kinds: Vec<String> =
        load.failures.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    match failures {
        0 => "none".to_owned(),
        _ => format!("{failures}: {}", kinds.join(", ")),
    }
}

fn of_rules(rules: &[RuleStatus]) -> Vec<(&'static str, String, Tone)> {
    if rules.is_empty() {
        return Vec::new();
    }
    let is = |word: &'static str| move |rule: &&RuleStatus| self::word(rule.state) == word;
    let count = |word| rules.iter().filter(is(word)).count();
    let words = ["passed", "violated", "in doubt", "pending"];
    let counts = words.map(|word| (count(word), word)).into_iter().filter(|(n, _)| *n > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let all_passed = count("passed") == rules.len();
    let tone = if all_passed { Tone::Good } else { Tone::Plain };
    let mut lines = vec![("thresholds", counts.join(", "), tone)];
    let named = [("violated", Tone::Bad), ("in doubt", Tone::Doubtful)];
    let named = named.into_iter().flat_map(|(word, tone)| {
        rules.iter().filter(is(word)).map(move |rule| {
            let only = if rule.severity == Severity::Warn { " (warning)" } else { "" };
            ("", format!("{word}{only}: {}", rule.rule), tone)
        })
    });
    lines.extend(named.take(NAMED));
    lines
}

fn word(state: Option<Known>) -> &'static str {
    match state {
        Some(Known::Proven | Known::Unbroken) => "passed",
        Some(Known::Violated) => "violated",
        Some(Known::InDoubt) => "in doubt",
        None => "pending",
    }
}

/// Whole seconds as a clock shows them: `1:05`, `1:00:00`.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
