//! What all workers counted so far, and how the rules stand on it: whether the
//! load goes on after its window, for which tasks, and whether it ends before.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::judge::{Doubts, doubts};
use portcullis_core::measure::{Summary, TaskSummary};
use portcullis_core::plan::LoadPlan;

/// The watch of one run.
pub struct Watch<'a> {
    plan: &'a LoadPlan,
    looks_early: bool,
    counted: Mutex<Counted>,
    /// When the window was ended early, in nanoseconds after the run's start.
    ended_ns: AtomicU64,
    /// Calls of each task, the window's and those after it.
    calls: Vec<AtomicU64>,
    /// Those of the warm-up.
    warmed: Vec<AtomicU64>,
    /// Tasks that the service refused for now: asking on would only be refused.
    throttled: Vec<AtomicBool>,
    /// Requests after the window that rules in doubt asked for.
    extras: AtomicU64,
}

#[derive(Default)]
struct Counted {
    summary: Summary,
    doubts: Doubts,
    ended: Option<String>,
}

/// A summary of a plan's tasks before the first request.
fn uncounted(plan: &LoadPlan) -> Summary {
    let task = |task: &portcullis_core::scenario::Task| TaskSummary {
        name: task.name.clone(),
        group: task.group.clone(),
        label: task.request.label(),
        weight: task.weight,
        ..TaskSummary::default()
    };
    Summary {
        limits: plan.limits.clone(),
        tasks: plan.scenario.tasks.iter().map(task).collect(),
        ..Summary::default()
    }
}

/// Adds the counts of each task to what is known of it.
fn add_counts(known: &mut [TaskSummary], delta: &[TaskSummary]) {
    for (known, more) in known.iter_mut().zip(delta) {
        known.window.add(&more.window);
        known.continued.add(&more.continued);
        known.extension.add(&more.extension);
    }
}

/// A request after the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Of this task, for its own sake.
    Task(usize),
    /// Of whatever task comes next from the deck.
    Deck,
    /// None now; perhaps once what is under way has come back.
    Later,
    /// None any more.
    Never,
}

const NOT_ENDED: u64 = u64::MAX;
/// After the window each so-many-th request is of a task in doubt.
const OWN_TURN: u64 = 4;

impl<'a> Watch<'a> {
    /// A watch that has seen nothing yet.
    pub fn new(plan: &'a LoadPlan) -> Self {
        let tasks = &plan.scenario.tasks;
        Self {
            plan,
            looks_early: plan.until_sure || plan.rules.iter().any(|rule| rule.abort),
            counted: Mutex::new(Counted { summary: uncounted(plan), ..Counted::default() }),
            ended_ns: AtomicU64::new(NOT_ENDED),
            calls: tasks.iter().map(|_| AtomicU64::new(0)).collect(),
            warmed: tasks.iter().map(|_| AtomicU64::new(0)).collect(),
            throttled: tasks.iter().map(|_| AtomicBool::new(false)).collect(),
            extras: AtomicU64::new(0),
        }
    }

    /// Whether rules are looked at before the window is over.
    pub fn looks_early(&self) -> bool {
        self.looks_early
    }

    /// Whether the window may be followed by anything but what no task lacks.
    fn may_go_on(&self) -> bool {
        !self.plan.rules.is_empty() && self.plan.longest > self.plan.window
    }

    /// Adds what a worker counted since it last told.
    pub fn tell(&self, delta: &[TaskSummary]) {
        add_counts(&mut self.lock().summary.tasks, delta);
    }

    /// A copy of what was counted, to be looked at without holding up the workers.
    pub fn counts(&self) -> Summary {
        self.lock().summary.clone()
    }

    /// Looks how the rules stand. `measured` is how far the window has come.
    pub fn look(&self, measured: Duration) {
        let mut counted = self.lock();
        if !self.may_go_on() && !self.looks_early() {
            return;
        }
        counted.doubts = doubts(&counted.summary, &self.plan.rules);
        if measured < self.plan.window && self.each_answered(&counted.summary) {
            let doubts = &counted.doubts;
            let abort = doubts.aborting.iter().find(|(_, after)| measured >= *after);
            let why = match abort {
                Some((rule, _)) => Some(format!("{rule} is surely violated")),
                None if self.plan.until_sure && doubts.is_decided => {
                    Some("every threshold is decided".to_owned())
                }
                None => None,
            };
            if let Some(why) = why {
                counted.ended.get_or_insert(why);
                self.end_at(self.plan.opens() + measured);
            }
        }
    }

    fn each_answered(&self, summary: &Summary) -> bool {
        summary.tasks.iter().all(|task| task.weight == 0 || task.window.requests > 0)
    }

    /// When the window closes: as planned, or when it was ended early.
    pub fn closes(&self) -> Duration {
        match self.ended_ns.load(Ordering::Relaxed) {
            NOT_ENDED => self.plan.closes(),
            ns => self.plan.closes().min(Duration::from_nanos(ns)),
        }
    }

    /// Why the window was ended early, if it was.
    pub fn ended(&self) -> Option<String> {
        self.lock().ended.clone()
    }

    /// Notes that a task is called.
    pub fn call(&self, task: usize) {
        if let Some(calls) = self.calls.get(task) {
            calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that a task is called to warm up.
    pub fn warm_up(&self, task: usize) {
        if let Some(warmed) = self.warmed.get(task) {
            warmed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The window ends at a moment of the run, earlier than planned.
    pub fn end_at(&self, moment: Duration) {
        let at = u64::try_from(moment.as_nanos()).unwrap_or(NOT_ENDED);
        self.ended_ns.fetch_min(at, Ordering::Relaxed);
    }

    /// Notes that the service refused a task for now.
    pub fn throttle(&self, task: usize) {
        if let Some(throttled) = self.throttled.get(task) {
            throttled.store(true, Ordering::Relaxed);
        }
    }

    fn is_called(&self, task: usize) -> bool {
        let weight = self.plan.scenario.tasks.get(task).map_or(0, |task| task.weight);
        weight == 0 || self.calls.get(task).is_none_or(|calls| calls.load(Ordering::Relaxed) > 0)
    }

    /// Whether every task was called.
    pub fn all_called(&self) -> bool {
        (0..self.calls.len()).all(|task| self.is_called(task))
    }

    /// What the load goes on for, in words.
    pub fn goes_on_for(&self) -> Vec<String> {
        let tasks = self.plan.scenario.tasks.iter().enumerate();
        let uncalled = tasks.filter(|(index, _)| !self.is_called(*index));
        let uncalled = uncalled.map(|(_, task)| task.name.clone());
        uncalled.chain(self.lock().doubts.in_doubt.iter().cloned()).collect()
    }

    /// Whether a task may be called once more: the service's own limit is kept,
    /// and what it refused is left alone.
    pub fn may_call(&self, task: usize) -> bool {
        let Some(described) = self.plan.scenario.tasks.get(task) else { return false };
        let throttled = self.throttled.get(task).is_some_and(|t| t.load(Ordering::Relaxed));
        let count = |of: &[AtomicU64]| of.get(task).map_or(0, |n| n.load(Ordering::Relaxed));
        let calls = count(&self.calls) + count(&self.warmed) + u64::from(self.plan.warm_up_rounds);
        !throttled && described.budget.is_none_or(|most| calls < u64::from(most))
    }

    /// Whether the deck may go on as it was: a task that is left out would change the
    /// mix.
    fn may_deal(&self) -> bool {
        let tasks = self.plan.scenario.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.weight > 0).all(|(index, _)| self.may_call(index))
    }

    /// The request that comes after the window, if there is one. Tasks without a
    /// request come first. Then every fourth is of a task in doubt for its own sake,
    /// and the others come from the deck: alone, a task would be measured under
    /// another load than the window's.
    pub fn extra(&self, elapsed: Duration) -> Extra {
        if elapsed >= self.plan.opens() + self.plan.longest {
            return Extra::Never;
        }
        for (task, calls) in self.calls.iter().enumerate() {
            let first = || calls.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed);
            if !self.is_called(task) && first().is_ok() {
                return Extra::Task(task);
            }
        }
        let doubts = &self.lock().doubts;
        let doubtful = doubts.doubtful_tasks.iter().copied().filter(|task| self.may_call(*task));
        let fewest = doubtful.min_by_key(|task| self.calls[*task].load(Ordering::Relaxed));
        let may_deal = self.may_deal();
        let is_asked = fewest.is_some() || doubts.doubtful_mix && may_deal;
        if !is_asked || !self.is_due(elapsed) {
            return Extra::Later;
        }
        let turn = self.extras.fetch_add(1, Ordering::Relaxed);
        match fewest {
            Some(task) if !may_deal || turn.is_multiple_of(OWN_TURN) => {
                self.call(task);
                Extra::Task(task)
            }
            _ => Extra::Deck,
        }
    }

    /// Users of an open load have no waits of their own: after the window they
    /// keep its last rate.
    fn is_due(&self, elapsed: Duration) -> bool {
        let Some(rate) = self.plan.model.last_rate() else { return true };
        let since = elapsed.saturating_sub(self.closes()).as_secs_f64();
        (self.extras.load(Ordering::Relaxed) as f64) < since * rate + 1.0
    }

    /// Whether the load goes on after its window, as things stand.
    pub fn goes_on(&self, elapsed: Duration) -> bool {
        if elapsed >= self.plan.opens() + self.plan.longest {
            return false;
        }
        let doubts = &self.lock().doubts;
        let callable = doubts.doubtful_tasks.iter().any(|task| self.may_call(*task));
        let asked = callable || doubts.doubtful_mix && self.may_deal();
        !self.all_called() || self.may_go_on() && asked
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
