//! What a load engine tells while it works, and what it brings back, whichever engine
//! it is: whoever starts one knows this file, and not what is behind it.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::event::Progress;
use crate::measure::{FailureKind, Summary};

/// Whoever watches a load, and may end it. All calls come from the thread that started
/// the load.
pub trait Observer {
    /// A user was given a token: a secret, told before anything that may hold it.
    fn secret(&mut self, token: &str);

    /// Whether the load goes on; asked several times a second, from the first request
    /// of the first round on.
    fn goes_on(&mut self) -> bool;

    /// The first round is over: what each task answered before the clock starts. After
    /// a break the load does not begin.
    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()>;

    /// A second of the load went by.
    fn progress(&mut self, progress: Progress);
}

/// One task's first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAnswer {
    /// The task.
    pub task: String,
    /// Method and path.
    pub request: String,
    /// How long it took.
    pub latency: Duration,
    /// What failed, if something did.
    pub failure: Option<FirstFailure>,
}

/// Why a first answer was no good one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstFailure {
    /// Its kind.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// The beginning of the answer.
    pub answer: String,
}

/// A login that brought no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFailure {
    /// The user's number, from 1.
    pub user: u32,
    /// Whether the service refused for now (429).
    pub throttled: bool,
    /// What happened, with status and the service's own words.
    pub message: String,
}

/// What was measured.
#[derive(Clone, Debug)]
pub enum Measured {
    /// Every request was counted by our own engine.
    Exact(Box<Summary>),
}

/// How a load ended that had begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As planned.
    Complete,
    /// The observer stopped it.
    Aborted,
    /// A user could not log in.
    LoginFailed(LoginFailure),
    /// The engine itself failed: a defect.
    Defect(String),
}

/// What a load brought that had begun, however it ended.
#[derive(Clone, Debug)]
pub struct LoadOutcome {
    /// The measurements.
    pub measured: Measured,
    /// How it ended.
    pub ended: Ended,
}
