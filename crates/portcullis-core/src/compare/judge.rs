//! From pairs to a decision for each task: slower, not slower, faster, or undecided. Also
//! chooses the task of the next pair.

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
    /// The number of pairs after which no more are made to show that a task is faster.
    pub most_for_faster: usize,
}

/// The rule in use.
pub const POLICY: ComparisonPolicy = ComparisonPolicy {
    slower_margin: 1.05,
    cleared_margin: 1.10,
    alpha_slower: 0.01,
    alpha_cleared: 0.05,
    fewest_pairs: 10,
    most_for_faster: 300,
};

impl ComparisonPolicy {
    /// The margin of "faster": "slower", mirrored.
    pub fn faster_margin(&self) -> f64 {
        self.slower_margin.recip()
    }

    /// The rule and the design of its pairs in words. The text is hashed: a change of a single
    /// word makes it another rule, whose error rates are counted from zero. "Faster" is not in
    /// it, because it cannot change what is called slower: that is decided before.
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
    /// Faster than the base by more than the margin.
    Faster,
    /// Neither was shown.
    Undecided,
}

impl Decision {
    /// All decisions.
    pub const ALL: [Self; 4] = [Self::Slower, Self::NotSlower, Self::Faster, Self::Undecided];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::NotSlower => "not slower",
            Self::Faster => "faster",
            Self::Undecided => "undecided",
        }
    }
}

/// The test of one task.
#[derive(Clone, Debug)]
struct SequentialTest {
    xs: Vec<f64>,
    asked: usize,
    slower: Claim,
    cleared: Claim,
    faster: Claim,
    not_faster: Claim,
    decision: Decision,
    /// The number of ratios at the first decision.
    decided_by: Option<usize>,
    /// Whether the task can get more pairs.
    is_open: bool,
}

/// A claim on the centre of the ratios. Evidence that was once enough stays valid.
#[derive(Clone, Debug)]
struct Claim {
    score: Score,
    /// ln of what is enough.
    enough: f64,
    is_seen: bool,
}

impl Claim {
    fn new(score: Score, error: f64) -> Self {
        Self { score, enough: -error.ln(), is_seen: false }
    }

    fn add(&mut self, x: f64) {
        self.score.add(x);
        self.is_seen |= self.score.ln_evidence() >= self.enough;
    }
}

impl SequentialTest {
    fn add(&mut self, x: f64, fewest: usize) {
        self.xs.push(x);
        let all = [&mut self.slower, &mut self.cleared, &mut self.faster, &mut self.not_faster];
        all.into_iter().for_each(|evidence| evidence.add(x));
        if self.xs.len() < fewest {
            return;
        }
        // "Slower" and "not slower" are final: the pairs that follow can only show that the
        // task is faster.
        let before = self.decision;
        self.decision = match before {
            Decision::Undecided if self.slower.is_seen => Decision::Slower,
            Decision::Undecided | Decision::NotSlower if self.faster.is_seen => Decision::Faster,
            Decision::Undecided if self.cleared.is_seen => Decision::NotSlower,
            kept => kept,
        };
        if before == Decision::Undecided && self.decision != before {
            self.decided_by = Some(self.xs.len());
        }
    }

    /// Whether more pairs may show that a task that is not slower is faster. Any choice of when
    /// to stop is valid, so equal tasks stop at once.
    fn may_be_faster(&self, rule: ComparisonPolicy) -> bool {
        self.decision == Decision::NotSlower
            && !self.not_faster.is_seen
            && self.xs.len() < rule.most_for_faster
            && super::effect::median(&self.xs) < Some(rule.faster_margin().ln())
    }
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
        let all = tasks.max(1) as f64;
        let contest = SequentialTest {
            xs: Vec::new(),
            asked: 0,
            slower: Claim::new(Score::above(rule.slower_margin), rule.alpha_slower / all),
            cleared: Claim::new(Score::below(rule.cleared_margin), rule.alpha_cleared),
            faster: Claim::new(Score::below(rule.faster_margin()), rule.alpha_slower / all),
            not_faster: Claim::new(Score::above(rule.cleared_margin.recip()), rule.alpha_cleared),
            decision: Decision::Undecided,
            decided_by: None,
            is_open: true,
        };
        Self { rule, contests: vec![contest; tasks] }
    }

    /// The task of the next pair: the undecided one with the fewest pairs, a random one among
    /// equals. If all are decided, one that may be faster; `None` without one.
    pub fn next(&mut self, rng: &mut Rng) -> Option<usize> {
        let rule = self.rule;
        let chosen = self
            .fewest(rng, |contest| contest.decision == Decision::Undecided)
            .or_else(|| self.fewest(rng, |contest| contest.may_be_faster(rule)))?;
        self.contests.get_mut(chosen)?.asked += 1;
        Some(chosen)
    }

    fn fewest(&self, rng: &mut Rng, is_meant: impl Fn(&SequentialTest) -> bool) -> Option<usize> {
        let contests = self.contests.iter().enumerate();
        let open: Vec<(usize, usize)> = contests
            .filter(|(_, contest)| contest.is_open && is_meant(contest))
            .map(|(task, contest)| (task, contest.asked))
            .collect();
        let fewest = open.iter().map(|(_, asked)| *asked).min()?;
        let equals: Vec<usize> =
            open.into_iter().filter(|(_, asked)| *asked == fewest).map(|(task, _)| task).collect();
        equals.get(rng.below(equals.len() as u64) as usize).copied()
    }

    /// Adds a pair's ln(candidate / base), of two good answers. Evidence that is reached before
    /// the minimum number of pairs stays valid.
    pub fn add(&mut self, task: usize, x: f64) {
        let fewest = self.rule.fewest_pairs;
        if let Some(contest) = self.contests.get_mut(task).filter(|_| x.is_finite()) {
            contest.add(x, fewest);
        }
    }

    /// Gives up a task: no more pairs of it are made in this run.
    pub fn give_up(&mut self, task: usize) {
        if let Some(contest) = self.contests.get_mut(task) {
            contest.is_open = false;
        }
    }

    /// The decision on a task so far.
    pub fn decision(&self, task: usize) -> Decision {
        self.contests.get(task).map_or(Decision::Undecided, |contest| contest.decision)
    }

    /// The number of ratios of a task at its first decision.
    pub fn decided_by(&self, task: usize) -> Option<usize> {
        self.contests.get(task)?.decided_by
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
