//! The `[scenario]` section: login, waits and tasks.

use std::collections::{HashMap, HashSet};

mod bodies;
mod extracts;
mod login;
mod steps;
#[cfg(test)]
mod tests;
mod users;
mod values;
mod waits;

use super::reader::{Problems, Reader, entries, integer, list, note, text};
use super::renamed;
use super::tree::{self, Node, Value};
use crate::scenario::{
    DataFile, NamedValues, Order, Part, Scenario, Task, Template, UserKind, When, is_name, turns,
};
use crate::text::{is_secret_name, nearest};
use login::login;
use steps::{Around, Names, check_names, step, steps};
use users::{Written, callers, check_tasks, users};
use values::{files, values};
pub use waits::drop_default_wait;
use waits::{wait, wait_of};

/// Well-known methods; another one must not be a mistyped one of these.
const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

type Headers = Vec<(String, Template)>;

/// Decodes the section; `None`, with problems, if it is missing.
pub fn decode(section: Option<Reader<'_>>, problems: &mut Problems) -> Option<Scenario> {
    let mut section = section?;
    let wait = wait(section.table("wait", problems), problems);
    let headers = headers(&mut section, problems);
    let shared = section.optional("values").map(|node| values(node, problems)).unwrap_or_default();
    let files = section.optional("data").map(|node| files(node, problems)).unwrap_or_default();
    let items = section.optional("task").map_or(&[][..], nodes);
    let is_set_up = |task: &Node| is_at(task, When::SetUp);
    let per_run = extracted_names(items.iter().filter(|task| is_set_up(task)));
    let around = Around { headers: &headers, values: &shared, given: &per_run };
    let login = section
        .optional("login")
        .and_then(|node| login(node, "scenario.login", &around, &files, problems));
    let usual = UserKind { name: None, weight: 1, login, wait };
    let kinds = section.optional("user");
    let written =
        kinds.map(|node| users(node, &usual, (&around, &files), problems)).unwrap_or_default();
    let mut tasks: Vec<Task> = Vec::new();
    match section.optional("task") {
        None => note(problems, section.at(), "the scenario has no [[scenario.task]]"),
        Some(node) => {
            let items = list(node, "scenario.task", problems);
            if let Some(kinds) = kinds.filter(|_| !written.is_empty()) {
                check_tasks(kinds, items, &written, problems);
            }
            // What each kind extracts at its start.
            let started = |kind: usize| {
                let calls =
                    |task: &&Node| written.is_empty() || callers(task, &written).contains(&kind);
                let at_start = items.iter().filter(|task| is_at(task, When::OnStart));
                extracted_names(at_start.filter(calls))
            };
            let started: Vec<Vec<String>> = (0..written.len().max(1)).map(started).collect();
            let mut names = HashSet::new();
            for item in items {
                let before = tasks.len();
                tasks_of(
                    item,
                    &started,
                    (&around, &files),
                    (&usual, &written),
                    &mut tasks,
                    problems,
                );
                for task in tasks.iter().skip(before) {
                    check_name(task, names.insert(task.name.clone()), item, problems);
                }
            }
            check_groups(&tasks, items, problems);
            // What the set-up extracts is for the tasks after it.
            tasks.sort_by_key(|task| task.when != When::SetUp);
            if tasks.iter().all(|task| task.weight == 0) {
                note(problems, node.at, "all weights are 0: no task would be called");
            }
            for (index, kind) in written.iter().enumerate() {
                let mut own = tasks.iter().filter(|task| task.kind == index);
                if own.all(|task| task.weight == 0) {
                    let name = kind.kind.name.as_deref().unwrap_or_default();
                    note(problems, node.at, format!("the users \"{name}\" have no task to call"));
                }
            }
        }
    }
    let order = order(&mut section, problems);
    let cookies = section.flag("cookies", problems);
    section.finish(problems);
    let users = match written.is_empty() {
        true => vec![usual],
        false => written.into_iter().map(|written| written.kind).collect(),
    };
    let weights: Vec<u32> = users.iter().map(|users| users.weight).collect();
    Some(Scenario { turns: turns(&weights), users, order, tasks, files, cookies })
}

/// Reads a task, once for each kind of users that calls it. A task of several kinds has a row
/// for each of them, such as `list.reader`, and these rows are a group.
fn tasks_of(
    item: &Node,
    started: &[Vec<String>],
    (around, files): (&Around<'_>, &[DataFile]),
    (usual, written): (&UserKind, &[Written]),
    tasks: &mut Vec<Task>,
    problems: &mut Problems,
) {
    let extracted = |kind: &UserKind| -> Vec<String> {
        kind.login.iter().flat_map(|login| login.extracts()).map(str::to_owned).collect()
    };
    if is_per_run(item) {
        // Called by no user, so without what a login extracts.
        tasks.push(task(item, around, (&[], &[], files), problems));
        return;
    }
    if written.is_empty() {
        tasks.push(task(
            item,
            around,
            (&extracted(usual), started.first().map_or(&[][..], Vec::as_slice), files),
            problems,
        ));
        return;
    }
    let kinds = callers(item, written);
    for kind in &kinds {
        let Some(Written { kind: users, .. }) = written.get(*kind) else { continue };
        let own = (&extracted(users)[..], started.get(*kind).map_or(&[][..], Vec::as_slice), files);
        let mut task = task(item, around, own, problems);
        task.kind = *kind;
        if kinds.len() > 1 {
            let whole = task.name.clone();
            task.name = format!("{whole}.{}", users.name.as_deref().unwrap_or_default());
            task.group.get_or_insert(whole);
        }
        tasks.push(task);
    }
}

/// Whether a task is called once per run, before it is read.
fn is_per_run(task: &Node) -> bool {
    When::ALL.into_iter().any(|when| when.is_per_run() && is_at(task, when))
}

/// The items of a list, or none.
fn nodes(list: &Node) -> &[Node] {
    if let Value::List(items) = &list.value { items } else { &[] }
}

/// Whether a task is called at this time, before it is read.
fn is_at(task: &Node, when: When) -> bool {
    users::word(task, "when") == Some(when.name())
}

/// The names that tasks extract, before they are read.
fn extracted_names<'n>(tasks: impl Iterator<Item = &'n Node>) -> Vec<String> {
    let names = |node: &Node| match tree::get(node, "extract").map(|node| &node.value) {
        Some(Value::Table(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        _ => Vec::new(),
    };
    let of_task = |task: &Node| {
        let mut all: Vec<String> = names(task);
        if let Some(Value::List(steps)) = tree::get(task, "step").map(|node| &node.value) {
            all.extend(steps.iter().flat_map(names));
        }
        all
    };
    tasks.flat_map(of_task).collect()
}

fn when(section: &mut Reader<'_>, problems: &mut Problems) -> When {
    let at = section.optional("when").map_or(section.at(), |node| node.at);
    let Some(written) = section.optional_text("when", problems) else { return When::Deck };
    let known = When::ALL.into_iter().find(|when| when.name() == written);
    if known.is_none() {
        let names = When::ALL.map(When::name);
        let near = nearest(&written, names);
        let message =
            format!("scenario.task.when = \"{written}\": expected {}{near}", names.join(", "));
        note(problems, at, message);
    }
    known.unwrap_or_default()
}

fn check_name(task: &Task, is_new: bool, item: &Node, problems: &mut Problems) {
    if !may_name(&task.name) {
        let message =
            format!("\"{}\" is not a valid task name: use letters, digits, _ - .", task.name);
        note(problems, item.at, message);
    }
    if !is_new {
        note(problems, item.at, format!("two tasks are named \"{}\"", task.name));
    }
}

/// Whether a task or a group may have this name; rules must be able to use it.
fn may_name(text: &str) -> bool {
    is_name(text) && !["aggregate", "login"].contains(&text)
}

fn check_groups(tasks: &[Task], items: &[Node], problems: &mut Problems) {
    let groups: HashSet<&str> = tasks.iter().filter_map(|task| task.group.as_deref()).collect();
    let names = items.iter().filter_map(|item| Some((users::word(item, "name")?, item)));
    let places: HashMap<&str, &Node> = names.collect();
    for task in tasks {
        let place = places.get(task.name.as_str()).copied();
        let Some(item) = place.or(items.first()) else { continue };
        if let Some(group) = task.group.as_deref().filter(|group| !may_name(group)) {
            let message = format!(
                "\"{group}\" is not a valid group name: use letters, digits, _ - \
                                   ."
            );
            note(problems, item.at, message);
        }
        if groups.contains(task.name.as_str()) {
            note(
                problems,
                item.at,
                format!("\"{}\" is the name of both a task and a group", task.name),
            );
        }
    }
}

fn order(section: &mut Reader<'_>, problems: &mut Problems) -> Order {
    let at = section.optional("order").map_or(section.at(), |node| node.at);
    match section.text("order", problems).as_str() {
        "deck" | "" => Order::Deck,
        "independent" => Order::Independent,
        other => {
            let near = nearest(other, ["deck", "independent"]);
            note(problems, at, format!("scenario.order = \"{other}\": unknown order{near}"));
            Order::Deck
        }
    }
}

fn template(written: &str, node: &Node, path: &str, problems: &mut Problems) -> Template {
    // A password may contain braces.
    if let Value::FromEnvironment(text) = &node.value {
        return Template(vec![Part::Text(text.clone())]);
    }
    Template::parse(written).unwrap_or_else(|why| {
        // A header or a body can contain a secret; the position says which text it is.
        let why = if path.ends_with(".path") { why.to_string() } else { why.without_text() };
        note(problems, node.at, format!("{path}: {why}"));
        Template::default()
    })
}

fn headers(section: &mut Reader<'_>, problems: &mut Problems) -> Headers {
    let path = section.path_of("headers");
    let Some(node) = section.optional("headers") else { return Vec::new() };
    let (mut headers, mut names) = (Vec::new(), HashSet::new());
    for entry in entries(node, &path, problems) {
        let Some(value) = text(&entry.node, &path, problems) else { continue };
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if entry.key.is_empty() || !entry.key.chars().all(token) {
            note(problems, entry.at, format!("\"{}\" is not a valid header name", entry.key));
        } else if value.chars().any(|c| c.is_control()) {
            note(problems, entry.node.at, format!("{path}.{} has a control character", entry.key));
        } else if ["host", "content-length", "transfer-encoding", "connection"]
            .contains(&entry.key.to_ascii_lowercase().as_str())
        {
            note(problems, entry.at, format!("the header {} is set by the engine", entry.key));
        } else {
            // Header names are case-insensitive: the last one wins.
            if !names.insert(entry.key.to_ascii_lowercase()) {
                headers.retain(|(name, _): &(String, _)| !name.eq_ignore_ascii_case(&entry.key));
            }
            headers.push((entry.key.clone(), template(&value, &entry.node, &path, problems)));
        }
    }
    headers
}

/// Fields of `own` override those of `shared`, ignoring case.
fn merged(shared: &Headers, own: Headers) -> Headers {
    let replaced = |name: &str| own.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut all: Headers = shared.iter().filter(|(name, _)| !replaced(name)).cloned().collect();
    all.extend(own);
    all
}

fn method(section: &mut Reader<'_>, default: &str, problems: &mut Problems) -> String {
    let at = section.optional("method").map_or(section.at(), |node| node.at);
    let method = section.optional_text("method", problems).unwrap_or_else(|| default.to_owned());
    if !METHODS.contains(&method.as_str()) {
        let near = nearest(&method, METHODS);
        let is_token = !method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase());
        if !near.is_empty() || !is_token || method == "CONNECT" {
            note(problems, at, format!("unknown method \"{method}\"{near}"));
        }
    }
    method
}

fn path(section: &mut Reader<'_>, key: &'static str, problems: &mut Problems) -> Template {
    let title = section.path_of(key);
    let Some(node) = section.required(key, problems) else { return Template::default() };
    let Some(written) = text(node, &title, problems) else { return Template::default() };
    if let Some((before, query)) =
        written.split_once('?').filter(|(before, _)| before.starts_with('/'))
    {
        let message = format!(
            "{title} = \"{written}\": write the parameters into query: path = \"{before}\", query = \
             {{ {} }}",
            parameters(query)
        );
        note(problems, node.at, message);
        return Template::default();
    }
    let plain = |c: char| c.is_ascii_graphic() && !"?#".contains(c) || "{} ".contains(c);
    if !written.starts_with('/') || !written.chars().all(plain) {
        let message = format!("{title} = \"{written}\" must begin with / and be percent-encoded");
        note(problems, node.at, message);
    }
    let template = template(&written, node, &title, problems);
    let spaced = |part: &Part| match part {
        Part::Text(text) => text.contains(' '),
        Part::Value(_) => false,
    };
    if template.0.iter().any(spaced) {
        note(problems, node.at, format!("{title} = \"{written}\" contains a space"));
    }
    template
}

/// The parameters of a URL as a table in TOML: `a = "1", b = "2"`.
fn parameters(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = if is_secret_name(name) { "…" } else { value };
        format!("{name} = \"{value}\"")
    };
    pairs.map(pair).collect::<Vec<_>>().join(", ")
}

fn accept(section: &mut Reader<'_>, problems: &mut Problems) -> Vec<u16> {
    let title = section.path_of("accept");
    let Some(node) = section.optional("accept") else { return vec![200] };
    let statuses: Vec<u16> = list(node, &title, problems)
        .iter()
        .filter_map(|item| integer(item, &title, 100..=599, problems))
        .filter_map(|status| u16::try_from(status).ok())
        .collect();
    if statuses.is_empty() {
        note(problems, node.at, format!("{title} must list at least one status"));
    }
    statuses
}

fn task(
    node: &Node,
    around: &Around<'_>,
    (extracted, started, files): (&[String], &[String], &[DataFile]),
    problems: &mut Problems,
) -> Task {
    let mut section = Reader::new(node, "scenario.task", problems);
    let name = section.text("name", problems);
    let group = section.optional_text("group", problems);
    let max_calls = renamed::either(&mut section, renamed::MAX_CALLS).and_then(|(key, node)| {
        let path = format!("scenario.task.{key}");
        let most = integer(node, &path, 1..=1_000_000_000, problems);
        most.and_then(|most| u32::try_from(most).ok())
    });
    let written = section.optional("weight");
    let weight = written
        .map_or(Some(1), |node| integer(node, "scenario.task.weight", 0..=100_000, problems));
    let when = when(&mut section, problems);
    if let Some(node) = written.filter(|_| when != When::Deck) {
        let message = format!("a task with when = \"{}\" has no weight", when.name());
        note(problems, node.at, message);
    }
    let mut all: NamedValues =
        section.optional("values").map(|node| values(node, problems)).unwrap_or_default();
    let own: HashSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let is_inherited = |(name, _): &&(String, _)| !own.contains(name.as_str());
    let inherited: NamedValues = around.values.iter().filter(is_inherited).cloned().collect();
    all.extend(inherited);
    let steps = match section.optional("step") {
        None => vec![step(&mut section, &Around { values: &all, ..*around }, problems)],
        Some(_) => {
            let own = headers(&mut section, problems);
            let headers = merged(around.headers, own);
            steps(&mut section, &Around { headers: &headers, values: &all, ..*around }, problems)
        }
    };
    section.finish(problems);
    let given = if when == When::SetUp { &[] } else { around.given };
    let names = Names {
        owner: format!("task \"{name}\""),
        login: extracted,
        set_up: given,
        started: if when == When::OnStart { &[] } else { started },
        earlier: match when {
            When::SetUp => around.given,
            When::OnStart => started,
            _ => &[],
        },
        files,
    };
    check_names(&steps, std::iter::empty(), &mut all, &names, node, problems);
    // Not zero, so that a wrong weight is one problem, not two.
    let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
    let weight = if when == When::Deck { weight } else { 0 };
    Task { name, group, kind: 0, max_calls, weight, when, values: all, steps }
}
