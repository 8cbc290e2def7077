//! The requests of one task, in the window and after it.

use std::time::Duration;

use portcullis_core::measure as measured;
use portcullis_core::measure::{Distribution as Latencies, Exemplars, TimeBucket};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use super::check::Check;
use super::row::Row;
use super::samples::{ErrorSample, SlowRequest};
use crate::results::wire::{Latency, Seconds, Wire};
use crate::results::{At, Contradiction, ensure};

/// The requests of one task, or of the login.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Task<'a> {
    pub name: Text<'a>,
    pub group: Option<Text<'a>>,
    /// The kind of users that call it; left out if there is one kind only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text<'a>>,
    pub method: Text<'a>,
    /// Path with placeholders such as `{id}`.
    pub path: Text<'a>,
    pub weight: u32,
    /// Whether the task accepts a status from 200 to 299; without such an answer it has no
    /// data.
    pub needs_data: bool,
    /// Its checks; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check<'a>>,
    /// Whether no check can fail an answer; left out if one can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// Extra requests after the planned window; included in the row.
    pub extension_requests: u64,
    /// Extra requests that were cut when the grace ended; not included above.
    pub extension_cut: u64,
    /// Timeline of the window for charts: start in seconds, requests, failures, p50 and p95
    /// in ms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<Step>,
    #[serde(flatten)]
    pub row: Row,
    /// Parts of the row; left out if all requests were made in the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// The first failed answers, at most three; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_samples: Vec<ErrorSample<'a>>,
    /// The slowest requests, good and failed, at most five, the slowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowRequest>,
    /// The named steps of a task in order, each with the requests of its own; left out if there
    /// are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Task<'a>>,
}

/// Start in seconds, requests, failures, p50 and p95 in ms.
pub type Step = (Seconds, u64, u64, Option<Latency>, Option<Latency>);

/// Requests in the window, extra requests in the ordinary mix, and extra requests of this
/// task alone.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    pub window: Row,
    pub continued: Row,
    pub extension: Row,
}

impl<'a> Task<'a> {
    /// A task of a summary.
    pub fn of(task: &'a measured::TaskSummary, summary: &measured::Summary) -> Self {
        let samples = &task.samples;
        Self {
            name: Wire::of(&task.name),
            group: Wire::of(&task.group),
            user: Wire::of(&task.user),
            method: Wire::of(&task.method),
            path: Wire::of(&task.label),
            weight: task.weight,
            needs_data: task.needs_data,
            checks: Wire::of(&task.checks),
            unchecked: task.is_unchecked,
            extension_requests: task.requests_after(),
            extension_cut: task.extra_mixed.cut + task.extra_targeted.cut,
            course: Wire::of(&task.timeline),
            row: Row::of(&task.judged(), summary),
            parts: Parts::of(task, summary),
            error_samples: samples.errors.iter().map(|one| ErrorSample::of(one, summary)).collect(),
            slowest: samples.slowest.iter().map(|one| SlowRequest::of(one, summary)).collect(),
            steps: task.steps.iter().map(|step| Self::of(step, summary)).collect(),
        }
    }

    /// The task at a place of the summary. Its requests were all made in the window,
    /// unless the file says which were not.
    pub fn read(
        self,
        at: &str,
        limits: &[Duration],
    ) -> Result<measured::TaskSummary, Contradiction> {
        let row = self.row.read(limits).at(at)?;
        let (window, continued, extension) = match self.parts {
            Some(parts) => parts.read(&row, limits).at(at)?,
            None => (row, measured::Row::default(), measured::Row::default()),
        };
        let after = |of: fn(&measured::Row) -> u64| of(&continued) + of(&extension);
        let found = (after(|row| row.requests), after(|row| row.cut));
        ensure(
            found == (self.extension_requests, self.extension_cut),
            "extension_requests is not the number of requests after the window",
        )
        .at(at)?;
        let steps = self.steps.into_iter().enumerate();
        let steps = steps.map(|(index, step)| step.read(&format!("{at}.steps[{index}]"), limits));
        let errors = self.error_samples.into_iter().map(ErrorSample::read);
        let slowest = self.slowest.into_iter().map(SlowRequest::read);
        Ok(measured::TaskSummary {
            name: self.name.read()?,
            group: self.group.read()?,
            user: self.user.read()?,
            method: self.method.read()?,
            label: self.path.read()?,
            weight: self.weight,
            needs_data: self.needs_data,
            checks: self.checks.read().at("checks")?,
            is_unchecked: self.unchecked,
            window,
            extra_mixed: continued,
            extra_targeted: extension,
            samples: Exemplars {
                errors: errors.collect::<Result<_, _>>().at("error_samples")?,
                slowest: slowest.collect::<Result<_, _>>().at("slowest")?,
            },
            timeline: self.course.read().at("course")?,
            late: measured::LateRows::default(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }
}

impl Wire<'_, TimeBucket> for Step {
    fn of(step: &TimeBucket) -> Self {
        let ms = (Wire::of(&step.p50_ms), Wire::of(&step.p95_ms));
        (Wire::of(&step.at), step.requests, step.failures, ms.0, ms.1)
    }

    fn read(self) -> Result<TimeBucket, Contradiction> {
        let (at, requests, failures, p50_ms, p95_ms) = self;
        let (p50_ms, p95_ms) = (p50_ms.read()?, p95_ms.read()?);
        Ok(TimeBucket { at: at.read()?, requests, failures, p50_ms, p95_ms })
    }
}

impl Parts {
    fn of(task: &measured::TaskSummary, summary: &measured::Summary) -> Option<Self> {
        let is_used = |row: &measured::Row| row.requests > 0 || row.cut > 0;
        let went_on = is_used(&task.extra_mixed) || is_used(&task.extra_targeted);
        went_on.then(|| Self {
            window: Row::of(&task.window, summary),
            continued: Row::of(&task.extra_mixed, summary),
            extension: Row::of(&task.extra_targeted, summary),
        })
    }

    /// The parts of a task's requests, which are these together.
    fn read(
        self,
        sum: &measured::Row,
        limits: &[Duration],
    ) -> Result<(measured::Row, measured::Row, measured::Row), Contradiction> {
        let window = self.window.read(limits).at("parts.window")?;
        let continued = self.continued.read(limits).at("parts.continued")?;
        let extension = self.extension.read(limits).at("parts.extension")?;
        let mut all = window.clone();
        all.add(&continued);
        all.add(&extension);
        check_sum(&all, sum, "the parts")?;
        Ok((window, continued, extension))
    }
}

/// A row that is the sum of others.
pub fn check_sum(
    parts: &measured::Row,
    sum: &measured::Row,
    others: &str,
) -> Result<(), Contradiction> {
    let counts = |row: &measured::Row| {
        [row.requests, row.failures, row.cut, row.skipped, row.with_data, row.stalled]
    };
    let names = ["requests", "failures", "cut", "skipped", "with_data", "stalled"];
    for ((name, part), all) in names.iter().zip(counts(parts)).zip(counts(sum)) {
        ensure(part == all, format_args!("{name} is {all}, but {part} in {others}"))?;
    }
    let same = |a: &Latencies, b: &Latencies| {
        let plain = |of: &Latencies| (of.count, of.min_ns, of.max_ns, of.clipped);
        plain(a) == plain(b) && a.buckets == b.buckets
    };
    let is_same = same(&parts.latency, &sum.latency)
        && same(&parts.failed_latency, &sum.failed_latency)
        && parts.statuses == sum.statuses
        && (&parts.beyond, &parts.failed_beyond) == (&sum.beyond, &sum.failed_beyond);
    ensure(is_same, format_args!("its latencies or statuses differ from those of {others}"))
}
