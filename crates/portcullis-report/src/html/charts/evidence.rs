//! The evidence of a threshold on an axis: its limit, the estimate, and the interval.

use portcullis_core::judge::ThresholdResult;
use portcullis_core::threshold::{Metric, Unit};

use super::scale::{Scale, short, tick_ms};
use super::svg::{self, dot, drawing, line, rect};
use crate::wording::{self, bytes};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 46.0;
/// The position of the bar and the dot.
const MIDDLE: f64 = 16.0;
/// The position of the axis.
const BASE: f64 = 30.0;

/// The intervals, on the axis of the value.
#[derive(Clone, Copy, Debug, Default)]
struct Possible {
    /// The interval for independent requests, if it is known separately.
    inner: Option<(f64, f64)>,
    /// The interval that counts; an unknown end is open.
    outer: Option<(Option<f64>, Option<f64>)>,
}

/// The chart; empty without data.
pub fn evidence(judged: &ThresholdResult) -> String {
    let Some(value) = judged.value.filter(|value| value.is_finite()) else {
        return String::new();
    };
    let limit = judged.rule.limit.value();
    if !limit.is_finite() {
        return String::new();
    }
    let possible = possible(judged);
    let ends = possible.outer.map_or([None, None], |(low, high)| [low, high]);
    let inner = possible.inner.map_or([None, None], |(low, high)| [Some(low), Some(high)]);
    let largest = ends.iter().chain(&inner).flatten().copied().fold(value.max(limit), f64::max);
    let most = if judged.rule.unit() == Unit::Fraction { 1.0 } else { f64::MAX };
    let high = if largest > 0.0 { (largest * 1.12).min(most) } else { 1.0 };
    let scale = Scale::straight((0.0, high), (6.0, WIDTH - 24.0));
    let parts = [
        allowed(judged, &scale, limit),
        axis(judged, &scale),
        intervals(&scale, possible),
        line((scale.at(limit), 4.0), (scale.at(limit), BASE + 4.0), "limit"),
        dot((scale.at(value), MIDDLE), 4.0, "estimate"),
    ];
    drawing(WIDTH, HEIGHT, "evidence", &says(judged), &parts.concat())
}

fn possible(judged: &ThresholdResult) -> Possible {
    let Some(evidence) = &judged.evidence else { return Possible::default() };
    match judged.rule.metric {
        Metric::Percentile(_) => {
            let outer = evidence.latency.map(|latency| (latency.low_ms, latency.high_ms));
            Possible { inner: None, outer }
        }
        Metric::ErrorRate | Metric::Status(_) if judged.rule.unit() == Unit::Fraction => Possible {
            inner: Some((evidence.share.low, evidence.share.high)),
            outer: Some((Some(evidence.clustered.low), Some(evidence.clustered.high))),
        },
        _ => Possible::default(),
    }
}

/// The side of the limit on which the rule passes.
fn allowed(judged: &ThresholdResult, scale: &Scale, limit: f64) -> String {
    use portcullis_core::threshold::Comparison;
    let (left, right) = match judged.rule.comparison {
        Comparison::Below | Comparison::AtMost => (scale.at(0.0), scale.at(limit)),
        Comparison::Above | Comparison::AtLeast => (scale.at(limit), scale.at(f64::INFINITY)),
    };
    rect((left, 6.0), (right - left, BASE - 6.0), "allowed")
}

fn axis(judged: &ThresholdResult, scale: &Scale) -> String {
    let label = |value: f64| match judged.rule.unit() {
        Unit::Milliseconds => tick_ms(value),
        Unit::Fraction => format!("{} %", short(value * 100.0)),
        Unit::Number => short(value),
        Unit::Bytes => bytes(value),
    };
    let ticks = scale.ticks(4).into_iter().map(|tick| {
        let x = scale.at(tick);
        let mark = line((x, BASE), (x, BASE + 4.0), "axis");
        // The first label must not be cut by the edge of the chart.
        let class = if tick == 0.0 { "start" } else { "middle" };
        mark + &svg::text((if tick == 0.0 { 2.0 } else { x }, HEIGHT - 3.0), class, &label(tick))
    });
    line((6.0, BASE), (WIDTH - 24.0, BASE), "axis") + &ticks.collect::<String>()
}

fn intervals(scale: &Scale, possible: Possible) -> String {
    let mut out = String::new();
    if let Some((low, high)) = possible.inner {
        let (left, right) = (scale.at(low), scale.at(high));
        out.push_str(&rect((left, MIDDLE - 3.5), (right - left, 7.0), "interval"));
    }
    let Some((low, high)) = possible.outer else { return out };
    let left = low.map_or(6.0, |low| scale.at(low));
    let right = high.map_or(WIDTH - 8.0, |high| scale.at(high));
    let class = if low.is_some() && high.is_some() { "possible" } else { "possible open" };
    out.push_str(&line((left, MIDDLE), (right, MIDDLE), class));
    for x in low.map(|_| left).into_iter().chain(high.map(|_| right)) {
        out.push_str(&line((x, MIDDLE - 6.0), (x, MIDDLE + 6.0), "possible"));
    }
    out
}

fn says(judged: &ThresholdResult) -> String {
    let value = wording::value(judged).unwrap_or_default();
    let support = wording::support(judged).join(" ");
    format!("{value}, limit {}. {support}", wording::limit(&judged.rule))
}
