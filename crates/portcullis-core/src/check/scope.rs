//! The rows of a file that belong to a rule. Rows are named by URL or by a name of the
//! user; rules are about tasks.

use super::stated::{Stated, StatedRow};
use crate::scenario::{Scenario, Step, Task, labels, titles};
use crate::threshold::Scope;

/// The rows of one scope.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// At least one row; their requests are those of the scope.
    pub rows: Vec<&'a StatedRow>,
    /// The row of all requests, without the requests of `left_out`.
    pub whole: Option<&'a StatedRow>,
    /// A row that is not part of the scope: the login.
    pub left_out: Option<&'a StatedRow>,
}

impl<'a> Rows<'a> {
    /// A scope of whole rows.
    pub fn of(rows: Vec<&'a StatedRow>) -> Self {
        Self { rows, whole: None, left_out: None }
    }

    /// Requests, good and failed.
    pub fn requests(&self) -> u64 {
        self.rows.iter().map(|row| row.requests).sum()
    }

    /// Failed requests.
    pub fn failures(&self) -> u64 {
        self.rows.iter().map(|row| row.failures).sum()
    }

    /// Requests that did not fail.
    pub fn good(&self) -> u64 {
        self.rows.iter().map(|row| row.good()).sum()
    }

    /// Requests per second.
    pub fn per_s(&self) -> f64 {
        let summed = || self.rows.iter().map(|row| row.requests_per_s).sum();
        self.single().map_or_else(summed, |row| row.requests_per_s)
    }

    /// Mean bytes of a body.
    pub fn mean_body_bytes(&self) -> f64 {
        let summed = || {
            let bytes = |row: &&StatedRow| row.mean_body_bytes * row.requests as f64;
            self.rows.iter().map(bytes).sum::<f64>() / self.requests().max(1) as f64
        };
        self.single().map_or_else(summed, |row| row.mean_body_bytes)
    }

    /// The smallest set of rows whose figures add up to the scope.
    pub fn parts(&self) -> Vec<&'a StatedRow> {
        self.single().map_or_else(|| self.rows.clone(), |row| vec![row])
    }

    /// The single row with the whole scope, if there is one.
    pub fn single(&self) -> Option<&'a StatedRow> {
        match (self.whole, self.left_out) {
            (Some(whole), None) => Some(whole),
            _ => self.rows.first().filter(|_| self.rows.len() == 1).copied(),
        }
    }
}

/// The rows of a scope.
///
/// # Errors
/// The file does not separate the requests from others.
pub fn rows_of<'a>(
    file: &'a Stated,
    scope: &Scope,
    scenario: &Scenario,
) -> Result<Rows<'a>, String> {
    match scope {
        Scope::Aggregate => Ok(all(file, scenario)),
        Scope::Login => {
            let row = file.rows.iter().find(|row| is_login(row, scenario));
            row.map(|row| Rows::of(vec![row])).ok_or_else(|| no_login(scenario))
        }
        Scope::Task(name) => {
            let task = scenario.tasks.iter().find(|task| task.name == *name);
            let row = task.and_then(|task| row_of(file, task, scenario));
            row.map(|row| Rows::of(vec![row])).ok_or_else(|| no_rows(&[name]))
        }
        Scope::Label(label) => labelled(file, label, scenario),
        Scope::Group(_) => {
            let (rows, missing) = of_tasks(file, scope, scenario);
            match missing.is_empty() && !rows.is_empty() {
                true => Ok(Rows::of(rows.into_iter().map(|(_, row)| row).collect())),
                false => Err(no_rows(&missing)),
            }
        }
    }
}

/// The rows with this name, which is a URL unless the user gave another name, and the rows
/// of the tasks with this label. Each of these tasks must have a row.
fn labelled<'a>(file: &'a Stated, label: &str, scenario: &Scenario) -> Result<Rows<'a>, String> {
    let tasks: Vec<&Task> =
        scenario.tasks.iter().filter(|task| labels(&task.steps) == label).collect();
    let is_named = |row: &StatedRow, task: &Task| {
        let is_method = task.steps.iter().any(|step| step.request.method == row.method);
        is_method && (row.name == label || row.name == task.name)
    };
    let is_missing =
        |task: &&&Task| task.weight > 0 && !file.rows.iter().any(|row| is_named(row, task));
    let missing: Vec<&str> =
        tasks.iter().filter(is_missing).map(|task| task.name.as_str()).collect();
    if !missing.is_empty() {
        return Err(no_rows(&missing));
    }
    let is_of =
        |row: &&StatedRow| row.name == label || tasks.iter().any(|task| is_named(row, task));
    let rows: Vec<&StatedRow> = file.rows.iter().filter(is_of).collect();
    if rows.is_empty() { Err(format!("no row is named {label}")) } else { Ok(Rows::of(rows)) }
}

/// A task's name and its row.
pub type TaskRow<'a, 's> = (&'s str, &'a StatedRow);

/// The called tasks of a scope that have a row, and the names of those that have none.
pub fn of_tasks<'a, 's>(
    file: &'a Stated,
    scope: &Scope,
    scenario: &'s Scenario,
) -> (Vec<TaskRow<'a, 's>>, Vec<&'s str>) {
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for task in scenario.tasks.iter().filter(|task| task.weight > 0 && is_in(task, scope, scenario))
    {
        match row_of(file, task, scenario) {
            Some(row) => rows.push((task.name.as_str(), row)),
            None => missing.push(task.name.as_str()),
        }
    }
    (rows, missing)
}

/// Why tasks cannot be judged.
pub fn no_rows<N: AsRef<str>>(tasks: &[N]) -> String {
    let names: Vec<&str> = tasks.iter().map(AsRef::as_ref).collect();
    match names[..] {
        [] => "none of its tasks is called".to_owned(),
        _ => format!("no row has the name or the URL of {}", names.join(", ")),
    }
}

fn no_login(scenario: &Scenario) -> String {
    match scenario.logins().next() {
        Some(login) => format!("no row is named login or {}", titles(&login.steps)),
        None => "the scenario has no login".to_owned(),
    }
}

/// All requests without the login, because rules on all requests do not include it.
fn all<'a>(file: &'a Stated, scenario: &Scenario) -> Rows<'a> {
    let is_login_made = |row: &&StatedRow| row.requests > 0 && is_login(row, scenario);
    let left_out = file.rows.iter().find(is_login_made);
    let rows = file.rows.iter().filter(|row| !is_login(row, scenario)).collect();
    Rows { rows, whole: Some(&file.aggregate), left_out }
}

/// Whether a row belongs to the login.
pub fn is_login(row: &StatedRow, scenario: &Scenario) -> bool {
    scenario.logins().any(|login| is_of(row, "login", &login.steps))
}

fn is_in(task: &Task, scope: &Scope, scenario: &Scenario) -> bool {
    match scope {
        Scope::Group(name) => scenario.is_in_group(task, name),
        Scope::Task(name) => task.name == *name,
        Scope::Aggregate => true,
        Scope::Label(label) => labels(&task.steps) == *label,
        Scope::Login => false,
    }
}

/// The row of a task. A row that could belong to several tasks belongs to none.
fn row_of<'a>(file: &'a Stated, task: &Task, scenario: &Scenario) -> Option<&'a StatedRow> {
    let fits = |row: &&StatedRow| is_of(row, &task.name, &task.steps);
    let mut rows = file.rows.iter().filter(fits);
    let row = rows.next().filter(|_| rows.next().is_none())?;
    let others = scenario.tasks.iter().filter(|other| other.name != task.name);
    let is_shared = others.into_iter().any(|other| is_of(row, &other.name, &other.steps));
    (!is_shared).then_some(row)
}

/// Whether a row has this name, or the URL of a request that is always the same.
fn is_of(row: &StatedRow, name: &str, steps: &[Step]) -> bool {
    steps.iter().map(|step| &step.request).any(|request| {
        let query = request.query.iter().map(|(_, template)| template);
        let mut templates = std::iter::once(&request.path).chain(query);
        let is_fixed = templates.all(|template| template.names().next().is_none());
        row.method == request.method
            && (row.name == name || is_fixed && row.name == request.label())
    })
}
