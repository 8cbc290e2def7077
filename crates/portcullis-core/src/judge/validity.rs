//! Whether a measurement means anything: the load generator kept up, and the service
//! answered before the clock started. If not, a run is neither red nor green.

use std::time::Duration;

use crate::measure::{ArrivalCounts, LATE_MS, Summary};
use crate::threshold::Percentile;

/// If the generator's lag at p99 is above this, the generator is late. Measured on two
/// cores: 1.9 ms when quiet, 5.1 ms beside eight busy processes.
pub const LAG_LIMIT_MS: f64 = LATE_MS;
/// If a single pause of the generator is longer than this, the generator is late.
pub const STOP_LIMIT_MS: f64 = 1_000.0;

/// The share of an open load's requests that may stay unsent. Above it the configured load
/// was not measured.
pub const UNSTARTED_LIMIT: f64 = 0.01;

/// The share of a closed load that may be missing because waits of users ended late.
pub const SHORTFALL_LIMIT: f64 = 0.02;
/// A load is not too small if its users waited too long by less than this in all, each: one
/// short pause of the machine is no smaller load, and is judged as lateness.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the generator made the measurement invalid, if it did, or might have. Of the second
/// kind is lateness: the judgement may stand without the requests that it distorted
/// ([`super::late_finding`]).
pub fn generator_fault(summary: &Summary) -> Option<String> {
    load_fault(summary).or_else(|| lateness(summary))
}

/// Why the load was not the configured one, if it was not. Then a run is neither red nor
/// green.
pub fn load_fault(summary: &Summary) -> Option<String> {
    summary.arrivals.and_then(unstarted).or_else(|| {
        let share = summary.generator.shortfall.filter(|share| *share > SHORTFALL_LIMIT)?;
        if share * summary.measured.as_secs_f64() <= PAUSE.as_secs_f64() {
            return None;
        }
        Some(format!(
            "the load was {:.1} % below the configured one (limit {:.0} %), because waits of \
             users ended late: this machine is too small or too busy",
            share * 100.0,
            SHORTFALL_LIMIT * 100.0
        ))
    })
}

/// How the generator was late, if it was.
pub fn lateness(summary: &Summary) -> Option<String> {
    let lag = &summary.generator.lag;
    let (p99, max) = (lag.percentile_ms(Percentile::P99)?, lag.max_ms()?);
    if max > STOP_LIMIT_MS {
        return Some(format!("the load generator stalled for {:.1} s", max / 1e3));
    }
    (p99 > LAG_LIMIT_MS).then(|| {
        format!(
            "the load generator was late by {p99:.0} ms at p99 (limit {LAG_LIMIT_MS:.0} ms): this \
             machine is too small or too busy"
        )
    })
}

fn unstarted(arrivals: ArrivalCounts) -> Option<String> {
    let share = arrivals.unstarted as f64 / arrivals.scheduled.max(1) as f64;
    (share > UNSTARTED_LIMIT).then(|| {
        format!(
            "{} of {} scheduled requests ({:.1} %, limit {:.0} %) were never started: no user was \
             free; the service, or this machine, cannot keep up with the requested rate",
            arrivals.unstarted,
            arrivals.scheduled,
            share * 100.0,
            UNSTARTED_LIMIT * 100.0
        )
    })
}

/// The share of the warm-up's requests that may fail.
const WARM_UP_LIMIT: f64 = 0.5;

/// Why the warm-up makes the measurement invalid, if it does: a service that mostly fails
/// before the clock starts is not the one that was to be measured.
pub fn warm_up_fault(summary: &Summary) -> Option<String> {
    let warm_up = &summary.warm_up;
    let share = warm_up.error_rate().filter(|share| *share > WARM_UP_LIMIT)?;
    Some(format!(
        "{} of {} requests of the warm-up failed ({:.0} %, limit {:.0} %)",
        warm_up.failures,
        warm_up.requests,
        share * 100.0,
        WARM_UP_LIMIT * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Generator, Row};

    #[test]
    fn a_load_that_is_too_small_is_no_measurement() {
        let fault = |shortfall, measured| {
            let generator = Generator { shortfall, ..Generator::default() };
            load_fault(&Summary { generator, measured, ..Summary::default() })
        };
        let [short, long] = [3, 4].map(Duration::from_secs);
        let none = [fault(None, long), fault(Some(0.02), long), fault(Some(0.031), short)];
        assert_eq!(none, [None, None, None]);
        let said = fault(Some(0.031), long).unwrap();
        assert!(said.starts_with("the load was 3.1 % below the configured one"), "{said}");
    }

    #[test]
    fn a_warm_up_that_mostly_fails_is_no_measurement() {
        let fault = |requests, failures| {
            let warm_up = Row { requests, failures, ..Row::default() };
            warm_up_fault(&Summary { warm_up, ..Summary::default() })
        };
        assert_eq!((fault(0, 0), fault(10, 5)), (None, None));
        let said = "6 of 10 requests of the warm-up failed (60 %, limit 50 %)";
        assert_eq!(fault(10, 6).as_deref(), Some(said));
    }
}
