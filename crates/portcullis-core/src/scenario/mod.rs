//! What virtual users do: log in, draw tasks by weight, wait in between.

mod deck;
mod model;
#[cfg(test)]
mod model_tests;
mod step;
mod template;
#[cfg(test)]
mod tests;

pub use deck::Deck;
pub use model::*;
pub use step::{Check, Extract, RequestTemplate, Step, labels, methods, titles};
pub use template::*;

use std::time::Duration;

use crate::rng::Rng;

/// The most values that one request may draw.
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
    /// What users request; never empty, and not all weights are 0.
    pub tasks: Vec<Task>,
}

/// The pause between two requests of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Drawn uniformly between both.
    Uniform(Duration, Duration),
    /// Always the same.
    Constant(Duration),
    /// Drawn from an exponential distribution with this mean: the pauses of
    /// independent visitors.
    Exponential(Duration),
    /// From start to start: one request every so often, or at once if the last
    /// answer took longer.
    Pacing(Duration),
}

/// How the next task of a run is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Dealt from a shuffled deck: exact shares in every deck.
    Deck,
    /// Drawn for each request on its own: shares hold only on average.
    Independent,
}

impl Wait {
    /// The mean pause; that of a pacing is its whole cycle.
    pub fn mean(self) -> Duration {
        match self {
            Self::Uniform(min, max) => (min + max) / 2,
            Self::Constant(wait) | Self::Exponential(wait) | Self::Pacing(wait) => wait,
        }
    }

    /// The next pause of a user, counted from the end of its last request, which
    /// took `took`. One number is drawn from `rng` whatever the kind.
    pub fn next(self, took: Duration, rng: &mut Rng) -> Duration {
        let unit = rng.unit();
        match self {
            Self::Uniform(min, max) => min + (max - min).mul_f64(unit),
            Self::Constant(wait) => wait,
            // Inversion; 1 - unit is never 0.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - unit).ln()),
            Self::Pacing(cycle) => cycle.saturating_sub(took),
        }
    }
}

/// The name under which a login's steps extract what users show with later requests.
pub const TOKEN: &str = "token";

/// How a user logs in, and what becomes of the token.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its requests, in their order; they draw no values, and one extracts [`TOKEN`].
    pub steps: Vec<Step>,
    /// The `Authorization` of later requests; `{{ token }}` is its one value.
    pub authorization: Template,
    /// One login for all users instead of one for each.
    pub shared: bool,
}

/// What users do, drawn by weight: one row of results.
#[derive(Clone, Debug)]
pub struct Task {
    /// Unique; the row of every table.
    pub name: String,
    /// Tasks of one group can share a threshold.
    pub group: Option<String>,
    /// How often the service lets it be called within a run, if it limits that;
    /// no more calls are made than that after the window.
    pub max_calls: Option<u32>,
    /// How often the task stands in the deck; 0 takes it out.
    pub weight: u32,
    /// Values by name, drawn anew each time the task is called.
    pub values: Vec<(String, Values)>,
    /// Its requests, in their order; never empty. They are measured as one.
    pub steps: Vec<Step>,
}

/// What a value is drawn from, uniformly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of these; never empty.
    List(Vec<String>),
    /// A whole number between both ends, inclusive.
    Range(i64, i64),
}

impl Task {
    /// Every template of its requests.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.steps.iter().flat_map(|step| step.request.templates())
    }
}
