//! Scopes: all requests, those of a task, a group or a label, or the login.

use std::fmt;

/// Before the name of a kind of users, where a rule names a group: `p95(user:reader)`.
pub const KIND_PREFIX: &str = "user:";

/// The requests that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All tasks, without the login.
    Aggregate,
    /// One task.
    Task(String),
    /// The tasks of one group.
    Group(String),
    /// The tasks with this exact label: path and query with placeholders.
    Label(String),
    /// The login.
    Login,
}

impl Scope {
    /// The names that [`Scope::kind`] returns.
    pub const KINDS: [&'static str; 5] = ["aggregate", "task", "group", "label", "login"];

    /// The kind of the scope, as in results.
    pub fn kind(&self) -> &'static str {
        let [aggregate, task, group, label, login] = Self::KINDS;
        match self {
            Self::Aggregate => aggregate,
            Self::Task(_) => task,
            Self::Group(_) => group,
            Self::Label(_) => label,
            Self::Login => login,
        }
    }

    /// The scope with a kind and a name; `None` for an unknown kind.
    pub fn of_kind(kind: &str, name: String) -> Option<Self> {
        let [task, group, label] =
            [Self::Task, Self::Group, Self::Label].map(|of| of(name.clone()));
        let all = [Self::Aggregate, task, group, label, Self::Login];
        all.into_iter().find(|scope| scope.kind() == kind)
    }
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
