//! Whose requests: all, those of a task, a group, a label, or the login.

use std::fmt;

/// Whose requests are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All tasks, without the login.
    Aggregate,
    /// One task.
    Task(String),
    /// The tasks of one group.
    Group(String),
    /// The tasks with one label: path and query with placeholders, exactly.
    Label(String),
    /// The login.
    Login,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregate => f.write_str("aggregate"),
            Self::Task(name) | Self::Group(name) | Self::Label(name) => f.write_str(name),
            Self::Login => f.write_str("login"),
        }
    }
}
