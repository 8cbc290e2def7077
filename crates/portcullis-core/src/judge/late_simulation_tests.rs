//! Tests of the rule on late generators, by simulation with fixed seeds: how often a run is
//! red although the service is fast enough, green although it is too slow, and invalid.

use std::time::Duration;

use super::{headline, judge, late_finding, lateness};
use crate::measure::{
    Block, Distribution, Generator, LATE_MS, OverLimit, Row, Summary, TaskSummary,
};
use crate::rng::{Domain, Rng};
use crate::threshold::{Names, Severity, Threshold, parse};

const LIMIT_MS: f64 = 500.0;
const RUNS: u64 = 200;
/// Users and seconds of the simulated load.
const USERS: u64 = 10;
const SECONDS: f64 = 30.0;

/// When the generator wakes late.
#[derive(Clone, Copy)]
enum Lag {
    /// Never.
    None,
    /// Now and then, each time by up to this many milliseconds.
    Scattered(f64),
    /// In so many seconds in the middle of the run, each time by up to this many milliseconds.
    Burst(f64, f64),
}

impl Lag {
    /// The lateness of a wake-up at this second of the run.
    fn of(self, at: f64, rng: &mut Rng) -> f64 {
        match self {
            Self::Scattered(most) if rng.unit() < 0.03 => most * rng.unit(),
            Self::Burst(length, most) if (10.0..10.0 + length).contains(&at) => most * rng.unit(),
            _ => rng.unit(),
        }
    }
}

/// Values in milliseconds, as a recorder would hold them.
fn distribution(values: &[f64]) -> Distribution {
    let mut ns: Vec<u64> = values.iter().map(|ms| (ms * 1e6) as u64).collect();
    ns.sort_unstable();
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for one in &ns {
        let end = one.div_ceil(1_000);
        match buckets.last_mut() {
            Some((last, count)) if *last == end => *count += 1,
            _ => buckets.push((end, 1)),
        }
    }
    Distribution {
        count: ns.len() as u64,
        sum_ns: ns.iter().map(|one| u128::from(*one)).sum(),
        min_ns: ns.first().copied().unwrap_or_default(),
        max_ns: ns.last().copied().unwrap_or_default(),
        buckets,
        clipped: 0,
    }
}

/// A row of latencies in milliseconds, each with the second of its end.
fn row(requests: &[(f64, f64)]) -> Row {
    let over = |ms: f64| OverLimit {
        above: u64::from(ms > LIMIT_MS),
        at_or_above: u64::from(ms >= LIMIT_MS),
    };
    let sum = |requests: &mut dyn Iterator<Item = f64>| {
        requests.map(over).fold(OverLimit::default(), |sum, one| OverLimit {
            above: sum.above + one.above,
            at_or_above: sum.at_or_above + one.at_or_above,
        })
    };
    let block = |second: u32| {
        let own = || requests.iter().filter(move |(_, at)| *at as u32 == second).map(|(ms, _)| *ms);
        let beyond = vec![sum(&mut own())];
        Block { second, requests: own().count() as u32, failures: 0, beyond }
    };
    let blocks = (0..=SECONDS as u32 + 2).map(block).filter(|block| block.requests > 0).collect();
    let values: Vec<f64> = requests.iter().map(|(ms, _)| *ms).collect();
    Row {
        requests: requests.len() as u64,
        with_data: requests.len() as u64,
        latency: distribution(&values),
        beyond: vec![sum(&mut values.iter().copied())],
        failed_beyond: vec![OverLimit::default()],
        blocks,
        ..Row::default()
    }
}

/// A run of a service whose latencies are spread around a p95; what the generator's lateness
/// adds to an answer is in it, as in a real run.
fn run(index: u64, p95_ms: f64, lag: Lag) -> Summary {
    let mut rng = Rng::stream(61, Domain::Values, index);
    let (mut window, mut affected) = (Vec::new(), Vec::new());
    let pulses: Vec<(f64, f64)> = (0..(SECONDS * 50.0) as u64)
        .map(|pulse| {
            let at = pulse as f64 / 50.0;
            (at, lag.of(at, &mut rng))
        })
        .collect();
    let late: Vec<f64> = pulses.iter().filter(|(_, ms)| *ms > LATE_MS).map(|(at, _)| *at).collect();
    for _ in 0..USERS {
        let mut at = rng.unit();
        while at < SECONDS {
            // Between 0.6 and 1.02 of the p95, a twentieth of the requests above it.
            let unit = rng.unit();
            let own = p95_ms
                * if unit < 0.95 { 0.6 + 0.4 * unit / 0.95 } else { 1.0 + 0.4 * (unit - 0.95) };
            let end = at + own / 1e3;
            // The answer is read by the next wake-up.
            let pulse = pulses.get((end * 50.0) as usize).map_or(0.0, |(_, ms)| *ms);
            let one = (own + if pulse > LATE_MS { pulse } else { 0.0 }, end);
            if late.iter().any(|moment| at <= moment + 1.0 && end >= moment - pulse / 1e3) {
                affected.push(one);
            }
            window.push(one);
            at = end + 0.5 + rng.unit();
        }
    }
    let lags: Vec<f64> = pulses.iter().map(|(_, ms)| *ms).collect();
    let lag = distribution(&lags);
    let late_requests = affected.len() as u64;
    let (name, window) = ("list".to_owned(), row(&window));
    let mut task = TaskSummary { name, weight: 1, window, ..TaskSummary::default() };
    task.late.window = row(&affected);
    Summary {
        measured: Duration::from_secs_f64(SECONDS),
        window: Duration::from_secs_f64(SECONDS),
        limits: vec![Duration::from_secs_f64(LIMIT_MS / 1e3)],
        generator: Generator { lag, late_requests, ..Generator::default() },
        tasks: vec![task],
        ..Summary::default()
    }
}

fn rules() -> Vec<Threshold> {
    let names = ["list".to_owned()];
    let names = Names { tasks: &names, groups: &[], labels: &[], login: false };
    vec![parse("p95(list) <= 500ms", Severity::Fail, names).unwrap()]
}

/// Red, green and invalid runs, and those that would be invalid for any lateness.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    red: u32,
    green: u32,
    invalid: u32,
    late: u32,
}

fn counted(p95_ms: f64, lag: Lag) -> Counted {
    let rules = rules();
    let mut counted = Counted::default();
    for index in 0..RUNS {
        let summary = run(index, p95_ms, lag);
        let verdict = judge(&summary, &rules);
        counted.late += u32::from(lateness(&summary).is_some());
        let is_red = verdict.violations().next().is_some();
        match late_finding(&summary, &rules, &verdict, false) {
            Some(finding) => {
                assert!(headline::headline(&[finding]).is_some_and(|said| said.contains("late")));
                counted.invalid += 1;
            }
            None if is_red => counted.red += 1,
            None => counted.green += 1,
        }
    }
    counted
}

#[test]
fn a_punctual_generator_judges_as_ever() {
    let fast = counted(400.0, Lag::None);
    assert_eq!(fast, Counted { green: 200, ..Counted::default() });
    let slow = counted(700.0, Lag::None);
    assert_eq!(slow, Counted { red: 200, ..Counted::default() });
}

/// Counts the runs of a service that is fast enough and of one that is not, near the limit
/// and far from it. Every one of these runs was invalid when any lateness was.
fn of_burst(length: f64, most: f64) -> [Counted; 4] {
    [400.0, 490.0, 510.0, 700.0].map(|p95| counted(p95, Lag::Burst(length, most)))
}

#[test]
fn a_burst_leaves_the_judgement_and_hardly_any_run_is_invalid() {
    for (length, most) in [(1.5, 60.0), (1.5, 300.0), (4.0, 60.0)] {
        let [far_below, below, above, far_above] = of_burst(length, most);
        assert_eq!((far_below.green, far_above.red), (200, 200), "{length} {most}");
        // No false red; false greens only as often as without lateness, by the sample's chance.
        assert_eq!((far_below.red, below.red), (0, 0), "{length} {most}: {below:?}");
        assert!(above.green <= 2 && far_above.green == 0, "{length} {most}: {above:?}");
        assert!(below.invalid <= 4 && above.invalid <= 4, "{length} {most}: {below:?} {above:?}");
        assert_eq!(below.late, 200);
    }
}

#[test]
fn too_much_lateness_stands_only_for_what_is_surely_too_slow() {
    let [far_below, below, above, far_above] = of_burst(8.0, 60.0);
    for invalid in [far_below, below, above] {
        assert_eq!(invalid.invalid, 200, "{invalid:?}");
    }
    assert_eq!(far_above.red, 200);
    // Lateness all over the run: 700 ms against 500 is red, however late by 20 or 60 ms.
    for most in [20.0, 60.0] {
        let slow = counted(700.0, Lag::Scattered(most));
        assert_eq!((slow.red, slow.green, slow.invalid), (200, 0, 0), "{most}");
        let fast = counted(480.0, Lag::Scattered(most));
        assert_eq!(fast.red, 0, "{most}: {fast:?}");
        let near = counted(520.0, Lag::Scattered(most));
        assert_eq!(near.green, 0, "{most}: {near:?}");
    }
}
