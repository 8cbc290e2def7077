//! From values to positions, and the ticks of an axis.

/// A linear or a logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_log: bool,
}

impl Scale {
    /// A linear axis for values from `low` to `high`, drawn between two positions.
    pub fn straight((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to, is_log: false }
    }

    /// A logarithmic axis for positive values.
    pub fn log((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let low = low.max(SMALLEST);
        let high = if high > low * 1.01 { high } else { low * 10.0 };
        Self { low, high, from, to, is_log: true }
    }

    /// The position of a value, within the axis.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(SMALLEST) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Whether a value lies on the axis.
    pub fn holds(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// Round values on the axis, about `most` of them.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.is_log { self.log_ticks(most) } else { self.straight_ticks(most) }
    }

    fn straight_ticks(&self, most: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|n| n * ten).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * ten);
        let first = (self.low / step).ceil() as i64;
        let ticks = (first..).take(most + 2).map(|index| index as f64 * step);
        ticks.take_while(|tick| *tick <= self.high * (1.0 + 1e-9)).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let choices: [&[f64]; 2] = [&[1.0, 2.0, 5.0], &[1.0]];
        let ticks = |digits: &[f64]| -> Vec<f64> {
            let tens = (first..=last).map(|power| 10f64.powi(power));
            let all = tens.flat_map(|ten| digits.iter().map(move |digit| digit * ten));
            all.filter(|tick| self.holds(*tick)).collect()
        };
        let mut found = choices.map(ticks).into_iter();
        let fine = found.next().unwrap_or_default();
        if fine.len() <= most { fine } else { found.next().unwrap_or_default() }
    }
}

/// A latency below a nanosecond does not exist.
const SMALLEST: f64 = 1e-6;

/// A tick's latency with its unit: `5 ms`, `1.5 s`.
pub fn tick_ms(ms: f64) -> String {
    if ms >= 1_000.0 { format!("{} s", short(ms / 1e3)) } else { format!("{} ms", short(ms)) }
}

/// A number without unnecessary digits.
pub fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let straight = Scale::straight((0.0, 47.0), (0.0, 1.0));
        assert_eq!(straight.ticks(5), [0.0, 10.0, 20.0, 30.0, 40.0]);
        let log = Scale::log((3.0, 600.0), (0.0, 1.0));
        assert_eq!(log.ticks(8), [5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]);
        assert_eq!(log.ticks(3), [10.0, 100.0]);
        assert_eq!([0.5, 1_500.0].map(tick_ms), ["0.5 ms", "1.5 s"]);
    }

    #[test]
    fn places_stay_on_the_axis_whatever_comes() {
        let log = Scale::log((1.0, 100.0), (10.0, 110.0));
        let places = [10.0, 0.0, -3.0, f64::INFINITY].map(|value| log.at(value));
        assert_eq!(places, [60.0, 10.0, 10.0, 110.0]);
        let nothing = Scale::straight((0.0, 0.0), (0.0, 10.0));
        assert_eq!((nothing.at(0.0), nothing.ticks(4).is_empty()), (0.0, false));
    }
}
