//! Counts how often each task was called, and decides whether it may be called once more.
//! Uses atomic counters without locks, because each request needs them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::When;

/// The calls of a run, of all workers together.
pub struct Calls<'a> {
    plan: &'a LoadPlan,
    tasks: Vec<TaskCalls>,
}

/// The calls of one task.
#[derive(Debug, Default)]
struct TaskCalls {
    /// Calls in the window and after it.
    made: AtomicU64,
    /// Calls in the warm-up.
    warmed: AtomicU64,
    /// Whether the service throttled the task; more calls would be refused too.
    throttled: AtomicBool,
}

impl<'a> Calls<'a> {
    /// No calls yet.
    pub fn new(plan: &'a LoadPlan) -> Self {
        let tasks = plan.scenario.tasks.iter().map(|_| TaskCalls::default()).collect();
        Self { plan, tasks }
    }

    /// Counts a call of a task.
    pub fn call(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.made.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a call of a task in the warm-up.
    pub fn warm_up(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.warmed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that the service throttled a task.
    pub fn throttle(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.throttled.store(true, Ordering::Relaxed);
        }
    }

    /// Takes the first call of a task of this kind of users that was not called yet; `None` if
    /// all were called.
    pub fn take_uncalled(&self, kind: usize) -> Option<usize> {
        let first = |calls: &TaskCalls| {
            calls.made.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let mut tasks = self.tasks.iter().enumerate();
        let is_due = |task: usize| self.is_of(kind, task) && !self.is_called(task);
        tasks.find(|(task, calls)| is_due(*task) && first(calls)).map(|(task, _)| task)
    }

    /// Whether a task was called; true for a task of weight 0, which need not be called.
    pub fn is_called(&self, task: usize) -> bool {
        let weight = self.plan.scenario.tasks.get(task).map_or(0, |task| task.weight);
        weight == 0 || self.made(task) > 0
    }

    /// Whether a task is one of this kind of users.
    fn is_of(&self, kind: usize, task: usize) -> bool {
        self.plan.scenario.tasks.get(task).is_some_and(|task| task.kind == kind)
    }

    /// Whether every task was called.
    pub fn all_called(&self) -> bool {
        (0..self.tasks.len()).all(|task| self.is_called(task))
    }

    /// The task with the fewest calls among those of these tasks that a user of this kind may
    /// call once more.
    pub fn fewest(&self, kind: usize, tasks: &[usize]) -> Option<usize> {
        let callable = tasks.iter().copied();
        let callable = callable.filter(|task| self.is_of(kind, *task) && self.may_call(*task));
        callable.min_by_key(|task| self.made(*task))
    }

    /// Whether a task may be called once more: below its `max_calls`, and not throttled.
    pub fn may_call(&self, task: usize) -> bool {
        let Some(described) = self.plan.scenario.tasks.get(task) else { return false };
        let Some(calls) = self.tasks.get(task) else { return false };
        let warmed = calls.warmed.load(Ordering::Relaxed) + u64::from(self.plan.warm_up_rounds);
        let all = self.made(task) + warmed;
        described.when == When::Deck
            && !calls.throttled.load(Ordering::Relaxed)
            && described.max_calls.is_none_or(|most| all < u64::from(most))
    }

    /// Whether the whole deck may still be dealt; without one of its tasks the mix would
    /// change.
    pub fn may_deal(&self) -> bool {
        let tasks = self.plan.scenario.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.weight > 0).all(|(index, _)| self.may_call(index))
    }

    fn made(&self, task: usize) -> u64 {
        self.tasks.get(task).map_or(0, |calls| calls.made.load(Ordering::Relaxed))
    }
}
