//! A worker's measurements as a summary.

use portcullis_core::measure::{Distribution, FailureGroup, Row, TaskSummary};
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{REFRESH_ROW, Step, Task, labels, methods};

use super::Recorder;
use crate::metrics::exemplars::ExemplarRecorder;
use crate::metrics::timeline::TaskTimeline;

impl Recorder {
    /// The requests before the window.
    pub fn warm_up(&self) -> Row {
        self.warm_up.row()
    }

    /// The times to connect, and to complete the TLS handshake.
    pub fn openings(&self) -> (Distribution, Distribution) {
        (self.connect.distribution(), self.handshake.distribution())
    }

    /// The rows of all tasks, in the order of the scenario.
    pub fn tasks(&self, plan: &LoadPlan) -> Vec<TaskSummary> {
        let timelines =
            self.timelines.iter().map(TaskTimeline::steps).chain(std::iter::repeat(Vec::new()));
        let tasks = plan.scenario.tasks.iter().enumerate().zip(timelines);
        let summary = |((index, task), timeline): ((usize, &Task), _)| {
            let first = self.first_steps.get(index).copied().unwrap_or(usize::MAX);
            let named = task.step_rows().enumerate();
            let steps = named.map(|(step, (name, written))| TaskSummary {
                name,
                weight: shown_weight(task),
                ..self.summary(first + step, std::slice::from_ref(written), plan)
            });
            let checks = self.checks.get(index).cloned().unwrap_or_default();
            TaskSummary {
                timeline,
                is_unchecked: checks.iter().all(|check| check.is_soft),
                checks,
                name: task.name.clone(),
                group: task.group.clone(),
                weight: shown_weight(task),
                user: plan.scenario.kind_name(task.kind).map(str::to_owned),
                steps: steps.collect(),
                ..self.summary(index, &task.steps, plan)
            }
        };
        tasks.map(summary).collect()
    }

    /// What was measured in one row, of these steps.
    fn summary(&self, row: usize, steps: &[Step], plan: &LoadPlan) -> TaskSummary {
        let rows = [&self.window, &self.extra_mixed, &self.extra_targeted];
        let [Some(window), Some(extra_mixed), Some(extra_targeted)] =
            rows.map(|rows| rows.get(row))
        else {
            return TaskSummary::default();
        };
        let exemplars = [window, extra_mixed, extra_targeted].map(|row| &row.exemplars);
        TaskSummary {
            method: methods(steps),
            label: labels(steps),
            needs_data: steps.iter().any(may_have_data),
            window: window.row(),
            extra_mixed: extra_mixed.row(),
            extra_targeted: extra_targeted.row(),
            samples: ExemplarRecorder::samples(exemplars, plan.opens()),
            late: self.late.rows(row),
            ..TaskSummary::default()
        }
    }

    /// The login's row, if the scenario has a login.
    pub fn login(&self, plan: &LoadPlan) -> Option<TaskSummary> {
        let mut logins: Vec<(String, String)> = Vec::new();
        for login in plan.scenario.logins() {
            let words = (methods(&login.steps), labels(&login.steps));
            if !logins.contains(&words) {
                logins.push(words);
            }
        }
        let (method, label): (Vec<String>, Vec<String>) = logins.into_iter().unzip();
        plan.scenario.logins().next()?;
        Some(TaskSummary {
            name: "login".to_owned(),
            method: method.join(", "),
            label: label.join(", "),
            window: self.login.row(),
            late: self.late.login(),
            steps: self.refreshed(plan).into_iter().collect(),
            samples: ExemplarRecorder::samples([&self.login.exemplars], plan.opens()),
            ..TaskSummary::default()
        })
    }

    /// The row of refreshed tokens, if tokens are refreshed.
    fn refreshed(&self, plan: &LoadPlan) -> Option<TaskSummary> {
        let refresh = plan.scenario.refreshes().next()?;
        let steps = std::slice::from_ref(&refresh.step);
        Some(TaskSummary {
            name: REFRESH_ROW.to_owned(),
            method: methods(steps),
            label: labels(steps),
            window: self.refresh.row(),
            samples: ExemplarRecorder::samples([&self.refresh.exemplars], plan.opens()),
            ..TaskSummary::default()
        })
    }

    /// The failures, in the order of the tasks and kinds.
    pub fn failures(&self) -> Vec<FailureGroup> {
        let mut all: Vec<_> = self.failures.iter().collect();
        all.sort_by_key(|(key, _)| **key);
        all.into_iter().map(|(_, group)| group.clone()).collect()
    }
}

/// The weight in results: a task that must be called is not one of weight 0.
fn shown_weight(task: &Task) -> u32 {
    task.weight.max(u32::from(task.is_called()))
}

/// Whether an accepted answer can be a success.
fn may_have_data(step: &Step) -> bool {
    step.accept.iter().any(|status| (200..300).contains(status))
}
