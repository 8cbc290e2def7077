//! How often each task was called, and whether it may be called once more. Counters,
//! no locks: on the way of a request.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use portcullis_core::plan::LoadPlan;

/// The calls of a run, all workers together.
pub struct Calls<'a> {
    plan: &'a LoadPlan,
    tasks: Vec<TaskCalls>,
}

/// The calls of one task.
#[derive(Debug, Default)]
struct TaskCalls {
    /// In the window and after it.
    made: AtomicU64,
    /// In the warm-up.
    warmed: AtomicU64,
    /// Whether the service refused it for now: asking on would only be refused.
    throttled: AtomicBool,
}

impl<'a> Calls<'a> {
    /// No calls yet.
    pub fn new(plan: &'a LoadPlan) -> Self {
        let tasks = plan.scenario.tasks.iter().map(|_| TaskCalls::default()).collect();
        Self { plan, tasks }
    }

    /// Notes that a task is called.
    pub fn call(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.made.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that a task is called to warm up.
    pub fn warm_up(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.warmed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that the service refused a task for now.
    pub fn throttle(&self, task: usize) {
        if let Some(calls) = self.tasks.get(task) {
            calls.throttled.store(true, Ordering::Relaxed);
        }
    }

    /// Takes the first call of a task that had none; `None` when each had one.
    pub fn take_uncalled(&self) -> Option<usize> {
        let first = |calls: &TaskCalls| {
            calls.made.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let mut tasks = self.tasks.iter().enumerate();
        tasks.find(|(task, calls)| !self.is_called(*task) && first(calls)).map(|(task, _)| task)
    }

    /// Whether a task was called; one of weight 0 need not be.
    pub fn is_called(&self, task: usize) -> bool {
        let weight = self.plan.scenario.tasks.get(task).map_or(0, |task| task.weight);
        weight == 0 || self.made(task) > 0
    }

    /// Whether every task was called.
    pub fn all_called(&self) -> bool {
        (0..self.tasks.len()).all(|task| self.is_called(task))
    }

    /// Of these tasks the one with the fewest calls that may be called once more.
    pub fn fewest(&self, tasks: &[usize]) -> Option<usize> {
        let callable = tasks.iter().copied().filter(|task| self.may_call(*task));
        callable.min_by_key(|task| self.made(*task))
    }

    /// Whether a task may be called once more: the service's own limit is kept,
    /// and what it refused is left alone.
    pub fn may_call(&self, task: usize) -> bool {
        let Some(described) = self.plan.scenario.tasks.get(task) else { return false };
        let Some(calls) = self.tasks.get(task) else { return false };
        let warmed = calls.warmed.load(Ordering::Relaxed) + u64::from(self.plan.warm_up_rounds);
        let all = self.made(task) + warmed;
        !calls.throttled.load(Ordering::Relaxed)
            && described.max_calls.is_none_or(|most| all < u64::from(most))
    }

    /// Whether the deck may go on as it was: a task that is left out would change the
    /// mix.
    pub fn may_deal(&self) -> bool {
        let tasks = self.plan.scenario.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.weight > 0).all(|(index, _)| self.may_call(index))
    }

    fn made(&self, task: usize) -> u64 {
        self.tasks.get(task).map_or(0, |calls| calls.made.load(Ordering::Relaxed))
    }
}
