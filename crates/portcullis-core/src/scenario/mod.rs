//! The scenario of the virtual users: login, tasks by weight, waits.

mod body;
mod check;
mod deck;
mod extract;
mod login;
mod model;
#[cfg(test)]
mod model_tests;
mod step;
mod template;
#[cfg(test)]
mod tests;
mod users;
mod values;

pub use body::{BodyPart, BodyTemplate, FileSource, PartContent};
pub use check::{Check, Condition, MAX_CHECKS, Pattern, Scalar};
pub use deck::Deck;
pub use extract::{Extract, Source};
pub use login::{
    CSRF, EXPIRES_IN, Lifetime, Login, LoginHeader, REFRESH_ROW, Refresh, SessionLogin, TOKEN,
};
pub use model::*;
pub use step::{RequestTemplate, Step, labels, methods, titles};
pub use template::*;
pub use users::{UserKind, turns};
pub use values::{DataError, DataFile, DataRows, NamedValues, RowOrder, RowsEnd, Values};

use std::time::Duration;

use crate::measure::KIND_PREFIX;
use crate::rng::Rng;

/// The maximum number of values that one request may use.
pub const MAX_VALUES: usize = 16;

/// The behaviour of every virtual user.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The kinds of users; never empty.
    pub users: Vec<UserKind>,
    /// The kinds of users in turn: that of the first user, of the second, and so on.
    pub turns: Vec<usize>,
    /// How the next task is chosen.
    pub order: Order,
    /// The tasks; never empty, and not all weights are 0.
    pub tasks: Vec<Task>,
    /// Files whose rows are values.
    pub files: Vec<DataFile>,
    /// Whether each user keeps the cookies that it receives.
    pub cookies: bool,
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
    /// Normally distributed, within bounds.
    Normal(NormalWait),
}

/// A normally distributed pause within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormalWait {
    /// The mean of the distribution, between the bounds.
    pub mean: Duration,
    /// Its standard deviation.
    pub deviation: Duration,
    /// The shortest pause.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
}

impl NormalWait {
    /// How often a pause is drawn before the bounds alone decide: so narrow bounds leave of the
    /// distribution hardly more than a uniform one.
    const TRIES: u32 = 100;

    /// Draws a pause: the method of Box and Muller (1958), again while it is out of bounds.
    fn next(self, rng: &mut Rng) -> Duration {
        for _ in 0..Self::TRIES {
            let (radius, angle) = (1.0 - rng.unit(), rng.unit());
            let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
            let drawn = self.mean.as_secs_f64() + normal * self.deviation.as_secs_f64();
            if let Ok(drawn) = Duration::try_from_secs_f64(drawn)
                && (self.min..=self.max).contains(&drawn)
            {
                return drawn;
            }
        }
        self.min + (self.max - self.min).mul_f64(rng.unit())
    }
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
            Self::Normal(normal) => normal.mean,
        }
    }

    /// The next pause of a user, from the end of its last request, which took `took`. One
    /// number is drawn from `rng` for every kind but the normal one.
    pub fn next(self, took: Duration, rng: &mut Rng) -> Duration {
        if let Self::Normal(normal) = self {
            return normal.next(rng);
        }
        let unit = rng.unit();
        match self {
            Self::Uniform(min, max) => min + (max - min).mul_f64(unit),
            Self::Constant(wait) => wait,
            // Inversion method; 1 - unit is never 0.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - unit).ln()),
            Self::Pacing(cycle) => cycle.saturating_sub(took),
            Self::Normal(normal) => normal.mean,
        }
    }
}

/// A task that users call, chosen by weight: one row of results.
#[derive(Clone, Debug)]
pub struct Task {
    /// The unique name, also of the row in every table.
    pub name: String,
    /// Tasks of one group can share a threshold.
    pub group: Option<String>,
    /// The kind of users that call it, by its index.
    pub kind: usize,
    /// How often the service allows it within a run, if it limits that: extra requests after
    /// the window stop at this number.
    pub max_calls: Option<u32>,
    /// How often the task is in the deck; 0 removes it. Always 0 unless it is of the deck.
    pub weight: u32,
    /// When it is called.
    pub when: When,
    /// Values by name, drawn for each call of the task.
    pub values: NamedValues,
    /// Its requests in order; never empty. They are measured together, and those with a name
    /// also one by one.
    pub steps: Vec<Step>,
}

/// When a task is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Whenever the deck deals it.
    #[default]
    Deck,
    /// By each user once, after its login and before other tasks.
    OnStart,
    /// By each user once, when it stops.
    OnStop,
    /// Once per run, before the first login.
    SetUp,
    /// Once per run, after the load.
    TearDown,
}

impl When {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Deck, Self::OnStart, Self::OnStop, Self::SetUp, Self::TearDown];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deck => "deck",
            Self::OnStart => "on_start",
            Self::OnStop => "on_stop",
            Self::SetUp => "set_up",
            Self::TearDown => "tear_down",
        }
    }

    /// Whether the task is called once per run, by no user.
    pub fn is_per_run(self) -> bool {
        matches!(self, Self::SetUp | Self::TearDown)
    }
}

impl Task {
    /// Whether it should be called at all.
    pub fn is_called(&self) -> bool {
        self.weight > 0 || self.when != When::Deck
    }

    /// The names of its rows for steps: `checkout / pay`. Empty for a task without named steps.
    pub fn step_rows(&self) -> impl Iterator<Item = (String, &Step)> {
        let named = self.steps.iter().filter_map(|step| Some((step.name.as_ref()?, step)));
        named.map(|(name, step)| (format!("{} / {name}", self.name), step))
    }

    /// All templates of its requests.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.steps.iter().flat_map(|step| step.request.templates())
    }
}

impl Scenario {
    /// The names that the set-up extracts, for all requests of the run.
    pub fn given(&self) -> Vec<String> {
        self.extracted(|task| task.when == When::SetUp)
    }

    /// The names that users of a kind extract at their start, for their other tasks.
    pub fn started(&self, kind: usize) -> Vec<String> {
        self.extracted(|task| task.when == When::OnStart && task.kind == kind)
    }

    fn extracted(&self, is_meant: impl Fn(&Task) -> bool) -> Vec<String> {
        let tasks = self.tasks.iter().filter(|task| is_meant(task));
        let extracts = tasks.flat_map(|task| &task.steps).flat_map(|step| &step.extract);
        let mut names: Vec<String> = Vec::new();
        for extract in extracts {
            if !names.contains(&extract.name) {
                names.push(extract.name.clone());
            }
        }
        names
    }

    /// Whether a kind of users has tasks to call at this time.
    pub fn has_turn(&self, kind: usize, when: When) -> bool {
        self.tasks.iter().any(|task| task.kind == kind && task.when == when)
    }

    /// Whether a task is in a group, or is called by the kind of users `user:NAME`.
    pub fn is_in_group(&self, task: &Task, group: &str) -> bool {
        match group.strip_prefix(KIND_PREFIX) {
            Some(kind) => self.kind_name(task.kind) == Some(kind),
            None => task.group.as_deref() == Some(group),
        }
    }

    /// All steps: of the login, then of the tasks.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let login = self.logins().flat_map(|login| &login.steps);
        login.chain(self.tasks.iter().flat_map(|task| &task.steps))
    }

    /// All values with a name: of the login, then of the tasks.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Values> {
        let logins = self.users.iter_mut().filter_map(|users| users.login.as_mut());
        let login = logins.flat_map(|login| &mut login.values);
        let tasks = self.tasks.iter_mut().flat_map(|task| &mut task.values);
        login.chain(tasks).map(|(_, values)| values)
    }

    /// All files that requests send.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut FileSource> {
        let logins = self.users.iter_mut().filter_map(|users| users.login.as_mut());
        let login = logins.flat_map(|login| &mut login.steps);
        let steps = login.chain(self.tasks.iter_mut().flat_map(|task| &mut task.steps));
        steps.filter_map(|step| step.request.body.as_mut()).flat_map(BodyTemplate::files_mut)
    }
}
