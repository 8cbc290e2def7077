//! What a sample is of: the login, or a task in one of the phases of a run.

/// A task, by its place in the scenario.
pub type TaskId = usize;

/// The part of a run in which a task is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the window.
    WarmUp,
    /// In the planned window.
    Window,
    /// After the window, dealt from the deck as in it.
    ExtraMixed,
    /// After the window, for the task's own sake.
    ExtraTargeted,
}

/// What a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A task.
    Task(Phase, TaskId),
    /// The login.
    Login,
}
