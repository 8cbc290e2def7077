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

impl Scope {
    /// The words of [`Scope::kind`].
    pub const KINDS: [&'static str; 5] = ["aggregate", "task", "group", "label", "login"];

    /// Which kind it is, as results name it.
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

    /// The scope of a kind and a name; `None` for a kind that is not known.
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
