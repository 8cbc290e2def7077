//! A pair: the same request to both versions.

use std::time::Duration;

/// One of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The version to compare with.
    Base,
    /// The version to judge.
    Candidate,
}

/// A value for each of the two versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// The value of the base.
    pub base: T,
    /// The value of the candidate.
    pub candidate: T,
}

/// A pair of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The task, by its index in the scenario.
    pub task: usize,
    /// When it began, since the first pair that counts.
    pub at: Duration,
    /// The version that got the request first.
    pub first: Side,
    /// The latency of each answer; `None` for a failure.
    pub latency: Sides<Option<Duration>>,
    /// The CPU time of each server for the request, if the system provides it.
    pub cpu: Sides<Option<Duration>>,
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Base, Self::Candidate];

    /// The name of the side in all output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Candidate => "candidate",
        }
    }
}

impl<T> Sides<T> {
    /// The value of one side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Base => &self.base,
            Side::Candidate => &self.candidate,
        }
    }

    /// The value of one side, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Base => &mut self.base,
            Side::Candidate => &mut self.candidate,
        }
    }
}

impl Sides<Option<Duration>> {
    /// ln(candidate / base), if both values exist and are above zero.
    pub fn ln_ratio(&self) -> Option<f64> {
        let (base, candidate) = self.base.zip(self.candidate)?;
        let x = (candidate.as_secs_f64() / base.as_secs_f64()).ln();
        x.is_finite().then_some(x)
    }
}
