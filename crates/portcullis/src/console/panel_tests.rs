//! The panel at 60, 80 and 120 columns, as it stands on the screen.

use super::*;
use crate::console::columns::width;
use portcullis_core::event::Event;
use portcullis_core::measure::FailureKind;

const SECOND: Duration = Duration::from_secs(1);

fn rule(rule: &str, state: Option<Known>) -> RuleStatus {
    RuleStatus { rule: rule.to_owned(), severity: Severity::Fail, state }
}

/// A load of which twelve seconds of thirty are over.
fn loading() -> State {
    let stages = [Stage::Load, Stage::Judge, Stage::Collect, Stage::Stop];
    let mut state = State::expecting(stages.map(|stage| (stage, None)).to_vec());
    state.take(SECOND, &Event::StageStarted(Stage::Load));
    for second in 1..=12 {
        let progress = Progress {
            elapsed: SECOND * second,
            window: SECOND * 30,
            users: (4, 5),
            requests: (240, 5),
            last_second: 21,
            p95_ms: Some(f64::from(second) * 10.0),
            failures: vec![(FailureKind::Status, 4), (FailureKind::Timeout, 1)],
            late: Duration::from_micros(310),
            rules: vec![
                rule("p95 <= 500 ms", Some(Known::Proven)),
                rule("p95(detail) < 200 ms", Some(Known::Unbroken)),
                rule("error_rate <= 1.00 %", Some(Known::Violated)),
                RuleStatus {
                    severity: Severity::Warn,
                    ..rule("p99(\"/api/v1/claims/?page={page}\") < 200 ms", Some(Known::InDoubt))
                },
                rule("rps > 1", None),
            ],
            extending_for: Vec::new(),
        };
        state.take(SECOND * second, &Event::Progress(progress));
    }
    state
}

fn shown(state: &State, width: usize) -> Vec<String> {
    panel(state, SECOND * 13, width, Paint::new(false))
}

#[test]
fn the_load_at_80_columns() {
    let expected = "
  load         0:12 of 0:30 ████████░░░░░░░░░░░░
  users        4 of 5 active
  requests     240, 20.0/s, 21 in the last second
  p95          ▂▂▃▃▄▅▅▆▆▇▇█ 120 ms, at most 120 ms
  errors       5: 4 status, 1 timeout
  thresholds   2 passed, 1 violated, 1 in doubt, 1 pending
               violated: error_rate <= 1.00 %
               in doubt (warning): p99(\"/api/v1/claims/?page={page}\") < 200 ms
  generator    at most 0.31 ms late
  then         judge, collect, stop";
    assert_eq!(format!("\n{}", shown(&loading(), 80).join("\n")), expected);
    // Wider, the pictures do not grow where they have room already.
    assert_eq!(format!("\n{}", shown(&loading(), 120).join("\n")), expected);
}

#[test]
fn at_60_columns_and_less_what_does_not_fit_is_cut_and_marked() {
    let lines = shown(&loading(), 60);
    let long = "               in doubt (warning): p99(\"/api/v1/claims/?pag…";
    assert!(lines.contains(&long.to_owned()), "{lines:#?}");
    for columns in [60, 40, 20, 5] {
        let widest = shown(&loading(), columns).iter().map(|line| width(line)).max();
        // The labels are there in any case.
        assert!(widest.unwrap() <= columns.max(LABEL), "{columns}: {widest:?}");
    }
}

#[test]
fn the_sparkline_of_a_long_run_grows_with_the_terminal() {
    let mut state = loading();
    state.p95_ms = vec![Some(9.0); 3_600];
    let blocks = |columns| {
        let lines = shown(&state, columns);
        lines.iter().flat_map(|line| line.chars()).filter(|c| *c == '█').count()
    };
    // Eight of the bar, which does not grow.
    assert_eq!([60, 80, 120].map(|columns| blocks(columns) - 8), [20, 40, 60]);
}

#[test]
fn a_running_stage_has_its_deadline_and_what_is_to_come() {
    let expected = vec![(Stage::Install, Some(SECOND * 600)), (Stage::Migrate, None)];
    let mut state = State::expecting(expected);
    assert_eq!(shown(&state, 80), Vec::<String>::new());
    state.take(SECOND, &Event::StageStarted(Stage::Install));
    let lines = ["  install      0:12 of at most 10:00", "  then         migrate"];
    assert_eq!(shown(&state, 80), lines);
    state.take(SECOND, &Event::StageStarted(Stage::Migrate));
    assert_eq!(shown(&state, 80), ["  migrate      0:12"]);
}

#[test]
fn pairs_have_their_own_panel() {
    let mut state = State::expecting(vec![(Stage::Pairs, Some(SECOND * 60))]);
    state.take(SECOND, &Event::StageStarted(Stage::Pairs));
    state.take(SECOND, &Event::Pairs(PairProgress::default()));
    assert_eq!(shown(&state, 80), ["  pairs        warming up both servers"]);
    let progress = PairProgress { elapsed: SECOND * 15, limit: SECOND * 60, pairs: 431 };
    state.take(SECOND, &Event::Pairs(progress));
    let line = "  pairs        0:15 of at most 1:00 █████░░░░░░░░░░░░░░░ 431 pairs";
    assert_eq!(shown(&state, 80), [line]);
}

#[test]
fn a_late_generator_and_what_the_load_goes_on_for_are_said() {
    let mut state = loading();
    let load = state.load.as_mut().unwrap();
    load.late = Duration::from_millis(40);
    load.extending_for = vec!["p95(list)".to_owned(), "a\x1b[2J".to_owned()];
    let lines = shown(&state, 80).join("\n");
    assert!(lines.contains("generator    at most 40.0 ms late: this machine is busy"), "{lines}");
    assert!(lines.contains("extended for p95(list), a\u{fffd}[2J"), "{lines}");
}

#[test]
fn colours_are_there_only_where_they_are_wanted() {
    let painted = panel(&loading(), SECOND, 80, Paint::new(true)).join("\n");
    assert!(painted.contains("\x1b[1;31mviolated: error_rate"), "{painted:?}");
    assert!(!shown(&loading(), 80).join("\n").contains('\x1b'));
}

#[test]
fn a_clock_shows_hours_once_there_are_some() {
    let shown = [0, 59, 60, 3_599, 3_600, 36_125].map(|s| clock(SECOND * s));
    assert_eq!(shown, ["0:00", "0:59", "1:00", "59:59", "1:00:00", "10:02:05"]);
}
