//! A pair: the same request to both versions.

use std::time::Duration;

/// One of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is compared against.
    Base,
    /// What is judged.
    Candidate,
}

/// Something of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// The base's.
    pub base: T,
    /// The candidate's.
    pub candidate: T,
}

/// A pair that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The task, by its place in the scenario.
    pub task: usize,
    /// When it began, after the first pair that counts.
    pub at: Duration,
    /// Who was asked first.
    pub first: Side,
    /// How long each answer took; `None` for a failure.
    pub latency: Sides<Option<Duration>>,
    /// What each server computed for it, where the system tells.
    pub cpu: Sides<Option<Duration>>,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Base, Self::Candidate];

    /// The side as everything names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Candidate => "candidate",
        }
    }
}

impl<T> Sides<T> {
    /// That of one side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Base => &self.base,
            Side::Candidate => &self.candidate,
        }
    }

    /// That of one side.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Base => &mut self.base,
            Side::Candidate => &mut self.candidate,
        }
    }
}

impl Sides<Option<Duration>> {
    /// ln(candidate / base), if both are there and above zero.
    pub fn ln_ratio(&self) -> Option<f64> {
        let (base, candidate) = self.base.zip(self.candidate)?;
        let x = (candidate.as_secs_f64() / base.as_secs_f64()).ln();
        x.is_finite().then_some(x)
    }
}
