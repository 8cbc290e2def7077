//! What virtual users do: log in, draw tasks by weight, wait in between.

mod deck;
mod model;
#[cfg(test)]
mod model_tests;
mod template;
#[cfg(test)]
mod tests;

pub use deck::Deck;
pub use model::*;
pub use template::*;

use std::time::Duration;

use crate::rng::Rng;
use crate::text::is_secret_name;

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

/// The login request and what becomes of its answer.
#[derive(Clone, Debug)]
pub struct Login {
    /// The request; it draws no values.
    pub request: RequestTemplate,
    /// Statuses that mean success.
    pub accept: Vec<u16>,
    /// Dotted path of the token in the JSON answer.
    pub token: String,
    /// The `Authorization` of later requests; `{{ token }}` is its one value.
    pub authorization: Template,
    /// One login for all users instead of one for each.
    pub shared: bool,
}

/// A request that users make, and when its answer is good.
#[derive(Clone, Debug)]
pub struct Task {
    /// Unique; the row of every table.
    pub name: String,
    /// Tasks of one group can share a threshold.
    pub group: Option<String>,
    /// How often the service lets it be called within a run, if it limits that;
    /// no more calls are made than that after the window.
    pub budget: Option<u32>,
    /// How often the task stands in the deck; 0 takes it out.
    pub weight: u32,
    /// What is sent.
    pub request: RequestTemplate,
    /// Values drawn anew for each request, by name.
    pub values: Vec<(String, Values)>,
    /// Statuses that mean success.
    pub accept: Vec<u16>,
    /// What the body must hold.
    pub check: Option<MinItems>,
}

/// A request with places for drawn values.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// `GET`, `POST`, …
    pub method: String,
    /// Begins with `/`.
    pub path: Template,
    /// Parameters, percent-encoded when they are sent.
    pub query: Vec<(String, Template)>,
    /// Header fields.
    pub headers: Vec<(String, Template)>,
    /// The JSON body, as text with places for values.
    pub json: Option<Template>,
}

/// What a value is drawn from, uniformly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of these; never empty.
    List(Vec<String>),
    /// A whole number between both ends, inclusive.
    Range(i64, i64),
}

/// "The array at `array` has at least `min_items` items."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinItems {
    /// Dotted path of the array; empty for the whole body.
    pub array: String,
    /// The least number of items.
    pub min_items: u64,
}

impl RequestTemplate {
    /// Whether a lost request may be sent again: RFC 9110, section 9.2.2.
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
    }

    /// Method and path as a table shows them: `/claims/{id}/`.
    pub fn label(&self) -> String {
        let mut label = self.path.fill(|name| format!("{{{name}}}"));
        for (index, (name, value)) in self.query.iter().enumerate() {
            label.push(if index == 0 { '?' } else { '&' });
            let value = match is_secret_name(name) {
                true => "***".to_owned(),
                false => value.fill(|name| format!("{{{name}}}")),
            };
            label.push_str(&format!("{name}={value}"));
        }
        label
    }
}

impl Task {
    /// Every template of the request.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let request = &self.request;
        let pairs = request.query.iter().chain(&request.headers).map(|(_, template)| template);
        std::iter::once(&request.path).chain(pairs).chain(&request.json)
    }
}
