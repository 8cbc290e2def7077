//! The `[scenario]` section: login, waits and tasks.

use std::collections::HashSet;
use std::time::Duration;

use super::reader::{Problems, Reader, entries, integer, list, note, text};
use super::tree::{self, Node, Place, Value};
use super::{check, renamed, variables};
use crate::scenario::{
    Extract, Login, MAX_VALUES, Order, Part, RequestTemplate, Scenario, Step, TOKEN, Task,
    Template, Values, Wait, is_name,
};
use crate::text::{is_secret_name, nearest};

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/// The kinds of waits other than the default one, which has `min` and `max`.
const WAITS: [&str; 3] = ["constant", "exponential_mean", "pacing"];

type Headers = Vec<(String, Template)>;
type NamedValues = Vec<(String, Values)>;

/// Decodes the section; `None`, with problems, if it is missing.
pub fn decode(section: Option<Reader<'_>>, problems: &mut Problems) -> Option<Scenario> {
    let mut section = section?;
    let wait = wait(section.table("wait", problems), problems);
    let headers = headers(&mut section, problems);
    let shared = section.optional("values").map(|node| values(node, problems)).unwrap_or_default();
    let login = section.table("login", problems).map(|table| login(table, &headers, problems));
    let mut tasks: Vec<Task> = Vec::new();
    match section.optional("task") {
        None => note(problems, section.at(), "the scenario has no [[scenario.task]]"),
        Some(node) => {
            let mut names = HashSet::new();
            for item in list(node, "scenario.task", problems) {
                let task = task(item, &headers, &shared, problems);
                check_name(&task, names.insert(task.name.clone()), item, problems);
                tasks.push(task);
            }
            check_groups(&tasks, list(node, "scenario.task", &mut Vec::new()), problems);
            if tasks.iter().all(|task| task.weight == 0) {
                note(problems, node.at, "all weights are 0: no task would be called");
            }
        }
    }
    let order = order(&mut section, problems);
    section.finish(problems);
    Some(Scenario { login, wait, order, tasks })
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
    for (task, item) in tasks.iter().zip(items) {
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

fn wait(section: Option<Reader<'_>>, problems: &mut Problems) -> Wait {
    let Some(mut section) = section else { return Wait::Constant(Duration::ZERO) };
    let min = section.wait("min", problems).unwrap_or_default();
    let max = section.wait("max", problems).unwrap_or_default();
    if min > max {
        note(problems, section.at(), "scenario.wait: min is longer than max");
    }
    // The defaults set `min` and `max`; another kind in the user's file overrides them.
    let mut chosen: Vec<Wait> = Vec::new();
    for key in WAITS {
        if section.optional(key).is_none() {
            continue;
        }
        let kind = match key {
            "constant" => Wait::Constant,
            "exponential_mean" => Wait::Exponential,
            _ => Wait::Pacing,
        };
        chosen.extend(section.wait(key, problems).map(kind));
    }
    let written = ["min", "max"].iter().filter_map(|key| section.optional(key));
    let is_uniform = written.into_iter().any(|node| node.at != Place::Default);
    if chosen.len() + usize::from(is_uniform) > 1 {
        let message = "scenario.wait needs one of: min and max, constant, exponential_mean, \
                       pacing";
        note(problems, section.at(), message);
    }
    section.finish(problems);
    chosen.first().copied().unwrap_or(Wait::Uniform(min, max.max(min)))
}

/// Removes the default wait from a merged tree that has another kind of wait. It has no
/// effect, and would be a contradiction in the effective configuration.
pub fn drop_default_wait(tree: &mut Node) {
    let scenario = tree::find(tree, "scenario");
    let Some(wait) = scenario.and_then(|scenario| tree::find(scenario, "wait")) else { return };
    if let Value::Table(entries) = &mut wait.value
        && entries.iter().any(|entry| WAITS.contains(&entry.key.as_str()))
    {
        entries.retain(|entry| entry.at != Place::Default);
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
    let mut headers = Vec::new();
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
            headers.retain(|(name, _): &(String, _)| !name.eq_ignore_ascii_case(&entry.key));
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

fn values(node: &Node, problems: &mut Problems) -> NamedValues {
    let mut all = Vec::new();
    for entry in entries(node, "values", problems) {
        let path = format!("values.{}", entry.key);
        let value = match &entry.node.value {
            Value::List(items) if !items.is_empty() => {
                Values::List(items.iter().filter_map(|i| item(i, &path, problems)).collect())
            }
            Value::Table(_) => range(&entry.node, &path, problems),
            _ => {
                let message = format!("{path} must be a list or {{ from = 1, to = 10 }}");
                note(problems, entry.node.at, message);
                continue;
            }
        };
        if !is_name(&entry.key) {
            note(problems, entry.at, format!("\"{}\" is not a valid name for a value", entry.key));
        }
        if let Values::List(items) = &value
            && items.iter().any(|item| item.chars().any(char::is_control))
        {
            note(problems, entry.node.at, format!("{path} has a control character"));
        }
        all.push((entry.key.clone(), value));
    }
    all
}

fn item(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => text(node, path, problems),
    }
}

fn range(node: &Node, path: &str, problems: &mut Problems) -> Values {
    let mut section = Reader::new(node, path, problems);
    let from = section.integer("from", i64::MIN + 1..=i64::MAX, problems).unwrap_or(0);
    let to = section.integer("to", i64::MIN + 1..=i64::MAX, problems).unwrap_or(from);
    if from > to {
        note(problems, node.at, format!("{path}: from is greater than to"));
    }
    section.finish(problems);
    Values::Range(from, to.max(from))
}

fn method(section: &mut Reader<'_>, default: &str, problems: &mut Problems) -> String {
    let at = section.optional("method").map_or(section.at(), |node| node.at);
    let method = section.optional_text("method", problems).unwrap_or_else(|| default.to_owned());
    if !METHODS.contains(&method.as_str()) {
        let near = nearest(&method, METHODS);
        note(problems, at, format!("unknown method \"{method}\"{near}"));
    }
    method
}

fn path(section: &mut Reader<'_>, problems: &mut Problems) -> Template {
    let title = section.path_of("path");
    let Some(node) = section.required("path", problems) else { return Template::default() };
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

fn json(
    section: &mut Reader<'_>,
    values: &NamedValues,
    problems: &mut Problems,
) -> Option<Template> {
    let title = section.path_of("json");
    let node = section.optional("json")?;
    let Some(json) = super::text::to_json(node) else {
        note(problems, node.at, format!("{title}: JSON has no dates, infinity or nan"));
        return None;
    };
    let mut written = json.to_string();
    for text in variables::read(node).into_iter().filter(|text| text.contains("{{")) {
        // The same text in JSON, but no placeholder.
        let quoted = serde_json::Value::from(text).to_string();
        written = written.replace(&quoted, &quoted.replace('{', "\\u007b"));
    }
    // A JSON text that consists only of a whole-number value becomes a number.
    for (name, kind) in values {
        if matches!(kind, Values::Range(..)) {
            for spelt in [format!("\"{{{{ {name} }}}}\""), format!("\"{{{{{name}}}}}\"")] {
                written = written.replace(&spelt, &format!("{{{{ {name} }}}}"));
            }
        }
    }
    Some(template(&written, node, &title, problems))
}

fn login(mut section: Reader<'_>, shared: &Headers, problems: &mut Problems) -> Login {
    let at = section.at();
    let method = method(&mut section, "POST", problems);
    let path = path(&mut section, problems);
    let own = headers(&mut section, problems);
    let json = json(&mut section, &Vec::new(), problems);
    let accept = accept(&mut section, problems);
    let token = section.text("token", problems);
    let node = section.required("authorization", problems);
    let written = node.and_then(|node| text(node, "scenario.login.authorization", problems));
    let authorization = match (node, written) {
        (Some(node), Some(written)) => {
            let template = template(&written, node, "scenario.login.authorization", problems);
            if template.names().ne([TOKEN]) {
                let message = "scenario.login.authorization must contain {{ token }} once";
                note(problems, node.at, message);
            }
            template
        }
        _ => Template::default(),
    };
    let share = section.flag("shared", problems);
    section.finish(problems);
    let headers = merged(shared, own);
    let templates = std::iter::once(&path).chain(headers.iter().map(|(_, h)| h)).chain(&json);
    for name in templates.flat_map(Template::names) {
        note(problems, at, format!("the login cannot use values, but has \"{name}\""));
    }
    let request = RequestTemplate { method, path, query: Vec::new(), headers, json };
    let extract = vec![Extract { name: TOKEN.to_owned(), path: token }];
    let step = Step { request, accept, checks: Vec::new(), compares_shape: false, extract };
    Login { steps: vec![step], authorization, shared: share }
}

fn task(
    node: &Node,
    shared_headers: &Headers,
    shared_values: &NamedValues,
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
    let weight = section
        .optional("weight")
        .map_or(Some(1), |node| integer(node, "scenario.task.weight", 0..=100_000, problems));
    let own: NamedValues =
        section.optional("values").map(|node| values(node, problems)).unwrap_or_default();
    let mut values: NamedValues = own;
    for (name, value) in shared_values {
        if !values.iter().any(|(known, _)| known == name) {
            values.push((name.clone(), value.clone()));
        }
    }
    let method = method(&mut section, "GET", problems);
    let path = path(&mut section, problems);
    let query = query(&mut section, problems);
    let own_headers = headers(&mut section, problems);
    let json = json(&mut section, &values, problems);
    let accept = accept(&mut section, problems);
    let checks = check::checks(&mut section, problems);
    let compares_shape = section.optional("shape").is_none() || section.flag("shape", problems);
    section.finish(problems);
    let headers = merged(shared_headers, own_headers);
    let request = RequestTemplate { method, path, query, headers, json };
    // Not zero, so that a wrong weight is one problem, not two.
    let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
    let compares_shape = compares_shape && checks.iter().all(|check| check.is_soft);
    let step = Step { request, accept, checks, compares_shape, extract: Vec::new() };
    let mut task = Task { name, group, max_calls, weight, values, steps: vec![step] };
    check_values(&mut task, node, problems);
    task
}

fn query(section: &mut Reader<'_>, problems: &mut Problems) -> Vec<(String, Template)> {
    let title = section.path_of("query");
    let table = section.optional("query");
    let mut query = Vec::new();
    for (name, value, _) in section.pairs("query", problems) {
        if let Some(node) = table.and_then(|table| tree::get(table, &name)) {
            query.push((name, template(&value, node, &title, problems)));
        }
    }
    query
}

/// Checks that every placeholder has a value, and removes values that the task does not
/// use.
fn check_values(task: &mut Task, node: &Node, problems: &mut Problems) {
    let used: Vec<String> = task.templates().flat_map(Template::names).map(str::to_owned).collect();
    for name in &used {
        if !task.values.iter().any(|(known, _)| known == name) {
            let near = nearest(name, task.values.iter().map(|(known, _)| known.as_str()));
            let message = format!("task \"{}\": unknown value \"{name}\"{near}", task.name);
            note(problems, node.at, message);
        }
    }
    task.values.retain(|(name, _)| used.contains(name));
    if task.values.len() > MAX_VALUES {
        let message = format!("task \"{}\" uses more than {MAX_VALUES} values", task.name);
        note(problems, node.at, message);
    }
}
