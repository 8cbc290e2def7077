//! The evidence of paired latencies, as bets: each pair is a bet that wins only if the
//! candidate is slower, or only if it is not.

use crate::evidence::root;

/// How sensitive each bet is to a small difference of latencies.
pub const SLOPES: [f64; 4] = [4.0, 8.0, 16.0, 32.0];
/// The stake of each bet, as a share of the capital won so far.
pub const STAKES: [f64; 2] = [0.5, 0.9];
const BETS: usize = SLOPES.len() * STAKES.len();

/// Evidence that the centre of `x = ln(candidate / base)` lies above a margin, pair by
/// pair: the mean over slopes a and stakes L of Π (1 + L tanh(a (x - m))).
///
/// tanh is odd, bounded and monotone. So for every distribution of x that is symmetric
/// about a centre of at most m, whatever its spread, the product is a supermartingale, and
/// the probability that it ever reaches 1/α is at most α (Ville 1939; betting: Waudby-Smith
/// and Ramdas 2024, "Estimating means of bounded random variables by betting"; symmetry:
/// Ramdas, Ruf, Larsson and Koolen 2022, "Admissible anytime-valid sequential inference
/// must rely on nonnegative martingales", section on sign tests). The random order within
/// each pair makes x symmetric if both versions are equally fast.
#[derive(Clone, Debug)]
pub struct Score {
    margin: f64,
    /// 1 for "above the margin", -1 for "below it".
    direction: f64,
    ln: [f64; BETS],
}

impl Score {
    /// Evidence for a centre above `ratio` (1.05 is 5 % slower).
    pub fn above(ratio: f64) -> Self {
        Self { margin: ratio.ln(), direction: 1.0, ln: [0.0; BETS] }
    }

    /// Evidence for a centre below `ratio`.
    pub fn below(ratio: f64) -> Self {
        Self { margin: ratio.ln(), direction: -1.0, ln: [0.0; BETS] }
    }

    /// Adds the next pair's ln(candidate / base).
    pub fn add(&mut self, x: f64) {
        let distance = self.direction * (x - self.margin);
        let bets = SLOPES.iter().flat_map(|slope| STAKES.map(|stake| (slope, stake)));
        for (ln, (slope, stake)) in self.ln.iter_mut().zip(bets) {
            *ln += (stake * (slope * distance).tanh()).ln_1p();
        }
    }

    /// ln of the evidence; 0 means no evidence.
    pub fn ln_evidence(&self) -> f64 {
        let most = self.ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.ln.iter().map(|ln| (ln - most).exp()).sum();
        most + (sum / BETS as f64).ln()
    }
}

/// The smallest end of an interval that is computed.
pub const LEAST: f64 = 0.25;
/// The largest one.
pub const MOST: f64 = 4.0;
/// An end this near to one of them was not found.
pub const CLOSE: f64 = 1.0 + 1e-6;

/// The interval of the ratio with an error of `alpha` at each end, valid at any stopping
/// time: the ratios for which neither evidence reaches 1/α. Each end lies between `LEAST`
/// and `MOST`.
pub fn interval(xs: &[f64], alpha: f64) -> (f64, f64) {
    // Evidence for "above m" decreases with m, evidence for "below m" increases.
    let is_below = |m: f64| reaches(Score::below(m.exp()), xs, alpha);
    let low = root(LEAST.ln(), MOST.ln(), |m| is_above(xs, m.exp(), alpha));
    let high = root(LEAST.ln(), MOST.ln(), |m| !is_below(m));
    (low.exp(), high.exp())
}

/// Whether the centre surely lies above `ratio`, with an error of `alpha`.
pub fn is_above(xs: &[f64], ratio: f64, alpha: f64) -> bool {
    reaches(Score::above(ratio), xs, alpha)
}

fn reaches(mut score: Score, xs: &[f64], alpha: f64) -> bool {
    xs.iter().for_each(|x| score.add(*x));
    score.ln_evidence() >= -alpha.ln()
}
