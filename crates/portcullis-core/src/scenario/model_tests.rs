//! Tests of the models of load: active times of users, and arrivals compared with their
//! schedule and their distribution.

use std::time::Duration;

use proptest::prelude::*;

use crate::scenario::{Arrivals, Model, RateStage, UserStage};

fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(value)
}

fn closed(stages: &[(u32, f64)]) -> Model {
    let stage = |(users, over): &(u32, f64)| UserStage { users: *users, over: seconds(*over) };
    Model::Closed(stages.iter().map(stage).collect())
}

fn open(stages: &[(f64, f64)], arrivals: Arrivals) -> Model {
    let stage = |(rate, over): &(f64, f64)| RateStage { rate: *rate, over: seconds(*over) };
    Model::Open(stages.iter().map(stage).collect(), arrivals)
}

#[test]
fn users_come_and_go_with_the_stages() {
    let model = closed(&[(4, 4.0), (4, 6.0), (2, 2.0), (4, 0.0), (0, 4.0)]);
    assert_eq!(model.total(), seconds(16.0));
    let lives = |user| model.active_spans(user);
    assert_eq!(lives(0), [(seconds(0.0), seconds(16.0))]);
    assert_eq!(lives(3), [(seconds(3.0), seconds(11.0)), (seconds(12.0), seconds(13.0))]);
    assert_eq!(lives(2), [(seconds(2.0), seconds(12.0)), (seconds(12.0), seconds(14.0))]);
    assert_eq!(lives(4), []);
}

#[test]
fn changes_are_where_one_stage_gives_way_to_the_next() {
    let said = |model: &Model| -> Vec<(f64, String)> {
        model.changes().into_iter().map(|(at, what)| (at.as_secs_f64(), what)).collect()
    };
    let users = said(&closed(&[(4, 4.0), (2, 2.0), (0, 4.0)]));
    assert_eq!(users, [(4.0, "to 2 users".to_owned()), (6.0, "to 0 users".to_owned())]);
    let rates = said(&open(&[(10.0, 1.0), (2.5, 3.0)], Arrivals::Even));
    assert_eq!(rates, [(1.0, "to 2.5/s".to_owned())]);
    assert_eq!(said(&closed(&[(5, 5.0)])), []);
}

proptest! {
    #[test]
    fn the_number_of_living_users_follows_the_stages(
        stages in prop::collection::vec((0u32..20, 1u32..10), 1..6),
    ) {
        let stages: Vec<(u32, f64)> =
            stages.iter().map(|(users, over)| (*users, f64::from(*over))).collect();
        let model = closed(&stages);
        let all: Vec<_> = (0..20).flat_map(|user| model.active_spans(user)).collect();
        let (mut end, mut corner) = (0.0, 0);
        for (users, over) in stages {
            end += over;
            // Just before a corner, because another stage may change the number at once there.
            let at = seconds(end - 1e-6);
            let alive = all.iter().filter(|(from, to)| *from <= at && at < *to).count();
            prop_assert!(alive.abs_diff(users as usize) <= 1, "{alive} of {users} at stage {corner}");
            corner += 1;
        }
    }
}

#[test]
fn even_arrivals_are_even_and_follow_ramps() {
    let times: Vec<_> = open(&[(100.0, 0.0), (100.0, 2.0)], Arrivals::Even).arrivals(1).collect();
    assert_eq!(times.len(), 200);
    assert_eq!(times[150], seconds(1.5));
    // From 0 to 100/s in 2 s, then 1 s at 100/s: 100 and 100 requests.
    let model = open(&[(100.0, 2.0), (100.0, 1.0)], Arrivals::Even);
    let times: Vec<_> = model.arrivals(1).collect();
    assert_eq!(times.len(), 200);
    assert_eq!(model.due_between(Duration::ZERO, seconds(2.0)), Some(100.0));
    // A quarter of the ramp's requests is due in its first half.
    assert_eq!(times.iter().filter(|time| **time < seconds(1.0)).count(), 25);
    assert!(times.is_sorted());
    assert_eq!(open(&[(0.0, 5.0)], Arrivals::Even).arrivals(1).count(), 0);
    assert_eq!(closed(&[(5, 1.0)]).arrivals(1).count(), 0);
}

/// A Kolmogorov–Smirnov test on the gaps, and a test of the count with its standard
/// deviation.
#[test]
fn poisson_arrivals_have_exponential_gaps() {
    let model = open(&[(50.0, 0.0), (50.0, 200.0)], Arrivals::Poisson);
    let times: Vec<f64> = model.arrivals(7).map(|time| time.as_secs_f64()).collect();
    // 10,000 expected, with a standard deviation of 100; five of them are allowed.
    assert!((9_500..10_500).contains(&times.len()), "{}", times.len());
    let mut gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let count = gaps.len() as f64;
    let distance = gaps.iter().enumerate().map(|(index, gap)| {
        let cdf = 1.0 - (-gap * 50.0).exp();
        (cdf - index as f64 / count).abs().max((cdf - (index as f64 + 1.0) / count).abs())
    });
    let distance = distance.fold(0.0, f64::max);
    // The 99.99 % point: 2.23 / sqrt(n). The seed is fixed.
    assert!(distance < 2.23 / count.sqrt(), "{distance}");
    assert_eq!(model.arrivals(7).nth(99), model.arrivals(7).nth(99));
    assert_ne!(model.arrivals(7).nth(99), model.arrivals(8).nth(99));
}
