//! What counts say of a share, whenever one looks: e-processes against "at most
//! this share" and "at least this share", and the interval that follows.

use super::beta::{ln_beta, ln_incomplete, quantile, root};

/// Requests, and those of them that are of the kind in question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: u64,
    /// Those of the kind: beyond a limit, failed.
    pub hits: u64,
}

/// A share's interval, both ends within 0 to 1.
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

    /// Hits and misses, divided by a factor of at least 1: so many independent
    /// requests would say as much (Rao and Scott 1992, "A simple method for the
    /// analysis of clustered binary data", Biometrics 48).
    fn effective(self, factor: f64) -> (f64, f64) {
        let factor = factor.max(1.0);
        let hits = self.hits.min(self.all);
        (hits as f64 / factor, (self.all - hits) as f64 / factor)
    }

    /// ln of the evidence that the share is above `q`: the likelihood ratio
    /// against `q`, averaged over all shares above it. Under any share of at
    /// most `q` it is a supermartingale that starts at 1, so that it ever
    /// reaches 1/α has a probability of at most α (Ville 1939; mixtures: Robbins
    /// 1970; e-processes: Waudby-Smith and Ramdas 2024, "Estimating means of
    /// bounded random variables by betting").
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

    /// ln of the evidence that the share is below `q`: half of the prior on all
    /// shares below it, half on none at all, which is what a sound service has.
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

    /// The shares that are not refuted with an error of `alpha`, however often
    /// one looks: where the mixture over all shares stays below 1/α (Robbins
    /// 1970; Howard and Ramdas 2022, "Sequential estimation of quantiles with
    /// applications to A/B testing and best-arm identification").
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

    /// The share that one look at these counts does not refute with an error of
    /// `alpha` (Clopper and Pearson 1934, one-sided).
    pub fn upper_bound(self, alpha: f64) -> f64 {
        match self.hits < self.all {
            true => quantile(1.0 - alpha, (self.hits + 1) as f64, (self.all - self.hits) as f64),
            false => 1.0,
        }
    }

    /// The smallest share that so many requests would have shown, 19 times in 20,
    /// as more hits than `allowed` lets pass; `None` if none would.
    pub fn detectable(self, allowed: f64) -> Option<f64> {
        let enough = (allowed * self.all as f64 + 1e-9).floor() as u64 + 1;
        // P(X >= k) is I_q(k, n - k + 1).
        (enough <= self.all).then(|| quantile(0.95, enough as f64, (self.all - enough + 1) as f64))
    }
}

/// ln of the likelihood of so many hits and misses, averaged over all shares.
fn mass(hits: f64, misses: f64) -> f64 {
    ln_beta(hits + 1.0, misses + 1.0)
}

/// ln of the likelihood of a share; nothing times ln 0 is 0.
fn likelihood(hits: f64, misses: f64, q: f64) -> f64 {
    let term = |count: f64, ln: f64| if count == 0.0 { 0.0 } else { count * ln };
    term(hits, q.ln()) + term(misses, (-q).ln_1p())
}
