//! From pairs to a decision for each task: slower, not slower, or undecided. Also chooses
//! the task of the next pair.

use std::time::Duration;

use super::score::{SLOPES, STAKES, Score};
use crate::rng::Rng;

/// The pause before the next request, because a server may still be busy with the last
/// answer (its log, its connection).
pub const GAP: Duration = Duration::from_millis(1);
/// The number of pairs before both servers move to another CPU: enough to keep caches warm,
/// few enough that the other load on one CPU does not decide a run.
pub const KEPT: usize = 50;

/// The constants of the rule. After a change, its error rates are counted from zero again,
/// because they are kept by the hash of the rule ([`POLICY`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComparisonPolicy {
    /// "Slower" is proven beyond this ratio.
    pub slower_margin: f64,
    /// "Not slower" is proven below this ratio.
    pub cleared_margin: f64,
    /// The error of "slower", over all tasks of a run.
    pub alpha_slower: f64,
    /// The error of "not slower" for each task.
    pub alpha_cleared: f64,
    /// The minimum number of pairs for a decision.
    pub fewest_pairs: usize,
}

/// The rule in use.
pub const POLICY: ComparisonPolicy = ComparisonPolicy {
    slower_margin: 1.05,
    cleared_margin: 1.10,
    alpha_slower: 0.01,
    alpha_cleared: 0.05,
    fewest_pairs: 10,
};

impl ComparisonPolicy {
    /// The rule and the design of its pairs in words. The text is hashed: a change of a single
    /// word makes it another rule, whose error rates are counted from zero.
    pub fn described(&self) -> String {
        format!(
            "the mean over a in {SLOPES:?} and L in {STAKES:?} of the product of 1 + L tanh(a (x - m)), \
             x = ln(candidate / base); slower: m = ln {}, at tasks/{}; not slower: m = ln {}, at \
             1/{}; at least {} pairs; one after the other in random order, both servers on one \
             processor that is drawn anew every {KEPT} pairs, {} ms between requests",
            self.slower_margin,
            self.alpha_slower,
            self.cleared_margin,
            self.alpha_cleared,
            self.fewest_pairs,
            GAP.as_millis()
        )
    }

    /// A short name of the rule: the FNV-1a hash (Fowler, Noll and Vo) of its description.
    pub fn hash(&self) -> String {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        format!("{:08x}", self.described().bytes().fold(2_166_136_261, step))
    }
}

/// The decision on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Slower than the base by more than the margin.
    Slower,
    /// Less than the other margin slower than the base.
    NotSlower,
    /// Neither was shown.
    Undecided,
}

impl Decision {
    /// All decisions.
    pub const ALL: [Self; 3] = [Self::Slower, Self::NotSlower, Self::Undecided];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::NotSlower => "not slower",
            Self::Undecided => "undecided",
        }
    }
}

/// The test of one task.
#[derive(Clone, Debug)]
struct SequentialTest {
    xs: Vec<f64>,
    asked: usize,
    slower: Score,
    cleared: Score,
    saw_slower: bool,
    saw_cleared: bool,
    /// Whether the task can get more pairs.
    is_open: bool,
}

/// The tests of all tasks.
#[derive(Clone, Debug)]
pub struct Judge {
    rule: ComparisonPolicy,
    contests: Vec<SequentialTest>,
}

impl Judge {
    /// A judge for this number of tasks.
    pub fn new(tasks: usize, rule: ComparisonPolicy) -> Self {
        let contest = SequentialTest {
            xs: Vec::new(),
            asked: 0,
            slower: Score::above(rule.slower_margin),
            cleared: Score::below(rule.cleared_margin),
            saw_slower: false,
            saw_cleared: false,
            is_open: true,
        };
        Self { rule, contests: vec![contest; tasks] }
    }

    /// The task of the next pair: the undecided one with the fewest pairs, a random one among
    /// equals; `None` if all are decided.
    pub fn next(&mut self, rng: &mut Rng) -> Option<usize> {
        let open = |task: &usize| {
            self.decision(*task) == Decision::Undecided
                && self.contests.get(*task).is_some_and(|contest| contest.is_open)
        };
        let open: Vec<usize> = (0..self.contests.len()).filter(open).collect();
        let fewest = open.iter().map(|task| self.contests[*task].asked).min()?;
        let equals: Vec<usize> =
            open.into_iter().filter(|task| self.contests[*task].asked == fewest).collect();
        let chosen = equals.get(rng.below(equals.len() as u64) as usize).copied()?;
        self.contests[chosen].asked += 1;
        Some(chosen)
    }

    /// Adds a pair's ln(candidate / base), of two good answers. Evidence that is reached before
    /// the minimum number of pairs stays valid.
    pub fn add(&mut self, task: usize, x: f64) {
        let rule = self.rule;
        let tasks = self.contests.len() as f64;
        let Some(contest) = self.contests.get_mut(task).filter(|_| x.is_finite()) else { return };
        contest.xs.push(x);
        contest.slower.add(x);
        contest.cleared.add(x);
        contest.saw_slower |= contest.slower.ln_evidence() >= (tasks / rule.alpha_slower).ln();
        contest.saw_cleared |= contest.cleared.ln_evidence() >= -rule.alpha_cleared.ln();
    }

    /// Gives up a task: no more pairs of it are made in this run.
    pub fn give_up(&mut self, task: usize) {
        if let Some(contest) = self.contests.get_mut(task) {
            contest.is_open = false;
        }
    }

    /// The decision on a task so far.
    pub fn decision(&self, task: usize) -> Decision {
        match self.contests.get(task) {
            Some(contest) if contest.xs.len() < self.rule.fewest_pairs => Decision::Undecided,
            Some(contest) if contest.saw_slower => Decision::Slower,
            Some(contest) if contest.saw_cleared => Decision::NotSlower,
            _ => Decision::Undecided,
        }
    }

    /// The logarithms of all ratios of a task, in the order of the pairs.
    pub fn ratios(&self, task: usize) -> &[f64] {
        self.contests.get(task).map_or(&[], |contest| contest.xs.as_slice())
    }

    /// Whether some task is slower already, so that the run will be red.
    pub fn any_slower(&self) -> bool {
        (0..self.contests.len()).any(|task| self.decision(task) == Decision::Slower)
    }
}
