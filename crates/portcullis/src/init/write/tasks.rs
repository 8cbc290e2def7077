//! Routes that become tasks, and why the others do not.

use crate::init::probe::{Query, Route, Seen};

/// More tasks than this are not written.
const MOST: usize = 20;

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name, unique.
    pub name: String,
    /// `list` or `detail`, if it is one.
    pub group: Option<&'static str>,
    /// How often it is called.
    pub weight: u32,
    /// Its path, with `{{ name }}` for a parameter.
    pub path: String,
    /// The query that it needs.
    pub query: Vec<(String, String)>,
    /// A query of GraphQL, which is sent with POST.
    pub graphql: Option<String>,
    /// Values of its parameter.
    pub values: Vec<(String, Vec<serde_json::Value>)>,
    /// The dotted path of a list that must not be empty.
    pub array: Option<String>,
    /// What is to be known about it.
    pub note: Option<String>,
}

/// The tasks of a project: routes that answered with data.
pub fn tasks(seen: &Seen) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    let health = seen.health.as_deref();
    let good: Vec<&Route> = seen.routes.iter().filter(|route| reason(route).is_none()).collect();
    // The health check alone is no load, unless there is nothing else.
    let only_health = good.iter().all(|route| Some(route.path.as_str()) == health);
    for route in good {
        let is_health = Some(route.path.as_str()) == health && is_check(&route.path);
        let is_index = route.view.ends_with("APIRootView");
        let is_graphql = seen.graphql.iter().any(|query| query.path == route.path);
        if (is_health || is_index || is_graphql) && !only_health || tasks.len() == MOST {
            continue;
        }
        tasks.push(task(route, &tasks));
    }
    for query in &seen.graphql {
        tasks.push(of_query(query, &tasks));
    }
    if tasks.is_empty()
        && let Some(path) = health
    {
        tasks.push(plain("health", path));
    }
    tasks
}

/// A task that asks for a path and nothing else.
fn plain(name: &str, path: &str) -> Task {
    Task {
        name: name.to_owned(),
        group: None,
        weight: 1,
        path: path.to_owned(),
        query: Vec::new(),
        graphql: None,
        values: Vec::new(),
        array: None,
        note: None,
    }
}

fn of_query(query: &Query, others: &[Task]) -> Task {
    let is_filled = query.items.is_some_and(|items| items > 0);
    let note = (query.items == Some(0))
        .then(|| "the list was empty: fill it in the seed, then add a check".to_owned());
    Task {
        graphql: Some(query.query.clone()),
        array: query.array.clone().filter(|_| is_filled),
        note,
        ..plain(&unique(&format!("graphql_{}", query.name), others), &query.path)
    }
}

/// A task to begin with, if nothing is known of the project's routes.
pub fn placeholder() -> Task {
    let note = Some("replace this by the paths of your service".to_owned());
    Task { note, ..plain("root", "/") }
}

/// Whether a path is a health check by its name.
fn is_check(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["health", "ready", "live", "ping", "heartbeat"].iter().any(|word| path.contains(word))
}

/// Why a route is not a task; `None` if it can be one.
fn reason(route: &Route) -> Option<String> {
    let answer = &route.answer;
    match (&answer.error, answer.status) {
        (Some(error), _) => Some(format!("it raised {error}")),
        (None, 200..=299) => None,
        (None, 401 | 403) => Some(format!("it answered {}: it needs a login", answer.status)),
        (None, 301 | 302 | 303 | 307 | 308) => {
            Some(format!("it answered {}: it redirects, perhaps to a login", answer.status))
        }
        (None, 405) => Some("it has no GET".to_owned()),
        (None, status) => Some(format!("it answered {status}")),
    }
}

/// Routes that are no tasks, each with its reason.
pub fn left_out(seen: &Seen) -> Vec<String> {
    let of_answer = seen
        .routes
        .iter()
        .filter_map(|route| Some(format!("GET {}: {}", route.path, reason(route)?)));
    let good = seen.routes.iter().filter(|route| reason(route).is_none()).count();
    let many = good.checked_sub(MOST).filter(|more| *more > 0);
    of_answer
        .chain(seen.skipped.iter().map(|skipped| format!("{}: {}", skipped.path, skipped.why)))
        .chain(many.map(|more| format!("{more} more routes: {MOST} tasks are enough to begin")))
        .collect()
}

fn task(route: &Route, others: &[Task]) -> Task {
    let answer = &route.answer;
    let is_list = answer.array.is_some() && route.values.is_none();
    let group = if is_list { Some("list") } else { route.values.as_ref().map(|_| "detail") };
    let mut path = route.path.clone();
    let mut values = Vec::new();
    for (name, choices) in route.values.iter().flatten() {
        path = path.replace(&format!("<{name}>"), &format!("{{{{ {name} }}}}"));
        values.push((name.clone(), choices.clone()));
    }
    let (array, note) = match (&answer.array, answer.items) {
        (Some(array), Some(1..)) if is_list => (Some(array.clone()), None),
        (Some(_), _) if is_list => {
            (None, Some("the list was empty: fill it in the seed, then add a check".to_owned()))
        }
        _ => (None, None),
    };
    Task {
        group,
        weight: if is_list { 3 } else { 1 },
        query: route.query.clone().into_iter().collect(),
        values,
        array,
        note,
        ..plain(&unique(&name(route), others), &path)
    }
}

/// A name from the project's own name of the route, else from its path.
fn name(route: &Route) -> String {
    let words = route.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| {
        let path = route.path.replace(['<', '>'], "");
        let path = path.trim_matches('/').to_owned();
        if path.is_empty() { "root".to_owned() } else { path }
    });
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = words.chars().map(plain).collect();
    let name = name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    // These names have a meaning of their own.
    match name.as_str() {
        "" => "task".to_owned(),
        "aggregate" | "login" | "list" | "detail" => format!("get_{name}"),
        _ => name,
    }
}

fn unique(name: &str, others: &[Task]) -> String {
    let is_free = |name: &str| others.iter().all(|other| other.name != name);
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).unwrap_or_default()
}
