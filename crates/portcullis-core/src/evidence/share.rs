//! Statements on a share from counts, valid at any stopping time: e-processes against "at
//! most this share" and "at least this share", and the interval that follows from them.

use super::beta::{ln_beta, ln_incomplete, quantile, root};

/// All requests, and the hits: the ones beyond a limit, or the failed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests.
    pub all: u64,
    /// The hits.
    pub hits: u64,
}

/// The interval of a share, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Counts {
    /// The share; 0 without requests.
    pub fn share(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.hits as f64 / self.all as f64 }
    }

    /// Hits and misses divided by the design effect: the number of independent requests with
    /// the same evidence (Rao and Scott 1992, "A simple method for the analysis of clustered
    /// binary data", Biometrics 48).
    fn effective(self, factor: f64) -> (f64, f64) {
        let factor = factor.max(1.0);
        let hits = self.hits.min(self.all);
        (hits as f64 / factor, (self.all - hits) as f64 / factor)
    }

    /// ln of the evidence that the share is above `q`: the likelihood ratio against `q`,
    /// averaged over all shares above `q`. If the true share is at most `q`, this is a
    /// supermartingale that starts at 1, so the probability that it ever reaches 1/α is at most
    /// α (Ville 1939; mixtures: Robbins 1970; e-processes: Waudby-Smith and Ramdas 2024,
    /// "Estimating means of bounded random variables by betting").
    pub fn ln_evidence_above(self, q: f64, factor: f64) -> f64 {
        let (hits, misses) = self.effective(factor);
        if q <= 0.0 {
            return if self.hits > 0 { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        if q >= 1.0 {
            return f64::NEG_INFINITY;
        }
        let (_, above) = ln_incomplete(q, hits + 1.0, misses + 1.0);
        mass(hits, misses) + above - (-q).ln_1p() - likelihood(hits, misses, q)
    }

    /// ln of the evidence that the share is below `q`. Half of the prior is on all shares below
    /// `q`, half on the share 0, which is the share of a healthy service.
    pub fn ln_evidence_below(self, q: f64, factor: f64) -> f64 {
        let (hits, misses) = self.effective(factor);
        if q <= 0.0 {
            return f64::NEG_INFINITY;
        }
        if q >= 1.0 {
            return if self.all > self.hits { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        let (below, _) = ln_incomplete(q, hits + 1.0, misses + 1.0);
        let spread = mass(hits, misses) + below - q.ln() - likelihood(hits, misses, q);
        let none = if self.hits == 0 { -likelihood(0.0, misses, q) } else { f64::NEG_INFINITY };
        let larger = spread.max(none);
        if larger == f64::NEG_INFINITY {
            return larger;
        }
        larger + ((spread - larger).exp() + (none - larger).exp()).ln() - 2.0_f64.ln()
    }

    /// The interval of the share with an error of `alpha`, valid at any stopping time: the
    /// shares for which the mixture over all shares stays below 1/α (Robbins 1970; Howard and
    /// Ramdas 2022, "Sequential estimation of quantiles with applications to A/B testing and
    /// best-arm identification").
    pub fn interval(self, alpha: f64, factor: f64) -> Interval {
        let (hits, misses) = self.effective(factor);
        if self.all == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let bound = mass(hits, misses) + alpha.ln();
        let is_refuted = |q: f64| likelihood(hits, misses, q) < bound;
        let centre = self.share();
        let low = if self.hits == 0 { 0.0 } else { root(0.0, centre, is_refuted) };
        let high = match self.hits < self.all {
            true => root(centre, 1.0, |q| !is_refuted(q)),
            false => 1.0,
        };
        Interval { low, high }
    }

    /// The upper bound of the share with an error of `alpha`, for counts that are evaluated
    /// only once (Clopper and Pearson 1934, one-sided).
    pub fn upper_bound(self, alpha: f64) -> f64 {
        match self.hits < self.all {
            true => quantile(1.0 - alpha, (self.hits + 1) as f64, (self.all - self.hits) as f64),
            false => 1.0,
        }
    }

    /// The smallest share with which this number of requests would have more hits than
    /// `allowed` 19 times in 20; `None` if there is none.
    pub fn detectable(self, allowed: f64) -> Option<f64> {
        let enough = (allowed * self.all as f64 + 1e-9).floor() as u64 + 1;
        // P(X >= k) is I_q(k, n - k + 1).
        (enough <= self.all).then(|| quantile(0.95, enough as f64, (self.all - enough + 1) as f64))
    }
}

/// ln of the likelihood of these hits and misses, averaged over all shares.
fn mass(hits: f64, misses: f64) -> f64 {
    ln_beta(hits + 1.0, misses + 1.0)
}

/// ln of the likelihood of a share; 0 times ln 0 counts as 0.
fn likelihood(hits: f64, misses: f64, q: f64) -> f64 {
    let term = |count: f64, ln: f64| if count == 0.0 { 0.0 } else { count * ln };
    term(hits, q.ln()) + term(misses, (-q).ln_1p())
}
