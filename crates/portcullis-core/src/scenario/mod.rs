//! The scenario of the virtual users: login, tasks by weight, waits.

mod check;
mod deck;
mod model;
#[cfg(test)]
mod model_tests;
mod step;
mod template;
#[cfg(test)]
mod tests;

pub use check::{Check, Condition, MAX_CHECKS, Scalar};
pub use deck::Deck;
pub use model::*;
pub use step::{Extract, RequestTemplate, Step, labels, methods, titles};
pub use template::*;

use std::time::Duration;

use crate::rng::Rng;

/// The maximum number of values that one request may use.
pub const MAX_VALUES: usize = 16;

/// The behaviour of every virtual user.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How a user logs in; `None` for a service without login.
    pub login: Option<Login>,
    /// The pause between two requests of one user.
    pub wait: Wait,
    /// How the next task is chosen.
    pub order: Order,
    /// The tasks; never empty, and not all weights are 0.
    pub tasks: Vec<Task>,
}

/// The pause between two requests of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Uniformly distributed between both.
    Uniform(Duration, Duration),
    /// Always the same.
    Constant(Duration),
    /// Exponentially distributed with this mean: the pauses of independent visitors.
    Exponential(Duration),
    /// Between the starts of requests: a fixed time, or no pause if the last answer took
    /// longer.
    Pacing(Duration),
}

/// How the next task of a run is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Dealt from a shuffled deck: exact shares in every deck.
    Deck,
    /// Drawn independently for each request: exact shares only on average.
    Independent,
}

impl Wait {
    /// The mean pause; for a pacing the whole cycle.
    pub fn mean(self) -> Duration {
        match self {
            Self::Uniform(min, max) => (min + max) / 2,
            Self::Constant(wait) | Self::Exponential(wait) | Self::Pacing(wait) => wait,
        }
    }

    /// The next pause of a user, from the end of its last request, which took `took`. One
    /// number is drawn from `rng` for every kind.
    pub fn next(self, took: Duration, rng: &mut Rng) -> Duration {
        let unit = rng.unit();
        match self {
            Self::Uniform(min, max) => min + (max - min).mul_f64(unit),
            Self::Constant(wait) => wait,
            // Inversion method; 1 - unit is never 0.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - unit).ln()),
            Self::Pacing(cycle) => cycle.saturating_sub(took),
        }
    }
}

/// The name under which a login extracts the token of later requests.
pub const TOKEN: &str = "token";

/// How a user logs in, and how the token is used.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its requests in order; they have no values, and one extracts [`TOKEN`].
    pub steps: Vec<Step>,
    /// The `Authorization` field of later requests; `{{ token }}` is its only value.
    pub authorization: Template,
    /// One login for all users instead of one for each.
    pub shared: bool,
}

/// A task that users call, chosen by weight: one row of results.
#[derive(Clone, Debug)]
pub struct Task {
    /// The unique name, also of the row in every table.
    pub name: String,
    /// Tasks of one group can share a threshold.
    pub group: Option<String>,
    /// How often the service allows it within a run, if it limits that: extra requests after
    /// the window stop at this number.
    pub max_calls: Option<u32>,
    /// How often the task is in the deck; 0 removes it.
    pub weight: u32,
    /// Values by name, drawn for each call of the task.
    pub values: Vec<(String, Values)>,
    /// Its requests in order; never empty. They are measured together.
    pub steps: Vec<Step>,
}

/// The source of a random value, uniformly distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of these; never empty.
    List(Vec<String>),
    /// A whole number between both ends, inclusive.
    Range(i64, i64),
}

impl Task {
    /// All templates of its requests.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.steps.iter().flat_map(|step| step.request.templates())
    }
}
