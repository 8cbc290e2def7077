//! What the load measured. Read back, floats of milliseconds become the nanoseconds
//! they were, and every sum is added up again.

use std::time::Duration;

use portcullis_core::judge::caveats;
use portcullis_core::measure as measured;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use super::failure::Failure;
use super::gap::Gap;
use super::generator::{Arrivals, Connections, Generator};
use super::row::Row;
use super::series::Second;
use super::task::{Task, check_sum};
use crate::results::wire::{Instant, Milliseconds, Seconds, Wire, fields};
use crate::results::{At, Contradiction, ensure};

/// Results of the load.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Summary<'a> {
    /// Start of the window.
    pub started_at: Instant,
    /// Planned length of the window.
    pub window_s: Seconds,
    /// Measured length of the window.
    pub measured_s: Seconds,
    /// Virtual users asked for; in the open model the maximum.
    pub users_asked: u32,
    pub users_ran: u32,
    /// Users whose last request was cut after it had outlasted every good answer; left out if
    /// there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stuck_users: u32,
    /// The schedule; null in the closed model.
    pub arrivals: Option<Arrivals>,
    pub connections: Connections<'a>,
    /// Why the window ended before its planned end.
    pub ended_early: Option<Text<'a>>,
    /// Latency limits with exact counts, in ascending order.
    pub limits_ms: Vec<Milliseconds>,
    /// Changes from one load stage to the next; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change<'a>>,
    /// Requests sent again because the server closed a kept connection while they were sent.
    pub resent: u64,
    /// Kept connections that were closed before sending and opened again.
    pub reopened: u64,
    /// The longest time of the window without an answer; left out if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_gap: Option<Gap>,
    /// Requests per second of all tasks in the window.
    #[serde(default)]
    pub requests_per_s: f64,
    /// Caveats on the results.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Requests of all tasks before the window.
    pub warm_up: Row,
    pub generator: Generator,
    /// All tasks in the window.
    pub aggregate: Row,
    /// The login requests; null without a login.
    pub login: Option<Task<'a>>,
    pub tasks: Vec<Task<'a>>,
    pub failures: Vec<Failure<'a>>,
    /// One entry for each second of the window.
    pub series: Vec<Second>,
}

/// A change of the load stage.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Change<'a> {
    pub at_s: Seconds,
    pub what: Text<'a>,
}

impl<'a> Wire<'a, measured::Summary> for Summary<'a> {
    fn of(summary: &'a measured::Summary) -> Self {
        let aggregate = summary.aggregate();
        Self {
            started_at: Wire::of(&summary.started_unix_ms),
            window_s: Wire::of(&summary.window),
            measured_s: Wire::of(&summary.measured),
            users_asked: summary.users_asked,
            users_ran: summary.users_ran,
            stuck_users: summary.stuck_users,
            arrivals: Wire::of(&summary.arrivals),
            connections: Wire::of(&summary.connects),
            ended_early: Wire::of(&summary.ended_early),
            limits_ms: Wire::of(&summary.limits),
            changes: Wire::of(&summary.changes),
            resent: summary.resent,
            reopened: summary.reopened,
            longest_gap: Wire::of(&summary.longest_gap),
            requests_per_s: summary.rate(aggregate.requests),
            remarks: caveats(summary),
            warm_up: Row::of(&summary.warm_up, summary),
            generator: Wire::of(&summary.generator),
            aggregate: Row::of(&aggregate, summary),
            login: summary.login.as_ref().map(|login| Task::of(login, summary)),
            tasks: summary.tasks.iter().map(|task| Task::of(task, summary)).collect(),
            failures: Wire::of(&summary.failures),
            series: Wire::of(&summary.series),
        }
    }

    fn read(self) -> Result<measured::Summary, Contradiction> {
        let limits = self.limits_ms.read().and_then(ascending).at("limits_ms")?;
        let tasks = self.tasks.into_iter().enumerate();
        let tasks = tasks.map(|(index, task)| task.read(&format!("tasks[{index}]"), &limits));
        let summary = measured::Summary {
            tasks: tasks.collect::<Result<_, _>>()?,
            login: self.login.map(|login| login.read("login", &limits)).transpose()?,
            failures: self.failures.read().at("failures")?,
            window: self.window_s.read().at("window_s")?,
            measured: self.measured_s.read().at("measured_s")?,
            started_unix_ms: self.started_at.read().at("started_at")?,
            warm_up: self.warm_up.read(&limits).at("warm_up")?,
            arrivals: self.arrivals.read()?,
            ended_early: self.ended_early.read()?,
            connects: self.connections.read().at("connections")?,
            users_asked: self.users_asked,
            users_ran: self.users_ran,
            stuck_users: self.stuck_users,
            resent: self.resent,
            reopened: self.reopened,
            longest_gap: self.longest_gap.read().at("longest_gap")?,
            generator: self.generator.read().at("generator")?,
            series: self.series.read().at("series")?,
            changes: self.changes.read().at("changes")?,
            limits,
        };
        let aggregate = self.aggregate.read(&summary.limits).at("aggregate")?;
        check_sum(&summary.aggregate(), &aggregate, "the tasks").at("aggregate")?;
        Ok(summary)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn ascending(limits: Vec<Duration>) -> Result<Vec<Duration>, Contradiction> {
    let ascend = limits.windows(2).all(|pair| pair.first() < pair.last());
    ensure(ascend, "they are not in ascending order").map(|()| limits)
}

fields!(Change<'a>: measured::Change { what; at_s = at });
