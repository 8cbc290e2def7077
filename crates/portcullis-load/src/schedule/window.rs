//! The end of the window, and whether extra requests follow: the counts of all workers so
//! far, and the last decision of the controller.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::measure::{Summary, TaskSummary};
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{Task, labels};
use portcullis_core::steering::{RuleStatus, Steering, StopController};

use super::calls::Calls;

/// The window of one run.
pub struct Window<'a> {
    plan: &'a LoadPlan,
    controller: &'a dyn StopController,
    /// Whether the controller needs the counts at all.
    pub is_watched: bool,
    /// Whether the controller is asked before the window ends.
    pub may_end_early: bool,
    /// Whether extra requests may follow, other than the first call of a task.
    may_go_on: bool,
    counted: Mutex<Counted>,
    /// The time at which the window was ended early, in nanoseconds after the start of the run.
    ended_ns: AtomicU64,
    /// The number of extra requests that the controller asked for.
    extras: AtomicU64,
    /// Calls of each task.
    pub calls: Calls<'a>,
}

#[derive(Default)]
struct Counted {
    summary: Summary,
    steering: Steering,
    ended: Option<String>,
}

/// A summary of the plan's tasks before the first request.
fn uncounted(plan: &LoadPlan) -> Summary {
    let step =
        |task: &Task, name| TaskSummary { name, weight: task.weight, ..TaskSummary::default() };
    let task = |task: &Task| TaskSummary {
        name: task.name.clone(),
        group: task.group.clone(),
        user: plan.scenario.kind_name(task.kind).map(str::to_owned),
        label: labels(&task.steps),
        weight: task.weight,
        steps: task.step_rows().map(|(name, _)| step(task, name)).collect(),
        ..TaskSummary::default()
    };
    Summary {
        limits: plan.limits.clone(),
        tasks: plan.scenario.tasks.iter().map(task).collect(),
        ..Summary::default()
    }
}

/// Adds new counts to the known counts of each task.
fn add_counts(known: &mut [TaskSummary], delta: &[TaskSummary]) {
    for (known, more) in known.iter_mut().zip(delta) {
        known.window.add(&more.window);
        known.extra_mixed.add(&more.extra_mixed);
        known.extra_targeted.add(&more.extra_targeted);
        add_counts(&mut known.steps, &more.steps);
    }
}

/// An extra request after the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A targeted one, of this task.
    Task(usize),
    /// A mixed one, of the next task of the deck.
    Deck,
    /// None now; perhaps one when the requests under way have ended.
    Later,
    /// None any more.
    Never,
}

const NOT_ENDED: u64 = u64::MAX;
/// One in this many extra requests is a targeted one.
const OWN_TURN: u64 = 4;

impl<'a> Window<'a> {
    /// A window without counts.
    pub fn new(plan: &'a LoadPlan, controller: &'a dyn StopController) -> Self {
        Self {
            plan,
            controller,
            is_watched: controller.has_rules(),
            may_end_early: controller.may_stop_early(),
            may_go_on: controller.has_rules() && plan.longest > plan.window,
            counted: Mutex::new(Counted { summary: uncounted(plan), ..Counted::default() }),
            ended_ns: AtomicU64::new(NOT_ENDED),
            extras: AtomicU64::new(0),
            calls: Calls::new(plan),
        }
    }

    /// Adds the counts of a worker since its last call.
    pub fn tell(&self, delta: &[TaskSummary]) {
        add_counts(&mut self.lock().summary.tasks, delta);
    }

    /// The present status of the rules, evaluated without blocking the workers.
    pub fn status(&self) -> Vec<RuleStatus> {
        let counts = self.lock().summary.clone();
        self.controller.status(&counts)
    }

    /// Asks the controller for a decision. `measured` is the time since the start of the
    /// window.
    pub fn steer(&self, measured: Duration) {
        let mut counted = self.lock();
        if !self.may_go_on && !self.may_end_early {
            return;
        }
        counted.steering = self.controller.steer(&counted.summary, measured);
        if measured < self.plan.window
            && let Some(why) = counted.steering.stop.clone()
        {
            counted.ended.get_or_insert(why);
            self.end_at(self.plan.opens() + measured);
        }
    }

    /// The end of the window: the planned one, or an earlier one.
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

    /// Ends the window at this time of the run, and says why.
    pub fn end_for(&self, why: String, moment: Duration) {
        self.lock().ended.get_or_insert(why);
        self.end_at(moment);
    }

    /// Ends the window at this time of the run, before its planned end.
    pub fn end_at(&self, moment: Duration) {
        let at = u64::try_from(moment.as_nanos()).unwrap_or(NOT_ENDED);
        self.ended_ns.fetch_min(at, Ordering::Relaxed);
    }

    /// The tasks and rules for which the load continues, for messages.
    pub fn goes_on_for(&self) -> Vec<String> {
        let tasks = self.plan.scenario.tasks.iter().enumerate();
        let uncalled = tasks.filter(|(index, _)| !self.calls.is_called(*index));
        let uncalled = uncalled.map(|(_, task)| task.name.clone());
        uncalled.chain(self.lock().steering.needed_for.iter().cloned()).collect()
    }

    /// The next extra request of a user of this kind after the window, if there is one. Tasks that were not called
    /// come first. Then every fourth request is for a task in doubt, and the others come from
    /// the deck, because a task alone would be measured under another load than in the window.
    pub fn extra(&self, kind: usize, elapsed: Duration) -> Extra {
        if elapsed >= self.plan.opens() + self.plan.longest {
            return Extra::Never;
        }
        if let Some(task) = self.calls.take_uncalled(kind) {
            return Extra::Task(task);
        }
        let steering = &self.lock().steering;
        let fewest = self.calls.fewest(kind, &steering.tasks);
        let may_deal = self.calls.may_deal();
        let is_asked = fewest.is_some() || steering.mix && may_deal;
        if !is_asked || !self.is_due(elapsed) {
            return Extra::Later;
        }
        let turn = self.extras.fetch_add(1, Ordering::Relaxed);
        match fewest {
            Some(task) if !may_deal || turn.is_multiple_of(OWN_TURN) => {
                self.calls.call(task);
                Extra::Task(task)
            }
            _ => Extra::Deck,
        }
    }

    /// Whether the next extra request is due. Users of an open load have no waits, so extra
    /// requests keep its last rate.
    fn is_due(&self, elapsed: Duration) -> bool {
        let Some(rate) = self.plan.model.last_rate() else { return true };
        let since = elapsed.saturating_sub(self.closes()).as_secs_f64();
        (self.extras.load(Ordering::Relaxed) as f64) < since * rate + 1.0
    }

    /// Whether the load continues after its window, with the present decision.
    pub fn goes_on(&self, elapsed: Duration) -> bool {
        if elapsed >= self.plan.opens() + self.plan.longest {
            return false;
        }
        let steering = &self.lock().steering;
        let callable = steering.tasks.iter().any(|task| self.calls.may_call(*task));
        let asked = callable || steering.mix && self.calls.may_deal();
        !self.calls.all_called() || self.may_go_on && asked
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
