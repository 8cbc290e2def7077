//! What a sample belongs to: the login, or a task in one phase of the run.

/// A task, by its index in the scenario.
pub type TaskId = usize;

/// The part of a run in which a task is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the window.
    WarmUp,
    /// In the planned window.
    Window,
    /// After the window, an extra request in the ordinary mix.
    ExtraMixed,
    /// After the window, an extra request for this task alone.
    ExtraTargeted,
}

/// What a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A task.
    Task(Phase, TaskId),
    /// The login.
    Login,
    /// The request that refreshes a token.
    Refresh,
}
